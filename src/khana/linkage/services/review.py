"""Outcomes: what a person said of a pair, and what becomes of it.

Three outcomes and a question to the field. One pair in ten wants two opinions before it is decided; where
they differ a third person's counts. Every outcome is kept as a label with who gave it and when.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.linkage import selectors
from khana.linkage.models import Label, Pair
from khana_methods.errors import InputError

DECIDES = {
    Label.Outcome.SAME: Pair.Decision.LINKED,
    Label.Outcome.DIFFERENT: Pair.Decision.REJECTED,
    Label.Outcome.ASK_FIELD: Pair.Decision.ASK_FIELD,
    Label.Outcome.UNSURE: Pair.Decision.REVIEW,
}
ORIGINS = ("PAGE", "API", "FILE")


class OutcomeUnknown(InputError):
    """An outcome is SAME, DIFFERENT, UNSURE or ASK_FIELD."""

    code: ClassVar[str] = "linkage.outcome_unknown"


@dataclass(frozen=True)
class Decided:
    """What an outcome did: the pair's state now, and whether it still waits for another opinion."""

    pair_id: int
    decision: str
    waits_for_second: bool


@transaction.atomic
def give_outcome(*, pair_id: int, outcome: str, origin: str, at: datetime) -> Decided:
    """Record the actor's outcome for one pair and decide the pair by what was said of it.

    Args:
        pair_id: The pair; both of its sides in her scope.
        outcome: SAME, DIFFERENT, UNSURE or ASK_FIELD.
        origin: PAGE, API or FILE.
        at: When.

    Raises:
        OutcomeUnknown: It is none of the four.
        PairNotFound: There is no such pair in scope.
    """
    access.require("linkage.review")
    if outcome not in Label.Outcome.values or origin not in ORIGINS:
        raise OutcomeUnknown("An outcome is SAME, DIFFERENT, UNSURE or ASK_FIELD.", pair=pair_id)
    pair = selectors.get_pair(pair_id)
    Label.objects.create(
        pair=pair, area_path=pair.area_path, left_area_path=pair.left_area_path, outcome=outcome, origin=origin,
        stratum=pair.stratum, is_sampled=pair.sample is not None, labelled_by=access.actor_id(), labelled_at=at,
    )  # fmt: skip
    decision, waits = _decide(pair)
    Pair.objects.filter(pk=pair.pk).update(decision=decision, decided_by=access.actor_id(), decided_at=at)
    audit.record(
        action="linkage.pair.labelled",
        subject=f"pair:{pair.pk}",
        details={"outcome": outcome, "decision": decision, "origin": origin},
        at=at,
    )
    return Decided(pair.pk, decision, waits)


def _decide(pair: Pair) -> tuple[str, bool]:
    """Say what all outcomes together mean: each person's last one counts, most voices win."""
    last = {label.labelled_by: label.outcome for label in selectors.labels_of(pair.pk)}
    voices = Counter(outcome for outcome in last.values() if outcome != Label.Outcome.UNSURE)
    if not voices:
        return str(Pair.Decision.REVIEW), False
    ranked = voices.most_common()
    if pair.wants_second and len(last) < 2:
        return str(Pair.Decision.REVIEW), True
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        return str(Pair.Decision.REVIEW), True
    return str(DECIDES[Label.Outcome(ranked[0][0])]), False
