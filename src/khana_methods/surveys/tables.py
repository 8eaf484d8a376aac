"""Any table that a person brings: CSV, XLSX or Parquet in, Arrow out; text becomes numbers only when asked.

Cells of CSV and XLSX stay text, so that a code like 007 keeps its zeros. `numbers` reads a column as numbers and says
how many cells it could not read and where; nothing is guessed and nothing is dropped in silence.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.standardise.digits import ascii_digits

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", ".", "-", "missing"})
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{2,3})+(\.\d+)?")
_YES = {"yes": 1.0, "true": 1.0, "y": 1.0, "t": 1.0, "no": 0.0, "false": 0.0, "n": 0.0, "f": 0.0}


class TableUnreadable(InputError):
    """The file is no table that can be read: empty, of another kind, or broken."""

    code: ClassVar[str] = "surveys.tables.unreadable"


class ColumnMissing(InputError):
    """A named column is not in the file."""

    code: ClassVar[str] = "surveys.tables.column_missing"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: As many doubles as rows; null where the cell is blank or unreadable.
        blank: Cells without a value.
        unreadable: Cells with text that is no number.
        first_rows: Row numbers of the first unreadable cells, counting data rows from 1.
    """

    values: pa.Array
    blank: int
    unreadable: int
    first_rows: tuple[int, ...]


def read_table(path: Path, *, sheet: str | None = None) -> pa.Table:
    """Read a table file whole.

    Args:
        path: .csv, .tsv or .txt (also .gz), .xlsx or .xlsm, .parquet, .dta.
        sheet: Sheet of a workbook; the first if absent.

    Returns:
        n rows; text columns from CSV and XLSX (null where a cell is empty), typed ones from Parquet.

    Raises:
        TableUnreadable: Another kind of file, no header, no rows, or broken.
    """
    kinds = [part.lower() for part in path.suffixes]
    kind = kinds[-1] if kinds else ""
    if kind == ".gz" and len(kinds) > 1:
        kind = kinds[-2]
    try:
        if kind == ".parquet":
            import pyarrow.parquet as pq

            table = pq.read_table(path)
        elif kind in (".xlsx", ".xlsm"):
            table = _workbook(path, sheet)
        elif kind == ".dta":
            table = _stata(path)
        elif kind in (".csv", ".tsv", ".txt", ""):
            table = _delimited(path)
        else:
            raise TableUnreadable(f"A file ending in {kind} is not read here; send CSV, XLSX or Parquet.", kind=kind)
    except (pa.ArrowInvalid, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise TableUnreadable("The file is broken or of another kind than its name says.", kind=kind) from error
    if table.num_rows == 0 or not table.schema.names:
        raise TableUnreadable("The file has a header and no rows, or nothing at all.", kind=kind)
    return table


def read_head(path: Path, *, rows: int, sheet: str | None = None) -> pa.Table:
    """Read the first rows of a table file, to see what it holds; see `read_table`."""
    return read_table(path, sheet=sheet).slice(0, rows)


def _delimited(path: Path) -> pa.Table:
    """Read delimited text; UTF-8 first, the Windows code page where it is not that."""
    import duckdb

    if path.stat().st_size == 0:
        raise TableUnreadable("The file is empty.", kind=".csv")
    for encoding in ("utf-8", "CP1252"):
        try:
            with Engine(memory_mib=1024) as engine:
                engine.run("SET preserve_insertion_order = true")
                return engine.table(
                    "SELECT * FROM read_csv($path, all_varchar = true, header = true, encoding = $encoding, "
                    "sample_size = 20000, max_line_size = 4000000)",
                    {"path": str(path), "encoding": encoding},
                )
        except duckdb.Error as error:
            last = error
    raise TableUnreadable("The file could not be read as delimited text with a header.", kind=".csv") from last


def _stata(path: Path) -> pa.Table:
    """Read a Stata file with its codes as numbers, not as their labels."""
    import pandas

    try:
        frame = pandas.read_stata(path, convert_categoricals=False)
    except ValueError as error:
        raise TableUnreadable("The file is no Stata file that can be read.", kind=".dta") from error
    return pa.Table.from_pandas(frame, preserve_index=False)


def _workbook(path: Path, sheet: str | None) -> pa.Table:
    """Read one sheet; the first row that has two filled cells or more is the header."""
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise TableUnreadable(f"The workbook has no sheet {sheet}.", sheets=book.sheetnames)
        page = book[sheet] if sheet else book[book.sheetnames[0]]
        rows = [row for row in page.iter_rows(values_only=True) if any(cell not in (None, "") for cell in row)]
    finally:
        book.close()
    start = next((at for at, row in enumerate(rows) if sum(cell not in (None, "") for cell in row) > 1), 0)
    if not rows:
        raise TableUnreadable("The sheet is empty.", kind=".xlsx")
    header = ["" if cell is None else str(cell).strip() for cell in rows[start]]
    keep = [at for at, name in enumerate(header) if name]
    columns = {
        header[at]: pa.array([_cell(row[at] if at < len(row) else None) for row in rows[start + 1 :]], pa.string())
        for at in keep
    }
    return pa.table(columns)


def _cell(value: Any) -> str | None:
    """Write one cell as text: whole numbers without a point, dates as ISO."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def require_columns(table: pa.Table, names: Sequence[str]) -> None:
    """Refuse names that the table does not have.

    Raises:
        ColumnMissing: With the names, and those that the file has.
    """
    absent = sorted({name for name in names if name not in table.schema.names})
    if absent:
        shown = ", ".join(table.schema.names[:30])
        raise ColumnMissing(
            f"The file has no column {', '.join(absent)}; it has {shown}.", columns=absent, known=table.schema.names
        )


def texts(table: pa.Table, name: str) -> pa.Array:
    """Return a column as trimmed text, null for nothing; whole numbers without a point.

    Raises:
        ColumnMissing: It is not there.
    """
    require_columns(table, [name])
    column = table.column(name).combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        filled = column.drop_null()
        if len(filled) and pc.all(pc.equal(filled, pc.floor(filled))).as_py() and pc.max(pc.abs(filled)).as_py() < 1e15:
            column = column.cast(pa.int64())
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    nothing = pc.is_in(pc.utf8_lower(trimmed), value_set=pa.array(["", "na", "n/a", "nan", "null"]))
    return pc.if_else(pc.fill_null(nothing, True), pa.scalar(None, pa.string()), trimmed)


def numbers(table: pa.Table, name: str, *, yes_no: bool = False) -> Numbers:
    """Read a column as numbers: grouped thousands and digits of any script are read, words are counted.

    Args:
        table: Of `read_table`.
        name: Column.
        yes_no: Take yes, true, no and false as 1 and 0.

    Raises:
        ColumnMissing: It is not there.

    Examples:
        >>> found = numbers(pa.table({"w": ["1,200.5", "۳", "", "many"]}), "w")
        >>> found.values.to_pylist(), found.blank, found.unreadable, found.first_rows
        ([1200.5, 3.0, None, None], 1, 1, (4,))
    """
    require_columns(table, [name])
    column = table.column(name).combine_chunks()
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_decimal(column.type):
        values = column.cast(pa.float64())
        values = pc.if_else(pc.fill_null(pc.is_finite(values), False), values, pa.scalar(None, pa.float64()))
        return Numbers(values, values.null_count, 0, ())
    encoded = pc.fill_null(column.cast(pa.string()), "").dictionary_encode()
    read = [_number(text, yes_no) for text in encoded.dictionary.to_pylist()]
    values = pa.array([v for v, _ in read], pa.float64()).take(encoded.indices)
    wrong = pa.array([bad for _, bad in read], pa.bool_()).take(encoded.indices)
    unreadable = int(pc.sum(wrong.cast(pa.int64())).as_py() or 0)
    where = pc.indices_nonzero(wrong).to_pylist()[:5] if unreadable else []
    return Numbers(values, values.null_count - unreadable, unreadable, tuple(at + 1 for at in where))


def _number(text: str, yes_no: bool) -> tuple[float | None, bool]:
    """Return the number of a cell, and whether its text is none."""
    plain = ascii_digits(text).strip().replace("٫", ".").replace("٬", ",").replace("−", "-")
    if plain.lower() in MISSING:
        return None, False
    if yes_no and plain.lower() in _YES:
        return _YES[plain.lower()], False
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        return None, True
    return (value, False) if value - value == 0 and "_" not in plain else (None, True)
