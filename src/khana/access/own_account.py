"""One's own password and sessions: choose the first one, change it, see where one is signed in, end it.

A password that an administrator handed over opens nothing but `choose`. A change, and the end of sessions, ask for password and
code again; a failure counts as at the door, so these functions return before their transaction is rolled back: they raise after
the count is kept, and the caller shows the error without raising it further.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.access import passwords, services
from khana.access.functions import NOBODY, NoSession, call
from khana.platform import keys
from khana_methods.errors import NotPermitted


class ProofRefused(NotPermitted):
    """The password or the code that was asked again is not right."""

    code: ClassVar[str] = "access.proof.refused"


@dataclass(frozen=True)
class OpenSession:
    """One session of the actor; `mark` is the beginning of its hash."""

    mark: str
    kind: str
    opened_at: datetime
    expires_at: datetime
    is_this: bool


def _new(password: str) -> tuple[bytes, bytes]:
    salt = secrets.token_bytes(16)
    return salt, hashlib.sha256(services.derive(password, salt, services.BLOCKS)).digest()


def choose(*, token: str, password: str) -> str:
    """Replace the first password of a session that is held back by one of her own; return a new token.

    Every session and token that was made before ends, those of the administrator's making too.

    Args:
        token: Of `PasswordFirst`.
        password: The new one.

    Raises:
        NoSession: The session waited longer than a quarter of an hour, or is none that waits.
        PasswordWeak: It is guessed too soon, or is the one that was handed over.
    """
    held = call("access_held", token)
    if not held:
        raise NoSession(NOBODY)
    _number, username, display_name, old_salt, blocks = held[0]
    passwords.check(password, own_words=(username, display_name))
    ((outcome, made),) = call(
        "access_choose_password", token, services.derive(password, bytes(old_salt), blocks), *_new(password)
    )
    if outcome == "SAME":
        raise passwords.PasswordWeak("Your administrator knows this password. Choose another one.")
    if outcome != "OK":
        raise NoSession(NOBODY)
    return str(made)


def _proof(password: str, code: str, at: datetime) -> tuple[bytes, int | None, tuple[str, str]]:
    found = call("access_my_factors")
    if not found:
        raise NoSession(NOBODY)
    username, display_name, salt, blocks, seed = found[0]
    step = None if seed is None else services.step_of(keys.decrypt(seed, "totp"), code, at)
    return services.derive(password, bytes(salt), blocks), step, (username, display_name)


def _told(outcome: str) -> None:
    if outcome == "LOCKED":
        raise services.SignInLocked("Too many wrong attempts. Wait fifteen minutes, or ask an administrator.")
    if outcome != "OK":
        raise ProofRefused("The password or the code is not right. A code is good once: wait for the next one.")


def has_second_factor() -> bool:
    """Say whether the actor shows a code beside her password."""
    found = call("access_my_factors")
    return bool(found) and found[0][4] is not None


def change_password(*, old: str, code: str, new: str, at: datetime) -> None:
    """Change the actor's password; every other session and token of hers ends.

    Args:
        old: The password in force.
        code: The six figures of now, where she has a second factor.
        new: The new one.
        at: Now, for the code.

    Raises:
        PasswordWeak: The new one may not be chosen; nothing was counted.
        ProofRefused: The old password or the code is wrong; it counts.
        SignInLocked: Five failures in a row.
    """
    key, step, own_words = _proof(old, code, at)
    passwords.check(new, own_words=own_words)
    if new == old:
        raise passwords.PasswordWeak("This is the password that you have. Choose another one.")
    ((outcome,),) = call("access_change_password", key, step, *_new(new))
    _told(str(outcome))


def sessions() -> list[OpenSession]:
    """Return the actor's sessions in use, this one first."""
    return [OpenSession(*row) for row in call("access_my_sessions")]


def end_sessions(*, password: str, code: str, mark: str = "", at: datetime) -> int:
    """End one session of the actor, or all but this one; return how many ended.

    Raises:
        ProofRefused: The password or the code is wrong; it counts.
        SignInLocked: Five failures in a row.
    """
    key, step, _ = _proof(password, code, at)
    ((outcome, ended),) = call("access_end_my_sessions", key, step, mark)
    _told(str(outcome))
    return int(str(ended))


@transaction.atomic
def end_sessions_of(*, username: str = "", at: datetime) -> int:
    """End every session of one user, or of everybody else where none is named; return how many. Needs `users.manage`."""
    return int(call("access_end_sessions", username, at)[0][0])
