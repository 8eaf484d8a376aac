"""Move one enrolment by hand: select, notify, enrol, suspend, lift, exit, let back in; record a graduation.

The database holds every move to the table of transitions (`sql/states.sql`); a reason is one of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Enrolment, Graduation
from khana.beneficiaries.moves import (
    EXIT_REASONS,
    HUMAN,
    SUSPENSION_REASONS,
    MoveRefused,
    NothingThere,
    held_by_the_database,
    require_reason,
)
from khana.programmes import names as programmes
from khana_methods.errors import InputError

_REASONED = {"EXITED": EXIT_REASONS, "SUSPENDED": SUSPENSION_REASONS}
FOLLOW_UPS = ("HOLDS", "FALLEN_BACK", "NOT_FOUND")


class ProgrammeUnknown(InputError):
    """The catalogue has no programme of that code."""

    code: ClassVar[str] = "beneficiaries.programme.unknown"


def get(enrolment_id: int) -> Enrolment:
    """Return one enrolment within the scope.

    Raises:
        NothingThere: There is none.
    """
    found = Enrolment.objects.filter(pk=enrolment_id).first()
    if found is None:
        raise NothingThere("There is no such enrolment within your agency and area.", enrolment=enrolment_id)
    return found


def identify(
    *,
    programme: str,
    id_token: bytes,
    person_id: int | None = None,
    household_number: str = "",
    area_path: str = "",
    state: str = "IDENTIFIED",
    at: datetime,
) -> int:
    """Begin an enrolment, or a re-entry of one that has ended; return its number.

    Args:
        programme: Code of the catalogue.
        id_token: Token of the person's number.
        person_id: Her file, where she has one.
        household_number: Her household's, where known.
        area_path: Where she lives.
        state: IDENTIFIED, or SELECTED or WAITLISTED by a list that was approved.
        at: When.

    Raises:
        MoveRefused: She is on it already, or may not come back yet.
    """
    access.require("benefits.write")
    known = programmes.catalogue().get(programme)
    if known is None:
        raise ProgrammeUnknown(f"The catalogue has no programme '{programme}'.", programme=programme)
    there = Enrolment.objects.filter(programme=programme, id_token=id_token).first()
    if there is not None:
        move(enrolment_id=there.pk, to="IDENTIFIED", at=at)
        if state != "IDENTIFIED":
            move(enrolment_id=there.pk, to=state, at=at)
        return int(there.pk)
    with held_by_the_database():
        made = Enrolment.objects.create(
            programme=programme, agency=known.agency, area_path=area_path, id_token=id_token, person_id=person_id,
            household_number=household_number, state=state, state_at=at, changed_by=HUMAN, actor_id=access.actor_id(),
            created_at=at,
        )  # fmt: skip
        audit.record(action="beneficiaries.enrolment.begun", subject=f"enrolment:{made.pk}",
                     details={"programme": programme, "state": state}, at=at)  # fmt: skip
    return int(made.pk)


def move(
    *, enrolment_id: int, to: str, reason: str = "", note: str = "", reentry_from: date | None = None, at: datetime
) -> None:
    """Move one enrolment by hand.

    Args:
        enrolment_id: Which.
        to: The state.
        reason: Of an exit or suspension: one of the vocabulary.
        note: Why, in words without any personal value.
        reentry_from: Of an exit or graduation: the day before which nobody comes back.
        at: When.

    Raises:
        MoveRefused: There is no such move, or it is too early to come back.
        ReasonUnknown: The reason is none.
        NothingThere: It lies outside the scope.
    """
    access.require("benefits.write")
    if to in _REASONED:
        require_reason(reason, _REASONED[to])
    found = get(enrolment_id)
    if found.state == to:
        raise MoveRefused(f"It is {to} already.", what=to)
    changes: dict[str, Any] = {"state": to, "state_at": at, "changed_by": HUMAN, "actor_id": access.actor_id(),
                               "reason": reason, "note": note[:500]}  # fmt: skip
    if to in ("EXITED", "GRADUATED"):
        changes["reentry_from"] = reentry_from
    if to == "ENROLLED" and found.enrolled_date is None:
        changes["enrolled_date"] = at.date()
    with held_by_the_database():
        Enrolment.objects.filter(pk=enrolment_id).update(**changes)
        audit.record(
            action="beneficiaries.enrolment.moved", subject=f"enrolment:{enrolment_id}",
            details={"programme": found.programme, "from": found.state, "to": to, "reason": reason}, at=at,
        )  # fmt: skip


def choose(*, enrolment_id: int, is_chosen: bool = True, at: datetime) -> None:
    """Record which benefit a person says she keeps, should a rule between programmes ask."""
    access.require("benefits.write")
    found = get(enrolment_id)
    Enrolment.objects.filter(pk=enrolment_id).update(is_chosen=is_chosen)
    audit.record(action="beneficiaries.enrolment.chosen", subject=f"enrolment:{enrolment_id}",
                 details={"programme": found.programme, "chosen": is_chosen}, at=at)  # fmt: skip


def graduate(
    *,
    enrolment_id: int,
    criteria: str,
    assessment: Mapping[str, Any],
    is_met: bool,
    assessed_date: date,
    reentry_after_months: int,
    follow_up_after_months: int = 12,
    at: datetime,
) -> int:
    """Record an assessment against the criteria of leaving for good; where they are met, she graduates.

    Args:
        enrolment_id: Whose.
        criteria: What she was held against, with its source.
        assessment: What was found, by name of the criterion.
        is_met: Whether the criteria are met.
        assessed_date: Day of the assessment.
        reentry_after_months: After how many months she may come back, should she fall back.
        follow_up_after_months: When somebody looks again.
        at: When.

    Returns:
        The number of the record.

    Raises:
        MoveRefused: She is not on the programme.
    """
    access.require("benefits.write")
    if not criteria.strip() or reentry_after_months < 0 or follow_up_after_months < 1:
        raise InputError("A graduation names its criteria, months until re-entry and months until follow-up.")
    found = get(enrolment_id)
    back = add_months(assessed_date, reentry_after_months) if is_met else None
    with held_by_the_database():
        made = Graduation.objects.create(
            enrolment_id=enrolment_id, programme=found.programme, agency=found.agency, area_path=found.area_path,
            criteria=criteria[:2000], assessment=dict(assessment), is_met=is_met, assessed_date=assessed_date, reentry_from=back,
            follow_up_date=add_months(assessed_date, follow_up_after_months) if is_met else None, actor_id=access.actor_id(),
            recorded_at=at,
        )  # fmt: skip
        audit.record(action="beneficiaries.graduation.assessed", subject=f"enrolment:{enrolment_id}",
                     details={"met": is_met, "graduation": made.pk}, at=at)  # fmt: skip
        if is_met:
            move(enrolment_id=enrolment_id, to="GRADUATED", reason="GRADUATED", reentry_from=back, at=at)
    return int(made.pk)


def follow_up(*, graduation_id: int, result: str, at: datetime) -> None:
    """Record what a follow-up of a graduate found: HOLDS, FALLEN_BACK or NOT_FOUND."""
    access.require("benefits.write")
    require_reason(result, FOLLOW_UPS)
    changed = Graduation.objects.filter(pk=graduation_id).update(follow_up_result=result, followed_up_at=at)
    if not changed:
        raise NothingThere("There is no such graduation within your agency and area.", graduation=graduation_id)
    audit.record(action="beneficiaries.graduation.followed_up", subject=f"graduation:{graduation_id}",
                 details={"result": result}, at=at)  # fmt: skip


def add_months(day: date, months: int) -> date:
    """Return the day so many months later; the last of a shorter month where there is no such day.

    Examples:
        >>> add_months(date(2026, 11, 30), 3)
        datetime.date(2027, 2, 28)
    """
    import calendar

    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
