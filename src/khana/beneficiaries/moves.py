"""Words of states and exits, and what the database says when a move is refused: shared by every service of states."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import psycopg
from django.db import transaction
from django.db.utils import DatabaseError

from khana_methods.errors import Conflict, InputError, NotFound

HUMAN, MIS, RUN = "HUMAN", "MIS", "RUN"
# the reasons of the Bangladesh NSSS for an exit, with those of a suspension after them
EXIT_REASONS = (
    "GRADUATED", "AGED_OUT", "DECEASED", "MOVED", "REMARRIED", "NON_COMPLIANCE", "INELIGIBLE_FOUND", "DUPLICATE", "VOLUNTARY",
    "CYCLE_END",
)  # fmt: skip
SUSPENSION_REASONS = ("NON_COMPLIANCE", "PAYMENT_RETURNED", "UNDER_REVIEW", "COURT_ORDER")
STATES = (
    "IDENTIFIED", "WAITLISTED", "SELECTED", "NOTIFIED", "ENROLLED", "SUSPENDED", "GRADUATED", "EXITED", "DECLINED",
)  # fmt: skip
ON_IT = ("ENROLLED", "SUSPENDED")


class MoveRefused(Conflict):
    """There is no such move from the state in which it is, or its time has not come."""

    code: ClassVar[str] = "beneficiaries.move.refused"


class ReasonUnknown(InputError):
    """The reason of an exit or suspension is not one of the vocabulary."""

    code: ClassVar[str] = "beneficiaries.reason.unknown"


class NothingThere(NotFound):
    """No such enrolment, trial or stop within the scope."""

    code: ClassVar[str] = "beneficiaries.state.nothing_there"


@contextmanager
def held_by_the_database() -> Iterator[None]:
    """Run writes of states in one transaction; turn the database's refusal of a move into ours.

    Raises:
        MoveRefused: The table of transitions, a human suspension, a re-entry date or an appeal window forbids it.
    """
    try:
        with transaction.atomic():
            yield
    except DatabaseError as error:
        cause = error.__cause__
        if isinstance(cause, psycopg.Error):
            _refuse(cause)
        raise
    except psycopg.Error as error:
        _refuse(error)
        raise


_WHY = {
    "human suspension": "A person suspended it, and only a person lifts that.",
    "re-entry": "It is too early to come back: see from when she may.",
    "appeal window": "The appeal window is still open: nothing takes effect before it closes.",
    "appeal window over": "The appeal window is over.",
    "approval": "Nobody has approved it yet: a second person must.",
}


def _refuse(cause: psycopg.Error) -> None:
    if cause.sqlstate == "KH409":
        detail = cause.diag.message_detail or ""
        said = _WHY.get(detail, f"There is no such move: {detail}. The table of transitions says which there are.")
        raise MoveRefused(said, what=detail) from cause


def require_reason(reason: str, known: tuple[str, ...]) -> None:
    """Raise unless a reason is one of a vocabulary."""
    if reason not in known:
        raise ReasonUnknown(f"'{reason}' is no reason. The reasons are: {', '.join(known)}.", reason=reason)
