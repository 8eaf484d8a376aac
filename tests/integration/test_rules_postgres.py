"""PostgreSQL and the slow interpreter agree on rules: what the desk asks is what the registry decides."""

from __future__ import annotations

from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from khana_methods.rules.check import Expression
from khana_methods.rules.compile import compile_rules
from tests.reference.rule_trees import HOUSEHOLD, MEMBER, countries, rules
from tests.reference.test_rules_engines import Country, expected

TYPES = {"int64": "bigint", "int32": "integer", "double": "double precision", "bool": "boolean", "string": "text"}
TYPES["date32[day]"] = "date"


def test_postgresql_equals_the_interpreter(connect: Any) -> None:
    with connect("worker") as connection:
        for name, schema in (("rule_household", HOUSEHOLD), ("rule_member", MEMBER)):
            columns = ", ".join(f'"{field.name}" {TYPES[str(field.type)]}' for field in schema)
            connection.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
        agree(connection)


def fill(connection: psycopg.Connection[Any], name: str, names: list[str], rows: list[dict[str, Any]]) -> None:
    """Replace the rows of a temporary table."""
    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    with (
        connection.cursor() as cursor,
        cursor.copy(
            sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
        ) as copy,
    ):
        for row in rows:
            copy.write_row([row.get(column) for column in names])


def agree(connection: psycopg.Connection[Any]) -> None:
    """Hold both equal on fifty little countries."""

    @settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        country=countries(),
        of_household=st.lists(rules("household"), min_size=1, max_size=3),
        of_person=st.lists(rules("person"), min_size=1, max_size=2),
    )
    def held(country: Country, of_household: list[Expression], of_person: list[Expression]) -> None:
        fill(connection, "rule_household", HOUSEHOLD.names, country[0])
        fill(connection, "rule_member", MEMBER.names, country[1])
        for key, group in (("household_id", of_household), ("person_id", of_person)):
            named = {f"r{number}": rule for number, rule in enumerate(group)}
            query = compile_rules(named, dialect="postgres", household="rule_household", member="rule_member")
            found = connection.execute(f"SELECT * FROM ({query}) AS decided ORDER BY {key}".encode()).fetchall()
            for place, rule in enumerate(group, start=-len(group)):
                assert [row[place] for row in found] == expected(rule, country), rule.text

    held()
