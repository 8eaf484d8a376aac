"""One outreach plan: where each van, centre and team stands on which days, what it reaches, and what came of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.geo import area_names as geo
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.tags import number as written
from khana.monitoring import selectors as room
from khana.platform import clock
from khana.workflows import send_plan
from khana_methods.errors import InputError, KhanaError

MOST = 500


@session.needs("results.read")
@require_GET
def plan(request: HttpRequest, number: int) -> HttpResponse:
    """Show one plan: its figures, provinces, stops by day, and what was registered since."""
    found = room.get_plan(number)
    rows: list[dict[str, Any]] = found["rows"]
    known = geo.areas(str(row.get("place", "")) for row in rows[:MOST])
    kinds = {"van": _("van"), "centre": _("centre"), "sweep": _("door to door")}
    shown = [
        {**row, "name": known[row["place"]].called(wording.language()) if row.get("place") in known else row.get("place"),
         "kind_words": kinds.get(row.get("kind", "van"), ""), "who": _who(row)}
        for row in sorted(rows, key=lambda row: (row.get("first_day", ""), row.get("base", ""), row.get("van", 0)))[:MOST]
    ]  # fmt: skip
    provinces = [{"name": name or "–", **values} for name, values in found["summary"].get("by_province", {}).items()]
    context = {
        "plan": found, "rows": shown, "more": max(0, len(rows) - MOST), "provinces": provinces, "summary": found["summary"],
        "may_send": session.may(request, "centres.manage"), "results": _results(request, number, known),
    }  # fmt: skip
    return render(request, "coverage/plan.html", context)


def _who(row: dict[str, Any]) -> str:
    return f"{row.get('base') or ''} {row.get('van') or ''}".strip()


def _results(request: HttpRequest, number: int, known: dict[str, geo.AreaName]) -> dict[str, Any] | None:
    """Return what came of the plan so far, for who may see the field's progress."""
    if not session.may(request, "centres.read"):
        return None
    try:
        made = send_plan.results(token=session.token_of(request), plan=number, at=clock.now())
    except InputError:
        return None
    for row in made["rows"]:
        row["name"] = known[row["code"]].called(wording.language()) if row["code"] in known else row["code"]
    return {**made, "rows": made["rows"][:MOST]}


@session.needs("centres.manage")
@require_POST
def send(request: HttpRequest, number: int) -> HttpResponse:
    """Send a plan to intake: points, stops and targets."""
    try:
        made = send_plan.run(token=session.token_of(request), plan=number, at=clock.now())
    except KhanaError as error:
        flash(request, "danger", error_wording(error))
        return redirect("coverage-plan", number)
    told = {"p": written(made["points"]), "s": written(made["stops"]), "t": written(made["targets"])}
    flash(request, "success", _("Sent: %(p)s new points, %(s)s new stops, %(t)s targets.") % told)
    return redirect("coverage-plan", number)
