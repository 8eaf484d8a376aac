"""Record scores that arrive with a registry; a newer one supersedes, nothing is overwritten.

Scores that Khana computed stand beside them and are left alone: `frames.score_frame` says which
of the two counts.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from khana.access import services as access
from khana.platform import bulk

COLUMNS = [
    ("line", "bigint"), ("household_number", "text"), ("score", "numeric(5,2)"), ("score_date", "date"),
    ("model_code", "text DEFAULT ''"), ("household_id", "bigint"), ("area_path", "text"),
]  # fmt: skip


class ScoreLoader:
    """Stages chunks of scores and writes them at the end; permission is asked first."""

    numbers: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()

    def __init__(self) -> None:
        access.require("scores.write")
        bulk.make_staging(bulk.raw_cursor(), "_score", COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk: household_number, score, score_date, model_code."""
        wanted = [name for name, _ in COLUMNS if name in rows.column_names]
        rows = rows.select(wanted)
        if "model_code" in rows.column_names:
            place = rows.column_names.index("model_code")
            rows = rows.set_column(place, "model_code", pc.fill_null(rows.column("model_code"), ""))
        bulk.copy_in(bulk.raw_cursor(), "_score", rows)

    def orphans(self) -> pa.Table:
        """Take out rows without a household or a score; return line and detail for quarantine."""
        cursor = bulk.raw_cursor()
        cursor.execute(
            """UPDATE _score s SET household_id = h.id, area_path = h.area_path FROM _score_household h
               WHERE h.number = s.household_number"""
        )
        gone = cursor.execute(
            "DELETE FROM _score WHERE household_id IS NULL OR score IS NULL RETURNING line, household_id IS NULL"
        ).fetchall()
        details = ["household_unknown" if row[1] else "score_missing" for row in gone]
        return pa.table({"line": pa.array([r[0] for r in gone], pa.int64()), "detail": pa.array(details, pa.string())})

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Write what was staged; return counts of scores written and superseded."""
        cursor = bulk.raw_cursor()
        cursor.execute("UPDATE _score SET score_date = %s WHERE score_date IS NULL", [at.date()])
        cursor.execute(
            """DELETE FROM _score s USING assessment_score k
               WHERE k.household_id = s.household_id AND k.superseded_at IS NULL AND k.model_id IS NULL
                 AND k.model_code = s.model_code AND k.score = s.score AND k.score_date = s.score_date"""
        )
        cursor.execute(
            """UPDATE assessment_score k SET superseded_at = %s FROM _score s
               WHERE k.household_id = s.household_id AND k.superseded_at IS NULL AND k.model_id IS NULL""",
            [at],
        )
        superseded = cursor.rowcount
        cursor.execute(
            """INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, batch_id,
                  class_name, facts_mark)
               SELECT household_id, area_path, score, score_date, model_code, %s, %s, '', '' FROM _score""",
            [at, batch_id],
        )
        return {"scores": cursor.rowcount, "superseded": superseded}
