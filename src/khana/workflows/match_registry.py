"""Matching over the whole registry: train a model on it, or find who stands in it twice.

Frames are read in one snapshot under the caller's scope, compared in the engine, written back as set
operations. The run names the model, and the hash of the records that it compared.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.linkage import laid_out, records, results, selectors
from khana.linkage.services import keep_models, record_runs
from khana.platform import faults, installation
from khana.platform.engines import engine_name, open_cluster
from khana.platform.frames import FrameSource, open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.labels import missed_by_blocking
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.model import ModelCard
from khana_methods.matching.train import label_frame, snapshot_hash
from khana_methods.matching.train import train as learn
from khana_methods.matching.weights import count_names
from khana_methods.overlap.parameters import Parameters

MEMORY_MIB = 3072
_STEPS = 6


def train(
    *,
    token: str,
    version: str = "",
    progress: Progress = silent,
    at: datetime,
    memory_mib: int = MEMORY_MIB,
    with_labels: bool = False,
) -> dict[str, Any]:
    """Train a model on the registry as it stands; keep it as a draft.

    Args:
        token: In whose name; it needs `linkage.manage` for the whole country.
        version: Its name; country, day and time if absent.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.
        with_labels: Learn from what people said of pairs too.

    Returns:
        Version, records, candidates, thresholds, what the model expects of itself, and the cost of each pass.
    """
    named = version or f"{installation.read().get('country', 'pak').upper()}-{at:%Y-%m-%d-%H%M%S}"
    with access.scoped(token):
        access.require("linkage.manage", everywhere=True)
    with workplace("scratch") as folder, Engine(memory_mib=memory_mib, folder=folder) as engine, access.scoped(token):
        people, _ = _read(engine, progress, plain="plain_record")
        progress(3, _STEPS, "training")
        labels = pa.Table.from_pylist(selectors.said_of_pairs(), schema=label_frame) if with_labels else None
        made = learn(engine, "person_record", "plain_record", version=named, labels=labels)
        progress(5, _STEPS, "writing")
        kept = keep_models.keep_model(card=made.card, at=at)
        faults.reach("linkage.model_kept")
        card = made.card
        return {
            "version": named, "state": kept.state, "records": people, "candidates": made.candidates, "labels": made.labels,
            "link_threshold": card.thresholds.link, "review_threshold": card.thresholds.review, "snapshot": card.snapshot,
            "expected_precision": card.precision.value if card.precision else None,
            "expected_recall_of_candidates": card.recall.value if card.recall else None,
            "rows": [{"pass": c.code, "pairs": c.pairs, "largest_block": c.largest_block} for c in made.counts],
        }  # fmt: skip


def run(*, token: str, progress: Progress = silent, at: datetime, memory_mib: int = MEMORY_MIB) -> dict[str, Any]:
    """Find who stands in the registry more than once with the model in use; write pairs and clusters.

    Args:
        token: In whose name; it needs `linkage.manage` for the whole country.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.

    Returns:
        The run's number, the model, counts by decision, and the cost of each pass.
    """
    with access.scoped(token):
        access.require("linkage.manage", everywhere=True)
        model_id, card = selectors.get_active_card()
        run_id = record_runs.start_run(model_id=model_id, kind="REGISTRY", at=at)
    faults.reach("linkage.started")
    try:
        with (
            workplace("scratch") as folder,
            Engine(memory_mib=memory_mib, folder=folder) as engine,
            access.scoped(token),
        ):
            record_runs.hold_run(run_id=run_id)
            people, marks = _read(engine, progress)
            progress(3, _STEPS, "comparing")
            card.require_active()
            with open_cluster() as cluster:
                found, passes = find_duplicates(engine, "person_record", card, cluster=cluster)
            faults.reach("linkage.compared")
            progress(4, _STEPS, "writing")
            counts = results.gather(engine, decided="decision", weighed="weighed", cap=cap(at), clusters=True)
            counts |= {
                "records": people, "clusters": len(found.members), "refused_links": len(found.refused),
                "candidates": int(engine.value("SELECT pairs FROM candidate_count")), "engine": engine_name(),
            }  # fmt: skip
            if engine.has("block_key"):
                counts["missed_by_blocking"] = round(missed_by_blocking(engine, card.passes), 1)
            # after the commit, while the engine still stands: a killed run leaves no layer that knows more than the database
            transaction.on_commit(lambda: _lay_out(engine, card, run_id, model_id, people, marks))
            written = record_runs.write_results(
                run_id=run_id,
                kind="PERSON",
                pairs=lambda: engine.reader("SELECT * FROM linkage_result"),
                clusters=lambda: engine.reader("SELECT * FROM linkage_cluster_result"),
                snapshot=snapshot_hash(engine, "person_record"),
                counts=counts,
                at=at,
            )
            faults.reach("linkage.before_commit")
    except BaseException:
        with access.scoped(token):
            record_runs.fail_run(run_id=run_id, at=at)
        raise
    progress(_STEPS, _STEPS, "done")
    shown = {name: value for name, value in written.items() if name not in ("strata", "by_decision")}
    return {
        "run": run_id, "model": card.version, **{k.lower(): n for k, n in written["by_decision"].items()}, **shown,
        "rows": [{"pass": c.code, "pairs": c.pairs, "largest_block": c.largest_block} for c in passes],
    }  # fmt: skip


def cap(at: datetime) -> int:
    """Return the most cash programmes of a person, as the installation says."""
    return int(installation.read().get("parameters", {}).get("cap", Parameters(as_of=at.date()).cap))


def _lay_out(engine: Engine, card: ModelCard, run_id: int, model_id: int, people: int, marks: dict[str, int]) -> None:
    """Lay the register out for look-ups and for runs over changes."""
    engine.run(
        "CREATE OR REPLACE TABLE area_of AS SELECT printf('P%012d', person_id) AS record_id, area_path FROM link_person"
    )
    if not engine.has("share_name_key"):
        count_names(engine, "person_record")
    priors = [float(one) for (one,) in engine.rows("SELECT prior FROM lift_prior")]
    homes = int(engine.value("SELECT count(DISTINCT household_id) FROM person_record"))
    laid_out.lay_out(
        engine, card.passes,
        {"run": run_id, "model": model_id, "card": card.to_json(), "is_change": False, "records": people, "households": homes, "priors": priors,
         "marks": marks},
    )  # fmt: skip


def _read(engine: Engine, progress: Progress, *, plain: str = "") -> tuple[int, dict[str, int]]:
    """Lay the registry out in the engine as records; return persons, and how far the tables had been written."""
    progress(0, _STEPS, "reading")
    with open_source() as source:
        marks = read_marks(source)
        records.read_registry(engine, source)
        engine.register("stake_frame", beneficiaries.stake_frame(source))
    records.no_rows(engine)
    progress(1, _STEPS, "reading")
    records.open_numbers(engine)
    progress(2, _STEPS, "reading")
    return records.prepare_registry(engine, plain=plain), marks


def read_marks(source: FrameSource) -> dict[str, int]:
    """Return how far the tables of persons have been written."""
    found = registry.mark_frame(source).read_all()
    return {str(row["name"]): int(row["mark"]) for row in found.to_pylist()}
