"""What one holds and what keeps it from counting; name a purpose, break the glass, close an alarm.

The purpose that somebody names stays in her session and goes into every event; a grant that is bound to one counts only
then. Glass is broken with a reason, and a data-protection officer sees the alarm at once.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import offices, passkeys
from khana.access import services as access
from khana.access.roles import catalogue
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError, NotFound


@require_GET
def office(request: HttpRequest) -> HttpResponse:
    """Show the actor's grants, trainings and undertakings, and what she works for."""
    return _office(request)


def _office(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    named = session.purpose_of(request)
    context = {
        "offices": [
            (one, wording.say(wording.ROLES, one.role), one.purpose in ("", named)) for one in offices.my_offices()
        ],
        "clearances": [(one, wording.say(wording.CLEARANCE, one.kind)) for one in offices.clearances()],
        "purposes": [(name, wording.say(wording.WORK, name)) for name in catalogue().purposes],
        "named": named,
        "passkeys": passkeys.passkeys(),
        "passkeys_possible": passkeys.is_possible(f"{request.scheme}://{request.get_host()}"),
        "may_break": session.may(request, "emergency.read"),
        "asked": request.POST,
        "error": error,
    }
    return render(request, "office/office.html", context, status=status)


@require_POST
def purpose(request: HttpRequest) -> HttpResponse:
    """Name what one works for now; it stays until one names another or signs out."""
    request.session[session.PURPOSE] = catalogue().purpose(request.POST.get("purpose", "")[:40])
    flash(request, "success", _("Kept. What you open from now on is recorded under this purpose."))
    return redirect("office")


@session.needs("emergency.read")
@require_POST
def break_glass(request: HttpRequest) -> HttpResponse:
    """Open one area for some hours, with a reason and an alarm."""
    hours = request.POST.get("hours", "4")
    try:
        offices.break_glass(
            area_code=request.POST.get("area", "").strip()[:40],
            reason=request.POST.get("reason", "")[:500],
            hours=int(hours) if hours.isdecimal() else 4,
            at=clock.now(),
        )
    except (InputError, NotFound, Conflict) as error:
        return _office(request, error=error_wording(error), status=error.http_status)
    flash(
        request,
        "warning",
        _("The glass is broken: you read this area for some hours, and an officer will ask you why."),
    )
    return redirect("office")


@session.needs("alarms.read")
@require_GET
def alarms(request: HttpRequest) -> HttpResponse:
    """Show open alarms and the last closed ones."""
    return _alarms(request)


def _alarms(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    access.require("alarms.read", everywhere=True)
    rows = offices.alarm_rows(is_open=None)
    now = clock.now()
    shown = [
        {
            **row,
            "kind": wording.say(wording.ALARM, row["kind"]),
            "outcome": wording.say(wording.ALARM_OUTCOME, row["outcome"]),
            "is_late": row["closed_at"] is None and row["due_at"] < now,
            "about": ", ".join(f"{name}: {value}" for name, value in row["details"].items()),
        }
        for row in rows
    ]
    context = {
        "open": [row for row in shown if row["closed_at"] is None],
        "closed": [row for row in shown if row["closed_at"] is not None][:50],
        "outcomes": [(name, words) for name, words in wording.ALARM_OUTCOME.items() if name],
        "may_decide": session.may(request, "alarms.decide"),
        "error": error,
    }
    return render(request, "office/alarms.html", context, status=status)


@session.needs("alarms.decide")
@require_POST
def close_alarm(request: HttpRequest, alarm: int) -> HttpResponse:
    """Close an alarm with what was found."""
    try:
        offices.close_alarm(
            alarm=alarm,
            outcome=request.POST.get("outcome", ""),
            finding=request.POST.get("finding", "")[:1000],
            at=clock.now(),
        )
    except (InputError, Conflict) as error:
        return _alarms(request, error=error_wording(error), status=error.http_status)
    flash(request, "success", _("Kept. The alarm is closed with what you found."))
    return redirect("alarms")
