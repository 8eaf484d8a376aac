"""One's own passkeys: make one on this device, see them, take one out of use."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from khana.access import passkeys
from khana.interfaces.web import session
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording
from khana.interfaces.web.signin.doors import RIDDLE, answer_of
from khana.interfaces.web.signin.views import origin_of
from khana.platform import clock
from khana_methods.errors import Conflict, InputError, NotFound


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Give the browser what it makes a passkey with."""
    try:
        asked = passkeys.ask_for_new(me=session.actor_of(request), origin=origin_of(request))
    except Conflict as error:
        return HttpResponse(wording(error), status=error.http_status, content_type="text/plain; charset=utf-8")
    request.session[RIDDLE] = asked.riddle
    return HttpResponse(asked.options, content_type="application/json")


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep the passkey that the browser made."""
    riddle = str(request.session.pop(RIDDLE, ""))
    try:
        passkeys.add(
            answer=answer_of(request), riddle=riddle, origin=origin_of(request),
            name=request.POST.get("name", "")[:60], at=clock.now(),
        )  # fmt: skip
    except (InputError, Conflict) as error:
        flash(request, "danger", wording(error))
        return redirect("office")
    flash(request, "success", _("Kept. From now on you can sign in with this passkey."))
    return redirect("office")


@require_POST
def remove(request: HttpRequest, passkey: int) -> HttpResponse:
    """Take a passkey out of use: one's own, or anybody's for who keeps users."""
    username = request.POST.get("username", "")[:60]
    try:
        passkeys.remove(passkey=passkey, at=clock.now())
    except NotFound as error:
        flash(request, "danger", wording(error))
    else:
        flash(request, "success", _("Removed. It opens no door any more."))
    return redirect("users-office", username) if username else redirect("office")
