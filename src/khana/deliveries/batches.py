"""Reads of what arrived, as pages show it: batches, contracts, quarantined rows with their raw text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.access import tombstones
from khana.deliveries.models import Batch, Contract, QuarantinedRow
from khana.platform import keys


@dataclass(frozen=True)
class BatchRow:
    """One file that arrived; `erased` says what of it is gone by rule: ROWS, FILE, or nothing."""

    id: int
    file_name: str
    sha256: str
    contract: str
    contract_version: int
    state: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    lines_not_data: int
    error_code: str
    error_message: str
    received_at: datetime
    loaded_at: datetime | None
    replays: int | None
    over_at: datetime | None
    erased: str


@dataclass(frozen=True)
class ContractRow:
    """The newest version of one contract."""

    code: str
    version: int
    entity: str
    body: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True)
class HeldRow:
    """One row in quarantine; `raw` only where it was asked for."""

    id: int
    batch_id: int
    file_name: str
    source_code: str
    sheet: str
    line: int
    column: str
    code: str
    detail: str
    state: str
    raw: str
    corrected: str
    is_corrected: bool


def batches_of(source_code: str, *, limit: int = 30) -> list[BatchRow]:
    """Return the newest batches of one source."""
    found = Batch.objects.filter(source_code=source_code).select_related("contract", "file").order_by("-id")[:limit]
    erased = tombstones.erased_of([row.pk for row in found])
    return [
        _batch(row, erased[row.pk][0] if row.pk in erased and erased[row.pk][1] >= row.received_at else "")
        for row in found
    ]


def last_loaded(source_code: str) -> BatchRow | None:
    """Return the newest loaded batch of one source."""
    found = Batch.objects.filter(source_code=source_code, state=Batch.State.LOADED).select_related("contract", "file")
    row = found.order_by("-id").first()
    return _batch(row) if row else None


def _batch(row: Batch, erased: str = "") -> BatchRow:
    return BatchRow(
        row.pk, row.file_name, row.file.sha256, row.contract.code, row.contract.version, row.state, row.rows_in,
        row.rows_loaded, row.rows_quarantined, row.lines_not_data, row.error_code, row.error_message, row.received_at,
        row.loaded_at, row.replays_id, row.over_at, erased,
    )  # fmt: skip


def contract(code: str) -> ContractRow | None:
    """Return the newest version of one contract."""
    row = Contract.objects.filter(code=code).order_by("-version").first()
    return ContractRow(row.code, row.version, row.entity, row.body, row.created_at) if row else None


def count_quarantine(source_code: str, *, at_most: int = 10_000) -> int:
    """Count the rows of one source that wait for a correction, up to `at_most`."""
    found = QuarantinedRow.objects.filter(source_code=source_code, state=QuarantinedRow.State.OPEN)
    return found.order_by()[:at_most].count()


def quarantine(source_code: str, *, after: int = 0, limit: int = 50) -> list[HeldRow]:
    """Return one page of the rows of one source that wait, without their text."""
    found = QuarantinedRow.objects.filter(source_code=source_code, state=QuarantinedRow.State.OPEN, id__gt=after)
    return [_held(row, is_open=False) for row in found.select_related("batch").order_by("id")[:limit]]


def held_row(row_id: int) -> HeldRow | None:
    """Return one row in quarantine with its text."""
    row = QuarantinedRow.objects.filter(pk=row_id).select_related("batch").first()
    return _held(row, is_open=True) if row else None


def _held(row: QuarantinedRow, *, is_open: bool) -> HeldRow:
    raw = corrected = ""
    if is_open:
        raw = keys.decrypt(row.raw_ciphertext).decode("utf-8", "replace")
        corrected = (
            keys.decrypt(row.corrected_ciphertext).decode("utf-8", "replace") if row.corrected_ciphertext else ""
        )
    return HeldRow(
        row.pk, row.batch_id, row.batch.file_name, row.source_code, row.sheet, row.line, row.column, row.code, row.detail,
        row.state, raw, corrected, row.corrected_ciphertext is not None,
    )  # fmt: skip


def count_corrected(source_code: str) -> int:
    """Count the rows of one source that are corrected and wait for their replay."""
    found = QuarantinedRow.objects.filter(source_code=source_code, state=QuarantinedRow.State.OPEN)
    return found.filter(corrected_ciphertext__isnull=False).count()
