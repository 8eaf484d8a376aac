"""Rules between programmes against a plain reading of them, person by person."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.cross_rules import Phase, contradictions
from khana_methods.overlap.crossrules import (
    CrossRule,
    CrossRulesInvalid,
    dry_run,
    load_cross_rules,
    parse_cross_rules,
)
from tests.interfaces.cli.test_commands import run

DAY = date(2026, 7, 1)
PROGRAMMES = ("A", "B", "C", "D")


def rule(code: str, kind: str, **more: Any) -> CrossRule:
    given: dict[str, Any] = {
        "unit": "person", "keep": "value", "order": (), "most": 1, "counts": ("cash",), "programmes": (), "valid_from": date(2026, 1, 1),
        "valid_to": None, "grandfather_before": None, "source": "law", **more,
    }  # fmt: skip
    return CrossRule(code=code, kind=kind, **given)


def tried(
    rows: list[dict[str, Any]], *rules: CrossRule, poor_below: float | None = None, past: pa.Table | None = None
) -> tuple[set[tuple[str, str, str]], dict[str, Any]]:
    columns = ("person", "programme", "household", "kind", "amount", "since", "score", "sex", "area", "chosen")
    frame = pa.table({name: pa.array([str(row.get(name, "")) for row in rows], pa.string()) for name in columns})
    with Engine(memory_mib=256, threads=1) as engine:
        stops, summary = dry_run(engine, drawn=frame, rules=rules, on=DAY, poor_below=poor_below, past=past)
    return {(row["person"], row["programme"], row["rule"]) for row in stops.to_pylist()}, summary


def read_plainly(rows: list[dict[str, Any]], rules: list[CrossRule]) -> set[tuple[str, str, str]]:
    stopped: dict[tuple[str, str], str] = {}
    for one in rules:
        units: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            counts = row["kind"] in one.counts if one.kind == "cap" else row["programme"] in one.programmes
            if counts and (row["person"], row["programme"]) not in stopped:
                units.setdefault(row[one.unit], []).append(row)
        for members in units.values():

            def place(row: dict[str, Any], one: CrossRule = one) -> tuple[Any, ...]:
                old = bool(one.grandfather_before and row["since"] < one.grandfather_before.isoformat())
                by = {
                    "value": -row["amount"],
                    "oldest": row["since"],
                    "order": (one.order + PROGRAMMES).index(row["programme"]),
                }
                return (not old, by[one.keep], row["programme"], row["person"])

            for rank, row in enumerate(sorted(members, key=place)):
                if rank >= (one.most if one.kind == "cap" else 1) and place(row)[0]:
                    stopped[row["person"], row["programme"]] = one.code
    return {(person, programme, code) for (person, programme), code in stopped.items()}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[CrossRule]]:
    rows = [
        {
            "person": f"p{person}", "household": f"h{person % 2}", "programme": programme, "amount": draw(st.integers(1, 4)),
            "kind": "in_kind" if programme == "D" else "cash", "since": f"202{draw(st.integers(2, 5))}-01-01",
        }
        for person in range(3) for programme in PROGRAMMES if draw(st.booleans())
    ]  # fmt: skip
    before = draw(st.sampled_from([None, date(2024, 1, 1)]))
    unit = st.sampled_from(["person", "household"])
    keep = st.sampled_from(["value", "oldest", "order"])
    rules = [
        rule("two", "exclude", unit=draw(unit), keep=draw(keep), order=("B", "A", "C", "D"), programmes=("A", "B"), grandfather_before=before),
        rule("cap", "cap", unit=draw(unit), keep=draw(keep), order=("B", "A", "C", "D"), most=draw(st.integers(0, 2))),
    ]  # fmt: skip
    return rows, rules if draw(st.booleans()) else rules[::-1]


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_as_a_plain_reading_of_the_rules(world: tuple[list[dict[str, Any]], list[CrossRule]]) -> None:
    rows, rules = world
    found, summary = tried(rows, *rules)
    assert found == read_plainly(rows, rules)
    standing = {row["person"] for row in rows} - {
        row["person"] for row in rows if (row["person"], row["programme"]) not in {(p, q) for p, q, _ in found}
    }
    assert (summary["benefits_stopped"], summary["left_with_nothing"]) == (len(found), len(standing))


def test_the_poor_who_are_left_with_nothing_and_what_they_lose() -> None:
    rows = [
        {"person": "a", "programme": "A", "amount": 900, "score": 12, "sex": "F", "area": "X"},
        {"person": "b", "programme": "A", "amount": 900, "score": 60, "sex": "M", "area": "X"},
        {"person": "b", "programme": "D", "kind": "in_kind", "amount": 50, "score": 60, "sex": "M", "area": "X"},
    ]
    found, summary = tried(rows, rule("none", "cap", most=0), poor_below=32)
    assert found == {("a", "A", "none"), ("b", "A", "none")}
    assert (summary["left_with_nothing"], summary["poor_left_with_nothing"], summary["amount_lost"]) == (1, 1, 1800)
    assert summary["by_poverty"] == [
        {"poverty": "not poor", "benefits": 1, "persons": 1, "amount": 900.0},
        {"poverty": "poor", "benefits": 1, "persons": 1, "amount": 900.0},
    ]


def test_a_rule_that_is_not_in_force_stops_nothing() -> None:
    rows = [{"person": "a", "programme": p, "amount": 1} for p in "AB"]
    assert tried(rows, rule("later", "cap", most=0, valid_from=date(2027, 1, 1)))[0] == set()
    assert tried(rows, rule("gone", "cap", most=0, valid_to=DAY))[0] == set()


def test_what_she_chose_stays_before_what_is_worth_more() -> None:
    rows = [
        {"person": "a", "programme": "A", "amount": 1, "chosen": "yes"}, {"person": "a", "programme": "B", "amount": 9},
        {"person": "b", "programme": "A", "amount": 1}, {"person": "b", "programme": "B", "amount": 9},
    ]  # fmt: skip
    assert tried(rows, rule("c", "cap", keep="choice"))[0] == {("a", "B", "c"), ("b", "A", "c")}


def test_a_rule_comes_in_by_area_from_its_dates() -> None:
    rows = [{"person": who, "programme": p, "amount": 1, "area": where} for who, where in (("a", "PK.X.X1."), ("b", "Y"), ("c", ""))
            for p in "AB"]  # fmt: skip
    phased = rule("c", "cap", phases=(Phase(date(2026, 2, 1), ("X",)), Phase(date(2026, 9, 1), ("Y",))))
    assert tried(rows, phased)[0] == {("a", "B", "c")}
    with Engine(memory_mib=256, threads=1) as engine:
        frame = pa.table({name: [str(row[name]) for row in rows] for name in rows[0]})
        later = dry_run(engine, drawn=frame, rules=[phased], on=date(2026, 9, 1))[0]
    assert sorted(later["person"].to_pylist()) == ["a", "b"]


def test_not_within_two_cycles_after_another_programme() -> None:
    waits = rule("vgd", "after", programmes=("V",), had=("G",), cycles=2, cycle_months=24)
    rows = [{"person": who, "programme": "V", "amount": 1, "since": "2023-01-01"} for who in "abcd"]
    past = pa.table({
        "person": ["a", "b", "c", "d"], "programme": ["G", "G", "G", "H"],
        "ended": ["2020-12-31", "2018-12-31", "2019-01-02", "2022-12-31"],
    })  # fmt: skip
    assert {who for who, _, _ in tried(rows, waits, past=past)[0]} == {"a", "c"}
    with pytest.raises(CrossRulesInvalid, match="earlier cycles"):
        tried(rows, waits)


def test_a_cap_of_zero_stops_all_but_what_is_grandfathered() -> None:
    rows = [{"person": "a", "programme": p, "amount": 1, "since": f"202{n}-01-01"} for n, p in enumerate("AB", 4)]
    assert tried(rows, rule("none", "cap", most=0))[0] == {("a", "A", "none"), ("a", "B", "none")}
    assert tried(rows, rule("none", "cap", most=0, grandfather_before=date(2025, 1, 1)))[0] == {("a", "B", "none")}


def test_a_person_in_two_households_is_refused() -> None:
    rows = [{"person": "a", "programme": p, "household": h, "amount": 1} for p, h in (("A", "h1"), ("B", "h2"))]
    with pytest.raises(CrossRulesInvalid, match="two households"):
        tried(rows, rule("c", "cap"))


def test_rules_that_contradict_each_other_are_refused_together() -> None:
    one = {"code": "x", "kind": "exclude", "programmes": ["A", "B"], "keep": "order", "order": ["A", "B"],
           "valid_from": "2026-01-01", "source": "law"}  # fmt: skip
    with pytest.raises(CrossRulesInvalid, match="x keeps A before B and y keeps B before A"):
        parse_cross_rules([one, {**one, "code": "y", "order": ["B", "A"]}])
    assert parse_cross_rules(
        [{**one, "valid_to": "2026-06-01"}, {**one, "code": "y", "order": ["B", "A"], "valid_from": "2026-06-01"}]
    )
    assert list(contradictions(parse_cross_rules([one]), {"A": "B"})) == ["x excludes A from B, which A requires"]


def test_a_rule_comes_back_from_its_record_as_it_was() -> None:
    rules = parse_cross_rules([
        {"code": "c", "kind": "cap", "most": 0, "keep": "choice", "valid_from": "2026-01-01", "valid_to": "2030-01-01", "source": "s",
         "phases": [{"from": "2026-02-01", "areas": ["X"]}], "grandfather_before": "2020-01-01"},
        {"code": "a", "kind": "after", "programmes": ["V"], "had": ["G"], "cycles": 2, "cycle_months": 24, "unit": "household",
         "valid_from": "2026-01-01", "source": "s"},
    ])  # fmt: skip
    assert parse_cross_rules(json.loads(json.dumps([one.as_entry() for one in rules]))) == rules


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "rules:\n- {code: a, kind: exclude, programmes: [P, P], valid_from: 2026-01-01, source: s}\n"
        "- {code: b, kind: cap, most: -1, keep: luck, valid_from: 2026-01-01, source: s}\n- {code: a, kind: cup}\n"
    )
    with pytest.raises(CrossRulesInvalid) as refused:
        load_cross_rules(path)
    for said in (
        "two different ones",
        "most is a whole number",
        "keep is one of",
        "kind is cap, exclude or after",
        "a stands twice",
    ):
        assert said in refused.value.message


def test_the_command_on_files(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "rules:\n- {code: cap1, kind: cap, most: 1, keep: order, order: [B, A], valid_from: 2026-01-01, source: minutes}\n"
    )
    pa_csv.write_csv(
        pa.table({"person": ["x", "x", "y"], "programme": ["A", "B", "A"], "amount": [5, 3, 5]}), tmp_path / "drawn.csv"
    )
    words = (
        "crossrules",
        "dry-run",
        "--in",
        str(tmp_path / "drawn.csv"),
        "--rules",
        str(tmp_path / "rules.yaml"),
        "--on",
        "2026-07-01",
    )
    code, text, _ = run(capfd, *words, "--json")
    found = json.loads(text)
    assert code == 0
    assert found["rows"] == [{"person": "x", "household": "", "programme": "A", "rule": "cap1", "amount": 5.0}]
    pa_csv.write_csv(pa.table({"person": ["x", "x"], "programme": ["A", "A"]}), tmp_path / "drawn.csv")
    code, _, err = run(capfd, *words)
    assert (code, "stand twice" in err) == (10, True)
