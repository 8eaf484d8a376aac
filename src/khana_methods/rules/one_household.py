"""One household made into what a rule reads, in plain Python: the same values as `snapshot.type_facts` gives, for one.

For who asks about one person a hundred times a second, where an engine a question would cost more than the question. Tests
hold it equal to the typing of the whole registry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from khana_methods.rules.facts import Fact, FactCatalogue, load_facts
from khana_methods.rules.missing import fill_implied, gates_of
from khana_methods.rules.reference import Situation
from khana_methods.rules.snapshot import UNREAD

_NUMBERS, _TEXTS = frozenset({"integer", "decimal", "money"}), frozenset({"text", "code", "area"})
_LEVELS = {"province_code": 1, "district_code": 2, "tehsil_code": 3, "union_code": 4}


def situation(
    household: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]],
    *,
    as_of: date,
    wanted: Collection[str],
    person: int | None = None,
    score: float | None = None,
    catalogue: FactCatalogue | None = None,
) -> Situation:
    """Return what is known of a household and its members on a day, as the interpreter reads it.

    Args:
        household: `area_path`, `survey_date`, `consent` and `facts`, as `snapshot.household_text_frame` has them, `facts` read.
        members: One a member with the columns of `snapshot.member_text_frame`, `facts` read; who stands twice counts once, by
            her first line.
        as_of: The day for which ages are reckoned.
        wanted: Facts that are read.
        person: `person_id` of the member whom a rule is about.
        score: The poverty score in force.
        catalogue: Facts; the shipped catalogue by default.

    Examples:
        >>> home = {"area_path": "PK.PK6.PK606.", "survey_date": date(2026, 1, 1), "consent": True, "facts": {"rooms": 2}}
        >>> amina = {"person_id": 7, "line_no": 1, "relation": "head", "sex": "F", "birth_year": 1960, "birth_month": 7, "facts": {}}
        >>> at = situation(home, [amina], as_of=date(2026, 6, 30), wanted={"rooms", "age", "district_code"}, person=7)
        >>> at.fact("rooms"), at.fact("age"), at.fact("district_code"), at.fact("score") is None
        (2.0, 65.0, 'PK606', True)
    """
    at, people = household_situation(household, members, as_of=as_of, wanted=wanted, score=score, catalogue=catalogue)
    return at if person is None else Situation(at.household, at.members, people.get(person), catalogue)


def household_situation(
    household: Mapping[str, Any],
    members: Sequence[Mapping[str, Any]],
    *,
    as_of: date,
    wanted: Collection[str],
    score: float | None = None,
    catalogue: FactCatalogue | None = None,
) -> tuple[Situation, dict[Any, dict[str, Any]]]:
    """Return a household as `situation` does, seen from nobody, and the typed facts of each member by `person_id`.

    For who asks about several members of one household: facts are typed once.
    """
    known = catalogue or load_facts()
    read = {*wanted, *gates_of(wanted, known)}
    once: dict[Any, Mapping[str, Any]] = {}
    for member in sorted(members, key=lambda one: one.get("line_no") or 0):
        once.setdefault(member.get("person_id"), member)
    home = _typed(household.get("facts") or {}, known, "household", read)
    parts = str(household.get("area_path") or "").split(".")
    home |= {name: parts[place] if len(parts) > place and parts[place] else None for name, place in _LEVELS.items()}
    home |= {
        "area_code": str(household.get("area_path") or "").rstrip(".").split(".")[-1] or None, "consent": household.get("consent"),
        "survey_date": _day(household.get("survey_date")), "household_size": float(len(once)), "score": score,
    }  # fmt: skip
    people = {number: _member(member, known, read, as_of) for number, member in once.items()}
    return Situation(fill_implied(home, catalogue=known), list(people.values()), None, catalogue), people


def _member(row: Mapping[str, Any], known: FactCatalogue, read: set[str], as_of: date) -> dict[str, Any]:
    facts = row.get("facts") or {}
    found = _typed(facts, known, "person", read)
    found |= {
        "line_no": _number(row.get("line_no")), "relation": row.get("relation") or None, "sex": row.get("sex") or None,
        "marital": row.get("marital") or None, "is_present": row.get("is_present"), "is_member": True,
        "age": _age(row, facts, as_of),
    }  # fmt: skip
    return fill_implied(found, catalogue=known)


def _typed(facts: Mapping[str, Any], known: FactCatalogue, entity: str, read: set[str]) -> dict[str, Any]:
    return {
        name: _value(known.facts[name], facts[name])
        for name in read
        if name in facts and name not in UNREAD and name in known.facts and entity in known.facts[name].entities
    }


def _value(fact: Fact, value: Any) -> Any:
    """Return a value as its fact's type has it; what is of another type is not known."""
    if fact.type in _NUMBERS:
        return _number(value)
    if fact.type == "boolean":
        return value if isinstance(value, bool) else None
    if fact.type in _TEXTS:
        return value if isinstance(value, str) and value else None
    if fact.type == "date":
        return _day(value)
    return None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)[:10]) if value is not None else None
    except ValueError:
        return None


def _age(row: Mapping[str, Any], facts: Mapping[str, Any], as_of: date) -> float | None:
    """Return completed years: by date of birth, else by the stated age and the years since it was stated."""
    year, month = row.get("birth_year"), row.get("birth_month")
    if year is not None and month is not None:
        return float(max(0, as_of.year - year - ((as_of.month, as_of.day) < (month, row.get("birth_day") or 1))))
    stated = _number(facts.get("age"))
    if stated is not None:
        told = _day(row.get("survey_date"))
        since = 0 if told is None else as_of.year - told.year - ((as_of.month, as_of.day) < (told.month, told.day))
        return stated + max(0, since)
    return float(max(0, as_of.year - year)) if year is not None else None
