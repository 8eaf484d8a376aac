"""The public page: safe figures of the newest publication, on the map of its own areas; nobody signs in, nothing else is read.

A publication is read once and kept in memory; a withdrawn one is gone at the next request.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.geo.area_names import AreaName
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.monitoring import presenters
from khana.monitoring import publications
from khana.platform import clock, jobs
from khana_methods.coverage.framework import Framework, Indicator, step_of
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.disclosure.spreadsheets import neutralise
from khana_methods.errors import InputError

COLUMNS = ("indicator", "area_code", "area_level", "group_by", "group_value", "numerator", "denominator", "value", "hidden")  # fmt: skip
_HOUR = "public, max-age=600"


class BudgetUnreadable(InputError):
    """The fields of a publication hold no numbers."""

    code = "web.budget_unreadable"


@dataclass(frozen=True)
class _Open:
    """One publication as the page reads it."""

    framework: Framework
    as_of: date
    privacy: dict[str, Any]
    areas: dict[str, AreaName]
    below: dict[str, list[AreaName]]
    values: dict[str, list[SafeValue]]
    outlines: dict[str, str]


def _slowly(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Slow down whoever asks without end: nobody signs in here, so it is by address."""

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        limits.OPEN_PAGES.take(str(request.META.get("REMOTE_ADDR", "")))
        return view(request, *args, **kwargs)

    return limited


@lru_cache(maxsize=2)
def _read(number: int) -> _Open:
    body, outlines = publications.contents(number)
    indicators = [
        Indicator(
            code=one["code"], objective=one["objective"], names=one["names"], definitions=one["definitions"], unit=one["unit"],
            relation="household", numerator=one["numerator"], denominator=one["denominator"], disaggregation=(), frequency="quarter",
            owner="", better=one["better"], baseline=None, target=None, source=one["source"],
        )
        for one in body["indicators"]
    ]  # fmt: skip
    steps = [step_of(entry) for entry in body["funnel"]]  # publications of before hold codes alone
    funnel = [step for step in steps if any(one.code == step.code for one in indicators)]
    framework = Framework(
        body["framework"], body["version"], body["names"], dict(body["objectives"]), indicators, funnel
    )
    areas = {a["code"]: AreaName(a["code"], a["level"], a["path"], a["name"], a["names"]) for a in body["areas"]}
    below: dict[str, list[AreaName]] = {}
    for area in areas.values():
        codes = [code for code in area.path.split(".") if code]
        below.setdefault(codes[-2] if len(codes) > 1 else "", []).append(area)
    values: dict[str, list[SafeValue]] = {}
    for row in body["values"]:
        values.setdefault(row[1], []).append(SafeValue(*row))
    texts = {code: json.dumps(one, separators=(",", ":")) for code, one in outlines.items()}
    return _Open(framework, date.fromisoformat(body["as_of"]), body["privacy"], areas, below, values, texts)


def _newest(request: HttpRequest) -> tuple[publications.PublicationHead, _Open]:
    head = publications.find_open()
    if head is None:
        raise Http404
    return head, _read(head.id)


@session.public
@require_GET
@_slowly
def public(request: HttpRequest) -> HttpResponse:
    """Show the figures of one area and one of them on the map."""
    head = publications.find_open()
    if head is None:
        return render(request, "monitoring/public_none.html")
    found = _read(head.id)
    area = found.areas.get(request.GET.get("area", "")) or next((a for a in found.areas.values() if a.level == 0), None)
    known = {one.code: one for one in found.framework.indicators}
    code = request.GET.get("indicator", "COVERAGE_POOR")
    one = known.get(code) or next(iter(known.values()), None)
    if area is None or one is None:
        raise Http404
    own = found.values.get(area.code, [])
    here = {v.indicator: v for v in own if not v.group_by}
    below = found.below.get(area.code, [])
    values_below = {
        a.code: v for a in below for v in found.values.get(a.code, []) if v.indicator == one.code and not v.group_by
    }
    way = [found.areas[code] for code in area.path.split(".") if code in found.areas]
    context = {
        "head": head, "as_of": found.as_of, "privacy": found.privacy, "area": area, "place": area.called(wording.language()),
        "way_down": [{"code": a.code, "name": a.called(wording.language()), "level": a.level} for a in way],
        "objectives": presenters.groups_of_cards(found.framework, here, {}, one.code), "chosen": presenters.definition(one),
        "value": presenters.shown(one, here.get(one.code)), "places": presenters.places(one, below, values_below),
        "legend": presenters.legend(one, values_below.values()), "groups": presenters.groups(one, own, {}),
        "name": found.framework.names.get(wording.language()) or found.framework.names["en"],
    }  # fmt: skip
    response = render(request, "monitoring/public.html", context)
    response["Cache-Control"] = "public, max-age=60"
    return response


@session.public
@require_GET
@_slowly
def outlines(request: HttpRequest, code: str) -> HttpResponse:
    """Return the published outlines below one area."""
    _head, found = _newest(request)
    text = found.outlines.get(code)
    if text is None:
        raise Http404
    response = HttpResponse(text, content_type="application/json")
    response["Cache-Control"] = _HOUR
    return response


@session.public
@require_GET
@_slowly
def values(request: HttpRequest) -> HttpResponse:
    """Send every published value as CSV."""
    head, found = _newest(request)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for rows in found.values.values():
        for row in rows:
            cells = [getattr(row, name) for name in COLUMNS]
            lines.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in cells])
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="figures-{found.as_of.isoformat()}-{head.id}.csv"'
    response["Cache-Control"] = _HOUR
    return response


@session.needs("monitoring.write")
@require_GET
def publishing(request: HttpRequest) -> HttpResponse:
    """Show what is open to the public, what was withdrawn, and what of the year's privacy budget is left."""
    whole, spent = publications.budget(clock.now().year)
    context = {
        "rows": publications.list_publications(), "whole": whole, "spent": spent, "left": max(0.0, whole - spent),
        "year": clock.now().year,
    }  # fmt: skip
    return render(request, "monitoring/publishing.html", context)


@session.needs("monitoring.write")
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Start a publication of the newest snapshot as a job."""
    try:
        threshold = int(request.POST.get("threshold") or 10)
        epsilon = float(request.POST["epsilon"]) if request.POST.get("epsilon") else None
    except ValueError:
        raise BudgetUnreadable(_("Threshold and privacy budget are numbers.")) from None
    arguments = {"title": request.POST.get("title", "")[:160], "threshold": max(3, threshold), "epsilon": epsilon}
    run = jobs.enqueue(kind="publish_figures", arguments=arguments, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


@session.needs("monitoring.write")
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Take a publication off the public page."""
    publications.withdraw(publication=number, at=clock.now())
    _read.cache_clear()
    flash(request, "success", _("The publication is withdrawn."))
    return redirect("monitoring-publishing")
