"""The desk's question before a new file is made, its questions to other areas, and the steward's answers to them.

What is typed goes by POST, so that no address and no log holds it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.audit import services as audit
from khana.dossiers import desk_check
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.linkage import selectors
from khana.linkage.services import openings as questions
from khana.platform import clock, keys
from khana_methods.errors import Conflict, InputError

_TONE = {"ASKED": "info", "OPENED": "good", "REFUSED": "bad"}


def _asked(request: HttpRequest) -> desk_check.Asked:
    year = request.POST.get("birth_year", "").strip()
    return desk_check.Asked(
        request.POST.get("name", "").strip()[:200],
        request.POST.get("guardian_name", "").strip()[:200],
        request.POST.get("sex", "")[:1].upper() if request.POST.get("sex", "") in ("M", "F") else "",
        int(year) if year.isdigit() and len(year) == 4 else None,
        request.POST.get("number", "").strip()[:40],
    )


def _sealed(request: HttpRequest) -> str:
    """Open the number that the page before carried: a number is never shown back, so the question holds it sealed."""
    sealed = request.POST.get("sealed", "")
    try:
        return keys.decrypt(bytes.fromhex(sealed)).decode() if sealed else ""
    except (ValueError, keys.KeyUnknown):
        return ""


def _question(one: selectors.Question) -> dict[str, Any]:
    return {
        "one": one, "state": wording.say(wording.OPENING_STATE, one.state), "tone": _TONE[one.state],
        "sex": wording.say(wording.SEX, one.said.get("sex", "")),
    }  # fmt: skip


@session.needs("registry.write")
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Ask who in the whole country may be this person already; files of the area are shown, of others only that one may be."""
    asked, found, problem = _asked(request), None, ""
    if request.method == "POST" and (asked.name or asked.number):
        try:
            found = desk_check.check(asked, at=clock.now())
        except InputError as error:
            problem = error_wording(error)
    context = {
        "asked": asked,
        "sealed": keys.encrypt(asked.number).hex() if asked.number and found else "",
        "found": found,
        "problem": problem,
        "files": [{"file": one, "sex": wording.say(wording.SEX, one["sex"])} for one in found["files"]]
        if found
        else [],
        "mine": [_question(one) for one in selectors.my_openings()],
        "may_look_up": session.may(request, "registry.read"),
    }
    return render(request, "matching/check.html", context)


@session.needs("registry.write")
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Ask that the file which may exist elsewhere be opened."""
    try:
        asked = replace(_asked(request), number=_sealed(request))
        count = questions.ask(
            said=desk_check.said(asked),
            tokens=desk_check.tokens(asked),
            people=desk_check.likely_elsewhere(asked),
            at=clock.now(),
        )
        said = ngettext(
            "Asked. A steward of the other area will answer here.",
            "Asked for %(count)s files. Stewards of the other areas will answer here.",
            count,
        )
        flash(request, "success", said % {"count": count})
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
    return redirect("matching-check")


@session.needs("linkage.review")
@require_GET
def openings(request: HttpRequest) -> HttpResponse:
    """List what desks of other areas ask about files of this one, each beside the file."""
    waiting = selectors.openings_waiting()
    known = desk_check.files_asked_for(waiting)
    rows = [
        {**_question(one), "file": known[one.person_id], "file_sex": wording.say(wording.SEX, known[one.person_id].sex)}
        for one in waiting if one.person_id in known
    ]  # fmt: skip
    audit.record(action="linkage.openings.read", subject="person:asked", details={"files": len(rows)}, at=clock.now())
    return render(request, "matching/openings.html", {"rows": rows})


@session.needs("linkage.review")
@require_POST
def answer(request: HttpRequest, opening_id: int) -> HttpResponse:
    """Open the file to the desk that asked, or say that it is somebody else's."""
    try:
        outcome = request.POST.get("outcome", "")
        shows = desk_check.opened(opening_id) if outcome == "OPENED" else {}
        questions.answer(opening_id=opening_id, outcome=outcome, shows=shows, at=clock.now())
        flash(request, "success", _("Answered. The desk that asked reads it on its page."))
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
    return redirect("matching-openings")
