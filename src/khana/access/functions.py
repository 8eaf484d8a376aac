"""Calls of the definer functions in `khana_private`, and what their refusals mean.

The functions are the only way to users, grants and sessions. Parameters are bound on the server by
psycopg's own cursor, so that no statement text, and with it no log, holds a token or a key.
"""

from __future__ import annotations

from typing import Any, ClassVar

import psycopg
from django.db import connection
from django.db.utils import DatabaseError

from khana.platform import prepared
from khana_methods.errors import Conflict, KhanaError, NotFound, NotPermitted

NOBODY = "You are not signed in, or your session has ended. Sign in and try again."


class NoSession(NotPermitted):
    """The token is unknown, closed, expired, or its second factor was not shown."""

    code: ClassVar[str] = "access.session.none"


class PermissionMissing(NotPermitted):
    """The actor's roles do not hold the permission, or not for the whole country."""

    code: ClassVar[str] = "access.permission.missing"


class AccessNotFound(NotFound):
    """No such user, area, grant or job."""

    code: ClassVar[str] = "access.not_found"


class NameTaken(Conflict):
    """A user with this name is there already."""

    code: ClassVar[str] = "access.user.name_taken"


class OfficeRefused(Conflict):
    """A rule of offices stands against it: separation of keys and data, machines, programmes, broken glass."""

    code: ClassVar[str] = "access.office.refused"


_RULES = {
    "separation": "Who keeps keys may hold no role that shows people, and the other way round.",
    "machine": "This role is not for a user of that kind.",
    "programme": "A programme stands under its agency: name the agency too.",
    "grant": "A grant is ended and given anew, never changed.",
    "clearance": "There is no training or no undertaking in force for you.",
    "reason": "Say more: what happened, or what was found.",
    "fresh": "A new way in is added from a fresh session: sign out, sign in again, and add it within a quarter of an hour.",
    "passkey": "This passkey is known already, or its riddle is used or old. Begin again.",
    "passkeys": "You have ten passkeys. Remove one that you do not use.",
    "linked": "Another user is linked to this subject. End that link first.",
    "erasure.second": "An erasure is carried out by somebody else than who asked for it.",
    "erasure.nothing": "There is no such file, or it was erased already.",
    "erasure.held": "A legal hold keeps this file. `khana retention holds` shows which.",
    "erasure.family": "A claim that she belongs to a family waits for a decision. Decide it first.",
    "erasure.member": "She belongs to a household. End her membership first, with the day on which it ended.",
    "erasure.merged": "The file is merged with another. Split them first, or erase both.",
    "erasure.draws": "She is on a programme, or was on a list within a year: money must be accounted for first.",
    "glass": "You have broken the glass three times in thirty days. Ask an administrator for a grant.",
}


def raw(statement: str, *parameters: Any) -> list[Any]:
    """Run one statement with server-side parameters, planned once where a connection asks it often; return its rows."""
    connection.validate_no_broken_transaction()
    return prepared.fetch_text(statement, parameters)


def call(function: str, *arguments: Any) -> list[Any]:
    """Call one function of `khana_private` with bound parameters; return its rows.

    Raises:
        NotPermitted: The function refused; the message names the permission.
        NotFound: It names something that is not there.
        Conflict: Something of that name is there already.
    """
    marks = ", ".join(["%s"] * len(arguments))
    try:
        return raw(f"SELECT * FROM khana_private.{function}({marks})", *arguments)
    except DatabaseError as error:
        known = _translate(error)
        if known is None:
            raise
        raise known from error


def _translate(error: DatabaseError) -> KhanaError | None:
    cause = error.__cause__
    if not isinstance(cause, psycopg.Error):
        return None
    detail = cause.diag.message_detail or ""
    if cause.sqlstate == "KH403":
        if "." in detail:
            return PermissionMissing(f"You may not do this: it needs the permission '{detail}'.", permission=detail)
        return NoSession(NOBODY)
    if cause.sqlstate == "KH404":
        return AccessNotFound(f"There is no such {detail}.", what=detail)
    if cause.sqlstate == "KH409" and detail in _RULES:
        return OfficeRefused(_RULES[detail], rule=detail)
    if cause.sqlstate == "KH409":
        return NameTaken("A user with this name exists already. Choose another name.")
    return None
