"""Reads of evaluations for people: the newest, its counts by area, and the unserved page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from django.db.models import Count, Sum

from khana.programmes.models import AnswerCount, Evaluation, Unserved
from khana_methods.errors import NotFound


class NoEvaluation(NotFound):
    """No evaluation has finished yet."""

    code: ClassVar[str] = "programmes.evaluation.none"


@dataclass(frozen=True)
class KnownEvaluation:
    """One finished evaluation."""

    id: int
    as_of: date
    known_at: datetime
    snapshot: str
    summary: Mapping[str, Any]
    ended_at: datetime | None


def find_evaluation() -> KnownEvaluation | None:
    """Return the newest finished evaluation, or None."""
    row = Evaluation.objects.filter(state=Evaluation.State.DONE).order_by("-pk").first()
    return KnownEvaluation(row.pk, row.as_of, row.known_at, row.snapshot, row.summary, row.ended_at) if row else None


def get_evaluation() -> KnownEvaluation:
    """Return the newest finished evaluation.

    Raises:
        NoEvaluation: There is none; the message says what to run.
    """
    found = find_evaluation()
    if found is None:
        raise NoEvaluation(
            "The programmes' rules were not held against the registry yet. Run `khana programmes evaluate`."
        )
    return found


def answers_of(evaluation: int, *, programme: str = "", area: str = "") -> list[dict[str, Any]]:
    """Return how many got which answer: `programme`, `outcome`, `why`, `units`; of one area where it is named."""
    rows = AnswerCount.objects.filter(evaluation_id=evaluation).exclude(programme="")
    if programme:
        rows = rows.filter(programme=programme)
    if area:
        rows = rows.filter(area_code=area)
    found = (
        rows.values("programme", "outcome", "why")
        .annotate(units=Sum("units"))
        .order_by("programme", "outcome", "-units", "why")
    )
    return [dict(row) for row in found]


def not_registered(evaluation: int) -> dict[str, int]:
    """Return by area how many residents of the population register have no file in the social registry."""
    rows = AnswerCount.objects.filter(evaluation_id=evaluation, outcome="not_registered").order_by("area_code")
    return dict(rows.values_list("area_code", "units"))


def unserved(
    evaluation: int, *, after: int = 0, limit: int = 50, area_path: str = "", reason: str = "", programme: str = ""
) -> list[dict[str, Any]]:
    """Return the unserved within the scope by rank, after a rank that was seen."""
    rows = Unserved.objects.filter(evaluation_id=evaluation, rank__gt=after)
    if area_path:
        rows = rows.filter(area_path__startswith=area_path)
    if reason:
        rows = rows.filter(reason=reason)
    if programme:
        rows = rows.filter(eligible_for__contains=[programme])
    return [
        {"rank": r.rank, "household": r.household_number, "area": r.area_path.rstrip(".").split(".")[-1], "score": r.score,
         "members": r.members, "eligible_for": list(r.eligible_for), "reason": r.reason, "outreach": r.outreach}
        for r in rows.order_by("rank")[:limit]
    ]  # fmt: skip


def unserved_reasons(evaluation: int, *, area_path: str = "") -> list[dict[str, Any]]:
    """Return how many of the unserved within the scope have which reason, and what would reach them."""
    rows = Unserved.objects.filter(evaluation_id=evaluation)
    if area_path:
        rows = rows.filter(area_path__startswith=area_path)
    return [
        dict(row)
        for row in rows.values("reason", "outreach").annotate(households=Count("id")).order_by("reason", "outreach")
    ]
