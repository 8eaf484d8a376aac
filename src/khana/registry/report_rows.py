"""The two registers beside each other: residents in no household, members in no population register.

Each is a relation for `khana report` (columns, statement, order, filters); row security holds the
reader's scope. A resident is known by her number where both registers hold it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

RESIDENT_COLUMNS = (
    ("resident", "text"), ("number", "number"), ("name", "text"), ("sex", "text"), ("birth_year", "int"),
    ("civil_status", "text"), ("citizenship", "text"), ("employment", "text"), ("area", "text"),
)  # fmt: skip
RESIDENT_SELECT = """SELECT r.resident_number, r.ciphertext, r.name, r.sex, r.birth_year, r.civil_status, r.citizenship,
       r.employment, split_part(rtrim(r.area_path, '.'), '.', -1)
    FROM registry_resident r
    WHERE r.superseded_at IS NULL AND r.valid_to IS NULL AND r.person_id IS NULL"""
RESIDENT_ORDER = "r.area_path, r.resident_number"
RESIDENT_FILTERS = {"area": "r.area_path ^@ %(area)s"}

MEMBER_COLUMNS = (
    ("household_id", "text"), ("line_no", "int"), ("person", "int"), ("name", "text"), ("sex", "text"),
    ("birth_year", "int"), ("area", "text"), ("has_number", "bool"),
)  # fmt: skip
MEMBER_SELECT = """SELECT h.number, m.line_no, m.person_id, v.name, v.sex, v.birth_year,
       split_part(rtrim(m.area_path, '.'), '.', -1), i.person_id IS NOT NULL
    FROM registry_membership m
    JOIN registry_household h ON h.id = m.household_id
    JOIN registry_personversion v ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
    LEFT JOIN (SELECT DISTINCT person_id FROM registry_identifier WHERE retired_at IS NULL) i ON i.person_id = m.person_id
    WHERE m.superseded_at IS NULL AND m.valid_to IS NULL AND m.is_member
      AND NOT EXISTS (
        SELECT 1 FROM registry_identifier n JOIN registry_resident r
          ON r.token = n.token AND r.superseded_at IS NULL AND r.valid_to IS NULL
        WHERE n.person_id = m.person_id AND n.retired_at IS NULL)"""
MEMBER_ORDER = "h.number, m.line_no"
MEMBER_FILTERS = {"area": "m.area_path ^@ %(area)s"}
PERMISSION = "registry.read"


def count_residents() -> dict[str, int]:
    """Count the population register within the scope: `residents`, and `residents_in_no_household`.

    It reads every row: for a job, never for a page.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*), count(*) FILTER (WHERE r.person_id IS NULL) FROM registry_resident r
               WHERE r.superseded_at IS NULL AND r.valid_to IS NULL"""
        )
        residents, in_no_household = cursor.fetchone()
    return {"residents": residents, "residents_in_no_household": in_no_household}


def register_page(kind: str, *, area_path: str = "", after: int = 0, limit: int) -> list[dict[str, Any]]:
    """Return a page of residents in no household (`residents`) or members in no population register (`members`).

    Args:
        kind: residents or members.
        area_path: Only under this area.
        after: The key of the last row seen.
        limit: At most so many rows.

    Returns:
        Rows with the columns of the report, and `key` to go on from.
    """
    columns: Sequence[tuple[str, str]]
    if kind == "residents":
        columns, select, key, narrow = RESIDENT_COLUMNS, RESIDENT_SELECT, "r.id", RESIDENT_FILTERS["area"]
    else:
        columns, select, key, narrow = MEMBER_COLUMNS, MEMBER_SELECT, "m.id", MEMBER_FILTERS["area"]
    statement = select.replace("SELECT ", f"SELECT {key}, ", 1) + f" AND {key} > %(after)s"
    if area_path:
        statement += f" AND {narrow}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{statement} ORDER BY {key} LIMIT %(limit)s", {"after": after, "area": area_path, "limit": limit}
        )
        names = ["key", *(name for name, _kind in columns)]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
