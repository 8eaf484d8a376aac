"""Load households from a delivery: new files, new versions, in one set of operations."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from khana.access import services as access
from khana.platform import bulk, faults
from khana.registry.services import staging

NAME = "_household"
COLUMNS: staging.Columns = [
    ("household_id", "bigint DEFAULT nextval('registry_household_id_seq')"),
    ("is_new", "boolean DEFAULT true"),
    ("line", "bigint"),
    ("household_number", "text"),
    ("area_code", "text"),
    ("area_path", "text DEFAULT ''"),
    ("valid_from", "date"),
    ("address", "text DEFAULT ''"),
    ("latitude", "float8"),
    ("longitude", "float8"),
    ("mobile_token", "bytea"),
    ("mobile_ciphertext", "bytea"),
    ("consent", "boolean"),
    ("facts", "jsonb DEFAULT '{}'"),
]
KNOWN = [name for name, _ in COLUMNS]
VERSION = ["address", "latitude", "longitude", "mobile_token", "mobile_ciphertext", "consent", "facts"]


class HouseholdLoader:
    """Stages chunks of households and writes them at the end; permission is asked first."""

    numbers: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ("contact_mobile_number",)

    def __init__(self) -> None:
        access.require("registry.write")
        bulk.make_staging(bulk.raw_cursor(), NAME, COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows, one per household."""
        rows = rename(
            rows,
            {
                "contact_mobile_number_token": "mobile_token",
                "contact_mobile_number_ciphertext": "mobile_ciphertext",
                "survey_date": "valid_from",
            },
        )
        rows = smallest_area(rows)
        drop = [
            n
            for n in ("sheet", "notes", "contact_mobile_number_state", "area_state", "area_level")
            if n in rows.column_names
        ]
        rows = bulk.with_json(rows.drop_columns(drop), KNOWN)
        for column in ("address",):
            if column in rows.column_names:
                rows = rows.set_column(rows.column_names.index(column), column, pc.fill_null(rows.column(column), ""))
        staging.stage(NAME, COLUMNS, rows)

    def finish(self, *, batch_id: int | None, at: datetime) -> dict[str, int]:
        """Write what was staged; return counts: rows, new files, versions, rows twice in the file."""
        cursor = bulk.raw_cursor()
        cursor.execute("UPDATE _household SET valid_from = %s WHERE valid_from IS NULL", [at.date()])
        # a household twice in one file: the later interview is the present, the earlier one history
        cursor.execute(
            """DELETE FROM _household a USING _household b
               WHERE a.household_number = b.household_number AND a.ctid <> b.ctid
                 AND (a.valid_from, a.line, a.ctid) < (b.valid_from, b.line, b.ctid)"""
        )
        twice = cursor.rowcount
        staging.set_area_paths(cursor, NAME)
        if not staging.is_empty(cursor, "registry_household"):
            cursor.execute("CREATE INDEX ON _household (household_number)")
            cursor.execute(
                """UPDATE _household s SET household_id = h.id, is_new = false
                   FROM registry_household h WHERE h.number = s.household_number"""
            )
        cursor.execute("UPDATE _household SET facts = jsonb_strip_nulls(facts)")
        cursor.execute("ANALYZE _household")
        cursor.execute(
            """INSERT INTO registry_household (id, number, area_path, created_at)
               SELECT household_id, household_number, area_path, %s FROM _household WHERE is_new""",
            [at],
        )
        new = cursor.rowcount
        faults.reach("registry.files_written")
        versions = staging.write_versions(
            cursor,
            staging=NAME,
            table="registry_householdversion",
            key="household_id",
            columns=VERSION,
            at=at,
            batch_id=batch_id,
        )
        faults.reach("registry.versions_written")
        cursor.execute(
            """UPDATE registry_household h SET area_path = s.area_path FROM _household s
               WHERE NOT s.is_new AND h.id = s.household_id AND h.area_path <> s.area_path"""
        )
        return {"new_files": new, "versions": versions, "rows_twice": twice}


def rename(rows: pa.Table, names: dict[str, str]) -> pa.Table:
    """Return the rows with columns renamed; absent ones are passed over."""
    return rows.rename_columns([names.get(name, name) for name in rows.column_names])


def smallest_area(rows: pa.Table) -> pa.Table:
    """Return the rows with `area_code` as the smallest area code that the row states."""
    codes = [
        n
        for n in ("area_code", "union_code", "tehsil_code", "district_code", "province_code")
        if n in rows.column_names
    ]
    if not codes:
        return rows
    smallest = pc.coalesce(*[rows.column(name) for name in codes])
    return rows.drop_columns(codes).append_column("area_code", smallest)
