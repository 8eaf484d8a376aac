"""Token, key set and places: what a partner's system asks for before it asks anything else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from khana.interfaces.api.dci import reading
from khana.interfaces.api.v1.bearer import Limit, TooMany
from khana.platform import clock
from khana.sharing import own_keys
from khana.sharing.services import partners

LIFE = 3600
_TRIES = Limit(burst=30, per_second=5.0)


def _oauth_error(status: int, code: str, why: str) -> HttpResponse:
    at = clock.now()
    response = reading.refusal("err.request.unauthorized" if status == 401 else "err.request.bad", why, at=at)
    body = {**json.loads(response.content), "error": code, "error_description": why}
    made = reading.answer(status, body)
    made["Pragma"] = "no-cache"
    if status == 401:
        made["WWW-Authenticate"] = 'Basic realm="khana"'
    return made


def _client(request: HttpRequest) -> tuple[str, str]:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return name, secret
    return request.POST.get("client_id", ""), request.POST.get("client_secret", "")


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Give a token for client credentials (RFC 6749 section 4.4)."""
    if request.method != "POST":
        made = _oauth_error(405, "invalid_request", "This address takes POST.")
        made["Allow"] = "POST"
        return made
    if request.content_type == "application/x-www-form-urlencoded":
        kind = request.POST.get("grant_type", "")
        client_id, secret = _client(request)
    else:
        return _oauth_error(
            400, "invalid_request", "Send a form: grant_type=client_credentials, client_id, client_secret."
        )
    if kind != "client_credentials":
        return _oauth_error(400, "unsupported_grant_type", "Only client_credentials is given here.")
    try:
        _TRIES.take(hashlib.sha256(client_id.encode()).digest()[:16])
    except TooMany:
        return _oauth_error(429, "slow_down", "Too many tries; wait a little.")
    if not client_id or not secret or len(client_id) > 99 or len(secret) > 200 or "\x00" in client_id + secret:
        return _oauth_error(401, "invalid_client", "The client is unknown or the secret is wrong.")
    granted = partners.client_token(client_id=client_id, client_secret=secret, seconds=LIFE)
    if granted is None:
        return _oauth_error(401, "invalid_client", "The client is unknown or the secret is wrong.")
    return reading.answer(200, {"access_token": granted, "token_type": "Bearer", "expires_in": LIFE})


token.is_public = True  # type: ignore[attr-defined]


def jwks(request: HttpRequest) -> HttpResponse:
    """Show our public keys."""
    response = reading.answer(200, own_keys.public_set())
    response["Cache-Control"] = "public, max-age=300"
    return response


jwks.is_public = True  # type: ignore[attr-defined]


def locations(request: HttpRequest) -> HttpResponse:
    """Show where the registries are."""
    base = f"{request.scheme}://{request.get_host()}"
    body: dict[str, Any] = {
        "sr": {"base": f"{base}/dci/sr/v1.0.0", "version": "1.0.0"},
        "ibr": {"base": f"{base}/dci/ibr/v1.0.0", "version": "1.0.0"},
        "token": f"{base}/oauth2/client/token",
        "jwks": f"{base}/.well-known/jwks.json",
    }
    return reading.answer(200, body)


locations.is_public = True  # type: ignore[attr-defined]
