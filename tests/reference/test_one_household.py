"""One household typed in plain Python is what the engine makes of the whole registry, fact by fact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.rules import snapshot
from khana_methods.rules.facts import Fact, load_facts
from khana_methods.rules.one_household import situation

DAY = date(2026, 6, 30)
FACTS = load_facts()
_TYPED = {"integer", "decimal", "money", "boolean", "date", "text", "code", "area"}
days = st.dates(date(2015, 1, 1), date(2026, 6, 30))


def _named(entity: str) -> list[Fact]:
    return [fact for fact in FACTS.of_entity(entity) if fact.type in _TYPED and fact.name not in snapshot.UNREAD]


def _value(fact: Fact) -> st.SearchStrategy[Any]:
    if fact.type == "boolean":
        return st.booleans()
    if fact.type == "date":
        return days.map(str)
    if fact.type in ("integer", "decimal", "money"):
        return st.integers(0, 90)
    return st.sampled_from(["", "none", "a"])


@st.composite
def stated(draw: st.DrawFn, entity: str) -> dict[str, Any]:
    gates = [fact for fact in _named(entity) if fact.type == "boolean"]
    chosen = draw(st.lists(st.sampled_from(_named(entity)), max_size=8)) + draw(
        st.lists(st.sampled_from(gates), max_size=6)
    )
    return {fact.name: draw(_value(fact)) for fact in chosen}  # fmt: skip


@st.composite
def homes(draw: st.DrawFn) -> dict[str, Any]:
    members = [
        {
            "household_id": 1, "person_id": draw(st.integers(1, 4)), "line_no": line, "relation": draw(st.sampled_from(["head", "child", ""])),
            "is_present": draw(st.sampled_from([True, False, None])), "sex": draw(st.sampled_from(["F", "M", ""])),
            "marital": draw(st.sampled_from(["M", "S", ""])), "birth_year": draw(st.none() | st.integers(1930, 2026)),
            "birth_month": draw(st.none() | st.integers(1, 12)), "birth_day": draw(st.none() | st.integers(1, 28)),
            "survey_date": draw(days), "facts": draw(stated("person")),
        }
        for line in range(1, draw(st.integers(0, 4)) + 1)
    ]  # fmt: skip
    home = {
        "household_id": 1, "area_path": draw(st.sampled_from(["PK.PK6.PK606.PK60601.", "PK.", "PK.PK6."])), "survey_date": draw(days),
        "consent": draw(st.booleans()), "facts": draw(stated("household")),
    }  # fmt: skip
    return {"home": home, "members": members, "score": draw(st.none() | st.integers(0, 100))}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as one:
        yield one


def _texts(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{**row, "facts": json.dumps(row["facts"])} for row in rows], schema=schema)


@settings(max_examples=50, deadline=None)
@given(world=homes())
def test_one_is_as_all(engine: Engine, world: dict[str, Any]) -> None:
    engine.register("household_text", _texts([world["home"]], snapshot.household_text_frame))
    engine.register("member_text", _texts(world["members"], snapshot.member_text_frame))
    score = None if world["score"] is None else float(world["score"])
    engine.register("score_in_force", pa.table({"household_id": pa.array([1], pa.int64()), "score": pa.array([score], pa.float64())}))  # fmt: skip
    snapshot.type_facts(engine, as_of=DAY)
    (home,) = engine.table("SELECT * EXCLUDE (household_id, area_path) FROM household").to_pylist()
    members = engine.table("SELECT * EXCLUDE (household_id) FROM member ORDER BY line_no").to_pylist()
    names = {fact.name for entity in ("household", "person", "score") for fact in FACTS.of_entity(entity)}
    at = situation(world["home"], world["members"], as_of=DAY, wanted=names, score=score)
    assert {name: at.household.get(name) for name in home} == home
    for found, wanted in zip(at.members, members, strict=True):
        assert {name: found.get(name) for name in wanted if name != "person_id"} == {
            name: value for name, value in wanted.items() if name != "person_id"
        }
