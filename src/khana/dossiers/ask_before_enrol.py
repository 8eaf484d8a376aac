"""A ministry's system asks before it enrols: may this number join that programme? One number, or many.

Staff of an agency are held to their grant; a partner names its agreement and is held to its purpose, programme, area
and dates as well. The only thing that stays is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from khana.access import mandates
from khana.beneficiaries import asking
from khana.dossiers import lookups
from khana.platform import installation
from khana.programmes import rules
from khana.sharing.services import agreements
from khana_methods.overlap.parameters import Parameters

PURPOSES = ("eligibility", "enrolment")


def ask(*, number: str, programme: str, session: str | None = None, at: datetime) -> dict[str, Any]:
    """Answer for one number, in the open scope or under a session's token.

    Returns:
        `answer` YES, NO or UNKNOWN; `reasons`, each with a code; `id` of the answer, for the report afterwards.

    Raises:
        NumberMalformed: It is no number of this country.
        OutsideAgreement: It is a programme of another agency.
    """
    settings = installation.read()
    stated = settings.get("parameters", {})
    tokens = lookups.tokens_of(number, settings.get("country", "pak"))
    day = installation.today(at)
    found = asking.may_join(
        tokens=tokens, programme=programme, cap=int(stated.get("cap", _DEFAULT.cap)),
        poor_cutoff=rules.poor_line(), on=day, at=at, session=session,
    )  # fmt: skip
    return {"id": found.id, "programme": programme, "answer": found.answer, "reasons": list(found.reasons)}


def ask_many(*, numbers: Iterable[str], programme: str, at: datetime) -> Iterator[dict[str, Any]]:
    """Answer for many numbers in the open scope, in their order; one that is no number is UNKNOWN with its reason."""
    for number in numbers:
        try:
            yield ask(number=number, programme=programme, at=at)
        except lookups.NumberMalformed:
            yield {"id": None, "programme": programme, "answer": "UNKNOWN", "reasons": [{"code": "NUMBER_MALFORMED"}]}


def name_agreement(*, number: str, programme: str, actor_id: int, at: datetime) -> None:
    """Hold what follows in the open scope to an agreement of the actor.

    Raises:
        OutsideAgreement: It is not hers, not in force, not for enrolment, or for another programme.
    """
    mine = [one for one in agreements.in_force(partner_user_id=actor_id, at=at) if one.number == number]
    if not mine or mine[0].purpose not in PURPOSES or mine[0].programme not in ("", programme):
        raise asking.OutsideAgreement(
            "No agreement of that number lets you ask this: it must be yours, in force, for eligibility or enrolment, and name"
            " the programme.", programme=programme, agreement=number,
        )  # fmt: skip
    mandates.name(mandate=number, purpose=mine[0].purpose)


_DEFAULT = Parameters(as_of=date(2000, 1, 1))  # only its cap is read
