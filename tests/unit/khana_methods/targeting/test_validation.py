"""Community validation: who is on the list, what a verdict does, and that no community gains places by its verdicts."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.targeting.validation import (
    ListEmpty,
    MarginInvalid,
    VerdictUnclear,
    draw_lists,
    read_verdicts,
    settle_lists,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


def scored(*scores: float | None, area: str = "u") -> pa.Table:
    return pa.table(
        {
            "household": [f"{n:03d}" for n in range(len(scores))], "area": [area] * len(scores),
            "score": pa.array(scores, pa.float64()),
        }
    )  # fmt: skip


def test_a_list_is_in_the_order_of_numbers_and_shows_no_rank(engine: Engine) -> None:
    rows = draw_lists(engine, scored(31, 10, 34, 33, None, 60, 32), cut_off=32, margin=2).to_pylist()
    assert [(r["line"], r["household"], r["band"]) for r in rows] == [
        (1, "000", "near_under"), (2, "001", "sure"), (3, "002", "near_over"), (4, "003", "near_over"), (5, "006", "near_under"),
    ]  # fmt: skip
    few = draw_lists(engine, scored(31, 10, 34, 33, 33.5), cut_off=32, margin=2, most_reserve=0.5).to_pylist()
    assert [r["household"] for r in few if r["proposed"] == "reserve"] == ["003"]


def test_each_verdict_does_what_it_says(engine: Engine) -> None:
    lists = draw_lists(engine, scored(10, 11, 31, 31.5, 32, 33, 33.5, 34), cut_off=32, margin=2)
    verdicts = read_verdicts(
        ["000", "001", "002", "003", "005", "006", "007"],
        ["in_need", "No", "not in need", "moved", "yes", "yes", None],
    )
    settled, areas = settle_lists(engine, lists, verdicts)
    outcome = {row["household"]: row["outcome"] for row in settled.to_pylist()}
    assert outcome == {
        "000": "SELECTED", "001": "REVIEW", "002": "DROPPED", "003": "REVIEW", "004": "SELECTED", "005": "ADDED",
        "006": "NOT_SELECTED", "007": "NOT_SELECTED",
    }  # fmt: skip
    (area,) = areas
    assert {k: area[k] for k in ("proposed", "spoken_of", "objected", "dropped", "review", "added", "selected")} == {
        "proposed": 5, "spoken_of": 4, "objected": 2, "dropped": 1, "review": 2, "added": 1, "selected": 3,
    }  # fmt: skip


def test_a_tie_in_the_reserve_is_not_broken_by_the_machine(engine: Engine) -> None:
    lists = draw_lists(engine, scored(31, 33, 33), cut_off=32, margin=2)
    settled, _ = settle_lists(engine, lists, read_verdicts(["000", "001", "002"], ["no", "yes", "yes"]))
    assert [row["outcome"] for row in settled.to_pylist()] == ["DROPPED", "NOT_SELECTED", "NOT_SELECTED"]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("uv"), st.integers(25, 36), st.sampled_from(["", "yes", "no", "gone"])),
        min_size=1,
        max_size=20,
    )
)
def test_no_community_gains_places(engine: Engine, rows: list[tuple[str, int, str]]) -> None:
    table = pa.table(
        {
            "household": [str(n) for n in range(len(rows))],
            "area": [r[0] for r in rows],
            "score": [float(r[1]) for r in rows],
        }
    )
    try:
        lists = draw_lists(engine, table, cut_off=32, margin=2)
    except ListEmpty:
        return
    on_list = [int(n) for n in lists["household"].to_pylist()]
    settled, areas = settle_lists(
        engine, lists, read_verdicts([str(n) for n in on_list], [rows[n][2] for n in on_list])
    )
    for area in areas:
        assert area["selected"] + area["review"] <= area["proposed"]
        assert area["added"] <= area["dropped"]
    for row in settled.to_pylist():
        if row["outcome"] == "DROPPED":
            assert row["band"] == "near_under"
        if row["outcome"] == "ADDED":
            assert row["band"] == "near_over" and row["verdict"] == "in_need"


def test_what_is_unclear_is_refused_by_rows(engine: Engine) -> None:
    with pytest.raises(VerdictUnclear, match="rows 2"):
        read_verdicts(["1", "2"], ["yes", "perhaps"])
    with pytest.raises(VerdictUnclear, match="stand twice"):
        read_verdicts(["1", "1"], ["yes", "no"])
    lists = draw_lists(engine, scored(31), cut_off=32, margin=2)
    with pytest.raises(VerdictUnclear, match="on no list"):
        settle_lists(engine, lists, read_verdicts(["999"], ["yes"]))
    with pytest.raises(MarginInvalid):
        draw_lists(engine, scored(31), cut_off=32, margin=0)
    with pytest.raises(ListEmpty):
        draw_lists(engine, scored(80, None), cut_off=32, margin=2)
