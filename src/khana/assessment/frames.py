"""The frame of scores in force for the methods."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource


def score_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per scored household: the newest score in force."""
    return source.query(
        """SELECT DISTINCT ON (household_id) household_id, score::float8 AS score FROM assessment_score
           WHERE superseded_at IS NULL ORDER BY household_id, score_date DESC, id DESC"""
    )
