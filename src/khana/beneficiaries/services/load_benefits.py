"""Load rows of a ministry's list, and recorded exits: one INSERT from a staging table."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from khana.access import services as access
from khana.platform import bulk

COLUMNS = [
    ("sheet", "text DEFAULT ''"), ("line", "integer"), ("programme", "text DEFAULT ''"), ("period", "text DEFAULT ''"),
    ("period_start", "date"), ("period_end", "date"), ("area_code", "text DEFAULT ''"),
    ("id_raw_state", "text DEFAULT ''"), ("id_type", "text DEFAULT ''"), ("id_token", "bytea"), ("id_ciphertext", "bytea"),
    ("name", "text DEFAULT ''"), ("guardian_name", "text DEFAULT ''"), ("sex", "text DEFAULT ''"),
    ("birth_year", "smallint"), ("birth_month", "smallint"), ("birth_day", "smallint"),
    ("payee_id_raw_state", "text DEFAULT ''"), ("payee_id_token", "bytea"), ("payee_id_ciphertext", "bytea"),
    ("payee_name", "text DEFAULT ''"), ("mobile_token", "bytea"), ("mobile_ciphertext", "bytea"),
    ("account_token", "bytea"), ("account_ciphertext", "bytea"), ("amount", "numeric(14,2)"),
    ("notes", "jsonb DEFAULT '[]'"), ("facts", "jsonb DEFAULT '{}'"),
]  # fmt: skip
KEPT = [name for name, _ in COLUMNS]
RENAMED = {
    "beneficiary_id_number_state": "id_raw_state",
    "beneficiary_id_number_type": "id_type",
    "beneficiary_id_number_token": "id_token",
    "beneficiary_id_number_ciphertext": "id_ciphertext",
    "beneficiary_id_number_prefix": "id_year_prefix",
    "beneficiary_name": "name",
    "beneficiary_guardian_name": "guardian_name",
    "beneficiary_sex": "sex",
    "beneficiary_birth_date_year": "birth_year",
    "beneficiary_birth_date_month": "birth_month",
    "beneficiary_birth_date_day": "birth_day",
    "payee_id_number_state": "payee_id_raw_state",
    "payee_id_number_token": "payee_id_token",
    "payee_id_number_ciphertext": "payee_id_ciphertext",
    "mobile_number_token": "mobile_token",
    "mobile_number_ciphertext": "mobile_ciphertext",
    "account_number_token": "account_token",
    "account_number_ciphertext": "account_ciphertext",
}
NOT_KEPT = ("payee_id_number_type", "payee_id_number_prefix", "area_level")


class BenefitLoader:
    """Stages chunks of one source's list; permission is asked first."""

    numbers: tuple[str, ...] = ("beneficiary_id_number", "payee_id_number")
    mobiles: tuple[str, ...] = ("mobile_number",)
    accounts: tuple[str, ...] = ("account_number", "consumer_number")

    def __init__(self, *, source_code: str, agency: str, file_name: str, programme: str = "") -> None:
        access.require("benefits.write")
        self._programme = programme  # of a source that delivers one only: rows need not say it
        self._source_code, self._agency, self._file_name = source_code, agency, file_name
        bulk.make_staging(bulk.raw_cursor(), "_benefit", COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows, one per row of the list."""
        rows = rows.rename_columns([RENAMED.get(name, name) for name in rows.column_names])
        rows = rows.drop_columns([name for name in rows.column_names if name in NOT_KEPT or name.endswith("_scheme")])
        if "id_year_prefix" in rows.column_names:  # a year prefix is a fact of the row, kept under a plain name
            place = rows.column_names.index("id_year_prefix")
            rows = rows.rename_columns([*rows.column_names[:place], "stated_id_year", *rows.column_names[place + 1 :]])
        rows = bulk.with_json(rows, KEPT)
        for place, name in enumerate(rows.column_names):
            column = rows.column(name)
            if pa.types.is_string(column.type) and not name.endswith(("_token", "_ciphertext")):
                default = "[]" if name == "notes" else ""
                rows = rows.set_column(place, name, pc.fill_null(column, default))
        bulk.copy_in(bulk.raw_cursor(), "_benefit", rows)

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Write what was staged; return how many rows and how many with an area."""
        cursor = bulk.raw_cursor()
        names = ", ".join(KEPT)
        special = {"facts": "jsonb_strip_nulls(b.facts)", "programme": "coalesce(nullif(b.programme, ''), %s)"}
        values = ", ".join(special.get(name, f"b.{name}") for name in KEPT)
        cursor.execute(
            f"""INSERT INTO beneficiaries_benefit (batch_id, source_code, agency, file_name, area_path, {names})
                SELECT %s, %s, %s, %s, coalesce(a.path, ''), {values}
                FROM _benefit b LEFT JOIN (
                    SELECT DISTINCT ON (code) code, path FROM geo_area ORDER BY code, valid_from DESC) a
                  ON a.code = b.area_code AND b.area_code <> ''
                ORDER BY b.sheet, b.line""",
            [batch_id, self._source_code, self._agency, self._file_name, self._programme],
        )
        return {"rows": cursor.rowcount}


class ExitLoader:
    """Stages recorded exits; the newest file replaces the one before."""

    numbers: tuple[str, ...] = ("id_number",)
    mobiles: tuple[str, ...] = ()
    appends = False  # corrected rows are added to the file that they belong to
    COLUMNS = [
        ("programme", "text"), ("id_number_token", "bytea"), ("id_number_ciphertext", "bytea"), ("name", "text DEFAULT ''"),
        ("exit_date", "date"), ("exit_reason", "text DEFAULT ''"),
    ]  # fmt: skip

    def __init__(self) -> None:
        access.require("benefits.write")
        bulk.make_staging(bulk.raw_cursor(), "_exit", self.COLUMNS)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows, one per exit."""
        rows = rows.select([name for name, _ in self.COLUMNS if name in rows.column_names])
        for place, name in enumerate(rows.column_names):
            if name in ("name", "exit_reason", "programme"):
                rows = rows.set_column(place, name, pc.fill_null(rows.column(name), ""))
        bulk.copy_in(bulk.raw_cursor(), "_exit", rows)

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Write what was staged in place of the exits known before."""
        cursor = bulk.raw_cursor()
        replaced = 0
        if not self.appends:
            cursor.execute("DELETE FROM beneficiaries_exitrecord")
            replaced = cursor.rowcount
        cursor.execute(
            """INSERT INTO beneficiaries_exitrecord (programme, id_token, id_ciphertext, name, exit_date, exit_reason, batch_id)
               SELECT programme, id_number_token, id_number_ciphertext, name, exit_date, exit_reason, %s FROM _exit
               WHERE exit_date IS NOT NULL""",
            [batch_id],
        )
        return {"rows": cursor.rowcount, "replaced": replaced}
