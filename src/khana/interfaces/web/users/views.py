"""The list of users for an administrator; make one, give new secrets, close, end a grant.

A password and the second factor are shown once, on the answer itself, and kept nowhere: not in
the session and not in the address.
"""

from __future__ import annotations

import io

import segno
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import selectors as who
from khana.access import services as access
from khana.access.roles import catalogue
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import KhanaError


@session.needs("users.read")
@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Show every user with her grants."""
    return _list(request)


def _list(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    context = {
        "users": [
            {"user": user, "roles": [(held, wording.say(wording.ROLES, held.role)) for held in user.grants]}
            for user in who.list_users()
        ],
        "roles": [(name, wording.say(wording.ROLES, name)) for name in catalogue().roles],
        "may_manage": session.may(request, "users.manage"),
        "asked": request.POST,
        "error": error,
    }
    return render(request, "users/users.html", context, status=status)


@session.needs("users.manage")
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Make a user and show her secrets once."""
    try:
        made = access.add_user(
            username=request.POST.get("username", "")[:60],
            display_name=request.POST.get("display_name", "")[:120],
            role=request.POST.get("role", ""),
            area_code=request.POST.get("area", "").strip()[:40],
            agency=request.POST.get("agency", "").strip()[:60],
            language=request.POST.get("language", "en"),
            at=clock.now(),
        )
    except KhanaError as error:
        return _list(request, error=error_wording(error), status=error.http_status)
    return _secrets(request, made)


@session.needs("users.manage")
@require_POST
def renew(request: HttpRequest, username: str) -> HttpResponse:
    """Give a user a new password and second factor and show them once."""
    return _secrets(request, access.reset_password(username=username, at=clock.now()))


def _secrets(request: HttpRequest, made: access.NewUser) -> HttpResponse:
    picture = io.BytesIO()
    segno.make(made.otpauth_uri, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=2, dark="#17282b"
    )
    secret = made.otpauth_uri.split("secret=")[1].split("&")[0]
    context = {
        "made": made,
        "picture": picture.getvalue().decode(),
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
    }
    return render(request, "users/secrets.html", context)


@session.needs("users.manage")
@require_POST
def activity(request: HttpRequest, username: str) -> HttpResponse:
    """Close a user with all her sessions, or open her again."""
    is_active = request.POST.get("active") == "1"
    access.set_active(username=username, active=is_active, at=clock.now())
    flash(
        request,
        "success",
        _("The user is open again.") if is_active else _("The user is closed; her sessions have ended."),
    )
    return redirect("users")
