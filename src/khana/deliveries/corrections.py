"""Correct or discard rows in quarantine: the raw text stays, the correction stands beside it.

A correction is the whole line as it should have come, or for JSON the whole record. Replaying
it is the work of a job; here it is only kept, encrypted like the raw text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.deliveries.models import QuarantinedRow
from khana.platform import keys
from khana_methods.errors import Conflict, InputError

LONGEST = 100_000


class RowMoved(Conflict):
    """The row was replayed or discarded in the meantime, or lies outside the scope."""

    code: ClassVar[str] = "deliveries.quarantine.row_moved"


class CorrectionEmpty(InputError):
    """A correction without text, or longer than any row."""

    code: ClassVar[str] = "deliveries.quarantine.correction_empty"


def correct_row(*, row_id: int, text: str, at: datetime) -> None:
    """Keep what a row should have been; it waits for its replay.

    Raises:
        CorrectionEmpty: There is nothing in it, or it is no row any more.
        RowMoved: The row does not wait any more.
    """
    access.require("quarantine.write")
    line = text.strip("\r\n")
    if not line.strip() or len(line) > LONGEST:
        raise CorrectionEmpty(
            "A correction is the whole row as it should have come; this one is empty or far too long."
        )
    _change(row_id, corrected_ciphertext=keys.encrypt(line), changed_at=at)
    audit.record(action="deliveries.quarantine.corrected", subject=f"quarantine:{row_id}", at=at)


def discard_row(*, row_id: int, reason: str, at: datetime) -> None:
    """Close a row that no correction can save, with the reason.

    Raises:
        CorrectionEmpty: No reason is given.
        RowMoved: The row does not wait any more.
    """
    access.require("quarantine.write")
    if not reason.strip():
        raise CorrectionEmpty("Say why the row is discarded: somebody may ask later.")
    _change(row_id, state=QuarantinedRow.State.DISCARDED, reason=reason.strip()[:500], changed_at=at)
    audit.record(action="deliveries.quarantine.discarded", subject=f"quarantine:{row_id}", at=at)


def _change(row_id: int, **fields: object) -> None:
    waiting = QuarantinedRow.objects.filter(pk=row_id, state=QuarantinedRow.State.OPEN)
    if not waiting.update(**fields):
        raise RowMoved(
            "This row does not wait any more: somebody replayed or discarded it. Load the list again.", row=row_id
        )


@dataclass(frozen=True)
class CorrectedRow:
    """One row that waits with a correction: its number, place and corrected text."""

    id: int
    sheet: str
    line: int
    text: str


def correct_if_changed(*, row_id: int, text: str, at: datetime) -> bool:
    """Keep a correction where it differs from what came; say whether it did. Rows that moved are passed over."""
    row = QuarantinedRow.objects.filter(pk=row_id, state=QuarantinedRow.State.OPEN).first()
    if row is None or not text.strip() or keys.decrypt(bytes(row.raw_ciphertext)).decode() == text:
        return False
    correct_row(row_id=row_id, text=text, at=at)
    return True


def corrected_by_batch(*, source_code: str = "") -> dict[int, list[CorrectedRow]]:
    """Return every correction that waits, by batch, in the order of sheet and line."""
    rows = QuarantinedRow.objects.filter(state=QuarantinedRow.State.OPEN, corrected_ciphertext__isnull=False)
    if source_code:
        rows = rows.filter(source_code=source_code)
    out: dict[int, list[CorrectedRow]] = {}
    for row in rows.order_by("batch_id", "sheet", "line", "pk").iterator(chunk_size=2000):
        text = keys.decrypt(bytes(row.corrected_ciphertext or b"")).decode()
        out.setdefault(row.batch_id, []).append(CorrectedRow(row.pk, row.sheet, row.line, text))
    return out


def mark_replayed(*, row_ids: list[int], batch_id: int, at: datetime) -> None:
    """Close rows whose correction was read and loaded."""
    access.require("quarantine.write")
    QuarantinedRow.objects.filter(pk__in=row_ids, state=QuarantinedRow.State.OPEN).update(
        state=QuarantinedRow.State.REPLAYED, replayed_in_id=batch_id, changed_at=at
    )
    audit.record(
        action="deliveries.quarantine.replayed", subject=f"batch:{batch_id}", details={"rows": len(row_ids)}, at=at
    )
