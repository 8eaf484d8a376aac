"""Statements that are asked thousands of times a minute: planned once a connection, bound on the server.

For the few lean reads behind a machine's address; everything else goes through the ORM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import connection

OFTEN = 3  # times that a connection asks a statement before it is kept planned


def fetch(statement: LiteralString, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one prepared statement on Django's connection, in the open transaction; return its rows."""
    return _fetched(statement.encode(), parameters, 0)


def fetch_text(statement: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement whose text was put together here; it is prepared once a connection has asked it `OFTEN`.

    Args:
        statement: Its text; what came from outside is in the parameters only.
        parameters: Bound on the server.
    """
    return _fetched(statement.encode(), parameters, OFTEN)


def _fetched(statement: bytes, parameters: Sequence[Any] | Mapping[str, Any], threshold: int) -> list[tuple[Any, ...]]:
    connection.ensure_connection()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    before = raw.prepare_threshold
    raw.prepare_threshold = threshold
    try:
        with connection.wrap_database_errors:
            return psycopg.Cursor(raw).execute(statement, parameters or None).fetchall()
    finally:
        raw.prepare_threshold = before
