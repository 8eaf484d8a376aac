"""The state of a database as a test compares it: every row of every table, without numbers given by sequence."""

from __future__ import annotations

import hashlib

from psycopg import sql

from khana.platform import embedded

APART = ("procrastinate", "django_", "access_session", "access_riddle", "audit_seal")
_VOLATILE_TYPES = ("timestamp with time zone", "uuid")
_VOLATILE = ("group_no",)
State = dict[str, tuple[int, str]]


def state(database: str, *, without: tuple[str, ...] = ()) -> State:
    """Return table -> (rows, hash over the rows as a set), past row security.

    What a sequence, a clock or a cipher gives is left out: it differs between two runs of one work.
    """
    import psycopg

    out: State = {}
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        columns: dict[str, list[str]] = {}
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name IN (SELECT tablename FROM pg_tables WHERE schemaname = 'public') ORDER BY 1, ordinal_position"
        ).fetchall()
        for table, column, kind in rows:
            if table.startswith(APART) or table in without:
                continue
            volatile = kind in _VOLATILE_TYPES or column == "id" or column.endswith("_id") or "cipher" in column
            if not volatile and column not in _VOLATILE:
                columns.setdefault(table, []).append(column)
        for table, names in columns.items():
            if table == "audit_event":
                names = ["action"]
            picked = sql.SQL(", ").join(sql.Identifier(name) for name in names)
            found = connection.execute(
                sql.SQL("SELECT ROW({})::text FROM {} ORDER BY 1").format(picked, sql.Identifier(table))
            ).fetchall()
            digest = hashlib.sha256("\n".join(row[0] for row in found).encode()).hexdigest()
            out[table] = (len(found), digest[:16])
    return out


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    """Return the rows of one question, asked as the owner."""
    import psycopg

    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]
