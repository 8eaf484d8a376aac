"""The model store and a model's card: what it is made of, how well it does, who signed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.assessment import model_store, runs, studies
from khana.assessment.letter import points
from khana.assessment.services import sign_model
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, installation
from khana_methods.errors import KhanaError
from khana_methods.pmt.model import Bands, Cumulative, Dummy, Effect, Levels, Linear


@session.needs("models.read")
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """List the versions of the store, what waits for a signature, and the scorings of the registry."""
    current = model_store.find_in_force(installation.today(clock.now()))
    waiting = model_store.open_proposals()
    listed = runs.list_runs(limit=20)
    context = {
        "current": current,
        "known": [
            {"one": one, "is_current": bool(current and current.known.id == one.id), "variables": len(one.model.variables)}
            for one in model_store.list_models()
        ],
        "waiting": [{"known": known, "signed": signed} for known, signed in waiting],
        "runs": [{"run": run, "state": wording.say(_states(), run.state), "summary": run.summary} for run in listed],
        "may_run": session.may(request, "scores.run") and current is not None,
        "may_watch": session.may(request, "scores.run"),
        "may_fit": session.may(request, "models.write"),
    }  # fmt: skip
    return render(request, "scoring/models.html", context)


def _states() -> dict[str, str]:
    return {"RUNNING": _("running"), "DONE": _("done"), "FAILED": _("failed")}


@session.needs("models.read")
@require_GET
def card(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """Show one model's card."""
    known = model_store.model_of_code(code, version)
    signed = model_store.signatures_of(known.id)
    current = model_store.find_in_force(installation.today(clock.now()))
    run = runs.latest_run(model_id=known.id)
    drifts = studies.list_studies("DRIFT", model_id=known.id)
    me = session.actor_of(request).id
    context = {
        "known": known,
        "model": known.model,
        "is_current": bool(current and current.known.id == known.id),
        "variables": [_variable(known, variable) for variable in known.model.variables],
        "signed": [{"one": one, "is_mine": one.proposed_by == me} for one in signed],
        "unmade": sign_model.unmade(known),
        "figures": [(name.replace("_", " "), value) for name, value in known.card.items() if not isinstance(value, dict | list)],
        "tables": [table for table in _tables(known.card) if table["key"] not in _SHOWN],
        "errors": _errors(known.card),
        "equity": _equity(known.card),
        "weaknesses": list(known.card.get("weaknesses") or ()),
        "run": run,
        "moved": runs.moved_since_first(known.id),
        "drifts": drifts,
        "drift": drifts[0] if drifts else None,
        "may_judge": session.may(request, "models.write"),
        "missing": sorted(run.summary.get("missing", {}).items(), key=lambda row: -row[1]) if run else [],
        "likelihoods": list(known.model.likelihoods),
        "may_sign": session.may(request, "models.activate"),
        "is_waiting": any(one.is_open for one in signed),
        "today": installation.today(clock.now()).isoformat(),
        "months": sign_model.RECERTIFY_MONTHS,
    }  # fmt: skip
    return render(request, "scoring/card.html", context)


def _variable(known: model_store.KnownModel, variable: Any) -> dict[str, Any]:
    ends = variable.effect.extremes()
    return {
        "code": variable.code, "label": known.label(variable.code, wording.language()), "adds": _effect(variable.effect),
        "least": points(ends[0]) if ends else "", "most": points(ends[1]) if ends else "", "missing": variable.missing,
        "made_of": variable.expression,
    }  # fmt: skip


def _effect(effect: Effect) -> list[tuple[str, str]]:
    """Return what an effect adds, as pairs of a value and its points."""
    match effect:
        case Levels(points=table):
            return [(level.replace("_", " "), points(value)) for level, value in table.items()]
        case Bands(points=steps):
            return [(f"≥ {start:g}", points(value)) for start, value in steps]
        case Dummy(coefficient=value):
            return [(_("yes"), points(value))]
        case Cumulative():
            return [(level.replace("_", " "), points(value)) for level, value in effect.totals().items()]
        case Linear(coefficient=value, at_least=low, at_most=high):
            held = (
                ""
                if low is None and high is None
                else f" ({'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'})"
            )
            return [(_("each") + held, points(value))]


_SHOWN = frozenset({"errors", "equity", "missing", "signatures"})  # these have a place of their own on the page


def _errors(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the errors at every cut-off by quantile: inside the sample and outside, a row for each poor share."""
    found: dict[float, dict[str, Any]] = {}
    for row in figures.get("errors") or ():
        if row.get("mode") == "quantile" and row.get("sample") in ("in", "out"):
            found.setdefault(row["poor_share"], {"share": row["poor_share"]})[row["sample"]] = row
    for row in figures.get("errors") or ():
        if row.get("mode") == "absolute" and row.get("sample") == "out" and row["poor_share"] in found:
            found[row["poor_share"]]["absolute"] = row
    return [row for _share, row in sorted(found.items()) if "in" in row and "out" in row]


def _equity(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the errors by group, outside the sample."""
    return [row for row in figures.get("equity") or () if isinstance(row, dict) and "group" in row]


def _tables(figures: Any) -> list[dict[str, Any]]:
    """Return the tables of a fit's figures that are lists of equal rows."""
    found = []
    for name, value in figures.items():
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            columns = list(value[0])
            rows = [[_cell(row.get(column)) for column in columns] for row in value[:60]]
            found.append(
                {
                    "key": name,
                    "name": name.replace("_", " "),
                    "columns": [c.replace("_", " ") for c in columns],
                    "rows": rows,
                }
            )
    return found


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


@session.needs("models.activate")
@require_POST
def propose(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """Sign first."""
    try:
        first = date.fromisoformat(request.POST.get("from", ""))
        last = date.fromisoformat(request.POST["to"]) if request.POST.get("to") else None
        months = int(request.POST.get("months", "") or sign_model.RECERTIFY_MONTHS)
    except ValueError:
        flash(request, "danger", _("Fill in the days as dates and the months as a number."))
        return redirect("models-card", code, version)
    try:
        sign_model.propose_activation(
            code=code, version=version, effective_from=first, effective_to=last, recertify_months=months,
            note=request.POST.get("note", "")[:2000], at=clock.now(),
        )  # fmt: skip
    except (sign_model.DaysInvalid, sign_model.ModelNotOfFacts) as error:
        flash(request, "danger", error_wording(error))
    else:
        flash(request, "success", _("You have signed first. Another person signs second."))
    return redirect("models-card", code, version)


@session.needs("models.activate")
@require_POST
def sign(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """Sign second, or withdraw."""
    number = int(request.POST["activation"]) if request.POST.get("activation", "").isdigit() else 0
    is_withdrawn = request.POST.get("what") == "withdraw"
    try:
        step = sign_model.withdraw_activation if is_withdrawn else sign_model.confirm_activation
        step(activation=number, at=clock.now())
    except (sign_model.SamePerson, sign_model.SignatureMoved) as error:
        flash(request, "warning", _told(error))
    else:
        flash(
            request,
            "success",
            _("The proposal is withdrawn.") if is_withdrawn else _("The model is in force from its day."),
        )
    return redirect("models-card", code, version)


def _told(error: KhanaError) -> str:
    if isinstance(error, sign_model.SamePerson):
        return _("You proposed this yourself: the second signature must be another person’s.")
    return error_wording(error)
