"""Keeps what arrives: contracts by version, files whole, batches, quarantined rows.

A batch goes KEPT -> LOADED in the one transaction that writes its rows, or FAILED with the reason;
so a kill at any point leaves the file safe and nothing half-written, and the same command again
goes on from there. The same file under the same contract is the same batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from django.db import IntegrityError, transaction
from django.db.models import Max
from psycopg import sql

from khana.access import services as access
from khana.access import tombstones
from khana.audit import services as audit
from khana.deliveries.models import Batch, Contract, QuarantinedRow
from khana.platform import bulk, files, keys
from khana_methods.errors import Conflict, NotFound


class ContractUnknown(NotFound):
    """No contract of that code is kept here."""

    code: ClassVar[str] = "deliveries.contract.unknown"


class BatchUnknown(NotFound):
    """No batch of that number within the scope."""

    code: ClassVar[str] = "deliveries.batch.unknown"


class DeliveryOfOthers(Conflict):
    """Somebody whose deliveries the actor may not see has brought this file before."""

    code: ClassVar[str] = "deliveries.file.of_others"


class DeliveryErased(Conflict):
    """This very file was loaded once, and erased when its time was over."""

    code: ClassVar[str] = "deliveries.file.erased"


@dataclass(frozen=True)
class KeptBatch:
    """A batch as its importer needs it."""

    id: int
    state: str
    sha256: str
    size: int
    counts: dict[str, int]


def register_contract(*, body: dict[str, Any], at: datetime) -> Contract:
    """Keep a contract; the same body again is the same version, another body the next one.

    Args:
        body: The checked contract as plain JSON values, with `code`, `entity` and `agency`.
        at: When.
    """
    access.require("deliveries.write")
    newest = Contract.objects.filter(code=body["code"]).order_by("-version").first()
    if newest is not None and newest.body == body:
        return newest
    contract = Contract.objects.create(
        code=body["code"],
        version=(newest.version if newest else 0) + 1,
        entity=body["entity"],
        agency=body.get("agency", ""),
        body=body,
        created_at=at,
        created_by=access.actor_id(),
    )
    audit.record(
        action="deliveries.contract.registered",
        subject=f"contract:{contract.code}",
        details={"version": contract.version, "entity": contract.entity},
        at=at,
    )
    return contract


def get_contract(*, code: str) -> Contract:
    """Return the newest version of a contract.

    Raises:
        ContractUnknown: There is none of that code.
    """
    found = Contract.objects.filter(code=code).order_by("-version").first()
    if found is None:
        raise ContractUnknown(
            f"There is no contract '{code}' here. Give a YAML file, or add it with `khana contracts add FILE`.",
            contract=code,
        )
    return found


def keep_delivery(
    *,
    path: Path,
    name: str,
    contract: Contract,
    source_code: str,
    agency: str,
    at: datetime,
    replays: int | None = None,
) -> KeptBatch:
    """Keep a file byte for byte and open its batch; the same file twice is the same batch.

    Commits by itself when called outside a transaction: the file must be safe before it is read.

    Raises:
        DeliveryOfOthers: The batch is there already, outside the scope of the actor.
        DeliveryErased: It was loaded once and erased by rule; nothing is kept.
    """
    access.require("deliveries.write")
    kept = files.keep(path, name=name, at=at, may_keep=lambda sha256: _refuse_erased(sha256, source_code))
    with transaction.atomic():
        batch = Batch.objects.filter(file_id=kept.id, contract=contract, source_code=source_code).first()
        if batch is None:
            values = {
                "contract": contract, "file_id": kept.id, "file_name": name, "entity": contract.entity,
                "source_code": source_code, "agency": agency, "replays_id": replays, "received_at": at,
                "received_by": access.actor_id(),
            }  # fmt: skip
            try:
                with transaction.atomic():
                    batch = Batch.objects.create(**values)
            except IntegrityError as error:
                batch = Batch.objects.filter(file_id=kept.id, contract=contract, source_code=source_code).first()
                if batch is not None:  # the same command, typed twice at once
                    return KeptBatch(batch.pk, batch.state, kept.sha256, kept.size, _counts(batch))
                raise DeliveryOfOthers(
                    "This very file has been brought before, under the same contract, by somebody whose deliveries you "
                    "may not see. Nothing was loaded. Ask the data steward whether its rows are in already."
                ) from error
            audit.record(
                action="deliveries.file.kept",
                subject=f"batch:{batch.pk}",
                details={"sha256": kept.sha256, "size": kept.size, "contract": contract.code},
                at=at,
            )
        elif batch.state != Batch.State.LOADED:  # brought again: its time as a file that nobody could load begins anew
            Batch.objects.filter(pk=batch.pk).update(received_at=at)
    return KeptBatch(batch.pk, batch.state, kept.sha256, kept.size, _counts(batch))


def _refuse_erased(sha256: str, source_code: str) -> None:
    found = tombstones.erased_delivery(sha256=sha256, source=source_code)
    if found is not None:
        raise DeliveryErased(
            f"This very file was loaded before, as batch {found.batch}, and erased on {found.erased_at:%Y-%m-%d} because its time "
            f"was over (rule {found.rule}, `khana retention rules`). Nothing was loaded: what was erased does not come back.",
            batch=found.batch, rule=found.rule,
        )  # fmt: skip


def is_loaded_already(batch_id: int) -> bool:
    """Take the batch for the open transaction and say whether somebody else has loaded it meanwhile."""
    return Batch.objects.select_for_update(of=("self",)).get(pk=batch_id).state == Batch.State.LOADED


def get_batch(batch_id: int) -> Batch:
    """Return one batch with its contract and file.

    Raises:
        BatchUnknown: There is none of that number in scope.
    """
    found = Batch.objects.select_related("contract", "file").filter(pk=batch_id).first()
    if found is None:
        raise BatchUnknown(f"There is no batch {batch_id} in your scope.", batch=batch_id)
    return found


def _counts(batch: Batch) -> dict[str, int]:
    return {
        "rows_in": batch.rows_in,
        "rows_loaded": batch.rows_loaded,
        "rows_quarantined": batch.rows_quarantined,
        "lines_not_data": batch.lines_not_data,
    }


def counts_of(batch_id: int) -> dict[str, int]:
    """Return the counts of one batch: rows in, loaded, quarantined, lines that are no data."""
    return _counts(get_batch(batch_id))


QUARANTINE_COLUMNS = [
    ("sheet", "text"), ("line", "int"), ("column", "text"), ("code", "text"), ("detail", "text"), ("raw_ciphertext", "bytea"),
]  # fmt: skip


class Quarantine:
    """Takes the rows of one batch that could not be read, encrypted, as they come."""

    def __init__(self, batch_id: int, source_code: str, agency: str) -> None:
        self._batch_id, self._source_code, self._agency = batch_id, source_code, agency
        self.count = 0
        bulk.make_staging(bulk.raw_cursor(), "_quarantine", QUARANTINE_COLUMNS)

    def add(self, rows: pa.Table) -> None:
        """Take rows: sheet, line, column, code, detail, raw (text)."""
        if rows.num_rows == 0:
            return
        raw = bulk.hex_column(
            [value or b"" for value in keys.encrypt_many(text or " " for text in rows["raw"].to_pylist())]
        )
        closed = rows.select(["sheet", "line", "column", "code", "detail"]).append_column("raw_ciphertext", raw)
        self.count += bulk.copy_in(bulk.raw_cursor(), "_quarantine", closed)

    def write(self) -> None:
        """Write them beside their batch, in the open transaction."""
        bulk.raw_cursor().execute(
            """INSERT INTO deliveries_quarantinedrow
                 (batch_id, source_code, agency, sheet, line, "column", code, detail, raw_ciphertext, state, reason)
               SELECT %s, %s, %s, coalesce(sheet, ''), line, coalesce("column", ''), code, coalesce(detail, ''),
                      raw_ciphertext, 'OPEN', '' FROM _quarantine""",
            [self._batch_id, self._source_code, self._agency],
        )


def mark_loaded(
    *,
    batch_id: int,
    loaded: int,
    quarantined: int,
    not_data: int,
    rows_sha256: str,
    details: dict[str, Any],
    at: datetime,
) -> dict[str, int]:
    """Close a batch as loaded, with its counts and the hash over its rows, in the open transaction."""
    batch = Batch.objects.get(pk=batch_id)
    batch.state = Batch.State.LOADED
    batch.rows_in = loaded + quarantined
    batch.rows_loaded = loaded
    batch.rows_quarantined = quarantined
    batch.lines_not_data = not_data
    batch.rows_sha256 = rows_sha256
    batch.error_code = batch.error_message = ""
    batch.loaded_at = at
    batch.save()
    audit.record(
        action="deliveries.batch.loaded",
        subject=f"batch:{batch_id}",
        details={**_counts(batch), "rows_sha256": rows_sha256, **details},
        at=at,
    )
    return _counts(batch)


def mark_replaced(*, batch_id: int, by: int, source_code: str, at: datetime) -> None:
    """Let a newer batch of the same source stand in the place of an older one; the older one's rows stay, uncounted.

    Raises:
        BatchUnknown: There is no loaded batch of that number and source in scope that still stands.
    """
    older = Batch.objects.filter(
        pk=batch_id, source_code=source_code, state=Batch.State.LOADED, replaced_by__isnull=True
    ).exclude(pk=by)
    if not older.update(replaced_by_id=by):
        raise BatchUnknown(
            f"There is no batch {batch_id} of this source that still stands. `khana sources` shows the batches of a list.",
            batch=batch_id,
        )
    # rows of it that were corrected and loaded on their own go with it
    Batch.objects.filter(replays_id=batch_id, replaced_by__isnull=True).update(replaced_by_id=by)
    audit.record(action="deliveries.batch.replaced", subject=f"batch:{batch_id}", details={"by": by}, at=at)


def mark_failed(*, batch_id: int, code: str, message: str, at: datetime) -> None:
    """Keep why a batch could not be loaded; its file stays and may be tried again."""
    Batch.objects.filter(pk=batch_id).exclude(state=Batch.State.LOADED).update(
        state=Batch.State.FAILED, error_code=code, error_message=message[:1000]
    )
    audit.record(action="deliveries.batch.failed", subject=f"batch:{batch_id}", details={"code": code}, at=at)


def newest_batch_ids(entities: list[str]) -> dict[str, int]:
    """Return the newest loaded batch of each entity that is replaced as a whole."""
    rows = (
        Batch.objects.filter(state=Batch.State.LOADED, entity__in=entities).values("entity").annotate(newest=Max("pk"))
    )
    return {row["entity"]: row["newest"] for row in rows}


def open_quarantine(batch_id: int) -> int:
    """Return how many rows of a batch still wait for a correction."""
    return QuarantinedRow.objects.filter(batch_id=batch_id, state=QuarantinedRow.State.OPEN).count()


class RowsHash:
    """A running SHA-256 over the staged rows of a batch: chunk by chunk, in file order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, rows: pa.Table) -> None:
        """Add a chunk by its Arrow bytes; column names are part of it."""
        self._hash.update(",".join(rows.column_names).encode())
        for column in rows.columns:
            for chunk in column.chunks:
                for buffer in chunk.buffers():
                    if buffer is not None:
                        self._hash.update(buffer)

    def hexdigest(self) -> str:
        """Return the hash so far."""
        return self._hash.hexdigest()


def staged(name: str) -> sql.Identifier:
    """Return a staging table's name for a statement."""
    return sql.Identifier(name)
