"""The office of one user: roles given, confirmed and ended; trainings and undertakings recorded and withdrawn."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import offices, passkeys, provider
from khana.access import selectors as who
from khana.access import services as access
from khana.access.roles import catalogue
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError, NotFound


class DayWrong(InputError):
    """A day is not a date."""

    code: ClassVar[str] = "web.users.day_wrong"


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        raise DayWrong(_("A day is written as 2026-11-30.")) from error


@session.needs("users.read")
@require_GET
def office(request: HttpRequest, username: str) -> HttpResponse:
    """Show what one user holds."""
    return _office(request, username)


def _office(request: HttpRequest, username: str, *, error: str = "", status: int = 200) -> HttpResponse:
    user = next((one for one in who.list_users() if one.username == username.lower()), None)
    if user is None:
        raise access.AccessNotFound("There is no such user.")
    context = {
        "user": user,
        "roles": [(held, wording.say(wording.ROLES, held.role)) for held in user.grants],
        "clearances": [(one, wording.say(wording.CLEARANCE, one.kind)) for one in offices.clearances(user.username)],
        "passkeys": passkeys.passkeys(user.username),
        "links": provider.links(user.username),
        "provider": provider.in_force(),
        "catalogue": [
            (name, wording.say(wording.ROLES, name)) for name, role in catalogue().roles.items() if not role.machine
        ],
        "purposes": [(name, wording.say(wording.WORK, name)) for name in catalogue().purposes],
        "kinds": list(wording.CLEARANCE.items()),
        "may_manage": session.may(request, "users.manage"),
        "may_confirm": session.may(request, "grants.confirm"),
        "asked": request.POST,
        "error": error,
    }
    return render(request, "users/office.html", context, status=status)


def _back(request: HttpRequest) -> HttpResponse:
    return redirect(reverse("users-office", args=[request.POST.get("username", "")[:60] or "-"]))


@session.needs("users.manage")
@require_POST
def give(request: HttpRequest, username: str) -> HttpResponse:
    """Give one more role; a strong one waits for a second person."""
    field = {
        name: request.POST.get(name, "").strip()[:60] for name in ("role", "area", "agency", "programme", "purpose")
    }
    until = request.POST.get("until", "")
    try:
        given = offices.give(
            username=username, role=field["role"], area_code=field["area"], agency=field["agency"],
            programme=field["programme"], purpose=field["purpose"],
            valid_to=datetime.combine(_day(until) + timedelta(days=1), time(), UTC) if until else None, at=clock.now(),
        )  # fmt: skip
    except (InputError, Conflict, NotFound) as error:
        return _office(request, username, error=error_wording(error), status=error.http_status)
    words = _("Kept. The role counts when a second person has confirmed it.") if given.waits else _("Kept.")
    flash(request, "success", words)
    return redirect(reverse("users-office", args=[username]))


@session.needs("grants.confirm")
@require_POST
def confirm(request: HttpRequest, grant: int) -> HttpResponse:
    """Confirm, as the second person, what somebody else gave."""
    offices.confirm(grant=grant, at=clock.now())
    flash(request, "success", _("Confirmed. The role counts from now on."))
    return _back(request)


@session.needs("users.manage")
@require_POST
def end(request: HttpRequest, grant: int) -> HttpResponse:
    """End a role now."""
    access.end_grant(grant=grant, at=clock.now())
    flash(request, "success", _("The role has ended."))
    return _back(request)


@session.needs("users.manage")
@require_POST
def clear(request: HttpRequest, username: str) -> HttpResponse:
    """Record a training or an undertaking."""
    paper = request.FILES.get("paper")
    try:
        offices.clear(
            username=username,
            kind="UNDERTAKING" if request.POST.get("kind") == "UNDERTAKING" else "TRAINING",
            title=request.POST.get("title", "")[:120],
            completed_on=_day(request.POST.get("on", "")),
            expires_on=_day(request.POST.get("until", "")),
            paper=paper.read(20_000_000) if paper else b"",
            at=clock.now(),
        )
    except InputError as error:
        return _office(request, username, error=error_wording(error), status=error.http_status)
    flash(request, "success", _("Kept."))
    return redirect(reverse("users-office", args=[username]))


@session.needs("users.manage")
@require_POST
def withdraw(request: HttpRequest, clearance: int) -> HttpResponse:
    """Withdraw a training or an undertaking; the names are locked at once."""
    offices.withdraw_clearance(clearance=clearance, at=clock.now())
    flash(request, "success", _("Withdrawn. Names are locked for this user."))
    return _back(request)


@session.needs("users.manage")
@require_POST
def link(request: HttpRequest, username: str) -> HttpResponse:
    """Say who a user is at the government's provider, or end the link where nothing is said."""
    subject = request.POST.get("subject", "").strip()[:255]
    try:
        if subject:
            provider.link(username=username, subject=subject, at=clock.now())
        else:
            provider.unlink(username=username, at=clock.now())
    except (InputError, Conflict, NotFound) as error:
        return _office(request, username, error=error_wording(error), status=error.http_status)
    flash(request, "success", _("Kept."))
    return redirect(reverse("users-office", args=[username]))
