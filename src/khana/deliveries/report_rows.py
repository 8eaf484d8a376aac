"""Contracts and quarantined rows as lists, reports and the correction file need them.

The report holds no content of a row; the correction file does (opened, formula text made harmless)
and is for who may read quarantine. May call this room's tables only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from khana.deliveries.models import Contract, QuarantinedRow
from khana.platform import keys

COLUMNS = (
    ("source", "text"), ("file", "text"), ("sheet", "text"), ("line", "int"), ("column", "text"), ("code", "text"),
    ("detail", "text"), ("state", "text"), ("batch", "int"), ("row", "int"),
)  # fmt: skip
SELECT = """SELECT q.source_code, b.file_name, q.sheet, q.line, q."column", q.code, q.detail, q.state, q.batch_id, q.id
    FROM deliveries_quarantinedrow q JOIN deliveries_batch b ON b.id = q.batch_id WHERE true"""
ORDER = "q.source_code, b.file_name, q.sheet, q.line, q.id"
FILTERS = {
    "source": "q.source_code = %(source)s",
    "code": "q.code = %(code)s",
    "state": "q.state = %(state)s",
}
PERMISSION = "quarantine.read"


@dataclass(frozen=True)
class OpenRow:
    """One row that waits for a correction, with its text as it came."""

    row: int
    batch: int
    source: str
    file: str
    sheet: str
    line: int
    column: str
    code: str
    detail: str
    raw: str


def open_rows(*, source: str = "", batch: int | None = None, limit: int | None = None) -> Iterator[OpenRow]:
    """Yield open quarantined rows in the order of their files, each with its text opened."""
    rows = QuarantinedRow.objects.filter(state=QuarantinedRow.State.OPEN).select_related("batch")
    if source:
        rows = rows.filter(source_code=source)
    if batch is not None:
        rows = rows.filter(batch_id=batch)
    ordered = rows.order_by("batch_id", "sheet", "line", "id")
    for row in (ordered[:limit] if limit else ordered).iterator(chunk_size=2000):
        yield OpenRow(
            row.pk, row.batch_id, row.source_code, row.batch.file_name, row.sheet, row.line, row.column, row.code,
            row.detail, keys.decrypt(bytes(row.raw_ciphertext)).decode(),
        )  # fmt: skip


@dataclass(frozen=True)
class ListedContract:
    """The newest version of one contract."""

    contract: str
    version: int
    entity: str
    agency: str
    title: str


def list_contracts() -> list[ListedContract]:
    """Return the newest version of every contract, by code."""
    newest = Contract.objects.order_by("code", "-version").distinct("code")
    return [
        ListedContract(found.code, found.version, found.entity, found.agency, str(found.body.get("title", "")))
        for found in newest
    ]
