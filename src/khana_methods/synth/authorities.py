"""What other authorities hold: identity, population register, telephones, public payrolls, recorded exits.

Each extract is incomplete in its own way: some numbers and deaths have not reached the identity
authority, some telephones stand in another's name, some payroll lines lack the number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from khana_methods.synth import card_numbers
from khana_methods.synth import columns as col
from khana_methods.synth.clerk import Ledger
from khana_methods.synth.population import TODAY, Array
from khana_methods.synth.programmes import PROGRAMMES
from khana_methods.synth.registers import area_codes, person_keys
from khana_methods.synth.world import Block

_DEPARTMENTS = (
    "HEALTH",
    "SCHOOL EDUCATION",
    "POLICE",
    "RAILWAYS",
    "POST OFFICE",
    "REVENUE",
    "LOCAL GOVT",
    "IRRIGATION",
)
_REASONS = ("GRADUATED", "AGED_OUT", "MOVED", "VOLUNTARY", "INELIGIBLE_FOUND", "CYCLE_END")


@dataclass
class Extracts:
    """What the files of the other authorities say, as numbers, for the truth to be judged by.

    Attributes:
        known: People whose number the identity extract holds.
        sim_phone, sim_number: Telephone and the number it is registered to.
        staff_person, staff_number, staff_post: Payroll lines; number 0 where left out.
        exit_person, exit_number, exit_programme, exit_day: Recorded exits.
    """

    known: Array
    sim_phone: Array
    sim_number: Array
    staff_person: Array
    staff_number: Array
    staff_post: Array
    exit_person: Array
    exit_number: Array
    exit_programme: Array
    exit_day: Array


def make_extracts(block: Block, ledger: Ledger) -> Extracts:
    """Fill the other authorities' registers for one block."""
    rng, people = block.rng, block.people
    known = np.flatnonzero(people.in_extract & (people.number > 0) & (people.kind != "G"))
    owners = np.flatnonzero(people.phone > 0)
    _, first = np.unique(people.phone[owners], return_index=True)
    owners = owners[np.sort(first)]
    adults = np.flatnonzero((people.years() >= 18) & (people.number > 0) & (people.died == 0) & (people.kind != "G"))
    fate = rng.random(owners.size)
    subscriber = np.where(fate < 0.09, adults[rng.integers(0, adults.size, owners.size)], owners)
    filed = (fate < 0.94) & (people.number[subscriber] > 0)
    staff = np.flatnonzero((people.post > 0) & (people.died == 0) & (people.kind != "G"))
    staff_number = np.where(rng.random(staff.size) < 0.03, 0, people.number[staff])
    typo = (rng.random(staff.size) < 0.01) & (staff_number > 0)
    staff_number[typo] = card_numbers.mistype(staff_number[typo], rng)
    return Extracts(
        known,
        people.phone[owners][filed],
        people.number[subscriber][filed],
        staff,
        staff_number,
        people.post[staff],
        *_exits(block, ledger),
    )


def _exits(block: Block, ledger: Ledger) -> tuple[Array, Array, Array, Array]:
    """Recorded exits: a few of people still listed, more of people who are not; from adults' programmes."""
    rng, people, e = block.rng, block.people, ledger.enrolments
    programmes = PROGRAMMES[block.country]
    own = np.array([p.picker in ("wives", "elderly", "widows", "disabled", "needy") for p in programmes])
    listed = np.flatnonzero(own[e.programme] & (people.kind[e.beneficiary] != "G") & (ledger.twin_of < 0))
    still = listed[rng.random(listed.size) < 0.012]
    others = rng.integers(0, people.size, max(1, people.size // 150))
    others = others[(people.years()[others] >= 25) & (people.kind[others] == "P")]
    gone = ~np.isin(others, e.beneficiary)
    others = others[gone]
    choices = np.flatnonzero(own)
    programme = np.concatenate([e.programme[still], choices[rng.integers(0, choices.size, others.size)]])
    person = np.concatenate([e.beneficiary[still], others])
    number = people.number[person].copy()
    typo = (rng.random(person.size) < 0.02) & (number > 0)
    number[typo] = card_numbers.mistype(number[typo], rng)
    # Some exits fall inside the half-year, so that only the later periods are still listed after them.
    day = TODAY - 20 - (rng.random(person.size) * 520).astype(np.int64)
    return person, number, programme.astype(np.int8), day


def identity_table(block: Block, extracts: Extracts) -> dict[str, Any]:
    """One row a number that the identity authority knows: names, birth, life status, parents, spouse."""
    people, names, known = block.people, block.names, extracts.known
    year = people.birth_year()
    dead = (people.died[known] > 0) & people.death_known[known]

    def number_of(pointer: Array) -> Any:
        who = np.maximum(pointer, 0)
        key = np.where((pointer >= 0) & people.in_extract[who], people.number[who], 0)
        return col.identity_numbers(block.country, key, year[who], np.ones(key.size) * (block.country == "bgd"))

    female = people.female[known]
    wife = female & (people.marital[known] >= 2)
    child = people.years()[known] < 18
    kinds = ("CRC", "CNIC") if block.country == "pak" else ("BRN", "NID")
    style = np.ones(known.size) * (block.country == "bgd")
    return {
        ("cnic" if block.country == "pak" else "id_number"): col.identity_numbers(
            block.country, people.number[known], year[known], style
        ),
        "name": col.pick(names.latin[0], people.name[known]),
        f"name_{'urdu' if block.country == 'pak' else 'bangla'}": col.pick(names.native, people.name[known]),
        "father_name": col.pick(names.latin[0], people.father_name[known]),
        "husband_name": col.pick(names.latin[0], np.where(wife, people.husband_name[known], -1)),
        "sex": col.pick(col.strings(["M", "F"]), female.astype(np.int64)),
        "dob": col.iso_dates(people.born[known]),
        "status": col.pick(col.strings(["ALIVE", "DECEASED"]), dead.astype(np.int64)),
        "date_of_death": col.iso_dates(np.where(dead, people.died[known], 0)),
        "marital": people.marital[known].astype(np.int64),
        "father_number": number_of(people.father[known]),
        "mother_number": number_of(people.mother[known]),
        "spouse_number": number_of(people.spouse[known]),
        "card_type": col.pick(col.strings(list(kinds)), 1 - child.astype(np.int64)),
    }


def residents_table(block: Block) -> dict[str, Any]:
    """One row a resident, of a household or none: civil status, citizenship, address, work, number."""
    people, names, rng = block.people, block.names, block.rng
    alive = (people.died == 0) & (people.kind != "G")
    who = np.flatnonzero(alive & (rng.random(people.size) < 0.97))
    tehsil = block.tehsil_of(who)
    n = who.size
    work = np.where(people.post[who] == 1, 1, np.where(people.post[who] == 2, 2, 0))
    years = people.years()[who]
    work = np.where((work == 0) & (years >= 18), rng.choice(np.array([3, 4, 5]), n, p=[0.4, 0.35, 0.25]), work)
    place = col.pick(col.strings([a.name for a in block.geography.tehsils]), tehsil)
    home = "PAK" if block.country == "pak" else "BGD"
    return {
        "resident_id": col.joined("R", col.whole(block.first_person + who)),
        "id_number": col.identity_numbers(block.country, people.number[who], people.birth_year()[who], np.zeros(n)),
        "name": col.pick(names.latin[0], people.name[who]),
        f"name_{'urdu' if block.country == 'pak' else 'bangla'}": col.pick(names.native, people.name[who]),
        "father_name": col.pick(names.latin[0], people.father_name[who]),
        "sex": col.pick(col.strings(["M", "F"]), people.female[who].astype(np.int64)),
        "dob": col.iso_dates(people.born[who]),
        "civil_status": col.pick(col.strings(["", "single", "married", "widowed", "divorced"]), people.marital[who]),
        "citizenship": col.pick(
            col.strings([home, "AFG" if home == "PAK" else "MMR"]), (rng.random(n) < 0.006).astype(np.int64)
        ),
        "employment": col.pick(col.strings(["none", "public", "pensioner", "private", "self-employed", "none"]), work),
        "mobile": col.phones(block.country, people.phone[who], np.zeros(n)),
        "address": col.joined("House ", col.whole(rng.integers(1, 400, n)), " ", place),
        **area_codes(block, tehsil),
    }


def mobiles_table(block: Block, extracts: Extracts) -> dict[str, Any]:
    """One row a telephone: the number it is registered to."""
    n = extracts.sim_phone.size
    return {
        "mobile": col.phones(block.country, extracts.sim_phone, np.zeros(n)),
        "id_number": _plain(block, extracts.sim_number),
    }


def employees_table(block: Block, extracts: Extracts) -> dict[str, Any]:
    """One row a public employee or pensioner."""
    people, names, rng = block.people, block.names, block.rng
    who, n = extracts.staff_person, extracts.staff_person.size
    return {
        "emp_no": col.joined("E", col.whole(block.first_person + who)),
        "name": col.pick(names.latin[0], people.name[who]),
        "father_name": col.pick(names.latin[0], people.father_name[who]),
        "id_number": _plain(block, extracts.staff_number),
        "department": col.pick(col.strings(list(_DEPARTMENTS)), rng.integers(0, len(_DEPARTMENTS), n)),
        "grade": np.clip(rng.poisson(10, n), 1, 21),
        "dob": col.dates(people.born[who], "/"),
        "status": col.pick(col.strings(["", "IN SERVICE", "PENSIONER"]), extracts.staff_post),
        "district": col.pick(
            col.strings([a.name for a in block.geography.districts]),
            block.geography.district_of[block.tehsil_of(who)],
        ),
    }


def exits_table(block: Block, extracts: Extracts) -> dict[str, Any]:
    """One row a recorded exit from a programme."""
    people, names, rng = block.people, block.names, block.rng
    who, n = extracts.exit_person, extracts.exit_person.size
    return {
        "programme": col.pick(col.strings([p.code for p in PROGRAMMES[block.country]]), extracts.exit_programme),
        "id_number": _plain(block, extracts.exit_number),
        "name": col.pick(names.latin[0], people.name[who]),
        "father_husband": col.pick(names.latin[0], people.father_name[who]),
        "exit_date": col.dates(extracts.exit_day, "/"),
        "exit_reason": col.pick(col.strings(list(_REASONS)), rng.integers(0, len(_REASONS), n)),
        "district": col.pick(
            col.strings([a.name for a in block.geography.districts]),
            block.geography.district_of[block.tehsil_of(who)],
        ),
    }


def deaths_table(block: Block) -> dict[str, Any]:
    """One row a death, and whether the identity authority has recorded it."""
    people = block.people
    who = np.flatnonzero((people.died > 0) & (people.kind != "G"))
    shown = people.death_known[who] & people.in_extract[who] & (people.number[who] > 0)
    return {
        "person": person_keys(block, who),
        "date_of_death": col.iso_dates(people.died[who]),
        "in_extract_as_deceased": pa.array(shown.astype(np.int64)),
    }


def _plain(block: Block, key: Array) -> Any:
    return col.identity_numbers(block.country, key, np.zeros(key.size), np.zeros(key.size))
