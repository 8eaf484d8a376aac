"""Decay curves against a planted rate and another implementation; who is due, by rule and by curve."""

from __future__ import annotations

import json
from datetime import date, timedelta
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from khana.interfaces.cli.freshness import ReinterviewsUnreadable
from khana.interfaces.cli.main import khana
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.freshness.decay import falling, fit_curve
from khana_methods.quality.freshness.due import (
    BestBeforeInvalid,
    DatesMissing,
    find_due,
    load_best_before,
    state_facts,
)

AS_OF = date(2026, 1, 1)


def planted(half_life: float, count: int = 4000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Answers that change at a constant rate, each asked again once."""
    chance = np.random.default_rng(seed)
    days = chance.integers(20, 1500, count).astype(float)
    return days, chance.exponential(half_life / log(2), count) > days


def test_a_planted_half_life_is_recovered_with_its_interval() -> None:
    curve = fit_curve(*planted(600))
    assert curve.half_life == pytest.approx(600, rel=0.06)
    assert curve.half_life_low is not None and curve.half_life_high is not None
    assert curve.half_life_low < 600 < curve.half_life_high
    for age in (200, 600, 1200):
        assert curve.at(age) == pytest.approx(0.5 ** (age / 600), abs=0.08)
    best = curve.best_before(0.8)
    assert best is not None and best == pytest.approx(-log(0.8) / log(2) * 600, rel=0.35)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(100):
        curve = fit_curve(*planted(600, count=300, seed=seed))
        hits += (curve.half_life_low or 0) < 600 < (curve.half_life_high or 0)
    assert 88 <= hits <= 100


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=25))
def test_the_falling_function_agrees_with_another_implementation(points: list[tuple[float, int]]) -> None:
    values, weights = (np.array(column, dtype=float) for column in zip(*points, strict=True))
    other = IsotonicRegression(increasing=False).fit_transform(np.arange(len(values)), values, sample_weight=weights)
    assert np.allclose(falling(values, weights), other)


def test_nothing_changed_gives_no_rate_and_no_day() -> None:
    curve = fit_curve(np.array([100.0, 400.0]), np.array([True, True]))
    assert curve.rate is None and curve.half_life is None and curve.best_before(0.8) is None and curve.at(9999) == 1.0


def stated(*rows: tuple[str, str, str, date]) -> pa.Table:
    names = ("household_id", "area", "fact", "stated_on")
    table = pa.table({name: [row[n] for row in rows] for n, name in enumerate(names)})
    return table.append_column("source", pa.array(["sweep"] * len(rows)))


def test_the_latest_statement_counts_and_each_fact_has_its_own_day() -> None:
    rows = stated(
        ("A", "x", "roof", date(2019, 1, 1)), ("A", "x", "roof", date(2025, 6, 1)), ("A", "x", "worked", date(2025, 6, 1)),
        ("B", "x", "worked", date(2024, 6, 1)), ("C", "y", "roof", date(2024, 6, 1)), ("C", "y", "roof", date(2027, 1, 1)),
    )  # fmt: skip
    with Engine(memory_mib=256, threads=1) as engine:
        found = find_due(engine, rows, load_best_before(), as_of=AS_OF)
    assert [(row["household_id"], row["facts"], row["best_before"]) for row in found.due.to_pylist()] == [
        ("B", "worked", date(2025, 6, 1))
    ]
    areas = {row["area"]: row for row in found.areas.to_pylist()}
    assert (areas["x"]["households"], areas["x"]["due"], areas["y"]["due"]) == (2, 1, 0)
    assert areas["x"]["within_12_months"] == 0.5 and areas["y"]["within_24_months"] == 1.0


def test_a_curve_takes_the_place_of_the_rule() -> None:
    days, same = planted(120)
    rows = stated(("A", "x", "roof", AS_OF - timedelta(days=300)))
    with Engine(memory_mib=256, threads=1) as engine:
        assert find_due(engine, rows, load_best_before(), as_of=AS_OF).due.num_rows == 0
        assert (
            find_due(engine, rows, load_best_before(), as_of=AS_OF, curves={"roof": fit_curve(days, same)}).due.num_rows
            == 1
        )


def test_beneficiaries_may_wait_longer_and_own_rules_are_checked(tmp_path: Path) -> None:
    assert load_best_before(whom="beneficiary").default > load_best_before().default
    own = tmp_path / "rules.yaml"
    for text in ("default: {months: 0}", "default: {months: 24}\nfacts: {no_fact: {months: 3}}", "facts: {}"):
        own.write_text(text)
        with pytest.raises(BestBeforeInvalid):
            load_best_before(own)


def test_a_blank_fact_is_not_stated() -> None:
    homes = pa.table(
        {"household_id": ["A", "B"], "survey_date": [date(2025, 1, 1), None], "rooms": [3, 2], "consent": [None, True]}
    )
    with Engine(memory_mib=256, threads=1) as engine:
        assert state_facts(engine, homes).to_pylist() == [
            {"household_id": "A", "area": "", "fact": "rooms", "stated_on": date(2025, 1, 1), "source": ""}
        ]
        with pytest.raises(DatesMissing):
            state_facts(engine, homes.drop_columns(["survey_date"]))


def test_the_commands(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text("household_id,line_no\nA,1\nB,1\n")
    (tmp_path / "households.csv").write_text(
        "household_id,survey_date,district_code,rooms,survey_mode\nA,2020-05-01,PK1,3,desk\nB,2025-10-01,PK1,2,van\n"
    )
    again = tmp_path / "again.csv"
    again.write_text(
        "fact,stated_on,asked_on,still_true\n"
        + "".join(f"rooms,2024-01-01,2024-0{m}-01,{'no' if m > 4 else 'yes'}\n" for m in range(2, 9))
    )

    def run(*words: str) -> dict:
        done = CliRunner().invoke(khana, ["freshness", *words, "--json"], catch_exceptions=False)
        return json.loads(done.stdout)

    out = tmp_path / "due.csv"
    result = run("due", "--in", str(tmp_path), "--as-of", "2026-01-01", "--out", str(out))
    assert (result["households"], result["due"]) == (2, 1)
    assert out.read_text().splitlines()[1].startswith("A,PK1,rooms,2020-05-01,")
    both = run("due", "--in", str(tmp_path), "--as-of", "2026-06-01", "--curve", str(again))
    assert both["due"] == 2  # by the curve, rooms are good for four months only
    assert run("curve", str(again))["rows"][0]["compared"] == 7
    again.write_text("fact,stated_on,asked_on,still_true\nrooms,2024-01-01,2023-01-01,yes\n")
    with pytest.raises(ReinterviewsUnreadable):
        CliRunner().invoke(khana, ["freshness", "curve", str(again)], catch_exceptions=False)
