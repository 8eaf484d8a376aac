"""Ties at the margin: arrays and tables choose the same under every rule, and quantiles that are split are equal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.targeting.incidence import by_quantile
from khana_methods.targeting.population import Population
from khana_methods.targeting.ranks import choose
from khana_methods.targeting.select import TIES, TieRuleUnknown, choose_share, chosen

household = st.tuples(st.integers(0, 4), st.integers(1, 4), st.integers(1, 6))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(household, min_size=1, max_size=12), share=st.sampled_from([0.1, 0.2, 0.35, 0.5, 0.9, 1.0]),
    ties=st.sampled_from(TIES), lot=st.randoms(use_true_random=False),
)  # fmt: skip
def test_arrays_choose_as_tables_do(
    engine: Engine, rows: list[tuple[int, int, int]], share: float, ties: str, lot: object
) -> None:
    order = list(range(len(rows)))
    lot.shuffle(order)  # type: ignore[attr-defined]
    score, mass = np.array([float(r[0]) for r in rows]), np.array([r[1] / 2 for r in rows])
    frame = pa.table({"id": range(len(rows)), "y": score + 1, "s": score, "w": mass, "lot": order})
    people = Population(frame, welfare="y", weight="w", score="s", engine=engine)
    choose_share(people, share, ties=ties, key="lot" if ties == "key" else None)
    by_table = chosen(people, key="id")["share"].to_pylist()
    by_array = choose(score, mass, share=share, ties=ties, key=np.array(order, float) if ties == "key" else None)
    assert by_array.share.tolist() == pytest.approx(by_table, abs=1e-9)
    if any(by_table):
        assert by_array.cut_off == max(s for s, taken in zip(score, by_table, strict=True) if taken)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(household, min_size=1, max_size=12), quantiles=st.sampled_from([2, 5, 10]))
def test_split_quantiles_are_equal_to_the_person(
    engine: Engine, rows: list[tuple[int, int, int]], quantiles: int
) -> None:
    frame = pa.table(
        {"y": [float(r[0] + 1) for r in rows], "w": [float(r[1]) for r in rows], "b": [float(r[2] % 2) for r in rows]}
    )
    people = Population(frame, welfare="y", weight="w", transfer="b", welfare_is="before", engine=engine)
    found = by_quantile(people, quantiles, ties="split")
    total = sum(r[1] for r in rows)
    assert [q.population for q in found] == pytest.approx([total / quantiles] * quantiles)
    assert sum(q.coverage * q.population for q in found) == pytest.approx(sum(r[1] for r in rows if r[2] % 2))


def test_a_rule_for_ties_that_is_none_is_refused() -> None:
    for ties, key in (("lot", None), ("key", None), ("all", np.ones(2))):
        with pytest.raises(TieRuleUnknown):
            choose(np.ones(2), np.ones(2), share=0.5, ties=ties, key=key)
