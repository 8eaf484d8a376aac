"""The assignment against every possible one on small cases, and against the linear bound on large ones."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.assign import Assigned, assign
from khana_methods.overlap.assign_frames import AssignmentInvalid

CODES = ("P", "Q", "R")


def frame(names: str, rows: list[tuple[object, ...]]) -> pa.Table:
    columns = names.split()
    return pa.table({name: pa.array([str(row[i]) for row in rows], pa.string()) for i, name in enumerate(columns)})


def run(people: list[tuple[str, str]], offers: list[tuple[str, int, str, str]], pairs: list[tuple[str, str]],
        quotas: list[tuple[str, str, int]], cap: int) -> Assigned:  # fmt: skip
    with Engine(memory_mib=256, threads=1) as engine:
        return assign(
            engine, persons=frame("person area", people), programmes=frame("programme value kind excludes", offers),
            eligibility=frame("person programme", pairs), quotas=frame("programme area quota", quotas), cap=cap,
        )  # fmt: skip


def is_admissible(chosen: dict[str, set[str]], area: dict[str, str], offers: dict[str, tuple[int, str, str]],
                  quotas: list[tuple[str, str, int]], cap: int) -> bool:  # fmt: skip
    used: Counter[tuple[str, str]] = Counter()
    for person, programmes in chosen.items():
        if sum(offers[p][1] == "cash" for p in programmes) > cap:
            return False
        if any(offers[p][2] in programmes for p in programmes if offers[p][2]):
            return False
        for programme in programmes:
            used[programme, area[person]] += 1
            used[programme, ""] += 1
    named = {programme for programme, _, _ in quotas}
    limit = {(programme, place): quota for programme, place, quota in quotas}
    only_whole = {p for p in named if {place for q, place, _ in quotas if q == p} == {""}}
    for (programme, place), times in used.items():
        free = programme not in named or (place == "" and (programme, "") not in limit)
        free |= place != "" and programme in only_whole
        if not free and times > limit.get((programme, place), 0):
            return False
    return True


@st.composite
def cases(draw: st.DrawFn) -> tuple[object, ...]:
    people = [(f"p{n}", draw(st.sampled_from(["X", "Y"]))) for n in range(draw(st.integers(1, 4)))]
    offers = [(code, draw(st.integers(1, 9)), draw(st.sampled_from(["cash", "cash", "in_kind"])), "") for code in CODES]
    if draw(st.booleans()):
        offers[0] = (*offers[0][:3], "Q")
    pairs = [(p, c) for p, _ in people for c in CODES if draw(st.booleans())]
    quotas = [(c, a, draw(st.integers(0, 2))) for c in CODES for a in ("X", "Y") if draw(st.integers(0, 3))]
    if draw(st.booleans()):
        quotas = [q for q in quotas if q[0] != "R"] + [("R", "", draw(st.integers(0, 3)))]
    return people, offers, pairs, quotas, draw(st.integers(0, 2))


@settings(max_examples=50, deadline=None)
@given(cases())
def test_nothing_possible_is_better(case: tuple[object, ...]) -> None:
    people, offers, pairs, quotas, cap = case  # type: ignore[misc]
    done = run(people, offers, pairs, quotas, cap)
    area = dict(people)
    known = {code: (value, kind, excludes) for code, value, kind, excludes in offers}
    chosen: dict[str, set[str]] = {}
    for row in done.rows.to_pylist():
        assert (row["person"], row["programme"]) in set(pairs)
        assert row["programme"] not in chosen.setdefault(row["person"], set()), "nobody gets one twice"
        chosen[row["person"]].add(row["programme"])
    assert is_admissible(chosen, area, known, quotas, cap)
    reached = (len(chosen), sum(known[p][0] for programmes in chosen.values() for p in programmes))
    best = (0, 0)
    for picks in product((False, True), repeat=len(pairs)):
        some: dict[str, set[str]] = {}
        for (person, programme), is_picked in zip(pairs, picks, strict=True):
            if is_picked:
                some.setdefault(person, set()).add(programme)
        if is_admissible(some, area, known, quotas, cap):
            best = max(best, (len(some), sum(known[p][0] for ps in some.values() for p in ps)))
    assert reached == best
    assert (done.summary["served"], done.summary["value"]) == best
    assert done.summary["is_proved_best"]
    assert done.summary["greedy_served"] <= best[0]


def test_a_large_case_reaches_its_bound() -> None:
    pick = np.random.default_rng(4)
    people = [(f"{n:06d}", f"A{n % 7}") for n in range(6000)]
    codes = [f"G{n}" for n in range(8)]
    offers = [
        (code, 1000 * (n + 1), "cash" if n < 6 else "in_kind", "G1" if n == 0 else "") for n, code in enumerate(codes)
    ]
    pairs = [(p, c) for p, _ in people for c, is_in in zip(codes, pick.random(8) < 0.35, strict=True) if is_in]
    quotas = [(c, f"A{a}", int(pick.integers(20, 200))) for c in codes for a in range(7)]
    done = run(people, offers, pairs, quotas, 3)
    figures = done.summary
    assert figures["is_proved_best"] and figures["gap"] < 1e-9
    assert figures["served"] == figures["served_bound"] > figures["greedy_served"]
    drawn: dict[str, set[str]] = {}
    for row in done.rows.to_pylist():
        drawn.setdefault(row["person"], set()).add(row["programme"])
    known = {code: (value, kind, excludes) for code, value, kind, excludes in offers}
    assert is_admissible(drawn, dict(people), known, quotas, 3)
    assert len(drawn) == figures["served"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"people": [("a", "X"), ("a", "Y")]}, "more than once"),
        ({"pairs": [("a", "Z")]}, "not offered: Z"),
        ({"pairs": [("b", "P")]}, "not among the persons"),
        ({"offers": [("P", 5, "cash", "P")]}, "excludes 'P'"),
        ({"offers": [("P", "much", "cash", "")]}, "value of P"),
        ({"quotas": [("P", "X", -1)]}, "no whole number"),
        ({"quotas": [("P", "X", 1), ("P", "X", 2)]}, "Two quotas"),
        ({"quotas": [("W", "X", 1)]}, "name 'W'"),
    ],
)
def test_frames_that_contradict_themselves_are_refused_in_words(change: dict[str, object], says: str) -> None:
    given = {"people": [("a", "X")], "offers": [("P", 5, "cash", "")], "pairs": [("a", "P")], "quotas": [("P", "X", 1)]}
    with pytest.raises(AssignmentInvalid, match=says):
        run(**{**given, **change}, cap=3)  # type: ignore[arg-type]


def test_a_quota_above_the_population_and_a_cap_of_zero() -> None:
    people, offers = [("a", "X"), ("b", "X")], [("P", 5, "cash", ""), ("K", 1, "in_kind", "")]
    pairs = [(p, c) for p, _ in people for c in ("P", "K")]
    done = run(people, offers, pairs, [("P", "X", 99), ("K", "X", 99)], 0)
    assert {row["programme"] for row in done.rows.to_pylist()} == {"K"}
    assert done.summary["served"] == 2


def test_the_poorest_of_a_kind_goes_first() -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        done = assign(
            engine, persons=frame("person area score", [("rich", "X", 60), ("poor", "X", 8), ("mid", "X", 30)]),
            programmes=frame("programme value", [("P", 5)]),
            eligibility=frame("person programme", [(p, "P") for p in ("rich", "poor", "mid")]),
            quotas=frame("programme area quota", [("P", "X", 2)]),
        )  # fmt: skip
    assert [row["person"] for row in done.rows.to_pylist()] == ["poor", "mid"]
