"""Who is on which programme: those meant and, by favour or mistake, those who should not be there.

Each picker names the people a programme is meant for; on top come people outside the area or the
ages, the well off, public employees, mothers without the required programme, households with a
second card and a few favourites who draw everything. What each of them is *called* in the truth
is decided later, from the world alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from khana_methods.synth.population import Array
from khana_methods.synth.programmes import LISTS, PROGRAMMES, Programme
from khana_methods.synth.world import Block

_FAVOUR = {"pak": ("TLW", ("ZKT", "PBM")), "bgd": ("PES", ("WDW", "DIS", "MCBP"))}
XLSX_ROWS = 20_000


@dataclass
class Enrolments:
    """One element an enrolment: who is named, who is paid, on which programme (its position)."""

    programme: Array
    beneficiary: Array
    payee: Array

    @property
    def size(self) -> int:
        """How many enrolments."""
        return int(self.programme.size)


def programme_districts(country: str, districts: int, per_province: int, households: int) -> dict[str, Array]:
    """Say for each programme which districts (by position) it covers; lists kept in a workbook stay small."""
    every = np.arange(districts)
    covered: dict[str, Array] = {}
    small = {code for item in LISTS[country] if item.shape == "xlsx" for code in item.programmes}
    for p in PROGRAMMES[country]:
        if p.code in small:
            # A pilot in so few districts that the workbook stays within its cap.
            keep = max(1, min(districts * 2 // 3, int(districts * XLSX_ROWS / max(1, households * 0.12))))
            covered[p.code] = every[:: max(1, districts // keep)][:keep]
        elif p.area == "some":
            covered[p.code] = every[every % 3 != 2]
        else:
            covered[p.code] = every[every // per_province < 2] if p.area == "province" else every
    return covered


def enrol(block: Block, covered: dict[str, Array]) -> Enrolments:
    """Draw every enrolment of the block."""
    parts: list[tuple[Array, Array, Array]] = []
    on: dict[str, Array] = {}
    programmes = PROGRAMMES[block.country]
    for position, p in enumerate(programmes):
        beneficiary, payee = _pick(block, p, covered[p.code], on)
        on[p.code] = np.unique(payee)
        parts.append((np.full(beneficiary.size, position, dtype=np.int8), beneficiary, payee))
    source, targets = _FAVOUR[block.country]
    mothers = on[source]
    loved = mothers[block.rng.random(mothers.size) < (0.012 if block.country == "pak" else 0.02)]
    for position, p in enumerate(programmes):
        if p.code in targets:
            new = loved[~np.isin(loved, on[p.code])]
            parts.append((np.full(new.size, position, dtype=np.int8), new, new))
    return Enrolments(*(np.concatenate([part[i] for part in parts]) for i in range(3)))


def _pick(block: Block, p: Programme, districts: Array, on: dict[str, Array]) -> tuple[Array, Array]:
    who, people, rng = block.people, block.people, block.rng
    meant, payee = _PICKERS[p.picker](block, p, on)
    n = people.size
    inside = np.isin(block.geography.district_of[block.houses.tehsil[people.house]], districts)
    listed = (who.died == 0) | (rng.random(n) < np.where(who.kind == "D", 0.01, 0.35))
    chance = np.where(inside, p.take_up, p.take_up * 0.012)
    ages_fit = _fits(p, who.years() + (rng.random(n) < 0.02) * rng.integers(-4, 5, n), who.female)
    poor = _is_poor(block, p)
    # A known few are let in over the score: the well off, and people with a public post more than others.
    leak = rng.random(n) < np.where(who.post > 0, 0.06, 0.012)
    taken = meant & ages_fit & (poor | leak) & listed & (rng.random(n) < chance)
    for other in p.incompatible:
        if other in on:
            taken &= ~np.isin(payee, on[other]) | (rng.random(n) < 0.08)
    taken |= _ghosts(block, p)
    if p.one_per_household:
        taken = _one_per_household(block, taken)
    found = np.flatnonzero(taken & (payee >= 0))
    paid = payee[found]
    if p.picker == "infants":  # the pregnant mother's own benefit
        own = np.flatnonzero(who.pregnant & inside & np.isin(np.arange(n), on.get(p.requires, paid)))
        own = own[rng.random(own.size) < p.take_up]
        found, paid = np.concatenate([found, own]), np.concatenate([paid, own])
    return found, paid


def _is_poor(block: Block, p: Programme) -> Array:
    houses, house = block.houses, block.people.house
    if not p.poverty_targeted:
        return block.rng.random(block.people.size) < np.where(houses.office_score[house] < 50, 1.0, 0.3)
    frail = np.bincount(house, weights=block.people.disability > 0, minlength=houses.size) > 0
    return (houses.office_score <= p.cut_off + 5 * frail)[house]


def _fits(p: Programme, years: Array, female: Array) -> Array:
    fits = np.ones(years.size, dtype=bool)
    if p.min_age is not None:
        least = np.where(female, p.min_age_female or p.min_age, p.min_age)
        fits &= years >= least
    if p.max_age is not None:
        fits &= years <= p.max_age
    return fits


def _ghosts(block: Block, p: Programme) -> Array:
    ghost: Array = block.people.kind == "G"
    if p.picker not in ("wives", "needy", "workers", "elderly"):
        return np.zeros(ghost.size, dtype=bool)
    return np.logical_and(ghost, block.rng.random(ghost.size) < 0.3)


def _one_per_household(block: Block, taken: Array) -> Array:
    """Keep one recipient of each household, and in one household of sixty a second."""
    found = np.flatnonzero(taken)
    house = block.people.house[found]
    first = np.ones(found.size, dtype=bool)
    first[1:] = house[1:] != house[:-1]
    second = np.zeros(found.size, dtype=bool)
    second[1:] = first[:-1] & ~first[1:]
    keep = first | (second & (block.rng.random(found.size) < 0.06))
    result = np.zeros(taken.size, dtype=bool)
    result[found[keep]] = True
    return result


def _self(block: Block) -> Array:
    return np.arange(block.people.size)


def _wives(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    return who.female & (who.marital >= 2), _self(block)


def _infants(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    mother = who.mother
    on_list = np.isin(mother, on[p.requires]) | (block.rng.random(who.size) < 0.01)
    return (who.years() < 2) & (mother >= 0) & on_list, mother


def _pupils(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    meant = who.attending & (who.mother >= 0)
    if p.requires:
        meant &= np.isin(who.mother, on[p.requires]) | (block.rng.random(who.size) < 0.012)
    return meant, who.mother


def _needy(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    return block.people.years() >= 18, _self(block)


def _card(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    return (who.years() >= 18) & (who.place < 3), _self(block)


def _workers(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    rural = ~block.houses.urban[who.house]
    return rural & (~who.female | (block.rng.random(who.size) < 0.25)), _self(block)


def _elderly(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    return block.people.years() >= 55, _self(block)


def _widows(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    return who.female & (who.marital == 3), _self(block)


def _disabled(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    return block.people.disability > 0, _self(block)


def _mothers(block: Block, p: Programme, on: dict[str, Array]) -> tuple[Array, Array]:
    who = block.people
    infants = np.flatnonzero((who.years() < 3) & (who.mother >= 0))
    return who.pregnant | np.isin(_self(block), who.mother[infants]), _self(block)


_PICKERS: dict[str, Any] = {
    "wives": _wives,
    "infants": _infants,
    "pupils": _pupils,
    "needy": _needy,
    "card": _card,
    "workers": _workers,
    "elderly": _elderly,
    "widows": _widows,
    "disabled": _disabled,
    "mothers": _mothers,
}
