"""What the registry tells upper rooms of, past tense, ids only: files that became one, and files that became two again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PersonMerged:
    """One file stands for another from now on."""

    person_id: int
    current_id: int
    at: datetime


@dataclass(frozen=True)
class PersonSplit:
    """A file stands for itself again."""

    person_id: int
    current_id: int
    at: datetime
