"""The page of indicators: one area, one figure, its map, its past, what it is, and where its rows are.

Every address is a view that can be sent: area, indicator, snapshot and comparison stand in it. Nothing is computed here;
values were made safe when the snapshot was kept, and two indexed reads answer a page whatever the size of the lists.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.audit import services as audit
from khana.beneficiaries.results import latest_run
from khana.dossiers import indicator_rows
from khana.geo import area_names as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.monitoring import presenters
from khana.monitoring import selectors as room
from khana.monitoring.frameworks import country_in_use, framework_of
from khana.platform import clock
from khana.programmes import names as programmes
from khana_methods.coverage.framework import Framework, Indicator

DEFAULT = "COVERAGE_POOR"
MOST_COMPARED = 4
PAGE_SIZE = 50


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.GET.get(name, "")
    return int(text) if text.isdigit() and len(text) < 12 else None


def _chosen(framework: Framework, code: str) -> Indicator:
    known = {one.code: one for one in framework.indicators}
    if code and code not in known:
        raise Http404
    return known[code] if code else known.get(DEFAULT) or framework.indicators[0]


@session.needs("results.read")
@require_GET
def monitoring(request: HttpRequest) -> HttpResponse:
    """Show the figures of one area and everything about one of them."""
    try:
        head = room.get_snapshot(_number(request, "snapshot"))
    except room.NothingMeasured:
        if _number(request, "snapshot"):
            raise
        return render(request, "monitoring/none_yet.html", {"may_run": session.may(request, "monitoring.write")})
    framework = framework_of(country_in_use())
    one = _chosen(framework, request.GET.get("indicator", "")[:60])
    area = geo.area(request.GET["area"][:40]) if request.GET.get("area") else geo.top()
    if area is None:
        raise Http404
    values = room.list_area_values(head.id, area.code)
    here = {v.indicator: v for v in values if not v.group_by}
    heads = [h for h in room.list_snapshots(24) if h.framework == head.framework]
    earlier = next((h for h in heads if h.as_of < head.as_of), None)
    before = {v.indicator: v for v in room.list_area_values(earlier.id, area.code) if not v.group_by} if earlier else {}
    below = geo.children(area.code)
    values_below = room.list_values_of(head.id, one.code, [a.code for a in below])
    way = geo.way_down(area.path)
    lines = [a for a in way if a.code == area.code or a.level == 0]
    names = {a.code: a.called(wording.language()) for a in lines}
    past = presenters.history(one, room.list_history(head.framework, one.code, list(names)), names)
    context = {
        "lines": list(dict.fromkeys(row["series"] for row in past)), "history": past,
        "head": head, "snapshots": heads, "earlier": earlier, "area": area, "place": area.called(wording.language()),
        "way_down": [{"code": a.code, "name": a.called(wording.language())} for a in way],
        "objectives": presenters.groups_of_cards(framework, here, before, one.code),
        "chosen": presenters.definition(one), "value": presenters.shown(one, here.get(one.code)),
        "raw": here.get(one.code), "places": presenters.places(one, below, values_below),
        "legend": presenters.legend(one, values_below.values()),
        "groups": presenters.groups(one, values, _programme_names()), "funnel": presenters.funnel(framework, here),
        **_rows_behind(request, head, one), "may_publish": session.may(request, "monitoring.write"),
    }  # fmt: skip
    return render(request, "monitoring/monitoring.html", context)


def _programme_names() -> dict[str, str]:
    return {code: row.called(wording.language()) for code, row in programmes.catalogue().items()}


def _rows_behind(request: HttpRequest, head: room.SnapshotHead, one: Indicator) -> dict[str, Any]:
    """Return where the rows of a figure can be opened by this reader: households here, recipients among the answers."""
    answer = presenters.ANSWER_ROWS.get(one.code, "")
    last = latest_run()
    is_newest = last is not None and head.inputs.get("run") == last.id
    return {
        "rows_household": one.relation == "household" and session.may(request, "registry.read"),
        "rows_answer": answer if is_newest and session.may(request, "recipients.read") else "",
    }


@session.needs("registry.read")
@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """Show the households that one part of a figure counts, as far as the reader's scope goes."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    area = geo.area(request.GET.get("area", "")[:40])
    part = request.GET.get("part", "numerator")
    head = room.get_snapshot(_number(request, "snapshot"))
    one = _chosen(framework_of(country_in_use()), request.GET.get("indicator", "")[:60])
    after = min(_number(request, "after") or 0, indicator_rows.MOST)
    if area is None or part not in indicator_rows.PARTS:
        raise Http404
    found = indicator_rows.rows_of(
        snapshot=head.id, indicator=one.code, area_code=area.code, part=part, after=after, limit=PAGE_SIZE
    )
    audit.record(
        action="monitoring.rows.read", subject=f"snapshot:{head.id}", at=clock.now(),
        details={"indicator": one.code, "area": area.code, "part": part, "rows": len(found.rows)},
    )  # fmt: skip
    called = {a.code: a.called(wording.language()) for a in geo.areas(row.area_code for row in found.rows).values()}
    context = {
        "found": found, "area": area, "place": area.called(wording.language()), "head": head, "after": after,
        "chosen": presenters.definition(one), "rule": one.numerator if part == "numerator" else one.denominator,
        "rows": [{"row": row, "area": called.get(row.area_code, row.area_code)} for row in found.rows],
        "next": after + PAGE_SIZE if after + PAGE_SIZE < found.total else None,
    }  # fmt: skip
    return render(request, "monitoring/rows.html", context)


@session.needs("results.read")
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """Set up to four areas side by side, every indicator a row."""
    head = room.get_snapshot(_number(request, "snapshot"))
    framework = framework_of(country_in_use())
    codes = list(dict.fromkeys(request.GET.getlist("with")))[:MOST_COMPARED]
    found = geo.areas(codes)
    areas = [found[code] for code in codes if code in found]
    columns = [{v.indicator: v for v in room.list_area_values(head.id, a.code) if not v.group_by} for a in areas]
    lines = []
    for one in framework.indicators:
        cells = [column.get(one.code) for column in columns]
        if any(cell is not None for cell in cells):
            known = [cell.value for cell in cells if cell is not None and cell.value is not None]
            lines.append({
                "code": one.code, "name": one.name(wording.language()),
                "cells": [{"text": presenters.shown(one, cell), "is_best": _is_best(one, cell, known)} for cell in cells],
            })  # fmt: skip
    context = {
        "head": head, "areas": [{"code": a.code, "name": a.called(wording.language())} for a in areas], "lines": lines,
        "most": MOST_COMPARED,
    }  # fmt: skip
    return render(request, "monitoring/compare.html", context)


def _is_best(one: Indicator, cell: Any, known: list[float]) -> bool:
    if not one.better or cell is None or cell.value is None or len(known) < 2:
        return False
    return bool(cell.value == (max(known) if one.better == "up" else min(known)))


@session.needs("results.read")
@require_GET
def definitions(request: HttpRequest) -> HttpResponse:
    """Show the results framework: objective, indicator, definition, rules, owner, baseline and target."""
    framework = framework_of(country_in_use())
    tongue = wording.language()
    objectives = [
        {"name": names.get(tongue) or names["en"], "rows": [presenters.definition(one) for one in framework.indicators if one.objective == code]}
        for code, names in framework.objectives.items()
    ]  # fmt: skip
    name = framework.names.get(tongue) or framework.names["en"]
    return render(
        request, "monitoring/definitions.html", {"framework": framework, "name": name, "objectives": objectives}
    )
