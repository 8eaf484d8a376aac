"""Outreach plans and small areas: against brute force, floors, budgets, without roads; and against the model's own formulas."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from khana_methods.coverage.outreach import Base, Place, PlanImpossible, Terms, plan_outreach
from khana_methods.coverage.outreach_files import PlacesUnreadable, read_places
from khana_methods.coverage.small_area import SmallAreasUnfit, fay_herriot

BASES = [Base("b", 30.0, 70.0, 1), Base("c", 31.0, 71.0, 1)]


def places(count: int = 6, seed: int = 2) -> list[Place]:
    random = np.random.default_rng(seed)
    return [
        Place(
            f"u{k}",
            float(random.integers(5, 120)),
            float(random.uniform(29, 32)),
            float(random.uniform(69, 72)),
            "ns"[k % 2],
        )
        for k in range(count)
    ]


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_registers_what_brute_force_finds(seed: int) -> None:
    wanted, terms = places(5, seed), Terms(days=2, start=date(2026, 7, 1), per_day=20, take_up=0.5, floor=0)
    best = 0.0
    for days in itertools.product(range(5), repeat=5):
        if sum(days) <= 4:  # two vans, two days
            best = max(best, sum(min(d * 20, p.missing * 0.5) for d, p in zip(days, wanted, strict=True)))
    found = plan_outreach(wanted, BASES, terms)
    assert found.bound >= best - 1e-6
    assert found.registered == pytest.approx(best)
    assert found.registered <= found.bound + 1e-6 and found.gap == pytest.approx(
        (found.bound - best) / found.bound, abs=1e-6
    )
    assert found.registered >= found.today


def test_vans_stand_in_one_place_a_day_and_rest_at_weekends() -> None:
    found = plan_outreach(places(30), BASES, Terms(days=10, start=date(2026, 7, 1)))
    used: dict[tuple[str, int], int] = defaultdict(int)
    last: dict[tuple[str, int], date] = {}
    for stop in found.stops:
        used[stop.base, stop.van] += stop.days
        assert last.get((stop.base, stop.van), date.min) < stop.first_day <= stop.last_day
        last[stop.base, stop.van] = stop.last_day
        assert stop.first_day.weekday() < 5 and stop.last_day.weekday() < 5
    assert {van for _, van in used} == {1} and all(days <= 10 for days in used.values())
    reached: dict[str, float] = defaultdict(float)
    for stop in found.stops:
        reached[stop.place] += stop.target
    assert all(reached[p.code] <= p.missing * 0.6 + 1e-6 for p in places(30))


def test_a_floor_gives_a_far_province_its_share() -> None:
    wanted = [Place(f"n{k}", 200, 30.0, 70.0, "near") for k in range(10)] + [
        Place(f"f{k}", 12, 31.0, 71.0, "far") for k in range(10)
    ]
    terms = Terms(days=10, start=date(2026, 7, 1), per_day=40)
    without = plan_outreach(wanted, BASES, Terms(days=10, start=date(2026, 7, 1), per_day=40, floor=0))
    fair = plan_outreach(wanted, BASES, Terms(days=10, start=date(2026, 7, 1), per_day=40, floor=0.8))
    assert terms.floor == 0.5 and without.by_province["far"]["registered"] == 0
    overall = fair.registered / sum(p.missing for p in wanted)
    assert fair.by_province["far"]["share"] >= 0.8 * overall - 0.06  # whole days
    assert fair.registered <= without.registered


def test_a_budget_is_kept_and_dearer_terms_reach_less() -> None:
    free = plan_outreach(places(20), BASES, Terms(days=10, start=date(2026, 7, 1)))
    bound = plan_outreach(places(20), BASES, Terms(days=10, start=date(2026, 7, 1), budget=free.cost / 2))
    assert bound.cost <= free.cost / 2 + 1e-6 and 0 < bound.registered < free.registered


def test_a_plan_without_roads_falls_back_on_distances_and_says_so() -> None:
    without = plan_outreach(places(), BASES, Terms(days=3, start=date(2026, 7, 1)))
    assert "have no road distance" in without.notes[0]
    roads = {(base.code, place.code): 5.0 for base in BASES for place in places()}
    known = plan_outreach(places(), BASES, Terms(days=3, start=date(2026, 7, 1)), roads=roads)
    assert known.notes == () and known.cost < without.cost


@pytest.mark.parametrize(
    ("wanted", "bases", "terms"),
    [
        ([], BASES, {}), ([Place("a", 0, 30, 70)], BASES, {}), (places(), [], {}), (places(), BASES, {"per_day": 0}),
        (places(), BASES, {"rest_days": tuple(range(7))}), (places(), BASES, {"take_up": 2}),
    ],
)  # fmt: skip
def test_plans_that_cannot_be_are_refused(wanted: list[Place], bases: list[Base], terms: dict[str, object]) -> None:
    with pytest.raises(PlanImpossible):
        plan_outreach(wanted, bases, Terms(days=3, start=date(2026, 7, 1), **terms))  # type: ignore[arg-type]


def test_places_without_a_position_are_named() -> None:
    table = pa.table({"code": ["a", "b"], "missing": [1, 2], "latitude": [30.0, None], "longitude": [70.0, 71.0]})
    with pytest.raises(PlacesUnreadable, match="1 rows have no latitude"):
        read_places(table)


def areas(seed: int = 4, count: int = 60) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.uniform(0, 1, count)
    truth = 0.1 + 0.3 * x + random.normal(0, 0.03, count)
    se = random.uniform(0.02, 0.12, count)
    return [f"a{k}" for k in range(count)], truth, truth + random.normal(0, se), se, x


def test_small_areas_come_nearer_to_the_truth_and_say_their_doubt() -> None:
    better = inside = total = 0
    for seed in range(8):
        codes, truth, direct, se, x = areas(seed)
        found = fay_herriot(
            codes, [None if k % 10 == 0 else float(d) for k, d in enumerate(direct)], list(map(float, se)), x[:, None]
        )
        modelled = np.array([one.estimate for one in found.areas])
        seen = np.arange(60) % 10 != 0
        better += np.mean((modelled - truth)[seen] ** 2) < 0.7 * np.mean((direct - truth)[seen] ** 2)
        inside += sum(one.lower <= t <= one.upper for one, t in zip(found.areas, truth, strict=True))
        total += 60
        assert all(
            one.direct is None and one.weight == 0 for one, k in zip(found.areas, range(60), strict=True) if k % 10 == 0
        )
        assert found.cross_validated < found.without_model
        assert 0.85 <= found.inside <= 1
    assert better >= 7
    assert 0.92 <= inside / total <= 0.98


def test_the_line_alone_where_nothing_is_between_areas_and_the_survey_where_it_is_sure() -> None:
    codes, _, _, _, x = areas()
    exact = fay_herriot(codes, [0.1 + 0.3 * float(v) for v in x], [0.05] * 60, x[:, None])
    assert exact.between < 0.05**2 / 5
    assert exact.areas[3].estimate == pytest.approx(0.1 + 0.3 * x[3], abs=1e-6)
    sure = fay_herriot(codes, [float(k % 7) for k in range(60)], [1e-4] * 60, x[:, None])
    assert sure.areas[5].weight > 0.999 and sure.areas[5].estimate == pytest.approx(5, abs=1e-3)


def test_small_areas_that_cannot_be_fitted_are_refused() -> None:
    codes, _, direct, se, x = areas(count=60)
    with pytest.raises(SmallAreasUnfit):
        fay_herriot(codes[:5], [float(d) for d in direct[:5]], [float(s) for s in se[:5]], x[:5, None])
    with pytest.raises(SmallAreasUnfit):
        fay_herriot(codes, [float(d) for d in direct], [float(s) for s in se], np.column_stack([x, x]))
