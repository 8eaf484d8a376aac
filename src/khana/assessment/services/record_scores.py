"""Write what a scoring of the registry gave: scores that supersede, who could not be scored, and the run itself.

Results come as a stream of record batches and go in by COPY and a few set operations, in the
transaction that closes the run: a run is DONE with everything or it is not there. A household whose
facts, score and place in the ranking are what they were keeps the score that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.assessment.models import ScoringRun
from khana.audit import services as audit
from khana.platform import bulk, faults

_LOCK = 0x4B53  # of advisory locks: a scoring that runs
Stream = Callable[[], Iterable[pa.RecordBatch]]
COLUMNS = [
    ("household_id", "bigint"), ("area_path", "text"), ("score", "numeric(5,2)"), ("score_date", "date"), ("raw", "float8"),
    ("percentile", "float8"), ("class_name", "text DEFAULT ''"), ("contributions", "float8[]"), ("missing", "text[]"),
    ("unseen", "text[]"), ("facts_mark", "text DEFAULT ''"), ("due_on", "date"),
]  # fmt: skip
_KEPT = "household_id, area_path, score, score_date, raw, percentile, class_name, contributions, missing, unseen, facts_mark, due_on"


def start_run(*, model_id: int, as_of: date, is_trial: bool, at: datetime) -> int:
    """Open a run; return its number. Runs that a killed process left open are closed as failed."""
    access.require("scores.run", everywhere=True)
    bulk.raw_cursor().execute(
        """UPDATE assessment_scoringrun SET state = 'FAILED', ended_at = %s
           WHERE state = 'RUNNING' AND pg_try_advisory_xact_lock(%s, id::integer)""",
        [at, _LOCK],
    )
    run = ScoringRun.objects.create(
        model_id=model_id, as_of=as_of, known_at=at, is_trial=is_trial, actor_id=access.actor_id(), started_at=at
    )
    return int(run.pk)


def hold_run(*, run_id: int) -> None:
    """Hold a run for as long as the open transaction lasts, so that others see that it lives."""
    bulk.raw_cursor().execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, run_id])


@transaction.atomic
def write_scores(
    *, run_id: int, scored: Stream, snapshot: str, summary: dict[str, Any], at: datetime
) -> dict[str, int]:
    """Write the scores of a run and close it; a trial writes its summary only.

    Args:
        run_id: The run.
        scored: Batches with the columns of `COLUMNS`; a row without a score could not be scored.
        snapshot: Hash over the facts that were used.
        summary: Figures for pages; never about one household.
        at: When.

    Returns:
        scored, refused, written (those that changed), superseded.
    """
    access.require("scores.run", everywhere=True)
    run = ScoringRun.objects.select_related("model").get(pk=run_id)
    counts: dict[str, int] = {}
    if not run.is_trial:
        counts = _write(run, scored, at)
    ScoringRun.objects.filter(pk=run_id).update(
        state=ScoringRun.State.DONE, snapshot=snapshot, summary={**summary, **counts}, ended_at=at
    )
    audit.record(
        action="assessment.run.done", subject=f"scoring:{run_id}",
        details={"model": f"{run.model.code}/{run.model.version}", "trial": run.is_trial, "snapshot": snapshot, **counts}, at=at,
    )  # fmt: skip
    return counts


def _write(run: ScoringRun, scored: Stream, at: datetime) -> dict[str, int]:
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "_scored", COLUMNS)
    names = [name for name, _ in COLUMNS]
    for batch in scored():
        bulk.copy_in(cursor, "_scored", pa.Table.from_batches([batch]).select(names))
    faults.reach("scoring.staged")
    cursor.execute("DELETE FROM assessment_unscored")
    cursor.execute(
        """WITH gone AS (DELETE FROM _scored WHERE score IS NULL RETURNING household_id, area_path, missing, unseen)
           INSERT INTO assessment_unscored (run_id, household_id, area_path, missing, unseen)
           SELECT %s, household_id, area_path, missing, unseen FROM gone""",
        [run.pk],
    )
    counts = {"refused": cursor.rowcount}
    counts["scored"] = int((cursor.execute("SELECT count(*) FROM _scored").fetchone() or [0])[0])
    cursor.execute("CREATE INDEX ON _scored (household_id)")
    cursor.execute("ANALYZE _scored")
    cursor.execute(
        """DELETE FROM _scored s USING assessment_score k
           WHERE k.household_id = s.household_id AND k.superseded_at IS NULL AND k.model_id = %s
             AND (k.facts_mark, k.score, k.class_name, k.due_on, k.percentile, k.area_path)
                 IS NOT DISTINCT FROM (s.facts_mark, s.score, s.class_name, s.due_on, s.percentile, s.area_path)""",
        [run.model_id],
    )
    cursor.execute(
        """UPDATE assessment_score k SET superseded_at = %s FROM _scored s
           WHERE k.household_id = s.household_id AND k.superseded_at IS NULL AND k.model_id IS NOT NULL""",
        [at],
    )
    counts["superseded"] = cursor.rowcount
    faults.reach("scoring.superseded")
    cursor.execute(
        f"""INSERT INTO assessment_score ({_KEPT}, model_code, recorded_at, model_id, run_id, as_of, known_at)
            SELECT {_KEPT}, %s, %s, %s, %s, %s, %s FROM _scored""",
        [run.model.code, at, run.model_id, run.pk, run.as_of, run.known_at],
    )
    counts["written"] = cursor.rowcount
    faults.reach("scoring.written")
    bulk.freshen()
    return counts


def fail_run(*, run_id: int, at: datetime) -> None:
    """Close a run that did not come to its end."""
    ScoringRun.objects.filter(pk=run_id, state=ScoringRun.State.RUNNING).update(
        state=ScoringRun.State.FAILED, ended_at=at
    )


@transaction.atomic
def record_desk_score(*, row: dict[str, Any], model_id: int, model_code: str, as_of: date, at: datetime) -> int:
    """Record the score of one household that was scored at the desk; return its number.

    Args:
        row: The columns of `COLUMNS`, lists as lists.
        model_id: The model that made it.
        model_code: Its code.
        as_of: The day that facts were read for.
        at: When; what was known then was used.
    """
    access.require("scores.desk")
    cursor = bulk.raw_cursor()
    cursor.execute(
        """UPDATE assessment_score SET superseded_at = %s
           WHERE household_id = %s AND superseded_at IS NULL AND model_id IS NOT NULL""",
        [at, row["household_id"]],
    )
    found = cursor.execute(
        f"""INSERT INTO assessment_score ({_KEPT}, model_code, recorded_at, model_id, as_of, known_at)
            VALUES ({", ".join(["%s"] * len(COLUMNS))}, %s, %s, %s, %s, %s) RETURNING id""",
        [*(row[name] for name, _ in COLUMNS), model_code, at, model_id, as_of, at],
    ).fetchone()
    number = int((found or [0])[0])
    audit.record(
        action="assessment.score.recorded", subject=f"household:{row['household_id']}",
        details={"score": number, "model": model_id}, at=at,
    )  # fmt: skip
    return number
