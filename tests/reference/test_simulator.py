"""The simulator's counts against a clerk who goes through the households one by one."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana_methods.errors import InputError
from khana_methods.targeting.simulate import STEP, Cube, Outcome, Policy, Survey, cube_frame, move, survey_frame

HOUSEHOLD = st.fixed_dictionaries(
    {
        "province": st.sampled_from(["A", "B", "C"]), "score": st.integers(0, 120).map(lambda n: n / 2),
        "female_head": st.booleans(), "disability": st.booleans(), "cash": st.integers(0, 4), "persons": st.integers(1, 9),
    }
)  # fmt: skip
POLICY = st.builds(
    Policy, cut_off=st.integers(0, 130).map(lambda n: n / 2), benefit=st.just(100.0), months=st.sampled_from([6, 12]),
    quota=st.none() | st.integers(0, 60), budget=st.none() | st.integers(0, 60_000).map(float), cap=st.none() | st.integers(1, 4),
    disability_points=st.sampled_from([0.0, 5.0]), female_head_points=st.sampled_from([0.0, 2.5]),
    floor=st.sampled_from([0.0, 0.1, 0.5]),
)  # fmt: skip


def cube_of(rows: list[dict[str, object]]) -> Cube:
    cells: dict[tuple[object, ...], list[int]] = {}
    for row in rows:
        key = (row["province"], int(float(row["score"]) * STEP), row["female_head"], row["disability"], row["cash"])  # type: ignore[arg-type]
        cell = cells.setdefault(key, [0, 0])
        cell[0] += 1
        cell[1] += int(row["persons"])  # type: ignore[call-overload]
    columns = list(zip(*[(k[0], "", k[1], k[2], k[3], k[4], n, p) for k, (n, p) in cells.items()], strict=True))
    return Cube.of(
        pa.table([pa.array(list(c), f.type) for c, f in zip(columns, cube_frame, strict=True)], schema=cube_frame)
    )


def by_hand(rows: list[dict[str, object]], policy: Policy) -> float:
    """Take households one by one; return how many are taken when fractions of one bin are allowed."""

    def order(row: dict[str, object]) -> float:
        off = policy.female_head_points * bool(row["female_head"]) + policy.disability_points * bool(row["disability"])
        return max(0.0, float(row["score"]) - off)  # type: ignore[arg-type]

    limit = float("inf") if policy.quota is None else float(policy.quota)
    if policy.budget is not None:
        limit = min(limit, policy.budget / (policy.benefit * policy.months))
    opened = [row for row in rows if policy.cap is None or row["cash"] < policy.cap]  # type: ignore[operator]
    floors = 0.0
    fitting: dict[str, float] = {}
    for province in {row["province"] for row in rows}:
        mine = [row for row in opened if row["province"] == province]
        every = sum(row["province"] == province for row in rows)
        least = min(policy.floor * every, len(mine))
        under = sum(order(row) <= policy.cut_off for row in mine)
        floors += least
        fitting[str(province)] = max(least, under)
    return limit if floors >= limit else min(limit, sum(fitting.values()))


@settings(max_examples=50, deadline=None)
@given(st.lists(HOUSEHOLD, min_size=1, max_size=60), POLICY)
def test_as_many_as_a_clerk_takes(rows: list[dict[str, object]], policy: Policy) -> None:
    done = move(cube_of(rows), policy)
    wanted = by_hand(rows, policy)
    assert done.households == pytest.approx(wanted, abs=1e-6)
    assert done.cost == pytest.approx(wanted * policy.benefit * policy.months, abs=1e-3)
    assert sum(reach.reached for reach in done.provinces) == pytest.approx(wanted, abs=1e-6)
    assert sum(reach.reached for reach in done.tenths) == pytest.approx(wanted, abs=1e-6)
    assert sum(reach.households for reach in done.tenths) == pytest.approx(len(rows))
    for reach in done.provinces:
        assert -1e-9 <= reach.reached <= reach.households + 1e-9
    assert done.left_by_limit >= -1e-6


@settings(max_examples=25, deadline=None)
@given(st.lists(HOUSEHOLD, min_size=2, max_size=40), st.integers(5, 60))
def test_the_poorest_come_first(rows: list[dict[str, object]], quota: int) -> None:
    done = move(cube_of(rows), Policy(cut_off=100, quota=quota))
    reached = [reach.share or 0.0 for reach in done.tenths]
    assert all(a >= b - 1e-9 for a, b in pairwise(reached))


def survey_of(**columns: list[object]) -> Survey:
    size = len(columns["score"])
    rest = {"weight": [1.0] * size, "size": [1.0] * size, "province": ["A"] * size, "female_head": [False] * size,
            "disability": [False] * size}  # fmt: skip
    return Survey.of(pa.table({**rest, **columns}, schema=survey_frame))


def asked(policy: Policy, line: float = 100.0, **columns: list[object]) -> Outcome:
    rows = [
        {"province": "A", "score": float(n), "female_head": False, "disability": False, "cash": 0, "persons": 4}
        for n in range(100)
    ]
    return move(cube_of(rows), policy, survey=survey_of(**columns), line=line)


def test_errors_and_poverty_by_a_survey_worked_on_paper() -> None:
    """Four persons: poor and taken, poor and missed, not poor and taken, neither. The benefit is 60 a year."""
    done = asked(Policy(cut_off=30, benefit=5.0), score=[10.0, 50.0, 20.0, 90.0], welfare=[50.0, 80.0, 150.0, 400.0])
    says = done.survey
    assert says is not None
    assert (says.exclusion_error, says.inclusion_error) == (0.5, 0.5)
    assert (says.poor_left_out, says.non_poor_in) == (1.0, 1.0)
    assert (says.headcount_before, says.headcount_after) == (0.5, 0.25), "50 + 60 is over the line of 100"
    assert says.gap_before == pytest.approx((0.5 + 0.2) / 4) and says.gap_after == pytest.approx(0.2 / 4)


def test_a_survey_household_of_a_province_that_nobody_knows_goes_by_the_country() -> None:
    done = asked(Policy(cut_off=30), score=[10.0, 50.0], welfare=[50.0, 50.0], province=["Z", "Z"])
    assert done.survey is not None and done.survey.exclusion_error == 0.5


@pytest.mark.parametrize(
    "policy", [Policy(-1), Policy(float("nan")), Policy(32, benefit=-5), Policy(32, floor=1.5), Policy(32, months=13)]
)
def test_a_slider_that_means_nothing_is_refused(policy: Policy) -> None:
    with pytest.raises(InputError):
        asked(policy, score=[1.0], welfare=[1.0])
    with pytest.raises(InputError):
        asked(Policy(32), line=0.0, score=[1.0], welfare=[1.0])
