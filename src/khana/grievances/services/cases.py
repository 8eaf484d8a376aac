"""Lodge what a person says is wrong in her file, and answer it; needs `cases.answer` where she lives.

A case about one thing is open once. It is answered with one of three outcomes; what is corrected is corrected where it
stands (registry, scores, lists), not here.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import IntegrityError, transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.grievances import deadlines
from khana.grievances.models import Case
from khana.registry import files
from khana_methods.errors import Conflict, InputError, NotFound


class CaseUnknown(NotFound):
    """There is no such case within the scope."""

    code: ClassVar[str] = "grievances.case.unknown"


class CaseWrong(InputError):
    """What is wrong, or what became of it, is none of the words there are."""

    code: ClassVar[str] = "grievances.case.wrong"


class CaseStands(Conflict):
    """A case about the same thing is open, or this one was answered before."""

    code: ClassVar[str] = "grievances.case.stands"


@transaction.atomic
def lodge(*, person: int, about: str, at: datetime) -> int:
    """Lodge a case for a person at a desk; return its number.

    Raises:
        CaseWrong: There is no such thing that may be wrong.
        CaseStands: She has said so already, and nobody has answered yet.
        CaseUnknown: There is no such person within the scope.
    """
    access.require("cases.answer")
    if about not in Case.About.values:
        raise CaseWrong(f"What may be wrong is one of: {', '.join(Case.About.values)}.")
    held = files.current_file(person)
    area = files.area_of_person(held)
    if area is None:
        raise CaseUnknown("There is no such person in your area.", person=person)
    try:
        with transaction.atomic():
            made = Case.objects.create(
                person_id=held, area_path=area, about=about, lodged_by="OFFICER", lodged_at=at,
                due_on=deadlines.due_on(at.date()),
            )  # fmt: skip
    except IntegrityError as error:
        raise CaseStands("A case about the same thing is open already.", person=person) from error
    audit.record(action="grievances.case_lodged", subject=f"person:{held}", details={"case": made.pk, "about": about}, at=at)  # fmt: skip
    return int(made.pk)


@transaction.atomic
def answer(*, case: int, outcome: str, note: str = "", at: datetime) -> None:
    """Answer an open case; she reads the outcome in her file.

    Args:
        case: Its number.
        outcome: CORRECTED, NOT_WRONG or COME_TO_OFFICE.
        note: For officers; no name and no number of a person.
        at: When.

    Raises:
        CaseWrong: There is no such outcome.
        CaseUnknown: There is no such case within the scope.
        CaseStands: It was answered before.
    """
    access.require("cases.answer")
    if outcome not in Case.Outcome.values:
        raise CaseWrong(f"An outcome is one of: {', '.join(Case.Outcome.values)}.")
    found = Case.objects.select_for_update(of=("self",)).filter(pk=case).first()
    if found is None:
        raise CaseUnknown("There is no such case in your area.", case=case)
    if found.state != Case.State.OPEN:
        raise CaseStands("This case was answered before.", case=case)
    changed = Case.objects.filter(pk=case).update(
        state=Case.State.ANSWERED, outcome=outcome, note=note[:500], answered_by=access.actor_id(), answered_at=at
    )
    if not changed:
        raise CaseUnknown("There is no such case in your area.", case=case)
    audit.record(action="grievances.case_answered", subject=f"person:{found.person_id}",
                 details={"case": case, "about": found.about, "outcome": outcome}, at=at)  # fmt: skip
