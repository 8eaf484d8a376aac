"""Reads of enrolments, graduations, trials, stops and decisions to look at again, for people; all in scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Q

from khana.beneficiaries.models import Enrolment, Graduation, Reopened, StateChange, Stop, Transition, Trial


@dataclass(frozen=True)
class EnrolmentRow:
    """One enrolment with every move of it, newest last; no number and no token."""

    id: int
    programme: str
    agency: str
    area_path: str
    person_id: int | None
    state: str
    state_at: datetime
    changed_by: str
    reason: str
    note: str
    enrolled_date: date | None
    reentry_from: date | None
    is_chosen: bool
    moves: Sequence[dict[str, Any]] = ()


def transitions(subject: str = "enrolment") -> dict[str, list[str]]:
    """Return the table of transitions: state -> states that it may become; '' is the beginning."""
    found: dict[str, list[str]] = {}
    for row in Transition.objects.filter(subject=subject).order_by("id"):
        found.setdefault(row.state_from, []).append(row.state_to)
    return found


def enrolments_of(tokens: Sequence[bytes], *, person_ids: Sequence[int] = ()) -> list[EnrolmentRow]:
    """Return the enrolments of whoever holds one of the numbers or has one of the files, with their moves."""
    wanted = Q(id_token__in=list(tokens)) | Q(person_id__in=list(person_ids))
    rows = list(Enrolment.objects.filter(wanted).order_by("programme", "id")[:100])
    moves = _moves("enrolment", [row.pk for row in rows])
    return [_enrolment(row, moves.get(row.pk, ())) for row in rows]


def list_enrolments(
    *, programme: str = "", state: str = "", reason: str = "", after: int = 0, limit: int = 50
) -> list[EnrolmentRow]:
    """Return one page of enrolments in the order of their numbers."""
    found = Enrolment.objects.filter(pk__gt=after)
    exact = {"programme": programme, "state": state, "reason": reason}
    found = found.filter(**{name: value for name, value in exact.items() if value})
    return [_enrolment(row, ()) for row in found.order_by("pk")[:limit]]


def count_enrolments(programmes: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return how many enrolments of each programme are in each state."""
    found = Enrolment.objects.all() if programmes is None else Enrolment.objects.filter(programme__in=list(programmes))
    return [
        dict(row)
        for row in found.values("programme", "state").annotate(persons=Count("pk")).order_by("programme", "state")
    ]


def _moves(subject: str, ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in StateChange.objects.filter(subject=subject, subject_id__in=list(ids)).order_by("subject_id", "id"):
        found.setdefault(row.subject_id, []).append({
            "from": row.state_from, "to": row.state_to, "at": row.state_at, "by": row.changed_by, "reason": row.reason,
            "note": row.note,
        })  # fmt: skip
    return found


def _enrolment(row: Enrolment, moves: Sequence[dict[str, Any]]) -> EnrolmentRow:
    return EnrolmentRow(
        row.pk, row.programme, row.agency, row.area_path, row.person_id, row.state, row.state_at, row.changed_by, row.reason,
        row.note, row.enrolled_date, row.reentry_from, row.is_chosen, tuple(moves),
    )  # fmt: skip


@dataclass(frozen=True)
class StopRow:
    """One benefit that a trial would stop or has stopped, with every move of it."""

    id: int
    trial_id: int
    recipient_id: int
    person_id: int | None
    household_number: str
    programme: str
    agency: str
    area_path: str
    rule: str
    amount: Any
    poverty: str
    state: str
    state_at: datetime
    note: str
    appeal_until: date | None
    moves: Sequence[dict[str, Any]] = ()


def stops_of_trial(
    trial_id: int, *, state: str = "", agency: str = "", after: int = 0, limit: int = 50
) -> list[StopRow]:
    """Return one page of the stops of a trial within the scope, in the order of their numbers."""
    found = Stop.objects.filter(trial_id=trial_id, pk__gt=after)
    if state:
        found = found.filter(state=state)
    if agency:
        found = found.filter(agency=agency)
    return [_stop(row, ()) for row in found.order_by("pk")[:limit]]


def stops_of(tokens: Sequence[bytes], *, person_ids: Sequence[int] = ()) -> list[StopRow]:
    """Return the stops of whoever holds one of the numbers or has one of the files, once notice was given, with their moves."""
    wanted = Q(id_token__in=list(tokens)) | Q(person_id__in=list(person_ids))
    rows = list(Stop.objects.filter(wanted).exclude(state__in=("PROPOSED", "WITHDRAWN")).order_by("-pk")[:50])
    moves = _moves("stop", [row.pk for row in rows])
    return [_stop(row, moves.get(row.pk, ())) for row in rows]


def stop(stop_id: int) -> StopRow | None:
    """Return one stop within the scope, with its moves."""
    row = Stop.objects.filter(pk=stop_id).first()
    return _stop(row, _moves("stop", [row.pk]).get(row.pk, ())) if row else None


def count_stops(trial_id: int) -> dict[str, int]:
    """Return how many stops of a trial within the scope are in each state."""
    rows = Stop.objects.filter(trial_id=trial_id).values("state").annotate(n=Count("pk")).order_by("state")
    return {row["state"]: row["n"] for row in rows}


def _stop(row: Stop, moves: Sequence[dict[str, Any]]) -> StopRow:
    return StopRow(
        row.pk, row.trial_id, row.recipient_id, row.person_id, row.household_number, row.programme, row.agency, row.area_path,
        row.rule, row.amount, row.poverty, row.state, row.state_at, row.note, row.appeal_until, tuple(moves),
    )  # fmt: skip


def list_trials(*, limit: int = 50) -> list[Trial]:
    """Return trials, the newest first."""
    return list(Trial.objects.order_by("-pk")[:limit])


def trial(trial_id: int) -> Trial | None:
    """Return one trial."""
    return Trial.objects.filter(pk=trial_id).first()


def graduations(*, due_on: date | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Return records of graduation within the scope; where a day is named, those whose follow-up is due by then."""
    found = Graduation.objects.order_by("follow_up_date", "pk")
    if due_on is not None:
        found = found.filter(is_met=True, follow_up_date__lte=due_on, followed_up_at__isnull=True)
    return [
        {
            "graduation": row.pk, "enrolment": row.enrolment_id, "programme": row.programme, "met": row.is_met,
            "criteria": row.criteria, "assessed": row.assessed_date, "follow_up": row.follow_up_date,
            "result": row.follow_up_result, "reentry_from": row.reentry_from,
        }
        for row in found[:limit]
    ]  # fmt: skip


def reopened(*, state: str = "OPEN", after: int = 0, limit: int = 200) -> list[dict[str, Any]]:
    """Return decisions that rested on rows corrected since, within the scope."""
    found = Reopened.objects.filter(state=state, pk__gt=after).order_by("pk")[:limit]
    return [
        {
            "reopened": row.pk, "subject": row.subject, "id": row.subject_id, "programme": row.programme, "source": row.source_code,
            "batch": row.batch_id, "replaces": row.replaced_batch_id, "what": row.what, "state": row.state, "at": row.opened_at,
        }
        for row in found
    ]  # fmt: skip


def count_states(programme: str, states: Sequence[str], *, at_most: int = 10_000) -> dict[str, int]:
    """Return how many enrolments of one programme are in each of some states, up to `at_most` each."""
    found = {}
    for state in states:
        many = Enrolment.objects.filter(programme=programme, state=state).order_by()[:at_most].count()
        if many:
            found[state] = many
    return found


def open_appeals(*, limit: int = 20) -> list[StopRow]:
    """Return appeals that wait for a decision, within the scope, the oldest first."""
    return [_stop(row, ()) for row in Stop.objects.filter(state="APPEALED").order_by("state_at", "pk")[:limit]]
