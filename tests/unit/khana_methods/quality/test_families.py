"""Families as people live them, the fast version against the slow one, and corrections by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.quality.families import (
    CorrectionUnusable,
    FactMissing,
    derive_families,
    family_numbers,
    summarise_families,
)

FACTS = ("line_no", "marital", "spouse_line", "father_line", "mother_line")
Line = tuple[int, str, int | None, int | None, int | None]


def table(lines: list[Line], household: str = "A", **more: list[Any]) -> pa.Table:
    return pa.table(
        {
            "household_id": pa.array([household] * len(lines), pa.string()),
            "line_no": pa.array([line[0] for line in lines], pa.int64()),
            "marital": pa.array([line[1] for line in lines], pa.string()),
            **{name: pa.array([line[n] for line in lines], pa.int64()) for n, name in enumerate(FACTS) if n > 1},
            **more,
        }
    )


def numbered(members: pa.Table, **options: Any) -> dict[int, int | None]:
    with Engine(memory_mib=256, threads=1) as engine:
        frame = derive_families(engine, members, **options)
    return {row["line_no"]: row["family"] for row in frame.to_pylist()}


@pytest.mark.parametrize(
    ("what", "lines", "expected"),
    [
        ("two wives of one man", [(1, "M", 51, 98, 98), (51, "M", 1, 98, 98), (52, "M", 1, 98, 98), (2, "S", None, 1, 52)], {1: 1, 51: 1, 52: 1, 2: 1}),
        ("a wife whose husband lives elsewhere", [(51, "M", 99, 98, 98), (2, "S", None, 99, 51)], {51: 1, 2: 1}),
        ("a married son", [(1, "W", None, 98, 98), (2, "M", 51, 1, 98), (51, "M", 2, 99, 99)], {1: 1, 2: 2, 51: 2}),
        ("a widowed daughter who came back with her child", [(1, "W", None, 98, 98), (51, "W", None, 1, 98), (52, "S", None, 98, 51)], {1: 1, 51: 2, 52: 2}),
        ("a child with the mother, not the father, where they are apart", [(1, "D", None, 98, 98), (51, "D", None, 98, 98), (2, "S", None, 1, 51)], {1: 1, 51: 2, 2: 2}),
        ("a child with the father where the mother is dead", [(1, "W", None, 98, 98), (2, "S", None, 1, 98)], {1: 1, 2: 1}),
        ("a child whose mother is named and not there", [(1, "W", None, 98, 98), (2, "S", None, 1, 77)], {1: 1, 2: 2}),
        ("a child of whom marriage was not asked", [(51, "W", None, 98, 98), (2, "", None, 98, 51)], {51: 1, 2: 1}),
        ("nikah done, not yet living together", [(51, "W", None, 98, 98), (52, "U", None, 98, 51)], {51: 1, 52: 2}),
        ("somebody who is her own mother", [(51, "S", None, 98, 51)], {51: 1}),
        ("three generations of one pointer chain", [(1, "S", None, 98, 2), (2, "S", None, 98, 3), (3, "W", None, 98, 98)], {1: 1, 2: 1, 3: 1}),
    ],
)  # fmt: skip
def test_families_as_people_live_them(what: str, lines: list[Line], expected: dict[int, int]) -> None:
    assert family_numbers(lines) == expected, what
    assert numbered(table(lines)) == expected, what


def test_guests_are_in_no_family_and_join_nobody() -> None:
    lines: list[Line] = [(1, "M", 51, 98, 98), (51, "M", 1, 98, 98), (2, "S", None, 1, 51)]
    assert numbered(table(lines, is_member=[True, False, True])) == {1: 1, 51: None, 2: 2}


def test_orphans_join_a_child_head_only_when_asked() -> None:
    lines: list[Line] = [(1, "S", None, 98, 98), (2, "S", None, 98, 99), (3, "S", None, 98, 98), (4, "S", None, 98, 98)]
    members = table(lines, relation=["head", "sibling", "sibling", "other"], age=[16, 9, 7, 40])
    assert numbered(members) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert numbered(members, orphans_with_child_head=True) == {1: 1, 2: 1, 3: 1, 4: 2}


def test_a_correction_moves_a_line_and_needs_a_reason() -> None:
    lines: list[Line] = [(1, "W", None, 98, 98), (2, "S", None, 98, 98), (3, "S", None, 98, 98)]

    def moved(line: int, family: int, reason: str) -> pa.Table:
        return pa.table({"household_id": ["A"], "line_no": [line], "family": [family], "reason": [reason]})

    assert numbered(table(lines), corrections=moved(3, 1, "adopted")) == {1: 1, 2: 2, 3: 1}
    for wrong in (moved(3, 1, ""), moved(9, 1, "adopted"), moved(3, 0, "adopted")):
        with pytest.raises(CorrectionUnusable):
            numbered(table(lines), corrections=wrong)


def test_a_roster_without_pointers_is_refused() -> None:
    with Engine(memory_mib=256, threads=1) as engine, pytest.raises(FactMissing, match="spouse_line"):
        derive_families(engine, pa.table({"household_id": ["A"], "line_no": [1]}))


POINTER = st.sampled_from([None, 0, 1, 2, 3, 4, 5, 6, 98, 99])
HOUSEHOLD = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["S", "M", "W", "", "U"]), POINTER, POINTER, POINTER),
    min_size=1,
    max_size=6,
    unique_by=lambda line: line[0],
)


@settings(max_examples=50, deadline=None)
@given(st.lists(HOUSEHOLD, min_size=1, max_size=5))
def test_the_fast_version_agrees_with_the_slow_one(households: list[list[Line]]) -> None:
    tables = [table(lines, household=str(number)) for number, lines in enumerate(households)]
    with Engine(memory_mib=256, threads=1) as engine:
        rows = derive_families(engine, pa.concat_tables(tables)).to_pylist()
    for number, lines in enumerate(households):
        got = {row["line_no"]: row["family"] for row in rows if row["household_id"] == str(number)}
        assert got == family_numbers(lines)


def test_the_summary_counts_families_with_an_ever_married_woman() -> None:
    lines: list[Line] = [(1, "M", 51, 98, 98), (51, "M", 1, 98, 98), (52, "M", 1, 98, 98), (2, "S", None, 98, 98)]
    members = table(lines, sex=["M", "F", "F", "M"])
    with Engine(memory_mib=256, threads=1) as engine:
        summary = summarise_families(engine, derive_families(engine, members), members)
    assert summary == {
        "households": 1, "families": 2, "single": 1, "with_ever_married_woman": 1, "several_ever_married_women": 1,
        "per_household": 1.0, "households_by_families": {1: 1},
    }  # fmt: skip
