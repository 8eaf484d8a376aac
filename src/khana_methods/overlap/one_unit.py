"""Exclusion filters held against one person or one household: what `evaluate.exclude` tells of everybody, told of one.

By the slow interpreter, for who asks before she enrols somebody and for who shows a family what it is entitled to. A
filter tells against her by herself, by her husband or wife, or by her family; a hit whose appeal was upheld does not
count. What is not known tells against nobody, and is named. Tests hold it equal to the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from khana_methods.overlap.evaluate import filters_in_force
from khana_methods.rules.decide import HOLDS, Decidable, decidable, decide_one
from khana_methods.rules.reference import Situation
from khana_methods.rules.rulebook import RuleBook

SELF, SPOUSE, FAMILY = "self", "spouse", "family"


@dataclass(frozen=True, slots=True)
class WeighedFilter:
    """One filter that is in force on a day, its rule apart in clauses."""

    code: str
    name: str
    rule: Decidable


@dataclass(frozen=True, slots=True)
class Seat:
    """Where one member stands: her line, and the line of her husband or wife where it was told."""

    person_id: int
    line_no: int | None
    spouse_line: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one household besides its facts.

    Attributes:
        seats: Its members' lines.
        upheld: What upheld appeals take out of account here: the filter, against whom (None: anybody) and told of whom (None:
            anybody, or the household's own facts).
        registers: Hits that other registers gave: the person and the filter.
    """

    seats: Sequence[Seat] = ()
    upheld: Collection[tuple[str, int | None, int | None]] = ()
    registers: Collection[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """One filter that tells against a unit, by herself, her spouse or her family."""

    filter: str
    name: str
    subject: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """One filter of which it is not known whether it tells, and the facts that are missing."""

    filter: str
    name: str
    missing: tuple[str, ...]


def read_filters(entries: Sequence[Mapping[str, Any]], book: RuleBook, on: date) -> tuple[WeighedFilter, ...]:
    """Take the filters that are in force on a day, in the order of application.

    Args:
        entries: As `evaluate.exclude` takes them.
        book: Holds their rules.
        on: The day.
    """
    return tuple(
        WeighedFilter(str(one["filter"]), str(one["name"]), decidable(book.read(one["rule"]["code"], on)))
        for one in filters_in_force(entries, book, on)
    )


def weigh(
    filters: Sequence[WeighedFilter],
    home: Situation,
    people: Mapping[Any, Mapping[str, Any]],
    *,
    person: int | None,
    standing: Standing,
) -> tuple[tuple[Hit, ...], tuple[NotKnown, ...]]:
    """Say which filters tell against one person, or one household where `person` is None, and of which it is not known.

    Args:
        filters: In the order of application, those of one programme.
        home: The household, seen from nobody.
        people: Typed facts of its members by `person_id`.
        person: Whom the benefit is for; None where it is the household's.
        standing: Lines of husband and wife, appeals that were upheld, hits of other registers.

    Returns:
        Hits that count, one a filter, the first being the one that removes her; and filters that are not known.

    Examples:
        >>> from khana_methods.rules.check import read_rule
        >>> car = WeighedFilter("CAR", "A car", decidable(read_rule("registered_vehicles >= 1", entity="person")))
        >>> people = {1: {"registered_vehicles": 0.0}, 2: {"registered_vehicles": 1.0}}
        >>> seats = (Seat(1, 1, None), Seat(2, 2, 1))
        >>> home = Situation({}, list(people.values()))
        >>> [hit.subject for hit in weigh([car], home, people, person=1, standing=Standing(seats))[0]]
        ['spouse']
        >>> weigh([car], home, people, person=1, standing=Standing(seats, upheld={("CAR", None, 2)}))
        ((), ())
        >>> weigh([car], home, {1: {}}, person=1, standing=Standing())[1][0].missing
        ('registered_vehicles',)
    """
    subjects = _subjects(people, person, standing.seats)
    hits, unknown = [], []
    for one in filters:
        found, missing = _weigh_one(one, home, people, person, subjects, standing)
        if found:
            hits.append(Hit(one.code, one.name, found))
        elif missing is not None:
            unknown.append(NotKnown(one.code, one.name, missing))
    return tuple(hits), tuple(unknown)


def _subjects(people: Mapping[Any, Any], person: int | None, seats: Sequence[Seat]) -> list[tuple[str, int]]:
    """Return who may tell against a unit, and as what: everybody against a household, herself and her spouse against a person."""
    if person is None:
        return [(FAMILY, other) for other in people]
    hers = [seat for seat in seats if seat.person_id == person]
    wed = {
        other.person_id for own in hers for other in seats
        if other.person_id != person and (
            (own.spouse_line is not None and other.line_no == own.spouse_line)
            or (own.line_no is not None and other.spouse_line == own.line_no)
        )
    }  # fmt: skip
    return [(SELF, person), *((SPOUSE, other) for other in sorted(wed))]


def _weigh_one(
    one: WeighedFilter, home: Situation, people: Mapping[Any, Mapping[str, Any]], person: int | None,
    subjects: Sequence[tuple[str, int]], standing: Standing,
) -> tuple[str, tuple[str, ...] | None]:  # fmt: skip
    """Return as what somebody tells against the unit ('' where nobody), and the missing facts where that is not known."""
    missing: list[str] | None = None
    asked: list[tuple[str, int | None, Situation | None]] = (
        [(subject, who, home.of_member(people[who]) if who in people else None) for subject, who in subjects]
        if one.rule.rule.entity == "person" else [(FAMILY, None, home)]
    )  # fmt: skip
    for subject, who, at in asked:
        answer = 1 if at is None else decide_one(one.rule, at)
        if answer == HOLDS or (who is not None and (who, one.code) in standing.registers):
            if not _is_upheld(one.code, who, person, standing.upheld):
                return subject, None
        elif answer < 0:
            missing = [*(missing or ()), *one.rule.missing(answer)]
    return "", None if missing is None else tuple(dict.fromkeys(missing))


def _is_upheld(
    code: str, told: int | None, person: int | None, upheld: Collection[tuple[str, int | None, int | None]]
) -> bool:
    """Tell whether an upheld appeal takes out what the filter tells of one person against another."""
    return any(
        filter_ == code and (whose is None or whose == person) and (teller is None or teller == told)
        for filter_, whose, teller in upheld
    )
