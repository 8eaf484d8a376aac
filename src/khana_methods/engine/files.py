"""Read any table that somebody has on her disk: CSV, XLSX or Parquet, every cell as text.

For methods that work on a file without a registry. Types are for the method to find; a blank stays a blank.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from khana_methods.errors import InputError

KINDS = (".csv", ".tsv", ".xlsx", ".parquet")


class FileUnreadable(InputError):
    """The file is no table of a kind that is read here."""

    code: ClassVar[str] = "engine.file_unreadable"


def read_table(path: Path) -> pa.Table:
    """Read a CSV, TSV, XLSX (first sheet) or Parquet file with every cell as text, blank for nothing.

    Raises:
        FileUnreadable: It is of another kind, damaged, or has no header.
    """
    try:
        table = _read(path)
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise FileUnreadable(
            f"{path.name} cannot be read as a table. Give a CSV, XLSX or Parquet file with one header line.",
            file=path.name,
        ) from error
    columns = [pc.fill_null(column.cast(pa.string()), "").combine_chunks() for column in table.columns]
    return pa.table(columns, names=table.schema.names)


def _read(path: Path) -> pa.Table:
    kind = path.suffix.lower()
    if kind == ".parquet":
        return pq.read_table(path)
    if kind == ".xlsx":
        return _workbook(path)
    if kind not in KINDS:
        raise ValueError(kind)
    layout = pa_csv.ParseOptions(newlines_in_values=True, delimiter="\t" if kind == ".tsv" else ",")
    with path.open("rb") as head:
        names = pa_csv.open_csv(head, parse_options=layout).schema.names
    texts = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    return pa_csv.read_csv(path, parse_options=layout, convert_options=texts)


def _workbook(path: Path) -> pa.Table:
    import zipfile

    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except zipfile.BadZipFile as error:
        raise ValueError("no workbook") from error
    lines = book.worksheets[0].iter_rows(values_only=True)
    header = [str(cell) if cell is not None else "" for cell in next(lines, ())]
    if not header or len(set(header)) != len(header):
        raise ValueError("no header")
    columns: list[list[str]] = [[] for _ in header]
    for line in lines:
        for place, kept in enumerate(columns):
            cell = line[place] if place < len(line) else None
            kept.append("" if cell is None else str(cell))
    return pa.table([pa.array(column, pa.string()) for column in columns], names=header)
