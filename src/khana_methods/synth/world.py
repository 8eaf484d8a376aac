"""One block of the country: its true households and people with numbers, telephones, posts and deaths.

A block is a run of whole tehsils (some twenty thousand households). Nobody is related to, shares
a number with, or is registered again outside her block; that is what lets a country of any size
be made and judged block by block in bounded memory.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from khana_methods.synth import card_numbers
from khana_methods.synth.areas import Geography
from khana_methods.synth.names import NameBook
from khana_methods.synth.population import (
    TODAY,
    Array,
    Households,
    People,
    Welfare,
    day_parts,
    fill_places,
    link_people,
    make_households,
)

_HOUSEHOLD_PRIME = 99_999_989
_UNREGISTERED = 0.07
_BLOCK = 20_000


@dataclass
class Counters:
    """Running numbers that go on from block to block."""

    people: int = 1
    phones: int = 1
    accounts: int = 1
    households: int = 1
    groups: int = 1


@dataclass
class Block:
    """One block with everything true in it, and the source of chance for what is done to it.

    Attributes:
        first_person: Number of the first person in person keys.
        counters: Running numbers that go on from block to block.
        welfare: How welfare is spread over the country.
    """

    country: str
    houses: Households
    people: People
    geography: Geography
    names: NameBook
    rng: np.random.Generator
    first_person: int
    counters: Counters
    welfare: Welfare

    def tehsil_of(self, person: Array) -> Array:
        """Tehsil position of each person given."""
        return self.houses.tehsil[self.people.house[person]]


def plan_blocks(geography: Geography) -> list[tuple[int, int]]:
    """Cut the tehsils into runs of at least ``_BLOCK`` households: (first, after last)."""
    runs: list[tuple[int, int]] = []
    start, held = 0, 0
    for place, count in enumerate(geography.households.tolist()):
        held += count
        if held >= _BLOCK:
            runs.append((start, place + 1))
            start, held = place + 1, 0
    if start < geography.households.size:
        if runs and held < _BLOCK // 2:
            start = runs.pop()[0]
        runs.append((start, int(geography.households.size)))
    return runs


def make_block(
    geography: Geography,
    names: NameBook,
    run: tuple[int, int],
    seed: tuple[int, int],
    welfare: Welfare,
    counters: Counters,
) -> Block:
    """Make the true people of the tehsils ``run``; the same seed gives the same block.

    Args:
        geography: The country.
        names: Its names.
        run: First tehsil and the one after the last.
        seed: The seed of the country and the number of the block.
        welfare: How welfare is spread over the country.
        counters: Running numbers; advanced.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(list(seed))))
    wanted = geography.households[run[0] : run[1]]
    extra = rng.poisson(wanted * _UNREGISTERED)
    tehsil = np.repeat(np.arange(run[0], run[1]), wanted + extra)
    nth = np.concatenate([np.arange(n) for n in wanted + extra]) if tehsil.size else tehsil
    registered = nth < np.repeat(wanted, wanted + extra)
    houses = make_households(tehsil, registered, rng, welfare)
    houses.number = _household_numbers(geography, houses, counters)
    people = _people(geography, names, houses, rng)
    _give_phones(people, rng, counters)
    _add_ghosts(geography, names, houses, people, rng)
    block = Block(geography.country, houses, people, geography, names, rng, counters.people, counters, welfare)
    counters.people += people.size
    return block


def _household_numbers(geography: Geography, houses: Households, counters: Counters) -> Array:
    nth = counters.households + np.arange(houses.size, dtype=np.int64)
    counters.households += houses.size
    return household_numbers(geography, houses.tehsil, nth)


def household_numbers(geography: Geography, tehsil: Array, nth: Array) -> Array:
    """Nine digits, the first that of the province; ``nth`` is the running number over the country."""
    number: Array = (geography.province_of[tehsil] + 1) * 10**8 + nth * 38_742_049 % _HOUSEHOLD_PRIME
    return number


def _people(geography: Geography, names: NameBook, houses: Households, rng: np.random.Generator) -> People:
    link = link_people(fill_places(houses, rng))
    house, female = link["house"], link["female"].astype(bool)
    n = house.size
    born = TODAY - 1 - link["days"]
    year = day_parts(born)[0]
    # Parents who do not know the day say the first of January; grown people more often.
    january = np.array([f"{y}-01-01" for y in range(1900, 2028)], dtype="datetime64[D]").astype(np.int64) + 719_163
    born = np.where((rng.random(n) < 0.12) & (link["days"] > 6600), january[year - 1900], born)
    late = link["place"] == 9
    survey = houses.survey_day[house]
    on_form = houses.registered[house]
    died = _deaths(link["days"], survey, late, rng)
    kind = np.where(on_form, "P", "X").astype("U1")
    kind[on_form & (born > survey)] = "N"
    kind[late | (on_form & (died > 0) & (died < survey))] = "D"
    person = People(
        house=house,
        place=link["place"],
        female=female,
        born=born,
        marital=link["marital"],
        spouse=link["spouse"],
        father=link["father"],
        mother=link["mother"],
        kind=kind,
        died=died,
        name=names.draw(rng, female),
        father_name=names.draw(rng, np.zeros(n, dtype=bool)),
        husband_name=names.draw(rng, np.zeros(n, dtype=bool)),
        number=np.zeros(n, dtype=np.int64),
        short=np.zeros(n, dtype=bool),
        in_extract=rng.random(n) < 0.97,
        death_known=rng.random(n) < 0.8,
        phone=np.zeros(n, dtype=np.int64),
        post=np.zeros(n, dtype=np.int8),
        disability=np.zeros(n, dtype=np.int8),
        pregnant=np.zeros(n, dtype=bool),
        attending=np.zeros(n, dtype=bool),
        grade=np.zeros(n, dtype=np.int8),
    )
    person.father_name = np.where(person.father >= 0, person.name[person.father], person.father_name)
    person.husband_name = np.where(person.spouse >= 0, person.name[person.spouse], person.husband_name)
    _issue_numbers(geography, houses, person, rng)
    _occupy(houses, person, rng)
    return person


def _deaths(days: Array, survey: Array, late: Array, rng: np.random.Generator) -> Array:
    n = days.size
    risk = 0.004 + 0.05 * np.clip(days / 365.25 - 45, 0, 50) / 30
    recent = TODAY - 1 - (rng.random(n) ** 1.2 * np.minimum(1600, days * 0.5)).astype(np.int64)
    before = survey - 30 - (rng.random(n) * np.minimum(5000, days * 0.3)).astype(np.int64)
    return np.where(late, before, np.where(rng.random(n) < risk, recent, 0))


def _issue_numbers(geography: Geography, houses: Households, person: People, rng: np.random.Generator) -> None:
    """Give numbers to grown people and to most children; a place's numbers are scattered over its serials."""
    years = person.years()
    tehsil = houses.tehsil[person.house]
    first = np.searchsorted(tehsil, tehsil)
    nth = np.arange(person.size) - first
    adult = years >= 18
    share = np.where(adult, 0.985, np.where(years < 1, 0.35, 0.72))
    issued = rng.random(person.size) < share
    place = geography.place[tehsil]
    if geography.country == "pak":
        number = card_numbers.pak_numbers(place, nth, person.female)
    else:
        person.short = adult & (rng.random(person.size) < 0.45)
        number = np.where(
            person.short,
            card_numbers.bgd_short_numbers(tehsil, nth),
            card_numbers.bgd_numbers(place, nth, ~adult),
        )
        number = np.where(adult, number, number + person.birth_year() * 10**13)
    person.number = np.where(issued, number, 0)


def _occupy(houses: Households, person: People, rng: np.random.Generator) -> None:
    n, years, z = person.size, person.years(), houses.z[person.house]
    working = (years >= 19) & (years < 60)
    person.post[working & (rng.random(n) < np.where(person.female, 0.012, 0.035) * np.exp(0.5 * z))] = 1
    person.post[(years >= 60) & (rng.random(n) < np.where(person.female, 0.015, 0.07) * np.exp(0.4 * z))] = 2
    frail = rng.random(n) < 0.016 + 0.06 * (years > 60)
    person.disability = np.where(frail, rng.integers(1, 7, n), 0).astype(np.int8)
    fertile = person.female & (person.marital == 2) & (years >= 18) & (years < 42)
    person.pregnant = fertile & (rng.random(n) < 0.09)
    person.attending = (years >= 4) & (years <= 20) & (rng.random(n) < 0.93 - 0.05 * np.abs(years - 9) + 0.1 * z)
    person.grade = np.clip(np.where(person.attending, years - 5, rng.integers(0, 11, n) + 2 * z), 0, 16).astype(np.int8)


def _give_phones(person: People, rng: np.random.Generator, counters: Counters) -> None:
    """One telephone for most households, a second one for the wife in some; sons have their own."""
    years, place = person.years(), person.place
    alone = rng.random(person.size)
    owner = (place == 0) & (alone < 0.9)
    owner |= (place == 1) & (alone < 0.3)
    owner |= (place > 1) & (years >= 20) & (alone < np.where(person.female, 0.2, 0.7))
    owner &= (person.died == 0) & (place != 9)
    person.phone[owner] = counters.phones + np.arange(int(owner.sum()))
    counters.phones += int(owner.sum())
    heads = np.zeros(int(person.house[-1]) + 1 if person.size else 1, dtype=np.int64)
    at_head = place == 0
    heads[person.house[at_head]] = person.phone[at_head]
    shares = ~owner & (years >= 16) & (rng.random(person.size) < 0.65)
    person.phone[shares] = heads[person.house[shares]]


def _add_ghosts(
    geography: Geography, names: NameBook, houses: Households, person: People, rng: np.random.Generator
) -> None:
    """Append people whom a clerk invented; they have a place and a name and, mostly, an invented number."""
    n = max(1, person.size // 4000)
    house = np.sort(rng.integers(0, houses.size, n))
    female = rng.random(n) < 0.6
    fake = card_numbers.fabricate(geography.place[houses.tehsil[house]], rng)
    new: dict[str, Array] = {
        "house": house,
        "place": np.full(n, 99),
        "female": female,
        "born": TODAY - rng.integers(8000, 27_000, n),
        "marital": np.full(n, 2),
        "kind": np.full(n, "G"),
        "name": names.draw(rng, female),
        "father_name": names.draw(rng, np.zeros(n, dtype=bool)),
        "husband_name": names.draw(rng, np.zeros(n, dtype=bool)),
        "number": np.where(rng.random(n) < 0.75, fake, 0),
    }
    for pointer in ("spouse", "father", "mother"):
        new[pointer] = np.full(n, -1)
    for field in fields(person):
        old = getattr(person, field.name)
        tail = new.get(field.name, np.zeros(n, dtype=old.dtype))
        setattr(person, field.name, np.concatenate([old, tail.astype(old.dtype)]))
