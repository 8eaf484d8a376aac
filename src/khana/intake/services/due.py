"""Keep who is due, area by area, and what came of calling a due family: an appointment, a number of today, or no answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import pyarrow as pa
from django.db import transaction

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.intake.models import Invitation, QueueToken
from khana.intake.services import queue
from khana.intake.services.centres import get_point
from khana.platform import bulk
from khana.registry import files as registry
from khana.registry import known
from khana_methods.errors import InputError, NotFound

REASSESSMENT = "REASSESSMENT"
KIND = "find_due"
# One row per household that is due: its row in the registry, the facts that are too old, their day, until when they were good.
due_visit_frame = pa.schema(
    [
        ("household_id", pa.int64()),
        ("area_path", pa.string()),
        ("facts", pa.string()),
        ("stated_on", pa.date32()),
        ("best_before", pa.date32()),
    ]
)
_STAGING = (
    ("household_id", "bigint"),
    ("area_path", "text"),
    ("facts", "text"),
    ("stated_on", "date"),
    ("best_before", "date"),
)
_PUT = """INSERT INTO intake_duevisit (household_id, area_path, facts, stated_on, best_before, reckoned_at)
SELECT household_id, area_path, facts, stated_on, best_before, %s FROM due_found
ON CONFLICT (household_id) DO UPDATE SET area_path = excluded.area_path, facts = excluded.facts, stated_on = excluded.stated_on,
    best_before = excluded.best_before, reckoned_at = excluded.reckoned_at"""
_DROP = """DELETE FROM intake_duevisit d WHERE d.area_path ^@ %s AND NOT EXISTS (
    SELECT FROM due_found f WHERE f.household_id = d.household_id)"""


class FamilyUnknown(NotFound):
    """No household of that number lies within the caller's area."""

    code: ClassVar[str] = "intake.due.family_unknown"


class CallUnreadable(InputError):
    """What came of a call is on no list, or an appointment has no hour."""

    code: ClassVar[str] = "intake.due.call_unreadable"


@transaction.atomic
def keep(*, area_path: str, rows: pa.Table, at: datetime) -> int:
    """Put what a reckoning found in the place of what stood there for one area; return how many are due.

    Args:
        area_path: The area that was reckoned, with everything below it.
        rows: In the columns of `due_visit_frame`; every household that is due there.
        at: When it was reckoned.
    """
    access.require("centres.manage")
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "due_found", _STAGING)
    bulk.copy_in(cursor, "due_found", rows.cast(due_visit_frame))
    cursor.execute(_PUT, [at])
    cursor.execute(_DROP, [area_path])
    audit.record(action="intake.due.reckoned", subject=f"area:{area_path}", details={"due": rows.num_rows}, at=at)
    return int(rows.num_rows)


@transaction.atomic
def call(*, point: str, household: str, outcome: str, slot: datetime | None = None, at: datetime) -> Invitation:
    """Write down that a due family was called, and book its appointment where it comes.

    Args:
        point: Code of the centre, van or camp that calls.
        household: The number on the family's slip.
        outcome: COMING, NO_ANSWER, REFUSED or MOVED_AWAY.
        slot: Day and hour of the appointment; needed for COMING, refused for the others.
        at: When.

    Raises:
        FamilyUnknown: No such household lies within the caller's area.
        CallUnreadable: The outcome is on no list, or does not go with an hour.
    """
    access.require("centres.serve")
    wanted = {one.value for one in Invitation.Outcome} - {Invitation.Outcome.HERE.value}
    if outcome not in wanted:
        raise CallUnreadable(f"Say what came of the call: {', '.join(sorted(wanted))}.", given=outcome)
    if (outcome == Invitation.Outcome.COMING) != (slot is not None):
        raise CallUnreadable("A family that comes has a day and an hour, and only such a family.")
    household_id = _household(household)
    booked = (
        queue.book(point=point, slot=slot, purpose=REASSESSMENT, household_id=household_id, at=at) if slot else None
    )
    return _write(point, household_id, outcome, booked.pk if booked else None, at)


@transaction.atomic
def is_here(*, point: str, household: str, priority: str = "", day: date, at: datetime) -> QueueToken:
    """Give a due family that has come the next number of the day; the desk that calls it opens its form.

    Raises:
        FamilyUnknown: No such household lies within the caller's area.
    """
    access.require("centres.serve")
    household_id = _household(household)
    token = queue.take_token(
        point=point, purpose=REASSESSMENT, priority=priority, day=day, household_id=household_id, at=at
    )
    _write(point, household_id, Invitation.Outcome.HERE, None, at)
    return token


def _household(number: str) -> int:
    found = registry.household_id_of(number)
    if found is None:
        raise FamilyUnknown("No household within your area has this number.")
    return found


def _write(point: str, household_id: int, outcome: str, appointment: int | None, at: datetime) -> Invitation:
    me, where = who.me(), get_point(point)
    home = known.households([household_id])[household_id]
    row = Invitation.objects.create(
        household_id=household_id, point=where, area_path=home.area_path, outcome=outcome, appointment_id=appointment,
        actor_id=access.actor_id(), actor_label=me.username if me else "", made_at=at,
    )  # fmt: skip
    details = {"point": where.code, "outcome": str(outcome)}
    audit.record(action="intake.due.called", subject=f"household:{household_id}", details=details, at=at)
    return row
