"""Disasters: those that were notified, a notification with its outline drawn on a map, and the draw that answers one."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.geo import area_names
from khana.geo import selectors as geo
from khana.interfaces.web import session, wording
from khana.interfaces.web.answers.views import WHOLE
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import FormUnclear
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana.programmes import lists as kept
from khana.programmes import names
from khana.programmes.services import disasters as services
from khana_methods.errors import KhanaError

_LEVELS = (1, 2, 3, 4)
_LARGEST = 2 << 20  # of an outline that is pasted or uploaded
_FIELDS = ("code", "title", "programme", "notification", "starts_on", "ends_on", "areas", "outline", "level")


@session.needs("results.read")
@require_GET
def disasters(request: HttpRequest) -> HttpResponse:
    """Show the disasters that were notified, with the lists that answered them."""
    answered: dict[int, list[kept.KnownList]] = {}
    if session.may(request, "lists.read"):
        for one in kept.list_lists(limit=500):
            if one.event_id:
                answered.setdefault(one.event_id, []).append(one)
    called = geo.list_area_names(wording.language())
    rows = [
        {"event": event, "areas": [called.get(code, code) for code in event.areas], "lists": answered.get(event.id, [])}
        for event in kept.list_events()
    ]
    may = session.may(request, "lists.draw")
    return render(request, "programmes/disasters.html", {"rows": rows, "may_draw": may})


@session.needs("lists.draw")
@require_http_methods(["GET", "POST"])
def notify(request: HttpRequest) -> HttpResponse:
    """Ask for a notification and keep it: areas by their codes, by an outline drawn or uploaded, or both."""
    asked = {name: request.POST.get(name, "").strip()[:_LARGEST] for name in _FIELDS}
    error, status = "", 200
    if request.method == "POST":
        try:
            done = _notify(request, asked)
        except KhanaError as mistake:
            error, status = error_wording(mistake), mistake.http_status
        else:
            flash(request, "success", _("The disaster is notified. Areas: %(n)s.") % {"n": len(done["areas"])})
            return redirect("disasters")
    language = wording.language()
    context = {
        "asked": asked, "error": error, "levels": _LEVELS, "level": asked["level"] or "2", "outlines": WHOLE,
        "programmes": [(one.code, one.called(language)) for one in names.catalogue().values()],
        "top": area_names.top(),
    }  # fmt: skip
    return render(request, "programmes/notify.html", context, status=status)


def _notify(request: HttpRequest, asked: dict[str, str]) -> dict[str, Any]:
    sent = request.FILES.get("file")
    text = sent.read(_LARGEST + 1).decode("utf-8", "replace") if sent is not None else asked["outline"]
    level = asked["level"] if asked["level"] in {str(one) for one in _LEVELS} else "2"
    return services.notify(
        code=asked["code"][:60], title=asked["title"][:200] or asked["code"][:60], programme=asked["programme"],
        notification=asked["notification"][:200], starts_on=_day(asked["starts_on"], _("first day")),
        ends_on=_day(asked["ends_on"], _("last day")) if asked["ends_on"] else None,
        areas=[code for code in re.split(r"[\s,;]+", asked["areas"]) if code][:5000], outline=_outline(text), level=int(level),
        at=clock.now(),
    )  # fmt: skip


def _day(text: str, which: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FormUnclear(_("The %(which)s is no day. Write it as 2026-11-30.") % {"which": which}) from error


def _outline(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    if len(text) > _LARGEST:
        raise FormUnclear(_("The outline is larger than two megabytes. Simplify it, or name the areas."))
    try:
        read = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FormUnclear(_("The outline is no GeoJSON.")) from error
    if not isinstance(read, dict):
        raise FormUnclear(_("The outline is no GeoJSON."))
    return read


@session.needs("lists.draw")
@require_POST
def draw(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the job that draws a list for a disaster; who has a benefit of it already is left out."""
    kept.get_event(code)
    run = jobs.enqueue(
        kind="answer_disaster", arguments={"event": code}, actor=session.actor_of(request), at=clock.now()
    )
    return redirect("jobs-job", run)
