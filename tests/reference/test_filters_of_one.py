"""Exclusion filters against one person or household tell what they tell of everybody, hit by hit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap import evaluate
from khana_methods.overlap.one_unit import Seat, Standing, read_filters, weigh
from khana_methods.rules.reference import Situation
from khana_methods.rules.rulebook import read_rules

DAY = date(2026, 1, 1)
RULES = {
    "CAR": ("person", "registered_vehicles >= 1", "2020-01-01"), "TRIP": ("person", "foreign_trips = 1 and rooms > 1", "2020-01-01"),
    "CARDS": ("household", "count_members(coalesce(has_executive_card, false)) >= 2", "2020-01-01"),
    "LAND": ("household", "rooms > 3", "2020-01-01"), "LATER": ("person", "registered_vehicles >= 0", "2030-01-01"),
}  # fmt: skip
BOOK = read_rules([
    {"code": code, "name": code, "entity": entity, "kind": "exclusion", "gives": "boolean",
     "versions": [{"valid_from": since, "expression": text, "source": "test", "mark": "A"}]} for code, (entity, text, since) in RULES.items()
])  # fmt: skip
HOUSEHOLD = pa.schema([("household_id", pa.int64()), ("area_path", pa.string()), ("rooms", pa.float64())])
MEMBER = pa.schema(
    [
        ("household_id", pa.int64()), ("person_id", pa.int64()), ("registered_vehicles", pa.float64()),
        ("foreign_trips", pa.float64()), ("has_executive_card", pa.bool_()),
    ]
)  # fmt: skip


@st.composite
def homes(draw: st.DrawFn) -> dict[str, Any]:
    count = draw(st.integers(1, 4))
    people = list(range(1, count + 1))
    one_of = st.sampled_from(people)
    return {
        "rooms": draw(st.sampled_from([None, 1.0, 2.0, 5.0])),
        "members": [
            {"household_id": 1, "person_id": person, "registered_vehicles": draw(st.sampled_from([None, 0.0, 1.0])),
             "foreign_trips": draw(st.sampled_from([None, 0.0, 1.0])), "has_executive_card": draw(st.sampled_from([None, True, False]))}
            for person in people
        ],
        "spouse": {person: draw(st.none() | one_of) for person in people},
        "unit": draw(st.none() | one_of),
        "upheld": draw(st.lists(st.tuples(st.sampled_from(list(RULES)), st.none() | one_of, st.none() | one_of, st.booleans()), max_size=3)),
        "registers": draw(st.lists(st.tuples(one_of, st.sampled_from(["CAR", "LATER"])), max_size=2)),
        "withdrawn": draw(st.dictionaries(st.sampled_from(list(RULES)), st.sampled_from(["2025-01-01", "2027-01-01"]), max_size=2)),
        "order": draw(st.permutations(list(RULES))),
    }  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        yield one


def _of_everybody(
    engine: Engine, world: dict[str, Any], filters: list[dict[str, Any]]
) -> tuple[Any, dict[str, set[str]]]:
    """Return the filter that removes the unit, and by filter as what somebody tells against it, appeals passed over."""
    home = {"household_id": 1, "area_path": "PK.PK1.", "rooms": world["rooms"]}
    engine.register("household", pa.Table.from_pylist([home], schema=HOUSEHOLD))
    engine.register("member", pa.Table.from_pylist(world["members"], schema=MEMBER))
    places = [
        {"household_id": 1, "household_number": "h", "person_id": m["person_id"], "line_no": m["person_id"], "family_no": 1,
         "spouse_line": world["spouse"][m["person_id"]]} for m in world["members"]
    ]  # fmt: skip
    engine.register("place", pa.Table.from_pylist(places, schema=evaluate.place_frame))
    upheld = [
        {
            "filter": code,
            "household_id": 1 if teller is None or is_here else None,
            "person_id": whose,
            "told_id": teller,
        }
        for code, whose, teller, is_here in world["upheld"]
    ]
    engine.register("upheld", pa.Table.from_pylist(upheld, schema=evaluate.upheld_frame))
    hits = [{"person_id": who, "filter": code} for who, code in world["registers"]]
    engine.register(
        "payroll", pa.Table.from_pylist(hits, schema=pa.schema([("person_id", pa.int64()), ("filter", pa.string())]))
    )
    engine.run("CREATE OR REPLACE TABLE eligible (programme VARCHAR, household_id BIGINT, person_id BIGINT)")
    engine.run("INSERT INTO eligible VALUES ('P', 1, $unit)", {"unit": world["unit"]})
    report = evaluate.exclude(engine, filters, BOOK, on=DAY, registers="payroll")["P"]
    told = {
        row["filter"]: {who for who in ("self", "spouse", "family") if row[who]} for row in report.get("filters", [])
    }
    first = engine.rows("SELECT filter FROM excluded")
    return (first[0][0] if first else None), {code: how for code, how in told.items() if how}


@settings(max_examples=40, deadline=None)
@given(world=homes())
def test_one_is_as_all(engine: Engine, world: dict[str, Any]) -> None:
    filters = [
        {"filter": code, "name": code, "programmes": ["P"], "rule": {"code": code}, "source": "test", "withdrawn_from": world["withdrawn"].get(code)}
        for code in world["order"]
    ]  # fmt: skip
    first, told = _of_everybody(engine, world, filters)
    people = {m["person_id"]: m for m in world["members"]}
    standing = Standing(
        [Seat(who, who, world["spouse"][who]) for who in people],
        {one[:3] for one in world["upheld"]},
        set(world["registers"]),
    )
    hits, unknown = weigh(
        read_filters(filters, BOOK, DAY), Situation({"rooms": world["rooms"]}, list(people.values())), people,
        person=world["unit"], standing=standing,
    )  # fmt: skip
    assert (hits[0].filter if hits else None) == first
    assert {hit.filter for hit in hits} == set(told)
    assert all(hit.subject in told[hit.filter] for hit in hits)
    assert not {one.filter for one in unknown} & set(told), "what is known to tell is not unknown"
    assert all(one.missing for one in unknown)


def test_unknown_is_named_and_keeps_nobody_out() -> None:
    filters = [{"filter": "TRIP", "name": "TRIP", "programmes": ["P"], "rule": {"code": "TRIP"}, "source": "", "withdrawn_from": None}]  # fmt: skip
    wife, husband = {"foreign_trips": 0.0}, {"foreign_trips": None}
    home, people = Situation({"rooms": 2.0}, [wife, husband]), {1: wife, 2: husband}
    seats = [Seat(1, 1, None), Seat(2, 2, 1)]
    hits, (unknown,) = weigh(read_filters(filters, BOOK, DAY), home, people, person=1, standing=Standing(seats))
    assert (hits, unknown.filter, unknown.missing) == ((), "TRIP", ("foreign_trips",))
    assert weigh(read_filters(filters, BOOK, DAY), home, people, person=1, standing=Standing(seats[:1])) == ((), ())
