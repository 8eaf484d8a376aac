"""The persons' side of a consolidation: merged files count once, a model in use links rows too.

Part of `consolidate`, which lends its engine, its snapshot and its transaction. Where no model is in use
exact numbers alone link, as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.beneficiaries import frames as beneficiaries
from khana.linkage import frames as linkage
from khana.linkage import list_rows, one_person, records, results, said_of_rows, selectors
from khana.linkage.services import record_runs
from khana.platform.frames import FrameSource
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.model import ModelCard
from khana_methods.matching.train import snapshot_hash
from khana_methods.overlap import link
from khana_methods.overlap.consolidate import CHECKS
from khana_methods.overlap.findings import check, persons


@dataclass
class Recognised:
    """How a consolidation links and what it checks; `card` is None where no model is in use.

    `followed` counts rows of which what was said of an earlier row is followed.
    """

    card: ModelCard | None
    model_id: int
    linkers: Sequence[link.Linker] = (link.link_by_number,)
    checks: Sequence[check.Check] = CHECKS
    counts: dict[str, Any] | None = None
    followed: int = 0


def read(engine: Engine, source: FrameSource, *, without_batches: Sequence[int]) -> Recognised:
    """Read what recognising persons needs, in the snapshot of the consolidation."""
    engine.run("CREATE OR REPLACE TABLE one_person (person_id BIGINT, current_id BIGINT)")
    merged = one_person.lay_out(engine, source)
    followed = 0
    found = selectors.find_active_card()
    if found is not None:
        records.read_registry(engine, source)
        engine.register("link_row", beneficiaries.list_record_frame(source, without_batches=without_batches))
        engine.register("stake_frame", beneficiaries.stake_frame(source))
        engine.register("decided_frame", linkage.decided_frame(source))
        followed = said_of_rows.follow(engine, lambda ids: beneficiaries.list_record_frame(source, beside=ids))
    if merged:
        _count_once(engine)
        if found is not None:
            one_person.lay_out_homes(engine)
    return Recognised(found[1], found[0], followed=followed) if found else Recognised(None, 0)


def _count_once(engine: Engine) -> None:
    """Let every number of a file that counts as another lead to that one."""
    engine.run("""
        UPDATE identifier_frame SET person_id = o.current_id FROM one_person o
        WHERE o.person_id = identifier_frame.person_id
        """)


def recognise(engine: Engine, found: Recognised) -> None:
    """Link rows by the model in use; leaves how to link and what to check in `found`."""
    if found.card is None:
        return
    found.card.require_active()
    records.open_numbers(engine)
    otherwise = list_rows.tell_names(engine, found.card)
    looked_for = list_rows.link_rows(engine, found.card)
    said_of_rows.ask_no_more(engine)
    found.linkers = (link.link_by_number_unless_named_otherwise, link.link_by_model)
    found.checks = (*CHECKS, *persons.CHECKS)
    found.counts = {
        "seats_looked_for": looked_for, "named_otherwise": otherwise, "answers_followed": found.followed,
        "linked": int(engine.value("SELECT count(*) FROM model_link")),
    }  # fmt: skip


def record(engine: Engine, found: Recognised, *, cap: int, at: datetime) -> int | None:
    """Write the pairs of rows and persons with their decisions as a run of its own; return its number."""
    if found.card is None or found.counts is None:
        return None
    run_id = record_runs.start_run(model_id=found.model_id, kind="LISTS", at=at)
    counts = results.gather(engine, decided="row_decision", weighed="weighed", cap=cap, clusters=False)
    found.counts["unsure_rows"] = results.add_unsure_rows(engine, cap=cap)
    record_runs.write_results(
        run_id=run_id,
        kind="ROW",
        pairs=lambda: engine.reader("SELECT * FROM linkage_result"),
        clusters=None,
        snapshot=snapshot_hash(engine, "person_record"),
        counts={**found.counts, **counts},
        at=at,
    )
    return run_id
