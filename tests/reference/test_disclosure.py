"""Disclosure measures held against R, against published figures, and tables against every possible table."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from khana_methods.disclosure import anonymity, recoding, tables
from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import read_texts

FOLDER = Path(__file__).parent / "disclosure"
KEYS = ["district", "age", "sex", "size"]


def stored(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open() as handle:
        return list(csv.DictReader(handle))


def test_a_survey_is_judged_as_r_judges_it() -> None:
    with Engine(memory_mib=256, threads=1) as engine:
        found = anonymity.assess(
            engine, read_texts(FOLDER / "survey.csv"), keys=KEYS, sensitive=["illness"], weight="weight"
        )
        risky = anonymity.risky_rows_frame(engine, KEYS, k=3, is_weighted=True)
    r = {row["what"]: float(row["value"]) for row in stored("anonymity-by-r.csv")}
    (diverse,) = found.diversity
    ours = {
        "rows": found.rows, "classes": found.classes, "smallest": found.smallest, "uniques": found.uniques,
        **{f"below_{k}": n for k, n in found.violating.items()}, "distinct": diverse.distinct,
        "entropy": diverse.entropy, "rows_below_2": diverse.rows_below_2, "largest": found.risk.largest,
        "mean": found.risk.mean, "expected": found.risk.expected, "high": found.risk.rows_high,
        **{f"without_{key}": n for key, n in found.without.items()},
    }  # fmt: skip
    assert ours == pytest.approx(r, rel=1e-6)
    assert risky.num_rows == r["below_3"] and set(risky.column("class_rows").to_pylist()) == {1, 2}


def test_risk_of_every_class_is_that_of_the_sum_by_r() -> None:
    rows = stored("risk-by-r.csv")
    assert len(rows) > 100 and {int(row["f"]) for row in rows} >= {1, 2, 3, 4, 5}
    for row in rows:
        ours = anonymity.individual_risk(int(row["f"]), float(row["population"]))
        assert ours == pytest.approx(float(row["risk"]), rel=1e-6), row


def test_the_published_example() -> None:
    """The eight records of Capobianchi, Polettini & Lucarelli (2001), as printed in the sdcMicro manual (francdat)."""
    weights = [18.0, 45.5, 39.0, 17.0, 541.0, 8.0, 5.0, 92.0]
    keys = [
        (1, 2, 5, 1),
        (1, 2, 1, 1),
        (1, 2, 1, 1),
        (3, 3, 1, 5),
        (4, 3, 1, 4),
        (4, 3, 1, 1),
        (6, 2, 1, 5),
        (1, 2, 5, 1),
    ]
    printed = [0.01714426, 0.02204233, 0.02204233, 0.17707583, 0.01165448, 0.29706308, 0.40235948, 0.01714426]
    columns = {f"k{n}": [str(key[n]) for key in keys] for n in range(4)} | {"w": [str(w) for w in weights]}
    with Engine(memory_mib=128, threads=1) as engine:
        found = anonymity.assess(engine, pa.table(columns), keys=["k0", "k1", "k2", "k3"], weight="w")
    assert found.violating == {2: 4, 3: 8, 5: 8} and found.uniques == 4
    assert found.risk.expected == pytest.approx(sum(printed), abs=1e-7)
    assert [round(anonymity.individual_risk(2, 110.0), 8), round(anonymity.individual_risk(2, 84.5), 8)] == printed[:2]


def test_a_plan_does_what_it_says() -> None:
    table = read_texts(FOLDER / "survey.csv")
    with Engine(memory_mib=256, threads=1) as engine:
        anonymity.assess(engine, table, keys=KEYS)
        plan = recoding.plan(engine, KEYS, k=3, at_most=0.02)
        written = ", ".join(
            f"{next((s.expression for s in plan.steps if s.key == key), anonymity.quoted(key))} AS {key}"
            for key in KEYS
        )
        again = anonymity.assess(engine, engine.table(f"SELECT {written} FROM {anonymity.ROWS}"), keys=KEYS)
    assert again.violating[3] == plan.suppress <= 0.02 * 600 < plan.before
    assert all(0 < step.information_lost <= 1 and 0 < step.cells_changed <= 1 for step in plan.steps)


@pytest.mark.parametrize("count", [1, 2, 3, 10])
def test_risk_falls_as_the_population_grows(count: int) -> None:
    risks = [anonymity.individual_risk(count, count * weight) for weight in (1, 1.5, 2, 5, 50, 1e6)]
    assert risks == sorted(risks, reverse=True) and risks[0] == pytest.approx(1 / count)


CELLS = [(row, column) for row in "ab" for column in "xyz"]


def possible(made: tables.Protected, cell: tables.Cell) -> set[int]:
    """Return values that a hidden cell may have, by trying whole tables of up to 10 a cell.

    Nobody outside knows that no count drawn is above 9; one more is enough, since a table next to the true one differs by one a cell.
    """
    hidden = [c for c in CELLS if made.cells[c] is None]
    found = set()
    for values in product(range(11), repeat=len(hidden)):
        whole, _ = tables.with_margins({c: made.cells[c] or 0 for c in CELLS} | dict(zip(hidden, values, strict=True)))
        if all(made.cells[c] is None or made.cells[c] == whole[c] for c in whole):
            found.add(whole[cell])
    return found


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=6, max_size=6))
@example([0, 9, 1, 0, 9, 2])
def test_no_small_count_can_be_worked_out(counts: list[int]) -> None:
    made = tables.protect(dict(zip(CELLS, counts, strict=True)), threshold=3)
    assert made.primary <= {cell for cell, count in made.cells.items() if count is None}
    if sum(made.cells[c] is None for c in CELLS) > 4:
        return  # too many tables to try one by one
    for cell in made.primary & set(CELLS):
        assert len(possible(made, cell)) > 1


def test_margins_alone_do_not_give_a_cell_away() -> None:
    counts = {("a", "x"): 1, ("a", "y"): 20, ("b", "x"): 30, ("b", "y"): 40, ("c", "x"): 50, ("c", "y"): 60}
    made = tables.protect(counts, threshold=5)
    assert made.primary == {("a", "x")} and len(made.complementary) == 3
    assert made.narrowest >= 5 and made.cells["Total", "Total"] == 201


def test_three_dimensions_are_protected_together() -> None:
    counts = {(a, b, c): n for n, (a, b, c) in enumerate(product("12", "xyz", "mf"), start=1)}
    made = tables.protect(counts, threshold=4)
    whole, equations = tables.with_margins(counts)
    hidden = {cell for cell, count in made.cells.items() if count is None}
    assert made.primary == {cell for cell, count in whole.items() if 0 < count < 4}
    for cell in made.primary:
        low, high = tables.interval(whole, equations, hidden, cell)
        assert low <= whole[cell] <= high and high - low >= 4
