"""Every page of a signed-in user runs in one transaction under her token; errors become pages.

A view is behind sign-in unless it is marked public; who does nothing for an hour is signed out. Whatever it raises rolls the transaction
back, is translated by the one table of errors and shown with a reference; the text of a foreign
error is neither shown nor logged, because it may hold a value.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from khana.access import mandates
from khana.access import selectors as who
from khana.access import services as access
from khana.access.functions import NOBODY
from khana.interfaces import refusals
from khana.interfaces.errors import translate
from khana.interfaces.web import session
from khana.interfaces.web.errors.pages import error_page
from khana.platform import clock
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)
Respond = Callable[[HttpRequest], HttpResponse]


class ScopedRequests:
    """Opens the scope of the session's token around each view that needs one."""

    def __init__(self, get_response: Respond) -> None:
        """Keep the rest of the chain."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; pages of people are never kept by a cache."""
        request.reference = secrets.token_hex(4)  # type: ignore[attr-defined]
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse:
        """Run the view: inside the scope of the signed-in user, or in the open if it is public."""
        try:
            if getattr(view, "is_public", False):
                return view(request, *args, **kwargs)
            token = session.token_of(request)
            if not token:
                return _to_sign_in(request)
            if session.is_idle(request, clock.now()):
                access.sign_out(token=token)
                raise access.NoSession(NOBODY)
            session.was_seen(request, clock.now())
            with access.scoped(token):
                mandates.name(purpose=session.purpose_of(request), request=request.reference)  # type: ignore[attr-defined]
                request.actor = who.me()  # type: ignore[attr-defined]
                return view(request, *args, **kwargs)
        except access.NoSession:
            request.session.flush()
            return session.forget_pages(_to_sign_in(request))
        except (Http404, PermissionDenied):
            raise
        except Exception as error:
            return _shown(request, error)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    target = f"{reverse('sign-in')}?{urlencode({'next': request.get_full_path()})}"
    if request.headers.get("HX-Request"):
        response = HttpResponse(status=200)
        response["HX-Redirect"] = target
        return response
    return redirect(target)


def _shown(request: HttpRequest, error: Exception) -> HttpResponse:
    known = error if isinstance(error, KhanaError) else translate(error)
    reference = request.reference  # type: ignore[attr-defined]
    if known is not None:
        actor = getattr(getattr(request, "actor", None), "id", "-")
        refusals.note(known, request, actor=actor, token=session.token_of(request), reference=reference)
    if known is None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        _log.error("reference %s: %s at %s", reference, type(error).__name__, place)
    return error_page(request, known)
