"""A person and her own file: her number and a one-time code to her own telephone open it, once, in the browser that asked.

The database alone finds the person and decides what she sees (`sql/citizen.sql`); whether a number is known is
never said. A code is kept as a keyed hash with the visit that asked for it, is good for fifteen minutes and five tries, and is
exchanged for a key when it opened the file: the key stands for her session.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.grievances import deadlines
from khana.grievances import selectors as grievances
from khana.platform import keys, places, telephone
from khana.sharing import searches
from khana_methods.errors import InputError, NotPermitted

SAY = ("OBJECTION", "CONSENT_WITHDRAWN", "END")
OPEN_STATES = ("OPEN", "LODGED", "NOTIFIED", "APPEALED", "REOPENED", "IN_FORCE")


class NumberUnreadable(InputError):
    """What was typed is no personal number of this country."""

    code: ClassVar[str] = "sharing.citizen.number_unreadable"


class CodeWrong(NotPermitted):
    """The code is wrong, used up or too old."""

    code: ClassVar[str] = "sharing.citizen.code_wrong"


def tokens_of(number: str) -> list[bytes]:
    """Return the tokens of a number as it was typed.

    Raises:
        NumberUnreadable: It is none.
    """
    found = searches.tokens(number)
    if not found:
        raise NumberUnreadable("This is no personal number: check the digits and their count.")
    return found


def _hash(tokens: Sequence[bytes], code: str) -> bytes:
    return hmac.digest(keys.ring().current("pseudonym"), b"citizen code " + tokens[0] + code.encode(), "sha256")


@transaction.atomic
def start(*, number: str, words: str, at: datetime) -> str:
    """Send a code to the telephone of whoever shows a number; says nothing about whether anybody does.

    Returns the visit: without it the code opens nothing, so it stays with the browser that asked.

    Args:
        number: As typed.
        words: The message in her language, with `%(code)s` in it.
        at: When.

    Raises:
        NumberUnreadable: It is no number.
        TelephoneSilent: The telephone company did not take the message.
    """
    telephone.ready()  # before the look-up, so that a refusal says nothing about her
    tokens = tokens_of(number)
    code, visit = f"{secrets.randbelow(1_000_000):06d}", secrets.token_urlsafe(24)
    mobile = access.call("citizen_start", tokens, _hash(tokens, visit + code), at)[0][0]
    if mobile is not None:
        _send(keys.decrypt(mobile).decode(), words % {"code": code}, code)
    return visit


def enter(*, number: str, visit: str, code: str, at: datetime) -> str:
    """Exchange a code for the key of a session; the code opens nothing afterwards.

    Args:
        number: As typed.
        visit: What `start` gave to the same browser.
        code: As it came to her telephone.
        at: When.

    Raises:
        NumberUnreadable: It is no number.
        CodeWrong: The code is not the one of this visit, or too old; the try is counted.
    """
    tokens, key = tokens_of(number), secrets.token_urlsafe(32)
    with transaction.atomic():  # a wrong try must stay counted: refused after the transaction
        entered = access.call("citizen_enter", tokens, _hash(tokens, visit + code), _hash(tokens, key), at)[0][0]
    if not entered:
        raise CodeWrong("The code is wrong or too old. Ask for another one.")
    return key


def _send(mobile: str, text: str, code: str) -> None:
    """Hand a message to the telephone company; outside production the code alone lands in a file too."""
    if telephone.send(mobile, text) == "file":
        path = places.folder("run") / "citizen-code"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(code)


def read(*, number: str, key: str, at: datetime) -> dict[str, Any]:
    """Return a person's own file in short.

    Raises:
        NumberUnreadable: It is no number.
        CodeWrong: The key does not open it; the try is counted.
    """
    tokens = tokens_of(number)
    with transaction.atomic():  # a wrong try must stay counted: refused after the transaction
        found = access.call("citizen_file", tokens, _hash(tokens, key), at)[0][0]
    if found is None:
        raise CodeWrong("The code is wrong or too old. Ask for another one.")
    made: dict[str, Any] = found if isinstance(found, dict) else json.loads(found)
    for case in made.get("cases", ()):
        if case["kind"] == "APPEAL" and case["state"] == "LODGED":  # the same deadline as any complaint's
            case["due"] = deadlines.due_on(datetime.fromisoformat(case["at"]).date()).isoformat()
        case["is_open"] = case["state"] in OPEN_STATES
    return made


def say(*, number: str, key: str, what: str, at: datetime) -> None:
    """Object, withdraw consent, or end either.

    Raises:
        CodeWrong: The key does not open her file, or there is nothing of that kind to say.
    """
    tokens = tokens_of(number)
    with transaction.atomic():
        done = what in SAY and access.call("citizen_say", tokens, _hash(tokens, key), what, at)[0][0]
    if not done:
        raise CodeWrong("The code is wrong or too old. Ask for another one.")


def correct(*, number: str, key: str, about: str, at: datetime) -> None:
    """Say what is wrong in one's own file: a case with a day by which it is answered; one that is open stays as it is.

    Args:
        number: As typed.
        key: Of `enter`.
        about: One of `grievances.selectors.ABOUT`.
        at: When.

    Raises:
        CodeWrong: The key does not open her file, or there is no such thing.
    """
    tokens = tokens_of(number)
    with transaction.atomic():
        done = (
            about in grievances.ABOUT
            and access.call("citizen_correct", tokens, _hash(tokens, key), about, deadlines.due_on(at.date()), at)[0][0]
        )
    if not done:
        raise CodeWrong("The code is wrong or too old. Ask for another one.")
