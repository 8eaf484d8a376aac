"""Reads of what arrived: batches in force, for people and for the record of a run."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from khana.deliveries.models import Batch, QuarantinedRow


def list_batches(*, source_code: str = "") -> QuerySet[Batch]:
    """Return batches, newest first, of one source where it is named."""
    found = Batch.objects.select_related("contract", "file").order_by("-pk")
    return found.filter(source_code=source_code) if source_code else found


def list_quarantine(*, source_code: str = "", state: str = "OPEN") -> QuerySet[QuarantinedRow]:
    """Return quarantined rows in the order of their file."""
    found = QuarantinedRow.objects.filter(state=state).order_by("batch_id", "sheet", "line", "pk")
    return found.filter(source_code=source_code) if source_code else found


def replaced_batch_ids() -> list[int]:
    """Return batches that count no more: a newer one stands in their place, or their time is over by rule."""
    out_of_force = Q(replaced_by__isnull=False) | Q(over_at__isnull=False)
    return list(Batch.objects.filter(out_of_force).order_by("pk").values_list("pk", flat=True))


def count_open_quarantine(source_code: str) -> int:
    """Return how many rows of one source wait for a correction."""
    return list_quarantine(source_code=source_code).count()


def describe_loaded() -> dict[str, Any]:
    """Return every loaded batch by number with what makes its content certain: for the record of a run."""
    return {
        str(batch.pk): {
            "entity": batch.entity,
            "source": batch.source_code,
            "file": batch.file_name,
            "sha256": batch.file.sha256,
            "contract": f"{batch.contract.code}/{batch.contract.version}",
            "rows": batch.rows_loaded,
            "rows_sha256": batch.rows_sha256,
        }
        for batch in list_batches()
        .filter(state=Batch.State.LOADED, replaced_by__isnull=True, over_at__isnull=True)
        .order_by("pk")
    }
