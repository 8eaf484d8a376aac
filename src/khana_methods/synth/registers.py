"""The household register as files: households with their dwelling and assets, persons line by line, scores.

Column names are those of the household and person files that a survey brings (codes 1 yes, 2 no),
so that one reader suits a made-up country and a real one. Every fact of a dwelling leans on the
household's hidden welfare, with chance on top.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.synth import columns as col
from khana_methods.synth.clerk import MISSING
from khana_methods.synth.population import RELATION, Array
from khana_methods.synth.registry import PERSON_COPY, Register
from khana_methods.synth.world import Block

_ASSETS = {
    "tv": (0.1, 0.9),
    "fridge": (0.2, 1.1),
    "freezer": (1.5, 0.8),
    "washing_machine": (0.3, 1.0),
    "ac": (1.7, 1.0),
    "cooler": (1.0, 0.6),
    "geyser": (1.6, 0.8),
    "microwave": (1.8, 0.9),
    "sewing_machine": (0.4, 0.3),
    "bicycle": (0.6, 0.0),
    "motorcycle": (0.5, 0.8),
    "car": (1.9, 0.9),
    "tractor": (2.1, 0.5),
    "ups": (1.2, 0.8),
}
_WORK = (
    "",
    "Generalist medical practitioners",
    "Farm labourers",
    "Building labourers",
    "Shop keepers",
    "Drivers",
    "Tailors",
)


def area_codes(block: Block, tehsil: Array) -> dict[str, Any]:
    """Return province, district and tehsil code columns."""
    g = block.geography
    return {
        name: col.pick(col.strings([a.code for a in areas]), where)
        for name, areas, where in (
            ("province_code", g.provinces, g.province_of[tehsil]),
            ("district_code", g.districts, g.district_of[tehsil]),
            ("tehsil_code", g.tehsils, tehsil),
        )
    }


def households_table(block: Block, register: Register) -> dict[str, Any]:
    """One row a form: where, when and by whom it was filled, dwelling, land, herd and assets."""
    rng = np.random.Generator(np.random.PCG64(int(register.form_number[:1].sum()) + 11))
    house = register.form_house
    n, z = house.size, block.houses.z[house]
    urban = block.houses.urban[house]
    members = np.bincount(register.form, minlength=n)
    centre = np.array([a.centre for a in block.geography.tehsils])[register.form_tehsil]
    spot = centre + rng.uniform(-0.08, 0.08, (n, 2))
    heads = np.zeros(block.houses.size, dtype=np.int64)
    at_head = block.people.place == 0
    heads[block.people.house[at_head]] = block.people.phone[at_head]

    def better(cut_high: float, cut_low: float, noise: float = 0.7) -> Array:
        value = z + noise * rng.standard_normal(n) + 0.4 * urban
        return np.where(value > cut_high, 1, np.where(value > cut_low, 2, 3))

    def yes(threshold: float, slope: float) -> Array:
        return np.where(slope * z + rng.standard_normal(n) > threshold, 1, 2)

    rooms = np.clip(np.round(1.9 + 0.75 * z + 0.12 * members + 0.6 * rng.standard_normal(n)), 1, 12)
    acres = np.round(
        np.where(urban, 0, np.exp(0.4 + 0.7 * z + 0.8 * rng.standard_normal(n))) * (rng.random(n) < 0.42), 2
    )
    mode = rng.choice(np.array([1, 2, 3]), n, p=[0.6, 0.32, 0.08])
    house_no, street = rng.integers(1, 400, n), rng.integers(1, 30, n)
    place = col.pick(col.strings([a.name for a in block.geography.tehsils]), register.form_tehsil)
    table: dict[str, Any] = {
        "household_id": register.form_number,
        "survey_date": col.iso_dates(block.houses.survey_day[house] + np.where(register.form_copy_of > 0, 23, 0)),
        "survey_mode": mode,
        "enumerator_id": col.joined(
            col.pick(col.strings(["E", "D", "V"]), mode - 1), col.whole(1000 + rng.integers(0, 900, n))
        ),
        "interview_minutes": rng.integers(14, 58, n),
        **area_codes(block, register.form_tehsil),
        "area_type": np.where(urban, 1, 2),
        "address": col.joined("House ", col.whole(house_no), " Street ", col.whole(street), " ", place),
        "latitude": np.round(spot[:, 1], 5),
        "longitude": np.round(spot[:, 0], 5),
        "gps_accuracy_m": rng.integers(3, 25, n),
        "contact_mobile": col.phones(block.country, heads[house], np.zeros(n)),
        "head_line": np.ones(n, dtype=np.int64),
        "members_declared": members + (rng.random(n) < 0.006),
        "dwelling": rng.choice(np.array([1, 2, 3, 4]), n, p=[0.8, 0.1, 0.06, 0.04]),
        "tenure": rng.choice(np.array([1, 3, 5]), n, p=[0.82, 0.11, 0.07]),
        "rooms": rooms.astype(np.int64),
        "wall": better(0.1, -0.9),
        "roof": better(0.3, -0.7),
        "floor": better(0.9, -0.2),
        "electricity": better(-1.3, -1.6, 0.6),
        "gas": better(0.5, 0.4),
        "water": better(0.4, -1.0),
        "toilet": np.select([z + 0.5 * rng.standard_normal(n) > c for c in (0.4, -0.5, -0.9, -1.3)], [1, 2, 3, 5], 6),
        "internet": yes(0.6, 0.9),
        "mobile": yes(-1.5, 0.4),
        "land_owned_acres": acres,
        "land_irrigated_acres": np.round(acres * rng.random(n), 2),
        "n_cattle": np.where(urban, 0, rng.poisson(0.7, n)),
        "n_buffalo": np.where(urban, 0, rng.poisson(0.5, n)),
        "n_goat": np.where(urban, 0, rng.poisson(1.2, n)),
        "n_sheep": np.where(urban, 0, rng.poisson(0.3, n)),
        "n_poultry": rng.poisson(1.5, n),
    }
    table |= {f"asset_{name}": yes(cut, slope) for name, (cut, slope) in _ASSETS.items()}
    return table | {"bank_account": yes(0.7, 0.7), "consent": np.ones(n, dtype=np.int64)}


def persons_table(block: Block, register: Register) -> dict[str, Any]:
    """One row a line of a form: names, family pointers, birth, number, schooling, work, disability."""
    people, names = block.people, block.names
    rng = np.random.Generator(np.random.PCG64(int(register.form_number[:1].sum()) + 12))
    person, n = register.person, register.person.size
    female, years = people.female[person], people.years()[person]
    survey = block.houses.survey_day[people.house[person]]
    line_of = np.full(people.size, 99, dtype=np.int64)
    primary = register.copy_kind == 0
    line_of[person[primary]] = register.line_no[primary]

    def line(pointer: Array) -> Array:
        known = (pointer >= 0) & (register.copy_kind != PERSON_COPY)
        target = line_of[np.maximum(pointer, 0)]
        return np.where(known & (target != 99), target, np.where(pointer >= 0, 99, 98))

    relation = RELATION[people.place[person]].astype(np.int64)
    relation = np.where(register.copy_kind == PERSON_COPY, 14, relation)
    native = col.choose(rng.random(n) < 0.52, col.pick(names.native, people.name[person]), pa.nulls(n, pa.string()))
    grown = years >= 18
    id_type = np.where(
        register.number == 0,
        np.where(register.cause == MISSING, 5, 4),
        np.where(grown, np.where(rng.random(n) < 0.7, 1, 2), 3),
    )
    wives = np.where(female & (people.marital[person] >= 2), people.husband_name[person], people.father_name[person])
    work = rng.random(n) < np.where(female, 0.16, 0.74)
    work &= (years >= 15) & (years < 68)
    attended = people.attending[person] | (people.grade[person] > 0)
    age = np.maximum((survey - register.birth) // 365.25, 0).astype(np.int64)
    income = (
        np.round(np.exp(11.2 + 0.5 * block.houses.z[people.house[person]] + 0.4 * rng.standard_normal(n)) / 1000) * 1000
    )
    return {
        "household_id": register.form_number[register.form],
        "line_no": register.line_no,
        "name": spelt(block, people.name[person], register.spelling),
        f"name_{_language(block)}": native,
        "father_husband_name": col.pick(names.latin[0], wives),
        "relation": relation,
        "sex": np.where(female, 2, 1),
        "marital": people.marital[person].astype(np.int64),
        "dob": col.iso_dates(register.birth, register.precision),
        "age": age,
        "spouse_line": line(people.spouse[person]),
        "father_line": line(people.father[person]),
        "mother_line": line(people.mother[person]),
        "present": np.where(rng.random(n) < 0.97, 1, 2),
        "member": np.ones(n, dtype=np.int64),
        "id_type": id_type,
        "id_number": col.identity_numbers(
            block.country, register.number, people.birth_year()[person], rng.integers(0, 2, n)
        ),
        "mobile": col.phones(block.country, np.where(rng.random(n) < 0.9, people.phone[person], 0), np.zeros(n)),
        "literate": np.where(people.grade[person] >= 3, 1, 2),
        "ever_attended": np.where(attended, 1, 2),
        "highest_class": col.whole(people.grade[person].astype(np.int64), ~attended),
        "attending": col.whole(np.where(people.attending[person], 1, 2), age > 24),
        "current_class": col.whole(people.grade[person].astype(np.int64), ~people.attending[person]),
        "worked": np.where(work, 1, 2),
        "activity": col.whole(np.where(work, rng.integers(1, 8, n), 0)),
        "occupation": col.pick(col.strings(list(_WORK)), np.where(work, rng.integers(1, len(_WORK), n), -1)),
        "income_year": col.whole(np.where(work, income, 0).astype(np.int64)),
        "pension": np.where(people.post[person] == 2, 1, 2),
        "disability": col.whole(people.disability[person].astype(np.int64)),
        "pregnant": col.whole(people.pregnant[person].astype(np.int64)),
    }


def spelt(block: Block, name: Array, spelling: Array) -> Any:
    """Write names in the romanisation given: 0 usual, 1 and 2 the others."""
    usual, given, second = (col.pick(table, name) for table in block.names.latin)
    return col.choose(spelling == 1, given, col.choose(spelling == 2, second, usual))


def scores_table(block: Block, register: Register) -> dict[str, Any]:
    """One row a form: the proxy-means score that comes with the registry, and its date."""
    house = register.form_house
    return {
        "household_id": register.form_number,
        "score": block.houses.score[house],
        "score_date": col.iso_dates(block.houses.survey_day[house]),
        "model": col.pick(col.strings([f"{block.country.upper()}-SYNTH-1"]), np.zeros(house.size, dtype=np.int64)),
    }


def _language(block: Block) -> str:
    return "urdu" if block.country == "pak" else "bangla"


def person_keys(block: Block, person: Array) -> Any:
    """Write the key of true people: the kind's letter and a running number."""
    kind = block.people.kind[np.maximum(person, 0)]
    number = pc.utf8_lpad(col.whole(block.first_person + person), 8, "0")
    keys = col.joined(pa.array(kind.tolist(), pa.string()), number)
    return col.choose(person >= 0, keys, pa.nulls(person.size, pa.string()))


def person_keys_table(block: Block, register: Register) -> dict[str, Any]:
    """One row a line of a form: which true person it is, whether it is her second, and its slips."""
    slips = ["", "id_missing", "id_typo"]
    which = np.where(register.cause == MISSING, 1, np.where(register.cause > 0, 2, 0))
    return {
        "household_id": register.form_number[register.form],
        "line_no": register.line_no,
        "person": person_keys(block, register.person),
        "kind": col.pick(col.strings(["", "person_copy", "household_copy"]), register.copy_kind),
        "slips": col.pick(col.strings(slips), which),
    }
