"""Rules over a small registry by hand: areas, what a programme requires, filters by herself, her husband and her family, the unserved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate, unserved
from khana_methods.rules.rulebook import RuleBook, read_rules

DAY = date(2026, 1, 1)
RULES = {
    "KFL": ("person", "sex = 'F' and score <= 32"), "TLW": ("person", "age <= 18 and is_attending"), "RTN": ("household", "rooms < 3"),
    "CAR": ("person", "registered_vehicles >= 1"), "TRIP": ("person", "foreign_trips = 1"),
    "CARDS": ("household", "count_members(coalesce(has_executive_card, false)) >= 2"),
}  # fmt: skip


def book() -> RuleBook:
    kind = {code: "exclusion" if code in ("CAR", "TRIP", "CARDS") else "eligibility" for code in RULES}
    return read_rules([
        {"code": code, "name": code, "entity": entity, "kind": kind[code], "gives": "boolean",
         "versions": [{"valid_from": "2020-01-01", "expression": text, "source": "test", "mark": "A"}]} for code, (entity, text) in RULES.items()
    ])  # fmt: skip


def filters(**withdrawn: str) -> list[dict[str, Any]]:
    return [
        {"filter": code, "name": code, "programmes": ["KFL"], "rule": {"code": code}, "source": "test", "withdrawn_from": withdrawn.get(code)}
        for code in ("TRIP", "CAR", "CARDS")
    ]  # fmt: skip


@pytest.fixture
def small() -> Any:
    """Four households of a wife, her husband and a child; 1 has a car by him, 2 a trip and a car by her, 3 two dear cards, 4 nothing."""
    with Engine(memory_mib=256, threads=1) as engine:
        engine.run("""CREATE TABLE household AS SELECT * FROM (VALUES (1, 'PK.PK1.PK101.', 10.0, 2.0, 3.0), (2, 'PK.PK1.PK101.', 20.0, 9.0, 3.0),
            (3, 'PK.PK2.PK201.', 30.0, 2.0, 3.0), (4, 'PK.PK2.PK201.', NULL, NULL, 3.0)) t(household_id, area_path, score, rooms, household_size)""")
        engine.run("""CREATE TABLE member AS SELECT h AS household_id, h * 10 + line AS person_id, (['F', 'M', 'F'])[line] AS sex,
            ([30.0, 40.0, 9.0])[line] AS age, line = 3 AS is_attending, CASE WHEN h = 1 AND line = 2 OR h = 2 AND line = 1 THEN 1.0 ELSE 0.0 END AS registered_vehicles,
            CASE WHEN h = 2 AND line = 1 THEN 1.0 END AS foreign_trips, CASE WHEN h = 3 AND line < 3 THEN true END AS has_executive_card
            FROM range(1, 5) a(h), range(1, 4) b(line)""")
        engine.run("""CREATE TABLE place AS SELECT household_id, 'h' || household_id AS household_number, person_id, CAST(person_id % 10 AS INTEGER) AS line_no,
            1 AS family_no, CAST(CASE person_id % 10 WHEN 2 THEN 1 END AS INTEGER) AS spouse_line FROM member""")
        engine.run("CREATE TABLE slip AS SELECT household_id, 'h' || household_id AS household_number FROM household")
        engine.run("CREATE TABLE holding AS SELECT 3 AS household_id, 'KFL' AS programme")
        engine.make_empty("upheld", evaluate.upheld_frame)
        yield engine


def evaluated(engine: Engine, *own: dict[str, Any]) -> dict[str, dict[tuple[str, str], int]]:
    entries = [
        {"programme": "KFL", "rule": {"code": "KFL"}}, {"programme": "TLW", "requires": "KFL", "rule": {"code": "TLW"}},
        {"programme": "RTN", "areas": ["PK1"], "rule": {"code": "RTN"}},
    ]  # fmt: skip
    rules = evaluate.read_programmes(entries, book(), DAY)
    evaluate.decide_programmes(engine, rules)
    told: dict[str, dict[tuple[str, str], int]] = {}
    for row in evaluate.count_answers(engine, rules).to_pylist():
        of = told.setdefault(row["programme"], {})
        of[row["outcome"], row["why"]] = of.get((row["outcome"], row["why"]), 0) + row["units"]
    return told


def test_answers_name_clause_area_requirement_and_missing_fact(small: Engine) -> None:
    told = evaluated(small)
    assert told["KFL"] == {("eligible", ""): 6, ("not_eligible", "sex = 'F'"): 4, ("unknown", "score"): 2}
    assert told["TLW"] == {("not_eligible", "age <= 18"): 8, ("not_eligible", "requires KFL"): 3, ("eligible", ""): 1}
    assert told["RTN"] == {("eligible", ""): 1, ("not_eligible", "rooms < 3"): 1, ("not_eligible", "area"): 2}


def test_a_rule_that_is_not_in_force_decides_nobody(small: Engine) -> None:
    assert evaluate.read_programmes([{"programme": "KFL", "rule": {"code": "KFL"}}], book(), date(2019, 1, 1)) == []


def test_filters_tell_by_herself_her_husband_and_her_family(small: Engine) -> None:
    evaluated(small)
    report = evaluate.exclude(small, filters(), book(), on=DAY)["KFL"]
    hits = {row["filter"]: (row["self"], row["spouse"], row["family"], row["first"]) for row in report["filters"]}
    # the wife of 1 by her husband's car; of 2 by her own trip and car; all women of 3 by the family's cards
    assert hits == {"TRIP": (1, 0, 0, 1), "CAR": (1, 1, 0, 1), "CARDS": (0, 0, 2, 2)}
    assert (report["hits"], report["removed"], report["overlap"]) == (5, 4, 1)
    left = {person for (person,) in small.rows("SELECT person_id FROM eligible WHERE programme = 'KFL'")}
    assert left == {13, 23}, "daughters of 1 and 2 have no husband and no car"
    assert dict(small.rows("SELECT person_id, filter FROM excluded")) == {
        11: "CAR",
        21: "TRIP",
        31: "CARDS",
        33: "CARDS",
    }


def test_an_upheld_appeal_and_a_withdrawn_filter_remove_nobody(small: Engine) -> None:
    evaluated(small)
    small.run("""INSERT INTO upheld VALUES ('CAR', NULL, NULL, 12), ('CARDS', 3, NULL, NULL), ('CAR', 2, 21, NULL),
                 ('TRIP', NULL, 21, 22), ('TRIP', 1, NULL, NULL)""")  # the last two are about others
    report = evaluate.exclude(small, filters(TRIP="2025-06-01"), book(), on=DAY)["KFL"]
    assert (report["removed"], report["upheld"], report["not_in_force"]) == (0, 4, ["TRIP"])
    assert evaluate.exclude(small, filters(TRIP="2026-06-01"), book(), on=DAY)["KFL"]["removed"] == 1, "it ends later"


def test_the_unserved_are_ranked_with_one_reason_each(small: Engine) -> None:
    evaluated(small)
    small.run("INSERT INTO eligible VALUES ('RTN', 4, NULL)")
    small.run(
        """CREATE TABLE standing AS SELECT * FROM (VALUES (1, 'wait_listed'), (1, 'suspended'), (2, 'payment_failed')) t(household_id, standing)"""
    )
    small.run(
        "CREATE TABLE reach AS SELECT household_id, household_id < 4 AS has_number, household_id = 1 AS has_mobile FROM household"
    )
    told = unserved.find_unserved(small)
    rows = small.rows("SELECT rank, household_number, eligible_for, reason, outreach FROM unserved ORDER BY rank")
    assert rows == [
        (1, "h1", ["KFL", "RTN"], "suspended", "case"), (2, "h2", ["KFL"], "payment_failed", "account"), (3, "h4", ["RTN"], "no_number", "identity"),
    ], "3 draws Kafaalat already; without a score last"  # fmt: skip
    assert told["reasons"] == {"no_number": 1, "payment_failed": 1, "suspended": 1}
