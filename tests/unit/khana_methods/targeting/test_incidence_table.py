"""Incidence of programmes on a survey: the golden cities, the definitions, and errors held against the survey room."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from khana_methods.surveys.design import Design
from khana_methods.surveys.estimate import estimate
from khana_methods.surveys.survey import Survey
from khana_methods.targeting.incidence_table import Receipts, ReceiptWrong, incidence_table, pair_table


def city(paid: int, share: float) -> dict[tuple[str, str], float | None]:
    table = pa.table({"y": [float(k) for k in range(1, 11)], "b": [1.0] * paid + [0.0] * (10 - paid)})
    asked = Receipts("y", ["b"], welfare_is="before", poor_share=share)
    return {(r.group, r.measure): r.estimate for r in incidence_table(table, Design(), asked, weights="household")}


def test_the_golden_cities() -> None:
    """domain.md 4.2: A looks better targeted by shares, B reaches more of its poor."""
    a, b = city(2, 0.5), city(4, 0.1)
    assert (a["all", "share_to_poor"], a["all", "targeting_differential"]) == (1.0, pytest.approx(0.4))
    assert (b["all", "share_to_poor"], b["all", "targeting_differential"]) == (0.25, pytest.approx(2 / 3))
    assert (round(a["all", "concentration_index"] or 0, 4), round(b["all", "concentration_index"] or 0, 4)) == (
        0.8,
        0.6,
    )
    assert a["1", "cgh"] == pytest.approx(5.0) and a["5", "cgh"] == pytest.approx(1.0)


def survey() -> tuple[pa.Table, Design]:
    random = np.random.default_rng(11)
    y = random.gamma(2, 100, 300)
    table = pa.table(
        {
            "h": [str(k // 100) for k in range(300)], "i": [str(k // 10) for k in range(300)],
            "w": random.uniform(10, 20, 300), "n": random.integers(1, 8, 300), "y": y,
            "b": np.where(random.uniform(size=300) < np.where(y < 150, 0.6, 0.2), 12.0, 0.0),
            "reached": ["yes" if k % 3 == 0 else "no" for k in range(300)],
        }
    )  # fmt: skip
    return table, Design(weight="w", strata=("h",), psu=("i",), size="n")


def test_coverage_has_the_error_of_the_survey_room() -> None:
    table, design = survey()
    asked = Receipts("y", ["reached"], welfare_is="before")
    rows = {(r.group, r.measure): r for r in incidence_table(table, design, asked, weights="population")}
    one, _ = estimate(Survey(table, design, weights="population"), "proportion", ["reached=yes"])
    assert rows["all", "coverage"].estimate == pytest.approx(one[0].estimate)
    assert rows["all", "coverage"].se == pytest.approx(one[0].se)
    assert rows["all", "coverage"].lower == pytest.approx(one[0].lower)


def test_shares_add_up_and_transfers_are_taken_off_welfare() -> None:
    table, design = survey()
    rows = incidence_table(table, design, Receipts("y", ["b"], of="household", quantiles=4), weights="population")
    for measure in ("beneficiary_incidence", "benefit_incidence"):
        parts = [r for r in rows if r.measure == measure]
        assert len(parts) == 4 and sum(r.estimate or 0 for r in parts) == pytest.approx(1)
        assert all(r.se is not None and r.lower is not None for r in parts)
    found = {(r.group, r.measure): r for r in rows}
    td = found["all", "targeting_differential"]
    assert td.estimate == pytest.approx(
        (found["poor", "coverage"].estimate or 0) - (found["others", "coverage"].estimate or 0)
    )
    assert td.lower is not None and td.lower > 0


def test_a_programme_that_pays_nobody_has_coverage_zero_and_no_shares() -> None:
    table, design = survey()
    table = table.append_column("none", pa.array([0.0] * 300))
    rows = {
        (r.group, r.measure): r for r in incidence_table(table, design, Receipts("y", ["none"]), weights="household")
    }
    assert rows["all", "coverage"].estimate == 0.0
    assert ("1", "benefit_incidence") not in rows and ("1", "cgh") not in rows


@pytest.mark.parametrize("column", [["x"] * 300, [-1.0] * 300])
def test_receipt_that_cannot_be_is_refused(column: list[object]) -> None:
    table, design = survey()
    with pytest.raises(ReceiptWrong):
        incidence_table(
            table.append_column("bad", pa.array(column)), design, Receipts("y", ["bad"]), weights="household"
        )


def test_overlap_of_a_pair_has_the_error_of_the_survey_room() -> None:
    table, design = survey()
    both = [b > 0 and r == "yes" for b, r in zip(table["b"].to_pylist(), table["reached"].to_pylist(), strict=True)]
    table = table.append_column("both", pa.array(["yes" if one else "no" for one in both]))
    asked = Receipts("y", ["b", "reached"], welfare_is="before")
    rows = {(r.group, r.measure): r for r in pair_table(table, design, asked, weights="population")}
    one, _ = estimate(Survey(table, design, weights="population"), "proportion", ["both=yes"])
    assert rows["all", "overlap"].programme == "b & reached"
    assert rows["all", "overlap"].estimate == pytest.approx(one[0].estimate)
    assert rows["all", "overlap"].se == pytest.approx(one[0].se)
    coverage = {r.programme: r.estimate for r in incidence_table(table, design, asked, weights="population")
                if (r.group, r.measure) == ("all", "coverage")}  # fmt: skip
    overlap, either = rows["all", "overlap"].estimate or 0, rows["all", "either"].estimate or 0
    assert overlap + either == pytest.approx(sum(value or 0 for value in coverage.values()))
    assert rows["first", "also"].estimate == pytest.approx(overlap / (coverage["b"] or 1))
    assert rows["second", "also"].estimate == pytest.approx(overlap / (coverage["reached"] or 1))
    assert rows["all", "jaccard"].estimate == pytest.approx(overlap / either)
    asked = Receipts("y", ["b", "reached", "both"], welfare_is="before")
    assert len({r.programme for r in pair_table(table, design, asked, weights="population")}) == 3


def test_quantiles_whose_ties_are_split_are_equal_in_the_table_too() -> None:
    table = pa.table({"y": [1.0, 1.0, 1.0, 2.0], "b": [1.0, 0.0, 0.0, 1.0]})
    for ties, coverage in (("together", [1 / 3, 1.0]), ("split", [1 / 3, 2 / 3])):
        asked = Receipts("y", ["b"], welfare_is="before", quantiles=2, ties=ties)
        rows = {(r.group, r.measure): r.estimate for r in incidence_table(table, Design(), asked, weights="household")}
        assert [rows["1", "coverage"], rows["2", "coverage"]] == pytest.approx(coverage), ties
