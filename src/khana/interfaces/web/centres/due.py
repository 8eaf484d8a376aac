"""Who is due at a centre or at a stop of a van's route: call the family, book its hour, or give it a number of today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.intake import centres as reads
from khana.intake import due as due_reads
from khana.intake.services import centres as service
from khana.intake.services import due as calls
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana_methods.errors import Conflict, InputError, NotFound

DAYS = 30


def _after(text: str) -> tuple[date, int] | None:
    day, _sign, number = text.partition("_")
    try:
        return date.fromisoformat(day), int(number[:18])
    except ValueError:
        return None


def _place(point: reads.PointRow, stops: list[reads.StopRow], asked: str) -> reads.StopRow | None:
    """Return the stop that is asked for; a van or camp is at its next one, a centre at none."""
    if asked == "all":
        return None
    chosen = next((stop for stop in stops if str(stop.pk) == asked), None)
    return chosen or (stops[0] if stops and point.kind != "CENTRE" else None)


@session.needs("registry.read")
@require_GET
def due(request: HttpRequest, code: str) -> HttpResponse:
    """List the families that are due where the centre is or the van stands, the longest overdue first."""
    today = clock.today()
    point = service.get_point(code)
    stops = reads.stops(begins=today, ends=today + timedelta(days=DAYS), point=point)
    stop = _place(point, stops, request.GET.get("stop", ""))
    paths = [stop.area_path if stop else point.area_path]
    everybody = request.GET.get("everybody") == "1"
    found = due_reads.due_at(
        paths, after=_after(request.GET.get("after", "")), everybody=everybody, limit=due_reads.PAGE + 1
    )
    shown, more = found[: due_reads.PAGE], found[due_reads.PAGE :]
    audit.record(
        action="intake.due.read", subject=f"point:{point.pk}", details={"households": len(shown)}, at=clock.now()
    )
    counts = due_reads.counts([*(one.area_path for one in stops), point.area_path])
    context: dict[str, Any] = {
        "point": point, "stop": stop, "everybody": everybody, "count": counts.get(paths[0], 0),
        "stops": [{"row": one, "due": counts.get(one.area_path, 0), "is_here": stop is not None and one.pk == stop.pk} for one in stops],
        "all_due": counts.get(point.area_path, 0), "reckoned_at": due_reads.reckoned_at(paths),
        "families": [
            {"row": one, "facts": len(one.facts), "outcome": wording.say(wording.CALL_OUTCOME, one.last_outcome) if one.last_outcome else "",
             "days": (today - one.best_before).days}
            for one in shown
        ],
        "next": f"{shown[-1].best_before.isoformat()}_{shown[-1].household_id}" if more else "",
        "outcomes": [(name, wording.say(wording.CALL_OUTCOME, name)) for name in due_reads.OUTCOMES if name != "HERE"],
        "may_serve": session.may(request, "centres.serve"),
        "may_find": session.may(request, "centres.manage"),
    }  # fmt: skip
    return render(request, "centres/due.html", context)


def _back(request: HttpRequest, code: str) -> str:
    stop = request.POST.get("stop", "")
    return reverse("centres-due", args=[code]) + (f"?stop={int(stop)}" if stop.isdecimal() and len(stop) < 18 else "")


@session.needs("centres.serve")
@require_POST
def call(request: HttpRequest, code: str) -> HttpResponse:
    """Write down what came of a call; a family that comes gets its hour."""
    asked = request.POST
    text = asked.get("slot", "")
    try:
        slot = datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
        row = calls.call(
            point=code,
            household=asked.get("household", "")[:40],
            outcome=asked.get("outcome", ""),
            slot=slot,
            at=clock.now(),
        )
    except ValueError:
        flash(request, "warning", _("Choose a day and an hour."))
    except (Conflict, InputError, NotFound) as error:
        flash(request, "warning", error_wording(error))
    else:
        if row.appointment is not None:
            said = _("Booked. The reference for the family's slip is %(reference)s.")
            flash(request, "success", said % {"reference": row.appointment.reference})
        else:
            flash(request, "success", _("Written down."))
    return redirect(_back(request, code))


@session.needs("centres.serve")
@require_POST
def here(request: HttpRequest, code: str) -> HttpResponse:
    """Give a due family that has come the next number of today."""
    try:
        row = calls.is_here(
            point=code, household=request.POST.get("household", "")[:40], day=clock.today(), at=clock.now()
        )
    except (Conflict, InputError, NotFound) as error:
        flash(request, "warning", error_wording(error))
        return redirect(_back(request, code))
    return redirect("centres-token", code, row.number)


@session.needs("centres.manage")
@require_POST
def find(request: HttpRequest) -> HttpResponse:
    """Reckon anew who is due, as a job."""
    run = jobs.enqueue(kind=calls.KIND, arguments={}, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)
