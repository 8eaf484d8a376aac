"""Targets and progress by area on a map, and who is in the field: accredited until when, with which telephone."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.geo import area_names as geo
from khana.intake import centres as reads
from khana.intake.services import reviews
from khana.interfaces.web import session, wording
from khana.platform import clock

SHADES = ("#e6efee", "#b9d8d4", "#7fb8b2", "#3f918a", "#0f5f5a")
EDGES = (0.25, 0.5, 0.75, 1.0)
NONE = "#dfe6e5"
SPAN = 30


def _day(text: str, otherwise: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return otherwise


def _shade(share: float | None) -> str:
    return NONE if share is None else SHADES[sum(share >= edge for edge in EDGES)]


@session.needs("centres.read")
@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """Show targets and what was reached in the areas right below one, as a map and a table."""
    until = _day(request.GET.get("until", ""), clock.today())
    begins = _day(request.GET.get("from", ""), until - timedelta(days=SPAN - 1))
    chosen = geo.area(request.GET.get("area", "")[:40]) or geo.top()
    under = chosen.path if chosen else ""
    found = {one.area_path: one for one in reads.progress(under=under, begins=begins, ends=until + timedelta(days=1))}
    language = wording.language()
    rows = []
    for area in geo.children(chosen.code if chosen else ""):
        one = found.get(area.path)
        if one is None:
            continue
        rows.append({"area": area, "name": area.called(language), "one": one, "shade": _shade(one.share)})
    legend = [
        {"shade": shade, "low": low, "high": high}
        for shade, low, high in zip(SHADES, (0.0, *EDGES), (*EDGES, None), strict=True)
    ]
    context = {
        "rows": rows, "from": begins, "until": until, "area": chosen, "way": geo.way_down(under), "legend": legend,
        "registered": sum(row["one"].registered for row in rows), "target": sum(row["one"].target for row in rows),  # type: ignore[attr-defined]
    }  # fmt: skip
    return render(request, "centres/progress.html", context)


@session.needs("centres.manage", "centres.serve")
@require_GET
def staff(request: HttpRequest) -> HttpResponse:
    """Show who is in the field, whose accreditation ends soon, and which devices are in use."""
    today = clock.today()
    soon = today + timedelta(days=60)
    ranks = {line.user_id: line.review_rank for line in reviews.newest_lines()}
    people = [
        {"one": one, "rank": ranks.get(one.user_id), "areas": [path.rstrip(".").split(".")[-1] for path in one.areas],
         "is_soon": one.accredited_until is not None and one.accredited_until < soon}
        for one in reads.enumerators(on=today)
    ]  # fmt: skip
    context = {
        "people": people,
        "papers": reads.accreditations(expiring_before=soon),
        "devices": reads.devices(),
        "today": today,
    }
    return render(request, "centres/staff.html", context)
