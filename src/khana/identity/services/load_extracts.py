"""Load the extracts of other registers, whole: the newest extract replaces the one before.

Each loader stages chunks by COPY and finishes with one INSERT; older rows of the same register
go in the same transaction, so a reader sees the old extract or the new one and nothing between.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from khana.access import services as access
from khana.identity.models import ExtractLoad
from khana.platform import bulk

Columns = Sequence[tuple[str, str]]


class ExtractLoader:
    """One register that is replaced as a whole; subclasses name its table and columns."""

    numbers: tuple[str, ...] = ()
    mobiles: tuple[str, ...] = ()
    table = ""
    needs = ""  # a column without which a row says nothing
    columns: Columns = ()
    renamed: dict[str, str] = {}
    appends = False  # corrected rows are added to the extract that they belong to

    def __init__(self) -> None:
        access.require("identity.write")
        self.staging = f"_{self.table}"
        bulk.make_staging(bulk.raw_cursor(), self.staging, self.columns)

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk of sealed rows."""
        rows = rows.rename_columns([self.renamed.get(name, name) for name in rows.column_names])
        texts = {name for name, kind in self.columns if kind.startswith("text")}
        wanted = [name for name, _ in self.columns if name in rows.column_names]
        rows = rows.select(wanted)
        for place, name in enumerate(rows.column_names):
            if name in texts:
                rows = rows.set_column(place, name, pc.fill_null(rows.column(name).cast(pa.string()), ""))
        bulk.copy_in(bulk.raw_cursor(), self.staging, rows)

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Replace the register by what was staged; return how many rows it has and lost."""
        cursor = bulk.raw_cursor()
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in self.columns)
        replaced = 0
        if not self.appends:
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(self.table)))
            replaced = cursor.rowcount
        cursor.execute(
            sql.SQL("INSERT INTO {} ({}, batch_id) SELECT {}, %s FROM {} WHERE {} IS NOT NULL").format(
                sql.Identifier(self.table), names, names, sql.Identifier(self.staging), sql.Identifier(self.needs)
            ),
            [batch_id],
        )
        rows = cursor.rowcount
        ExtractLoad.objects.create(register=self.table, batch_id=batch_id, rows=rows, as_of=at)
        return {"rows": rows, "replaced": replaced}


class IdentityLoader(ExtractLoader):
    """The national ID authority's extract."""

    numbers = ("id_number", "father_id_number", "spouse_id_number")
    table = "identity_nationalidrecord"
    needs = "token"
    columns = [
        ("type", "text DEFAULT ''"), ("token", "bytea"), ("ciphertext", "bytea"), ("name", "text DEFAULT ''"),
        ("name_native", "text DEFAULT ''"), ("father_name", "text DEFAULT ''"), ("husband_name", "text DEFAULT ''"),
        ("sex", "text DEFAULT ''"), ("birth_date", "date"), ("status", "text DEFAULT ''"), ("death_date", "date"),
        ("marital", "text DEFAULT ''"), ("father_token", "bytea"), ("spouse_token", "bytea"),
    ]  # fmt: skip
    renamed = {
        "id_number_type": "type", "id_number_token": "token", "id_number_ciphertext": "ciphertext",
        "life_status": "status", "father_id_number_token": "father_token", "spouse_id_number_token": "spouse_token",
    }  # fmt: skip

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk; a birth date with an unknown part is taken as none."""
        if "birth_date_year" in rows.column_names:
            parts = [rows.column(f"birth_date_{part}").to_pylist() for part in ("year", "month", "day")]
            texts = [f"{y:04d}-{m:02d}-{d:02d}" if y and m and d else None for y, m, d in zip(*parts, strict=True)]
            rows = rows.append_column("birth_date", pa.array(texts, pa.string()))
        super().stage(rows)


class MobileLoader(ExtractLoader):
    """The telephone authority's register: who holds which number."""

    numbers = ("id_number",)
    mobiles = ("mobile_number",)
    table = "identity_simrecord"
    needs = "mobile_token"
    columns = [("mobile_token", "bytea"), ("id_token", "bytea")]
    renamed = {"mobile_number_token": "mobile_token", "id_number_token": "id_token"}

    def finish(self, *, batch_id: int, at: datetime) -> dict[str, int]:
        """Replace the register; a line without a readable number of either kind says nothing."""
        bulk.raw_cursor().execute("DELETE FROM _identity_simrecord WHERE id_token IS NULL OR mobile_token IS NULL")
        return super().finish(batch_id=batch_id, at=at)


class EmployeeLoader(ExtractLoader):
    """Public payrolls: serving employees and pensioners."""

    numbers = ("id_number",)
    table = "identity_publicemployee"
    needs = "employee_number"
    columns = [
        ("employee_number", "text DEFAULT ''"), ("name", "text DEFAULT ''"), ("guardian_name", "text DEFAULT ''"),
        ("id_token", "bytea"), ("id_ciphertext", "bytea"), ("department", "text DEFAULT ''"), ("grade", "smallint"),
        ("birth_date", "date"), ("status", "text DEFAULT ''"),
    ]  # fmt: skip
    renamed = {
        "id_number_token": "id_token", "id_number_ciphertext": "id_ciphertext", "employment_status": "status",
    }  # fmt: skip

    def stage(self, rows: pa.Table) -> None:
        """Take a chunk; a birth date with an unknown part is taken as none."""
        if "birth_date_year" in rows.column_names:
            parts = [rows.column(f"birth_date_{part}").to_pylist() for part in ("year", "month", "day")]
            texts = [f"{y:04d}-{m:02d}-{d:02d}" if y and m and d else None for y, m, d in zip(*parts, strict=True)]
            rows = rows.append_column("birth_date", pa.array(texts, pa.string()))
        super().stage(rows)
