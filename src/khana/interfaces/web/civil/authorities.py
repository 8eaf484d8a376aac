"""Authorities that are asked about numbers: what is connected and how, how old extracts are; connect, change, close, ask.

Keys of an identity service are no business of a browser: such an authority is connected by command, and its terms are
changed here.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import services as access
from khana.dossiers.report_files import open_writer
from khana.geo import selectors as geo
from khana.identity import authorities as held
from khana.identity.services import connect as service
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.civil import words
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana_methods.errors import Conflict, InputError, NotFound

REFUSED = (InputError, Conflict, NotFound)
CONNECTED_HERE = ("OFFLINE", "DCI")
_COLUMNS = ("authority", "title", "kind", "address", "per_second", "max_age_days", "needs_consent", "state")


@session.needs("identity.verify", "identity.write")
@require_GET
def authorities(request: HttpRequest) -> HttpResponse:
    """Show what is connected."""
    return _authorities(request)


def _authorities(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    rows = held.list_authorities()
    context = {
        "rows": [{**row, "way": wording.say(words.WAY, row["kind"]), "is_open": row["state"] == "open"} for row in rows],
        "extracts": [{**row, "name": wording.say(words.REGISTER, row["register"])} for row in held.list_extracts()],
        "ways": [(code, wording.say(words.WAY, code)) for code in CONNECTED_HERE],
        "open": [row for row in rows if row["state"] == "open"],
        "may_ask": session.may(request, "identity.verify"),
        "may_connect": session.may(request, "identity.write"),
        "asked": request.POST, "error": error,
    }  # fmt: skip
    return render(request, "civil/authorities.html", context, status=status)


def _done(request: HttpRequest, act: Callable[[], object], said: str) -> HttpResponse:
    """Do one thing and go back to the page, or show there what stands against it."""
    try:
        act()
    except REFUSED as error:
        return _authorities(request, error=error_wording(error), status=error.http_status)
    flash(request, "success", said)
    return redirect("authorities")


def _terms(request: HttpRequest) -> tuple[float, int, bool]:
    """Return rate, age and consent as typed; -1, which the room refuses, where there is no number."""
    rate, age = request.POST.get("per_second", "")[:12], request.POST.get("max_age_days", "")[:6]
    try:
        per_second = float(rate)
    except ValueError:
        per_second = -1.0
    days = int(age) if age.isascii() and age.isdecimal() else -1
    return per_second if math.isfinite(per_second) else -1.0, days, request.POST.get("needs_consent") == "1"


@session.needs("identity.write")
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    """Connect an authority that needs no keys of its own here."""
    said = request.POST
    code, kind = said.get("code", "")[:60].strip(), said.get("kind", "")[:20]
    per_second, days, needs_consent = _terms(request)

    def act() -> None:
        if kind not in CONNECTED_HERE:
            raise held.AuthorityWrong("Choose one of the ways of asking.")
        if code in {row["authority"] for row in held.list_authorities()}:
            raise held.AuthorityWrong("This code was connected before: change its terms in its row.", authority=code)
        registry = said.get("registry", "")[:60].strip()
        terms = service.Terms(
            code=code, kind=kind, title=said.get("title", "")[:200].strip(), settings={"registry": registry} if kind == "DCI" else {},
            per_second=per_second, max_age_days=days, needs_consent=needs_consent,
        )  # fmt: skip
        if kind == "DCI" and not registry:
            raise held.AuthorityWrong("Name the registry that is asked.")
        service.connect(terms=terms, at=clock.now())

    return _done(request, act, _("Kept. The authority can be asked now."))


@session.needs("identity.write")
@require_POST
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Change how an authority is asked; a closed one is open again."""
    per_second, days, needs_consent = _terms(request)

    def act() -> None:
        service.change(code=code, per_second=per_second, max_age_days=days, needs_consent=needs_consent, at=clock.now())

    return _done(request, act, _("Kept. The authority is asked by these terms now."))


@session.needs("identity.write")
@require_POST
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Ask an authority no more."""
    return _done(
        request, lambda: service.close(code=code, at=clock.now()), _("Kept. It is asked no more; its answers stay.")
    )


@session.needs("identity.verify")
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Have an authority asked about every number of an area that it has not answered lately, as a job."""
    said = request.POST
    area = said.get("area", "")[:60].strip()
    try:
        access.require("identity.verify")
        authority = held.get(said.get("authority", "")[:60]).code
        if area:
            geo.get_path(area)
    except REFUSED as error:
        return _authorities(request, error=error_wording(error), status=error.http_status)
    wanted = {"authority": authority, "area": area, "person": None, "again": said.get("anew") == "1", "limit": 0}
    run = jobs.enqueue(kind="verify_identities", arguments=wanted, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


@session.needs("identity.verify", "identity.write")
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Send the table of authorities as CSV; it holds no secret and nobody."""
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    target = io.BytesIO()
    writer = open_writer("csv", target, [(name, "text") for name in _COLUMNS], {})
    writer.write([[row[name] for name in _COLUMNS] for row in held.list_authorities()])
    writer.close()
    response = HttpResponse(target.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="khana-authorities.csv"'
    return response
