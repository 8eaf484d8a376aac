"""Who asks: an app user's token in the address (`key/<token>/…`) or a bearer token; the scope of one request; errors.

Collect is set up by a QR code that holds the address with the token, so that no password is typed in the field. A wrong token
is answered 403: a 401 would make Collect ask for a name and a password that nobody has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from xml.sax.saxutils import escape

from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date

from khana.access import services as access
from khana.interfaces import refusals
from khana.interfaces.api.odk.upload import FileTooLarge
from khana.interfaces.api.v1.problems import problem
from khana.interfaces.errors import translate
from khana.platform import clock
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
XML = "text/xml; charset=utf-8"


def openrosa(response: HttpResponse) -> HttpResponse:
    """Add the headers without which a client takes this for no OpenRosa server."""
    response["X-OpenRosa-Version"] = "1.0"
    response["Date"] = http_date(clock.now().timestamp())
    response["Cache-Control"] = "no-store"
    return response


def message(status: int, text: str, nature: str = "") -> HttpResponse:
    """Return an answer that Collect shows to its user."""
    kind = f' nature="{nature}"' if nature else ""
    body = f'<OpenRosaResponse xmlns="http://openrosa.org/http/response"><message{kind}>{escape(text)}</message></OpenRosaResponse>'
    response = openrosa(HttpResponse(body, status=status, content_type=XML))
    response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, not an accident
    return response


def token_of(request: HttpRequest, key: str = "") -> str:
    """Return the token of a request, from its address or its header; empty where there is none."""
    if key:
        return key
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def told(error: Exception) -> KhanaError | None:
    """Return one of our errors, translated where it is foreign; None for a mistake of ours."""
    known = error if isinstance(error, KhanaError) else translate(error)
    if known is None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _log.error("a mistake of ours: %s at %s", type(error).__name__, place)
    return known


def for_phones(view: View) -> View:
    """Give a view the token; whatever it raises becomes an answer of OpenRosa."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, key: str = "", **kwargs: Any) -> HttpResponse:
        token = token_of(request, key)
        try:
            if not token:
                raise access.NoSession("This address needs a token. Scan the QR code of your telephone page again.")
            return openrosa(view(request, token, *args, **kwargs))
        except Exception as error:
            known = told(error)
            if known is None:
                return message(500, "A mistake of ours. Nothing was half-written; send again later.")
            refusals.note(known, request, token=token)
            status = 403 if isinstance(known, access.NoSession) else known.http_status
            if isinstance(known, FileTooLarge):
                status = 413
            return message(status, known.message, "submit_error")

    guarded.is_public = guarded.csrf_exempt = True  # type: ignore[attr-defined]  # the token is asked for here
    return guarded


def for_analysts(view: View) -> View:
    """Give a view the token; whatever it raises becomes problem JSON."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, key: str = "", **kwargs: Any) -> HttpResponse:
        token = token_of(request, key)
        try:
            if not token:
                raise access.NoSession("Sign in first: POST sessions with email and password.")
            with access.scoped(token):
                return view(request, *args, **kwargs)
        except Exception as error:
            known = told(error)
            if known is None:
                return problem(
                    500, "api.our_mistake", "A mistake of ours. Nothing was half-written; try again or tell us."
                )
            refusals.note(known, request, token=token)
            status = 401 if isinstance(known, access.NoSession) else known.http_status
            return problem(status, known.code, known.message, known.details)

    guarded.is_public = guarded.csrf_exempt = True  # type: ignore[attr-defined]
    return guarded
