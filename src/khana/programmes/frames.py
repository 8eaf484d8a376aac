"""Frames of the room for the methods: entries of a list, appeals that were upheld, who is drawn and who waits."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from khana.platform.frames import FrameSource, literal

_AREA = "coalesce(nullif(split_part(area_path, '.', -2), ''), '')"


def entry_frame(source: FrameSource, *, list_id: int) -> pa.RecordBatchReader:
    """Return one row per entry of a list, as `targeting.selection.bytes_of` reads it."""
    return source.query(
        f"""SELECT quota_area, place, unit, {_AREA} AS area_code, score::float8 AS score, state
            FROM programmes_listentry WHERE list_id = {int(list_id)}"""
    )


def move_frame(source: FrameSource, *, list_id: int) -> pa.RecordBatchReader:
    """Return the recorded changes of a list in their order: `unit`, `to_state`."""
    return source.query(f"SELECT unit, to_state FROM programmes_listchange WHERE list_id = {int(list_id)} ORDER BY id")


def upheld_frame(source: FrameSource, *, known_at: datetime) -> pa.RecordBatchReader:
    """Return appeals against filters that were upheld by a time: `filter`, `household_number`, `person_id`."""
    moment = f"{literal(known_at.isoformat())}::timestamptz"
    return source.query(
        f"""SELECT filter_code AS filter, household_number, person_id FROM programmes_filterappeal
            WHERE state = 'UPHELD' AND decided_at <= {moment}"""
    )


def standing_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return households that a list holds and what it says of them; see `overlap.unserved.standing_frame`."""
    return source.query(
        """SELECT DISTINCT e.household_id,
                  CASE e.state WHEN 'SELECTED' THEN 'selected' ELSE 'wait_listed' END AS standing
           FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id
           WHERE l.state <> 'WITHDRAWN' AND e.state <> 'REMOVED'"""
    )


def event_served_frame(source: FrameSource, *, event_id: int) -> pa.RecordBatchReader:
    """Return families and persons that a list of a disaster has selected: `family` (household and family number), `person_id`."""
    return source.query(
        f"""SELECT household_id * 1000 + coalesce(family_no, 0) AS family, person_id FROM programmes_listentry
            WHERE event_id = {int(event_id)} AND state = 'SELECTED'"""
    )
