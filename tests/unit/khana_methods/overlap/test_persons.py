"""What a matching model said of rows that no registered person stands behind: they count as one person everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tests.unit.khana_methods.overlap.worlds import (
    AS_OF,
    benefit,
    claim,
    fill,
    findings,
    household,
    issued,
    programme,
    token,
)

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.consolidate import CHECKS, consolidate
from khana_methods.overlap.findings import persons
from khana_methods.overlap.parameters import Parameters

PROGRAMMES = [programme(code) for code in "ABC"]
EXIT = {"id_token": token("right"), "programme": "B", "exit_date": date(2026, 1, 1), "exit_reason": "DIED"}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        one.run("CREATE TABLE named_otherwise (benefit_id BIGINT, role VARCHAR)")
        one.run("CREATE TABLE model_bearer (benefit_id BIGINT, role VARCHAR, token BLOB, group_no BIGINT)")
        one.run("CREATE TABLE model_same_number (token BLOB, as_token BLOB)")
        yield one


def _compare(engine: Engine, rows: list[dict[str, Any]]) -> set[tuple[int, str]]:
    fill(engine, benefit=rows, programme=PROGRAMMES, national_id=[issued("right")], exit=[EXIT])
    consolidate(engine, Parameters(as_of=AS_OF, cap=2), checks=(*CHECKS, *persons.CHECKS))
    return {(row, code) for row, code in findings(engine) if not code.startswith("NID_")}


ROWS = [
    benefit(1, "A"), benefit(2, "A"), benefit(3, "A"), benefit(4, "A", who="right"), benefit(5, "B", who="typo"),
    benefit(6, "C"),
]  # fmt: skip


def test_without_a_model_numbers_alone_count(engine: Engine) -> None:
    assert _compare(engine, ROWS) == set()


def test_rows_of_one_person_count_as_one(engine: Engine) -> None:
    engine.run("INSERT INTO model_bearer VALUES (1, 'beneficiary', NULL, 1), (2, 'beneficiary', NULL, 1)")
    engine.run("INSERT INTO model_bearer VALUES (6, 'beneficiary', $token, NULL)", {"token": token("right")})
    engine.run("INSERT INTO model_same_number VALUES ($typo, $right)", {"typo": token("typo"), "right": token("right")})
    assert _compare(engine, ROWS) == {
        (1, "DUP_PERSON"),
        (2, "DUP_PERSON"),
        (4, "CAP_EXCEEDED"),
        (5, "CAP_EXCEEDED"),
        (6, "CAP_EXCEEDED"),
        (5, "GRADUATED_STILL_LISTED"),
    }
    unidentified = engine.value("SELECT count(*) FROM recipient WHERE NOT is_identified")
    assert (engine.value("SELECT count(*) FROM recipient"), unidentified) == (3, 1)


def test_one_number_twice_is_not_one_person_under_two_numbers(engine: Engine) -> None:
    found = _compare(engine, [benefit(1, "A", who="right"), benefit(2, "A", who="right")])
    assert found == {(1, "DUP_NID"), (2, "DUP_NID")}


def test_who_stands_in_two_households_counts_in_the_one_that_is_hers(engine: Engine) -> None:
    """She claims her number in both; another recipient of the one where she only lodged is no second of her household."""
    shared = {"programme": [programme("A", one_per_household=True)], "household": [household(1), household(2)]}
    claims = [claim("she", 10, 1), claim("she", 10, 2), claim("other", 11, 1)]
    rows = [benefit(1, "A", who="she"), benefit(2, "A", who="other")]
    for homes, told in (("", {(1, "DUP_HOUSEHOLD"), (2, "DUP_HOUSEHOLD")}), ("(10, 2)", set())):
        engine.run("CREATE OR REPLACE TABLE model_home (person_id BIGINT, household_id BIGINT)")
        if homes:
            engine.run(f"INSERT INTO model_home VALUES {homes}")
        fill(engine, benefit=rows, identifier=claims, **shared)
        consolidate(engine, Parameters(as_of=AS_OF))
        assert findings(engine) == told
