"""Number the families of the staged persons with the one method that also numbers any file's.

What a family is stands in `khana_methods.quality.families`; nothing about it is decided here.
"""

from __future__ import annotations

from typing import Any

import psycopg
import pyarrow as pa

from khana.platform import bulk
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.families import derive_families

_COLUMNS = {
    "household_id": pa.int64(),
    "line_no": pa.int64(),
    "marital": pa.string(),
    "spouse_line": pa.int64(),
    "father_line": pa.int64(),
    "mother_line": pa.int64(),
    "is_member": pa.bool_(),
}


def number_families(cursor: psycopg.Cursor[Any]) -> None:
    """Make the temporary table `_family` (household_id, line_no, family_no) of the staged persons; guests get none."""
    rows = cursor.execute(f"SELECT {', '.join(_COLUMNS)} FROM _person").fetchall()
    columns = zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
    staged = pa.table(
        {name: pa.array(values, kind) for (name, kind), values in zip(_COLUMNS.items(), columns, strict=True)}
    )
    with Engine(memory_mib=512, threads=1) as engine:
        found = derive_families(engine, staged)
    bulk.make_staging(
        cursor, "_family", [("household_id", "bigint"), ("line_no", "integer"), ("family_no", "smallint")]
    )
    names = {"household_id": pa.int64(), "line_no": pa.int32(), "family_no": pa.int16()}
    numbered = found.rename_columns(list(names)).cast(pa.schema(list(names.items())))
    bulk.copy_in(cursor, "_family", numbered)
    cursor.execute("ANALYZE _family")
