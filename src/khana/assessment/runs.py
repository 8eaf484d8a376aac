"""Reads of scoring runs: the newest, its figures, and what follows from them for one score."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from khana.assessment.models import ScoringRun
from khana_methods.targeting.drift import stability


@dataclass(frozen=True)
class KnownRun:
    """One scoring of the registry."""

    id: int
    model_id: int
    model: str
    state: str
    is_trial: bool
    as_of: date
    known_at: datetime
    snapshot: str
    summary: Mapping[str, Any]
    started_at: datetime
    ended_at: datetime | None


def _run(row: ScoringRun) -> KnownRun:
    return KnownRun(
        row.pk, row.model_id, f"{row.model.code}/{row.model.version}", row.state, row.is_trial, row.as_of, row.known_at,
        row.snapshot, row.summary, row.started_at, row.ended_at,
    )  # fmt: skip


def list_runs(*, limit: int = 50) -> list[KnownRun]:
    """Return runs, newest first."""
    return [_run(row) for row in ScoringRun.objects.select_related("model").order_by("-pk")[:limit]]


def find_run(run_id: int) -> KnownRun | None:
    """Return one run, or None."""
    row = ScoringRun.objects.select_related("model").filter(pk=run_id).first()
    return _run(row) if row else None


def latest_run(*, model_id: int | None = None) -> KnownRun | None:
    """Return the newest finished run that wrote scores, of one model where it is named."""
    found = ScoringRun.objects.filter(state=ScoringRun.State.DONE, is_trial=False)
    if model_id is not None:
        found = found.filter(model_id=model_id)
    row = found.select_related("model").order_by("-pk").first()
    return _run(row) if row else None


def quantiles_of(model_id: int) -> Sequence[float]:
    """Return the quantiles of the newest run of a model, for the place of a score at the desk; empty without one."""
    run = latest_run(model_id=model_id)
    return list(run.summary.get("quantiles", [])) if run else []


def due_on(survey_date: date, months: int) -> date:
    """Return the day on which an interview is due again, the last of a shorter month where it has no such day.

    Examples:
        >>> due_on(date(2024, 8, 31), 18)
        datetime.date(2026, 2, 28)
    """
    year, month = divmod(survey_date.month - 1 + months, 12)
    year += survey_date.year
    return date(year, month + 1, min(survey_date.day, calendar.monthrange(year, month + 1)[1]))


def moved_since_first(model_id: int) -> float | None:
    """Return how far the registry's scores by one model have moved from its first scoring to its last; None without two.

    The population stability index over tenths of the first: under 0.1 little, over 0.25 much.
    """
    done = ScoringRun.objects.filter(model_id=model_id, state=ScoringRun.State.DONE, is_trial=False)
    first, last = done.order_by("pk").first(), done.order_by("-pk").first()
    if first is None or last is None or first.pk == last.pk:
        return None
    return stability(first.summary.get("quantiles", ()), last.summary.get("quantiles", ()))
