"""Cut-offs, ties, quotas, splits and bad input, on populations small enough to count by hand."""

from __future__ import annotations

import doctest
import importlib
from math import sqrt
from typing import Any

import pyarrow as pa
import pytest

from khana_methods.pmt.evaluate import fit
from khana_methods.targeting import design, errors, incidence, poverty, select
from khana_methods.targeting.population import BasisUnknown, ColumnMissing, Population, ValueMissing, poverty_line

FIVE = pa.table(
    {
        "id": ["a", "b", "c", "d", "e"],
        "y": [1.0, 2.0, 3.0, 4.0, 5.0],
        "s": [10.0, 20.0, 20.0, 20.0, None],
        "w": [1.0, 2.0, 1.0, 1.0, 1.0],
        "n": [2.0, 1.0, 1.0, 1.0, 1.0],
        "place": ["x", "x", "y", "y", "z"],
    }
)


@pytest.mark.parametrize("name", ["population", "select", "errors", "incidence", "poverty", "design"])
def test_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"khana_methods.targeting.{name}")).failed == 0


def taken(people: Population) -> dict[str, float]:
    return dict(zip(*select.chosen(people, key="id").to_pydict().values(), strict=True))


@pytest.mark.parametrize(
    ("ties", "key", "expected"),
    [
        ("all", None, {"a": 1, "b": 1, "c": 1, "d": 1, "e": 0}),
        ("none", None, {"a": 1, "b": 0, "c": 0, "d": 0, "e": 0}),
        ("key", "id", {"a": 1, "b": 1, "c": 0, "d": 0, "e": 0}),
        ("split", None, {"a": 1, "b": 0.5, "c": 0.5, "d": 0.5, "e": 0}),
    ],
)
def test_ties_at_the_margin_are_settled_as_told(ties: str, key: str | None, expected: dict[str, float]) -> None:
    """Population weights are 2, 2, 1, 1, 1: four sevenths reach a and half of the three tied."""
    with Population(FIVE, welfare="y", score="s", weight="w", size="n") as people:
        select.choose_share(people, 4 / 7, ties=ties, key=key)
        assert taken(people) == pytest.approx(expected)


def test_households_or_persons_are_counted_as_told() -> None:
    for basis, share in (("population", 2 / 7), ("household", 1 / 6)):
        with Population(FIVE, welfare="y", score="s", weight="w", size="n", basis=basis) as people:
            found = errors.errors_at(people, line=1, cut_off=10)
            assert found.chosen / found.total == pytest.approx(share)


def test_an_area_has_its_quota_and_another_has_none() -> None:
    with Population(FIVE, welfare="y", score="s", weight="w") as people:
        select.choose_quota(people, {"x": 1, "y": 1}, area="place", ties="key", key="id")
        assert taken(people) == {"a": 1, "b": 0, "c": 1, "d": 0, "e": 0}
        with pytest.raises(select.ShareOutOfRange):
            select.choose_quota(people, {"x": -1}, area="place")


def test_a_quantile_cut_off_at_the_poor_share_makes_both_errors_one() -> None:
    frame = pa.table({"y": [float(n) for n in range(100)], "s": [float((n * 37) % 100 + n) for n in range(100)]})
    with Population(frame, welfare="y", score="s") as people:
        line = poverty_line(people, 0.3)
        found = errors.errors_at(people, line=line, cut_off=0.3, mode="quantile")
        assert found.exclusion_error == pytest.approx(found.inclusion_error)
        assert found.poverty_incidence_error == pytest.approx(0, abs=1e-12)
        assert found.random_inclusion_error == pytest.approx(0.7)
        assert found.random_exclusion_error == pytest.approx(0.7)
        curve = errors.roc(people, line=line)
        assert curve[-1][1:] == (1.0, 1.0)
        area = sum((b[1] - a[1]) * (a[2] + b[2]) / 2 for a, b in zip([(0, 0, 0), *curve], curve, strict=False))
        assert area == pytest.approx(errors.auc(people, line=line))


def test_two_cities_on_a_grid_of_ten_thousand() -> None:
    """Ravallion 2009: A pays its poorest fifth and half are poor; B pays two fifths and a tenth are poor."""
    wanted = {(2000, 5000): (1.0, 2.0, 0.8, 0.4), (4000, 1000): (0.25, 2.5, 0.6, 0.6667)}
    for (paid, poor), (share, normalised, index, differential) in wanted.items():
        frame = pa.table({"y": [float(n) for n in range(1, 10_001)], "b": [1.0] * paid + [0.0] * (10_000 - paid)})
        with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
            found = incidence.targeting_measures(people, line=poor)
        assert found.share_to_poor == pytest.approx(share, abs=1e-9)
        assert found.normalised_share == pytest.approx(normalised, abs=1e-9)
        assert found.concentration_index == pytest.approx(index, abs=1e-9)
        assert found.targeting_differential == pytest.approx(differential, abs=1e-4)
        rate = 1 - found.share_to_poor
        expected = 1 - rate / (1 - found.headcount)
        if found.type_1 == 0:
            assert found.normalised_differential == pytest.approx(2 * expected)


def test_a_gini_by_another_formula() -> None:
    """laeken's: (2 sum(w x cumw) - sum(w² x)) / (sum w sum(w x)) - 1, in the order of x."""
    x, w = [1.0, 2.5, 4.0, 9.0], [2.0, 1.0, 3.0, 0.5]
    reached = [sum(w[: k + 1]) for k in range(4)]
    above = 2 * sum(a * b * c for a, b, c in zip(w, x, reached, strict=True))
    own = sum(a * a * b for a, b in zip(w, x, strict=True))
    expected = (above - own) / (sum(w) * sum(a * b for a, b in zip(w, x, strict=True))) - 1
    with Population(pa.table({"x": x, "w": w}), welfare="x", weight="w") as people:
        assert poverty.gini(people) == pytest.approx(expected)


def test_exclusion_is_split_between_formula_and_office() -> None:
    frame = pa.table(
        {
            "y": [1.0] * 6 + [9.0],
            "s": [50.0, 10.0, 10.0, 10.0, None, 50.0, 10.0],
            "b": [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0],
            "reg": [True, True, True, True, False, True, True],
            "enr": [False, False, True, True, False, True, True],
        }
    )
    with Population(frame, welfare="y", score="s", transfer="b", welfare_is="before") as people:
        found = errors.split_exclusion(people, line=2, cut_off=32, registered="reg", enrolled="enr")
        parts = (found.design, found.not_registered, found.not_enrolled, found.not_paid, found.reached)
        assert parts == pytest.approx((2 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 6))
        assert found.reached_despite == pytest.approx(1 / 6)
        assert found.implementation == pytest.approx(3 / 6)
        assert errors.errors_of_programme(people, line=2).exclusion_error == pytest.approx(4 / 6)
        with pytest.raises(errors.NobodyPoor):
            errors.split_exclusion(people, line=0.5, cut_off=32, registered="reg", enrolled="enr")


def test_an_error_rate_of_a_simple_sample_has_the_textbook_error() -> None:
    """All are poor and each is a unit: the rate is a mean, its variance p (1 - p) / (n - 1)."""
    frame = pa.table({"y": [1.0] * 10, "s": [1.0] * 7 + [9.0] * 3, "h": ["one"] + ["two"] * 9})
    with Population(frame, welfare="y", score="s") as people:
        select.choose_below(people, 5)
        found = design.exclusion_error(people, line=2)
        assert found.value == pytest.approx(0.3)
        assert found.standard_error == pytest.approx(sqrt(0.3 * 0.7 / 9))
        assert (found.units, found.strata) == (10, 1)
        assert found.low == pytest.approx(0.3 - 1.96 * found.standard_error)
        with pytest.raises(design.SingleUnitStratum):
            design.exclusion_error(people, line=2, strata="h")
        certain = design.exclusion_error(people, line=2, strata="h", single="certainty")
        centred = design.exclusion_error(people, line=2, strata="h", single="centre")
        assert certain.standard_error < centred.standard_error
        assert design.inclusion_error(people, line=0.5).value == 1.0
        with pytest.raises(design.NothingToDivide):
            design.exclusion_error(people, line=0.5)


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        ({"y": [1.0, None]}, ValueMissing),
        ({"y": [1.0, float("nan")]}, ValueMissing),
        ({"y": []}, ValueMissing),
        ({"y": [1.0], "w": [0.0]}, ValueMissing),
        ({"y": [1.0], "w": [None]}, ValueMissing),
        ({"y": [1.0], "w": [1.0], "n": [-1.0]}, ValueMissing),
        ({"z": [1.0]}, ColumnMissing),
    ],
)
def test_a_frame_that_would_bias_every_figure_is_refused(columns: dict[str, list[Any]], kind: type[Exception]) -> None:
    frame = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    names = {"weight": "w", "size": "n"}
    with pytest.raises(kind):
        Population(frame, welfare="y", **{key: name for key, name in names.items() if name in columns})


def test_words_and_figures_without_a_definition_are_refused() -> None:
    with pytest.raises(BasisUnknown):
        Population(FIVE, welfare="y", basis="villages")
    with Population(FIVE, welfare="y", score="s") as people:
        for mode, kind in (("sideways", errors.ModeUnknown), ("quantile", select.ShareOutOfRange)):
            with pytest.raises(kind):
                errors.errors_at(people, line=2, cut_off=2, mode=mode)
        for ties, key in (("coin", None), ("key", None), ("all", "id")):
            with pytest.raises(select.TieRuleUnknown):
                select.choose_share(people, 0.5, ties=ties, key=key)
        with pytest.raises(select.TieRuleUnknown):
            select.choose_budget(people, 5, cost="n", ties="all")
        with pytest.raises(select.ShareOutOfRange):
            select.choose_budget(people, -5, cost="n")
        with pytest.raises(ColumnMissing):
            select.choose_budget(people, 5, cost="price")
        for line in (0, -1):
            with pytest.raises(poverty.LineNotPositive):
                poverty.fgt(people, line=line, alpha=0)
        for call in (incidence.concentration_curve, lambda p: incidence.cgh(p, 0.4)):
            with pytest.raises(incidence.NothingPaid):
                call(people)
        with pytest.raises(incidence.NothingPaid):
            incidence.targeting_measures(people, line=2)
        with pytest.raises(incidence.ShareOutOfScale):
            incidence.cgh(people, 0)
        with pytest.raises(incidence.ShareOutOfScale):
            incidence.by_quantile(people, 1)
        assert incidence.by_quantile(people, 2)[0].benefit_incidence is None
    with (
        Population(pa.table({"y": [0.0, 1.0]}), welfare="y") as people,
        pytest.raises(poverty.WelfareNotPositive),
    ):
        poverty.mean_log_deviation(people)
    with (
        Population(pa.table({"y": [1.0, 2.0], "s": [1.0, 2.0]}), welfare="y", score="s") as people,
        pytest.raises(errors.NobodyPoor),
    ):
        errors.roc(people, line=9)


def test_a_household_transfer_is_divided_by_its_members() -> None:
    frame = pa.table({"y": [5.0], "n": [4.0], "b": [8.0]})
    with Population(frame, welfare="y", size="n", transfer="b", transfer_of="household") as people:
        assert people.figure("SELECT b, x, y FROM people") == (2.0, 3.0, 5.0)


def test_a_column_name_stays_a_name() -> None:
    evil = 'y" FROM range(3); --'
    frame = pa.table({evil: [1.0, 2.0], "s": [1.0, 2.0]})
    with Population(frame, welfare=evil, score="s") as people:
        select.choose_below(people, 1)
        assert select.chosen(people, key=evil).to_pydict() == {evil: [1.0, 2.0], "share": [1.0, 0.0]}
    (whole,) = fit(frame, predicted=evil, actual="s")
    assert whole.r2 == 1.0
