"""Reads of one file for people: versions under two clocks, numbers masked, who lives with whom.

Everything under the caller's scope: what lies outside is not there. A personal number leaves
this module masked only; its token leaves for the rooms above, which join their rows by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

import psycopg
from django.db import connection
from django.db.models import Q, QuerySet

from khana.platform import keys
from khana.registry.models import (
    Alias,
    Household,
    HouseholdVersion,
    Identifier,
    Membership,
    Person,
    PersonVersion,
)

_GROUPS = {"CNIC": (5, 7, 1), "BFORM": (5, 7, 1), "B-FORM": (5, 7, 1)}
_SHOWN = 4


@dataclass(frozen=True)
class Clocks:
    """Which day the reader asks about, and what was known when."""

    as_of: date
    as_known_at: datetime


@dataclass(frozen=True)
class HeldNumber:
    """One number of one person, masked."""

    type: str
    masked: str
    status: str
    recorded_at: datetime
    retired_at: datetime | None
    token: bytes


@dataclass(frozen=True)
class PersonFacts:
    """One version of a person."""

    person_id: int
    area_path: str
    name: str
    name_native: str
    guardian_name: str
    sex: str
    birth: str
    marital: str
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None
    has_mobile: bool


@dataclass(frozen=True)
class HouseholdFacts:
    """One version of a household."""

    household_id: int
    number: str
    area_path: str
    address: str
    consent: bool | None
    facts: Mapping[str, Any]
    valid_from: date
    valid_to: date | None
    recorded_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True)
class Place:
    """One person's line in one household."""

    household_number: str
    household_id: int
    person_id: int
    line_no: int
    relation: str
    is_member: bool
    is_present: bool | None
    family_no: int | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Found:
    """One person that a search shows."""

    person_id: int
    name: str
    name_native: str
    guardian_name: str
    area_path: str
    likeness: float


def mask(number: str, kind: str = "") -> str:
    """Write a number with only its last four figures, grouped as its card groups it."""
    hidden = "•" * max(0, len(number) - _SHOWN) + number[-_SHOWN:]
    groups = _GROUPS.get(kind.upper(), ())
    if sum(groups) != len(hidden):
        return hidden
    parts, start = [], 0
    for size in groups:
        parts.append(hidden[start : start + size])
        start += size
    return "-".join(parts)


def birth_text(year: int | None, month: int | None, day: int | None) -> str:
    """Write a partial date of birth: a year, a year and month, or all three."""
    if not year:
        return ""
    return "-".join([str(year), *(f"{part:02d}" for part in (month, day if month else None) if part)])


def _now(rows: QuerySet[Any], clocks: Clocks | None) -> QuerySet[Any]:
    """Keep what was true on the day and known at the time; without clocks what is true and known now."""
    if clocks is None:
        return rows.filter(valid_to__isnull=True, superseded_at__isnull=True)
    return rows.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=clocks.as_of),
        Q(superseded_at__isnull=True) | Q(superseded_at__gt=clocks.as_known_at),
        valid_from__lte=clocks.as_of,
        recorded_at__lte=clocks.as_known_at,
    )


def people_of_token(token: bytes) -> list[int]:
    """Return the current files of whoever shows or claims a number."""
    found = Identifier.objects.filter(token=token, retired_at__isnull=True).order_by("id")
    held = dict.fromkeys(found.values_list("person_id", flat=True)[:50])
    return list(dict.fromkeys(current_file(person) for person in held))


def current_file(person_id: int, at: datetime | None = None) -> int:
    """Return the file that a person's id stands for: her own, or the one it was merged into, as far as the reader sees.

    Args:
        person_id: Any id that was ever given.
        at: With what was known then; now if absent.
    """
    ((found,),) = _asked("SELECT khana_private.registry_current(%s, coalesce(%s, now()))", person_id, at)
    return int(found)


def files_of(person_id: int, at: datetime | None = None) -> list[int]:
    """Return the ids that stand for a current file, its own first: what hangs on any of them is hers."""
    rows = _asked("SELECT khana_private.registry_files_of(%s, coalesce(%s, now()))", person_id, at)
    return sorted((int(row[0]) for row in rows), key=lambda one: (one != person_id, one))


def _asked(statement: LiteralString, person_id: int, at: datetime | None) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(statement, (person_id, at)).fetchall()


@dataclass(frozen=True)
class Merge:
    """One alias: which file stands for which, proposed, in force, or ended."""

    id: int
    person_id: int
    current_id: int
    state: str
    needs_second: bool
    reason: str
    proposed_by: int | None
    proposed_at: datetime | None
    confirmed_by: int | None
    valid_from: datetime | None
    valid_to: datetime | None
    end_proposed_by: int | None
    ended_by: int | None


def merges_of(person_ids: Sequence[int]) -> list[Merge]:
    """Return every merge that some files took part in, newest first."""
    held = list(person_ids)
    found = Alias.objects.filter(Q(person_id__in=held) | Q(current_id__in=held)).order_by("-id")[:200]
    return [_merge(row) for row in found]


def merges_waiting(*, limit: int = 200) -> list[Merge]:
    """Return merges, and ends of merges, that wait for a second person."""
    waiting = Q(valid_from__isnull=True) | Q(end_proposed_by__isnull=False)
    return [_merge(row) for row in Alias.objects.filter(waiting, valid_to__isnull=True).order_by("id")[:limit]]


def _merge(row: Alias) -> Merge:
    if row.valid_to is not None:
        state = "ENDED" if row.valid_from is not None else "WITHDRAWN"
    elif row.valid_from is None:
        state = "PROPOSED"
    else:
        state = "END_PROPOSED" if row.end_proposed_by is not None else "IN_FORCE"
    return Merge(
        row.pk, row.person_id, row.current_id, state, row.needs_second, row.reason, row.proposed_by, row.proposed_at,
        row.confirmed_by, row.valid_from, row.valid_to, row.end_proposed_by, row.ended_by,
    )  # fmt: skip


def has_person(person_id: int) -> bool:
    """Say whether a person's file lies within the scope."""
    return Person.objects.filter(pk=person_id).exists()


def area_of_person(person_id: int) -> str | None:
    """Return the path of the area that a file belongs to, None where it is not in scope."""
    return Person.objects.filter(pk=person_id).values_list("area_path", flat=True).first()


def area_of_household(household_id: int) -> str | None:
    """Return the path of the area that a household belongs to, None where it is not in scope."""
    return Household.objects.filter(pk=household_id).values_list("area_path", flat=True).first()


def numbers_of(person_ids: Sequence[int]) -> list[HeldNumber]:
    """Return the numbers of a person's files, masked, verified ones first."""
    rows = list(Identifier.objects.filter(person_id__in=list(person_ids)).order_by("-status", "id")[:50])
    opened = keys.decrypt_many([row.ciphertext for row in rows])
    return [
        HeldNumber(
            row.type,
            mask((plain or b"").decode(), row.type),
            row.status,
            row.recorded_at,
            row.retired_at,
            bytes(row.token),
        )
        for row, plain in zip(rows, opened, strict=True)
    ]


def tokens_of(person_ids: Sequence[int]) -> list[bytes]:
    """Return the tokens of the numbers that some persons show today."""
    rows = Identifier.objects.filter(person_id__in=list(person_ids), retired_at__isnull=True).order_by("id")
    return [bytes(token) for token in rows.values_list("token", flat=True)[:1000]]


def households_of(person_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the numbers of the households that each person stands in today."""
    rows = _now(Membership.objects.filter(person_id__in=list(person_ids)), None).order_by("id")
    found: dict[int, list[str]] = {}
    for person, number in rows.values_list("person_id", "household__number")[:1000]:
        found.setdefault(person, []).append(number)
    return found


def person_at(person_ids: Sequence[int], clocks: Clocks | None = None) -> dict[int, PersonFacts]:
    """Return the version of each person at a point on both clocks, by id."""
    rows = _now(PersonVersion.objects.filter(person_id__in=list(person_ids)), clocks).order_by("recorded_at", "id")
    return {row.person_id: _person(row) for row in rows}


def versions_of_person(person_ids: Sequence[int]) -> list[PersonFacts]:
    """Return every version of a person's files, newest first."""
    rows = PersonVersion.objects.filter(person_id__in=list(person_ids)).order_by("-valid_from", "-recorded_at", "-id")[
        :50
    ]
    return [_person(row) for row in rows]


def _person(row: PersonVersion) -> PersonFacts:
    return PersonFacts(
        row.person_id, row.area_path, row.name, row.name_native, row.guardian_name, row.sex,
        birth_text(row.birth_year, row.birth_month, row.birth_day), row.marital, row.valid_from, row.valid_to,
        row.recorded_at, row.superseded_at, row.mobile_token is not None,
    )  # fmt: skip


def places_of(person_ids: Sequence[int], clocks: Clocks | None = None) -> list[Place]:
    """Return the households that a person stands in, with any of her files."""
    rows = (
        _now(Membership.objects.filter(person_id__in=list(person_ids)), clocks)
        .select_related("household")
        .order_by("id")
    )
    return [_place(row) for row in rows[:50]]


def members_of(household_id: int, clocks: Clocks | None = None) -> list[Place]:
    """Return the lines of a household by family and line; at most 200."""
    rows = _now(Membership.objects.filter(household_id=household_id), clocks).select_related("household")
    return [_place(row) for row in rows.order_by("family_no", "line_no", "id")[:200]]


def _place(row: Membership) -> Place:
    return Place(
        row.household.number, row.household_id, row.person_id, row.line_no, row.relation, row.is_member, row.is_present,
        row.family_no, row.valid_from, row.valid_to,
    )  # fmt: skip


def household_id_of(number: str) -> int | None:
    """Return the id of a household by the number on its slip, within the scope."""
    return Household.objects.filter(number=number).values_list("id", flat=True).first()


def household_numbers(household_ids: Collection[int]) -> dict[int, str]:
    """Return the numbers on the slips of some households by id, those within the scope."""
    return dict(Household.objects.filter(pk__in=household_ids).values_list("pk", "number"))


def household_number_of(household_id: int) -> str:
    """Return the number on the slip of a household, within the scope; empty where there is none."""
    return household_numbers([household_id]).get(household_id, "")


def household_at(household_id: int, clocks: Clocks | None = None) -> HouseholdFacts | None:
    """Return the version of a household at a point on both clocks."""
    found = _now(HouseholdVersion.objects.filter(household_id=household_id), clocks)
    row = found.select_related("household").order_by("-recorded_at", "-id").first()
    return _household(row) if row else None


def versions_of_household(household_id: int) -> list[HouseholdFacts]:
    """Return every version of a household, newest first."""
    found = HouseholdVersion.objects.filter(household_id=household_id).select_related("household")
    return [_household(row) for row in found.order_by("-valid_from", "-recorded_at", "-id")[:50]]


def _household(row: HouseholdVersion) -> HouseholdFacts:
    return HouseholdFacts(
        row.household_id, row.household.number, row.area_path, row.address, row.consent, dict(row.facts), row.valid_from,
        row.valid_to, row.recorded_at, row.superseded_at,
    )  # fmt: skip


def search_names(text: str, *, limit: int = 50) -> list[Found]:
    """Return persons within the scope whose name is like a text, best first.

    The database function applies the scope itself: behind a policy a trigram loses its index.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        rows = cursor.execute(b"SELECT * FROM khana_private.registry_search_names(%s, %s)", (text, limit)).fetchall()
    return [Found(*row) for row in rows]
