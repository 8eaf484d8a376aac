"""The WSGI entry that the web server loads: one chain for pages, a short one for machines.

Machines bear a token and keep no session, no language and no form: their chain has none of these
and answers in half the time. Both chains translate every error; addresses are the same. Before either, a request is read
whole and waits for its turn, and connections that are slow on purpose are ended (`khana.platform.incoming`, `connections`);
then what a proxy says is settled (`khana.interfaces.front`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.security import SecurityMiddleware

from khana.interfaces import front
from khana.platform import connections
from khana.platform.incoming import Reception

MACHINES = ("/api/", "/dci/", "/registry/", "/sr/", "/ibr/", "/oauth2/", "/.well-known/")
FOR_PEOPLE = ("/api/docs",)


NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class SecurityOfMachines(SecurityMiddleware):
    """The security headers of answers that no browser shows, and a refusal where people would be redirected to TLS.

    A program that forgot the `s` of https must hear of it at once: a redirect would hide that it goes on sending
    its token in the clear.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        """Refuse a call without TLS where TLS is demanded."""
        if settings.SECURE_SSL_REDIRECT and not request.is_secure():
            words = "This address answers over https only. Change the address; what you sent may have been read."
            return JsonResponse({"code": "api.tls_needed", "message": words, "details": {}}, status=403)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add what a browser needs to know if it meets such an answer after all."""
        answered = super().process_response(request, response)
        answered.headers.setdefault("Content-Security-Policy", NOTHING)
        answered.headers.setdefault("Cache-Control", "no-store")
        return answered


class MachineHandler(WSGIHandler):
    """Django's handler with the security headers as its only middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the short chain."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(SecurityOfMachines(inner))


pages = get_wsgi_application()
machines = MachineHandler()

from khana.interfaces.web.warm import warm  # noqa: E402 - the applications must be ready

warm()


reception = Reception()
_first = threading.Lock()


def by_address(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand a request to the chain of its address."""
    turned_away = front.refused(environ, start_response)
    if turned_away is not None:
        return turned_away
    front.settle(environ)
    path = environ.get("PATH_INFO", "")
    chain = machines if path.startswith(MACHINES) and not path.startswith(FOR_PEOPLE) else pages
    return chain(environ, start_response)


received = reception.wrap(by_address)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Take a request in; the first one of this process begins the watch over its connections."""
    if _first.acquire(blocking=False):
        connections.watch(int(environ.get("SERVER_PORT") or 0), reception.seen, reception.is_pressed)
    return received(environ, start_response)
