"""Load persons from a delivery: one file a line of a household, with membership and number.

Nobody is refused a file because another holds her number: a number that somebody holds already
is kept DISPUTED. A person whose household is not here is given back to be quarantined.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import pyarrow as pa

from khana.access import services as access
from khana.platform import bulk, faults
from khana.registry.services import staging
from khana.registry.services.family_units import number_families
from khana.registry.services.load_households import rename

NAME = "_person"
COLUMNS: staging.Columns = [
    ("person_id", "bigint DEFAULT nextval('registry_person_id_seq')"),
    ("is_new", "boolean DEFAULT true"),
    ("household_id", "bigint"),
    ("line", "bigint"),
    ("household_number", "text"),
    ("line_no", "integer"),
    ("area_path", "text DEFAULT ''"),
    ("valid_from", "date"),
    ("name", "text DEFAULT ''"),
    ("name_native", "text DEFAULT ''"),
    ("guardian_name", "text DEFAULT ''"),
    ("sex", "text DEFAULT ''"),
    ("birth_year", "smallint"),
    ("birth_month", "smallint"),
    ("birth_day", "smallint"),
    ("marital", "text DEFAULT ''"),
    ("mobile_token", "bytea"),
    ("mobile_ciphertext", "bytea"),
    ("relation", "text DEFAULT ''"),
    ("is_member", "boolean DEFAULT true"),
    ("is_present", "boolean"),
    ("spouse_line", "integer"),
    ("father_line", "integer"),
    ("mother_line", "integer"),
    ("id_number_type", "text"),
    ("id_number_token", "bytea"),
    ("id_number_ciphertext", "bytea"),
    ("facts", "jsonb DEFAULT '{}'"),
]
KNOWN = [name for name, _ in COLUMNS]
VERSION = [
    "name", "name_native", "guardian_name", "sex", "birth_year", "birth_month", "birth_day", "marital",
    "mobile_token", "mobile_ciphertext", "facts",
]  # fmt: skip
MEMBERSHIP = [
    "household_id", "line_no", "relation", "is_member", "is_present", "spouse_line", "father_line", "mother_line", "family_no",
]  # fmt: skip
RENAMED = {
    "mobile_number_token": "mobile_token",
    "mobile_number_ciphertext": "mobile_ciphertext",
    "birth_date_year": "birth_year",
    "birth_date_month": "birth_month",
    "birth_date_day": "birth_day",
}
TEXTS = ("name", "name_native", "guardian_name", "sex", "marital", "relation")


class PersonLoader:
    """Stages chunks of persons and writes them at the end; permission is asked first."""

    numbers: tuple[str, ...] = ("id_number",)
    mobiles: tuple[str, ...] = ("mobile_number",)

    def __init__(self) -> None:
        access.require("registry.write")
        bulk.make_staging(bulk.raw_cursor(), NAME, COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows, one per person."""
        rows = rename(rows, RENAMED)
        drop = [n for n in ("sheet", "notes", "mobile_number_state", "id_type") if n in rows.column_names]
        staging.stage(NAME, COLUMNS, no_null_text(bulk.with_json(rows.drop_columns(drop), KNOWN), TEXTS))

    def orphans(self) -> pa.Table:
        """Take out rows that have no household or stand twice in the file; return them for quarantine.

        Returns:
            One row a refused line: line, detail (`household_unknown` or `line_twice`).
        """
        cursor = bulk.raw_cursor()
        cursor.execute("ANALYZE _person")
        cursor.execute(
            """UPDATE _person s SET household_id = h.id, area_path = h.area_path, facts = jsonb_strip_nulls(s.facts),
                      valid_from = coalesce(s.valid_from, v.valid_from, current_date)
               FROM registry_household h LEFT JOIN registry_householdversion v
                 ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
               WHERE h.number = s.household_number"""
        )
        gone = cursor.execute("DELETE FROM _person WHERE household_id IS NULL RETURNING line").fetchall()
        twice = cursor.execute(
            """DELETE FROM _person a USING (
                   SELECT household_id, line_no, min(line) AS first FROM _person GROUP BY 1, 2 HAVING count(*) > 1) b
               WHERE a.household_id = b.household_id AND a.line_no = b.line_no AND a.line > b.first RETURNING a.line"""
        ).fetchall()
        lines = [row[0] for row in gone] + [row[0] for row in twice]
        details = ["household_unknown"] * len(gone) + ["line_twice"] * len(twice)
        return pa.table({"line": pa.array(lines, pa.int64()), "detail": pa.array(details, pa.string())})

    def finish(self, *, batch_id: int | None, at: datetime) -> dict[str, int]:
        """Write what was staged; return counts of new files, versions, numbers and disputes."""
        cursor = bulk.raw_cursor()
        # names go to the search index in few large merges instead of thousands of small ones
        cursor.execute("SET LOCAL gin_pending_list_limit = '256MB'")
        _meet_known_files(cursor)
        number_families(cursor)
        cursor.execute("DROP TABLE IF EXISTS pg_temp._member")
        cursor.execute(
            """CREATE TEMP TABLE _member ON COMMIT DROP AS
               SELECT s.person_id, s.is_new, s.area_path, s.valid_from, s.household_id, s.line_no, s.relation, s.is_member,
                      s.is_present, s.spouse_line, s.father_line, s.mother_line, f.family_no
               FROM _person s JOIN _family f ON f.household_id = s.household_id AND f.line_no = s.line_no"""
        )
        cursor.execute(
            "INSERT INTO registry_person (id, area_path, created_at) SELECT person_id, area_path, %s FROM _person WHERE is_new",
            [at],
        )
        new = cursor.rowcount
        write = partial(staging.write_versions, cursor, key="person_id", at=at, batch_id=batch_id)
        versions = write(staging=NAME, table="registry_personversion", columns=VERSION)
        write(staging="_member", table="registry_membership", columns=MEMBERSHIP)
        numbers, disputed = _write_numbers(cursor, batch_id, at)
        faults.reach("registry.numbers_written")
        return {"new_files": new, "versions": versions, "numbers": numbers, "disputed": disputed}


def no_null_text(rows: pa.Table, names: tuple[str, ...]) -> pa.Table:
    """Return the rows with empty text where text is absent."""
    import pyarrow.compute as pc

    for name in names:
        if name in rows.column_names:
            rows = rows.set_column(rows.column_names.index(name), name, pc.fill_null(rows.column(name), ""))
    return rows


def _meet_known_files(cursor: psycopg.Cursor[Any]) -> None:
    """Give staged rows the file that already stands on their line."""
    if not staging.is_empty(cursor, "registry_membership"):
        cursor.execute(
            """UPDATE _person s SET person_id = m.person_id, is_new = false FROM registry_membership m
               WHERE m.household_id = s.household_id AND m.line_no = s.line_no
                 AND m.superseded_at IS NULL AND m.valid_to IS NULL"""
        )


def _write_numbers(cursor: psycopg.Cursor[Any], batch_id: int | None, at: datetime) -> tuple[int, int]:
    """Write claimed numbers; one that another file holds, or an earlier line claims, is DISPUTED."""
    is_first = staging.is_empty(cursor, "registry_identifier")
    held = (
        "false"
        if is_first
        else "EXISTS (SELECT 1 FROM registry_identifier i WHERE i.token = s.id_number_token AND i.person_id <> s.person_id AND i.retired_at IS NULL)"
    )
    known = (
        "true"
        if is_first
        else "NOT EXISTS (SELECT 1 FROM registry_identifier i WHERE i.token = s.id_number_token AND i.person_id = s.person_id AND i.retired_at IS NULL)"
    )
    cursor.execute(
        f"""INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at, batch_id)
            SELECT s.person_id, s.area_path, s.id_number_type, s.id_number_token, s.id_number_ciphertext,
                   CASE WHEN row_number() OVER (PARTITION BY s.id_number_token ORDER BY s.line) > 1 OR {held}
                        THEN 'DISPUTED' ELSE 'CLAIMED' END, %s, %s
            FROM _person s WHERE s.id_number_token IS NOT NULL AND {known}""",
        [at, batch_id],
    )
    numbers = cursor.rowcount
    found = cursor.execute(
        "SELECT count(*) FROM registry_identifier WHERE batch_id = %s AND status = 'DISPUTED'", [batch_id]
    ).fetchone()
    return numbers, int(found[0]) if found else 0
