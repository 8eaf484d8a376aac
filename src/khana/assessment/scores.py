"""Reads of scores for people: the score that counts, those before it, overrides, and one score by its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from django.db.models import Q, QuerySet

from khana.assessment import model_store
from khana.assessment.models import Override, Score
from khana.platform import clock, installation
from khana_methods.errors import NotFound


class ScoreUnknown(NotFound):
    """No score has that number within the scope."""

    code: ClassVar[str] = "assessment.score.unknown"


@dataclass(frozen=True)
class ScoreFacts:
    """One score of one household: 0 poorest to 100, under a named model; `origin` is override, model or arrived."""

    score: Decimal
    score_date: date
    model_code: str
    recorded_at: datetime
    superseded_at: datetime | None
    id: int = 0
    origin: str = "arrived"
    class_name: str = ""
    percentile: float | None = None
    due_on: date | None = None


@dataclass(frozen=True)
class KnownScore:
    """Everything that is recorded of one score."""

    id: int
    household_id: int
    household_number: str
    area_path: str
    score: Decimal
    score_date: date
    model_id: int | None
    model_code: str
    run_id: int | None
    as_of: date | None
    known_at: datetime | None
    raw: float | None
    percentile: float | None
    class_name: str
    contributions: Sequence[float]
    missing: Sequence[str]
    unseen: Sequence[str]
    facts_mark: str
    due_on: date | None
    recorded_at: datetime
    superseded_at: datetime | None


@dataclass(frozen=True)
class KnownOverride:
    """One override of a household's score, with who proposed and who confirmed it."""

    id: int
    household_id: int
    score_before: Decimal | None
    score: Decimal
    reason: str
    proposed_by: int
    proposed_label: str
    proposed_at: datetime
    confirmed_label: str
    confirmed_at: datetime | None
    withdrawn_at: datetime | None
    ends_on: date | None

    @property
    def is_open(self) -> bool:
        """Say whether it waits for its second person."""
        return self.confirmed_at is None and self.withdrawn_at is None


def scores_of(household_id: int, as_known_at: datetime | None = None, on: date | None = None) -> list[ScoreFacts]:
    """Return the scores of a household, the one that counts first; at most 20.

    First a confirmed override that has not ended, then what the model in force computed, then what arrived.
    """
    rows: QuerySet[Score] = Score.objects.filter(household_id=household_id)
    overrides = Override.objects.filter(household_id=household_id, confirmed_at__isnull=False)
    if as_known_at is not None:
        rows = rows.filter(
            Q(superseded_at__isnull=True) | Q(superseded_at__gt=as_known_at), recorded_at__lte=as_known_at
        )
        overrides = overrides.filter(confirmed_at__lte=as_known_at)
    day = on or (as_known_at.date() if as_known_at else installation.today(clock.now()))
    current = model_store.find_in_force(day)
    model_id = current.known.id if current else None
    found = [
        ScoreFacts(
            row.score, row.score_date, row.model_code, row.recorded_at, row.superseded_at, row.pk,
            "arrived" if row.model_id is None else "model", row.class_name, row.percentile, row.due_on,
        )
        for row in rows.order_by("-score_date", "-recorded_at", "-id")[:20]
    ]  # fmt: skip
    by_force = rows.filter(model_id=model_id).values_list("pk", flat=True) if model_id else ()
    counting = set(by_force)
    found.sort(
        key=lambda one: (
            one.superseded_at is not None, one.origin == "model" and one.id not in counting, one.origin != "model"
        )
    )  # fmt: skip
    ruled = [
        ScoreFacts(o.score, o.proposed_at.date(), "", o.proposed_at, None, 0, "override")
        for o in overrides.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day)).order_by("-proposed_at", "-pk")[:1]
    ]
    return [*ruled, *found]


def get_score(score_id: int) -> KnownScore:
    """Return one score by its number.

    Raises:
        ScoreUnknown: There is none within the scope.
    """
    row = Score.objects.select_related("household").filter(pk=score_id).first()
    if row is None:
        raise ScoreUnknown("No score has that number, or it lies outside the area that you work for.", score=score_id)
    return KnownScore(
        row.pk, row.household_id, row.household.number, row.area_path, row.score, row.score_date, row.model_id,
        row.model_code, row.run_id, row.as_of, row.known_at, row.raw, row.percentile, row.class_name,
        row.contributions or (), row.missing or (), row.unseen or (), row.facts_mark, row.due_on, row.recorded_at,
        row.superseded_at,
    )  # fmt: skip


def overrides_of(household_id: int) -> list[KnownOverride]:
    """Return the overrides of a household, newest first."""
    return [
        KnownOverride(
            row.pk, row.household_id, row.score_before, row.score, row.reason, row.proposed_by, row.proposed_label,
            row.proposed_at, row.confirmed_label, row.confirmed_at, row.withdrawn_at, row.ends_on,
        )
        for row in Override.objects.filter(household_id=household_id).order_by("-pk")[:20]
    ]  # fmt: skip
