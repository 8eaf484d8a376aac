"""Scenarios of the simulator: save a position, set several side by side, take them along as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.assessment import simulator as room
from khana.assessment.services import save_scenario
from khana.geo import area_names as geo
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.simulator import presenters, sliders
from khana.interfaces.web.tags import number, share
from khana.platform import clock
from khana_methods.disclosure.spreadsheets import neutralise
from khana_methods.targeting.simulate import PolicyInvalid

MOST = 5


@session.needs("scenarios.write")
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Save the position of the form under a name."""
    try:
        asked = sliders.read(request.POST)
        position = room.simulate(asked.policy, line=asked.line, cube=asked.cube, survey=asked.survey)
        title = request.POST.get("title", "")[:120]
        save_scenario.save_scenario(title=title, note=request.POST.get("note", ""), position=position, at=clock.now())
    except (PolicyInvalid, save_scenario.TitleMissing) as error:
        flash(request, "danger", error_wording(error))
        return redirect("simulator")
    flash(request, "success", _("The scenario is saved."))
    return redirect("simulator-scenarios")


def _chosen(request: HttpRequest) -> list[room.SavedScenario]:
    numbers = [int(text) for text in request.GET.getlist("s") if text.isdigit()][:MOST]
    found = {one.id: one for one in room.list_scenarios(numbers)} if numbers else {}
    return [found[n] for n in dict.fromkeys(numbers) if n in found]


@session.needs("results.read")
@require_GET
def scenarios(request: HttpRequest) -> HttpResponse:
    """List the saved scenarios; those that are ticked stand side by side above."""
    chosen = _chosen(request)
    me = session.actor_of(request).id
    context = {
        "listed": [
            {"one": one, "is_mine": one.created_by == me, "is_chosen": any(one.id == c.id for c in chosen),
             "households": round(one.outcome["households"]), "cost": round(one.outcome["cost"]), "query": _query(one)}
            for one in room.list_scenarios()
        ],
        "chosen": chosen,
        "rows": _side_by_side(chosen),
        "notes": presenters.notes(),
        "most": MOST,
        "may_save": session.may(request, "scenarios.write"),
    }  # fmt: skip
    return render(request, "simulator/scenarios.html", context)


def _query(one: room.SavedScenario) -> str:
    from urllib.parse import urlencode

    return urlencode({name: value for name, value in sliders.shown(*room.policy_of(one.policy)).items() if value})


def _side_by_side(chosen: list[room.SavedScenario]) -> list[dict[str, Any]]:
    if not chosen:
        return []
    words = _figures()
    rows = [
        {"name": label, "is_head": False, "values": [write(_policy_value(one, name)) for one in chosen]}
        for name, label, write in _policy_words()
    ]
    for name, (label, write) in words.items():
        values = [room.figure(one.outcome, name) for one in chosen]
        if any(value is not None for value in values):
            rows.append({"name": label, "is_head": False, "values": [write(value) for value in values]})
    codes = list(dict.fromkeys(reach["name"] for one in chosen for reach in one.outcome.get("provinces", ())))
    names = geo.areas(codes)
    for code in codes:
        reached = [next((r["reached"] for r in one.outcome["provinces"] if r["name"] == code), None) for one in chosen]
        called = names[code].called(wording.language()) if code in names else code or _("not known")
        label = _("Households in %(area)s") % {"area": called}
        rows.append({"name": label, "is_head": False, "values": [_whole(value) for value in reached]})
    return rows


def _policy_value(one: room.SavedScenario, name: str) -> Any:
    return one.policy.get(name)


def _whole(value: Any) -> str:
    return "–" if value is None else number(round(value))


def _points(value: Any) -> str:
    return "–" if value is None else number(float(value))


def _policy_words() -> list[tuple[str, str, Any]]:
    return [
        ("cut_off", _("Cut-off"), _points), ("benefit", _("Benefit for a household in a month"), _points),
        ("months", _("Months in a year"), _whole), ("quota", _("Quota: households at most"), _whole),
        ("budget", _("Budget of a year"), _whole), ("cap", _("Leave out from so many cash programmes on"), _whole),
        ("disability_points", _("Points off: disability"), _points),
        ("female_head_points", _("Points off: female head"), _points), ("floor", _("Floor of every province"), share),
        ("line", _("Poverty line, one person in a year"), _whole),
    ]  # fmt: skip


def _figures() -> dict[str, tuple[str, Any]]:
    return {
        "households": (_("Households reached"), _whole), "persons": (_("Persons reached"), _whole),
        "cost": (_("Cost in a year"), _whole), "left_by_limit": (_("Left out by quota or budget"), _whole),
        "left_by_cap": (_("Left out by the cap"), _whole), "over_cut_off": (_("Taken over the cut-off by a floor"), _whole),
        "last_score": (_("Last score reached"), _points), "survey.exclusion_error": (_("Poor persons left out"), share),
        "survey.inclusion_error": (_("Of those reached not poor"), share),
        "survey.headcount_after": (_("Poor after the benefit"), share), "survey.gap_after": (_("Poverty gap after"), share),
    }  # fmt: skip


@session.needs("results.read")
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Send scenarios side by side as CSV, with the notes of method."""
    rows = room.exported(_chosen(request))
    text = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row)) or ["part", "figure"]
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([neutralise(name) for name in names])
    for row in rows:
        cells = [row.get(name) for name in names]
        lines.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in cells])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="khana-scenarios.csv"'
    return response


@session.needs("scenarios.write")
@require_POST
def remove(request: HttpRequest, number: int) -> HttpResponse:
    """Remove a scenario of one's own."""
    save_scenario.remove_scenario(scenario=number, at=clock.now())
    flash(request, "success", _("The scenario is removed."))
    return redirect("simulator-scenarios")
