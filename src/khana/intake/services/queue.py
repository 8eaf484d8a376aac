"""The queue of a day: take a number, be called, be served. Disabled, pregnant and elderly visitors go first.

Two desks that call at the same moment never get the same visitor: the row is locked and passed over. Who has waited longer
than the patience of `centres.yaml`, or has an appointment that is due, counts as if she went first: nobody waits for ever.
"""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.intake.centre_words import centre_words, known
from khana.intake.draft import rules_of
from khana.intake.models import Appointment, DeskSession, QueueToken, RegistrationPoint
from khana.intake.services.centres import get_point
from khana.platform import bulk, installation, keys
from khana_methods.errors import Conflict, InputError, NotFound

State = QueueToken.State
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class TokenUnknown(NotFound):
    """No visit of that number stands in the queue of that day."""

    code: ClassVar[str] = "intake.queue.unknown"


class TokenMoved(Conflict):
    """The visit is no longer in a state from which this is possible."""

    code: ClassVar[str] = "intake.queue.moved"


class DeskClosed(Conflict):
    """Who calls has no open desk at this point."""

    code: ClassVar[str] = "intake.queue.desk_closed"


class NumberUnreadable(InputError):
    """What was scanned or typed is no personal number of this country."""

    code: ClassVar[str] = "intake.queue.number_unreadable"


def visitor_token(number: str) -> bytes | None:
    """Return the token of a number that a visitor shows; nothing where she shows none.

    Raises:
        NumberUnreadable: It is no number of this country.
    """
    if not number.strip():
        return None
    found = rules_of(installation.read().get("country", "pak")).standardise(number)
    if found is None or found.state != "OK":
        raise NumberUnreadable("That is no personal number of this country. Leave it empty or type it again.")
    return keys.token(found.scheme, found.canonical)


@transaction.atomic
def take_token(
    *, point: str, purpose: str, priority: str = "", number: str = "", day: date, appointment: Appointment | None = None,
    household_id: int | None = None, at: datetime,
) -> QueueToken:  # fmt: skip
    """Give a visitor the next number of the day.

    Args:
        point: Code of the centre, van or camp.
        purpose: What she comes for, of `centres.yaml`.
        priority: Why she goes first, or nothing.
        number: What her card says; only its token is kept.
        day: The day of the queue.
        appointment: Where she had one.
        household_id: Of the family, where it was called because it is due.
        at: Now.

    Raises:
        CodeUnknown: Purpose or priority is on no list.
        NumberUnreadable: The number is none.
    """
    access.require("centres.serve")
    words = centre_words()
    known(purpose, words.purposes)
    known(priority, words.priorities, may_be_empty=True)
    token = visitor_token(number)
    where = get_point(point)
    # one number after the other: the point's row is the lock of its day
    RegistrationPoint.objects.select_for_update(of=("self",), no_key=True).get(pk=where.pk)
    last = (
        QueueToken.objects.filter(point=where, day=day).order_by("-number").values_list("number", flat=True).first()
        or 0
    )
    row = QueueToken.objects.create(
        point=where, area_path=where.area_path, day=day, number=last + 1, purpose=purpose, priority=priority, appointment=appointment,
        visitor_token=token or (appointment.visitor_token if appointment else None), actor_id=access.actor_id(), taken_at=at,
        household_id=household_id or (appointment.household_id if appointment else None),
    )  # fmt: skip
    details = {"point": where.code, "number": row.number, "priority": bool(priority)}
    audit.record(action="intake.token.taken", subject=f"token:{row.pk}", details=details, at=at)
    return row


@transaction.atomic
def book(
    *, point: str, slot: datetime, purpose: str, priority: str = "", number: str = "", household_id: int | None = None, at: datetime
) -> Appointment:  # fmt: skip
    """Book an appointment; its reference is printed on the slip. `household_id` says which due family was called.

    Raises:
        TokenMoved: The hour is full: as many are booked as the point has desks for each quarter.
    """
    access.require("centres.serve")
    words = centre_words()
    known(purpose, words.purposes)
    known(priority, words.priorities, may_be_empty=True)
    where = get_point(point)
    if slot <= at:
        raise TokenMoved("That hour has passed. Choose a later one.")
    RegistrationPoint.objects.select_for_update(of=("self",), no_key=True).get(pk=where.pk)
    begins = slot.replace(minute=slot.minute - slot.minute % 15, second=0, microsecond=0)
    taken = Appointment.objects.filter(
        point=where, slot__gte=begins, slot__lt=begins + timedelta(minutes=15), state=Appointment.State.BOOKED
    ).count()
    if taken >= where.desks:
        raise TokenMoved("This quarter of an hour is full. Choose another one.", booked=taken)
    row = Appointment.objects.create(
        point=where, area_path=where.area_path, slot=slot, purpose=purpose, priority=priority, visitor_token=visitor_token(number),
        reference="".join(secrets.choice(_ALPHABET) for _ in range(8)), household_id=household_id, actor_id=access.actor_id(), booked_at=at,
    )  # fmt: skip
    audit.record(
        action="intake.appointment.booked", subject=f"appointment:{row.pk}", details={"point": where.code}, at=at
    )
    return row


@transaction.atomic
def arrive(*, reference: str, day: date, at: datetime) -> QueueToken:
    """Turn an appointment into a place in today's queue.

    Raises:
        TokenUnknown: There is no such appointment.
        TokenMoved: It was used, cancelled, or is for another day.
    """
    access.require("centres.serve")
    row = (
        Appointment.objects.select_for_update(of=("self",))
        .select_related("point")
        .filter(reference=reference.strip().upper())
        .first()
    )
    if row is None:
        raise TokenUnknown("There is no appointment of this reference in your area.")
    if row.state != Appointment.State.BOOKED or row.slot.astimezone(UTC).date() != day:
        raise TokenMoved("This appointment is for another day, or was used or cancelled.", state=row.state)
    row.state = Appointment.State.ARRIVED
    row.save(update_fields=["state"])
    return take_token(point=row.point.code, purpose=row.purpose, priority=row.priority, day=day, appointment=row, at=at)


@transaction.atomic
def cancel_appointment(*, reference: str, at: datetime) -> None:
    """Cancel an appointment that was not used."""
    access.require("centres.serve")
    open_one = Appointment.objects.filter(reference=reference.strip().upper(), state=Appointment.State.BOOKED)
    if not open_one.update(state=Appointment.State.CANCELLED):
        raise TokenUnknown("There is no open appointment of this reference in your area.")
    audit.record(action="intake.appointment.cancelled", subject="appointment:one", at=at)


_NEXT = """SELECT t.id FROM intake_queuetoken t LEFT JOIN intake_appointment a ON a.id = t.appointment_id
WHERE t.point_id = %(point)s AND t.day = %(day)s AND t.state = 'WAITING'
ORDER BY (t.priority <> '' OR t.taken_at <= %(patience)s OR (a.slot IS NOT NULL AND a.slot <= %(early)s)) DESC,
         coalesce(least(a.slot, t.taken_at), t.taken_at), t.number
LIMIT 1 FOR UPDATE OF t SKIP LOCKED"""


@transaction.atomic
def call_next(*, point: str, day: date, at: datetime) -> QueueToken | None:
    """Call the next visitor to the actor's open desk; nothing where nobody waits.

    A visitor who is still at the desk is taken to be served, so that no time is lost between two.

    Raises:
        DeskClosed: The actor has no open desk here.
    """
    access.require("centres.serve")
    where = get_point(point)
    session = DeskSession.objects.filter(point=where, actor_id=access.actor_id(), closed_at__isnull=True).first()
    if session is None:
        raise DeskClosed("Open a desk first.", point=point)
    QueueToken.objects.filter(session=session, state=State.CALLED).update(state=State.SERVED, done_at=at)
    words = centre_words()
    values: dict[str, Any] = {
        "point": where.pk, "day": day, "patience": at - timedelta(minutes=words.patience_minutes),
        "early": at + timedelta(minutes=words.early_minutes),
    }  # fmt: skip
    found = bulk.raw_cursor().execute(_NEXT, values).fetchone()
    if found is None:
        return None
    QueueToken.objects.filter(pk=found[0]).update(state=State.CALLED, session=session, called_at=at)
    audit.record(action="intake.token.called", subject=f"token:{found[0]}", details={"desk": session.desk}, at=at)
    return QueueToken.objects.select_related("session").get(pk=found[0])


_ENDS = {
    State.SERVED: {State.CALLED},
    State.MISSED: {State.CALLED},
    State.LEFT: {State.WAITING, State.CALLED},
    State.WAITING: {State.MISSED, State.CALLED},
}


@transaction.atomic
def finish(*, token: int, state: str, outcome: str = "", at: datetime) -> QueueToken:
    """End a visit as SERVED with its outcome, MISSED or LEFT; or put one who was missed back (WAITING).

    Raises:
        TokenUnknown: No such visit within the scope.
        TokenMoved: This is not possible from where it stands.
        CodeUnknown: The outcome is on no list.
    """
    access.require("centres.serve")
    known(outcome, centre_words().outcomes, may_be_empty=True)
    row = QueueToken.objects.select_for_update(of=("self",)).filter(pk=token).first()
    if row is None:
        raise TokenUnknown("There is no such visit in your area.", token=token)
    if state not in State.values or State(row.state) not in _ENDS.get(State(state), set()):
        raise TokenMoved(f"A visit that is {row.state.lower()} cannot become {state.lower()}.", token=token)
    row.state, row.outcome = state, outcome
    row.done_at = None if state == State.WAITING else at
    row.save(update_fields=["state", "outcome", "done_at"])
    audit.record(
        action="intake.token.ended", subject=f"token:{token}", details={"state": state, "outcome": outcome}, at=at
    )
    return row
