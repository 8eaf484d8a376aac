"""Read corrected rows again under their own contract and load them; what fails again stays in quarantine.

The corrections of one batch become a file of their own, kept whole like every file, and a batch
that names the one it mends. All in one transaction a batch: a kill leaves a batch as it was.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from khana.access import services as access
from khana.deliveries import corrections as waiting
from khana.deliveries import services as deliveries
from khana.deliveries.contracts.loading import parse_contract
from khana.deliveries.reading.corrections import Correction, read_corrections
from khana.deliveries.reading.read import header_of
from khana.deliveries.sealing import seal
from khana.platform import files, installation
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.workflows.import_file import make_loader
from khana.workflows.reading_tools import area_resolver, identifier_rules
from khana_methods.errors import InputError


class CorrectionsUnreadable(InputError):
    """The file of corrections is not the one that `khana quarantine export` writes."""

    code: ClassVar[str] = "workflows.replay.unreadable"


def run(
    *, token: str, path: Path | None = None, source: str = "", progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Replay corrected rows: those of a file, and every correction that waits, of one source if named.

    Args:
        token: In whose name.
        path: A CSV with the columns `row` and `raw`, as exported and corrected; the rest is not read.
        source: Only rows of this source.
        progress: Told batches.
        at: When.

    Returns:
        corrected (rows of the file that differ), replayed, still_waiting, batches.
    """
    corrected = _take_file(token, path, at) if path is not None else 0
    with access.scoped(token):
        access.require("quarantine.write")
        groups = waiting.corrected_by_batch(source_code=source)
    replayed = failed = 0
    made = []
    for number, (batch_id, rows) in enumerate(groups.items()):
        progress(number, len(groups), "replaying")
        with access.scoped(token):
            batch, good, bad = _replay(batch_id, rows, at)
        replayed += good
        failed += bad
        made.append(batch)
    return {"corrected": corrected, "replayed": replayed, "still_waiting": failed, "batches": made}


def _take_file(token: str, path: Path, at: datetime) -> int:
    """Keep each row of the file whose text was changed as a correction.

    The file itself is not kept: what it changes stands with its rows and in the file of the replay, the rest is in quarantine
    already, and a file that no delivery names would outlive every rule of retention.
    """
    with access.scoped(token):
        access.require("quarantine.write")
    changed = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle, access.scoped(token):
            table = csv.DictReader(handle)
            if not {"row", "raw"} <= set(table.fieldnames or ()):
                raise ValueError("columns")
            for row in table:
                text = row["raw"].removeprefix("'") if row["raw"][:2] in ("'=", "'+", "'-", "'@") else row["raw"]
                changed += waiting.correct_if_changed(row_id=int(row["row"]), text=text, at=at)
    except (KeyError, ValueError, TypeError, UnicodeDecodeError, csv.Error) as error:
        raise CorrectionsUnreadable(
            f"{path.name} is not a file of corrections: it needs the columns 'row' and 'raw' that "
            "`khana quarantine export` writes, in UTF-8."
        ) from error
    return changed


def _replay(batch_id: int, rows: Sequence[waiting.CorrectedRow], at: datetime) -> tuple[int, int, int]:
    """Load the corrected rows of one batch; return the new batch, rows loaded and rows refused again."""
    old = deliveries.get_batch(batch_id)
    contract = parse_contract(old.contract.body, where=old.contract.code)
    with files.plain_copy(old.file.sha256) as original:
        header = header_of(original, contract)
    text = json.dumps([[row.id, row.sheet, row.line, row.text] for row in rows])
    with workplace("files", "reading") as folder:
        page = folder / f"corrections-{batch_id}.json"
        page.write_text(text)
        batch = deliveries.keep_delivery(
            path=page, name=old.file_name, contract=old.contract, source_code=old.source_code, agency=old.agency,
            at=at, replays=batch_id,
        )  # fmt: skip
    loader = make_loader(contract.entity, source=old.source_code, agency=old.agency, file_name=old.file_name)
    loader.appends = True
    digest = deliveries.RowsHash()
    country = contract.country or installation.read().get("country", "pak")
    refused: set[tuple[str, int]] = set()
    loaded = 0
    for chunk in read_corrections(
        [Correction(row.line, row.text, row.sheet) for row in rows], contract, header,
        identifiers=identifier_rules(country), areas=area_resolver(country),
    ):  # fmt: skip
        digest.add(chunk.rows)
        loaded += chunk.rows.num_rows
        refused |= set(zip(chunk.quarantined["sheet"].to_pylist(), chunk.quarantined["line"].to_pylist(), strict=True))
        loader.stage(
            seal(chunk.rows, numbers=loader.numbers, mobiles=loader.mobiles, accounts=getattr(loader, "accounts", ()))
        )
    if hasattr(loader, "orphans"):
        lost = loader.orphans()["line"].to_pylist()
        refused |= {("", line) for line in lost}
        loaded -= len(lost)
    counts = loader.finish(batch_id=batch.id, at=at)
    good = [row.id for row in rows if (row.sheet, row.line) not in refused]
    waiting.mark_replayed(row_ids=good, batch_id=batch.id, at=at)
    deliveries.mark_loaded(
        batch_id=batch.id,
        loaded=loaded,
        quarantined=0,
        not_data=0,
        rows_sha256=digest.hexdigest(),
        details=counts,
        at=at,
    )
    return batch.id, loaded, len(refused)
