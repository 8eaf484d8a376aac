"""Who gets which programme: the exact assignment under places, a cap on cash and programmes that exclude each other.

First as many eligible persons as can be get at least one benefit; among all ways to do that, the one
of the highest value. Persons of one area who may get the same programmes are one group, so that the
integer programme has groups and not persons. Solved by HiGHS through SciPy, area by area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.assign_frames import Offer, Place, read_frames
from khana_methods.overlap.assign_model import Group, Solution, solve

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment.

    Attributes:
        rows: `person`, `programme`: one row a benefit, in the order of the persons.
        summary: Persons, eligible, served and value of this assignment, of its bound and of the greedy practice.
    """

    rows: pa.Table
    summary: dict[str, Any]


def assign(
    engine: Engine, *, persons: pa.Table, programmes: pa.Table, eligibility: pa.Table, quotas: pa.Table, cap: int = 3,
    seconds: float = 600.0,
) -> Assigned:  # fmt: skip
    """Assign programmes to persons.

    Args:
        engine: Where frames are joined.
        persons: `person`, `area`, and where given `score` (the lower, the poorer): who is poorer goes first
            among persons who are otherwise alike, then the smaller identifier.
        programmes: `programme`, and where given `value` (1 if absent), `kind` (cash, voucher, in_kind, workfare …;
            cash if absent: only cash counts towards the cap), `excludes` (codes, spaces or semicolons between).
        eligibility: `person`, `programme`.
        quotas: `programme`, `area`, `quota`: places; a blank area means the whole country. A programme without a row
            has no limit; one with rows of areas only has no place elsewhere.
        cap: Most cash programmes a person may draw.
        seconds: Most seconds for one area; what is left open then is told as the gap.

    Returns:
        The assignment and its figures. `served_bound` and `value_bound` are those of the solver: equal to what is
        reached where the assignment is proved best.

    Raises:
        InputError: A frame lacks a column or contradicts itself.

    Examples:
        >>> frames = dict(
        ...     persons=pa.table({"person": ["a", "b"], "area": ["X", "X"]}),
        ...     programmes=pa.table({"programme": ["P", "Q"], "value": ["10", "4"]}),
        ...     eligibility=pa.table({"person": ["a", "a", "b"], "programme": ["P", "Q", "P"]}),
        ...     quotas=pa.table({"programme": ["P", "Q"], "area": ["X", "X"], "quota": ["1", "1"]}),
        ... )
        >>> with Engine(memory_mib=256, threads=1) as engine:
        ...     assign(engine, **frames).rows.to_pylist()
        [{'person': 'a', 'programme': 'Q'}, {'person': 'b', 'programme': 'P'}]
    """
    offers, places, people = read_frames(
        engine, persons=persons, programmes=programmes, eligibility=eligibility, quotas=quotas
    )
    area = people["area"].to_numpy()
    mask = people["mask"].to_numpy()
    groups, members = _groups(area, mask)
    solution = solve(groups, offers, places, cap=cap, seconds=seconds)
    who, what = _realised(groups, members, solution, offers)
    order = np.lexsort((what, who))
    who, what = who[order], what[order]
    names = people["person"].combine_chunks()
    codes = pa.array([offer.code for offer in offers], pa.string())
    practice = _greedy(area, mask, offers, places, cap)
    values = np.array([offer.value for offer in offers])
    served, worth = len(np.unique(who)), float(values[what].sum())
    summary = {
        "persons": persons.num_rows,
        "eligible": people.num_rows,
        "cap": cap,
        "served": served,
        "served_bound": solution.served_bound,
        "value": worth,
        "value_bound": solution.value_bound,
        "benefits": len(what),
        "is_proved_best": solution.is_proved,
        "gap": 0.0 if solution.value_bound <= 0 else max(0.0, 1 - worth / solution.value_bound),
        "greedy_served": practice[0],
        "greedy_value": practice[1],
        "more_served_than_greedy": served - practice[0],
        "programmes": [
            {"programme": offer.code, "assigned": int((what == number).sum()), "eligible": int((mask >> number & 1).sum())}
            for number, offer in enumerate(offers)
        ],
    }  # fmt: skip
    return Assigned(pa.table({"person": names.take(pa.array(who)), "programme": codes.take(pa.array(what))}), summary)


def _groups(area: Whole, mask: Whole) -> tuple[list[Group], list[Whole]]:
    """Put persons of one area with the same programmes together; members keep their order, the poorest first."""
    order = np.lexsort((np.arange(len(area)), mask, area))
    keys = np.stack([area[order], mask[order]])
    cuts = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    members = np.split(order, cuts) if len(order) else []
    return [Group(int(area[m[0]]), int(mask[m[0]]), len(m)) for m in members], members


def _realised(
    groups: Sequence[Group], members: Sequence[Whole], solution: Solution, offers: Sequence[Offer]
) -> tuple[Whole, Whole]:
    """Give the counts of each group to its members: sets as they are, the rest around the circle from who has none.

    Units of a programme fall to different persons because there are at most as many as members; units of
    cash stand beside each other on the circle, so that nobody has more than the average rounded up.
    """
    who: list[Whole] = []
    what: list[Whole] = []
    for group, people, sets, counts in zip(groups, members, solution.sets, solution.counts, strict=True):
        start = 0
        for chosen, times in sorted(sets, key=lambda item: -sum(offers[p].value for p in item[0])):
            for programme in chosen:
                who.append(people[start : start + times])
                what.append(np.full(times, programme, np.int64))
            start += times
        at = start
        for programme, times in sorted(counts.items(), key=lambda item: not offers[item[0]].is_cash):
            who.append(people[(at + np.arange(times)) % group.size])
            what.append(np.full(times, programme, np.int64))
            at += times
    if not who:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(who), np.concatenate(what)


def _greedy(
    area: Whole, mask: Whole, offers: Sequence[Offer], places: Mapping[int, Sequence[Place]], cap: int
) -> tuple[int, float]:
    """Return persons served and value of the practice: programme after programme takes the poorest until it is full."""
    drawn = np.zeros(len(area), np.int64)
    cash = np.zeros(len(area), np.int64)
    for number, offer in enumerate(offers):
        free = (mask >> number & 1).astype(bool) & (drawn & offer.excluded_mask == 0)
        if offer.is_cash:
            free &= cash < cap
        for place in places.get(number, ()):
            inside = free if place.area < 0 else free & (area == place.area)
            over = np.flatnonzero(inside)[place.quota :]
            free[over] = False
        drawn[free] |= 1 << number
        cash[free] += offer.is_cash
    worth = sum(offer.value * float((drawn >> number & 1).sum()) for number, offer in enumerate(offers))
    return int((drawn > 0).sum()), worth
