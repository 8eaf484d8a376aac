"""What of a delivery goes by rule, what went, and what would go: rows of lists in steps, then the files that were kept.

The database decides and writes the tombstone (`sql/lists.sql`); here the steps follow each other, each committed by itself, and a
content leaves the store before its tombstone is committed: whatever is killed in between is done again at the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import ClassVar

from django.db import transaction

from khana.access import services as access
from khana.access.functions import call
from khana.access.models import Tombstone
from khana.platform import files
from khana.platform.progress import Progress, silent
from khana_methods.errors import Conflict

Scope = Callable[[], AbstractContextManager[None]]
ROWS_A_STEP = 20_000
FILES_A_STEP = 50
HASHES_A_STEP = 500


class LeftoversMany(Conflict):
    """More contents are known to nothing than killed processes leave behind."""

    code: ClassVar[str] = "access.retention.leftovers_many"


@dataclass(frozen=True)
class Due:
    """What a dry run says of one delivery, or of a rule as a whole where `batch` is empty.

    `goes` are rows (or files), `held` by a legal hold, `needed` by something that is open; `waits` is `held` where a hold is on
    the delivery itself and `run` where the last consolidation still rests on it.
    """

    rule: str
    batch: int | None
    source: str
    file_name: str
    goes: int
    held: int
    needed: int
    waits: str


@dataclass(frozen=True)
class ErasedDelivery:
    """A delivery that was loaded once and erased since."""

    batch: int
    rule: str
    erased_at: datetime


def alone() -> AbstractContextManager[None]:
    """Open a transaction of its own for one step."""
    return transaction.atomic()


def erase_lists(*, before: datetime, progress: Progress = silent, scope: Scope = alone) -> int:
    """Take lists that are over out of force and erase the rows of those that no consolidation rests on; return how many rows."""
    with scope():
        due = [int(row[0]) for row in call("retention_lists_due", before)]
    erased = 0
    for number, batch in enumerate(due):
        while True:
            progress(number, len(due), "erasing")
            with scope():
                done = int(call("retention_lists_step", batch, ROWS_A_STEP)[0][0])
            erased += done
            if done < ROWS_A_STEP:
                break
    return erased


def erase_files(rule: str, *, before: datetime, progress: Progress = silent, scope: Scope = alone) -> int:
    """Remove kept files that are over, a few at a time; return how many contents."""
    erased = 0
    while True:
        progress(erased, 0, "erasing")
        with scope():
            gone = [str(row[0]) for row in call("retention_files", rule, before, FILES_A_STEP)]
            for sha256 in gone:
                files.remove(sha256)
        erased += len(gone)
        if not gone:
            return erased


def erase_leftovers(
    *, before: datetime, most: int | None = None, progress: Progress = silent, scope: Scope = alone
) -> int:
    """Remove contents that killed processes left in the store: brought before a day, and no row speaks of them. Return how many.

    Args:
        before: The day.
        most: How many may go; any number if absent.
        progress: Told contents.
        scope: As in `retention.run`.

    Raises:
        LeftoversMany: There are more. So many no kill leaves behind: the database is likely older than the folder, after a restore.
    """
    if most is not None:
        with scope():
            found = _leftovers(before)[0].goes
        if found > most:
            raise LeftoversMany(
                f"{found} files in the store are known to nothing. After a restore the database may be older than the folder: none "
                "was erased. Look with `khana retention preview`, then run `khana retention run` yourself.", found=found,
            )  # fmt: skip
    erased = 0
    for hashes in _batched(files.brought_before(before)):
        progress(erased, 0, "erasing")
        with scope():
            gone = [str(row[0]) for row in call("retention_leftovers", hashes, True)]
            for sha256 in gone:
                files.remove(sha256)
        erased += len(gone)
    return erased


def _batched(hashes: Iterable[str]) -> Iterator[list[str]]:
    """Give hashes in lists of one step."""
    every = iter(hashes)
    while step := list(islice(every, HASHES_A_STEP)):
        yield step


def _leftovers(before: datetime) -> list[Due]:
    found = [
        bool(held) for step in _batched(files.brought_before(before)) for _, held in call("retention_leftovers", step, False)
    ]  # fmt: skip
    return [Due("LEFTOVERS", None, "", "", found.count(False), found.count(True), 0, "")]


def preview(rule: str, *, before: datetime) -> list[Due]:
    """Say what one rule would erase of what is older than a day, which may be one to come. Nothing is written."""
    if rule == "LEFTOVERS":
        return _leftovers(before)
    return [
        Due(rule, batch, source, name, int(goes), int(held), int(needed), waits)
        for batch, source, name, goes, held, needed, waits in call("retention_preview", rule, before)
    ]


def tombstones(*, limit: int = 200) -> list[Tombstone]:
    """Return what was erased of deliveries, newest first; needs `alarms.read`."""
    access.require("alarms.read", everywhere=True)
    return list(Tombstone.objects.order_by("-erased_at", "-id")[:limit])


def erased_of(batches: Sequence[int]) -> dict[int, tuple[str, datetime]]:
    """Return what is gone of some deliveries of the scope and since when: FILE where the file is, else ROWS."""
    found = Tombstone.objects.filter(batch_id__in=list(batches)).order_by("-what")
    return {int(one.batch_id): (one.what, one.erased_at) for one in found}


def erased_delivery(*, sha256: str, source: str) -> ErasedDelivery | None:
    """Return the delivery of this very content and source that was loaded once and erased since, whoever brought it."""
    found = call("retention_erased", sha256, source)
    return ErasedDelivery(int(found[0][0]), str(found[0][1]), found[0][2]) if found else None
