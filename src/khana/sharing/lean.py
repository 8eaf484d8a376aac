"""Rows that every message of a partner needs, read by statements that are planned once a connection.

The models are those of the room and row security holds as ever; only the road is shorter than the ORM's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection, models

from khana.platform import prepared

M = TypeVar("M", bound=models.Model)


@lru_cache(maxsize=16)
def _head(model: type[models.Model]) -> tuple[str, list[models.Field[Any, Any]]]:
    held = list(model._meta.concrete_fields)
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in held)
    return f"SELECT {columns} FROM {connection.ops.quote_name(model._meta.db_table)}", held


def rows(model: type[M], condition: str, parameters: Sequence[Any]) -> list[M]:
    """Return the rows of a model for which a condition holds.

    Args:
        model: Of this room.
        condition: SQL after WHERE, of our own text; values are its parameters.
        parameters: Bound on the server.
    """
    head, held = _head(model)
    found = prepared.fetch_text(f"{head} WHERE {condition}", parameters)
    names = [field.attname for field in held]
    return [model.from_db("default", names, _read(held, row)) for row in found]


def _read(held: Sequence[models.Field[Any, Any]], row: Sequence[Any]) -> list[Any]:
    return [
        json.loads(value) if isinstance(field, models.JSONField) and isinstance(value, str) else value
        for field, value in zip(held, row, strict=True)
    ]
