"""`/my-file`: a person sees her own file with her number and a code, without JavaScript and without an account.

Her number, her visit and the key that the code gave her stand encrypted in her own cookie and nowhere else; they are asked of the
database at each page.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.programmes import words
from khana.platform import clock, keys, telephone
from khana.programmes import names
from khana.sharing import citizen
from khana_methods.errors import KhanaError

_HELD = "my-file"
TRIES = limits.Bucket(burst=20, per_minute=6)


def _hold(request: HttpRequest, **what: str) -> None:
    held = {**_held(request), **what}
    request.session[_HELD] = base64.b64encode(keys.encrypt(json.dumps(held))).decode()
    request.session.set_expiry(15 * 60)


def _held(request: HttpRequest) -> dict[str, str]:
    kept = request.session.get(_HELD)
    if not kept:
        return {}
    try:
        found: dict[str, str] = json.loads(keys.decrypt(base64.b64decode(str(kept))))
    except (KhanaError, ValueError):
        return {}
    return found


def _slow(request: HttpRequest) -> None:
    TRIES.take(str(request.META.get("REMOTE_ADDR", "")))


@session.public
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """Ask for the number and send a code; the next page says the same whether or not anybody holds it."""
    if request.method == "GET":
        return render(request, "myfile/start.html", {"error": ""})
    number = request.POST.get("number", "")[:40]
    words = _("Khana: your code is %(code)s. It is good for 15 minutes. Nobody will ever ask you for it.")
    try:
        _slow(request)
        visit = citizen.start(number=number, words=words, at=clock.now())
    except (citizen.NumberUnreadable, telephone.TelephoneSilent, limits.TooMany) as error:
        return render(request, "myfile/start.html", {"error": error_wording(error)}, status=error.http_status)
    _hold(request, number=number, visit=visit, key="")
    return redirect("my-file-code")


@session.public
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code."""
    held = _held(request)
    if not held.get("number"):
        return redirect("my-file")
    if request.method == "GET":
        return render(request, "myfile/code.html", {"error": ""})
    given = "".join(str(int(sign)) for sign in request.POST.get("code", "")[:20] if sign.isdecimal())
    try:
        _slow(request)
        key = citizen.enter(number=held["number"], visit=held.get("visit", ""), code=given, at=clock.now())
    except (citizen.CodeWrong, limits.TooMany) as error:
        return render(request, "myfile/code.html", {"error": error_wording(error)}, status=error.http_status)
    _hold(request, key=key)
    return redirect("my-file-read")


def _file(request: HttpRequest) -> dict[str, Any] | None:
    held = _held(request)
    if not held.get("key"):
        return None
    try:
        return citizen.read(number=held["number"], key=held["key"], at=clock.now())
    except citizen.CodeWrong:
        return None


@session.public
@require_GET
def read(request: HttpRequest) -> HttpResponse:
    """Show her file: registered, score, what the lists say she is paid, her cases, who read it and for what."""
    found = _file(request)
    if found is None:
        return redirect("my-file")
    return render(request, "myfile/read.html", {"file": found, "readers": _readers(found), **_shown(found)})


def _shown(found: Mapping[str, Any]) -> dict[str, Any]:
    household = found.get("household") or {}
    score = household.get("score")
    low = int(float(score)) // 10 * 10 if score is not None else None
    called = names.called()
    return {
        "household": household, "score_from": low, "score_to": low + 10 if low is not None else None,
        "programmes": [_paid(row, called[names.PROGRAMME]) for row in found.get("programmes") or []], "extracts": [_dated(row) for row in found.get("extracts") or []],
        "has_refused": bool(found.get("refusals")), "cases": [_case(row, called) for row in found.get("cases") or []],
        "abouts": list(wording.CASE_ABOUT.items()),
    }  # fmt: skip


def _case(row: Mapping[str, Any], called: Mapping[str, Mapping[str, names.Called]]) -> dict[str, Any]:
    state = wording.say(wording.CASE_STATE, row["state"])
    of = called[names.FILTER if row["kind"] == "APPEAL" else names.PROGRAMME]
    if row["kind"] == "APPEAL":
        state = wording.say({**wording.CASE_STATE, **wording.OWN_APPEAL_STATE}, row["state"])
    return {
        **_dated(row), "what": wording.say(wording.CASE_KIND, row["kind"]), "state": state,
        "about": wording.say(wording.CASE_ABOUT, row["about"]) if row["kind"] == "CORRECTION" else
        "" if row["kind"] == "OBJECTION" else words.called(of, row["about"]),
        "due": date.fromisoformat(row["due"]) if row["due"] and row["is_open"] else None,
        "outcome": wording.say(wording.CASE_OUTCOME, row["outcome"]) if row["outcome"] else "",
    }  # fmt: skip


def _paid(row: Mapping[str, Any], called: Mapping[str, names.Called]) -> dict[str, Any]:
    return {
        **row,
        "name": words.called(called, row["programme"]),
        "paid_on": date.fromisoformat(row["paid_on"]) if row.get("paid_on") else None,
    }


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "at": datetime.fromisoformat(row["at"])}


def _readers(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    purposes = {
        "eligibility": _("to see whether you are eligible"), "enrolment": _("to enrol you"), "payment": _("to pay you"),
        "verification": _("to verify what you stated"), "case_management": _("to follow your case"),
        "monitoring": _("to watch how programmes work"), "research": _("for research"), "statistics": _("for statistics"),
        "emergency": _("in an emergency"),
    }  # fmt: skip
    return [
        {
            **_dated(row),
            "who": row["partner"] or _("an officer of the registry"),
            "purpose": purposes.get(row["purpose"], ""),
        }
        for row in found.get("readers") or []
    ]


@session.public
@require_POST
def say(request: HttpRequest) -> HttpResponse:
    """Object, withdraw consent, end either, or say what is wrong."""
    held = _held(request)
    if not held.get("key"):
        return redirect("my-file")
    try:
        if about := request.POST.get("about", "")[:30]:
            citizen.correct(number=held["number"], key=held["key"], about=about, at=clock.now())
        else:
            citizen.say(number=held["number"], key=held["key"], what=request.POST.get("what", "")[:30], at=clock.now())
    except citizen.CodeWrong:
        return redirect("my-file")
    return redirect("my-file-read")


@session.public
@require_GET
def download(request: HttpRequest) -> HttpResponse:
    """Give her file as JSON."""
    found = _file(request)
    if found is None:
        return redirect("my-file")
    found.pop("person", None)
    response = HttpResponse(json.dumps(found, ensure_ascii=False, indent=1), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="my-file.json"'
    return response


@session.public
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Forget number and key."""
    request.session.pop(_HELD, None)
    return redirect("my-file")
