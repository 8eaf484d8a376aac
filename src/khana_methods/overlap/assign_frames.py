"""Read what an assignment is made from: programmes that are offered, places by area, persons by what they may get."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.overlap.text_frames import text_frame

MOST_PROGRAMMES = 60
_OTHER_NAMES = {"person": ("person_id", "id"), "programme": ("programme_code", "code"), "quota": ("places",)}


class AssignmentInvalid(InputError):
    """The frames of an assignment lack something or contradict each other."""

    code: ClassVar[str] = "overlap.assignment.invalid"


@dataclass(frozen=True, slots=True)
class Offer:
    """A programme as the assignment sees it; `excluded_mask` has the bits of those that may not be drawn beside it."""

    code: str
    value: float
    is_cash: bool
    excluded_mask: int


@dataclass(frozen=True, slots=True)
class Place:
    """Places of one programme in one area; area -1 is the whole country."""

    area: int
    quota: int


def read_frames(
    engine: Engine, *, persons: pa.Table, programmes: pa.Table, eligibility: pa.Table, quotas: pa.Table
) -> tuple[list[Offer], dict[int, list[Place]], pa.Table]:
    """Read the four frames.

    Returns:
        Offers in the order of the frame; places by number of the offer (none: no limit); persons who may get
        anything, the poorest first: `person`, `area` (a number), `mask` (a bit for each offer).

    Raises:
        AssignmentInvalid: A column is missing, a person stands twice, a code is unknown, a number is none.
    """
    offers = _offers(programmes)
    numbers = {offer.code: number for number, offer in enumerate(offers)}
    people = _named(persons, "persons", ("person", "area"))
    engine.register("assign_person", people)
    engine.register("assign_pair", _named(eligibility, "eligibility", ("person", "programme")))
    engine.register(
        "assign_offer", pa.table({"programme": list(numbers), "number": pa.array(numbers.values(), pa.int64())})
    )
    twice = engine.value("SELECT count(*) FROM (SELECT 1 FROM assign_person GROUP BY person HAVING count(*) > 1)")
    if twice:
        raise AssignmentInvalid(
            f"{twice:,} persons stand more than once in the persons: each must be in one area.", twice=twice
        )
    unknown = engine.rows("SELECT DISTINCT programme FROM assign_pair ANTI JOIN assign_offer USING (programme) LIMIT 5")
    if unknown:
        raise AssignmentInvalid(f"The eligibility names programmes that are not offered: {_listed(unknown)}.")
    strangers = engine.value("SELECT count(DISTINCT person) FROM assign_pair ANTI JOIN assign_person USING (person)")
    if strangers:
        raise AssignmentInvalid(f"The eligibility names {strangers:,} persons who are not among the persons.")
    engine.run("CREATE OR REPLACE TABLE assign_area AS SELECT area, row_number() OVER (ORDER BY area) - 1 AS number "
               "FROM (SELECT DISTINCT area FROM assign_person)")  # fmt: skip
    score = "TRY_CAST(p.score AS DOUBLE)" if "score" in people.schema.names else "NULL::DOUBLE"
    found = engine.table(f"""SELECT p.person, a.number AS area, m.mask
        FROM (SELECT e.person, bit_or(1::BIGINT << o.number::INTEGER) AS mask
              FROM assign_pair e JOIN assign_offer o USING (programme) GROUP BY e.person) m
        JOIN assign_person p USING (person) JOIN assign_area a USING (area)
        ORDER BY {score} NULLS LAST, p.person""")
    return offers, _places(engine, quotas, numbers), found


def _offers(programmes: pa.Table) -> list[Offer]:
    frame = _named(programmes, "programmes", ("programme",))
    rows = frame.to_pylist()
    codes = [row["programme"] for row in rows]
    if len(set(codes)) != len(codes) or "" in codes:
        raise AssignmentInvalid("Each programme must have a code of its own.")
    if len(codes) > MOST_PROGRAMMES:
        raise AssignmentInvalid(
            f"At most {MOST_PROGRAMMES} programmes can be assigned together; there are {len(codes)}."
        )
    masks = dict.fromkeys(codes, 0)
    for row in rows:
        programme = row["programme"]
        for other in re.split(r"[\s;,|]+", row.get("excludes") or ""):
            if not other:
                continue
            if other not in masks or other == programme:
                raise AssignmentInvalid(f"{programme} excludes '{other}', which is not another programme here.")
            masks[programme] |= 1 << codes.index(other)
            masks[other] |= 1 << codes.index(programme)
    return [Offer(row["programme"], _amount(row), _is_cash(row), masks[row["programme"]]) for row in rows]


def _amount(row: Mapping[str, str]) -> float:
    programme = row["programme"]
    text = (row.get("value") or "1").replace(",", "")
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e12:
        raise AssignmentInvalid(f"The value of {programme} must be a number of zero or more.")
    return value


def _is_cash(row: Mapping[str, str]) -> bool:
    text = (row.get("kind") or row.get("cash") or "cash").strip().casefold()
    return text in ("cash", "yes", "true", "1", "y")


def _places(engine: Engine, quotas: pa.Table, numbers: Mapping[str, int]) -> dict[int, list[Place]]:
    """Return the places of each offer that has any row; an area without a row has none there."""
    frame = _named(quotas, "quotas", ("programme", "quota"))
    areas = dict(engine.rows("SELECT area, number FROM assign_area"))
    places: dict[int, dict[int, int]] = {}
    for row in frame.to_pylist():
        programme = row["programme"]
        if programme not in numbers:
            raise AssignmentInvalid(f"The quotas name '{programme}', which is not offered.")
        text = (row["quota"] or "").replace(",", "")
        if not re.fullmatch(r"\d+(\.0+)?", text):
            raise AssignmentInvalid(f"A quota of {programme} is no whole number of places.")
        named = (row.get("area") or "").strip()
        area = -1 if named in ("", "*") else areas.get(named)
        if area is None:
            continue  # places where nobody lives
        own = places.setdefault(numbers[row["programme"]], {})
        if area in own:
            raise AssignmentInvalid(f"Two quotas of {programme} are given for the area '{named or 'all'}'.")
        own[area] = int(float(text))
    for own in places.values():
        if set(own) != {-1}:
            for area in areas.values():
                own.setdefault(area, 0)
    for row in frame.to_pylist():  # all its areas are empty: no place anywhere
        places.setdefault(numbers[row["programme"]], dict.fromkeys(areas.values(), 0))
    return {number: [Place(area, quota) for area, quota in sorted(own.items())] for number, own in places.items()}


def _named(frame: pa.Table, what: str, wanted: Sequence[str]) -> pa.Table:
    """Return a frame of trimmed texts under small names, with the columns that are wanted."""
    return text_frame(frame, what=what, wanted=wanted, error=AssignmentInvalid, other_names=_OTHER_NAMES)


def _listed(rows: Sequence[Sequence[str]]) -> str:
    return ", ".join(str(row[0]) for row in rows)
