"""Reads of scores for people: the score in force of a household, and those before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from khana.assessment.models import Score


@dataclass(frozen=True)
class ScoreFacts:
    """One score of one household: 0 poorest to 100, under a named model."""

    score: Decimal
    score_date: date
    model_code: str
    recorded_at: datetime
    superseded_at: datetime | None


def scores_of(household_id: int, as_known_at: datetime | None = None) -> list[ScoreFacts]:
    """Return the scores of a household, the one in force first; at most 20."""
    rows = Score.objects.filter(household_id=household_id)
    if as_known_at is not None:
        rows = rows.filter(
            Q(superseded_at__isnull=True) | Q(superseded_at__gt=as_known_at), recorded_at__lte=as_known_at
        )
    return [
        ScoreFacts(row.score, row.score_date, row.model_code, row.recorded_at, row.superseded_at)
        for row in rows.order_by("-score_date", "-recorded_at", "-id")[:20]
    ]
