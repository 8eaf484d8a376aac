"""Close old values anew under the newest key: which columns, how many are left, one step of the work.

The database hands closed values to a job of a key owner and takes them back; they are opened in the memory of the worker
alone. A value names its key, so what is done is not done again and a job that was killed goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from khana.access.functions import call
from khana.platform import keys

STEP = 2_000


@dataclass(frozen=True)
class Column:
    """One column of ciphertext and the purpose of its keys."""

    place: str
    named: str
    purpose: Literal["aes", "totp"]


@dataclass(frozen=True)
class Held:
    """How many values of one column one key closes."""

    place: str
    named: str
    purpose: str
    mark: bytes
    held: int


def columns() -> list[Column]:
    """Return every column of the database that holds ciphertext."""
    return [Column(place, named, purpose) for place, named, _, purpose in call("reseal_columns")]


def counts() -> list[Held]:
    """Count values by column and key; reads every such table once. Needs `keys.manage`."""
    return [Held(p, n, purpose, bytes(mark), int(held)) for p, n, purpose, mark, held in call("reseal_counts")]


def step(column: Column, after: str | None) -> tuple[str | None, int]:
    """Close the next values of one column anew.

    Returns:
        The key of the last row looked at (None where nothing is left), and how many values were closed anew: a value
        that somebody changed meanwhile is left to her, it is closed with the newest key already.
    """
    _, mark = keys.ring().cipher(column.purpose)
    rows = call("reseal_take", column.place, column.named, mark, after, STEP)
    if not rows:
        return None, 0
    ids, old = [row[0] for row in rows], [bytes(row[1]) for row in rows]
    new = keys.encrypt_many(keys.decrypt_many(old, column.purpose), column.purpose)
    done = call("reseal_put", column.place, column.named, ids, old, new)[0][0]
    return str(ids[-1]), int(done)
