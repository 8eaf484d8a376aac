"""Frames for the watch over scores: each household's score and the one that took its place."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource


def second_score_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per score that a later interview of the same household replaced, with the later score.

    `household_id`, `area_path`, `first_score`, `first_date`, `second_score`, `second_date`; a score that was made again
    from the same interview is no second score.
    """
    return source.query(
        """SELECT * FROM (
               SELECT household_id, area_path, score::float8 AS first_score, score_date AS first_date,
                      lead(score::float8) OVER told AS second_score, lead(score_date) OVER told AS second_date
               FROM assessment_score
               WINDOW told AS (PARTITION BY household_id, model_id IS NULL ORDER BY recorded_at, id)) AS pairs
           WHERE second_date > first_date"""
    )
