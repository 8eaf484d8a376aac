"""The WSGI entry that the web server loads: one chain for pages, a short one for machines.

Machines bear a token and keep no session, no language and no form: their chain has none of these
and answers in half the time. Both chains translate every error; addresses are the same. Before either, a request is read
whole and waits for its turn, and connections that are slow on purpose are ended (`khana.platform.incoming`, `connections`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application
from django.middleware.security import SecurityMiddleware

from khana.platform import connections
from khana.platform.incoming import Reception

MACHINES = ("/api/", "/dci/", "/registry/", "/sr/", "/ibr/", "/oauth2/", "/.well-known/")
FOR_PEOPLE = ("/api/docs",)


class MachineHandler(WSGIHandler):
    """Django's handler with the security headers as its only middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the short chain."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        inner = convert_exception_to_response(self._get_response)  # type: ignore[attr-defined]
        self._middleware_chain = convert_exception_to_response(SecurityMiddleware(inner))


pages = get_wsgi_application()
machines = MachineHandler()

from khana.interfaces.web.warm import warm  # noqa: E402 - the applications must be ready

warm()


reception = Reception()
_first = threading.Lock()


def by_address(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Hand a request to the chain of its address."""
    path = environ.get("PATH_INFO", "")
    chain = machines if path.startswith(MACHINES) and not path.startswith(FOR_PEOPLE) else pages
    return chain(environ, start_response)


received = reception.wrap(by_address)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Take a request in; the first one of this process begins the watch over its connections."""
    if _first.acquire(blocking=False):
        connections.watch(int(environ.get("SERVER_PORT") or 0), reception.seen, reception.is_pressed)
    return received(environ, start_response)
