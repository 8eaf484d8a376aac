"""A line in the log for everybody who was turned away: which rule, at which address, from where, by whose session.

Written where errors become answers, because the transaction that would have held an event was rolled back with them.
The address is the pattern of the route and never what was typed into it; a bearer token is named by a part of its hash,
by which its session can be found in the database.
"""

from __future__ import annotations

import hashlib
import logging

from django.http import HttpRequest

from khana_methods.errors import KhanaError, NotPermitted

_log = logging.getLogger("khana.refusals")
TOO_FAST = frozenset({"web.too_many", "api.too_many"})


def of_token(token: str) -> str:
    """Return the name by which a log speaks of a token: the first figures of its hash in the database."""
    return hashlib.sha256(token.encode()).hexdigest()[:12] if token else "-"


def note(
    error: KhanaError, request: HttpRequest, *, actor: object = "-", token: str = "", reference: str = "-"
) -> None:
    """Write one line if somebody was refused or asked too fast; other errors are none of this."""
    if not isinstance(error, NotPermitted) and error.code not in TOO_FAST:
        return
    route = getattr(request.resolver_match, "route", "") or "?"
    permission = str(error.details.get("permission", "")) or "-"
    _log.warning(
        "refused %s (%s) at %s %s: actor %s, session %s, from %s, reference %s",
        error.code, permission, request.method, route, actor, of_token(token),
        request.META.get("REMOTE_ADDR", "?"), reference,
    )  # fmt: skip
