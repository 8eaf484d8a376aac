"""What the household register holds: forms and lines, with second registrations and slips of the interview.

Most people stand on one line of one form. A few stand on a line of a second household's form, and
a few households are registered again whole in another tehsil. Numbers may be missing or mistyped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khana_methods.synth import card_numbers
from khana_methods.synth.clerk import MISSING, OK, TYPO
from khana_methods.synth.population import Array
from khana_methods.synth.world import Block, household_numbers

PRIMARY, PERSON_COPY, HOUSEHOLD_COPY = 0, 1, 2
COPY_KINDS = ("", "person_copy", "household_copy")


@dataclass
class Register:
    """Forms (households as registered) and lines (persons as registered) of one block.

    Attributes:
        form_house: True household of each form; ``form_number`` its household_id.
        form_copy_of: household_id of the first form where this is a second one, else 0.
        person, form, line_no, copy_kind: One element a line.
        number: Key as typed, 0 where left out; ``cause`` the slip.
        spelling: 0 as usual, 1 or 2 another romanisation.
        birth: Day ordinal as told; ``precision`` 0 full, 1 month, 2 year.
    """

    form_house: Array
    form_number: Array
    form_tehsil: Array
    form_copy_of: Array
    person: Array
    form: Array
    line_no: Array
    copy_kind: Array
    number: Array
    cause: Array
    spelling: Array
    birth: Array
    precision: Array


def fill_forms(block: Block) -> Register:
    """Register the block's registered households, some of them and some people twice."""
    rng, houses, people = block.rng, block.houses, block.people
    primary = np.flatnonzero(houses.registered)
    copied = primary[rng.random(primary.size) < 0.004]
    tehsils = np.unique(houses.tehsil)
    nth = block.counters.households + np.arange(copied.size, dtype=np.int64)
    block.counters.households += copied.size
    elsewhere = tehsils[rng.integers(0, tehsils.size, copied.size)]
    form_house = np.concatenate([primary, copied])
    form_number = np.concatenate([houses.number[primary], household_numbers(block.geography, elsewhere, nth)])
    form_of = np.full(houses.size, -1, dtype=np.int64)
    form_of[primary] = np.arange(primary.size)
    listed = np.flatnonzero(people.kind == "P")
    first_form = form_of[people.house[listed]]
    starts = np.searchsorted(first_form, first_form)
    line_no = np.arange(listed.size) - starts + 1
    second_form = np.full(houses.size, -1, dtype=np.int64)
    second_form[copied] = primary.size + np.arange(copied.size)
    again = np.flatnonzero(second_form[people.house[listed]] >= 0)
    guests = np.flatnonzero(rng.random(listed.size) < 0.009)
    hosts = rng.integers(0, max(primary.size, 1), guests.size)
    clear = hosts != first_form[guests]
    guests, hosts = guests[clear], hosts[clear]
    _, rank = np.unique(hosts, return_index=True)
    guests, hosts = guests[rank], hosts[rank]
    source = np.concatenate([np.arange(listed.size), again, guests])
    person = listed[source]
    form = np.concatenate([first_form, second_form[people.house[listed[again]]], hosts])
    lines = np.concatenate([line_no, line_no[again], np.full(guests.size, 61)])
    kind = np.repeat(
        np.array([PRIMARY, HOUSEHOLD_COPY, PERSON_COPY], dtype=np.int8),
        [listed.size, again.size, guests.size],
    )
    order = np.lexsort((lines, form))
    number, cause = _typed(block, person, kind)
    n = person.size
    slip = (rng.random(n) < np.where(kind == PRIMARY, 0.0, 0.4)) * rng.choice(np.array([-366, -1, 1, 31, 365]), n)
    spelling = np.where(rng.random(n) < np.where(kind == PRIMARY, 0.05, 0.45), rng.integers(1, 3, n), 0)
    precision = rng.choice(3, n, p=[0.7, 0.08, 0.22])
    return Register(
        form_house,
        form_number,
        np.concatenate([houses.tehsil[primary], elsewhere]),
        np.concatenate([np.zeros(primary.size, dtype=np.int64), houses.number[copied]]),
        *(
            a[order]
            for a in (
                person,
                form,
                lines,
                kind,
                number,
                cause,
                spelling.astype(np.int8),
                people.born[person] + slip,
                precision.astype(np.int8),
            )
        ),
    )


def _typed(block: Block, person: Array, kind: Array) -> tuple[Array, Array]:
    rng, n = block.rng, person.size
    key = block.people.number[person].copy()
    chance = rng.random(n)
    missing = chance < np.where(kind == PRIMARY, 0.06, 0.25)
    typo = ~missing & (chance > np.where(kind == PRIMARY, 0.995, 0.85)) & (key > 0)
    key[typo] = card_numbers.mistype(key[typo], rng)
    key[missing] = 0
    return key, np.select([missing, typo], [MISSING, TYPO], OK).astype(np.int8)
