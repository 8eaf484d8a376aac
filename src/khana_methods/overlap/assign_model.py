"""The integer programme of an assignment: groups, sets of programmes that bind each other, places.

A programme that neither the cap nor an exclusion binds within a group is a count up to the size of the
group. Where only the cap binds, cash counts are bounded by the cap times the size: dealt around a circle
they give nobody more than the cap (a transportation problem; its linear programme has whole solutions).
Where an exclusion binds, every admissible set of the bound programmes has a count of its own. Whom a first
benefit reaches is a transportation problem too, so its linear programme is enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from khana_methods.errors import InputError
from khana_methods.overlap.assign_frames import Offer, Place

Values = npt.NDArray[np.float64]
_MOST_SETS = 20_000


class TooManySets(InputError):
    """So many programmes bind each other that their sets cannot be counted out."""

    code: ClassVar[str] = "overlap.assignment.too_many_sets"


@dataclass(frozen=True, slots=True)
class Group:
    """Persons of one area who may get the same programmes."""

    area: int
    mask: int
    size: int


@dataclass
class Solution:
    """Counts by group: of sets (programmes, times) and of single programmes; and what the solver proved."""

    sets: list[list[tuple[tuple[int, ...], int]]]
    counts: list[dict[int, int]]
    served_bound: int = 0
    value_bound: float = 0.0
    is_proved: bool = True


@dataclass
class _Model:
    """Variables and rows of one integer programme; a variable counts how often a group draws some programmes."""

    upper: list[float] = field(default_factory=list)
    of: list[tuple[int, tuple[int, ...], bool]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)

    def variable(self, group: int, programmes: tuple[int, ...], most: float, *, is_set: bool) -> int:
        """Add a variable from zero to `most`; return its number."""
        self.of.append((group, programmes, is_set))
        self.upper.append(most)
        return len(self.upper) - 1

    def at_most(self, limit: float, *, plus: Sequence[int] = (), minus: Sequence[int] = ()) -> None:
        """Add the row: the sum of some variables, less the sum of others, is at most the limit."""
        self.rows += [len(self.limits)] * (len(plus) + len(minus))
        self.columns += [*plus, *minus]
        self.factors += [1.0] * len(plus) + [-1.0] * len(minus)
        self.limits.append(limit)

    def limit_places(self, groups: Sequence[Group], places: Mapping[int, Mapping[int, int]]) -> None:
        """Add a row for the places of each programme in each area, and in the whole country."""
        uses: dict[tuple[int, int], list[int]] = {}
        for column, (number, programmes, _) in enumerate(self.of):
            for programme in programmes:
                for area in {groups[number].area, -1} & places.get(programme, {}).keys():
                    uses.setdefault((programme, area), []).append(column)
        for (programme, area), columns in uses.items():
            self.at_most(places[programme][area], plus=columns)

    def maximise(self, objective: Values, seconds: float, *, is_whole: bool) -> tuple[Values, float, bool]:
        """Return the best solution found, the proved bound, and whether the two meet."""
        shape = (len(self.limits), len(self.upper))
        if not shape[1]:
            return np.zeros(0), 0.0, True
        matrix = coo_array((self.factors, (self.rows, self.columns)), shape=shape).tocsr()
        done = milp(
            -objective,
            integrality=np.full(shape[1], int(is_whole)),
            bounds=Bounds(0, np.array(self.upper)),
            constraints=LinearConstraint(matrix, -np.inf, np.array(self.limits)),
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        if done.x is None:
            return np.zeros(shape[1]), float(objective @ np.array(self.upper)), False
        bound = -float(done.mip_dual_bound if done.mip_dual_bound is not None else done.fun)
        return done.x, bound, done.status == 0


def solve(
    groups: Sequence[Group], offers: Sequence[Offer], places: Mapping[int, Sequence[Place]], *, cap: int, seconds: float
) -> Solution:
    """Serve the most persons, then give the most value.

    Args:
        groups: Who is there.
        offers: What is offered, by number.
        places: By number of the offer; an offer without places has no limit.
        cap: Most cash programmes a person.
        seconds: Most seconds for one part that stands alone (an area, or all where places are shared).

    Returns:
        Counts by group, and the bounds that the solver reached, summed over the parts.

    Raises:
        TooManySets: The programmes of a group bind each other in more ways than can be counted out.
    """
    solution = Solution([[] for _ in groups], [{} for _ in groups])
    is_shared = any(place.area < 0 for own in places.values() for place in own)
    parts: dict[int, list[int]] = {}
    for number, group in enumerate(groups):
        parts.setdefault(0 if is_shared else group.area, []).append(number)
    by_area = {number: {place.area: place.quota for place in own} for number, own in places.items()}
    for members in parts.values():
        _solve_part(members, groups, offers, by_area, cap, seconds, solution)
    return solution


def _solve_part(
    members: Sequence[int], groups: Sequence[Group], offers: Sequence[Offer], places: Mapping[int, Mapping[int, int]],
    cap: int, seconds: float, solution: Solution,
) -> None:  # fmt: skip
    eligible = {
        number: [p for p in range(len(offers)) if groups[number].mask >> p & 1 and (cap > 0 or not offers[p].is_cash)]
        for number in members
    }
    first = _Model()
    for number in members:
        size = groups[number].size
        one = [first.variable(number, (p,), size, is_set=False) for p in eligible[number]]
        first.at_most(size, plus=one)
    first.limit_places(groups, places)
    served, served_bound, is_proved = first.maximise(np.ones(len(first.upper)), seconds, is_whole=False)
    model = _Model()
    served_by: list[int] = []
    for number in members:
        own = _add_group(model, number, groups[number], eligible[number], offers, cap)
        served_by.append(model.variable(number, (), groups[number].size, is_set=False))
        model.at_most(0.0, plus=served_by[-1:], minus=own)
    model.limit_places(groups, places)
    model.at_most(-round(float(served.sum())), minus=served_by)
    worth = np.array([sum(offers[p].value for p in programmes) for _, programmes, _ in model.of])
    best, value_bound, is_best = model.maximise(worth, seconds, is_whole=True)
    solution.served_bound += int(served_bound + 1e-6)
    solution.value_bound += value_bound
    solution.is_proved &= is_proved and is_best
    for (number, programmes, is_set), times in zip(model.of, np.rint(best).astype(int).tolist(), strict=True):
        if not times or not programmes:
            continue
        if is_set:
            solution.sets[number].append((programmes, times))
        else:
            solution.counts[number][programmes[0]] = times


def _add_group(
    model: _Model, number: int, group: Group, eligible: Sequence[int], offers: Sequence[Offer], cap: int
) -> list[int]:
    """Add the variables of one group and the rows that bind them; return the variables."""
    cash = [p for p in eligible if offers[p].is_cash]
    bound = {p for p in eligible if offers[p].excluded_mask & group.mask and offers[p].excluded_mask & _bits(eligible)}
    own: list[int] = []
    if bound:
        if len(cash) > cap:
            bound |= set(cash)
        chosen = [
            model.variable(number, programmes, group.size, is_set=True)
            for programmes in _sets(sorted(bound), offers, cap)
        ]
        model.at_most(group.size, plus=chosen)
        own += chosen
    single = [p for p in eligible if p not in bound]
    counts = {p: model.variable(number, (p,), group.size, is_set=False) for p in single}
    loose = [counts[p] for p in single if offers[p].is_cash]
    if len(loose) > cap:
        model.at_most(cap * group.size, plus=loose)
    return own + list(counts.values())


def _bits(programmes: Sequence[int]) -> int:
    return sum(1 << p for p in programmes)


def _sets(bound: Sequence[int], offers: Sequence[Offer], cap: int) -> list[tuple[int, ...]]:
    """Return every set of these programmes that one person may draw."""
    found: list[tuple[int, ...]] = []
    for size in range(1, len(bound) + 1):
        before = len(found)
        for chosen in combinations(bound, size):
            bits = _bits(chosen)
            is_free = not any(offers[p].excluded_mask & bits for p in chosen)
            if is_free and sum(offers[p].is_cash for p in chosen) <= cap:
                found.append(chosen)
        if len(found) > _MOST_SETS:
            raise TooManySets(
                f"{len(bound)} programmes bind each other in more than {_MOST_SETS:,} ways. "
                "Lower the cap, or assign the programmes in two rounds.",
                programmes=len(bound),
            )
        if len(found) == before:
            break
    return found
