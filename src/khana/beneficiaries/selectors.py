"""Reads of the single registry for people: sources, runs, which programmes are connected."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Min, QuerySet

from khana.beneficiaries.models import Benefit, Run, Source


def list_sources() -> QuerySet[Source]:
    """Return every source by code."""
    return Source.objects.order_by("code")


def connected_programmes() -> set[str]:
    """Return the programmes that some source is there for and has delivered at least one row of."""
    return {code for source in Source.objects.all() for code in source.programmes}


def newest_run() -> Run | None:
    """Return the newest finished run, or none."""
    return Run.objects.filter(state=Run.State.DONE).order_by("-pk").first()


def describe_lists(source_code: str) -> list[dict[str, Any]]:
    """Return rows and periods by programme of one source, from its list."""
    found = (
        Benefit.objects.filter(source_code=source_code)
        .values("programme")
        .annotate(rows=Count("id"), first=Min("period_start"), last=Max("period_end"))
        .order_by("programme")
    )
    return [dict(row) for row in found]
