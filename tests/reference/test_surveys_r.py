"""Estimates from R's own `api` data, held against R's package survey (its output is kept beside the script).

Means, totals, ratios, proportions with their intervals, domains and rules for lonely units to 1e-6; logits and their
marginal effects to 1e-4.
"""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from khana_methods.engine.files import read_table
from khana_methods.surveys.design import read_design
from khana_methods.surveys.estimate import estimate
from khana_methods.surveys.logit import fit_logit
from khana_methods.surveys.survey import Survey

FOLDER = Path(__file__).parent / "r_survey"
DESIGNS = {
    "strat": ("apistrat.csv", "weight=pw,strata=stype,fpc=fpc"),
    "clus1": ("apiclus1.csv", "weight=pw,psu=dnum,fpc=fpc"),
    "clus2": ("apiclus2.csv", "psu=dnum+snum,fpc=fpc1+fpc2"),
    "wr-certainty": ("apiclus1.csv", "weight=pw,strata=lone,psu=dnum,lonely=certainty"),
    "wr-adjust": ("apiclus1.csv", "weight=pw,strata=lone,psu=dnum,lonely=centre"),
    "wr-average": ("apiclus1.csv", "weight=pw,strata=lone,psu=dnum,lonely=average"),
}


def lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@cache
def survey(name: str) -> Survey:
    file, design = DESIGNS[name]
    return Survey(read_table(FOLDER / file), read_design(design)[0])


@pytest.mark.parametrize("line", lines("estimates.csv"), ids=lambda x: "-".join([*list(x.values())[:5], x["interval"]]))
def test_estimates_equal_those_of_r(line: dict[str, str]) -> None:
    variable, _, over = line["variable"].partition("/")
    asked = f"{variable}={line['category']}" if line["category"] else variable
    by, _, value = line["domain"].partition("=")
    found, _ = estimate(
        survey(line["design"]), line["measure"], [asked], over=over or None, by=[by] if by else [],
        interval=line["interval"] if line["measure"] == "proportion" else "logit",
    )  # fmt: skip
    (one,) = [row for row in found if not by or row.domain[by] == value]
    assert one.estimate == pytest.approx(float(line["estimate"]), rel=1e-6)
    assert one.se == pytest.approx(float(line["se"]), rel=1e-6)
    if line["lower"]:
        assert one.lower == pytest.approx(float(line["lower"]), rel=1e-6)
        assert one.upper == pytest.approx(float(line["upper"]), rel=1e-6)
        assert one.interval == line["interval"]


@pytest.mark.parametrize("name", ["strat", "clus1", "clus2"])
def test_logits_and_marginal_effects_equal_those_of_r(name: str) -> None:
    found = fit_logit(survey(name), "sch.wide=Yes", ["ell", "meals", "mobility", "stype"])
    ours = {c.term.replace("stype=", "stype").replace("constant", "(Intercept)"): c for c in found.coefficients}
    theirs = [line for line in lines("logits.csv") if line["design"] == name]
    assert set(ours) == {line["term"] for line in theirs}
    for line in theirs:
        one = ours[line["term"]]
        assert one.estimate == pytest.approx(float(line["estimate"]), abs=1e-4)
        assert one.se == pytest.approx(float(line["se"]), abs=1e-4)
        if line["marginal"]:
            assert one.marginal_effect == pytest.approx(float(line["marginal"]), abs=1e-4)
            assert one.marginal_se == pytest.approx(float(line["marginal_se"]), abs=1e-4)
