"""What the loaders of the registry share: areas of staged rows, facts as JSON, and two clocks.

A loader stages chunks by COPY into a temporary table and finishes with set operations in the
same transaction. Column names of a staging table are the facts' own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from khana.platform import bulk

Columns = Sequence[tuple[str, str]]
CLOCKS = ("area_path", "valid_from", "valid_to", "recorded_at", "superseded_at", "batch_id")


def stage(name: str, columns: Columns, rows: pa.Table) -> int:
    """COPY the columns that a staging table has from a chunk; other columns are left out."""
    wanted = [column for column, _type in columns if column in rows.column_names]
    return bulk.copy_in(bulk.raw_cursor(), name, rows.select(wanted))


def is_empty(cursor: psycopg.Cursor[Any], table: str) -> bool:
    """Say whether a table has no row within this scope."""
    found = cursor.execute(sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table))).fetchone()
    return bool(found and found[0])


def set_area_paths(cursor: psycopg.Cursor[Any], table: str) -> None:
    """Fill `area_path` of a staging table from `area_code`; an unknown code leaves it empty."""
    cursor.execute(
        sql.SQL(
            """UPDATE {t} s SET area_path = a.path
               FROM (SELECT DISTINCT ON (code) code, path FROM geo_area ORDER BY code, valid_from DESC) a
               WHERE a.code = s.area_code"""
        ).format(t=sql.Identifier(table))
    )


def write_versions(
    cursor: psycopg.Cursor[Any],
    *,
    staging: str,
    table: str,
    key: str,
    columns: Sequence[str],
    at: object,
    batch_id: int | None,
) -> int:
    """Write staged rows as versions under two clocks, as set operations.

    What was known stays: a version that changes is superseded, and what it said before the new
    version's first day is written again with that day as its end. The same answers change nothing.
    A row older than what is known becomes a version up to the day on which the known one begins.

    Args:
        cursor: Of the open transaction.
        staging: Temporary table with `key`, `is_new`, `area_path`, `valid_from` and `columns`.
        table: The table of versions.
        key: Column that names whose version it is.
        columns: What a version says, besides its clocks and area.
        at: Recorded at.
        batch_id: Where it came from.

    Returns:
        How many versions are new.
    """
    names = sql.SQL(", ").join(sql.Identifier(c) for c in columns)
    staged_names = sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(c)) for c in columns)
    known_names = sql.SQL(", ").join(sql.SQL("v.{}").format(sql.Identifier(c)) for c in columns)
    compared = [c for c in columns if not c.endswith("_ciphertext")]
    differ = sql.SQL("({}) IS DISTINCT FROM ({})").format(
        sql.SQL(", ").join(sql.SQL("s.{}").format(sql.Identifier(c)) for c in ("area_path", *compared)),
        sql.SQL(", ").join(sql.SQL("v.{}").format(sql.Identifier(c)) for c in ("area_path", *compared)),
    )
    parts = {
        "t": sql.Identifier(table), "s": sql.Identifier(staging), "k": sql.Identifier(key), "names": names,
        "staged": staged_names, "known": known_names, "differ": differ,
    }  # fmt: skip
    insert = sql.SQL(
        "INSERT INTO {t} ({k}, area_path, valid_from, valid_to, recorded_at, superseded_at, batch_id, {names}) "
    ).format(**parts)
    cursor.execute(
        insert
        + sql.SQL(
            "SELECT s.{k}, s.area_path, s.valid_from, NULL, %(at)s, NULL, %(batch)s, {staged} FROM {s} s WHERE s.is_new"
        ).format(**parts),
        {"at": at, "batch": batch_id},
    )
    written = cursor.rowcount
    known = cursor.execute(sql.SQL("SELECT EXISTS (SELECT 1 FROM {s} WHERE NOT is_new)").format(**parts)).fetchone()
    if not known or not known[0]:
        return written
    cursor.execute("DROP TABLE IF EXISTS pg_temp._changed")
    cursor.execute(
        sql.SQL(
            """CREATE TEMP TABLE _changed ON COMMIT DROP AS
               SELECT v.id AS version_id, s.ctid AS staged_at, s.valid_from AS new_from, v.valid_from AS old_from
               FROM {s} s JOIN {t} v ON v.{k} = s.{k} AND v.superseded_at IS NULL AND v.valid_to IS NULL
               WHERE NOT s.is_new AND {differ}"""
        ).format(**parts)
    )
    # what was said before the new version's day is said again, with its end
    cursor.execute(
        insert
        + sql.SQL(
            """SELECT v.{k}, v.area_path, v.valid_from, c.new_from, %(at)s, NULL, v.batch_id, {known}
               FROM _changed c JOIN {t} v ON v.id = c.version_id WHERE c.new_from > c.old_from"""
        ).format(**parts),
        {"at": at},
    )
    cursor.execute(
        sql.SQL(
            "UPDATE {t} v SET superseded_at = %(at)s FROM _changed c WHERE v.id = c.version_id AND c.new_from >= c.old_from"
        ).format(**parts),
        {"at": at},
    )
    cursor.execute(
        insert
        + sql.SQL(
            """SELECT s.{k}, s.area_path, s.valid_from, CASE WHEN c.new_from < c.old_from THEN c.old_from END, %(at)s, NULL,
                      %(batch)s, {staged}
               FROM _changed c JOIN {s} s ON s.ctid = c.staged_at
               WHERE c.new_from >= c.old_from OR NOT EXISTS (
                   SELECT 1 FROM {t} o WHERE o.{k} = s.{k} AND o.superseded_at IS NULL AND o.valid_from = s.valid_from)"""
        ).format(**parts),
        {"at": at, "batch": batch_id},
    )
    return written + cursor.rowcount
