"""Load the population register: one file per resident, also of people in no household."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from khana.access import services as access
from khana.platform import bulk
from khana.registry.services import staging
from khana.registry.services.load_households import rename, smallest_area
from khana.registry.services.load_persons import no_null_text

NAME = "_resident"
COLUMNS: staging.Columns = [
    ("is_new", "boolean DEFAULT true"),
    ("line", "bigint"),
    ("resident_number", "text"),
    ("person_id", "bigint"),
    ("area_code", "text"),
    ("area_path", "text DEFAULT ''"),
    ("valid_from", "date"),
    ("id_number_type", "text"),
    ("id_number_token", "bytea"),
    ("id_number_ciphertext", "bytea"),
    ("id_type", "text DEFAULT ''"),
    ("token", "bytea"),
    ("ciphertext", "bytea"),
    ("name", "text DEFAULT ''"),
    ("name_native", "text DEFAULT ''"),
    ("guardian_name", "text DEFAULT ''"),
    ("sex", "text DEFAULT ''"),
    ("birth_year", "smallint"),
    ("birth_month", "smallint"),
    ("birth_day", "smallint"),
    ("civil_status", "text DEFAULT ''"),
    ("citizenship", "text DEFAULT ''"),
    ("address", "text DEFAULT ''"),
    ("employment", "text DEFAULT ''"),
]
VERSION = [
    "person_id", "id_type", "token", "ciphertext", "name", "name_native", "guardian_name", "sex", "birth_year",
    "birth_month", "birth_day", "civil_status", "citizenship", "address", "employment",
]  # fmt: skip
RENAMED = {
    "birth_date_year": "birth_year",
    "birth_date_month": "birth_month",
    "birth_date_day": "birth_day",
    "registered_date": "valid_from",
    "marital": "civil_status",
    "id_number_token": "token",
    "id_number_ciphertext": "ciphertext",
    "id_type": "_stated_type",
    "id_number_type": "id_type",
}
TEXTS = (
    "id_type",
    "name",
    "name_native",
    "guardian_name",
    "sex",
    "civil_status",
    "citizenship",
    "address",
    "employment",
)


class ResidentLoader:
    """Stages chunks of residents and writes them at the end; permission is asked first."""

    numbers: tuple[str, ...] = ("id_number",)
    mobiles: tuple[str, ...] = ("mobile_number",)

    def __init__(self) -> None:
        access.require("registry.write")
        bulk.make_staging(bulk.raw_cursor(), NAME, COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows, one per resident."""
        staging.stage(NAME, COLUMNS, no_null_text(rename(smallest_area(rows), RENAMED), TEXTS))

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Write what was staged; a resident who has a household file is tied to it by her number."""
        cursor = bulk.raw_cursor()
        cursor.execute(
            """DELETE FROM _resident a USING (
                   SELECT ctid, row_number() OVER (PARTITION BY resident_number ORDER BY line DESC) AS n FROM _resident) b
               WHERE a.ctid = b.ctid AND b.n > 1"""
        )
        twice = cursor.rowcount
        staging.set_area_paths(cursor, NAME)
        cursor.execute("UPDATE _resident SET valid_from = %s WHERE valid_from IS NULL", [at.date()])
        cursor.execute("ANALYZE _resident")
        cursor.execute(
            """UPDATE _resident s SET person_id = i.person_id
               FROM (SELECT DISTINCT ON (token) token, person_id FROM registry_identifier
                     WHERE retired_at IS NULL ORDER BY token, status DESC, id) i
               WHERE i.token = s.token"""
        )
        tied = cursor.rowcount
        if not staging.is_empty(cursor, "registry_resident"):
            cursor.execute(
                """UPDATE _resident s SET is_new = false FROM registry_resident r
                   WHERE r.resident_number = s.resident_number AND r.superseded_at IS NULL"""
            )
        versions = staging.write_versions(
            cursor,
            staging=NAME,
            table="registry_resident",
            key="resident_number",
            columns=VERSION,
            at=at,
            batch_id=batch_id,
        )
        return {"versions": versions, "in_a_household": tied, "rows_twice": twice}
