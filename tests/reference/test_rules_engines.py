"""DuckDB and the slow interpreter agree on every rule and every household, missing facts included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.rules.check import Expression
from khana_methods.rules.compile import compile_count, compile_rules
from khana_methods.rules.reference import Situation, evaluate
from tests.reference.rule_trees import HOUSEHOLD, MEMBER, countries, rules

Country = tuple[list[dict[str, Any]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


def expected(rule: Expression, country: Country) -> list[Any]:
    """Return what the interpreter gives, household by household or person by person."""
    households, members = country
    of = {h["household_id"]: [m for m in members if m["household_id"] == h["household_id"]] for h in households}
    if rule.entity == "household":
        return [evaluate(rule.tree, Situation(h, of[h["household_id"]])) for h in households]
    by_id = {h["household_id"]: h for h in households}
    return [evaluate(rule.tree, Situation(by_id[m["household_id"]], of[m["household_id"]], m)) for m in members]


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    country=countries(),
    of_household=st.lists(rules("household"), min_size=1, max_size=3),
    of_person=st.lists(rules("person"), min_size=1, max_size=2),
)
def test_duckdb_equals_the_interpreter(
    engine: Engine, country: Country, of_household: list[Expression], of_person: list[Expression]
) -> None:
    households, members = country
    engine.register("household", pa.Table.from_pylist(households, schema=HOUSEHOLD))
    engine.register("member", pa.Table.from_pylist(members, schema=MEMBER))
    for key, group in (("household_id", of_household), ("person_id", of_person)):
        named = {f"r{number}": rule for number, rule in enumerate(group)}
        table = engine.table(f"SELECT * FROM ({compile_rules(named)}) ORDER BY {key}")
        for name, rule in named.items():
            assert table[name].to_pylist() == expected(rule, country), rule.text
    first = expected(of_household[0], country)
    if all(value is None or isinstance(value, bool) for value in first) and any(isinstance(v, bool) for v in first):
        counts = engine.rows(compile_count(of_household[0]))[0]
        assert counts == (first.count(True), first.count(False), first.count(None))


def test_null_is_kept_apart_from_no_members(engine: Engine) -> None:
    from khana_methods.rules.check import read_rule

    engine.register("household", pa.Table.from_pylist([{"household_id": 1}], schema=HOUSEHOLD))
    engine.make_empty("member", MEMBER)
    texts = {
        "a": "any_member(age > 1)",
        "b": "all_members(age > 1)",
        "c": "count_members() = 0",
        "d": "min_members(age) = 0",
    }
    sql = compile_rules({name: read_rule(text) for name, text in texts.items()})
    assert engine.rows(sql) == [(1, False, True, True, None)]
