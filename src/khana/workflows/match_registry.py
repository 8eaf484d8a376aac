"""Matching over the whole registry: train a model on it, or find who stands in it twice.

Frames are read in one snapshot under the caller's scope, compared in the engine, written back as set
operations. The run names the model, and the hash of the records that it compared.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.beneficiaries import frames as beneficiaries
from khana.linkage import records, results, selectors
from khana.linkage.services import keep_models, record_runs
from khana.platform import faults, installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.link import find_duplicates
from khana_methods.matching.train import snapshot_hash
from khana_methods.matching.train import train as learn
from khana_methods.overlap.parameters import Parameters

MEMORY_MIB = 3072
_STEPS = 6


def train(
    *, token: str, version: str = "", progress: Progress = silent, at: datetime, memory_mib: int = MEMORY_MIB
) -> dict[str, Any]:
    """Train a model on the registry as it stands; keep it as a draft.

    Args:
        token: In whose name; it needs `linkage.manage` for the whole country.
        version: Its name; country, day and time if absent.
        progress: Told phases.
        at: When.
        memory_mib: Memory that the engine may hold before it spills to disk.

    Returns:
        Version, records, candidates, thresholds, what the model expects of itself, and the cost of each pass.
    """
    named = version or f"{installation.read().get('country', 'pak').upper()}-{at:%Y-%m-%d-%H%M%S}"
    with access.scoped(token):
        access.require("linkage.manage", everywhere=True)
    with workplace("scratch") as folder, Engine(memory_mib=memory_mib, folder=folder) as engine, access.scoped(token):
        people = _read(engine, progress, plain="plain_record")
        progress(3, _STEPS, "training")
        made = learn(engine, "person_record", "plain_record", version=named)
        progress(5, _STEPS, "writing")
        kept = keep_models.keep_model(card=made.card, at=at)
        faults.reach("linkage.model_kept")
        card = made.card
        return {
            "version": named, "state": kept.state, "records": people, "candidates": made.candidates,
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
            people = _read(engine, progress)
            progress(3, _STEPS, "comparing")
            card.require_active()
            found, passes = find_duplicates(engine, "person_record", card)
            faults.reach("linkage.compared")
            progress(4, _STEPS, "writing")
            counts = results.gather(engine, decided="decision", weighed="weighed", cap=cap(at), clusters=True)
            counts |= {
                "records": people, "clusters": len(found.members), "refused_links": len(found.refused),
                "candidates": int(engine.value("SELECT count(*) FROM candidate")),
            }  # fmt: skip
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


def _read(engine: Engine, progress: Progress, *, plain: str = "") -> int:
    """Lay the registry out in the engine as records; return persons."""
    progress(0, _STEPS, "reading")
    with open_source() as source:
        records.read_registry(engine, source)
        engine.register("stake_frame", beneficiaries.stake_frame(source))
    records.no_rows(engine)
    progress(1, _STEPS, "reading")
    records.open_numbers(engine)
    progress(2, _STEPS, "reading")
    return records.prepare_registry(engine, plain=plain)
