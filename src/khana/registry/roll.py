"""The roll of an area: its households in the order of their places and numbers, read a page at a time, under the caller's scope.

The order is that of code points (collation C), which an index holds whatever the database's own collation is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from khana.platform import bulk
from khana.registry.frames import HEADS

_UNDER = """(h.area_path COLLATE "C") >= %(path)s AND (h.area_path COLLATE "C") < %(end)s"""


@dataclass(frozen=True)
class OnRoll:
    """One household of the roll."""

    household_id: int
    number: str
    area_path: str


@dataclass(frozen=True)
class HeadLine:
    """What a list says of one household: its head by name, and its village."""

    head: str
    head_native: str
    village: str


def _bounds(path: str) -> dict[str, str]:
    return {"path": path, "end": path[:-1] + "/" if path.endswith(".") else path + "/"}  # the sign after the point


def households_under(path: str, *, after: tuple[str, str] = ("", ""), limit: int) -> list[OnRoll]:
    """Return households under an area's path, by place and number.

    Args:
        path: Of the area, with its point at the end.
        after: Place and number of the last household that was read; empty from the beginning.
        limit: At most so many.
    """
    rows = bulk.raw_cursor().execute(
        f"""SELECT h.id, h.number, h.area_path FROM registry_household h WHERE {_UNDER}
              AND ((h.area_path COLLATE "C"), (h.number COLLATE "C")) > (%(place)s, %(number)s)
            ORDER BY h.area_path COLLATE "C", h.number COLLATE "C" LIMIT %(limit)s""".encode(),
        {**_bounds(path), "place": after[0], "number": after[1], "limit": limit},
    )
    return [OnRoll(*row) for row in rows.fetchall()]


def of_number(number: str) -> list[OnRoll]:
    """Return the household of a number within the scope: one, or none."""
    rows = bulk.raw_cursor().execute(
        b"SELECT id, number, area_path FROM registry_household WHERE number = %s", [number]
    )
    return [OnRoll(*row) for row in rows.fetchall()]


def count_under(path: str, *, at_most: int) -> int:
    """Return how many households are under an area's path; counting stops at `at_most`."""
    row = (
        bulk.raw_cursor()
        .execute(
            f"SELECT count(*) FROM (SELECT 1 FROM registry_household h WHERE {_UNDER} LIMIT %(limit)s) AS few".encode(),
            {**_bounds(path), "limit": at_most},
        )
        .fetchone()
    )
    return int(row[0]) if row else 0


def heads_of(household_ids: Sequence[int]) -> dict[int, HeadLine]:
    """Return the head and the village of some households as they stand, by id; without a head the names are empty."""
    rows = bulk.raw_cursor().execute(
        f"""SELECT h.id, coalesce(p.name, ''), coalesce(p.name_native, ''), coalesce(v.facts->>'village_name', '')
            {HEADS}
            WHERE h.id = ANY (%s)""".encode(),
        [list(household_ids)],
    )
    return {row[0]: HeadLine(*row[1:]) for row in rows.fetchall()}
