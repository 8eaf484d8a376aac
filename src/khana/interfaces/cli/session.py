"""Who acts: the token of a command and the scope it opens.

The token comes from `KHANA_TOKEN`, else from `khana login` (one saved login a var folder, in
`~/.config/khana`, 0600), else from the operator (for `khana users` the administrator) that `khana up`
made for this folder in development. Everything a command reads or writes happens inside `acting()`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from khana.platform import places
from khana_methods.errors import NotPermitted

if TYPE_CHECKING:
    from khana.access.selectors import Me


_NOBODY = (
    "Nobody is logged in for this folder. Run `khana login`, or set KHANA_TOKEN, "
    "or run `khana up` for a sample country with an operator of its own."
)


class NobodyLoggedIn(NotPermitted):
    """No token was found, so there is no scope to act in."""

    code: ClassVar[str] = "cli.nobody_logged_in"


def setup() -> None:
    """Load Django as the role `khana_worker`; does nothing the second time."""
    os.environ.setdefault("KHANA_DB_ROLE", "worker")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()


def saved_path() -> Path:
    """Return where the login for this var folder is saved."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    mark = hashlib.sha256(str(places.var()).encode()).hexdigest()[:16]
    return base / "khana" / mark / "token"


def operator_path() -> Path:
    """Return where `khana up` keeps the operator's token of this folder in development."""
    return places.var() / "run" / "operator.token"


def administrator_path() -> Path:
    """Return where `khana up` keeps the sample administrator's token, for `khana users` alone."""
    return places.var() / "run" / "administrator.token"


def find_token(*, for_users: bool = False) -> str:
    """Return the token to act with.

    Args:
        for_users: The work is about users: of the sample's tokens the administrator's is taken.

    Raises:
        NobodyLoggedIn: There is none; the message says the three ways to get one.
    """
    given = os.environ.get("KHANA_TOKEN", "").strip()
    if given:
        return given
    places_to_look: list[Path] = [saved_path(), operator_path()]
    if for_users:
        places_to_look.insert(1, administrator_path())
    for path in places_to_look:
        if path.is_file():
            return path.read_text().strip()
    raise NobodyLoggedIn(_NOBODY)


def save_token(value: str) -> Path:
    """Save a login for this var folder, readable by its owner only; return where."""
    path = saved_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(value + "\n")
    temporary.replace(path)
    return path


def forget_token() -> str | None:
    """Remove the saved login of this var folder; return its token, if there was one."""
    path = saved_path()
    if not path.is_file():
        return None
    value = path.read_text().strip()
    path.unlink()
    return value


def token(*, for_users: bool = False) -> str:
    """Load Django and return the token, for a workflow that opens its scopes itself.

    Args:
        for_users: As in `find_token`.

    Raises:
        NobodyLoggedIn: There is none.
    """
    setup()
    return find_token(for_users=for_users)


def name_purpose() -> None:
    """Name the purpose of `KHANA_PURPOSE` in the open transaction, for the log and for grants that are bound to one."""
    purpose = os.environ.get("KHANA_PURPOSE", "").strip()
    if purpose:
        from khana.access import mandates
        from khana.access.roles import catalogue

        mandates.name(purpose=catalogue().purpose(purpose))


@contextmanager
def acting(*, for_users: bool = False) -> Iterator[Me]:
    """Open one transaction in the scope of the token; yield who acts.

    Raises:
        NobodyLoggedIn: There is no token.
        NotPermitted: The token is unknown, closed or out of date.
    """
    setup()
    opened = find_token(for_users=for_users)
    from khana.access import selectors
    from khana.access import services as access

    with access.scoped(opened):
        name_purpose()
        actor = selectors.me()
        if actor is None:  # scoped has refused already
            raise NobodyLoggedIn(_NOBODY)
        yield actor
