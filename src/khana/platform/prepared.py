"""Statements that are asked thousands of times a minute: planned once a connection, bound on the server.

For the few lean reads behind a machine's address; everything else goes through the ORM.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from django.db import connection


def fetch(statement: LiteralString, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one prepared statement on Django's connection, in the open transaction; return its rows."""
    connection.ensure_connection()
    raw: psycopg.Connection[tuple[Any, ...]] = connection.connection
    threshold = raw.prepare_threshold
    raw.prepare_threshold = 0
    try:
        with connection.wrap_database_errors:
            return psycopg.Cursor(raw).execute(statement, parameters, prepare=True).fetchall()
    finally:
        raw.prepare_threshold = threshold
