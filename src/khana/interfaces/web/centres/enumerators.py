"""One enumerator: what the nightly checks show of her work, and what is to be put right until somebody else saw that it was."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.intake import centres as reads
from khana.intake.services import reviews
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError, NotFound

SHARES = ("_share",)
TONES = {"OPEN": "warn", "DONE": "info", "CLOSED": "good"}


def _measures(row: Any) -> list[dict[str, Any]]:
    """Return the measures of one line in words, those that stand out first."""
    first = [name.strip() for name in row.first.split(",")]
    names = sorted(row.measures, key=lambda name: (name not in first, name))
    return [
        {"name": wording.say(wording.MEASURE, name), "value": row.measures[name], "is_share": name.endswith(SHARES),
         "is_first": name in first}
        for name in names if row.measures[name] is not None
    ]  # fmt: skip


def _action(row: Any) -> dict[str, Any]:
    return {
        "row": row, "state": wording.say(wording.ACTION_STATE, row.state), "tone": TONES.get(row.state, "info"),
        "is_late": row.state != "CLOSED" and row.due_on < clock.today(),
        "history": [{**one, "state": wording.say(wording.ACTION_STATE, one["state"])} for one in row.history],
    }  # fmt: skip


@session.needs("centres.read")
@require_GET
def enumerator(request: HttpRequest, user: int) -> HttpResponse:
    """Show one enumerator: papers, what the checks show, findings by filled form, actions."""
    today = clock.today()
    lines = reviews.reviews_of(user)
    person = next((one for one in reads.enumerators(on=today) if one.user_id == user), None)
    actions = reviews.actions(user_id=user)
    if person is None and not lines and not actions:
        raise reviews.ActionUnknown("Nobody of this number is in the field of your area.")
    findings: dict[str, list[int]] = {}
    for one in lines[0].findings if lines else ():
        findings.setdefault(one["code"], []).append(one["submission"])
    context: dict[str, Any] = {
        "person": person, "label": person.label if person else (lines[0].user_label if lines else actions[0].user_label), "user": user,
        "newest": lines[0] if lines else None, "measures": _measures(lines[0]) if lines else [], "lines": lines,
        "findings": [
            {"code": code, "name": wording.say(wording.REVIEW_FINDING, code), "submissions": sorted(set(numbers))[:30], "count": len(numbers)}
            for code, numbers in sorted(findings.items())
        ],
        "actions": [_action(row) for row in actions], "may_manage": session.may(request, "centres.manage"),
        "soon": (today + timedelta(days=14)).isoformat(),
    }  # fmt: skip
    return render(request, "centres/enumerator.html", context)


@session.needs("centres.read")
@require_GET
def actions(request: HttpRequest) -> HttpResponse:
    """List what is to be put right in the field, what is due first at the top."""
    rows = [_action(row) for row in reviews.actions()]
    return render(
        request, "centres/actions.html", {"actions": rows, "may_manage": session.may(request, "centres.manage")}
    )


@session.needs("centres.manage")
@require_POST
def open_action(request: HttpRequest, user: int) -> HttpResponse:
    """Open an action about one enumerator's work."""
    asked, lines = request.POST, reviews.reviews_of(user, 1)
    person = next((one for one in reads.enumerators(on=clock.today()) if one.user_id == user), None)
    if person is None and not lines:
        raise reviews.ActionUnknown("Nobody of this number is in the field of your area.")
    grants = sorted(grant.area_path for grant in session.actor_of(request).grants)
    area = lines[0].area_path if lines else (person.areas[0] if person and person.areas else grants[0])
    try:
        due = date.fromisoformat(asked.get("due", ""))
        reviews.open_action(
            user_id=user, user_label=lines[0].user_label if lines else (person.label if person else ""), area_path=area,
            about=asked.get("about", ""), what=asked.get("what", ""), due_on=due, at=clock.now(),
        )  # fmt: skip
    except ValueError:
        flash(request, "warning", _("Choose a day."))
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
    return redirect("centres-enumerator", user)


@session.needs("centres.manage")
@require_POST
def move_action(request: HttpRequest, number: int) -> HttpResponse:
    """Say that an action was done, that somebody else saw it, or that it is open again."""
    asked = request.POST
    try:
        row = reviews.move_action(
            number=number, state=asked.get("state", ""), note=asked.get("note", ""), at=clock.now()
        )
    except NotFound:
        raise
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
        return redirect("centres-actions")
    return redirect("centres-enumerator", row.user_id)
