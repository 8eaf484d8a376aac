"""Matching persons: speed beside bare Splink on the same blocking, and quality beside speed.

Size: persons of pk-sample (KHANA_SHARED or ../shared), in the order of the file; its truth gives precision and recall
inside the registry and of list rows without a usable number. The figure is seconds for candidates,
weights and decisions; the limit is Splink's own predict on the same pairs.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any

from bench._world import Clock
from khana_methods.engine.duckdb import Engine
from khana_methods.matching import backends
from khana_methods.matching.evaluate import Quality, quality
from khana_methods.matching.labels import draw_labels, judge_by_labels, missed_by_blocking
from khana_methods.matching.link import decisions, find_duplicates, link_list
from khana_methods.matching.lookup import DeskIndex
from khana_methods.matching.prepare import prepare
from khana_methods.matching.train import train
from khana_methods.matching.weights import LEAST_KEPT

SIZE = 160_665
LIMIT = "limit: Splink alone on the same keys"


def run(size: int) -> dict[str, Any]:
    shared = Path(os.environ.get("KHANA_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    return whole(shared / "data" / "pk-sample", size)


def whole(pk: Path, size: int) -> dict[str, Any]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "khana_settings.settings")
    from bench import _pk_linkage as sample

    clock, memo = Clock(), {}
    registry = sample.registry(pk).slice(0, size)
    authority, subscribers = sample.authority(pk)
    with Engine(memory_mib=6000) as engine:
        with clock.timed("prepare"):
            prepare(engine, registry, authority=authority, subscribers=subscribers, plain="plain_record", memo=memo)
        with clock.timed("train"):
            training = train(engine, "person_record", "plain_record", version="bench")
        card = training.card
        with clock.timed("find duplicates"):
            clusters, counts = find_duplicates(engine, "person_record", card)
        prior = 2 * card.pairs_per_record / registry.num_rows
        kept, spent = backends.splink_alone(
            engine, "person_record", card.passes, prior=prior, m=card.m, u=card.u, at_least=LEAST_KEPT
        )
        clock.timings[LIMIT] = round(spent, 2)
        clock.timings["pairs that Splink keeps"] = kept
        clock.timings["pairs that we keep"] = int(engine.value("SELECT count(*) FROM weighed"))
        ids = dict(engine.rows("SELECT unique_id, record_id FROM person_record"))
        known = set(ids.values())
        truth = {pair for pair in sample.true_pairs(pk) if known.issuperset(pair)}
        found = [(ids[a], ids[b]) for a, b in clusters.pairs()]
        queue = [(row["left"], row["right"]) for row in decisions(engine, "person_record").to_pylist()]
        report = {
            "registry, linked": quality(found, truth),
            "registry, linked or queued": quality(queue, truth),
            "candidates": _completeness(engine, ids, truth),
            "estimated from 400 labels": _by_labels(engine, card, ids, truth),
        }
        person = engine.table("SELECT unique_id, cluster FROM (SELECT left_id AS unique_id, cluster FROM decision WHERE cluster "
                              "IS NOT NULL UNION SELECT right_id, cluster FROM decision WHERE cluster IS NOT NULL)")  # fmt: skip
        _desk(engine, card, registry, clock)
        del person
        rows = sample.list_rows(pk)
        with clock.timed("prepare list"):
            prepare(engine, _together(registry, rows), authority=authority, subscribers=subscribers, memo=memo)
        with clock.timed("link list"):
            link_list(engine, "person_record", card, into="row_decision")
        report |= judge_rows(decisions(engine, "person_record", "row_decision").to_pylist(), sample.true_rows(pk), rows)
    figure, limit = clock.timings["find duplicates"], clock.timings[LIMIT]
    for name, value in report.items():
        clock.timings[name] = said(value) if isinstance(value, Quality) else value
    clock.timings["link threshold"] = round(card.thresholds.link, 4)
    clock.timings["the model expects"] = f"precision {card.precision.value:.4f}, recall {card.recall.value:.4f}"  # type: ignore[union-attr]
    clock.timings |= {f"pass {count.code}": f"{count.pairs} pairs, largest {count.largest_block}" for count in counts}
    return {
        "figure": figure, "unit": "s", "limit": limit, "limit_is": "s for Splink alone: its own blocking by the same keys, and its own predict",
        "ratio": figure / limit, "size": registry.num_rows, "timings": clock.timings,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _together(registry: Any, rows: Any) -> Any:
    import pyarrow as pa

    return pa.concat_tables([registry.cast(rows.schema), rows])


def _completeness(engine: Engine, ids: dict[int, str], truth: set[tuple[str, str]]) -> str:
    of = {record: number for number, record in ids.items()}
    pairs = set(engine.rows("SELECT join_key_l, join_key_r FROM candidate"))
    met = sum((min(of[a], of[b]), max(of[a], of[b])) in pairs for a, b in truth)
    return f"{len(pairs)} pairs, {met / max(len(truth), 1):.4f} of the true ones among them"


def _by_labels(engine: Engine, card: Any, ids: dict[int, str], truth: set[tuple[str, str]]) -> str:
    """Let reviewers who know the truth answer at most 400 questions; say what their answers estimate."""
    drawn = draw_labels(engine)
    answers = {}
    for row in drawn.pairs.to_pylist():
        left, right = ids[row["left_id"]], ids[row["right_id"]]
        answers[row["left_id"], row["right_id"]] = (min(left, right), max(left, right)) in truth
    missed = missed_by_blocking(engine, card.passes)
    precision, recall = judge_by_labels(drawn, answers, missed=missed)
    return (
        f"precision {precision.value:.4f} [{precision.low:.4f}, {precision.high:.4f}], recall {recall.value:.4f} "
        f"[{recall.low:.4f}, {recall.high:.4f}] from {len(answers)} labels, {missed:.0f} thought missed by blocking"
    )


def _desk(engine: Engine, card: Any, registry: Any, clock: Clock) -> None:
    with clock.timed("lay out the desk"):
        index = DeskIndex(engine, "person_record", card)
    spent = []
    for row in range(0, registry.num_rows, max(registry.num_rows // 40, 1)):
        start = time.perf_counter()
        index.find(registry.slice(row, 1))
        spent.append(time.perf_counter() - start)
    clock.timings["one person, p95, ms"] = round(sorted(spent)[int(len(spent) * 0.95) - 1] * 1000)


def judge_rows(decided: list[dict[str, Any]], truth: dict[str, set[str]], rows: Any) -> dict[str, Any]:
    """Judge linked list rows: right where the record is one of the person's; recall over rows of registered people."""
    asked = set(rows.column("record_id").to_pylist())
    registered = {row for row in asked if truth.get(row)}
    linked = {row["left"]: row["right"] for row in decided if row["decision"] == "LINK"}
    right = sum(record in truth.get(row, ()) for row, record in linked.items())
    queued = sum(row["decision"] == "REVIEW" and row["right"] in truth.get(row["left"], ()) for row in decided)
    from khana_methods.matching.evaluate import wilson

    precision, recall = wilson(right, len(linked)), wilson(right, len(registered))
    return {
        "list rows": f"{len(asked)} without a usable number, {len(registered)} of registered people",
        "list rows, linked": f"{len(linked)}: precision {precision.value:.4f} [{precision.low:.4f}, {precision.high:.4f}], "
        f"recall {recall.value:.4f} [{recall.low:.4f}, {recall.high:.4f}]",
        "list rows, right person queued": queued,
        **{f"recall of {file}": share for file, share in _by_file(registered, linked, truth).items()},
    }


def _by_file(registered: set[str], linked: dict[str, str], truth: dict[str, set[str]]) -> dict[str, str]:
    found: dict[str, list[bool]] = {}
    for row in registered:
        found.setdefault(row.split("|")[0], []).append(linked.get(row, "") in truth[row])
    return {file: f"{sum(hits) / len(hits):.4f} of {len(hits)}" for file, hits in sorted(found.items())}


def said(found: Quality) -> str:
    """Write a quality in one line."""
    return (
        f"precision {found.precision.value:.4f} [{found.precision.low:.4f}, {found.precision.high:.4f}], "
        f"recall {found.recall.value:.4f} [{found.recall.low:.4f}, {found.recall.high:.4f}], F1 {found.f1:.4f} "
        f"({found.found} of {found.true} true in {found.linked} linked)"
    )
