"""What nobody stated: the engine reads it as the slow filling does, and a rule sees the same in a registry and in a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.rules.check import read_rule
from khana_methods.rules.count_file import count_in_files
from khana_methods.rules.missing import fill_implied
from khana_methods.rules.snapshot import household_text_frame, member_text_frame, type_facts

DAY = date(2026, 11, 22)
HOUSEHOLD = {
    "has_animals": st.booleans(), "cattle_count": st.integers(0, 9), "toilet": st.sampled_from(["none", "flush_pit"]),
    "toilet_shared": st.booleans(), "shock_flood": st.booleans(), "shock_earthquake": st.booleans(),
    "dwelling_damage": st.sampled_from(["none", "partial"]), "deaths_24m": st.integers(0, 1), "infant_deaths_24m": st.integers(0, 1),
}  # fmt: skip
MEMBER = {
    "age": st.integers(0, 30), "is_attending": st.booleans(), "ever_attended": st.booleans(), "highest_class": st.integers(0, 9),
    "worked": st.booleans(), "has_pension": st.booleans(), "income_year": st.integers(0, 9), "is_pregnant": st.booleans(),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


def typed(
    engine: Engine, household: dict[str, Any], member: dict[str, Any], wanted: set[str] | None = None
) -> list[dict[str, Any]]:
    of_home = {
        "household_id": 1,
        "area_path": "PK.",
        "survey_date": DAY,
        "consent": True,
        "facts": json.dumps(household),
    }
    of_her = dict.fromkeys(member_text_frame.names) | {
        "household_id": 1, "person_id": 1, "line_no": 1, "survey_date": DAY, "facts": json.dumps(member)
    }  # fmt: skip
    engine.register("household_text", pa.Table.from_pylist([of_home], household_text_frame))
    engine.register("member_text", pa.Table.from_pylist([of_her], member_text_frame))
    type_facts(engine, as_of=DAY, wanted=wanted)
    return [engine.table(f"SELECT * FROM {name}").to_pylist()[0] for name in ("household", "member")]


@settings(max_examples=50, deadline=None)
@given(st.fixed_dictionaries({}, optional=HOUSEHOLD), st.fixed_dictionaries({}, optional=MEMBER))
def test_the_engine_fills_what_the_slow_filling_fills(
    engine: Engine, household: dict[str, Any], member: dict[str, Any]
) -> None:
    for stated, read, names in zip(
        (household, member), typed(engine, household, member), (HOUSEHOLD, MEMBER), strict=True
    ):
        expected = fill_implied(stated)
        for name in names:
            assert read[name] == expected.get(name), name


def test_a_gate_is_read_for_a_fact_though_nobody_asked_for_the_gate(engine: Engine) -> None:
    home, her = typed(engine, {"has_animals": False}, {"age": 9}, {"cattle_count", "is_pregnant"})
    assert home["cattle_count"] == 0 and "has_animals" not in home
    assert her["is_pregnant"] is False


def test_a_file_is_read_alike_and_may_lack_the_gate(tmp_path: Path) -> None:
    rule = read_rule("cattle_count < 2")
    file = tmp_path / "h.csv"
    file.write_text("household_id,cattle_count,has_animals\n1,5,yes\n2,,no\n3,,\n")
    assert count_in_files(rule, households=file) == {"holds": 1, "fails": 1, "unknown": 1}
    file.write_text("household_id,cattle_count\n1,5\n2,\n")
    assert count_in_files(rule, households=file) == {"holds": 0, "fails": 1, "unknown": 1}
