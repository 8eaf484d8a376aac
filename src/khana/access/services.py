"""Sign in, act under a token, manage users: the Python side of the definer functions.

A *token* is opaque; the database alone resolves it. `scoped` sets it for one transaction and
`require` asks for a permission inside one. Nothing here decides what a person may see: row security
does. Secrets travel as bound parameters only, so that no statement text or log holds one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.db import connection, transaction
from django.db.utils import DatabaseError

from khana.access import offices, passwords
from khana.access.functions import (
    NOBODY,
    AccessNotFound,
    NameTaken,
    NoSession,
    PermissionMissing,
    call,
    raw,
)
from khana.access.roles import catalogue
from khana.platform import keys
from khana_methods.errors import InputError, NotPermitted

__all__ = ["AccessNotFound", "NameTaken", "NoSession", "PermissionMissing", "call"]
_STEP = 30
_NAME = re.compile(r"[\w.@+-]{1,60}")
SESSION_LENGTH = timedelta(hours=8)
FIRST_PASSWORD = timedelta(days=7)
BLOCKS = 3  # of scrypt, for every password from now on; the database notes the same
_WRONG = "The name, the password or the code is not right."
_FAR = "The database refused it: your role or your area does not reach that far."


class SignInRefused(NotPermitted):
    """The name or the password is wrong; which one is not said."""

    code: ClassVar[str] = "access.sign_in.refused"


class SignInLocked(NotPermitted):
    """Too many failures: the name is locked for fifteen minutes."""

    code: ClassVar[str] = "access.sign_in.locked"


class OutsideScope(NotPermitted):
    """The database refused a row outside the actor's scope."""

    code: ClassVar[str] = "access.scope.outside"


class NameWrong(InputError):
    """A user name is empty or holds what an address cannot."""

    code: ClassVar[str] = "access.user.name_wrong"


class PasswordFirst(NotPermitted):
    """The password was made by somebody else: it opens only the door to one's own. Bears the held session."""

    code: ClassVar[str] = "access.password.first"

    def __init__(self, message: str, *, token: str) -> None:
        """Keep the session that waits; it stands in no text."""
        super().__init__(message)
        self.token = token


class PasswordOver(NotPermitted):
    """The first password is too old."""

    code: ClassVar[str] = "access.password.over"


@dataclass(frozen=True)
class SignedIn:
    """An open session; it can do nothing until a needed second factor is shown."""

    token: str
    needs_second_factor: bool


@dataclass(frozen=True)
class NewUser:
    """A user just made, with secrets that are shown once and kept nowhere."""

    id: int
    username: str
    password: str
    otpauth_uri: str
    token: str


# --- sessions -------------------------------------------------------------------------------


def derive(password: str, salt: bytes, blocks: int) -> bytes:
    """Return the key that proves a password: scrypt over its composed form (NFC), 32 bytes.

    Source:
        OWASP Password Storage Cheat Sheet: scrypt with N = 2^15, r = 8, p = 3. Tests take one block: they open many sessions.
    """
    text = unicodedata.normalize("NFC", password).encode()
    return hashlib.scrypt(
        text,
        salt=salt,
        n=2**15,
        r=8,
        p=1 if os.environ.get("KHANA_ENV") == "test" else blocks,
        dklen=32,
        maxmem=96 * 1024 * 1024,
    )


def sign_in(*, username: str, password: str, kind: str = "WEB", ttl: timedelta = SESSION_LENGTH) -> SignedIn:
    """Open a session for a name and a password; failures are counted and lock the name.

    Raises:
        RuntimeError: It runs inside a transaction: the count must stay when the sign-in is refused.
        SignInRefused: Name or password is wrong, or the user is closed.
        SignInLocked: Five failures in a row.
        PasswordFirst: A password of one's own must be chosen first (`own_account.choose`).
        PasswordOver: The first password is older than seven days.
    """
    if connection.in_atomic_block:
        raise RuntimeError("sign_in must not run inside a transaction: a rollback would forget failures")
    name = username.strip().lower()
    ((salt, blocks),) = call("access_stretch", name)
    ((outcome, token, _),) = call("access_open_session", name, derive(password, bytes(salt), blocks), kind, ttl)
    _refuse(outcome)
    if outcome == "OK":
        _hold_first(token)
    return SignedIn(token, needs_second_factor=outcome == "SECOND_FACTOR")


def _hold_first(token: str) -> None:
    ((state,),) = call("access_hold_first", token)
    if state == "HELD":
        raise PasswordFirst("Choose a password of your own first: sign in on the page once.", token=token)
    if state == "OVER":
        raise PasswordOver("Your first password is older than seven days. Ask your administrator for a new one.")


def _refuse(outcome: str) -> None:
    if outcome == "LOCKED":
        raise SignInLocked("Too many wrong attempts. Wait fifteen minutes, or ask an administrator.")
    if outcome == "REFUSED":
        raise SignInRefused(_WRONG)


def confirm_second_factor(*, token: str, code: str, at: datetime) -> None:
    """Show the second factor of a half-open session; a code is good once.

    Raises:
        SignInRefused: The code is wrong or used, or the session is older than ten minutes.
        SignInLocked: Five failures in a row.
        PasswordFirst, PasswordOver: As in `sign_in`.
    """
    pending = call("access_pending", token)
    if not pending:
        raise SignInRefused(_WRONG)
    step = step_of(keys.decrypt(pending[0][1], "totp"), code, at)
    ((outcome,),) = call("access_confirm_second_factor", token, step)
    _refuse(outcome)
    _hold_first(token)


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, 6, SHA1(), _STEP)  # noqa: S303 # nosec B303 - what authenticator apps know (RFC 6238)


def step_of(secret: bytes, code: str, at: datetime) -> int | None:
    """Return the step whose code this is: now, one before or one after; None if it is none."""
    shown = unicodedata.normalize("NFKC", code).replace(" ", "").encode()
    now = int(at.timestamp()) // _STEP
    found = None
    for step in (now - 1, now, now + 1):
        if secrets.compare_digest(_totp(secret).generate(step * _STEP), shown):
            found = step
    return found


def sign_out(*, token: str) -> None:
    """Close a session; a token that is closed already changes nothing."""
    call("access_close_session", token)


@transaction.atomic
def adopt_job(*, job: UUID) -> str:
    """Return a token of the user who asked for a job; only the worker may.

    Raises:
        AccessNotFound: The job is done, cancelled, too old, or its user is closed.
    """
    return str(call("access_adopt_job", job)[0][0])


@transaction.atomic
def make_token(*, ttl: timedelta) -> str:
    """Return another token of the actor in scope, for commands; at most ninety days."""
    return str(call("access_make_token", ttl)[0][0])


@contextmanager
def scoped(token: str, *, require_session: bool = True) -> Iterator[None]:
    """Run a block in one transaction under a token; afterwards the connection knows nothing of it.

    Inside another `scoped` block the inner token holds until the inner block ends.

    Args:
        token: What `sign_in`, `make_token` or `adopt_job` gave.
        require_session: Raise at once where the token opens nothing; else reads show nothing.

    Raises:
        NoSession: The token opens nothing.
        OutsideScope: Row security refused a row that the block wrote.
    """
    is_inner = connection.in_atomic_block
    try:
        with transaction.atomic():
            ((before, _),) = raw(
                "SELECT current_setting('khana.token', true), set_config('khana.token', %s, true)", token
            )
            if require_session and raw("SELECT khana_private.access_actor()")[0][0] is None:
                raise NoSession(NOBODY)
            yield
            if is_inner and not connection.needs_rollback:
                raw("SELECT set_config('khana.token', %s, true)", before or "")
    except (DatabaseError, psycopg.Error) as error:
        if isinstance(error.__cause__ or error, psycopg.errors.InsufficientPrivilege):
            raise OutsideScope(_FAR) from error
        raise


def require(permission: str, *, everywhere: bool = False) -> None:
    """Raise unless the actor in scope holds a permission.

    This is for a clear answer before work starts; rows stay held by the database.

    Args:
        permission: A name of `roles.yaml`.
        everywhere: Ask for a grant over the whole country and every agency.

    Raises:
        NoSession: Nobody is signed in.
        PermissionMissing: The actor does not hold it; the message names it.
    """
    named = catalogue().permissions[permission]
    function = "access_everything" if everywhere else "access_has"
    if call(function, permission)[0][0]:
        return
    if call("access_actor")[0][0] is None:
        raise NoSession(NOBODY)
    extent = " for the whole country" if everywhere else ""
    raise PermissionMissing(
        f"You may not do this: it needs the permission '{permission}' ({named.meaning}){extent}.",
        permission=permission,
    )


def actor_id() -> int:
    """Return the number of the actor in scope, as the database knows her.

    Raises:
        NoSession: Nobody is signed in.
    """
    found = call("access_actor")[0][0]
    if found is None:
        raise NoSession(NOBODY)
    return int(found)


# --- users ----------------------------------------------------------------------------------


def _new_password() -> str:
    letters = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _credential(
    password: str | None, second_factor: bool, username: str
) -> tuple[str, bytes, bytes, bytes | None, str]:
    if password is not None:
        passwords.check_length(password)
    if not second_factor and os.environ.get("KHANA_ENV") == "production":
        raise passwords.PasswordWeak("In production every member of staff needs a second factor.")
    password = password or _new_password()
    salt = secrets.token_bytes(16)
    verifier = hashlib.sha256(derive(password, salt, BLOCKS)).digest()
    if not second_factor:
        return password, salt, verifier, None, ""
    secret = secrets.token_bytes(20)
    uri = _totp(secret).get_provisioning_uri(username, "Khana")
    return password, salt, verifier, keys.encrypt(secret, "totp"), uri


@transaction.atomic
def add_user(
    *,
    username: str,
    display_name: str,
    role: str,
    area_code: str = "",
    agency: str = "",
    language: str = "en",
    password: str | None = None,
    second_factor: bool = True,
    kind: str = "STAFF",
    token_ttl: timedelta = timedelta(days=30),
    trial: bool = True,
    first: bool = True,
    at: datetime,
) -> NewUser:
    """Make a user with one role over one area and one agency; return secrets that are shown once.

    Needs `users.manage` for the whole country, or the owner of the database.

    Args:
        username: Short, without blanks; kept in lower case.
        display_name: How pages greet her.
        role: A role of `roles.yaml`.
        area_code: The code of an area; empty means the whole country.
        agency: The code of an agency; empty means every agency.
        language: `en`, `ur` or `bn`.
        password: For samples; one is made up where it is absent.
        second_factor: Give a time-based code; may be left out outside production only.
        kind: STAFF, or SYSTEM for a user without any sign-in.
        token_ttl: How long the token holds that commands may use.
        trial: Outside production, record a training and an undertaking that say that they are none, so that a trial
            shows people at once; in production nothing is recorded and nobody is shown.
        first: A password that is made up opens only the door to one of her own, for seven days; false for who makes and
            keeps it herself (the samples of a trial).
        at: When.

    Raises:
        RoleUnknown: There is no such role.
        AccessNotFound: There is no such area.
        NameTaken: The name is in use.
        PermissionMissing: The actor may not make users.
    """
    catalogue().role(role)
    name = username.strip().lower()
    if not _NAME.fullmatch(name):
        raise NameWrong("A user name has letters, digits and . _ @ + - alone, sixty at most.")
    plain, uri = "", ""
    salt, verifier, totp = None, None, None
    if kind == "STAFF":
        plain, salt, verifier, totp, uri = _credential(password, second_factor, name)
    who = call("access_add_user", name, display_name, language, kind, salt, verifier, totp, at)[0][0]
    call("access_add_grant", name, role, area_code, agency, at)
    if kind == "STAFF" and password is None and first:
        call("access_mark_first_password", name, at + FIRST_PASSWORD)
    if trial and kind == "STAFF" and os.environ.get("KHANA_ENV") != "production":
        offices.clear_for_trial(username=name, at=at)
    token = str(call("access_first_token", name, token_ttl)[0][0])
    return NewUser(int(who), name, plain, uri, token)


@transaction.atomic
def end_grant(*, grant: int, at: datetime) -> None:
    """End a grant now; what was done under it stays done."""
    call("access_end_grant", grant, at)


@transaction.atomic
def reset_password(*, username: str, second_factor: bool = True, first: bool = True, at: datetime) -> NewUser:
    """Give a user a new password and second factor and close her sessions; no token is made.

    The password opens only the door to one of her own, for seven days (`first` as in `add_user`).
    """
    name = username.strip().lower()
    plain, salt, verifier, totp, uri = _credential(None, second_factor, name)
    call("access_reset_password", name, salt, verifier, totp, at)
    if first:
        call("access_mark_first_password", name, at + FIRST_PASSWORD)
    return NewUser(0, name, plain, uri, "")


@transaction.atomic
def set_active(*, username: str, active: bool, at: datetime) -> None:
    """Close a user with all her sessions, or open her again; users are never deleted."""
    call("access_set_active", username, active, at)


@transaction.atomic
def load_roles() -> int:
    """Bring the permissions of roles to what `roles.yaml` says; return how many rows changed.

    Runs as the owner after every migration.
    """
    wanted, people = catalogue().rows(), catalogue().people()
    roles, permissions = [row[0] for row in wanted], [row[1] for row in wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM access_rolepermission WHERE (role, permission) NOT IN"
            " (SELECT * FROM unnest(%s::text[], %s::text[]))",
            [roles, permissions],
        )
        gone = cursor.rowcount
        cursor.execute(
            "INSERT INTO access_rolepermission AS held (role, permission, shows_people)"
            " SELECT * FROM unnest(%s::text[], %s::text[], %s::boolean[]) ON CONFLICT (role, permission)"
            " DO UPDATE SET shows_people = EXCLUDED.shows_people WHERE held.shows_people <> EXCLUDED.shows_people",
            [roles, permissions, [name in people for name in permissions]],
        )
        changed = int(gone) + int(cursor.rowcount)
        cursor.execute("DELETE FROM access_roletrait")
        cursor.executemany(
            "INSERT INTO access_roletrait (role, is_strong, shows_people, keeps_keys, for_machines)"
            " VALUES (%s, %s, %s, %s, %s)",
            catalogue().traits(),
        )
        return changed


def secret_of(otpauth_uri: str) -> bytes:
    """Return the secret inside an otpauth address: for samples and tests that act as the telephone."""
    text = otpauth_uri.split("secret=")[1].split("&")[0]
    return base64.b32decode(text + "=" * (-len(text) % 8))


def code_at(otpauth_uri: str, at: datetime) -> str:
    """Return the code that the telephone would show at a moment."""
    return _totp(secret_of(otpauth_uri)).generate(int(at.timestamp())).decode()
