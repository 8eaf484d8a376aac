"""May this number join that programme? Asked by a ministry's system before it enrols; one statement, kept as an answer.

`sql/may_join.sql` decides: it answers only where the asker's grant reaches programme and person, and says which rule
speaks, never what else the person draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.beneficiaries.services.enrolments import ProgrammeUnknown
from khana.platform import prepared
from khana_methods.errors import NotPermitted

_ASK = "SELECT * FROM khana_private.beneficiaries_may_join(%s, %s::bytea[], %s, %s::int, %s::numeric, %s::date, %s)"


class OutsideAgreement(NotPermitted):
    """The programme is not one of the asker's agency or agreement."""

    code: ClassVar[str] = "beneficiaries.ask.outside_agreement"


@dataclass(frozen=True)
class Answer:
    """What was said: YES, NO or UNKNOWN, with codes of reasons; `id` is what a report afterwards names."""

    id: int
    answer: str
    reasons: Sequence[Mapping[str, Any]]


def may_join(
    *,
    tokens: Sequence[bytes],
    programme: str,
    cap: int,
    poor_cutoff: float,
    on: date,
    at: datetime,
    session: str | None = None,
) -> Answer:
    """Say whether a number may join a programme, and keep the answer.

    Args:
        tokens: Tokens that the number has under each scheme it fits.
        programme: Code of the catalogue.
        cap: Most programmes that count.
        poor_cutoff: Score up to which a household counts as poor, for programmes without a line of their own.
        on: The day that ages are taken on.
        at: Now.
        session: Token of who asks, where no scope is open: the statement is then its own transaction.

    Raises:
        NoSession, PermissionMissing: Nobody asks, or somebody who may not.
        ProgrammeUnknown: The catalogue has none of that code.
        OutsideAgreement: It is a programme of another agency.
    """
    ((outcome, answer, reasons, number),) = prepared.fetch(
        _ASK, [session, list(tokens), programme, cap, poor_cutoff, on, at]
    )
    if outcome == "NOBODY":
        raise access.NoSession("You are not signed in, or your session has ended. Sign in and try again.")
    if outcome == "FORBIDDEN":
        raise access.PermissionMissing(
            "You may not do this: it needs the permission 'enrolments.ask'.", permission="enrolments.ask"
        )
    if outcome == "NO_PROGRAMME":
        raise ProgrammeUnknown(f"The catalogue has no programme '{programme}'.", programme=programme)
    if outcome == "OUTSIDE":
        raise OutsideAgreement(
            "You may ask about programmes of your own agency or agreement only.", programme=programme
        )
    return Answer(int(number), str(answer), tuple(reasons))
