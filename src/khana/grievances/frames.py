"""What the analytical plane asks of this room: every case in one scan, for timeliness; under row security as every frame."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource


def case_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per thing that a person said is wrong in her own file.

    Columns: `kind` (FILE_CORRECTION), `programme` and `agency` (empty: it is about her file, not about a programme), `area_path`,
    `received_on`, `decided_on` (null while it is open), `is_upheld` (it was put right; null while it is open, and where she was
    asked to come to an office, which settles nothing), `due_on` (the day that she was told).
    """
    return source.query(
        """SELECT 'FILE_CORRECTION' AS kind, '' AS programme, '' AS agency, area_path,
                  (lodged_at AT TIME ZONE 'UTC')::date AS received_on, (answered_at AT TIME ZONE 'UTC')::date AS decided_on,
                  CASE outcome WHEN 'CORRECTED' THEN true WHEN 'NOT_WRONG' THEN false END AS is_upheld, due_on
           FROM grievances_case"""
    )
