"""The second person over an amendment that crosses a line: anybody who may settle forms, but never who sent this one."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.intake.models import AmendmentEffect, Submission
from khana_methods.errors import Conflict

CROSSES = "EFFECT_CROSSES"


class OwnForm(Conflict):
    """Who sent the form cannot be the second person over its effect."""

    code: ClassVar[str] = "intake.effect.own_form"


def confirm(row: Submission, *, at: datetime) -> None:
    """Confirm the newest effect of a form in the actor's name.

    Raises:
        OwnForm: She sent the form.
    """
    last = AmendmentEffect.objects.filter(submission=row, crosses=True).order_by("-id").first()
    if last is None:
        return
    me = who.me()
    if me is None or access.actor_id() == row.actor_id:
        raise OwnForm("You sent this form yourself: another person must confirm what it does.")
    AmendmentEffect.objects.filter(pk=last.pk).update(confirmed_by=me.id, confirmed_label=me.username, confirmed_at=at)
    details = {"effect": last.pk, "gains": len(last.gains), "loses": len(last.loses)}
    audit.record(action="intake.effect.confirmed", subject=f"submission:{row.pk}", details=details, at=at)
