"""Vans, centres and door-to-door sweeps in one plan: which places get which, to register the most missing poor for the money.

A centre stands in one place for the whole time and its cost is paid once; a sweep's team goes from door to door, reaches more of
those who are missing and costs more a household; vans are as in `outreach`. The three are weighed against each other by a linear
programme whose value is the bound; what is whole (a centre, a team's day, a van's day) is then made whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ortools.linear_solver import pywraplp

from khana_methods.coverage.outreach import (
    DETOUR,
    Base,
    Place,
    PlanImpossible,
    Stop,
    Terms,
    great_circle_km,
    plan_outreach,
    working_days,
)


@dataclass(frozen=True, slots=True)
class Ways:
    """What may be used beside vans.

    Attributes:
        centres: How many places may get one.
        centre_cost: Of one centre for the whole time.
        centre_per_day: Households it registers in a day at most.
        centre_take_up: Share of the missing who come to it.
        teams: Teams that go from door to door.
        team_cost: Of a team's day.
        team_per_day: Households a team registers in a day at most.
        team_take_up: Share of the missing whom it finds and registers.
    """

    centres: int = 0
    centre_cost: float = 900_000.0
    centre_per_day: float = 60.0
    centre_take_up: float = 0.7
    teams: int = 0
    team_cost: float = 9_000.0
    team_per_day: float = 12.0
    team_take_up: float = 0.9


@dataclass(frozen=True, slots=True)
class Stay:
    """A centre or a sweep at one place from one day to another; `team` is 0 for a centre."""

    kind: str
    team: int
    place: str
    province: str
    first_day: Any
    last_day: Any
    days: int
    target: float
    cost: float


@dataclass(frozen=True)
class WaysPlan:
    """Stops of vans, stays of centres and teams, and how far all may be from the best."""

    stops: tuple[Stop, ...]
    stays: tuple[Stay, ...]
    registered: float
    cost: float
    bound: float
    gap: float
    today: float
    today_is: str
    by_province: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]


def plan_ways(
    places: Sequence[Place], bases: Sequence[Base], terms: Terms, ways: Ways, *,
    roads: Mapping[tuple[str, str], float] | None = None,
) -> WaysPlan:  # fmt: skip
    """Share out vans, centres and teams.

    Args:
        places: Unions with their missing poor.
        bases: Where vans are; none is allowed where there are centres or teams.
        terms: Of the vans; days, budget and floor are of the whole plan.
        ways: What else may be used.
        roads: As in `plan_outreach`.

    Raises:
        PlanImpossible: Nothing to share out, or terms that exclude each other.

    Source:
        Church and ReVelle 1974, The maximal covering location problem, with fixed charges for centres relaxed to shares; the
        relaxation is solved by GLOP of OR-tools and its value is the bound on every whole plan.
    """
    wanted = [place for place in places if place.missing > 0]
    if not wanted or (ways.centres <= 0 and ways.teams <= 0 and sum(base.vans for base in bases) <= 0):
        raise PlanImpossible("A plan needs places with missing households, and a van, a centre or a team.")
    shares = {ways.centre_take_up, ways.team_take_up, terms.take_up}
    if not all(0 < one <= 1 for one in shares) or min(ways.centre_per_day, ways.team_per_day) <= 0:
        raise PlanImpossible("Take-up lies between 0 and 1, and a centre or a team registers somebody in a day.")
    mixed = _Mixed(wanted, bases, terms, ways, roads or {})
    bound = mixed.solve()
    stays, left_money = _whole_stays(wanted, terms, ways, mixed)
    reached: dict[str, float] = defaultdict(float)
    for stay in stays:
        reached[stay.place] += stay.target
    top = max(shares)
    rest = [
        replace(p, missing=max(0.0, min(p.missing, (top * p.missing - reached[p.code]) / terms.take_up)))
        if reached[p.code] else p
        for p in wanted
    ]  # fmt: skip
    stops: tuple[Stop, ...] = ()
    cost, today, today_is = sum(stay.cost for stay in stays), 0.0, "no vans"
    notes: tuple[str, ...] = ()
    if sum(base.vans for base in bases) > 0 and any(p.missing > 0 for p in rest):
        vans = plan_outreach(rest, bases, replace(terms, budget=left_money), roads=roads)
        stops, notes = vans.stops, vans.notes
        cost += vans.cost
        whole = plan_outreach(wanted, bases, replace(terms, floor=0.0), roads=roads)
        today, today_is = whole.today, whole.today_is
    registered = sum(stop.target for stop in stops) + sum(stay.target for stay in stays)
    provinces = _provinces(wanted, stops, stays)
    return WaysPlan(
        stops=stops, stays=tuple(stays), registered=registered, cost=cost, bound=bound,
        gap=max(0.0, (bound - registered) / bound) if bound else 0.0, today=today, today_is=today_is,
        by_province=provinces, notes=(*notes, *_under_floor(provinces, terms)),
    )  # fmt: skip


class _Mixed:
    """The relaxation: households by vans, shares of centres, households by teams, in each place."""

    def __init__(
        self, places: Sequence[Place], bases: Sequence[Base], terms: Terms, ways: Ways, roads: Mapping[tuple[str, str], float]
    ) -> None:  # fmt: skip
        self.solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        if self.solver is None:
            raise PlanImpossible("The solver is not installed.")
        self.solver.SetTimeLimit(int(terms.seconds * 1000))
        self.centre: dict[str, Any] = {}
        self.team: dict[str, Any] = {}
        top = max(ways.centre_take_up, ways.team_take_up, terms.take_up)
        vans = sum(base.vans for base in bases)
        gains, costs, van_days = [], [], []
        by_province: dict[str, list[Any]] = defaultdict(list)
        missing: dict[str, float] = defaultdict(float)
        for place in places:
            inside = []
            if vans > 0:
                day = terms.day_cost + 2 * terms.km_cost * _nearest(place, bases, roads)
                van = self.solver.NumVar(0, terms.take_up * place.missing, "")
                van_days.append(van / terms.per_day)
                costs.append(day / terms.per_day * van)
                inside.append(van)
            if ways.centres > 0:
                most = min(terms.days * ways.centre_per_day, ways.centre_take_up * place.missing)
                self.centre[place.code] = self.solver.NumVar(0, 1, "")
                costs.append(ways.centre_cost * self.centre[place.code])
                inside.append(most * self.centre[place.code])
            if ways.teams > 0:
                self.team[place.code] = self.solver.NumVar(0, ways.team_take_up * place.missing, "")
                costs.append(ways.team_cost / ways.team_per_day * self.team[place.code])
                inside.append(self.team[place.code])
            self.solver.Add(self.solver.Sum(inside) <= top * place.missing)
            gains += inside
            by_province[place.province] += inside
            missing[place.province] += place.missing
        if van_days:
            self.solver.Add(self.solver.Sum(van_days) <= vans * terms.days)
        if self.centre:
            self.solver.Add(self.solver.Sum(list(self.centre.values())) <= ways.centres)
        if self.team:
            parts = [one / ways.team_per_day for one in self.team.values()]
            self.solver.Add(self.solver.Sum(parts) <= ways.teams * terms.days)
        if terms.budget is not None:
            self.solver.Add(self.solver.Sum(costs) <= terms.budget)
        total = self.solver.Sum(gains)
        if terms.floor > 0 and len(by_province) > 1:
            everything = self.solver.NumVar(0, sum(missing.values()), "")
            self.solver.Add(everything == total)
            for province, parts in by_province.items():
                least = terms.floor * missing[province] / sum(missing.values())
                self.solver.Add(self.solver.Sum(parts) >= least * everything)
        self.solver.Maximize(total)

    def solve(self) -> float:
        """Solve; return the bound.

        Raises:
            PlanImpossible: Nothing keeps to the terms.
        """
        if self.solver.Solve() not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
            raise PlanImpossible("No plan keeps to these terms: more time, a larger budget or a lower floor is needed.")
        return float(self.solver.Objective().Value())


def _nearest(place: Place, bases: Sequence[Base], roads: Mapping[tuple[str, str], float]) -> float:
    known = [roads[base.code, place.code] for base in bases if (base.code, place.code) in roads]
    straight = [
        DETOUR * great_circle_km((place.latitude, place.longitude), (base.latitude, base.longitude)) for base in bases
    ]
    return min([*known, *straight])


def _whole_stays(places: Sequence[Place], terms: Terms, ways: Ways, mixed: _Mixed) -> tuple[list[Stay], float | None]:
    """Make centres and teams' days whole, largest shares first, within the money; return them and the money left."""
    calendar = working_days(terms)
    money = float("inf") if terms.budget is None else terms.budget
    made: list[Stay] = []
    top = max(ways.centre_take_up, ways.team_take_up, terms.take_up)
    left = {place.code: top * place.missing for place in places}
    by_code = {place.code: place for place in places}
    asked = sorted(
        ((one.solution_value(), code) for code, one in mixed.centre.items()), key=lambda one: (-one[0], one[1])
    )
    for share, code in asked:
        place = by_code[code]
        target = min(terms.days * ways.centre_per_day, ways.centre_take_up * place.missing)
        if share < 0.5 or len(made) == ways.centres or ways.centre_cost > money:
            continue
        money -= ways.centre_cost
        left[code] -= target
        made.append(
            Stay("centre", 0, code, place.province, calendar[0], calendar[-1], terms.days, target, ways.centre_cost)
        )
    team, day = 1, 0
    wanted = sorted(
        ((one.solution_value(), code) for code, one in mixed.team.items()),
        key=lambda one: (by_code[one[1]].province, one[1]),
    )
    for households, code in wanted:
        days = int(
            min(households, left[code]) // ways.team_per_day
            + (min(households, left[code]) % ways.team_per_day > ways.team_per_day / 2)
        )
        while days > 0 and team <= ways.teams:
            now = min(days, terms.days - day, int(money // ways.team_cost) if money != float("inf") else days)
            if now <= 0:
                break
            target = min(now * ways.team_per_day, left[code], ways.team_take_up * by_code[code].missing)
            made.append(
                Stay(
                    "sweep",
                    team,
                    code,
                    by_code[code].province,
                    calendar[day],
                    calendar[day + now - 1],
                    now,
                    target,
                    now * ways.team_cost,
                )
            )
            money -= now * ways.team_cost
            left[code] -= target
            days, day = days - now, day + now
            if day == terms.days:
                team, day = team + 1, 0
    return made, None if terms.budget is None else money


def _provinces(places: Sequence[Place], stops: Sequence[Stop], stays: Sequence[Stay]) -> dict[str, dict[str, float]]:
    made: dict[str, dict[str, float]] = {}
    for place in places:
        row = made.setdefault(place.province, {"missing": 0.0, "registered": 0.0, "van_days": 0.0, "centres": 0.0, "team_days": 0.0})  # fmt: skip
        row["missing"] += place.missing
    for stop in stops:
        made[stop.province]["registered"] += stop.target
        made[stop.province]["van_days"] += stop.days
    for stay in stays:
        made[stay.province]["registered"] += stay.target
        made[stay.province]["centres" if stay.kind == "centre" else "team_days"] += (
            1 if stay.kind == "centre" else stay.days
        )
    for row in made.values():
        row["share"] = row["registered"] / row["missing"]
    return made


def _under_floor(provinces: Mapping[str, Mapping[str, float]], terms: Terms) -> tuple[str, ...]:
    whole = sum(row["registered"] for row in provinces.values()) / sum(row["missing"] for row in provinces.values())
    low = [name for name, row in provinces.items() if row["share"] < terms.floor * whole - 0.01]
    return (f"After rounding to whole days {', '.join(low)} lie under the floor.",) if low else ()
