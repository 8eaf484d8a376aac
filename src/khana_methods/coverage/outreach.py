"""Where the vans go: which unions, on which days, to register the most missing poor for the money, and fairly.

A day of a van registers so many households at most, and no more than are missing there. Each union is served from one base;
going there and back costs kilometres. Days are shared out by an integer programme with a bound, so that what is left on the
table is known; the days of each base are then put into the calendars of its vans, near places one after the other.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

from ortools.linear_solver import pywraplp

from khana_methods.errors import InputError

DETOUR = 1.3  # roads are longer than a straight line by so much, where no roads are known
EARTH_KM = 6371.0088
NEAREST = 3  # bases that may serve one union


class PlanImpossible(InputError):
    """No plan can be made: no place, no van, no day, a floor that cannot be reached, or a budget of nothing."""

    code: ClassVar[str] = "coverage.outreach.impossible"


@dataclass(frozen=True, slots=True)
class Place:
    """A union: how many poor households are missing there, and where it lies."""

    code: str
    missing: float
    latitude: float
    longitude: float
    province: str = ""
    today_days: float | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """Where vans start from in the morning, and how many."""

    code: str
    latitude: float
    longitude: float
    vans: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan may use.

    Attributes:
        days: Working days.
        start: First day; weekends (`rest_days`, Monday is 0) and `holidays` are passed over.
        per_day: Households that a van registers in a day at most.
        take_up: Share of the missing who come while a van is there.
        day_cost: Of a van and its crew.
        km_cost: Of a kilometre.
        budget: Money for all; None is no limit.
        floor: Each province registers at least this share of its own missing poor that the plan as a whole does: 0 is no
            floor, 1 is the same share everywhere.
        seconds: Time for the solver.
    """

    days: int
    start: date
    per_day: float = 40.0
    take_up: float = 0.6
    day_cost: float = 25_000.0
    km_cost: float = 60.0
    budget: float | None = None
    floor: float = 0.5
    rest_days: Sequence[int] = (5, 6)
    holidays: frozenset[date] = frozenset()
    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A van at a place from one day to another, with how many it should register."""

    base: str
    van: int
    place: str
    province: str
    first_day: date
    last_day: date
    days: int
    target: float
    km: float


@dataclass(frozen=True)
class Plan:
    """What is to be done, what it reaches and costs, and how far it may be from the best.

    Attributes:
        stops: In order of base, van and day.
        registered: Expected households.
        cost: Of days and kilometres.
        bound: No plan under these terms registers more.
        gap: (bound - registered) / bound.
        today: What the same van-days register as they are spent today.
        today_is: What `today` stands for.
        by_province: Missing, registered and share by province.
        notes: In sentences.
    """

    stops: tuple[Stop, ...]
    registered: float
    cost: float
    bound: float
    gap: float
    today: float
    today_is: str
    by_province: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...] = field(default_factory=tuple)


def great_circle_km(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance of two points (latitude, longitude) on the sphere.

    Examples:
        >>> round(great_circle_km((24.86, 67.01), (31.55, 74.34)))  # Karachi to Lahore
        1033
    """
    (p, x), (q, y) = ((math.radians(u), math.radians(v)) for u, v in (a, b))
    inner = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin((y - x) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(inner)))


def plan_outreach(
    places: Sequence[Place],
    bases: Sequence[Base],
    terms: Terms,
    *,
    roads: Mapping[tuple[str, str], float] | None = None,
) -> Plan:
    """Share out the days of vans.

    Args:
        places: Unions with their missing poor.
        bases: Where vans are.
        terms: What may be used.
        roads: Kilometres by (base, place); where one is not known the straight line is taken, longer by `DETOUR`.

    Raises:
        PlanImpossible: Nothing to share out, or terms that exclude each other.

    Source:
        Church and ReVelle 1974, The maximal covering location problem; the relaxation solved by GLOP of OR-tools and
        made whole, its value is the bound. Great-circle distance where no road is known.
    """
    vans = sum(base.vans for base in bases)
    wanted = [place for place in places if place.missing > 0]
    if not wanted or vans <= 0 or terms.days <= 0:
        raise PlanImpossible("A plan needs places with missing households, a van and a day.")
    if terms.per_day <= 0 or not 0 < terms.take_up <= 1 or not 0 <= terms.floor <= 1:
        raise PlanImpossible("A van registers somebody in a day; take-up and floor lie between 0 and 1.")
    notes: list[str] = []
    distance = _distances(wanted, bases, roads, notes)
    found, bound = _share_out(wanted, bases, terms, distance)
    stops, cost = _calendars(found, {place.code: place for place in wanted}, bases, terms, distance)
    registered = sum(stop.target for stop in stops)
    today, today_is = _today(wanted, terms, vans)
    return Plan(
        stops=tuple(stops), registered=registered, cost=cost, bound=bound,
        gap=max(0.0, (bound - registered) / bound) if bound else 0.0, today=today, today_is=today_is,
        by_province=_provinces(wanted, stops), notes=tuple(notes),
    )  # fmt: skip


def _distances(
    places: Sequence[Place], bases: Sequence[Base], roads: Mapping[tuple[str, str], float] | None, notes: list[str]
) -> dict[tuple[str, str], float]:
    """Return kilometres one way from each place to its nearest bases."""
    made: dict[tuple[str, str], float] = {}
    guessed = 0
    for place in places:
        straight = sorted(
            (great_circle_km((place.latitude, place.longitude), (base.latitude, base.longitude)), base.code)
            for base in bases
        )[:NEAREST]
        for km, base in straight:
            known = (roads or {}).get((base, place.code))
            guessed += known is None
            made[base, place.code] = km * DETOUR if known is None else known
    if guessed:
        notes.append(
            f"{guessed} of {len(made)} ways have no road distance: the straight line is taken, {DETOUR:g} times as long."
        )
    return made


def _share_out(
    places: Sequence[Place], bases: Sequence[Base], terms: Terms, distance: Mapping[tuple[str, str], float]
) -> tuple[dict[tuple[str, str], int], float]:
    """Solve for whole days by base and place; return them and the bound on what can be registered."""
    bound = _Shares(places, bases, terms, distance, saving=0.0).solve()
    near = _Shares(places, bases, terms, distance, saving=0.001)
    near.solve()
    return _whole_days(near.days(), places, bases, terms, distance), bound


def _whole_days(
    shared: Mapping[tuple[str, str], float], places: Sequence[Place], bases: Sequence[Base], terms: Terms,
    distance: Mapping[tuple[str, str], float],
) -> dict[tuple[str, str], int]:  # fmt: skip
    """Round days down, then give what vans have left to the best next day, provinces under their floor first."""
    made = {key: math.floor(days + 1e-6) for key, days in shared.items() if days >= 1 - 1e-6}
    free = {base.code: base.vans * terms.days for base in bases}
    left = {place.code: place.missing * terms.take_up for place in places}
    province = {place.code: place.province for place in places}
    missing: dict[str, float] = defaultdict(float)
    reached: dict[str, float] = defaultdict(float)
    for place in places:
        missing[place.province] += place.missing
    money = math.inf if terms.budget is None else terms.budget
    price = {key: terms.day_cost + 2 * terms.km_cost * km for key, km in distance.items()}

    def give(key: tuple[str, str], days: int) -> float:
        gain = min(days * terms.per_day, left[key[1]])
        free[key[0]] -= days
        left[key[1]] -= gain
        reached[province[key[1]]] += gain
        return days * price[key]

    for key, days in made.items():
        money -= give(key, days)
    waiting = {key for key in distance if left[key[1]] > 1e-9}
    while True:
        whole = sum(reached.values()) / sum(missing.values())
        behind = {p for p in missing if reached[p] < terms.floor * missing[p] * whole - 1e-9}
        waiting = {key for key in waiting if left[key[1]] > 1e-9 and free[key[0]] > 0 and price[key] <= money}
        best = [key for key in waiting if province[key[1]] in behind] or list(waiting)
        if not best:
            return made
        for key in sorted(best, key=lambda k: (-min(terms.per_day, left[k[1]]), distance[k], k))[
            : max(1, len(best) // 20)
        ]:
            if left[key[1]] > 1e-9 and free[key[0]] > 0 and price[key] <= money:
                money -= give(key, 1)
                made[key] = made.get(key, 0) + 1


class _Shares:
    """The programme: full days and one shorter day a place, each from one of its nearest bases, days not yet whole.

    A full day registers `per_day`, the last one what is left. A van comes home in the evening, so that kilometres go with
    days. `saving` lets near bases win where as many are registered: up to that share of a day's households.
    """

    def __init__(
        self, places: Sequence[Place], bases: Sequence[Base], terms: Terms,
        distance: Mapping[tuple[str, str], float], saving: float,
    ) -> None:  # fmt: skip
        self.solver = pywraplp.Solver.CreateSolver("GLOP")
        if self.solver is None:
            raise PlanImpossible("The solver is not installed.")
        self.solver.SetTimeLimit(int(terms.seconds * 500))
        self.full: dict[tuple[str, str], Any] = {}
        self.last: dict[tuple[str, str], Any] = {}
        by_place: dict[str, list[tuple[str, str]]] = defaultdict(list)
        by_base: dict[str, list[Any]] = defaultdict(list)
        for key in distance:
            by_place[key[1]].append(key)
        gains: list[Any] = []
        costs: list[Any] = []
        savings: list[Any] = []
        self.reached: dict[str, list[Any]] = defaultdict(list)
        far = max(distance.values(), default=1.0) or 1.0
        for place in places:
            most, left = divmod(place.missing * terms.take_up, terms.per_day)
            for key in by_place[place.code]:
                parts = []
                if most >= 1:
                    self.full[key] = self.solver.NumVar(0, int(most), "")
                    parts.append((self.full[key], terms.per_day))
                if left > 1e-9:
                    self.last[key] = self.solver.NumVar(0, 1, "")
                    parts.append((self.last[key], left))
                for variable, gain in parts:
                    by_base[key[0]].append(variable)
                    self.reached[place.province].append(gain * variable)
                    gains.append(gain * variable)
                    costs.append((terms.day_cost + 2 * terms.km_cost * distance[key]) * variable)
                    savings.append(saving * terms.per_day * distance[key] / far * variable)
            keys = by_place[place.code]
            if most >= 1:
                self.solver.Add(self.solver.Sum([self.full[key] for key in keys]) <= int(most))
            if left > 1e-9:
                self.solver.Add(self.solver.Sum([self.last[key] for key in keys]) <= 1)
        for base in bases:
            if by_base[base.code]:
                self.solver.Add(self.solver.Sum(by_base[base.code]) <= base.vans * terms.days)
        if terms.budget is not None:
            self.solver.Add(self.solver.Sum(costs) <= terms.budget)
        total = self.solver.Sum(gains)
        if terms.floor > 0 and len(self.reached) > 1:
            self._floors(places, terms, total)
        self.solver.Maximize(total - self.solver.Sum(savings) if saving else total)

    def _floors(self, places: Sequence[Place], terms: Terms, total: Any) -> None:
        """Hold each province to a share of what the plan as a whole reaches."""
        missing: dict[str, float] = defaultdict(float)
        for place in places:
            missing[place.province] += place.missing
        whole = sum(missing.values())
        everything = self.solver.NumVar(0, whole, "")
        self.solver.Add(everything == total)
        for province, parts in self.reached.items():
            self.solver.Add(self.solver.Sum(parts) >= terms.floor * missing[province] / whole * everything)

    def solve(self) -> float:
        """Solve; return the value of the objective.

        Raises:
            PlanImpossible: Nothing keeps to the terms.
        """
        if self.solver.Solve() not in (pywraplp.Solver.OPTIMAL, pywraplp.Solver.FEASIBLE):
            raise PlanImpossible("No plan keeps to these terms: more time, a larger budget or a lower floor is needed.")
        return float(self.solver.Objective().Value())

    def days(self) -> dict[tuple[str, str], float]:
        """Return days by base and place, not yet whole."""
        made: dict[tuple[str, str], float] = defaultdict(float)
        for variables in (self.full, self.last):
            for key, variable in variables.items():
                made[key] += variable.solution_value()
        return dict(made)


def _calendars(
    found: Mapping[tuple[str, str], int], places: Mapping[str, Place], bases: Sequence[Base], terms: Terms,
    distance: Mapping[tuple[str, str], float],
) -> tuple[list[Stop], float]:  # fmt: skip
    """Put the days of each base into its vans' calendars, by bearing from the base so that neighbours follow each other."""
    calendar = working_days(terms)
    stops: list[Stop] = []
    cost = 0.0
    reached: dict[str, float] = defaultdict(float)
    for base in bases:
        stays = [(code, days) for (from_base, code), days in found.items() if from_base == base.code]
        stays.sort(key=lambda stay: _bearing(base, places[stay[0]]))
        van, day = 1, 0
        for code, days in stays:
            left = days
            while left:
                if day == terms.days:
                    van, day = van + 1, 0
                now, km = min(left, terms.days - day), distance[base.code, code]
                target = max(0.0, min(now * terms.per_day, places[code].missing * terms.take_up - reached[code]))
                reached[code] += target
                stops.append(
                    Stop(
                        base.code,
                        van,
                        code,
                        places[code].province,
                        calendar[day],
                        calendar[day + now - 1],
                        now,
                        target,
                        km,
                    )
                )
                cost += now * (terms.day_cost + 2 * km * terms.km_cost)
                day += now
                left -= now
    return stops, cost


def _bearing(base: Base, place: Place) -> float:
    return math.atan2(
        place.latitude - base.latitude, (place.longitude - base.longitude) * math.cos(math.radians(base.latitude))
    )


def working_days(terms: Terms) -> list[date]:
    """Return the working days of a plan in order.

    Examples:
        >>> terms = Terms(days=3, start=date(2026, 6, 26))
        >>> [day.isoformat() for day in working_days(terms)]
        ['2026-06-26', '2026-06-29', '2026-06-30']
    """
    found: list[date] = []
    day = terms.start
    while len(found) < terms.days:
        if day.weekday() not in terms.rest_days and day not in terms.holidays:
            found.append(day)
        day += timedelta(days=1)
        if (day - terms.start).days > 20 * terms.days + 60:
            raise PlanImpossible("There are not so many working days: every day is a rest day or a holiday.")
    return found


def _today(places: Sequence[Place], terms: Terms, vans: int) -> tuple[float, str]:
    """Return what the same van-days register as they are spent today, or shared equally where that is not known."""
    whole = vans * terms.days
    known = [place.today_days or 0.0 for place in places]
    if sum(known) > 0:
        spent = [days * whole / sum(known) for days in known]
        named = "days by place as the file states them for today, scaled to the same van-days"
    else:
        spent = [whole / len(places)] * len(places)
        named = "the same van-days shared equally over all places"
    return sum(min(d * terms.per_day, p.missing * terms.take_up) for d, p in zip(spent, places, strict=True)), named


def _provinces(places: Sequence[Place], stops: Sequence[Stop]) -> dict[str, dict[str, float]]:
    made: dict[str, dict[str, float]] = {}
    for place in places:
        row = made.setdefault(place.province, {"missing": 0.0, "registered": 0.0, "van_days": 0.0})
        row["missing"] += place.missing
    for stop in stops:
        made[stop.province]["registered"] += stop.target
        made[stop.province]["van_days"] += stop.days
    for row in made.values():
        row["share"] = row["registered"] / row["missing"]
    return made
