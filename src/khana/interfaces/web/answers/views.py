"""The page of the five answers, its outlines for the map, and the rows behind each number."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.dossiers import answers as dossier
from khana.geo import area_names as geo
from khana.interfaces.web import session
from khana.interfaces.web.answers import presenters

WHOLE = "all"


@require_GET
def answers(request: HttpRequest) -> HttpResponse:
    """Show the five numbers, and chart, map and table of one of them."""
    if not session.may(request, "results.read"):
        return render(request, "answers/not_for_you.html")
    key = request.GET.get("answer", "recipients")
    if key not in dossier.FIGURES:
        raise Http404
    found = dossier.five_answers(request.GET.get("area", "")[:40])
    if found is None:
        return render(request, "answers/none_yet.html", {"may_run": session.may(request, "consolidate.run")})
    words = presenters.questions(found)
    panel = dossier.panel(found, key)
    cards = [{"words": words[answer.key], "value": answer.value} for answer in found.answers]
    context = {
        "found": found,
        "key": key,
        "area": found.area.code if found.area and found.area.level else "",
        "place": found.area.called(presenters.language()) if found.area else "",
        "outlines": found.area.code if found.area else WHOLE,
        "way_down": [
            {"code": a.code, "name": a.called(presenters.language()), "level": a.level} for a in found.way_down
        ],
        "cards": cards,
        "words": words[key],
        "value": found.value(key),
        "bars": presenters.bars(found, panel),
        "places": presenters.places(panel),
        "legend": presenters.legend(panel),
        "matrix": presenters.matrix(found, panel) if panel.pairs else None,
        "pairs": presenters.pair_rows(found, panel),
        "connected": presenters.connected_sentence(found.connected),
        "connected_rows": presenters.connected_rows(found),
        "not_connected": presenters.not_connected_sentence(found),
        "may_rows": session.may(request, "recipients.read"),
    }
    return render(request, "answers/answers.html", context)


@lru_cache(maxsize=256)
def _kept(code: str, newest: int) -> str:
    return geo.outlines(code)


@session.needs("results.read")
@require_GET
def outlines(request: HttpRequest, code: str) -> HttpResponse:
    """Return the outlines right below one area as GeoJSON, kept by the browser for an hour."""
    text = _kept("" if code == WHOLE else code, geo.newest_id())
    response = HttpResponse(text, content_type="application/geo+json")
    response["Cache-Control"] = "private, max-age=3600"
    response["ETag"] = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    return response


@lru_cache(maxsize=256)
def _kept_topology(code: str, newest: int) -> str:
    return json.dumps(geo.topology_below(code), separators=(",", ":"))


@session.needs("results.read")
@require_GET
def topology(request: HttpRequest, code: str) -> HttpResponse:
    """Return the outlines right below one area as TopoJSON, kept by the browser for an hour."""
    text = _kept_topology("" if code == WHOLE else code, geo.newest_id())
    response = HttpResponse(text, content_type="application/json")
    response["Cache-Control"] = "private, max-age=3600"
    response["ETag"] = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    return response
