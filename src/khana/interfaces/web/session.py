"""The signed-in user of a request: an opaque token in the session cookie, resolved by the database.

The actor of every call comes from here and from nowhere else, above all never from a form.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from khana.access.selectors import Me
from khana.access.services import PermissionMissing

TOKEN = "token"  # noqa: S105 - the name of a key, not a secret
PENDING = "pending"
CHOOSING = "choosing"
PURPOSE = "purpose"
SEEN = "seen"
IDLE = timedelta(hours=1)  # NIST SP 800-63B-4, section 2.2.3: an hour without anything done at level two
_NOTED_EACH = timedelta(minutes=1)
View = Callable[..., HttpResponse]


def token_of(request: HttpRequest) -> str:
    """Return the token of a fully signed-in session, or an empty text."""
    return str(request.session.get(TOKEN, ""))


def purpose_of(request: HttpRequest) -> str:
    """Return what the signed-in user said that she works for, or an empty text."""
    return str(request.session.get(PURPOSE, ""))


def is_idle(request: HttpRequest, at: datetime) -> bool:
    """Say whether nothing was asked in this session for an hour; the moment stands in the signed cookie."""
    seen = request.session.get(SEEN)
    return isinstance(seen, int) and at.timestamp() - seen > IDLE.total_seconds()


def was_seen(request: HttpRequest, at: datetime) -> None:
    """Note that something was asked now, once a minute at most."""
    seen = request.session.get(SEEN)
    if not isinstance(seen, int) or at.timestamp() - seen >= _NOTED_EACH.total_seconds():
        request.session[SEEN] = int(at.timestamp())


def forget_pages(response: HttpResponse) -> HttpResponse:
    """Ask the browser to drop what it kept of our pages; sealed drafts stay, for her who comes back."""
    response["Clear-Site-Data"] = '"cache"'
    return response


def actor_of(request: HttpRequest) -> Me:
    """Return who acts in this request; only views behind sign-in may ask."""
    actor: Me = request.actor  # type: ignore[attr-defined]
    return actor


def public(view: View) -> View:
    """Mark a view that nobody needs to sign in for."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def needs(*permissions: str) -> Callable[[View], View]:
    """Refuse a view to whoever holds none of the permissions; row security still decides about rows."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not any(permission in actor_of(request).permissions for permission in permissions):
                raise PermissionMissing(
                    f"You may not open this page: it needs the permission '{permissions[0]}'.",
                    permission=permissions[0],
                )
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def may(request: HttpRequest, permission: str) -> bool:
    """Say whether the actor holds a permission anywhere."""
    return permission in actor_of(request).permissions
