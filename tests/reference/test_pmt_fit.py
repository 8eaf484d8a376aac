"""Fits against independent software: statsmodels on the same design matrix, scikit-learn's exact quantile regression.

On the national consumption survey R² and the errors at 10, 20 and 30 % are worked out from statsmodels' predictions by
sorting in plain Python.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import QuantileRegressor

from khana_methods.engine.files import read_table
from khana_methods.pmt.benchmark import boosted
from khana_methods.pmt.fit import Fitted, fit_model
from khana_methods.pmt.spec import read_spec
from khana_methods.targeting import errors
from khana_methods.targeting.population import Population, poverty_line
from khana_methods.targeting.ranks import area_under_roc, cells, choose, line_at
from khana_methods.targeting.trial import error_table
from tests.factories.little_survey import rows, spec, survey

NUMBERS = [
    "hh_size", "n_0_4", "n_5_13", "n_14_17", "n_60_plus", "dependency_ratio", "head_female", "head_age", "head_years_school",
    "max_years_school", "female_head_or_spouse_years_school", "n_5_16_in_school", "n_5_16", "n_workers", "n_paid_employees",
    "n_pensioners", "rooms_per_person", "rooms", "land_owned", "land_operated", "herd_value", "n_cattle", "n_buffalo", "n_goat",
]  # fmt: skip
CODES = [
    "region_code", "area_type", "head_marital", "dwelling", "tenure", "electricity", "gas", "water", "water_distance", "toilet",
    "drain", "internet", "mobile", "landline", "desktop", "laptop", "tablet",
]  # fmt: skip


def design() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the little survey's matrix, log consumption and weights, made by hand."""
    each = rows()
    columns = [
        [1.0] * len(each), [min(r["size"], 8) for r in each], [r["rooms"] / r["size"] for r in each],
        [r["wall"] == "brick" for r in each], [r["wall"] == "cement" for r in each],
        [r["school"] != "none" for r in each], [r["school"] == "secondary" for r in each], [r["tv"] for r in each],
    ]  # fmt: skip
    return np.array(columns, float).T, np.log([r["pcc"] for r in each]), np.array([r["weight"] for r in each])


def fitted(**more: Any) -> Fitted:
    asked = spec(**more)
    asked["regressors"][2] = {"column": "wall", "reference": "mud"}
    return fit_model(survey(), read_spec(asked))


@pytest.mark.parametrize("method", ["ols", "wls"])
def test_least_squares_equal_statsmodels(method: str) -> None:
    x, y, w = design()
    found = fitted(method=method)
    other = sm.OLS(y, x).fit() if method == "ols" else sm.WLS(y, x, weights=w).fit()
    assert [c.value for c in found.coefficients] == pytest.approx(other.params.tolist(), abs=1e-10)
    assert found.r2(found.inside) == pytest.approx(other.rsquared, abs=1e-12)
    assert found.inside == pytest.approx(other.fittedvalues, abs=1e-10)


def test_errors_of_coefficients_equal_statsmodels_by_units() -> None:
    """One stratum: the design's covariance is statsmodels' clustered one but for its factor (n - 1) / (n - k)."""
    x, y, w = design()
    found = fitted(method="wls", strata=None)
    units = np.array([r["psu"] for r in rows()])
    other = sm.WLS(y, x, weights=w).fit(cov_type="cluster", cov_kwds={"groups": units})
    factor = np.sqrt((len(y) - 1) / (len(y) - x.shape[1]))
    assert [c.standard_error for c in found.coefficients] == pytest.approx((other.bse / factor).tolist(), rel=1e-8)


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_quantile_regression_equals_the_exact_simplex(share: float) -> None:
    x, y, w = design()
    found = fitted(method="quantile", quantile=share)
    other = QuantileRegressor(quantile=share, alpha=0, fit_intercept=False, solver="highs").fit(x, y, sample_weight=w)
    assert [c.value for c in found.coefficients] == pytest.approx(other.coef_.tolist(), abs=1e-7)


def test_errors_of_a_quantile_regression_are_near_those_of_statsmodels() -> None:
    x, y, _ = design()
    asked = spec(method="quantile", quantile=0.5, weight=None, strata=None, psu=None)
    asked["regressors"][2] = {"column": "wall", "reference": "mud"}
    found = fit_model(survey(), read_spec(asked))
    other = sm.QuantReg(y, x).fit(q=0.5, vcov="robust", kernel="gau", bandwidth="hsheather")
    ratio = np.array([c.standard_error for c in found.coefficients]) / other.bse
    assert ((ratio > 0.8) & (ratio < 1.25)).all()


def test_the_arrays_equal_the_tables_of_targeting() -> None:
    table = survey()
    each = rows()
    y, m = np.array([r["pcc"] for r in each]), np.array([r["weight"] * r["size"] for r in each])
    score = np.array([float(r["rooms"]) for r in each])
    with Population(table, welfare="pcc", weight="weight", size="size", score="rooms") as people:
        for share in (0.1, 0.3, 0.55):
            line = poverty_line(people, share)
            assert line_at(y, m, share) == line
            for slow, quick in (
                (errors.errors_at(people, line=line, cut_off=share, mode="quantile"), choose(score, m, share=share)),
                (errors.errors_at(people, line=line, cut_off=2, mode="absolute"), choose(score, m, cut_off=2)),
            ):
                mine = cells(y, m, quick.share, line)
                assert (mine.poor_chosen, mine.other_chosen) == pytest.approx((slow.poor_chosen, slow.other_chosen))
            assert area_under_roc(y, score, m, line) == pytest.approx(errors.auc(people, line=line))


def test_trees_bend_where_a_line_cannot() -> None:
    each = rows(600)
    curved = [float(np.exp(8 + (1.5 if (r["tv"] == (r["place"] == "urban")) else 0.0))) for r in each]
    found = fit_model(survey(600, pcc=curved), read_spec(spec(regressors=["tv", "place", "rooms"])))
    _, outside = boosted(found.parts[0].sample, found.fold, 5, seed=1)
    assert found.r2(found.outside) < 0.1
    assert found.r2(outside) > 0.95


@pytest.fixture(scope="module")
def matrix(pk_sample: Path) -> tuple[np.ndarray[Any, Any], list[dict[str, str]]]:
    """Return a design matrix of the survey made from its text file alone, and the rows behind it."""
    with gzip.open(pk_sample / "consumption_survey.csv.gz", "rt", encoding="utf-8") as handle:
        each = [row for row in csv.DictReader(handle) if float(row["pc_consumption"]) > 0]
    columns = [[1.0] * len(each), *([float(row[name]) for row in each] for name in NUMBERS)]
    for name in CODES:
        for level in sorted({row[name] for row in each})[1:]:
            columns.append([float(row[name] == level) for row in each])
    return np.array(columns).T, each


@pytest.mark.shared_data
def test_the_survey_gives_what_statsmodels_gives(pk_sample: Path, matrix: Any) -> None:
    x, each = matrix
    y = np.log([float(row["pc_consumption"]) for row in each])
    other = sm.OLS(y, x).fit()
    asked = {
        "welfare": "pc_consumption", "size": "hh_size", "weight": "weight", "strata": "stratum", "psu": "psu",
        "regressors": [*NUMBERS, *(f"C({name})" for name in CODES)], "cut_offs": [0.1, 0.2, 0.3], "folds": 2,
    }  # fmt: skip
    found = fit_model(read_table(pk_sample / "consumption_survey.csv.gz"), read_spec(asked))
    assert found.survey.left_out == (("zero welfare has no logarithm", 1),)
    assert len(found.inside) == len(each) == 24237
    assert found.inside == pytest.approx(other.fittedvalues, abs=1e-7)
    assert found.r2(found.inside) == pytest.approx(other.rsquared, abs=1e-9)
    assert other.rsquared > 0.68  # the survey's own note gives .68 for a few columns less
    table = {(r["poor_share"], r["mode"], r["sample"]): r for r in error_table(found)}
    for share in (0.1, 0.2, 0.3):
        slow = errors_by_sorting(each, other.fittedvalues, share)
        for mode in ("quantile", "absolute"):
            row = table[share, mode, "in"]
            assert (row["exclusion_error"], row["inclusion_error"]) == pytest.approx(
                slow[mode], abs=5e-4
            )  # households on the cut split differently
            assert 0 < row["exclusion_error_se"] < 0.04
        assert table[share, "quantile", "out"]["exclusion_error"] > slow["quantile"][0] - 0.005


def errors_by_sorting(each: list[dict[str, str]], predicted: Any, share: float) -> dict[str, tuple[float, float]]:
    """Return exclusion and inclusion error of both modes by sorting once, persons counted."""
    people = [
        (float(r["pc_consumption"]), float(p), float(r["weight"]) * int(r["hh_size"]))
        for r, p in zip(each, predicted, strict=True)
    ]
    total = sum(m for _, _, m in people)

    def up_to(place: int) -> float:
        reached = 0.0
        for row in sorted(people, key=lambda r: r[place]):
            reached += row[2]
            if reached >= share * total - 1e-6:
                return row[place]
        raise AssertionError

    line, cut = up_to(0), up_to(1)
    found = {}
    for mode, limit in (("quantile", cut), ("absolute", float(np.log(line)))):
        poor = sum(m for y, _, m in people if y <= line)
        chosen = sum(m for _, p, m in people if p <= limit)
        missed = sum(m for y, p, m in people if y <= line and p > limit)
        wrong = sum(m for y, p, m in people if y > line and p <= limit)
        found[mode] = (missed / poor, wrong / chosen)
    return found
