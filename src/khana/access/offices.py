"""Who holds which office: grants with dates, a second person, trainings and undertakings, broken glass, idle users.

Everything here is a call of one definer function: the database refuses whoever may not, also where this file is passed
by. Passwords and sessions are in `services`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from django.db import transaction

from khana.access.functions import call
from khana.access.roles import catalogue
from khana_methods.errors import InputError

TRIAL = "none: made for a trial, not for real people"
TRIAL_LIFE = timedelta(days=365)
SHORTEST_REASON = 20


class ReasonTooShort(InputError):
    """Glass is broken with a reason that somebody else can judge, not with a word."""

    code: ClassVar[str] = "access.reason.too_short"


class DatesWrong(InputError):
    """Something ends before it begins."""

    code: ClassVar[str] = "access.dates.wrong"


@dataclass(frozen=True)
class Given:
    """A grant just made; `waits` says that it counts only when a second person has confirmed it."""

    grant: int
    waits: bool


@dataclass(frozen=True)
class Clearance:
    """One training or undertaking of one user."""

    id: int
    kind: str
    title: str
    completed_on: date
    expires_on: date
    is_in_force: bool


@dataclass(frozen=True)
class Office:
    """One grant of the actor herself, and what keeps it from counting."""

    id: int
    role: str
    area_path: str
    agency: str
    programme: str
    purpose: str
    valid_from: datetime
    valid_to: datetime | None
    waits: bool
    is_cleared: bool


@dataclass(frozen=True)
class BrokenGlass:
    """What breaking the glass gave: the number of the grant and until when it holds."""

    grant: int
    until: datetime


@transaction.atomic
def give(
    *,
    username: str,
    role: str,
    area_code: str = "",
    agency: str = "",
    programme: str = "",
    purpose: str = "",
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
    at: datetime,
) -> Given:
    """Give a user one more role over an area, an agency, a programme, for a purpose, between two dates.

    Nobody grants to herself. A strong grant (see `roles.yaml`) waits until `confirm` by another person than who gave it.

    Args:
        username: Who gets it.
        role: A role of `roles.yaml`.
        area_code: The area, with everything below it; empty means the whole country.
        agency: The agency; empty means every agency.
        programme: A programme of that agency; the grant then reaches rows that name the programme and nothing else.
        purpose: A purpose of `roles.yaml`; the grant then counts only while she has named it.
        valid_from: Start; now where absent.
        valid_to: End; none where absent.
        at: When it is given.

    Raises:
        RoleUnknown: There is no such role.
        PurposeUnknown: There is no such purpose.
        DatesWrong: It ends before it begins.
        OfficeRefused: She keeps keys and the role shows people, or the other way round.
    """
    catalogue().role(role)
    catalogue().purpose(purpose)
    if valid_to is not None and valid_to <= (valid_from or at):
        raise DatesWrong("The grant would end before it begins.")
    ((number, waits),) = call(
        "access_give", username, role, area_code, agency, programme, purpose, valid_from, valid_to, at
    )
    return Given(int(number), bool(waits))


@transaction.atomic
def confirm(*, grant: int, at: datetime) -> None:
    """Confirm, as the second person, a strong grant that somebody else gave to somebody else."""
    call("access_confirm_grant", grant, at)


@transaction.atomic
def clear(
    *, username: str, kind: str, title: str, completed_on: date, expires_on: date, paper: bytes = b"", at: datetime
) -> int:
    """Record a training that a user finished, or an undertaking that she signed; return its number.

    Args:
        username: Whose; never one's own.
        kind: TRAINING or UNDERTAKING.
        title: The course, or the text that was signed.
        completed_on: When.
        expires_on: The last day on which it counts.
        paper: The signed paper; only its SHA-256 is kept.
        at: When it is recorded.
    """
    if expires_on < completed_on or not title.strip():
        raise DatesWrong("A clearance needs a title, and ends after the day on which it was completed.")
    mark = sha256(paper).hexdigest() if paper else ""
    return int(call("access_clear", username, kind, title.strip(), mark, completed_on, expires_on, at)[0][0])


def clear_for_trial(*, username: str, at: datetime) -> None:
    """Record a training and an undertaking that say that they are none: for trials and tests alone."""
    today = at.date()
    for kind in ("TRAINING", "UNDERTAKING"):
        call("access_clear", username, kind, TRIAL, "", today - timedelta(days=1), today + TRIAL_LIFE, at)


@transaction.atomic
def withdraw_clearance(*, clearance: int, at: datetime) -> None:
    """End a training or undertaking now; the names are locked from the next statement on."""
    call("access_withdraw_clearance", clearance, at)


def clearances(username: str = "") -> list[Clearance]:
    """Return the trainings and undertakings of a user, the longest first; one's own where no name is given."""
    return [Clearance(*row) for row in call("access_clearances", username)]


def my_offices() -> list[Office]:
    """Return every grant of the actor that has not ended, also those that do not count yet."""
    return [Office(*row) for row in call("access_my_office")]


@transaction.atomic
def break_glass(*, area_code: str, reason: str, hours: int = 4, at: datetime) -> BrokenGlass:
    """Read one area for some hours in an emergency; a data-protection officer gets an alarm in the same transaction.

    Args:
        area_code: The area; never the whole country.
        reason: What happened, so that somebody else can judge it; no name or number of a person.
        hours: One to four.
        at: When.

    Raises:
        ReasonTooShort: Fewer than twenty characters.
        OfficeRefused: Three times in thirty days already, or no training or undertaking in force.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise ReasonTooShort(f"Say what happened, in at least {SHORTEST_REASON} characters.")
    ((number, until),) = call("access_break_glass", area_code, reason, hours, at)
    return BrokenGlass(int(number), until)


def close_idle() -> int:
    """Close staff who have not signed in for ninety days; return how many. The worker does it every hour."""
    return int(call("access_close_idle")[0][0])


def watch(zone: str = "UTC") -> int:
    """Look through the log of the last day for unusual reading; return how many new alarms were raised.

    Args:
        zone: Time zone of the offices, for reading at night.
    """
    return int(call("access_watch", zone)[0][0])


@transaction.atomic
def close_alarm(*, alarm: int, outcome: str, finding: str, at: datetime) -> None:
    """Close an alarm with what was found; not by whom it is about.

    Args:
        alarm: Its number.
        outcome: EXPLAINED, MISUSE or BREACH.
        finding: What was found, at least ten characters; no name or number of a person.
        at: When.
    """
    call("access_close_alarm", alarm, outcome, finding, at)


def alarm_rows(*, is_open: bool | None = True) -> list[Mapping[str, Any]]:
    """Return alarms, newest first, open or closed or all; needs `alarms.read` for the whole country."""
    from khana.access.models import Alarm

    rows = Alarm.objects.order_by("-id")
    if is_open is not None:
        rows = rows.filter(closed_at__isnull=is_open)
    names = ("id", "kind", "user_id", "raised_at", "due_at", "details", "closed_at", "outcome", "finding")
    return list(rows.values(*names)[:500])
