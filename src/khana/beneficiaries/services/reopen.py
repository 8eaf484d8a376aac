"""Decisions that rested on rows which a source has corrected: opened by themselves, looked at by a person.

Until somebody has looked, a stop that is open again takes no effect (`trials.apply_trial`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Enrolment, Reopened, Stop
from khana.beneficiaries.moves import HUMAN, MoveRefused, NothingThere, held_by_the_database


def reopen(*, replaced_batch_id: int, batch_id: int, source: str, at: datetime) -> int:
    """Open again what rested on rows that a newer batch changed; return how many decisions."""
    return int(access.call("beneficiaries_reopen", replaced_batch_id, batch_id, source, at)[0][0])


def settle(*, reopened_id: int, is_confirmed: bool, at: datetime) -> dict[str, Any]:
    """Say that a decision stands, or take it back.

    Taking a stop back lets her keep the benefit; where it had taken effect she is enrolled again. Taking a suspension
    back enrols her. A stop needs `crossrules.write` everywhere, the others `benefits.write`.

    Raises:
        NothingThere: It lies outside the scope.
        MoveRefused: Somebody has settled it.
    """
    access.require("benefits.write")
    found = Reopened.objects.filter(pk=reopened_id).first()
    if found is None:
        raise NothingThere("There is no such decision within your agency and area.", reopened=reopened_id)
    if found.state != Reopened.State.OPEN:
        raise MoveRefused(f"It is {found.state} already.", what="reopened")
    if found.subject == "stop":
        access.require("crossrules.write", everywhere=True)
    with held_by_the_database():
        state = Reopened.State.CONFIRMED if is_confirmed else Reopened.State.REVERSED
        Reopened.objects.filter(pk=reopened_id).update(state=state, settled_at=at, settled_by=access.actor_id())
        if not is_confirmed:
            _reverse(found, at)
        audit.record(action="beneficiaries.decision.settled", subject=f"{found.subject}:{found.subject_id}",
                     details={"state": state, "batch": found.batch_id}, at=at)  # fmt: skip
    return {"reopened": reopened_id, "subject": found.subject, "id": found.subject_id, "state": str(state)}


def _reverse(found: Reopened, at: datetime) -> None:
    moved = {
        "state_at": at,
        "changed_by": HUMAN,
        "actor_id": access.actor_id(),
        "note": f"corrected by batch {found.batch_id}",
    }
    if found.subject == "enrolment":
        Enrolment.objects.filter(pk=found.subject_id, state="SUSPENDED").update(state="ENROLLED", reason="", **moved)
    if found.subject == "stop":
        stop = Stop.objects.get(pk=found.subject_id)
        Stop.objects.filter(pk=stop.pk).update(state="REOPENED", **moved)
        Stop.objects.filter(pk=stop.pk).update(state="ALLOWED", **moved)
        hers = Enrolment.objects.filter(programme=stop.programme, id_token=stop.id_token, state="EXITED",
                                        note__startswith=f"stop {stop.pk} ")  # fmt: skip
        if hers.update(state="IDENTIFIED", reason="", **{**moved, "note": f"stop {stop.pk} taken back"}):
            Enrolment.objects.filter(programme=stop.programme, id_token=stop.id_token, state="IDENTIFIED").update(
                state="ENROLLED", reason="", **moved
            )
