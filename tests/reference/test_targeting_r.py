"""Measures and their standard errors against R: survey's linearisation and jackknife, laeken's Gini.

The data and the values were written by `r_targeting/make_reference.R`; its versions are in `versions.txt`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from khana_methods.engine.files import read_table
from khana_methods.pmt.fit import fit_model
from khana_methods.pmt.spec import read_spec
from khana_methods.targeting import errors, incidence, poverty
from khana_methods.targeting.linearise import Measured
from khana_methods.targeting.measures import at_cut_off, of_programme, poverty_indices
from khana_methods.targeting.people import read_people
from khana_methods.targeting.population import Population

FOLDER = Path(__file__).parent / "r_targeting"
LINE, CUT = 10000.0, 9.3
# R takes these by a delete-one-unit jackknife, we by linearisation: the two agree only as samples grow, and for a share up
# to a quantile (CGH) the jackknife is an order of magnitude and no more
BY_REPLICATES = {"gini": 0.02, "auc": 0.02, "concentration_index": 0.02, "cgh_20": 0.2, "cgh_40": 0.2}


def reference(name: str) -> dict[str, tuple[float, float]]:
    with (FOLDER / name).open(encoding="utf-8") as handle:
        return {row[0]: (float(row[1]), float(row[2])) for row in list(csv.reader(handle))[1:]}


@pytest.fixture(scope="module")
def measures() -> dict[str, Measured]:
    people, _ = read_people(
        read_table(FOLDER / "targeting_data.csv"), welfare="welfare", weight="weight", size="size", score="score",
        transfer="transfer", strata="stratum", psu="psu", single="refuse",
    )  # fmt: skip
    return {
        **of_programme(people, line=LINE), **at_cut_off(people, line=LINE, cut_off=CUT).measures,
        **poverty_indices(people, line=LINE, when="before"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(reference("targeting.csv")))
def test_a_measure_and_its_error_are_those_of_r(measures: dict[str, Measured], name: str) -> None:
    estimate, error = reference("targeting.csv")[name]
    found = measures[name]
    assert found.value == pytest.approx(estimate, rel=2e-9 if name not in BY_REPLICATES else 1e-6)
    assert found.standard_error == pytest.approx(error, rel=BY_REPLICATES.get(name, 1e-8))
    assert (found.units, found.strata) == (108, 9)


def test_coefficients_and_their_errors_are_those_of_svyglm() -> None:
    asked = {
        "welfare": "welfare", "weight": "weight", "strata": "stratum", "psu": "psu", "method": "wls",
        "regressors": ["size", {"column": "stratum", "kind": "category", "reference": 1}],
    }  # fmt: skip
    found = fit_model(read_table(FOLDER / "targeting_data.csv"), read_spec(asked))
    told = [(c.value, c.standard_error) for c in found.coefficients]
    for mine, r in zip(told, reference("regression.csv").values(), strict=True):
        assert mine == pytest.approx(r, rel=1e-7)


def test_the_values_are_those_of_the_tables(measures: dict[str, Measured]) -> None:
    table = read_table(FOLDER / "targeting_data.csv")
    with Population(
        table, welfare="welfare", weight="weight", size="size", score="score", transfer="transfer",
        transfer_of="household", welfare_is="before",
    ) as people:  # fmt: skip
        slow = errors.errors_at(people, line=LINE, cut_off=CUT)
        ravallion = incidence.targeting_measures(people, line=LINE)
        effect = poverty.poverty_effect(people, line=LINE)
        expected = {
            "exclusion_error": slow.exclusion_error, "bpac": slow.bpac, "auc": errors.auc(people, line=LINE),
            "concentration_index": ravallion.concentration_index, "cgh_20": incidence.cgh(people, 0.2),
            "normalised_differential": ravallion.normalised_differential,
            "programme_targeting_differential": ravallion.targeting_differential,
            "benefit_cost_ratio": effect.benefit_cost_ratio, "gini_reduction": effect.gini_reduction,
            "watts": poverty.watts(people, line=LINE, when="before"),
            "mean_log_deviation": poverty.mean_log_deviation(people, when="before"),
        }  # fmt: skip
    for name, value in expected.items():
        assert measures[name].value == pytest.approx(value, rel=1e-9), name


def test_a_group_keeps_the_whole_design() -> None:
    table = read_table(FOLDER / "targeting_data.csv")
    people, _ = read_people(table, welfare="welfare", weight="weight", size="size", strata="stratum", psu="psu")
    large = np.array([int(value) >= 4 for value in table.column("size").to_pylist()])
    found = poverty_indices(people.only(large), line=LINE)["headcount"]
    assert found.units == 108
    assert 0 < found.standard_error < 0.05
