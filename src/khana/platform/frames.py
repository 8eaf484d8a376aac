"""Frames out of PostgreSQL: a query to Arrow, in binary, under the caller's own scope.

A second connection of the same role, in one repeatable-read transaction, with the scope token of
the transaction that asks: row security holds here as everywhere. One query at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pyarrow as pa
from django.conf import settings
from django.db import connection

from khana.platform import embedded


class FrameSource:
    """An open Arrow connection; rooms' `frames` modules ask it their own queries."""

    def __init__(self, raw: Any) -> None:
        self._cursor = raw.cursor()

    def query(self, statement: str) -> pa.RecordBatchReader:
        """Return the rows of one query as a stream of record batches; read it before asking the next."""
        self._cursor.execute(statement)
        reader: pa.RecordBatchReader = self._cursor.fetch_record_batch()
        return reader


class OwnSource:
    """Answers a query on the transaction that is open: for few rows, such as one household at the desk."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema

    def query(self, statement: str) -> pa.RecordBatchReader:
        """Return the rows of one query by the schema that was named."""
        with connection.cursor() as cursor:
            cursor.execute(statement)
            rows = cursor.fetchall()
        columns = list(zip(*rows, strict=True)) if rows else [() for _ in self._schema]
        arrays = [pa.array(list(c), field.type) for c, field in zip(columns, self._schema, strict=True)]
        return pa.table(arrays, schema=self._schema).to_reader()


def literal(text: str) -> str:
    """Return a text as an SQL literal, for queries that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def _address() -> str:
    parameters = embedded.connection_parameters(settings.DB_ROLE)
    known = connection.settings_dict
    query = {"host": str(parameters["host"]), "port": str(parameters["port"])}
    user, password = quote(str(known["USER"])), quote(str(known["PASSWORD"]), safe="")
    return f"postgresql://{user}:{password}@/{quote(str(known['NAME']))}?{urlencode(query)}"


@contextmanager
def open_source() -> Iterator[FrameSource]:
    """Open a frame source under the scope of the open transaction; closed at the end."""
    import adbc_driver_postgresql.dbapi as adbc

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('khana.token', true)")
        token = (cursor.fetchone() or [""])[0] or ""
    raw = adbc.connect(_address())
    try:
        with raw.cursor() as setting:
            setting.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            setting.execute("SELECT set_config('khana.token', $1, true)", (token,))
            setting.fetchall()
        yield FrameSource(raw)
    finally:
        raw.rollback()
        raw.close()
