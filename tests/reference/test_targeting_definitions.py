"""Every measure of targeting against its definition, written out slowly, on little populations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import log, sqrt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.targeting import design, errors, incidence, poverty, select
from khana_methods.targeting.population import Population

LINE = 3.0


@dataclass
class Row:
    y: float
    w: float
    n: float
    s: float
    b: float
    h: str
    i: int

    @property
    def m(self) -> float:
        return self.w * self.n


rows = st.builds(
    Row,
    y=st.integers(1, 8).map(float),
    w=st.integers(1, 4).map(lambda n: n / 2),
    n=st.integers(1, 3).map(float),
    s=st.integers(0, 5).map(float),
    b=st.integers(0, 2).map(float),
    h=st.sampled_from("ab"),
    i=st.integers(1, 3),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


def close(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=1e-9)


def share_chosen(group: list[Row], share: float) -> dict[int, float]:
    """Return the fraction chosen of each household, ties split: one after the other, tie group by tie group."""
    left, found = share * sum(r.m for r in group), {}
    for score in sorted({r.s for r in group}):
        tied = [k for k, r in enumerate(group) if r.s == score]
        own = sum(group[k].m for k in tied)
        taken = min(1.0, max(0.0, left / own))
        left -= taken * own
        found |= dict.fromkeys(tied, taken)
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(group=st.lists(rows, min_size=2, max_size=9), share=st.sampled_from([0.0, 0.2, 0.5, 1.0]))
def test_measures_are_their_definitions(engine: Engine, group: list[Row], share: float) -> None:
    frame = pa.table({name: [getattr(r, name) for r in group] for name in ("y", "w", "n", "s", "b", "h", "i")})
    people = Population(
        frame, welfare="y", weight="w", size="n", score="s", transfer="b", welfare_is="before", engine=engine
    )
    total = sum(r.m for r in group)
    poor = sum(r.m for r in group if r.y <= LINE)
    _errors(people, group, share)
    _poverty(people, group, total)
    if 0 < poor < total:
        pairs = [(p, q) for p in group if p.y <= LINE for q in group if q.y > LINE]
        better = sum(p.m * q.m * ((p.s < q.s) + 0.5 * (p.s == q.s)) for p, q in pairs)
        assert errors.auc(people, line=LINE) == close(better / sum(p.m * q.m for p, q in pairs))
        if any(r.b for r in group):
            _differential(people, group, poor, total)
    else:
        with pytest.raises(errors.NobodyPoor):
            errors.auc(people, line=LINE)
        with pytest.raises(incidence.ShareOutOfScale):
            incidence.targeting_measures(people, line=LINE)


def _errors(people: Population, group: list[Row], share: float) -> None:
    taken = share_chosen(group, share)
    found = errors.errors_at(people, line=LINE, cut_off=share, mode="quantile")
    tp = sum(r.m * taken[k] for k, r in enumerate(group) if r.y <= LINE)
    fp = sum(r.m * taken[k] for k, r in enumerate(group) if r.y > LINE)
    fn = sum(r.m * (1 - taken[k]) for k, r in enumerate(group) if r.y <= LINE)
    total = sum(r.m for r in group)
    assert found.exclusion_error == close(fn / (tp + fn) if tp + fn else None)
    assert found.inclusion_error == close(fp / (tp + fp) if tp + fp else None)
    assert found.leakage_iris == close(fp / (tp + fn) if tp + fn else None)
    assert found.total_accuracy == close((total - fp - fn) / total)
    assert found.poverty_incidence_error == close((fp - fn) / total)
    if tp + fn:
        assert found.bpac == close(tp / (tp + fn) - abs(fn - fp) / (tp + fn))
        estimate = design.exclusion_error(people, line=LINE, strata="h", psu="i", single="certainty")
        assert estimate.value == close(fn / (tp + fn))
        assert estimate.standard_error == close(_error_of(group, taken, fn / (tp + fn), tp + fn))
    absolute = errors.errors_at(people, line=LINE, cut_off=2)
    assert absolute.poor_left_out == close(sum(r.m for r in group if r.y <= LINE and r.s > 2))
    assert absolute.other_chosen == close(sum(r.m for r in group if r.y > LINE and r.s <= 2))
    lost = errors.leakage(people, line=LINE)
    paid = sum(r.m for r in group if r.b > 0)
    assert lost.by_heads == close(sum(r.m for r in group if r.b > 0 and r.y > LINE) / paid if paid else None)
    money = sum(r.m * r.b for r in group)
    assert lost.by_amount == close(sum(r.m * r.b for r in group if r.y > LINE) / money if money else None)


def _error_of(group: list[Row], taken: dict[int, float], rate: float, below: float) -> float:
    """Return the linearised standard error of the exclusion error."""
    variance = 0.0
    for stratum in {r.h for r in group}:
        units: dict[int, float] = {}
        for k, r in enumerate(group):
            if r.h == stratum:
                residual = (1 - taken[k] - rate) if r.y <= LINE else 0.0
                units[r.i] = units.get(r.i, 0.0) + r.m * residual / below
        count, mean = len(units), sum(units.values()) / len(units)
        if count > 1:
            variance += count / (count - 1) * sum((z - mean) ** 2 for z in units.values())
    return sqrt(variance)


def _poverty(people: Population, group: list[Row], total: float) -> None:
    for alpha in (0, 1, 2):
        gaps = [r.m * ((LINE - r.y) / LINE) ** alpha for r in group if r.y < LINE]
        assert poverty.fgt(people, line=LINE, alpha=alpha, when="before") == close(sum(gaps) / total)
    logs = sum(r.m * log(LINE / r.y) for r in group if r.y < LINE)
    assert poverty.watts(people, line=LINE, when="before") == close(logs / total)
    mean = sum(r.m * r.y for r in group) / total
    apart = sum(p.m * q.m * abs(p.y - q.y) for p in group for q in group)
    assert poverty.gini(people, when="before") == close(apart / (2 * total * total * mean))
    assert poverty.mean_log_deviation(people, when="before") == close(
        log(mean) - sum(r.m * log(r.y) for r in group) / total
    )
    effect = poverty.poverty_effect(people, line=LINE)
    closed = sum(r.m * (max(LINE - r.y, 0) - max(LINE - r.y - r.b, 0)) for r in group)
    spent = sum(r.m * r.b for r in group)
    assert effect.benefit_cost_ratio == close(closed / spent if spent else None)
    assert effect.gap_before - effect.gap_after == close(closed / LINE / total)


def _differential(people: Population, group: list[Row], poor: float, total: float) -> None:
    found = incidence.targeting_measures(people, line=LINE)
    money = sum(r.m * r.b for r in group)
    share = sum(r.m * r.b for r in group if r.y <= LINE) / money
    covered = sum(r.m for r in group if r.b > 0 and r.y <= LINE) / poor
    others = sum(r.m for r in group if r.b > 0 and r.y > LINE) / (total - poor)
    assert found.share_to_poor == close(share) and found.normalised_share == close(share / (poor / total))
    assert found.targeting_differential == close(covered - others) and found.type_2 == close(1 - covered)
    curve, area = incidence.concentration_curve(people), 0.0
    for before, after in pairwise(curve):
        area += (after[0] - before[0]) * (after[1] + before[1]) / 2
    assert found.concentration_index == close(2 * area - 1)
    assert incidence.share_to_poorest(people, poor / total) == close(share)
    assert incidence.cgh(people, 1.0) == close(1.0)
    fifths = incidence.by_quantile(people, 5)
    assert sum(q.benefit_incidence or 0 for q in fifths) == close(1.0)
    assert sum(q.population for q in fifths) == close(total)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(group=st.lists(rows, min_size=1, max_size=9), budget=st.integers(0, 12), ties=st.sampled_from(["none", "key"]))
def test_a_budget_is_never_overspent_and_nobody_poorer_is_passed_over(
    engine: Engine, group: list[Row], budget: int, ties: str
) -> None:
    frame = pa.table(
        {
            "y": [r.y for r in group],
            "s": [r.s for r in group],
            "cost": [r.n for r in group],
            "k": list(range(len(group))),
        }
    )
    people = Population(frame, welfare="y", score="s", engine=engine)
    select.choose_budget(people, budget, cost="cost", ties=ties, key="k" if ties == "key" else None)
    taken = select.chosen(people, key="k")["share"].to_pylist()
    assert set(taken) <= {0.0, 1.0}
    assert sum(r.n for r, t in zip(group, taken, strict=True) if t) <= budget
    left = [r.s for r, t in zip(group, taken, strict=True) if not t]
    highest = [r.s for r, t in zip(group, taken, strict=True) if t]
    assert not left or not highest or max(highest) <= min(left)
    if ties == "none":
        assert not set(left) & set(highest)
