"""Sign in with a passkey, or by way of the government's provider.

What a browser must answer with is kept in its signed cookie and taken out at the first answer, whatever that is.
"""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from khana.access import passkeys as keys_of_staff
from khana.access import provider
from khana.access.services import SignInRefused
from khana.interfaces.web import limits, session
from khana.interfaces.web.errors.pages import wording
from khana.interfaces.web.signin.views import enter, gate, origin_of, wanted_page
from khana_methods.errors import KhanaError

RIDDLE, WAY = "riddle", "way"
_MOST_ANSWER = 20_000


def answer_of(request: HttpRequest) -> dict[str, Any]:
    """Return what the browser's passkey said, or nothing where it is no JSON object."""
    text = request.POST.get("answer", "")
    try:
        found = json.loads(text) if len(text) <= _MOST_ANSWER else None
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


@session.public
@require_POST
def passkey_ask(request: HttpRequest) -> HttpResponse:
    """Give the browser a riddle to sign."""
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
    except limits.TooMany as error:
        return JsonResponse({"error": wording(error)}, status=error.http_status)
    asked = keys_of_staff.ask_to_sign_in(origin=origin_of(request))
    request.session[RIDDLE] = asked.riddle
    return HttpResponse(asked.options, content_type="application/json")


@session.public
@require_POST
def passkey(request: HttpRequest) -> HttpResponse:
    """Open a session for the holder of a passkey."""
    riddle, target = str(request.session.pop(RIDDLE, "")), wanted_page(request)
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        token = keys_of_staff.sign_in(answer=answer_of(request), riddle=riddle, origin=origin_of(request))
    except (SignInRefused, limits.TooMany) as error:
        return gate(request, {"next": request.POST.get("next", ""), "error": wording(error)}, status=error.http_status)
    request.session.flush()
    return enter(request, token, target)


def _back(request: HttpRequest) -> str:
    return f"{origin_of(request)}{reverse('provider-back')}"


@session.public
@require_GET
def to_provider(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        asked = provider.ask(back=_back(request))
    except provider.NoProvider:
        return redirect("sign-in")
    except limits.TooMany as error:
        return gate(request, {"error": wording(error)}, status=error.http_status)
    request.session[WAY] = [asked.state, asked.nonce, asked.verifier, wanted_page(request)]
    return HttpResponseRedirect(asked.address)


@session.public
@require_GET
def from_provider(request: HttpRequest) -> HttpResponse:
    """Open a session on the provider's word, for who began here and is linked."""
    way = request.session.pop(WAY, None)
    state, nonce, verifier, target = way if isinstance(way, list) and len(way) == 4 else ("", "", "", "")
    answer = {name: value[:2000] for name, value in request.GET.items() if isinstance(value, str)}
    try:
        limits.SIGN_IN.take(str(request.META.get("REMOTE_ADDR", "")))
        asked = provider.Asked("", state, nonce, verifier)
        token = provider.sign_in(answer=answer, asked=asked, back=_back(request))
    except provider.NoProvider:
        return redirect("sign-in")
    except KhanaError as error:
        return gate(request, {"error": wording(error)}, status=error.http_status)
    request.session.flush()
    return enter(request, token, target or redirect("answers").url)
