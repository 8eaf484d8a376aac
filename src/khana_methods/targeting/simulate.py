"""The policy simulator: what a cut-off, a quota, a budget and the rest do, at once, on counts and not on rows.

A *cube* counts scored households by area, half-point of score, sex of head, disability and cash programmes; a
move of a slider reads its cells only. Inside the last half-point that a limit still reaches households are
taken proportionally, so every figure is an expectation. Who is poor is known to a survey alone: its households
are taken by the same thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.errors import InputError

STEP = 2  # bins in a point of the score
TENTHS = 10
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# One cell of the cube: scored households of one area, half-point (score <= bin / 2) and group.
cube_frame = pa.schema(
    [
        ("province", pa.string()), ("district", pa.string()), ("bin", pa.int32()), ("female_head", pa.bool_()),
        ("disability", pa.bool_()), ("cash", pa.int32()), ("households", pa.int64()), ("persons", pa.int64()),
    ]
)  # fmt: skip
# One household of a consumption survey: welfare of one person in a year, weight of the household, and its score.
survey_frame = pa.schema(
    [
        ("score", pa.float64()), ("welfare", pa.float64()), ("weight", pa.float64()), ("size", pa.float64()),
        ("province", pa.string()), ("female_head", pa.bool_()), ("disability", pa.bool_()),
    ]
)  # fmt: skip


class PolicyInvalid(InputError):
    """A position of the sliders means nothing: a negative amount, a share over one, a cut-off that is no number."""

    code: ClassVar[str] = "targeting.simulate.policy_invalid"


@dataclass(frozen=True, slots=True)
class Policy:
    """One position of the sliders.

    `benefit` is money for one household in a month; `budget` is money in a year; `cap` leaves out households that
    draw from so many cash programmes already; points are taken off the score of a household with a disabled member
    or a female head; `floor` is the least share of every province's households, over the cut-off if need be.
    """

    cut_off: float
    benefit: float = 0.0
    months: int = 12
    quota: int | None = None
    budget: float | None = None
    cap: int | None = None
    disability_points: float = 0.0
    female_head_points: float = 0.0
    floor: float = 0.0

    def check(self) -> None:
        """Make sure that the position means something.

        Raises:
            PolicyInvalid: It does not; the message says which slider.
        """
        numbers = (self.cut_off, self.benefit, self.disability_points, self.female_head_points, self.floor)
        limits = [limit for limit in (self.quota, self.budget, self.cap) if limit is not None]
        if not all(np.isfinite(number) and number >= 0 for number in (*numbers, *limits)):
            raise PolicyInvalid("Cut-off, amounts, limits and weights are numbers from 0 up.")
        if self.floor > 1:
            raise PolicyInvalid("The least share of an area lies between 0 and 1.")
        if not 1 <= self.months <= 12:
            raise PolicyInvalid("A benefit is paid in 1 to 12 months of a year.")


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of one group is reached: households in it, reached ones, and their persons."""

    name: str
    households: float
    reached: float
    persons_reached: float

    @property
    def share(self) -> float | None:
        """Return the share that is reached; None of an empty group."""
        return self.reached / self.households if self.households else None


@dataclass(frozen=True, slots=True)
class SurveySays:
    """Who is missed and who gets in wrongly, by a survey; shares of persons, money of a year."""

    line: float
    poor_share: float
    exclusion_error: float | None
    inclusion_error: float | None
    poor_left_out: float
    non_poor_in: float
    headcount_before: float
    headcount_after: float
    gap_before: float
    gap_after: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a position of the sliders gives; households are expectations."""

    households: float
    persons: float
    cost: float
    scored: int
    eligible: float
    left_by_limit: float
    left_by_cap: float
    over_cut_off: float
    last_score: float
    provinces: tuple[Reach, ...]
    districts: tuple[Reach, ...]
    tenths: tuple[Reach, ...]
    female_headed: Reach
    disabled: Reach
    survey: SurveySays | None = None


@dataclass(frozen=True)
class Cube:
    """The cells as arrays, made once and asked often."""

    province: Ints
    district: Ints
    bin: Ints
    female: npt.NDArray[np.bool_]
    disabled: npt.NDArray[np.bool_]
    cash: Ints
    households: Floats
    persons: Floats
    provinces: tuple[str, ...]
    districts: tuple[str, ...]
    tenth: Floats = field(repr=False)

    @classmethod
    def of(cls, cells: pa.Table, *, by_district: bool = False) -> Cube:
        """Make a cube of cells by `cube_frame`; districts are added up into provinces unless they are wanted."""
        cells = cells.cast(cube_frame)
        if not by_district:
            keys = ["province", "bin", "female_head", "disability", "cash"]
            added = cells.group_by(keys).aggregate([("households", "sum"), ("persons", "sum")])
            added = added.rename_columns([*keys, "households", "persons"])
            cells = added.append_column("district", pa.repeat("", added.num_rows)).select(cube_frame.names)
        provinces, province = _encoded(cells["province"])
        districts, district = _encoded(cells["district"])
        bins = np.maximum(cells["bin"].to_numpy().astype(np.int64), 0)
        households = cells["households"].to_numpy().astype(np.float64)
        return cls(
            province=province.astype(np.int64), district=district.astype(np.int64), bin=bins,
            female=cells["female_head"].fill_null(False).to_numpy(zero_copy_only=False),
            disabled=cells["disability"].fill_null(False).to_numpy(zero_copy_only=False),
            cash=cells["cash"].fill_null(0).to_numpy().astype(np.int64), households=households,
            persons=cells["persons"].to_numpy().astype(np.float64), provinces=tuple(map(str, provinces)),
            districts=tuple(map(str, districts)), tenth=_tenths(bins, households),
        )  # fmt: skip


@dataclass(frozen=True)
class Survey:
    """The households of a survey as arrays, made once and asked often; rows without score, welfare or weight are left out."""

    bin: Ints
    welfare: Floats
    weight: Floats
    size: Floats
    province: Ints
    provinces: tuple[str, ...]
    female: npt.NDArray[np.bool_]
    disabled: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pa.Table) -> Survey:
        """Make a survey of rows by `survey_frame`."""
        rows = rows.cast(survey_frame)
        score, welfare, weight, size = (
            rows[name].to_numpy().astype(np.float64) for name in ("score", "welfare", "weight", "size")
        )
        known = np.isfinite(score) & np.isfinite(welfare) & (weight > 0) & (size > 0)
        provinces, province = _encoded(rows["province"])
        female, disabled = (
            rows[name].fill_null(False).to_numpy(zero_copy_only=False)[known] for name in ("female_head", "disability")
        )
        bins = np.maximum(np.ceil(score[known] * STEP - 1e-9), 0).astype(np.int64)
        return cls(bins, welfare[known], weight[known], size[known], province[known], provinces, female, disabled)


@dataclass(frozen=True, slots=True)
class _Order:
    """Who comes when: bin after weights, whether the cap leaves the cell in, and households by province and bin."""

    bins: Ints
    is_open: npt.NDArray[np.bool_]
    counts: Floats
    cumulative: Floats


def move(cube: Cube, policy: Policy, *, survey: Survey | None = None, line: float | None = None) -> Outcome:
    """Say what one position of the sliders gives.

    Households are taken by score, poorest first, after the weights; up to the cut-off, and no more than quota and
    budget allow. First every province gets its floor, poorest first; what the limit leaves goes by score over the
    whole country.

    Args:
        cube: The registry in counts.
        policy: The sliders.
        survey: Households with consumption and score; without it who is poor is not known.
        line: Poverty line, money of one person in a year; needed with a survey.

    Raises:
        PolicyInvalid: A slider means nothing.

    Source:
        Coady, Grosh and Hoddinott 2004, Targeting of Transfers in Developing Countries; poverty by Foster, Greer and
        Thorbecke 1984, poor strictly under the line.

    Examples:
        >>> cells = pa.table({"province": ["A", "B"], "district": ["A1", "B1"], "bin": [20, 60],
        ...     "female_head": [True, False], "disability": [False, False], "cash": [0, 0],
        ...     "households": [10, 30], "persons": [70, 150]})
        >>> done = move(Cube.of(cells), Policy(cut_off=32, benefit=100.0, quota=20))
        >>> done.households, done.cost, done.left_by_limit, done.last_score
        (20.0, 24000.0, 20.0, 30.0)
    """
    policy.check()
    order = _order(cube, policy)
    cut = int(np.floor(policy.cut_off * STEP + 1e-9))
    reached, national = _reached(cube, policy, order, cut)
    share = _cell_shares(cube, order, reached)
    taken, persons = cube.households * share, cube.persons * share
    fits = order.bins <= cut
    eligible = float(cube.households[order.is_open & fits].sum())
    total = float(taken.sum())
    return Outcome(
        households=total,
        persons=float(persons.sum()),
        cost=total * policy.benefit * policy.months,
        scored=int(cube.households.sum()),
        eligible=eligible,
        left_by_limit=eligible - float(taken[fits].sum()),
        left_by_cap=float(cube.households[~order.is_open & fits].sum()),
        over_cut_off=float(taken[~fits].sum()),
        last_score=national / STEP,
        provinces=_reach(cube.provinces, cube.province, cube, taken, persons),
        districts=_reach(cube.districts, cube.district, cube, taken, persons),
        tenths=_reach_of_tenths(cube, taken, persons),
        female_headed=_group("female head", cube.female, cube, taken, persons),
        disabled=_group("disability", cube.disabled, cube, taken, persons),
        survey=None if survey is None or line is None else _survey_says(cube, policy, order, reached, survey, line),
    )


def _encoded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Ints]:
    """Return the different texts of a column, and for each row which one it is."""
    found = column.fill_null("").combine_chunks().dictionary_encode()
    return tuple(found.dictionary.to_pylist()), found.indices.to_numpy().astype(np.int64)


def _tenths(bins: Ints, households: Floats) -> Floats:
    """Return which tenth of the households each bin lies in, as shares: one row a bin, one column a tenth."""
    counts = np.bincount(bins, weights=households) if len(bins) else np.zeros(1)
    total = counts.sum() or 1.0
    upper = np.cumsum(counts) / total * TENTHS
    lower = upper - counts / total * TENTHS
    edges = np.arange(TENTHS)
    overlap = np.clip(np.minimum(upper[:, None], edges + 1) - np.maximum(lower[:, None], edges), 0, None)
    width = np.where(upper - lower > 0, upper - lower, 1.0)
    shares: Floats = overlap / width[:, None]
    return shares


def _weighed(bins: Ints, female: npt.NDArray[np.bool_], disabled: npt.NDArray[np.bool_], policy: Policy) -> Ints:
    off = female * round(policy.female_head_points * STEP) + disabled * round(policy.disability_points * STEP)
    weighed: Ints = np.maximum(bins - off, 0).astype(np.int64)
    return weighed


def _order(cube: Cube, policy: Policy) -> _Order:
    bins = _weighed(cube.bin, cube.female, cube.disabled, policy)
    is_open = np.ones(len(bins), bool) if policy.cap is None else cube.cash < policy.cap
    width = int(bins.max(initial=0)) + 1
    counts = np.zeros((max(1, len(cube.provinces)), width))
    np.add.at(counts, (cube.province[is_open], bins[is_open]), cube.households[is_open])
    return _Order(bins, is_open, counts, np.cumsum(counts, axis=1))


def _reached(cube: Cube, policy: Policy, order: _Order, cut: int) -> tuple[Floats, float]:
    """Return how many households each province gets, and the bin up to which the country goes by score."""
    every = np.bincount(cube.province, weights=cube.households, minlength=len(order.counts))
    floors = np.minimum(every * policy.floor, order.cumulative[:, -1])
    limit = float("inf") if policy.quota is None else float(policy.quota)
    if policy.budget is not None and policy.benefit > 0:
        limit = min(limit, policy.budget / (policy.benefit * policy.months))
    last = min(cut, order.counts.shape[1] - 1)
    totals = np.maximum(floors[:, None], order.cumulative[:, : last + 1]).sum(axis=0)
    if floors.sum() >= limit:
        return floors * (limit / floors.sum() if floors.sum() else 0.0), 0.0
    if totals[-1] <= limit:
        return np.maximum(floors, order.cumulative[:, last]), float(min(cut, last))
    at = int(np.searchsorted(totals, limit, side="right"))
    before = order.cumulative[:, at - 1] if at else np.zeros(len(floors))
    low, high = 0.0, 1.0
    for _ in range(60):  # the total rises with the share of the bin: halve until it fits
        middle = (low + high) / 2
        fits = np.maximum(floors, before + middle * order.counts[:, at]).sum() <= limit
        low, high = (middle, high) if fits else (low, middle)
    return np.maximum(floors, before + low * order.counts[:, at]), float(at)


def _thresholds(order: _Order, reached: Floats) -> tuple[Ints, Floats]:
    """Return for each province the bin at which it stops, and the share of that bin that is still taken."""
    stop = np.array([np.searchsorted(row, goal - 1e-9) for row, goal in zip(order.cumulative, reached, strict=True)])
    stop = np.minimum(stop, order.counts.shape[1] - 1)
    rows = np.arange(len(stop))
    inside = order.counts[rows, stop]
    before = order.cumulative[rows, stop] - inside
    share = np.where(inside > 0, (reached - before) / np.where(inside > 0, inside, 1.0), 0.0)
    return stop.astype(np.int64), np.clip(share, 0.0, 1.0)


def _shares(bins: Ints, province: Ints, stop: Ints, last: Floats) -> Floats:
    shares: Floats = np.where(bins < stop[province], 1.0, np.where(bins == stop[province], last[province], 0.0))
    return shares


def _cell_shares(cube: Cube, order: _Order, reached: Floats) -> Floats:
    stop, last = _thresholds(order, reached)
    shares: Floats = _shares(order.bins, cube.province, stop, last) * order.is_open
    return shares


def _reach(names: tuple[str, ...], of: Ints, cube: Cube, taken: Floats, persons: Floats) -> tuple[Reach, ...]:
    size = len(names)
    every = np.bincount(of, weights=cube.households, minlength=size)
    some = np.bincount(of, weights=taken, minlength=size)
    people = np.bincount(of, weights=persons, minlength=size)
    return tuple(Reach(name, float(every[n]), float(some[n]), float(people[n])) for n, name in enumerate(names))


def _reach_of_tenths(cube: Cube, taken: Floats, persons: Floats) -> tuple[Reach, ...]:
    width = len(cube.tenth)
    sums = [np.bincount(cube.bin, weights=w, minlength=width) @ cube.tenth for w in (cube.households, taken, persons)]
    return tuple(Reach(str(n + 1), float(sums[0][n]), float(sums[1][n]), float(sums[2][n])) for n in range(TENTHS))


def _group(name: str, of: npt.NDArray[np.bool_], cube: Cube, taken: Floats, persons: Floats) -> Reach:
    return Reach(name, float(cube.households[of].sum()), float(taken[of].sum()), float(persons[of].sum()))


def _survey_says(cube: Cube, policy: Policy, order: _Order, reached: Floats, survey: Survey, line: float) -> SurveySays:
    """Hold the thresholds against a survey: errors by persons, poverty before and after the benefit."""
    if not line > 0:
        raise PolicyInvalid("The poverty line is money over 0.")
    stop, last = _thresholds(order, reached)
    # a province that the registry does not name goes by the country: all provinces together
    whole = replace(order, counts=order.counts.sum(0, keepdims=True), cumulative=order.cumulative.sum(0, keepdims=True))
    stop_all, last_all = _thresholds(whole, reached.sum(keepdims=True))
    known = {name: n for n, name in enumerate(cube.provinces)}
    places = np.array([known.get(name, len(known)) for name in survey.provinces] or [0], dtype=np.int64)
    bins = _weighed(survey.bin, survey.female, survey.disabled, policy)
    share = _shares(bins, places[survey.province], np.append(stop, stop_all), np.append(last, last_all))
    welfare, heads = survey.welfare, survey.weight * survey.size
    poor = welfare < line
    after = welfare + policy.benefit * policy.months / survey.size
    people = float(heads.sum()) or 1.0
    in_poor, out_poor = float((heads * share * poor).sum()), float((heads * (1 - share) * poor).sum())
    in_rich = float((heads * share * ~poor).sum())
    gap, gap_after = np.maximum(line - welfare, 0) / line, np.maximum(line - after, 0) / line
    return SurveySays(
        line=line,
        poor_share=(in_poor + out_poor) / people,
        exclusion_error=out_poor / (in_poor + out_poor) if in_poor + out_poor else None,
        inclusion_error=in_rich / (in_poor + in_rich) if in_poor + in_rich else None,
        poor_left_out=out_poor,
        non_poor_in=in_rich,
        headcount_before=float((heads * poor).sum()) / people,
        headcount_after=float((heads * (share * (after < line) + (1 - share) * poor)).sum()) / people,
        gap_before=float((heads * gap).sum()) / people,
        gap_after=float((heads * (share * gap_after + (1 - share) * gap)).sum()) / people,
    )
