"""A household counts with another score: one person proposes with a reason, another confirms.

The model's score stays where it is; the override counts before it until its last day. The database
refuses the same person twice and any change of what is signed.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.assessment import scores
from khana.assessment.models import Override
from khana.assessment.services.sign_model import SamePerson, SignatureMoved
from khana.audit import services as audit
from khana.platform import installation
from khana.registry import files
from khana_methods.errors import InputError, NotFound

SHORTEST_REASON = 15


class ReasonMissing(InputError):
    """An override says why, so that an auditor understands it."""

    code: ClassVar[str] = "assessment.override.reason_missing"


class ScoreOutsideScale(InputError):
    """An override lies on the scale, from 0 to 100."""

    code: ClassVar[str] = "assessment.override.outside_scale"


class OverrideUnknown(NotFound):
    """No override has that number within the scope."""

    code: ClassVar[str] = "assessment.override.unknown"


@transaction.atomic
def propose_override(*, household: str, score: Decimal, reason: str, ends_on: date | None = None, at: datetime) -> int:
    """Propose that a household counts with another score; return the number of the proposal.

    Args:
        household: The number on its slip.
        score: From 0, the poorest, to 100.
        reason: In words, for whoever confirms and audits; no names.
        ends_on: The day on which the model's score counts again.
        at: When.

    Raises:
        ReasonMissing: It says too little.
        ScoreOutsideScale: The score is not on the scale.
        OverrideUnknown: No such household within the scope.
    """
    access.require("scores.override")
    if len(reason.strip()) < SHORTEST_REASON:
        raise ReasonMissing(f"Say why in a sentence, at least {SHORTEST_REASON} letters.")
    if not score.is_finite() or not 0 <= score <= 100:
        raise ScoreOutsideScale("The score lies from 0, the poorest, to 100.")
    number = files.household_id_of(household)
    found = files.household_at(number) if number is not None else None
    if number is None or found is None:
        raise OverrideUnknown("No such household, or it lies outside the area that you work for.")
    counting = scores.scores_of(number)
    actor = selectors.me()
    row = Override.objects.create(
        household_id=number, area_path=found.area_path, score=score.quantize(Decimal("0.01")),
        score_before=counting[0].score if counting else None, reason=reason.strip()[:2000], ends_on=ends_on,
        proposed_by=access.actor_id(), proposed_label=actor.username if actor else "", proposed_at=at,
    )  # fmt: skip
    audit.record(
        action="assessment.override.proposed", subject=f"household:{number}", details={"override": row.pk}, at=at
    )
    return int(row.pk)


@transaction.atomic
def confirm_override(*, override: int, at: datetime) -> None:
    """Confirm what another person proposed: from now on it counts.

    Raises:
        SamePerson: She proposed it herself.
        SignatureMoved: It is confirmed or withdrawn already.
    """
    row, me = _open(override)
    if row.proposed_by == me:
        raise SamePerson("You proposed this yourself: another person must confirm it.")
    actor = selectors.me()
    label = actor.username if actor else ""
    _move(row, "confirmed", at, confirmed_by=me, confirmed_label=label, confirmed_at=at)


@transaction.atomic
def withdraw_override(*, override: int, at: datetime) -> None:
    """Refuse or take back a proposal that nobody has confirmed."""
    row, me = _open(override)
    _move(row, "withdrawn", at, withdrawn_by=me, withdrawn_at=at)


def _open(override: int) -> tuple[Override, int]:
    access.require("scores.override")
    row = Override.objects.filter(pk=override).first()
    if row is None:
        raise OverrideUnknown("No such override, or it lies outside the area that you work for.", override=override)
    return row, access.actor_id()


def _move(row: Override, what: str, at: datetime, **fields: object) -> None:
    waiting = Override.objects.filter(pk=row.pk, confirmed_by__isnull=True, withdrawn_by__isnull=True)
    if not waiting.update(**fields):
        raise SignatureMoved("This was confirmed or withdrawn already.", override=row.pk)
    audit.record(
        action=f"assessment.override.{what}",
        subject=f"household:{row.household_id}",
        details={"override": row.pk},
        at=at,
    )


def is_ended(row: scores.KnownOverride, at: datetime) -> bool:
    """Say whether an override counts no more."""
    return row.ends_on is not None and row.ends_on <= installation.today(at)
