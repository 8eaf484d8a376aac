"""Write what a run found: pairs with the model's decisions, clusters; what people decided stays.

Results come from the engine as streams and go in by COPY and set operations, in the transaction that closes
the run: a run is DONE with everything or it is not there. The same run twice leaves the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.linkage.models import LinkageRun
from khana.platform import bulk, faults

_LOCK = 0x4B4C  # of advisory locks: a matching run that works
SECOND_OPINION = 10  # one pair of so many is looked at by two people
Stream = Callable[[], Iterable[pa.RecordBatch]]
PAIR = [
    ("left_kind", "text"), ("left_id", "bigint"), ("left_role", "text"), ("right_kind", "text"), ("right_id", "bigint"),
    ("right_role", "text"), ("area_path", "text"), ("left_area_path", "text"), ("match_weight", "float8"), ("probability", "float8"), ("bits", "jsonb"),
    ("contradiction", "text"), ("cluster", "bigint"), ("decision", "text"), ("stratum", "text"), ("sample", "bigint"),
    ("stake", "smallint"), ("gain", "float8"),
]  # fmt: skip
CLUSTER = [("cluster", "bigint"), ("person_id", "bigint"), ("area_path", "text")]
_SET = (
    "run_id", "area_path", "left_area_path", "match_weight", "probability", "bits", "contradiction", "cluster", "stratum",
    "sample", "stake", "gain",
)  # fmt: skip


def start_run(*, model_id: int, kind: str, at: datetime) -> int:
    """Open a run; return its number. Runs whose process was killed are closed as failed."""
    access.require("linkage.manage", everywhere=True)
    bulk.raw_cursor().execute(
        """UPDATE linkage_linkagerun SET state = 'FAILED', ended_at = %s
           WHERE state = 'RUNNING' AND pg_try_advisory_xact_lock(%s, id::integer)""",
        [at, _LOCK],
    )
    run = LinkageRun.objects.create(model_id=model_id, kind=kind, started_at=at, actor_id=access.actor_id())
    return int(run.pk)


def hold_run(*, run_id: int) -> None:
    """Hold a run for as long as the open transaction lasts."""
    bulk.raw_cursor().execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, run_id])


def fail_run(*, run_id: int, at: datetime) -> None:
    """Close a run that did not come to its end."""
    LinkageRun.objects.filter(pk=run_id, state=LinkageRun.State.RUNNING).update(
        state=LinkageRun.State.FAILED, ended_at=at
    )


def _stage(name: str, columns: list[tuple[str, str]], stream: Stream) -> None:
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, name, columns)
    for batch in stream():
        bulk.copy_in(cursor, name, pa.Table.from_batches([batch]).select([column for column, _ in columns]))
    cursor.execute(f"ANALYZE {name}".encode())


def _put_pairs(cursor: Any, run_id: int, at: datetime) -> int:
    """Add the staged pairs, or bring them to what the model says now; what a person decided stays. Returns rows."""
    names = ", ".join(name for name, _ in PAIR)
    kept = ", ".join(f"{name} = excluded.{name}" for name in _SET)
    cursor.execute(
        f"""INSERT INTO linkage_pair (run_id, {names}, decided_at, wants_second)
            SELECT %(run)s, {names}, %(at)s,
                   abs(hashtextextended(left_kind || left_id || left_role || right_id || right_role, 0)) %% %(second)s = 0
            FROM _pair
            ON CONFLICT (left_kind, left_id, left_role, right_kind, right_id, right_role) DO UPDATE SET {kept},
                decision = CASE WHEN linkage_pair.decided_by IS NULL THEN excluded.decision ELSE linkage_pair.decision END,
                decided_at = CASE WHEN linkage_pair.decided_by IS NULL AND linkage_pair.decision <> excluded.decision
                                  THEN excluded.decided_at ELSE linkage_pair.decided_at END""".encode(),
        {"run": run_id, "at": at, "second": SECOND_OPINION},
    )
    return int(cursor.rowcount)


@transaction.atomic
def write_results(
    *,
    run_id: int,
    kind: str,
    pairs: Stream,
    clusters: Stream | None,
    snapshot: str,
    counts: dict[str, Any],
    at: datetime,
) -> dict[str, Any]:
    """Write every pair of a run and close it as DONE.

    Pairs of the same kind that the run did not meet go, unless somebody gave an outcome for them. What a person
    decided stays; everything else is as the model says now.

    Args:
        run_id: The run.
        kind: PERSON or ROW: what stands on the left of the pairs that this run decides.
        pairs: Rows of `PAIR`.
        clusters: Rows of `CLUSTER`, for a run over the registry.
        snapshot: Hash of the records.
        counts: What the run keeps in numbers.
        at: When.
    """
    access.require("linkage.manage", everywhere=True)
    cursor = bulk.raw_cursor()
    _stage("_pair", PAIR, pairs)
    cursor.execute(
        """DELETE FROM linkage_pair p WHERE p.left_kind = %s AND p.decided_by IS NULL
             AND NOT EXISTS (SELECT 1 FROM linkage_label l WHERE l.pair_id = p.id)
             AND NOT EXISTS (SELECT 1 FROM _pair s WHERE s.left_kind = p.left_kind AND s.left_id = p.left_id
                             AND s.left_role = p.left_role AND s.right_kind = p.right_kind AND s.right_id = p.right_id
                             AND s.right_role = p.right_role)""",
        [kind],
    )
    gone = cursor.rowcount
    written = _put_pairs(cursor, run_id, at)
    faults.reach("linkage.pairs_written")
    if clusters is not None:
        _stage("_cluster", CLUSTER, clusters)
        cursor.execute("DELETE FROM linkage_clustermember")
        cursor.execute(
            """INSERT INTO linkage_clustermember (run_id, cluster, person_id, area_path)
               SELECT %s, cluster, person_id, area_path FROM _cluster""",
            [run_id],
        )
        counts = {**counts, "cluster_members": cursor.rowcount}
    bulk.freshen()
    counts = {**counts, "pairs_written": written, "pairs_gone": gone}
    LinkageRun.objects.filter(pk=run_id).update(
        state=LinkageRun.State.DONE, ended_at=at, snapshot=snapshot, counts=counts
    )
    audit.record(
        action="linkage.run.done",
        subject=f"linkage_run:{run_id}",
        details={"kind": kind, "snapshot": snapshot, **counts.get("by_decision", {})},
        at=at,
    )
    return counts


@transaction.atomic
def write_changes(
    *,
    run_id: int,
    people: Sequence[int],
    regrouped: Sequence[int],
    pairs: Stream,
    clusters: Stream,
    snapshot: str,
    counts: dict[str, Any],
    at: datetime,
) -> dict[str, Any]:
    """Write what a run over changed files found, and close it as DONE: pairs of other files stay as they are.

    Args:
        run_id: The run.
        people: The files that changed; pairs of theirs that the run did not meet go, unless somebody gave an outcome.
        regrouped: Files whose clusters are written anew, beside those of `clusters`.
        pairs: Rows of `PAIR` of which one side is a changed file.
        clusters: Rows of `CLUSTER`.
        snapshot: Hash of the records that were compared.
        counts: What the run keeps in numbers.
        at: When.
    """
    access.require("linkage.manage", everywhere=True)
    cursor = bulk.raw_cursor()
    _stage("_pair", PAIR, pairs)
    cursor.execute(
        """DELETE FROM linkage_pair p WHERE p.left_kind = 'PERSON' AND p.decided_by IS NULL
             AND (p.left_id = ANY (%(people)s) OR p.right_id = ANY (%(people)s))
             AND NOT EXISTS (SELECT 1 FROM linkage_label l WHERE l.pair_id = p.id)
             AND NOT EXISTS (SELECT 1 FROM _pair s WHERE s.left_id = p.left_id AND s.right_id = p.right_id)""",
        {"people": list(people)},
    )
    gone = cursor.rowcount
    written = _put_pairs(cursor, run_id, at)
    faults.reach("linkage.changes_written")
    _stage("_cluster", CLUSTER, clusters)
    cursor.execute(
        """DELETE FROM linkage_clustermember c WHERE c.person_id = ANY (%s)
             OR EXISTS (SELECT 1 FROM _cluster s WHERE s.person_id = c.person_id)""",
        [[*people, *regrouped]],
    )
    cursor.execute(
        """INSERT INTO linkage_clustermember (run_id, cluster, person_id, area_path)
           SELECT %s, cluster, person_id, area_path FROM _cluster""",
        [run_id],
    )
    counts = {**counts, "pairs_written": written, "pairs_gone": gone, "cluster_members": cursor.rowcount}
    LinkageRun.objects.filter(pk=run_id).update(
        state=LinkageRun.State.DONE, ended_at=at, snapshot=snapshot, counts=counts
    )
    audit.record(
        action="linkage.changes.done",
        subject=f"linkage_run:{run_id}",
        details={"people": len(people), "snapshot": snapshot, **counts.get("by_decision", {})},
        at=at,
    )
    return counts
