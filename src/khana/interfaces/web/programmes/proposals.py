"""Proposals of local government by its minutes, and the ministry's answers to them."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import FormUnclear
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.programmes import words
from khana.platform import clock
from khana.programmes import lists as kept
from khana.programmes import names
from khana.programmes.services import proposals as services
from khana_methods.errors import KhanaError

_STATES = ("PROPOSED", "ACCEPTED", "REFUSED")
_MOST = 1000  # households of one meeting


@session.needs("lists.read")
@require_http_methods(["GET", "POST"])
def proposals(request: HttpRequest) -> HttpResponse:
    """Show proposals within the scope, and take those of a meeting."""
    asked = {name: request.POST.get(name, "").strip() for name in ("programme", "minutes", "households")}
    error, status = "", 200
    if request.method == "POST":
        numbers = [number for number in re.split(r"[\s,;]+", asked["households"]) if number][: _MOST + 1]
        try:
            if len(numbers) > _MOST:
                raise FormUnclear(_("A thousand households at most at a time."))
            done = services.propose(
                programme=asked["programme"], households=numbers, minutes=asked["minutes"], at=clock.now()
            )
        except KhanaError as mistake:
            error, status = error_wording(mistake), mistake.http_status
        else:
            told = _("Proposed: %(new)s. Proposed before: %(before)s.")
            flash(request, "success", told % {"new": done["proposed"], "before": done["proposed_before"]})
            return redirect("proposals")
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    state = request.GET.get("state", "") if request.GET.get("state") in _STATES else ""
    found = kept.proposals(state=state)
    audit.record(action="programmes.proposals.read", subject="proposals", details={"rows": len(found)}, at=clock.now())
    called, language = words.proposal_states(), wording.language()
    places = geo.list_area_names(language)
    context = {
        "rows": [{**row, "words": called[row["state"]], "place": places.get(row["area"], row["area"])} for row in found],
        "states": [(name, called[name]) for name in _STATES], "state": state, "asked": asked, "error": error,
        "programmes": [(one.code, one.called(language)) for one in names.catalogue().values()],
        "may_propose": session.may(request, "lists.propose"), "may_answer": session.may(request, "lists.approve"),
    }  # fmt: skip
    return render(request, "programmes/proposals.html", context, status=status)


@session.needs("lists.approve")
@require_POST
def answer(request: HttpRequest, proposal: int) -> HttpResponse:
    """Answer one proposal: accepted, the household may be drawn; refused, with the reason."""
    accepted = request.POST.get("what") == "accept"
    try:
        services.answer(
            proposal=proposal, accepted=accepted, reason=request.POST.get("reason", "")[:2000], at=clock.now()
        )
    except KhanaError as error:
        if error.http_status == 404:
            raise
        flash(request, "warning", error_wording(error))
    else:
        flash(request, "success", _("Accepted.") if accepted else _("Refused."))
    return redirect("proposals")
