"""Writers of report rows: CSV, XLSX, JSON and Parquet, each fed chunk by chunk.

Memory does not grow with the report (XLSX streams to disk). Text that a spreadsheet would run is
made harmless in CSV and XLSX; control characters are dropped there. Knows no report and no table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, ClassVar, Protocol

from khana_methods.disclosure.spreadsheets import FORMULA_STARTS, neutralise, printable
from khana_methods.errors import InputError

Columns = Sequence[tuple[str, str]]
Rows = Sequence[Sequence[Any]]
XLSX_ROWS = 1_048_575


class FormatUnknown(InputError):
    """A report is written as csv, xlsx, json or parquet."""

    code: ClassVar[str] = "dossiers.report.format_unknown"


class TooManyRows(InputError):
    """A sheet of a spreadsheet holds 1,048,576 rows and no more."""

    code: ClassVar[str] = "dossiers.report.too_many_rows"


class Writer(Protocol):
    """Takes the rows of one report and closes the file."""

    def write(self, rows: Rows) -> None:
        """Add rows in order."""

    def close(self) -> None:
        """End the file; nothing is complete before."""


def cell(value: Any) -> Any:
    """Return one value as a spreadsheet cell: lists joined, text made harmless, numbers untouched."""
    if isinstance(value, str):
        if value.isprintable() and value[:1] not in FORMULA_STARTS:  # nearly every cell
            return value
        return neutralise(printable(value))
    if isinstance(value, list | tuple):
        return neutralise(printable("; ".join(str(item) for item in value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


class CsvWriter:
    """UTF-8, comma, one header line, line feeds at line ends."""

    def __init__(self, target: BinaryIO, columns: Columns, header: Mapping[str, Any]) -> None:
        """Write the header line."""
        self._text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=False)
        self._csv = csv.writer(self._text, lineterminator="\n")
        self._csv.writerow([name for name, _ in columns])

    def write(self, rows: Rows) -> None:
        """Add rows in order."""
        self._csv.writerows([cell(value) for value in row] for row in rows)

    def close(self) -> None:
        """Flush; the target stays open for its owner."""
        self._text.flush()
        self._text.detach()


class XlsxWriter:
    """One sheet of rows and one that says what the report stands on."""

    def __init__(self, target: BinaryIO, columns: Columns, header: Mapping[str, Any]) -> None:
        """Open a workbook that streams to disk."""
        from openpyxl import Workbook  # loaded for this format only

        self._target = target
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("rows")
        self._sheet.append([name for name, _ in columns])
        self._header = header
        self._count = 0

    def write(self, rows: Rows) -> None:
        """Add rows in order.

        Raises:
            TooManyRows: The sheet is full.
        """
        self._count += len(rows)
        if self._count > XLSX_ROWS:
            raise TooManyRows(
                "A spreadsheet holds at most 1,048,575 rows. Ask for csv or parquet, or filter the report."
            )
        for row in rows:
            self._sheet.append([cell(value) for value in row])

    def close(self) -> None:
        """Add the sheet about the report and write the workbook."""
        about = self._book.create_sheet("about")
        for name, value in self._header.items():
            about.append([name, cell(value if isinstance(value, str | int) else json.dumps(value, default=str))])
        self._book.save(self._target)


class JsonWriter:
    """One object: what the report stands on, and its rows as objects."""

    def __init__(self, target: BinaryIO, columns: Columns, header: Mapping[str, Any]) -> None:
        """Write the head of the object."""
        self._target = target
        self._names = [name for name, _ in columns]
        self._first = True
        head = json.dumps(header, default=str, ensure_ascii=False)
        target.write(f'{head[:-1]}{", " if len(head) > 2 else ""}"rows": ['.encode())

    def write(self, rows: Rows) -> None:
        """Add rows in order."""
        out = []
        for row in rows:
            values = {name: _json(value) for name, value in zip(self._names, row, strict=True)}
            out.append(json.dumps(values, ensure_ascii=False))
        if out:
            self._target.write((("" if self._first else ",") + "\n" + ",\n".join(out)).encode())
            self._first = False

    def close(self) -> None:
        """End the object."""
        self._target.write(b"]}\n")


def _json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


class ParquetWriter:
    """Typed columns; what the report stands on is in the file's metadata under `khana`."""

    def __init__(self, target: BinaryIO, columns: Columns, header: Mapping[str, Any]) -> None:
        """Open the file with the schema of the report."""
        import pyarrow as pa  # loaded for this format only
        import pyarrow.parquet as pq

        types = {
            "text": pa.string(), "number": pa.string(), "int": pa.int64(), "bool": pa.bool_(),
            "float": pa.float64(), "decimal": pa.decimal128(18, 2), "list": pa.list_(pa.string()),
        }  # fmt: skip
        self._schema = pa.schema(
            [pa.field(name, types[kind]) for name, kind in columns],
            metadata={"khana": json.dumps(header, default=str, ensure_ascii=False)},
        )
        self._writer = pq.ParquetWriter(target, self._schema, compression="zstd")

    def write(self, rows: Rows) -> None:
        """Add rows as one row group."""
        if not rows:
            return
        import pyarrow as pa

        columns = zip(*rows, strict=True)
        arrays = [pa.array(list(values), field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._writer.close()


WRITERS: dict[str, type[CsvWriter] | type[XlsxWriter] | type[JsonWriter] | type[ParquetWriter]] = {
    "csv": CsvWriter, "xlsx": XlsxWriter, "json": JsonWriter, "parquet": ParquetWriter,
}  # fmt: skip


def open_writer(format: str, target: BinaryIO, columns: Columns, header: Mapping[str, Any]) -> Writer:
    """Return the writer of one format.

    Raises:
        FormatUnknown: It is none of the four.
    """
    if format not in WRITERS:
        raise FormatUnknown(
            f"There is no format '{format}'. A report is written as {', '.join(WRITERS)}.", format=format
        )
    return WRITERS[format](target, columns, header)
