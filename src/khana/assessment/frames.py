"""The frame of scores in force for the methods.

The rule, in this order: a confirmed override that has not ended; the score that the model in force
computed; the newest score that arrived. A score of a model that is no longer in force does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import pyarrow as pa
from django.db import connection

from khana.platform.frames import FrameSource, literal

# one row a household: the score that counts on a day, and where it comes from
IN_FORCE = """
    SELECT DISTINCT ON (household_id) household_id, score, origin FROM (
        SELECT household_id, score, 'override' AS origin, 1 AS rank, proposed_at::date AS day, id
        FROM assessment_override WHERE confirmed_at IS NOT NULL AND (ends_on IS NULL OR ends_on > {day})
        UNION ALL
        SELECT household_id, score, 'model', 2, score_date, id FROM assessment_score
        WHERE superseded_at IS NULL AND model_id = (
            SELECT model_id FROM assessment_activation
            WHERE confirmed_at IS NOT NULL AND effective_from <= {day} AND (effective_to IS NULL OR effective_to > {day})
            ORDER BY effective_from DESC, confirmed_at DESC LIMIT 1)
        UNION ALL
        SELECT household_id, score, 'arrived', 3, score_date, id FROM assessment_score
        WHERE superseded_at IS NULL AND model_id IS NULL) AS every_score
    ORDER BY household_id, rank, day DESC, id DESC"""


# the same, with what was known at a time and is superseded since
KNOWN_THEN = (
    IN_FORCE.replace(
        "superseded_at IS NULL", "recorded_at <= {moment} AND (superseded_at IS NULL OR superseded_at > {moment})"
    )
    .replace("WHERE confirmed_at IS NOT NULL AND (ends_on", "WHERE confirmed_at <= {moment} AND (ends_on")
    .replace("WHERE confirmed_at IS NOT NULL AND effective_from", "WHERE confirmed_at <= {moment} AND effective_from")
)


def score_frame_at(source: FrameSource, *, as_of: date, known_at: datetime) -> pa.RecordBatchReader:
    """Return one row per scored household: the score that counted on a day, as it was known at a time."""
    day, moment = f"{literal(as_of.isoformat())}::date", f"{literal(known_at.isoformat())}::timestamptz"
    return source.query(
        f"SELECT household_id, score::float8 AS score FROM ({KNOWN_THEN.format(day=day, moment=moment)}) AS counted"
    )


def counted(household: str) -> str:
    """Return SQL of the score that counts today for one household of an outer row: at most one row, column `score`.

    Args:
        household: Column of the outer row; never a value from outside.
    """
    return f"SELECT score FROM ({IN_FORCE.format(day='current_date')}) AS counted WHERE household_id = {household}".replace(
        "ORDER BY household_id, rank", f"WHERE household_id = {household} ORDER BY household_id, rank"
    )


def score_frame(
    source: FrameSource, *, as_of: date | None = None, households: Sequence[int] | None = None
) -> pa.RecordBatchReader:
    """Return one row per scored household: the score that counts on a day (today where none is named).

    Only of some households where their ids are given: few enough to be written into a query.
    """
    only = ""
    if households is not None:
        only = f" WHERE household_id = ANY (ARRAY[{', '.join(str(int(one)) for one in households)}]::bigint[])"
    day = f"{literal(as_of.isoformat())}::date" if as_of else "current_date"
    return source.query(
        f"SELECT household_id, score::float8 AS score FROM ({IN_FORCE.format(day=day)}) AS counted{only}"
    )


def score_within_frame(source: FrameSource, *, path: str, as_of: date) -> pa.RecordBatchReader:
    """Return one row per scored household under an area's path: `household_id` and the score that counts on a day."""
    under = f"area_path ^@ {literal(path)} AND "
    asked = IN_FORCE.format(day=f"{literal(as_of.isoformat())}::date")
    for head in ("assessment_override WHERE ", "assessment_score\n        WHERE "):
        asked = asked.replace(head, head + under)
    return source.query(f"SELECT household_id, score::float8 AS score FROM ({asked}) AS counted")


def scores_of(household_ids: Sequence[int], *, as_of: date) -> dict[int, float]:
    """Return the scores that count for some households on a day, by id, within the caller's scope; few, such as a page of a list."""
    day = f"{literal(as_of.isoformat())}::date"
    some = "household_id = ANY (%(some)s) AND "
    asked = IN_FORCE.format(day=day)
    for head in ("assessment_override WHERE ", "assessment_score\n        WHERE "):
        asked = asked.replace(head, head + some)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT household_id, score::float8 FROM ({asked}) AS counted", {"some": list(household_ids)})
        return dict(cursor.fetchall())


def score_of(household_id: int, *, as_of: date) -> float | None:
    """Return the score that counts for one household on a day, within the caller's scope; None without one."""
    day = f"{literal(as_of.isoformat())}::date"
    only = IN_FORCE.format(day=day).replace(
        "ORDER BY household_id, rank", f"WHERE household_id = {int(household_id)} ORDER BY household_id, rank"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT score::float8 FROM ({only}) AS counted")
        row = cursor.fetchone()
    return None if row is None else float(row[0])
