"""Lend the keys of households to a room above, as a temporary table of this transaction."""

from __future__ import annotations

from khana.access import services as access
from khana.platform import bulk


def stage_household_keys(name: str) -> int:
    """Make a temporary table (id, number, area_path) of every household in scope; return its rows."""
    access.require("registry.read")
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, name, [("id", "bigint"), ("number", "text"), ("area_path", "text")])
    cursor.execute(f"INSERT INTO {name} SELECT id, number, area_path FROM registry_household")
    rows = cursor.rowcount
    cursor.execute(f"ANALYZE {name}")
    return rows
