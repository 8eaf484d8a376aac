"""Appeals against exclusion filters: lodged by one officer with the reason, decided by another."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.audit import services as audit
from khana.programmes.models import ExclusionFilter, FilterAppeal
from khana.programmes.services.quotas import FilterUnknown
from khana.registry import files
from khana_methods.errors import Conflict, InputError, NotFound, NotPermitted


class AppealUnknown(NotFound):
    """No appeal has that number, or no such household, within the scope."""

    code: ClassVar[str] = "programmes.appeal.unknown"


class AppealInvalid(InputError):
    """An appeal says for whom and why."""

    code: ClassVar[str] = "programmes.appeal.invalid"


class AppealMoved(Conflict):
    """It is decided already."""

    code: ClassVar[str] = "programmes.appeal.moved"


class OwnAppeal(NotPermitted):
    """Who lodged an appeal does not decide it."""

    code: ClassVar[str] = "programmes.appeal.same_person"


@transaction.atomic
def lodge(*, filter_code: str, household: str, line: int | None, reason: str, at: datetime) -> int:
    """Lodge an appeal of one person, or of a whole household, against a filter; return its number.

    Raises:
        FilterUnknown: No such filter.
        AppealUnknown: No such household or person within the scope.
        AppealInvalid: The reason is empty.
    """
    access.require("filters.appeal")
    if not ExclusionFilter.objects.filter(code=filter_code).exists():
        raise FilterUnknown(f"There is no filter {filter_code}.", filter=filter_code)
    if len(reason.strip()) < 5:
        raise AppealInvalid("Say in a sentence why the filter is wrong about her.")
    number = files.household_id_of(household)
    found = files.household_at(number) if number is not None else None
    members = {place.line_no: place.person_id for place in files.members_of(number)} if number is not None else {}
    if number is None or found is None or (line is not None and line not in members):
        raise AppealUnknown("No such household or line, or it lies outside the area that you work for.")
    actor = selectors.me()
    row = FilterAppeal.objects.create(
        filter_code=filter_code, household_number=household, person_id=members[line] if line is not None else None,
        area_path=found.area_path, reason=reason.strip()[:2000], lodged_by=access.actor_id(),
        lodged_label=actor.username if actor else "", lodged_at=at,
    )  # fmt: skip
    audit.record(
        action="programmes.appeal.lodged", subject=f"household:{number}",
        details={"appeal": row.pk, "filter": filter_code}, at=at,
    )  # fmt: skip
    return int(row.pk)


@transaction.atomic
def decide(*, appeal: int, upheld: bool, decision: str, at: datetime) -> None:
    """Decide an appeal: upheld, the filter counts against her no longer from the next evaluation on.

    Raises:
        AppealUnknown: There is none within the scope.
        OwnAppeal: The actor lodged it.
        AppealMoved: It is decided.
    """
    access.require("filters.appeal")
    row = FilterAppeal.objects.filter(pk=appeal).first()
    if row is None:
        raise AppealUnknown("No appeal has that number, or it lies outside the area that you work for.", appeal=appeal)
    me, actor = access.actor_id(), selectors.me()
    if row.lodged_by == me:
        raise OwnAppeal("You lodged this appeal yourself: another person decides it.", appeal=appeal)
    state = FilterAppeal.State.UPHELD if upheld else FilterAppeal.State.DISMISSED
    moved = FilterAppeal.objects.filter(pk=appeal, state=FilterAppeal.State.LODGED).update(
        state=state,
        decided_by=me,
        decided_label=actor.username if actor else "",
        decided_at=at,
        decision=decision[:2000],
    )
    if not moved:
        raise AppealMoved("This appeal is decided already.", appeal=appeal)
    audit.record(
        action=f"programmes.appeal.{state.lower()}",
        subject=f"appeal:{appeal}",
        details={"filter": row.filter_code},
        at=at,
    )
