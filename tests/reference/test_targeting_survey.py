"""The measures on a national consumption survey, against their definitions by sorting once in plain Python."""

from __future__ import annotations

import csv
import gzip
from itertools import accumulate, groupby
from pathlib import Path

import pyarrow as pa
import pytest

from khana_methods.targeting import design, errors, incidence, poverty
from khana_methods.targeting.population import Population, ValueMissing, poverty_line

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def survey(pk_sample: Path) -> pa.Table:
    with gzip.open(pk_sample / "consumption_survey.csv.gz", "rt", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    numbers = {"y": "pc_consumption", "w": "weight", "n": "hh_size", "s": "rooms_per_person"}
    columns = {name: [float(row[source]) if row[source] else None for row in rows] for name, source in numbers.items()}
    return pa.table({**columns, "stratum": [row["stratum"] for row in rows], "psu": [row["psu"] for row in rows]})


def test_measures_of_the_survey(survey: pa.Table) -> None:
    rows = sorted(zip(*(survey[name].to_pylist() for name in ("y", "w", "n", "s")), strict=True))
    weights = [w * n for _, w, n, _ in rows]
    total = sum(weights)
    with Population(survey, welfare="y", weight="w", size="n", score="s") as people:
        line = poverty_line(people, 0.3)
        slow = next(r[0] for r, reached in zip(rows, accumulate(weights), strict=True) if reached >= 0.3 * total - 1e-6)
        assert line == slow
        below = [(m, r[0]) for m, r in zip(weights, rows, strict=True) if r[0] < line]
        gap = sum(m * (line - y) / line for m, y in below) / total
        assert poverty.fgt(people, line=line, alpha=0) == pytest.approx(sum(m for m, _ in below) / total)
        assert poverty.fgt(people, line=line, alpha=1) == pytest.approx(gap)
        assert poverty.gini(people) == pytest.approx(gini_by_laeken([r[0] for r in rows], weights))
        found = errors.errors_at(people, line=line, cut_off=0.3, mode="quantile")
        assert found.exclusion_error == pytest.approx(found.inclusion_error, abs=0.001)
        assert errors.auc(people, line=line) == pytest.approx(auc_by_sorting(rows, line))
        estimate = design.exclusion_error(people, line=line, strata="stratum", psu="psu", single="certainty")
        assert estimate.value == pytest.approx(found.exclusion_error)
        assert 0 < estimate.standard_error < 0.05
        assert sum(q.population for q in incidence.by_quantile(people, 5)) == pytest.approx(total)
        with pytest.raises(poverty.WelfareNotPositive):
            poverty.mean_log_deviation(people)


def test_a_missing_weight_is_refused(survey: pa.Table) -> None:
    spoiled = survey.set_column(1, "w", pa.array([None, *survey["w"].to_pylist()[1:]], pa.float64()))
    with pytest.raises(ValueMissing):
        Population(spoiled, welfare="y", weight="w", size="n")


def gini_by_laeken(x: list[float], w: list[float]) -> float:
    """Return (2 sum(w x cumw) - sum(w² x)) / (sum w sum(w x)) - 1."""
    above = 2 * sum(a * b * c for a, b, c in zip(w, x, accumulate(w), strict=True))
    own = sum(a * a * b for a, b in zip(w, x, strict=True))
    return (above - own) / (sum(w) * sum(a * b for a, b in zip(w, x, strict=True))) - 1


def auc_by_sorting(rows: list[tuple[float, ...]], line: float) -> float:
    """Return the chance that a poor person's score is under a non-poor one's, ties half."""
    area = poor = other = 0.0
    scored = sorted((r for r in rows if r[3] is not None), key=lambda r: r[3])
    for _, tied in groupby(scored, key=lambda r: r[3]):
        group = list(tied)
        own = sum(w * n for y, w, n, _ in group if y <= line)
        rest = sum(w * n for y, w, n, _ in group if y > line)
        area += rest * (poor + own / 2)
        poor, other = poor + own, other + rest
    return area / (poor * other)
