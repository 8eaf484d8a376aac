"""Reads of studies: looks at scores and models that were kept, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.assessment.models import Study


@dataclass(frozen=True)
class KnownStudy:
    """One study with what was asked and what was found."""

    id: int
    kind: str
    model_id: int | None
    asked: Mapping[str, Any]
    result: Mapping[str, Any]
    created_label: str
    created_at: datetime


def list_studies(kind: str, *, model_id: int | None = None, limit: int = 20) -> list[KnownStudy]:
    """Return the studies of a kind, of one model where it is named, newest first; none for who may not see them."""
    found = Study.objects.filter(kind=kind)
    if model_id is not None:
        found = found.filter(model_id=model_id)
    return [
        KnownStudy(row.pk, row.kind, row.model_id, row.asked, row.result, row.created_label, row.created_at)
        for row in found.order_by("-pk")[:limit]
    ]
