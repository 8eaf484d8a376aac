"""Both records of one pair side by side, with what agrees and what does not: for the page, the API and the queue.

Numbers are masked; whether two numbers are alike is told by how many digits differ, never by showing them.
Read under the caller's scope: a pair of which one side lies outside is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from khana.beneficiaries import lists
from khana.geo import area_names as geo
from khana.linkage import selectors
from khana.registry import files
from khana_methods.standardise.names import person_name

QUESTIONS = ("name", "guardian", "birth", "sex", "number", "place", "household")


@dataclass(frozen=True)
class Side:
    """One record as the reader may see it."""

    kind: str
    id: int
    name: str
    name_native: str
    guardian: str
    birth: str
    sex: str
    number: str
    place: Sequence[str]
    household: str
    household_members: Sequence[str]
    draws: Sequence[str]


@dataclass(frozen=True)
class Line:
    """One question with both answers and whether they agree: yes, near, no, or nothing to compare."""

    question: str
    left: str
    right: str
    agrees: str


@dataclass(frozen=True)
class PairFile:
    """One pair with everything that somebody needs to decide it."""

    pair: Any
    left: Side
    right: Side
    lines: Sequence[Line]
    bits: Sequence[tuple[str, float]]


def pair_file(pair_id: int) -> PairFile:
    """Read one pair.

    Raises:
        PairNotFound: There is no such pair in scope.
    """
    pair = selectors.get_pair(pair_id)
    left = _person(pair.left_id) if pair.left_kind == "PERSON" else _row(pair.left_id, pair.left_role)
    right = _person(pair.right_id) if pair.right_kind == "PERSON" else _row(pair.right_id, pair.right_role)
    bits = sorted(((name, float(value)) for name, value in pair.bits.items() if value), key=lambda one: -abs(one[1]))
    return PairFile(pair, left, right, _lines(left, right), bits)


def _person(person_id: int) -> Side:
    facts = files.person_at([person_id]).get(person_id)
    if facts is None:
        raise selectors.PairNotFound("One of the two files lies outside the area that you work for.", person=person_id)
    numbers = [one for one in files.numbers_of([person_id]) if one.retired_at is None]
    places = files.places_of([person_id])
    household = places[0].household_number if places else ""
    members = files.members_of(places[0].household_id) if places else []
    known = files.person_at([one.person_id for one in members if one.person_id != person_id])
    return Side(
        "PERSON", person_id, facts.name, facts.name_native, facts.guardian_name, facts.birth, facts.sex,
        numbers[0].masked if numbers else "", [area.called("en") for area in geo.way_down(facts.area_path)[1:]], household,
        [one.name for one in list(known.values())[:12]],
        [f"{row.programme} {row.period}" for row in lists.benefits_of([one.token for one in numbers], limit=12)],
    )  # fmt: skip


def _row(benefit_id: int, role: str) -> Side:
    row = lists.row_for_matching(benefit_id, role)
    if row is None:
        raise selectors.PairNotFound("The row of the list lies outside what you may read.", row=benefit_id)
    return Side(
        "ROW", benefit_id, row.name, "", row.guardian_name, files.birth_text(*row.birth), row.sex, row.masked,
        [area.called("en") for area in geo.way_down(row.area_path)[1:]], "", [row.other_name] if row.other_name else [],
        [f"{row.programme} {row.period} · {row.file_name} {row.line}"],
    )  # fmt: skip


def _lines(left: Side, right: Side) -> list[Line]:
    return [
        Line("name", left.name or left.name_native, right.name or right.name_native, _names(left.name, right.name)),
        Line("guardian", left.guardian, right.guardian, _names(left.guardian, right.guardian)),
        Line("birth", left.birth, right.birth, _births(left.birth, right.birth)),
        Line("sex", left.sex, right.sex, _same(left.sex, right.sex)),
        Line("number", left.number, right.number, _same(left.number[-4:], right.number[-4:], near=True)),
        Line("place", ", ".join(left.place), ", ".join(right.place), _places(left.place, right.place)),
        Line("household", left.household, right.household, _same(left.household, right.household)),
    ]


def _same(one: str, other: str, *, near: bool = False) -> str:
    if not one or not other:
        return "unknown"
    if one == other:
        return "near" if near else "yes"  # only the last four digits are compared here: alike, not the same
    return "no"


def _names(one: str, other: str) -> str:
    if not one.strip() or not other.strip():
        return "unknown"
    left, right = person_name(one), person_name(other)
    if left.key == right.key:
        return "yes"
    return "near" if left.skeleton == right.skeleton or left.call_skeleton == right.call_skeleton else "no"


def _births(one: str, other: str) -> str:
    if not one or not other:
        return "unknown"
    if one == other:
        return "yes"
    return "near" if one[:4] == other[:4] else "no"


def _places(one: Sequence[str], other: Sequence[str]) -> str:
    if not one or not other:
        return "unknown"
    if list(one) == list(other):
        return "yes"
    return "near" if list(one[:2]) == list(other[:2]) else "no"
