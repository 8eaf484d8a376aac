"""Correct or discard rows in quarantine: the raw text stays, the correction stands beside it.

A correction is the whole line as it should have come, or for JSON the whole record. Replaying
it is the work of a job; here it is only kept, encrypted like the raw text.
"""

from __future__ import annotations

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
        raise CorrectionEmpty("A correction is the whole row as it should have come; this one is empty or far too long.")
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
        raise RowMoved("This row does not wait any more: somebody replayed or discarded it. Load the list again.", row=row_id)
