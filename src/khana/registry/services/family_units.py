"""Number the families of the staged persons with the one method that also numbers any file's.

What a family is stands in `khana_methods.quality.families`; nothing about it is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

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
_BLOCK = 32 << 20
_NUMBERED = pa.schema([("household_id", pa.int64()), ("line_no", pa.int32()), ("family_no", pa.int16())])


def number_families(cursor: psycopg.Cursor[Any]) -> None:
    """Make the temporary table `_family` (household_id, line_no, family_no) of the staged persons; guests get none.

    Persons leave the database in blocks of whole households, so that a country needs no more memory than a block.
    """
    numbered = []
    with Engine(memory_mib=512, threads=1) as engine:
        for staged in _whole_households(cursor):
            found = derive_families(engine, staged)
            numbered.append(found.rename_columns(_NUMBERED.names).cast(_NUMBERED))
    bulk.make_staging(
        cursor, "_family", [("household_id", "bigint"), ("line_no", "integer"), ("family_no", "smallint")]
    )
    for block in numbered:
        bulk.copy_in(cursor, "_family", block)
    cursor.execute("ANALYZE _family")


def _whole_households(cursor: psycopg.Cursor[Any]) -> Iterator[pa.Table]:
    """Yield the staged persons in blocks, none of which ends within a household."""
    kept: list[pa.Table] = []
    text = bytearray()
    with cursor.copy(
        f"COPY (SELECT {', '.join(_COLUMNS)} FROM _person ORDER BY household_id) TO STDOUT (FORMAT csv)"
    ) as out:
        for part in out:
            text += part
            if len(text) < _BLOCK:
                continue
            cut = text.rindex(b"\n") + 1
            rows = pa.concat_tables([*kept, _table(bytes(text[:cut]))])
            del text[:cut]
            last = rows["household_id"][-1]
            is_last = pc.equal(rows["household_id"], last)
            kept = [rows.filter(is_last)]
            yield rows.filter(pc.invert(is_last))
    if text:
        kept.append(_table(bytes(text)))
    if kept:
        yield pa.concat_tables(kept)


def _table(text: bytes) -> pa.Table:
    """Read rows as COPY writes them: null is nothing, an empty text is quoted."""
    return pacsv.read_csv(
        pa.BufferReader(text),
        read_options=pacsv.ReadOptions(column_names=list(_COLUMNS)),
        convert_options=pacsv.ConvertOptions(
            column_types=_COLUMNS, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
            true_values=["t"], false_values=["f"],
        ),
    )  # fmt: skip
