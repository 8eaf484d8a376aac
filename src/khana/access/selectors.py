"""Reads of this room: who am I, what may I, who are the users.

Each read is one definer function of the database; inside `scoped` only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from khana.access.functions import call
from khana.access.models import User


@dataclass(frozen=True)
class Held:
    """One grant: a role over an area (empty: all), an agency (empty: all), a programme, for a purpose.

    `waits` says that a second person has not confirmed it yet.
    """

    role: str
    area_path: str
    agency: str
    id: int = 0
    programme: str = ""
    purpose: str = ""
    valid_to: str = ""
    waits: bool = False


@dataclass(frozen=True)
class Me:
    """The actor of this transaction."""

    id: int
    username: str
    display_name: str
    language: str
    kind: str
    permissions: frozenset[str]
    grants: tuple[Held, ...]

    def may(self, permission: str) -> bool:
        """Say whether the actor holds a permission anywhere: for showing a link, not for deciding."""
        return permission in self.permissions


@dataclass(frozen=True)
class ListedUser:
    """One user as an administrator sees her."""

    id: int
    username: str
    display_name: str
    language: str
    kind: str
    is_active: bool
    has_second_factor: bool
    is_locked: bool
    grants: tuple[Held, ...]


def me() -> Me | None:
    """Return the actor in scope with her permissions and grants, or None where nobody is signed in."""
    found = call("access_me")
    if not found:
        return None
    number, username, display_name, language, kind, permissions = found[0]
    grants = tuple(Held(*row) for row in call("access_my_grants"))
    return Me(number, username, display_name, language, kind, frozenset(permissions), grants)


def list_users() -> list[ListedUser]:
    """Return every user by name; needs `users.read` for the whole country."""
    listed = []
    for number, username, display_name, language, kind, is_active, factor, locked, grants in call("access_list_users"):
        held = tuple(Held(**{**g, "valid_to": g["valid_to"] or ""}) for g in json.loads(grants))
        user = ListedUser(number, username, display_name, language, kind, is_active, factor, locked, held)
        listed.append(user)
    return listed


def has_users() -> bool:
    """Tell whether anybody was ever made a user here; asked by the owner of the database."""
    return User.objects.exists()
