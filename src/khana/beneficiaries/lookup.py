"""The look-up of a number: who holds it and what it draws, in one statement, in scope, with its event.

`sql/look_up.sql` says how; row security decides what comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from khana.platform import prepared

_LOOK_UP = "SELECT * FROM khana_private.beneficiaries_look_up(%s, %s::bytea[], %s, %s, %s)"


@dataclass(frozen=True)
class Found:
    """What a look-up found.

    Attributes:
        outcome: OK, NOBODY (no live session) or FORBIDDEN (no right to read persons anywhere).
        persons: Who holds the number; identifiers as ciphertext in hex.
        drawn: Rows of lists that name the number, newest period first, at most 100.
    """

    outcome: str
    persons: Sequence[Mapping[str, Any]]
    drawn: Sequence[Mapping[str, Any]]


def look_up(
    *, tokens: Sequence[bytes], as_of: date, known_at: datetime, at: datetime, session: str | None = None
) -> Found:
    """Look a number up and leave the event of it.

    Args:
        tokens: Tokens that the asked number has under each scheme it fits.
        as_of: The day that is asked about.
        known_at: With what was known then.
        at: Now; the event bears it.
        session: Token of who asks, where no scope is open: the statement is then its own transaction.
    """
    ((outcome, persons, drawn),) = prepared.fetch(_LOOK_UP, [session, list(tokens), as_of, known_at, at])
    return Found(outcome, persons, drawn)
