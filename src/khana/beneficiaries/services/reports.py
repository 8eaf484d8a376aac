"""What a scheme's system reports after it asked: enrolled, declined, suspended, left. In the name of the scheme."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Enrolment
from khana.beneficiaries.moves import (
    EXIT_REASONS,
    MIS,
    SUSPENSION_REASONS,
    MoveRefused,
    held_by_the_database,
    require_reason,
)
from khana.beneficiaries.services.enrolments import ProgrammeUnknown
from khana.programmes import names as programmes

REPORTED = ("ENROLLED", "SUSPENDED", "EXITED", "GRADUATED", "DECLINED")


def report_state(
    *,
    tokens: Sequence[bytes],
    programme: str,
    state: str,
    day: date,
    area_path: str = "",
    reason: str = "",
    at: datetime,
) -> int:
    """Take over what a scheme's system says of one number; return the number of the enrolment.

    The same report again changes nothing. What a person suspended here is not lifted by a report.

    Args:
        tokens: Tokens of the number.
        programme: Code of the catalogue; of the actor's agency.
        state: ENROLLED, SUSPENDED, EXITED, GRADUATED or DECLINED.
        day: Since when.
        area_path: Where she lives, where the scheme says it.
        reason: Of an exit or a suspension.
        at: When.

    Raises:
        MoveRefused: She is not in a state from which that is possible.
        ReasonUnknown, ProgrammeUnknown: See there.
    """
    access.require("benefits.write")
    require_reason(state, REPORTED)
    if state in ("EXITED", "SUSPENDED"):
        require_reason(reason, EXIT_REASONS if state == "EXITED" else SUSPENSION_REASONS)
    known = programmes.catalogue().get(programme)
    if known is None:
        raise ProgrammeUnknown(f"The catalogue has no programme '{programme}'.", programme=programme)
    there = Enrolment.objects.filter(programme=programme, id_token__in=list(tokens)).first()
    if there is not None and there.state == state:
        return int(there.pk)
    moved = {
        "state": state,
        "state_at": at,
        "changed_by": MIS,
        "actor_id": access.actor_id(),
        "reason": reason,
        "note": "",
    }
    with held_by_the_database():
        if there is None:
            if state not in ("ENROLLED", "EXITED"):
                raise MoveRefused(f"Nobody enrolled this number here: it cannot become {state}.", what=state)
            number = int(Enrolment.objects.create(
                programme=programme, agency=known.agency, area_path=area_path, id_token=tokens[0], created_at=at,
                enrolled_date=day if state == "ENROLLED" else None, **moved,
            ).pk)  # fmt: skip
        else:
            number = int(there.pk)
            dated = {"enrolled_date": day} if state == "ENROLLED" and there.enrolled_date is None else {}
            Enrolment.objects.filter(pk=number).update(**moved, **dated)
        audit.record(action="beneficiaries.enrolment.reported", subject=f"enrolment:{number}",
                     details={"programme": programme, "state": state, "reason": reason}, at=at)  # fmt: skip
    return number
