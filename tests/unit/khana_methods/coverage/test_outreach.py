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


def test_centres_and_sweeps_are_weighed_against_vans_and_stay_under_the_bound() -> None:
    from khana_methods.coverage.outreach_ways import Ways, plan_ways

    wanted = places(40)
    terms = Terms(days=10, start=date(2026, 7, 1), per_day=40, budget=2_500_000)
    only_vans = plan_ways(wanted, BASES, terms, Ways())
    mixed = plan_ways(wanted, BASES, terms, Ways(centres=2, centre_cost=60_000, teams=8))
    kinds = {stay.kind for stay in mixed.stays}
    assert kinds == {"centre", "sweep"} and sum(1 for stay in mixed.stays if stay.kind == "centre") <= 2
    assert only_vans.registered <= mixed.registered <= mixed.bound + 1e-6 and mixed.cost <= 2_500_000 + 1e-6
    assert mixed.gap < 0.1
    reached = {place.code: 0.0 for place in wanted}
    for one in [*mixed.stops, *mixed.stays]:
        reached[one.place] += one.target
    assert all(reached[place.code] <= 0.9 * place.missing + 1e-6 for place in wanted), "no more than the best way finds"
    team_days = {team: sum(s.days for s in mixed.stays if s.kind == "sweep" and s.team == team) for team in range(1, 9)}
    assert max(team_days.values()) <= 10
    without_vans = plan_ways(wanted, [], terms, Ways(teams=8))
    assert not without_vans.stops and without_vans.registered > 0
    with pytest.raises(PlanImpossible):
        plan_ways(wanted, [], terms, Ways())


def test_opening_hours_make_days_as_long_as_they_are() -> None:
    from khana_methods.coverage.opening_hours import HoursUnreadable, closed_days, per_day, read_hours

    hours = read_hours("mon-thu 9-15, fri 9-12")
    assert closed_days(hours) == (5, 6)
    week = [date(2026, 6, day) for day in (22, 23, 24, 25, 26)]
    assert per_day(hours, 10, week) == pytest.approx((4 * 60 + 30) / 5)
    for wrong in ("", "monday 9-5", "mon 9", "mon 15-9", "mon 25-26", "fri-xyz 9-12"):
        with pytest.raises(HoursUnreadable):
            read_hours(wrong)


def test_results_correct_the_map_and_not_only_the_rate() -> None:
    from khana_methods.coverage.results_back import NothingPlanned, Result, correct

    made = correct([Result("full", 400, 200, 190), Result("empty", 400, 200, 20), Result("rest", 4000, 2000, 1000), Result("none", 50, 0, 0)])  # fmt: skip
    told = {one.place: one for one in made.places}
    assert made.take_up_factor == pytest.approx(1210 / 2400)
    assert told["full"].ratio > made.take_up_factor > told["empty"].ratio
    assert told["full"].missing > told["empty"].missing, "where more came than planned, more were missing"
    assert told["none"].missing == 50 and told["empty"].missing >= 0
    with pytest.raises(NothingPlanned):
        correct([Result("a", 10, 0, 3)])


def test_a_campaign_is_drawn_fairly_and_measured_against_its_control() -> None:
    import numpy as np

    from khana_methods.coverage.campaigns import CONTROL, CampaignArea, CampaignWrong, assign_arms, measure

    areas = {f"u{k}": (f"p{k % 3}", float(50 + k)) for k in range(120)}
    drawn = assign_arms(areas, ["sms", "radio"], control_share=0.25, seed=5)
    assert drawn == assign_arms(areas, ["sms", "radio"], control_share=0.25, seed=5) and set(drawn) == set(areas)
    counts = {arm: sum(1 for one in drawn.values() if one == arm) for arm in set(drawn.values())}
    assert counts[CONTROL] == pytest.approx(30, abs=1) and abs(counts["sms"] - counts["radio"]) <= 2
    held = [areas[code][1] for code, arm in drawn.items() if arm == CONTROL]
    assert np.mean(held) == pytest.approx(np.mean([n for _, n in areas.values()]), rel=0.1)
    random = np.random.default_rng(2)
    truth = {CONTROL: 0.10, "sms": 0.10, "radio": 0.18}
    rows = [
        CampaignArea(code, arm, 1000, random.binomial(1000, 0.05), random.binomial(1000, truth[arm]), 0 if arm == CONTROL else 20_000, 50, 10 + 10 * (arm == "radio"))
        for code, arm in drawn.items()
    ]  # fmt: skip
    told = {one.arm: one for one in measure(rows)}
    radio, sms = told["radio"], told["sms"]
    assert radio.effect == pytest.approx(0.08, abs=0.01) and radio.p_value is not None and radio.p_value < 1e-6
    assert sms.lower is not None and sms.upper is not None and sms.lower < 0 < sms.upper and sms.cost_upper is None
    assert radio.cost_per_household == pytest.approx(20_000 / 80, rel=0.2)
    assert radio.aware_more == pytest.approx(0.2)
    for wrong in (rows[:1], [one for one in rows if one.arm != CONTROL]):
        with pytest.raises(CampaignWrong):
            measure(wrong)
