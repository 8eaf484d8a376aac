r"""Bulk rows into PostgreSQL: Arrow to COPY, through a temporary table.

`COPY FROM` is refused under row security, so rows go to a temporary table first and a set
operation takes them from there. Binary columns travel as `\\x` hex, JSON as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from django.db import connection
from psycopg import sql

_MIB = 1 << 20


def raw_cursor() -> psycopg.Cursor[Any]:
    """Return a psycopg cursor on Django's connection, inside the transaction that is open."""
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    return raw.cursor()


def freshen() -> None:
    """Let the planner know of the tables that this transaction has changed much: call it at the end of a bulk write.

    Until the database looks by itself (a minute or more) it takes a new table for an empty one, and a join over a
    hundred thousand rows is then done row by row. Small changes, and tables that hold far more, cost nothing.
    """
    raw_cursor().execute("SELECT khana_private.platform_freshen()")


def make_staging(cursor: psycopg.Cursor[Any], name: str, columns: Sequence[tuple[str, str]]) -> None:
    """Make an empty temporary table that is gone at the end of the transaction.

    Args:
        cursor: Of the open transaction.
        name: The table; one of that name is replaced.
        columns: (name, SQL type with default) in order.
    """
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(sql.Identifier(name)))
    parts = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in columns)
    cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), parts))


def copy_in(cursor: psycopg.Cursor[Any], table: str, rows: pa.Table) -> int:
    """COPY every row of an Arrow table into the columns of the same names; return how many.

    Null is null, the empty string stays the empty string.
    """
    if rows.num_rows == 0:
        return 0
    sink = pa.BufferOutputStream()
    pacsv.write_csv(rows, sink, pacsv.WriteOptions(include_header=False))
    data = sink.getvalue()
    names = sql.SQL(", ").join(sql.Identifier(name) for name in rows.column_names)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL '')").format(sql.Identifier(table), names)
    view = memoryview(data)
    with cursor.copy(statement) as copy:
        for start in range(0, len(view), _MIB):
            copy.write(view[start : start + _MIB])
    return int(rows.num_rows)


def hex_column(values: Sequence[bytes | None]) -> pa.Array:
    """Return bytes as PostgreSQL's hex text for `bytea` columns."""
    return pa.array([None if value is None else "\\x" + value.hex() for value in values], pa.string())


def with_json(rows: pa.Table, known: Sequence[str], column: str = "facts") -> pa.Table:
    """Fold every column that is not known into one JSON text column; nulls are dropped later.

    Args:
        rows: n rows.
        known: Columns that stay as they are; absent ones are not added.
        column: Name of the JSON column; one that the reader made (unmapped columns) is kept inside.

    Returns:
        n rows, same order: the known columns that are there, and `column`.
    """
    rest = [name for name in rows.column_names if name not in known and not name.endswith(("_scheme", "_prefix"))]
    kept = rows.select([name for name in rows.column_names if name in known and name != column])
    if not rest:
        return kept.append_column(column, pa.array(["{}"] * rows.num_rows, pa.string()))
    inner = rows.select(rest)
    with duckdb.connect() as engine:
        engine.register("t", inner)
        text = engine.sql("SELECT to_json(t)::VARCHAR AS j FROM t").to_arrow_table()
    return kept.append_column(column, text.column("j"))
