"""The frame of areas for the methods."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource


def area_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per area in force with its parent; see `records.area_frame`."""
    return source.query(
        """SELECT DISTINCT ON (a.code) a.code AS area_code, coalesce(p.code, '') AS parent_code, a.level::int AS level
           FROM geo_area a LEFT JOIN geo_area p ON p.id = a.parent_id ORDER BY a.code, a.valid_from DESC"""
    )
