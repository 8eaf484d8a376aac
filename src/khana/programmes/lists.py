"""Reads of selection lists for people: lists, their entries page by page, changes, approvals, proposals, visits, disasters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db.models import Count

from khana.programmes.models import (
    DisasterEvent,
    ListApproval,
    ListChange,
    ListEntry,
    Proposal,
    Recheck,
    SelectionList,
)
from khana_methods.errors import NotFound


class ListUnknown(NotFound):
    """No selection list has that code."""

    code: ClassVar[str] = "programmes.list.unknown"


class EventUnknown(NotFound):
    """No disaster was notified under that code."""

    code: ClassVar[str] = "programmes.disaster.unknown"


@dataclass(frozen=True)
class KnownList:
    """One selection list: what it was drawn by and where it stands."""

    id: int
    code: str
    title: str
    programme: str
    agency: str
    event_id: int | None
    state: str
    as_of: date
    known_at: datetime
    terms: Mapping[str, Any]
    snapshot: str
    drawn_hash: str
    head_hash: str
    frozen_hash: str
    summary: Mapping[str, Any]
    created_by: int
    created_label: str
    created_at: datetime
    frozen_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Say whether it may still change."""
        return self.state == SelectionList.State.OPEN

    @property
    def is_settled(self) -> bool:
        """Say whether it is frozen, published or not: what enrols people."""
        return self.state in (SelectionList.State.FROZEN, SelectionList.State.PUBLISHED)


@dataclass(frozen=True)
class Entry:
    """One unit of a list."""

    id: int
    place: int
    quota_area: str
    unit: str
    household_number: str
    area_path: str
    score: Decimal | None
    drawn_state: str
    state: str
    agency: str
    household_id: int


@dataclass(frozen=True)
class Approval:
    """One officer's approval of a list as it stood."""

    actor_id: int
    actor: str
    approved_at: datetime
    is_of_now: bool


def _list(row: SelectionList) -> KnownList:
    return KnownList(
        row.pk, row.code, row.title, row.programme, row.agency, row.event_id, row.state, row.as_of, row.known_at, row.terms,
        row.snapshot, row.drawn_hash, row.head_hash, row.frozen_hash, row.summary, row.created_by, row.created_label,
        row.created_at, row.frozen_at,
    )  # fmt: skip


def list_lists(*, programme: str = "", limit: int = 100) -> list[KnownList]:
    """Return lists, newest first."""
    found = SelectionList.objects.order_by("-pk")
    return [_list(row) for row in (found.filter(programme=programme) if programme else found)[:limit]]


def get_list(code: str) -> KnownList:
    """Return one list by its code.

    Raises:
        ListUnknown: There is none.
    """
    row = SelectionList.objects.filter(code=code).first()
    if row is None:
        raise ListUnknown(f"There is no list {code}. `khana lists list` shows those there are.", list=code)
    return _list(row)


def entries_of(list_id: int, *, after: int = 0, limit: int = 50, state: str = "", area_path: str = "") -> list[Entry]:
    """Return entries within the scope in the order of their numbers, after one that was seen."""
    found = ListEntry.objects.filter(list_id=list_id, id__gt=after)
    if state:
        found = found.filter(state=state)
    if area_path:
        found = found.filter(area_path__startswith=area_path)
    return [_entry(row) for row in found.order_by("id")[:limit]]


def find_entry(list_id: int, unit: str) -> Entry | None:
    """Return one unit of a list within the scope, or None."""
    row = ListEntry.objects.filter(list_id=list_id, unit=unit).first()
    return _entry(row) if row else None


def entries_of_households(list_id: int, households: Sequence[str]) -> list[Entry]:
    """Return the units of some households within the scope, in the order of their places."""
    found = ListEntry.objects.filter(list_id=list_id, household_number__in=list(households))
    return [_entry(row) for row in found.order_by("quota_area", "place", "id")]


def next_in_line(list_id: int, quota_area: str) -> Entry | None:
    """Return who comes next of an area within the scope: the first in reserve, else the first who waits."""
    rows = ListEntry.objects.filter(list_id=list_id, quota_area=quota_area)
    for state in (ListEntry.State.RESERVE, ListEntry.State.WAITING):
        row = rows.filter(state=state).order_by("place", "id").first()
        if row:
            return _entry(row)
    return None


def _entry(row: ListEntry) -> Entry:
    return Entry(
        row.pk, row.place, row.quota_area, row.unit, row.household_number, row.area_path, row.score, row.drawn_state,
        row.state, row.agency, row.household_id,
    )  # fmt: skip


def states_of(list_id: int) -> dict[str, int]:
    """Return how many entries within the scope stand in each state."""
    rows = ListEntry.objects.filter(list_id=list_id).values_list("state").annotate(n=Count("id")).order_by("state")
    return dict(rows)


def approvals_of(known: KnownList) -> list[Approval]:
    """Return the approvals of a list; those of an earlier wording count no longer."""
    rows = ListApproval.objects.filter(list_id=known.id).order_by("id")
    return [Approval(r.actor_id, r.actor_label, r.approved_at, r.head_hash == known.head_hash) for r in rows]


def changes_of(list_id: int, *, limit: int = 200) -> list[dict[str, Any]]:
    """Return recorded changes within the scope, newest first."""
    rows = ListChange.objects.filter(list_id=list_id).order_by("-id")[:limit]
    return [
        {"unit": r.unit, "kind": r.kind, "from": r.from_state, "to": r.to_state, "reason": r.reason, "minutes": r.minutes,
         "by": r.recorded_label, "at": r.recorded_at} for r in rows
    ]  # fmt: skip


def proposals(*, programme: str = "", state: str = "", limit: int = 200) -> list[dict[str, Any]]:
    """Return proposals within the scope, newest first."""
    found = Proposal.objects.order_by("-id")
    if programme:
        found = found.filter(programme=programme)
    if state:
        found = found.filter(state=state)
    return [
        {"id": r.pk, "programme": r.programme, "household": r.household_number, "area": r.area_path.rstrip(".").split(".")[-1],
         "minutes": r.minutes, "state": r.state, "proposed_by": r.proposed_label, "reason": r.reason} for r in found[:limit]
    ]  # fmt: skip


def accepted_households(programme: str) -> Sequence[int]:
    """Return the households that a ministry accepted from proposals for a programme, in order."""
    rows = Proposal.objects.filter(programme=programme, state=Proposal.State.ACCEPTED)
    return list(rows.order_by("household_id").values_list("household_id", flat=True))


def rechecks_of(list_id: int, *, limit: int = 200) -> list[dict[str, Any]]:
    """Return visits to listed households within the scope, newest first."""
    rows = Recheck.objects.filter(list_id=list_id).order_by("-id")[:limit]
    return [
        {"id": r.pk, "unit": r.unit, "household": r.household_number, "visited_on": r.visited_on, "outcome": r.outcome,
         "differs": r.differs, "needs_assessment": r.needs_assessment, "by": r.recorded_label} for r in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class KnownEvent:
    """One disaster as it was notified."""

    id: int
    code: str
    title: str
    programme: str
    agency: str
    notification: str
    areas: Sequence[str]
    starts_on: date
    ends_on: date | None
    has_outline: bool


def list_events() -> list[KnownEvent]:
    """Return disasters, newest first."""
    return [_event(row) for row in DisasterEvent.objects.order_by("-pk")[:200]]


def get_event(code: str) -> KnownEvent:
    """Return one disaster by its code.

    Raises:
        EventUnknown: There is none.
    """
    row = DisasterEvent.objects.filter(code=code).first()
    if row is None:
        raise EventUnknown(f"No disaster was notified as {code}. `khana disaster list` shows them.", event=code)
    return _event(row)


def _event(row: DisasterEvent) -> KnownEvent:
    return KnownEvent(
        row.pk, row.code, row.title, row.programme, row.agency, row.notification, tuple(row.areas), row.starts_on, row.ends_on,
        bool(row.outline),
    )  # fmt: skip
