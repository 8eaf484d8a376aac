"""One block of true people: households, who lives in them, how they are related, when they were born.

Everything is drawn as a matrix of households x places in a household (head, wife, children, ...)
and then flattened, so that a hundred thousand people cost a fraction of a second. Welfare is one
hidden standard-normal number per household that drives size, dwelling, schooling and score.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

WORLD_DATE = dt.date(2026, 6, 30)
TODAY = WORLD_DATE.toordinal()
WELL_OFF_PERCENTILE = 80.0
_PLACES = 17
_CHILDREN = range(2, 9)
_LATE, _FATHER, _MOTHER, _IN_LAW, _SIBLING = 9, 10, 11, 12, 16
_GRAND = range(13, 16)
RELATION = np.array([1, 2, *[3] * 7, 2, 5, 5, 8, 4, 4, 4, 6], dtype=np.int8)


@dataclass
class Households:
    """True households of one block; ``z`` is hidden welfare, standard normal over the country."""

    tehsil: Array
    registered: Array
    z: Array
    urban: Array
    percentile: Array
    office_score: Array
    score: Array
    survey_day: Array
    number: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def size(self) -> int:
        """How many true households the block has, on the register or not."""
        return int(self.tehsil.size)


@dataclass
class People:
    """True people of one block, one array element a person; pointers are positions, -1 is nobody.

    Attributes:
        kind: P on a form, X on none, N born after the interview, D dead before it, G invented by a clerk.
        born, died: Day ordinals; ``died`` is 0 for the living.
        number: Key of the identity number, 0 where none was issued; ``short`` marks 10-digit cards.
        phone: Running number of the mobile she uses, 0 none; ``subscriber`` is its registered owner.
        post: 0 none, 1 serving public employee, 2 public pensioner.
    """

    house: Array
    place: Array
    female: Array
    born: Array
    marital: Array
    spouse: Array
    father: Array
    mother: Array
    kind: Array
    died: Array
    name: Array
    father_name: Array
    husband_name: Array
    number: Array
    short: Array
    in_extract: Array
    death_known: Array
    phone: Array
    post: Array
    disability: Array
    pregnant: Array
    attending: Array
    grade: Array

    @property
    def size(self) -> int:
        """How many people."""
        return int(self.house.size)

    def years(self) -> Array:
        """Completed-year approximation of age on the world date."""
        return (TODAY - self.born) // 365.25

    def birth_year(self) -> Array:
        """Year of birth of each person."""
        return day_parts(self.born)[0]


def day_parts(day: Array) -> tuple[Array, Array, Array]:
    """Split day ordinals into year, month and day."""
    date = (day.astype(np.int64) - dt.date(1970, 1, 1).toordinal()).astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    year = date.astype("datetime64[Y]").astype(np.int64) + 1970
    return year, month.astype(np.int64) % 12 + 1, (date - month).astype(np.int64) + 1


class Welfare:
    """How welfare and score are spread over the whole country, known before a household is made.

    Welfare is normal around half of its tehsil's mood; so the country is a mixture of as many
    normals as tehsils, and a household's percentile needs no other household.
    """

    def __init__(self, mood: Array, households: Array) -> None:
        """Take the mood and the number of households of each tehsil."""
        self.mood = mood
        self._grid = np.linspace(-6, 6, 2401)
        share = households / max(1, int(households.sum()))
        self._below = self._mixture(0.5 * mood, 0.75, share)
        seen = self._mixture(0.4 * mood, 0.84, share)
        self.well_off_score = float(45 + 18 * np.interp(WELL_OFF_PERCENTILE / 100, seen, self._grid))
        # Where a sample's own percentile may fall on the other side: four standard errors, half a point at least.
        self.well_off_margin = max(0.5, 4 * 18 * 0.4 / (0.28 * float(households.sum()) ** 0.5))

    def _mixture(self, means: Array, variance: float, share: Array) -> Array:
        below = np.zeros(self._grid.size)
        for mean, weight in zip(means.tolist(), share.tolist(), strict=True):
            below += weight * normal_share((self._grid - mean) / variance**0.5)
        return below

    def percentile(self, z: Array) -> Array:
        """Return the percentile of each welfare in this country, 0 poorest."""
        return np.asarray(np.round(100 * np.interp(z, self._grid, self._below), 2))


def normal_share(z: Array) -> Array:
    """Share of a standard normal population below ``z``, within 1e-4 (Bowling et al. 2009)."""
    return np.asarray(1 / (1 + np.exp(-0.07056 * z**3 - 1.5976 * z)))


def make_households(tehsil: Array, registered: Array, rng: np.random.Generator, welfare: Welfare) -> Households:
    """Draw the hidden welfare, the two scores and the interview date of each household.

    Args:
        tehsil: Tehsil position of each household.
        registered: Whether the household register has it.
        rng: Source of chance of this block.
        welfare: How welfare is spread over the country.
    """
    n = tehsil.size
    z = 0.5 * welfare.mood[tehsil] + np.sqrt(0.75) * rng.standard_normal(n)
    seen = 0.8 * z + 0.6 * rng.standard_normal(n)
    office = 0.87 * z + 0.493 * rng.standard_normal(n)
    return Households(
        tehsil=tehsil,
        registered=registered,
        z=z,
        urban=rng.random(n) < 0.28 + 0.12 * np.tanh(z),
        percentile=welfare.percentile(z),
        office_score=np.round(np.clip(45 + 18 * office, 0, 100), 2),
        score=np.round(np.clip(45 + 18 * seen, 0, 100), 2),
        survey_day=TODAY - 35 - (rng.random(n) ** 1.5 * 2850).astype(np.int64),
    )


@dataclass
class Places:
    """Who lives in each place of each household: matrices of households x places."""

    mask: Array
    days: Array
    female: Array
    kind: Array


def fill_places(houses: Households, rng: np.random.Generator) -> Places:
    """Decide who lives in each household and how old they are, in days."""
    h = houses.size
    mask, female = np.zeros((h, _PLACES), dtype=bool), np.zeros((h, _PLACES), dtype=bool)
    years = np.zeros((h, _PLACES))
    kind = np.searchsorted([0.80, 0.90, 0.95], rng.random(h), side="right")
    head = np.clip(23 + rng.gamma(3.0, 7.5, h), 19, 92)
    head = np.where(kind == 3, np.clip(56 + rng.gamma(2.0, 7.0, h), 56, 96), head)
    mask[:, 0], years[:, 0], female[:, 0] = True, head, (kind == 1) | (kind == 3)
    mask[:, 1], female[:, 1] = kind == 0, True
    years[:, 1] = np.clip(head - rng.normal(5, 3, h), 17, 90)
    mask[:, _LATE] = kind == 1
    years[:, _LATE] = head + np.clip(rng.normal(6, 3, h), -3, 20)
    _add_children(mask, years, female, kind, houses.z, rng)
    parents = (rng.random(h) < 0.16) & (head < 55)
    years[:, _MOTHER] = head + 18 + rng.gamma(2.0, 3.0, h)
    years[:, _FATHER] = years[:, _MOTHER] + np.clip(rng.normal(5, 3, h), 0, 15)
    mask[:, _MOTHER], mask[:, _FATHER] = parents & (rng.random(h) < 0.85), parents & (rng.random(h) < 0.45)
    female[:, _MOTHER] = True
    mask[:, _SIBLING] = (rng.random(h) < 0.06) & (head < 50)
    years[:, _SIBLING] = np.clip(head - rng.uniform(1, 12, h), 15, 60)
    female[:, _SIBLING] = rng.random(h) < 0.45
    days = (years * 365.25 + rng.integers(0, 365, (h, _PLACES))).astype(np.int64)
    return Places(mask=mask, days=np.minimum(days, 36_500), female=female, kind=kind)


def _add_children(mask: Array, years: Array, female: Array, kind: Array, z: Array, rng: np.random.Generator) -> None:
    h = kind.size
    mother = np.where(kind == 0, years[:, 1], years[:, 0])
    married = np.clip(mother - 18.5 - rng.gamma(2.0, 1.5, h), 0, 60)
    gap = 2.1 + 0.35 * np.clip(z, -1.5, 2.0)
    wanted = np.clip(4.6 - 0.8 * z + rng.normal(0, 1.3, h), 0, 7)
    for nth, place in enumerate(_CHILDREN):
        age = married - 1 - nth * gap - rng.random(h)
        child = (kind < 2) & (age > 0.02) & (nth < wanted) & (mother - age < 47)
        girl = rng.random(h) < 0.49
        away = np.where(girl, (age > 21) & (rng.random(h) < 0.85), (age > 26) & (rng.random(h) < 0.7))
        mask[:, place], years[:, place], female[:, place] = child & ~away, age, girl
    son = mask[:, 2] & ~female[:, 2] & (years[:, 2] > 22) & (rng.random(h) < 0.6)
    mask[:, _IN_LAW], female[:, _IN_LAW] = son, True
    years[:, _IN_LAW] = np.clip(years[:, 2] - rng.normal(3, 2, h), 18, 60)
    for nth, place in enumerate(_GRAND):
        age = years[:, _IN_LAW] - 20.5 - nth * gap - rng.random(h)
        mask[:, place] = son & (age > 0.02) & (age < 17) & (rng.random(h) < 0.85)
        years[:, place], female[:, place] = age, rng.random(h) < 0.49
    years[:] = np.maximum(years, 0.0)


def link_people(places: Places) -> dict[str, Array]:
    """Flatten the matrices and resolve husband, father and mother to positions; -1 where not in the block."""
    mask = places.mask
    position = np.full(mask.shape, -1, dtype=np.int64)
    position[mask] = np.arange(int(mask.sum()))
    spouse, father, mother = (np.full(mask.shape, -1, dtype=np.int64) for _ in range(3))
    widow = places.kind == 1
    for a, b in ((0, 1), (2, _IN_LAW), (_FATHER, _MOTHER)):
        both = mask[:, a] & mask[:, b]
        spouse[both, a], spouse[both, b] = position[both, b], position[both, a]
    spouse[widow, 0], spouse[widow, _LATE] = position[widow, _LATE], position[widow, 0]
    for place in _CHILDREN:
        father[:, place] = np.where(widow, position[:, _LATE], position[:, 0])
        mother[:, place] = np.where(widow, position[:, 0], position[:, 1])
    for place in _GRAND:
        father[:, place], mother[:, place] = position[:, 2], position[:, _IN_LAW]
    for place in (0, _SIBLING):
        father[:, place], mother[:, place] = position[:, _FATHER], position[:, _MOTHER]
    house, place_of = np.nonzero(mask)
    marital = _marital(places)
    return {
        "house": house,
        "place": place_of,
        "female": places.female[mask],
        "days": places.days[mask],
        "spouse": spouse[mask],
        "father": father[mask],
        "mother": mother[mask],
        "marital": marital[mask],
    }


def _marital(places: Places) -> Array:
    mask, kind = places.mask, places.kind
    marital = np.ones(mask.shape, dtype=np.int8)
    marital[:, 0] = np.select([kind == 0, kind == 2], [2, np.where(places.days[:, 0] < 11_000, 1, 3)], 3)
    marital[:, 1] = 2
    marital[:, _LATE] = 2
    marital[:, _IN_LAW] = 2
    marital[mask[:, _IN_LAW], 2] = 2
    both = mask[:, _FATHER] & mask[:, _MOTHER]
    marital[:, _FATHER], marital[:, _MOTHER] = np.where(both, 2, 3), np.where(both, 2, 3)
    return marital
