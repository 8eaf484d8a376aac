"""The page of the sliders and the part of it that answers each move."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.assessment import simulator as room
from khana.assessment import snapshots
from khana.geo import area_names as geo
from khana.interfaces.web import session, wording
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.simulator import presenters, sliders
from khana_methods.targeting.simulate import PolicyInvalid


@session.needs("results.read")
@require_GET
def simulator(request: HttpRequest) -> HttpResponse:
    """Show the sliders and what their position gives; without JavaScript the button does what a slider does."""
    cubes = snapshots.list_snapshots("CUBE")
    if not cubes:
        return render(request, "simulator/none_yet.html", {"may_run": session.may(request, "scores.run")})
    top = geo.top()
    typed = {name: request.GET.get(name, value)[:40] for name, value in sliders.defaults().items()}
    context = {
        "typed": typed,
        "cubes": [presenters.cube(one) for one in cubes],
        "surveys": snapshots.list_snapshots("SURVEY"),
        "may_save": session.may(request, "scenarios.write"),
        "may_list": session.may(request, "scores.read"),
        "outlines": top.code if top else "all",
        "notes": presenters.notes(),
        **_answer(request),
    }
    return render(request, "simulator/simulator.html", context)


@session.needs("results.read")
@require_GET
def move(request: HttpRequest) -> HttpResponse:
    """Answer one move: the figures, the table of provinces and of tenths."""
    return render(request, "simulator/outcome.html", _answer(request))


def _answer(request: HttpRequest) -> dict[str, Any]:
    try:
        asked = sliders.read(request.GET)
        found = room.simulate(asked.policy, line=asked.line, cube=asked.cube, survey=asked.survey)
    except PolicyInvalid as error:
        return {"problem": error_wording(error)}
    names = geo.areas(reach.name for reach in found.outcome.provinces)
    called = {code: area.called(wording.language()) for code, area in names.items()}
    return presenters.outcome(found, called)
