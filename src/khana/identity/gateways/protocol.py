"""The protocol of an authority: questions about numbers go in, answers with what was said come out.

A *question* states what a person showed; an *answer* is the authority's record, its own yes or no, that it does not
know the number, that it cannot be believed (`UNRELIABLE`), or none (`UNANSWERED`). An adapter never decides what
follows: the service compares, weighs the age, and keeps the answer as evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

Said = Literal["RECORD", "YES", "NO", "NOT_FOUND", "UNRELIABLE", "UNANSWERED"]


@dataclass(frozen=True, slots=True)
class Question:
    """What one person showed: her number and how she is described here."""

    reference: str
    number: str
    kind: str
    token: bytes
    name: str = ""
    sex: str = ""
    birth_year: int | None = None
    birth_month: int | None = None
    birth_day: int | None = None
    has_consent: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """What an authority's register holds of one number; empty where it does not say."""

    name: str = ""
    name_native: str = ""
    sex: str = ""
    birth_year: int | None = None
    is_dead: bool = False
    death_date: date | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authority said to one question, byte for byte in `raw`."""

    reference: str
    said: Said
    record: Record | None = None
    why: str = ""
    as_of: datetime | None = None
    transaction: str = ""
    raw: bytes = b""


class AuthorityGateway(Protocol):
    """One way of asking."""

    def ask(self, questions: Sequence[Question], *, at: datetime) -> list[Answer]:
        """Ask about some numbers; return one answer a question, in any order.

        Raises:
            Unavailable: Nobody answered any of them; they can be asked again.
        """
