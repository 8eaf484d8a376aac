"""Part a Parquet file into records: typed columns become the texts that every other file has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Parted
from khana.deliveries.reading.header import Plan, find_plan
from khana.deliveries.reading.refusals import FileDamaged, HeaderOnly


def parquet_plan(path: Path, contract: Contract) -> Plan:
    """Return which column of a Parquet file gives which fact; columns within structs have dotted names."""
    return find_plan([_names(_opened(path).schema_arrow)], contract)


def parquet_blocks(path: Path, contract: Contract, rows: int) -> Iterator[Parted]:
    """Yield the records of a Parquet file; the line of a record is its number, from 1.

    Raises:
        FileDamaged: It is no whole Parquet file.
        HeaderOnly: It has no row.
    """
    file = _opened(path)
    plan = parquet_plan(path, contract)
    size, total = path.stat().st_size, max(file.metadata.num_rows, 1)
    if not file.metadata.num_rows:
        raise HeaderOnly(f"{path.name} has columns and no row. Ask the office whether the list is empty.")
    line = 1
    for batch in file.iter_batches(batch_size=rows):
        table = _flattened(pa.Table.from_batches([batch]))
        texts = [_as_texts(column.combine_chunks()) for column in table.columns]
        lines = np.arange(line, line + len(table), dtype=np.int64)
        line += len(table)
        yield _parted(contract, plan, texts, lines, size * (line - 1) // total)


def _parted(contract: Contract, plan: Plan, texts: list[pa.Array], lines: np.ndarray, done: int) -> Parted:
    def raw_of(position: int) -> str:
        cells = {name: texts[p][position].as_py() for p, name in enumerate(plan.header)}
        return json.dumps(cells, ensure_ascii=False)

    facts = {}
    for name, positions in plan.facts.items():
        column = texts[positions[0]]
        for position in positions[1:]:
            column = pc.if_else(pc.equal(column, ""), texts[position], column)
        facts[name] = column
    unmapped = {h: texts[p] for h, p in plan.unmapped.items()} if contract.keep_unmapped else {}
    return Parted(sheet="", lines=lines, texts=facts, raw_of=raw_of, unmapped=unmapped, bytes_done=done)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FileDamaged(f"{path.name} is damaged or no Parquet file.", file=path.name) from error


def _names(schema: pa.Schema) -> list[str]:
    return list(_flattened(schema.empty_table()).column_names)


def _flattened(table: pa.Table) -> pa.Table:
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _as_texts(column: pa.Array) -> pa.Array:
    """Write a typed column as texts: whole numbers without a point, dates as ISO, blanks empty."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.date32(), safe=False)
    elif pa.types.is_floating(kind):
        whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 9e15))
        texts = column.cast(pa.string())
        digits = pc.if_else(whole, column, None).cast(pa.int64(), safe=False).cast(pa.string())
        nan = pc.is_nan(column)
        return pc.if_else(pc.fill_null(nan, True), "", pc.coalesce(digits, texts))
    elif pa.types.is_list(kind) or pa.types.is_map(kind) or pa.types.is_large_list(kind):
        values = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        column = pa.array(values, pa.string())
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        column = pa.array([None if v is None else v.decode("utf-8", "replace") for v in column.to_pylist()])
    return pc.fill_null(column.cast(pa.string()), "")
