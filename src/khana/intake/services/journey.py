"""Move submissions from state to state, each move with its stamp; settle what waits.

A step claims rows of one state under lock, so that two workers never take the same ones, and moves them in the transaction
that did the step's work: after a kill the journey goes on where the last committed stamp stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.intake.draft import Note, notes_json, read_notes
from khana.intake.models import Stamp, Submission
from khana.intake.reasons import RETURN, reasons
from khana.intake.selectors import get_submission_row
from khana.intake.services import second_person
from khana.intake.services.receive import ask_for_journey
from khana.platform import bulk
from khana_methods.errors import Conflict, InputError

State = Submission.State


class SubmissionMoved(Conflict):
    """The submission is no longer in a state from which this is possible."""

    code: ClassVar[str] = "intake.submission.moved"


class ReasonUnknown(InputError):
    """There is no such reason, or it does not stop this submission."""

    code: ClassVar[str] = "intake.reason.unknown"


def open_journey() -> str:
    """Return a token of the journey itself; only the worker process may, for who sends or works submissions off."""
    return str(access.call("intake_open_journey")[0][0])


@dataclass
class Move:
    """Where one submission goes, and what else is then known of it."""

    row: Submission
    to: str
    reasons: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    changes: Mapping[str, Any] = field(default_factory=dict)


def claim(state: str, *, most: int, after: int = 0) -> list[Submission]:
    """Lock and return submissions of one state, oldest first; what another worker holds is passed over."""
    found = Submission.objects.select_for_update(of=("self",), skip_locked=True).filter(state=state, id__gt=after)
    return list(found.select_related("form_version__form").order_by("id")[:most])


def move(moves: Sequence[Move], *, at: datetime) -> None:
    """Move submissions and stamp them; what is not allowed from where one stands is refused."""
    me = who.me()
    label, actor = (me.username, me.id) if me else ("", access.actor_id())
    for one in moves:
        before = State(one.row.state)
        if State(one.to) not in Submission.TRANSITIONS[before]:
            raise SubmissionMoved(
                f"A submission that is {before.lower()} cannot become {one.to.lower()}.", id=one.row.pk
            )
        one.row.findings = _merged(one.row.findings, one.notes)
        one.row.state, one.row.state_at, one.row.reasons = one.to, at, one.reasons
        for name, value in one.changes.items():
            setattr(one.row, name, value)
    cursor = bulk.raw_cursor()
    cursor.execute(_UPDATE, {"at": at, **{name: [value(one.row) for one in moves] for name, value in _COLUMNS.items()}})
    Stamp.objects.bulk_create(
        [
            Stamp(submission=one.row, actor_id=actor, actor_label=label, state=one.to, reasons=one.reasons, at=at)
            for one in moves
        ]
    )


_COLUMNS: dict[str, Callable[[Submission], Any]] = {
    "id": lambda row: row.pk,
    "state": lambda row: str(row.state),
    "reasons": lambda row: json.dumps(row.reasons),
    "findings": lambda row: json.dumps(row.findings),
    "accepted": lambda row: json.dumps(row.accepted),
    "area_path": lambda row: row.area_path,
    "household": lambda row: row.household_id,
    "entity": lambda row: row.entity_uuid,
    "form_version": lambda row: row.form_version_id,
}
_UPDATE = """UPDATE intake_submission s SET state = v.state, state_at = %(at)s, reasons = v.reasons::jsonb,
       findings = v.findings::jsonb, accepted = v.accepted::jsonb, area_path = v.area_path, household_id = v.household,
       entity_uuid = v.entity, form_version_id = v.form_version
FROM unnest(%(id)s::bigint[], %(state)s::text[], %(reasons)s::text[], %(findings)s::text[], %(accepted)s::text[],
            %(area_path)s::text[], %(household)s::bigint[], %(entity)s::uuid[], %(form_version)s::bigint[])
     AS v (id, state, reasons, findings, accepted, area_path, household, entity, form_version)
WHERE s.id = v.id"""


def _merged(rows: list[dict[str, Any]], notes: Sequence[Note]) -> list[dict[str, Any]]:
    return notes_json(list(dict.fromkeys([*read_notes(rows), *notes])))


# --- settled by people ----------------------------------------------------------------------------------------------


@transaction.atomic
def accept(*, number: int, codes: Sequence[str], at: datetime) -> Submission:
    """Set aside reasons for which a submission waits; it goes on from the start of its journey.

    Raises:
        ReasonUnknown: It does not wait for this reason.
        SubmissionMoved: It does not wait.
        OwnForm: Its effect needs a second person, and the actor sent it.
    """
    access.require("submissions.process")
    row = _locked(number, {State.WAITING})
    if not codes or not set(codes) <= set(row.reasons):
        raise ReasonUnknown("The submission does not wait for this reason.", reasons=row.reasons)
    if second_person.CROSSES in codes:
        second_person.confirm(row, at=at)
    accepted = list(dict.fromkeys([*row.accepted, *(code for code in codes if code != second_person.CROSSES)]))
    move([Move(row, State.RECEIVED.value, changes={"accepted": accepted})], at=at)
    audit.record(
        action="intake.submission.accepted", subject=f"submission:{row.pk}", details={"reasons": list(codes)}, at=at
    )
    ask_for_journey(at=at)
    return row


@transaction.atomic
def send_back(*, number: int, code: str = "STEWARD_RETURNED", at: datetime) -> Submission:
    """Return a submission that waits to its sender.

    Raises:
        ReasonUnknown: There is no such reason to return it.
        SubmissionMoved: It does not wait.
    """
    access.require("submissions.process")
    if code not in reasons() or reasons()[code].effect != RETURN:
        raise ReasonUnknown("There is no such reason to return a submission.", reason=code)
    row = _locked(number, {State.WAITING})
    move([Move(row, State.RETURNED.value, reasons=[code])], at=at)
    audit.record(action="intake.submission.returned", subject=f"submission:{row.pk}", details={"reason": code}, at=at)
    return row


@transaction.atomic
def try_again(*, number: int, at: datetime) -> Submission:
    """Let a submission that waits or was returned go its way once more: the form was registered, the area loaded.

    Raises:
        SubmissionMoved: It neither waits nor was returned, or its answers cannot be read.
    """
    access.require("submissions.process")
    row = _locked(number, {State.WAITING, State.RETURNED})
    if "XML_UNREADABLE" in row.reasons:
        raise SubmissionMoved("The answers of this submission cannot be read: it has to be sent again.", id=row.pk)
    move([Move(row, State.RECEIVED.value)], at=at)
    audit.record(action="intake.submission.tried_again", subject=f"submission:{row.pk}", at=at)
    ask_for_journey(at=at)
    return row


def _locked(number: int, states: set[State]) -> Submission:
    get_submission_row(number)  # a clear answer where it is out of scope
    row = Submission.objects.select_for_update(of=("self",)).get(pk=number)
    if State(row.state) not in states:
        raise SubmissionMoved(f"The submission is {row.state.lower()}: this is not possible now.", id=number)
    return row
