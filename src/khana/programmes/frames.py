"""Frames of the room for the methods: entries of a list, appeals, proposals, who is drawn and who waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from khana.platform.frames import FrameSource, OwnSource, literal

_AREA = "coalesce(nullif(split_part(area_path, '.', -2), ''), '')"


def entry_frame(source: FrameSource, *, list_id: int) -> pa.RecordBatchReader:
    """Return one row per entry of a list, as `targeting.selection.bytes_of` reads it."""
    return source.query(
        f"""SELECT quota_area, place, unit, {_AREA} AS area_code, score::float8 AS score, state
            FROM programmes_listentry WHERE list_id = {int(list_id)}"""
    )


def listed_frame(source: FrameSource, *, list_id: int) -> pa.RecordBatchReader:
    """Return who stands on a list as it is: `unit`, `household_id`, `household_number`, `person_id`, `area_path`, `state`.

    Whom a change has taken out is not there; `person_id` is absent where the benefit is a household's.
    """
    return source.query(
        f"""SELECT unit, household_id, household_number, person_id, area_path, state
            FROM programmes_listentry WHERE list_id = {int(list_id)} AND state <> 'REMOVED'"""
    )


def move_frame(source: FrameSource, *, list_id: int) -> pa.RecordBatchReader:
    """Return the recorded changes of a list in their order: `unit`, `to_state`."""
    return source.query(f"SELECT unit, to_state FROM programmes_listchange WHERE list_id = {int(list_id)} ORDER BY id")


def upheld_frame(source: FrameSource, *, known_at: datetime) -> pa.RecordBatchReader:
    """Return what appeals that were upheld by a time take out of account, people under their current files.

    Of everybody, for who may draw lists; columns of `overlap.evaluate.upheld_frame`. Whom an appeal follows where is said in
    `sql/standing.sql`, once for everybody and for one household.
    """
    return source.query(
        f"""SELECT filter, household_id, person_id, told_id
            FROM khana_private.programmes_upheld({literal(known_at.isoformat())}::timestamptz)"""
    )


# One row per thing that an upheld appeal takes out of account (UPHELD) and per hit of another register (REGISTER), of some households.
against_frame = pa.schema(
    [
        ("kind", pa.string()),
        ("filter", pa.string()),
        ("household_id", pa.int64()),
        ("person_id", pa.int64()),
        ("told_id", pa.int64()),
    ]
)


def standing_against_frame(
    source: FrameSource | OwnSource, *, households: Sequence[int], known_at: datetime
) -> pa.RecordBatchReader:
    """Return what stands for and against members of some households besides their facts; see `against_frame`.

    Of households that the caller may read; it holds what she may not read by itself, payrolls and appeals.

    Args:
        source: Where to ask.
        households: Their ids; few enough to be written into a query.
        known_at: Appeals that were upheld by then.
    """
    ids = ", ".join(str(int(one)) for one in households)
    return source.query(
        f"""SELECT kind, filter, household_id, person_id, told_id FROM khana_private.programmes_against(
                ARRAY[{ids}]::bigint[], {literal(known_at.isoformat())}::timestamptz) ORDER BY 1, 2, 3, 4, 5"""
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


def place_frame(source: FrameSource, *, households: Sequence[int] | None = None) -> pa.RecordBatchReader:
    """Return who waits on a frozen list, by the newest list of each programme that has her: in reserve, or waiting.

    Args:
        source: Where to ask.
        households: Only these ids; few enough to be written into a query.

    Returns:
        `household_number`, `programme`, `agency`, `area_path`, `since` (the day on which the list was frozen).
    """
    whose = ""
    if households is not None:
        whose = f"AND e.household_id = ANY (ARRAY[{', '.join(str(int(one)) for one in households)}]::bigint[])"
    return source.query(
        f"""SELECT household_number, programme, agency, area_path, since FROM (
                SELECT DISTINCT ON (l.programme, e.unit) e.household_number, l.programme, l.agency, e.area_path, e.state,
                       (l.frozen_at AT TIME ZONE 'UTC')::date AS since
                FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id
                WHERE l.state IN ('FROZEN', 'PUBLISHED') {whose} ORDER BY l.programme, e.unit, l.frozen_at DESC, l.id DESC) newest
            WHERE state IN ('RESERVE', 'WAITING')"""
    )


def case_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per appeal against a filter and per household that was proposed.

    Columns: `kind` (FILTER_APPEAL or PROPOSAL), `programme` (empty for a filter), `agency`, `area_path`, `received_on`,
    `decided_on` (null while it is open), `is_upheld` (it was decided for the household; null while it is open).
    """
    return source.query(
        """SELECT 'FILTER_APPEAL' AS kind, '' AS programme, coalesce(f.agency, '') AS agency, a.area_path,
                  (a.lodged_at AT TIME ZONE 'UTC')::date AS received_on, (a.decided_at AT TIME ZONE 'UTC')::date AS decided_on,
                  CASE WHEN a.decided_at IS NOT NULL THEN a.state = 'UPHELD' END AS is_upheld
           FROM programmes_filterappeal a LEFT JOIN programmes_exclusionfilter f ON f.code = a.filter_code
           UNION ALL
           SELECT 'PROPOSAL', programme, agency, area_path, (proposed_at AT TIME ZONE 'UTC')::date,
                  (decided_at AT TIME ZONE 'UTC')::date, CASE WHEN decided_at IS NOT NULL THEN state = 'ACCEPTED' END
           FROM programmes_proposal"""
    )
