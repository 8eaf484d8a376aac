"""One score explained variable by variable, the desk's button, and overrides by two people."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.assessment import letter
from khana.assessment.services import override_score
from khana.assessment.services.sign_model import SamePerson, SignatureMoved
from khana.audit import services as audit
from khana.dossiers import score_file
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana.workflows import score_household
from khana_methods.errors import KhanaError


@session.needs("scores.read")
@require_GET
def score(request: HttpRequest, number: int) -> HttpResponse:
    """Show one score: its sentences, its parts, whether it can be made again, and who overrode it."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    file = score_file.score_file(number)
    audit.record(action="assessment.score.read", subject=f"score:{number}", at=clock.now())
    told = letter.write(file.score, file.known, file.reckoned, wording.language())
    again = file.reckoned.score if file.reckoned else None
    me = session.actor_of(request).id
    widest = max((abs(row["points"] or 0) for row in told["rows"]), default=0) or 1
    context = {
        "file": file,
        "score": file.score,
        "told": told,
        "rows": [{**row, "width": round(100 * abs(row["points"] or 0) / widest)} for row in told["rows"]],
        "intro": [line for line in told["lines"] if line not in {row["sentence"] for row in told["rows"]}],
        "is_same": again is not None and round(again, 2) == float(file.score.score) and file.reckoned is not None
        and file.reckoned.facts_mark == file.score.facts_mark,
        "is_made_here": file.reckoned is not None,
        "overrides": [{"one": one, "is_mine": one.proposed_by == me} for one in file.overrides],
        "may_override": session.may(request, "scores.override"),
        "may_score": session.may(request, "scores.desk"),
    }  # fmt: skip
    return render(request, "scoring/score.html", context)


@session.needs("scores.desk")
@require_POST
def desk(request: HttpRequest, household: str) -> HttpResponse:
    """Score one household now, with the model in force."""
    try:
        result = score_household.run(token=session.token_of(request), number=household, at=clock.now())
    except KhanaError as error:
        if error.http_status in (403, 404):
            raise
        flash(request, "warning", error_wording(error))
        return redirect("lookup-household", household)
    if result["score"] is None:
        missing = ", ".join([*result["missing"], *result["unseen"]])
        flash(request, "warning", _("No score is possible: %(missing)s.") % {"missing": missing})
        return redirect("lookup-household", household)
    return redirect("scores-score", result["score"])


@session.needs("scores.override")
@require_POST
def override(request: HttpRequest, household: str) -> HttpResponse:
    """Propose that a household counts with another score."""
    try:
        value = Decimal(request.POST.get("score", ""))
        ends_on = date.fromisoformat(request.POST["ends_on"]) if request.POST.get("ends_on") else None
    except (InvalidOperation, ValueError):
        flash(request, "danger", _("Fill in the score as a number and the day as a date."))
        return _back(request, household)
    try:
        override_score.propose_override(
            household=household, score=value, reason=request.POST.get("reason", ""), ends_on=ends_on, at=clock.now()
        )
    except (override_score.ReasonMissing, override_score.ScoreOutsideScale) as error:
        flash(request, "danger", error_wording(error))
    else:
        flash(request, "success", _("Proposed. It counts when another person has confirmed it."))
    return _back(request, household)


@session.needs("scores.override")
@require_POST
def decide(request: HttpRequest, household: str, number: int) -> HttpResponse:
    """Confirm or withdraw a proposal."""
    is_withdrawn = request.POST.get("what") == "withdraw"
    step: Any = override_score.withdraw_override if is_withdrawn else override_score.confirm_override
    try:
        step(override=number, at=clock.now())
    except SamePerson:
        flash(request, "warning", _("You proposed this yourself: another person must confirm it."))
    except SignatureMoved as error:
        flash(request, "warning", error_wording(error))
    else:
        flash(
            request,
            "success",
            _("The proposal is withdrawn.") if is_withdrawn else _("From now on the household counts with this score."),
        )
    return _back(request, household)


def _back(request: HttpRequest, household: str) -> HttpResponse:
    number = request.POST.get("back", "")
    return redirect("scores-score", int(number)) if number.isdigit() else redirect("lookup-household", household)
