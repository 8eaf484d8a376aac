"""Put a model in force by two signatures: one proposes from a day on, another person confirms.

The database refuses a second signature by the same person, a signature in another's name, and any
change of what is signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.assessment import model_store
from khana.assessment.models import Activation
from khana.audit import services as audit
from khana_methods.errors import Conflict, InputError, NotFound, NotPermitted
from khana_methods.rules.facts import load_facts

RECERTIFY_MONTHS = 24  # BISP reassesses the ineligible after two years, beneficiaries after three


class SamePerson(NotPermitted):
    """The second signature must be another person's."""

    code: ClassVar[str] = "assessment.signature.same_person"


class SignatureMoved(Conflict):
    """The proposal was signed or taken back already."""

    code: ClassVar[str] = "assessment.signature.moved"


class ProposalUnknown(NotFound):
    """No proposal has that number."""

    code: ClassVar[str] = "assessment.signature.unknown"


class ModelNotOfFacts(InputError):
    """A variable is neither a fact of the registry nor made of facts: no household could be scored."""

    code: ClassVar[str] = "assessment.model.not_of_facts"


class DaysInvalid(InputError):
    """The days lie outside the model's own, or the last before the first."""

    code: ClassVar[str] = "assessment.signature.days"


@dataclass(frozen=True)
class Proposed:
    """A proposal that waits for its second signature."""

    id: int
    code: str
    version: int


@transaction.atomic
def propose_activation(
    *, code: str, version: int | None, effective_from: date, effective_to: date | None = None,
    recertify_months: int = RECERTIFY_MONTHS, note: str = "", at: datetime,
) -> Proposed:  # fmt: skip
    """Sign first: this model version shall count from a day on.

    Raises:
        ModelUnknown: The store does not hold it.
        ModelNotOfFacts: The registry cannot make its variables.
        DaysInvalid: The days do not fit the model.
    """
    access.require("models.activate", everywhere=True)
    kept = model_store.model_of_code(code, version)
    strange = unmade(kept)
    if strange:
        raise ModelNotOfFacts(
            f"Model {kept.code} cannot score the registry: {', '.join(strange)} are no facts of a household and have "
            "no expression. Give each an expression over facts in the model's file.",
            model=kept.code, variables=strange,
        )  # fmt: skip
    ends = (kept.model.valid_to, effective_to)
    if effective_from < kept.model.valid_from or (ends[0] and effective_from >= ends[0]):
        raise DaysInvalid(f"Model {kept.code} holds from {kept.model.valid_from} to {ends[0] or 'open'}.")
    if ends[1] and (ends[1] <= effective_from or (ends[0] and ends[1] > ends[0])):
        raise DaysInvalid("The last day must come after the first and lie within the model's own days.")
    if not 1 <= recertify_months <= 240:
        raise DaysInvalid("Recertification is due after 1 to 240 months.")
    actor = selectors.me()
    row = Activation.objects.create(
        model_id=kept.id, effective_from=effective_from, effective_to=effective_to, recertify_months=recertify_months,
        note=note, proposed_by=access.actor_id(), proposed_label=actor.username if actor else "", proposed_at=at,
    )  # fmt: skip
    audit.record(
        action="assessment.activation.proposed", subject=f"model:{kept.code}/{kept.version}",
        details={"activation": row.pk, "from": effective_from.isoformat()}, at=at,
    )  # fmt: skip
    return Proposed(row.pk, kept.code, kept.version)


@transaction.atomic
def confirm_activation(*, activation: int, at: datetime) -> Proposed:
    """Sign second: from its day on the model is in force.

    Raises:
        SamePerson: She proposed it herself.
        SignatureMoved: It is signed or taken back already.
    """
    row, me = _open(activation)
    if row.proposed_by == me:
        raise SamePerson("You proposed this yourself: the second signature must be another person's.")
    _sign(row, me, at, confirmed_by=me, confirmed_at=at)
    return _told("confirmed", row, at)


@transaction.atomic
def withdraw_activation(*, activation: int, at: datetime) -> Proposed:
    """Take back a proposal that is not signed twice; whoever may sign may refuse."""
    row, me = _open(activation)
    _sign(row, me, at, withdrawn_by=me, withdrawn_at=at)
    return _told("withdrawn", row, at)


def _open(activation: int) -> tuple[Activation, int]:
    access.require("models.activate", everywhere=True)
    row = Activation.objects.select_related("model").filter(pk=activation).first()
    if row is None:
        raise ProposalUnknown("No proposal has that number. `khana models list` shows them.", activation=activation)
    return row, access.actor_id()


def _sign(row: Activation, me: int, at: datetime, **fields: object) -> None:
    if "confirmed_by" in fields:
        actor = selectors.me()
        fields["confirmed_label"] = actor.username if actor else ""
    waiting = Activation.objects.filter(pk=row.pk, confirmed_by__isnull=True, withdrawn_by__isnull=True)
    if not waiting.update(**fields):
        raise SignatureMoved("This proposal was signed or taken back already.", activation=row.pk)


def _told(what: str, row: Activation, at: datetime) -> Proposed:
    subject = f"model:{row.model.code}/{row.model.version}"
    audit.record(action=f"assessment.activation.{what}", subject=subject, details={"activation": row.pk}, at=at)
    return Proposed(row.pk, row.model.code, row.model.version)


def unmade(kept: model_store.KnownModel) -> list[str]:
    """Name the columns of a model that are neither facts of a household nor made of facts."""
    facts = {fact.name for fact in load_facts().of_entity("household")}
    return sorted(
        {
            column
            for variable in kept.model.variables
            if not variable.expression
            for column in variable.columns()
            if column not in facts
        }
    )
