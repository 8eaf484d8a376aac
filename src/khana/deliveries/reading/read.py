"""Read a file under a contract: the one way in, whatever the file's shape.

Yields typed chunks in the order of the file. Memory stays bounded by the chunk, not by the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Chunk, Parted, joined
from khana.deliveries.reading.columnar import parquet_blocks, parquet_plan
from khana.deliveries.reading.convert import Converter
from khana.deliveries.reading.delimited import delimited_blocks, read_header
from khana.deliveries.reading.jsonlines import json_blocks
from khana.deliveries.reading.opening import refuse_other_kind
from khana.deliveries.reading.workbook import sheet_plan, workbook_blocks
from khana_methods.standardise.areas import AreaResolver
from khana_methods.standardise.identifiers import IdentifierRules


def read(
    path: Path,
    contract: Contract,
    *,
    identifiers: IdentifierRules,
    areas: AreaResolver | None,
    chunk_rows: int = 50_000,
) -> Iterator[Chunk]:
    """Read a file, row by row judged, column by column converted.

    Args:
        path: The file as it came.
        contract: How to read it.
        identifiers: The personal numbers of the country.
        areas: Finds areas by name and code; None leaves them unresolved.
        chunk_rows: About how many rows a chunk has.

    Yields:
        Chunks; every row of the file is in exactly one of `rows` and `quarantined`.

    Raises:
        InputError: The file as a whole cannot be read under this contract: see `refusals`.
    """
    refuse_other_kind(path, contract.file)
    converter = Converter(contract, identifiers, areas)
    waiting: list[Parted] = []
    for block in _blocks(path, contract, chunk_rows):
        if waiting and waiting[0].sheet != block.sheet:
            yield converter.convert(joined(waiting))
            waiting = []
        waiting.append(block)
        if sum(len(part) + len(part.refused) for part in waiting) >= chunk_rows:  # refused rows take memory too
            yield converter.convert(joined(waiting))
            waiting = []
    if waiting:
        yield converter.convert(joined(waiting))


def header_of(path: Path, contract: Contract) -> tuple[str, ...]:
    """Return the header of a file as its contract finds it; empty for JSON lines.

    Raises:
        InputError: As `read`.
    """
    refuse_other_kind(path, contract.file)
    if contract.file.format == "csv":
        return read_header(path, contract).header
    if contract.file.format == "xlsx":
        return sheet_plan(path, contract).header
    if contract.file.format == "parquet":
        return parquet_plan(path, contract).header
    return ()


def preview(
    path: Path,
    contract: Contract,
    *,
    identifiers: IdentifierRules,
    areas: AreaResolver | None,
    rows: int = 20,
) -> dict[str, Any]:
    """Read the first rows, for somebody who is writing a contract.

    Returns:
        ``header``; ``rows`` and ``quarantined`` as lists of dictionaries; ``not_data`` lines so far.

    Raises:
        InputError: As `read`.
    """
    shown: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    not_data = 0
    for chunk in read(path, contract, identifiers=identifiers, areas=areas, chunk_rows=max(rows, 1)):
        shown += chunk.rows.slice(0, rows - len(shown)).to_pylist()
        refused += chunk.quarantined.slice(0, rows - len(refused)).to_pylist()
        not_data += chunk.not_data
        if len(shown) >= rows:
            break
    return {
        "header": list(header_of(path, contract)),
        "rows": shown,
        "quarantined": refused,
        "not_data": not_data,
    }


def _blocks(path: Path, contract: Contract, rows: int) -> Iterator[Parted]:
    kind = contract.file.format
    if kind == "csv":
        return delimited_blocks(path, contract)
    if kind == "xlsx":
        return workbook_blocks(path, contract, rows)
    if kind == "jsonl":
        return json_blocks(path, contract)
    return parquet_blocks(path, contract, rows)
