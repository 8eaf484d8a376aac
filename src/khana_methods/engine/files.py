"""Any table that somebody has on her disk: delimited text, workbook, Parquet or Stata in; the one reader of such files.

Cells of text and workbooks stay text, so that a code like 007 keeps its zeros; a blank is nothing. Parquet and Stata keep
their types, codes as numbers. A header that names a column twice is refused: one of them would be read for the other.
Large files of text and Parquet can be shown to an engine without being read first.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import struct
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, ClassVar, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError

TEXT = (".csv", ".tsv", ".txt", "")
WORKBOOK = (".xlsx", ".xlsm")
KINDS = (".csv", ".tsv", ".txt", ".csv.gz", ".xlsx", ".xlsm", ".parquet", ".dta")
_OPTIONS = "all_varchar = true, header = true, sample_size = 20000, max_line_size = 4000000"


class FileUnreadable(InputError):
    """The file is no table: of another kind, empty, broken, or with a header that cannot be."""

    code: ClassVar[str] = "engine.file_unreadable"


def kind_of(path: Path) -> str:
    """Return the kind that a file's name says, small and with its dot; .csv for .csv.gz."""
    kinds = [part.lower() for part in path.suffixes]
    kind = kinds[-1] if kinds else ""
    return kinds[-2] if kind == ".gz" and len(kinds) > 1 else kind


def read_table(path: Path, *, sheet: str | None = None, rows: int | None = None) -> pa.Table:
    """Read a table file.

    Args:
        path: One of `KINDS`; text in UTF-8, or the Windows code page where it is not that.
        sheet: Sheet of a workbook; the first if absent.
        rows: Only so many of the first rows; all if absent.

    Returns:
        n rows in the order of the file; text from delimited text and workbooks (null where a cell is empty), typed columns
        from Parquet and Stata. A column of a workbook without a name is left out.

    Raises:
        FileUnreadable: Another kind of file, no header, a column named twice, no rows, or broken.
    """
    with Engine(memory_mib=1024) as engine:
        relation = show_table(engine, "file_read", path, sheet=sheet)
        limit = "" if rows is None else f" LIMIT {int(rows)}"
        try:
            table = engine.table(f"SELECT * FROM {relation}{limit}")
        except duckdb.Error as error:
            raise _broken(path) from error
    if table.num_rows == 0:
        raise FileUnreadable(f"{path.name} has a header and no rows.", file=path.name)
    return table


def read_texts(path: Path, *, sheet: str | None = None) -> pa.Table:
    """Read a table file with every cell as text and a blank text for nothing; a header alone gives no rows.

    Raises:
        FileUnreadable: As `read_table`, but for no rows.
    """
    with Engine(memory_mib=1024) as engine:
        try:
            table = engine.table(f"SELECT * FROM {show_table(engine, 'file_read', path, sheet=sheet)}")
        except duckdb.Error as error:
            raise _broken(path) from error
    columns = [pc.fill_null(column.cast(pa.string()), "").combine_chunks() for column in table.columns]
    return pa.table(columns, names=table.schema.names)


def load_table(engine: Engine, name: str, path: Path, *, sheet: str | None = None) -> None:
    """Copy a table file into a table of an engine.

    Raises:
        FileUnreadable: As `read_table`, but for no rows.
    """
    relation = show_table(engine, f"{name}_file", path, sheet=sheet)
    try:
        engine.run(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {relation}")
    except duckdb.Error as error:
        raise _broken(path) from error
    for what in ("VIEW", "TABLE"):
        if engine.value(
            f"SELECT count(*) FROM duckdb_{what.lower()}s() WHERE {what.lower()}_name = $name", {"name": relation}
        ):
            engine.run(f"DROP {what} {relation}")


def show_table(engine: Engine, name: str, path: Path, *, sheet: str | None = None) -> str:
    """Show a table file to an engine under a name: text and Parquet are streamed as they are asked, all else is read whole.

    Args:
        engine: Where it is shown.
        name: Of the view or table, an identifier.
        path: One of `KINDS`.
        sheet: Of a workbook.

    Returns:
        The name.

    Raises:
        FileUnreadable: As `read_table`, but for no rows. What is broken further down shows itself when it is read.
    """
    kind = kind_of(path)
    if kind in TEXT:
        _show_text(engine, name, path)
        return name
    if kind == ".parquet":
        try:
            _refuse_doubled(pq.read_schema(path).names, path)
            engine.register_parquet(name, path)
        except (pa.ArrowInvalid, duckdb.Error) as error:
            raise _broken(path) from error
        return name
    if kind in WORKBOOK:
        engine.register(name, _workbook(path, sheet))
    elif kind == ".dta":
        engine.register(name, _stata(path))
    else:
        raise FileUnreadable(f"A file ending in {kind} is not read here; give {', '.join(KINDS)}.", kind=kind)
    return name


def _broken(path: Path) -> FileUnreadable:
    return FileUnreadable(
        f"{path.name} cannot be read as a table: it is broken, or of another kind than its name says. Give a CSV, XLSX, "
        "Parquet or Stata file with one header line.",
        file=path.name,
    )


def _refuse_doubled(names: list[str], path: Path) -> None:
    """Refuse a header that names a column twice, by the places of its columns: a name may be a person's."""
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name and name in seen:
            raise FileUnreadable(
                f"{path.name} names column {place} as it names column {seen[name]}. Give each a name of its own.",
                file=path.name, columns=[seen[name], place],
            )  # fmt: skip
        seen[name] = place


def _show_text(engine: Engine, name: str, path: Path) -> None:
    """Show delimited text as a view; one in the Windows code page is read whole."""
    if path.stat().st_size == 0:
        raise FileUnreadable(f"{path.name} is empty.", file=path.name)
    if not _is_utf8(path):
        engine.register(name, _windows_text(path))
        return
    try:
        delimiter, quote, skipped = engine.rows(
            f"SELECT Delimiter, Quote, SkipRows FROM sniff_csv($path, {_OPTIONS})", {"path": str(path)}
        )[0]
        _refuse_doubled(_header(path, delimiter, quote, int(skipped)), path)
        place = str(path).replace("'", "''")
        engine.run(
            f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_csv('{place}', strict_mode = false, {_OPTIONS})"
        )
    except duckdb.Error as error:
        raise _broken(path) from error


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb"))


def _is_utf8(path: Path) -> bool:
    """Say whether every byte of a text belongs to UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _opened(path) as raw:
            while part := raw.read(1 << 22):
                decoder.decode(part)
            decoder.decode(b"", final=True)
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile):
        return False
    return True


def _header(path: Path, delimiter: str, quote: str, skipped: int) -> list[str]:
    """Return the names of a header line as they stand."""
    with _opened(path) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        for _ in range(skipped):
            text.readline()
        one = delimiter if len(delimiter) == 1 else ","
        mark = quote if len(quote) == 1 and quote not in ("\0", one) else '"'
        return [cell.strip() for cell in next(csv.reader(text, delimiter=one, quotechar=mark), [])]


def _windows_text(path: Path) -> pa.Table:
    """Read delimited text in the Windows code page, whole."""
    try:
        with _opened(path) as raw:
            text = raw.read().decode("cp1252")
        first = text.split("\n", 1)[0]
        delimiter = max(",;\t|", key=first.count)
        header, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except (UnicodeDecodeError, ValueError, csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise _broken(path) from error
    header = [name.strip() for name in header]
    _refuse_doubled(header, path)
    lines = [line for line in lines if line]
    if any(len(line) != len(header) for line in lines):
        raise _broken(path)
    columns = [pa.array([line[at] or None for line in lines], pa.string()) for at in range(len(header))]
    return pa.table(columns, names=header)


def _stata(path: Path) -> pa.Table:
    """Read a Stata file with its codes as numbers, not as their labels."""
    import pandas

    try:
        frame = pandas.read_stata(path, convert_categoricals=False)
    except (ValueError, struct.error) as error:
        raise _broken(path) from error
    return pa.Table.from_pandas(frame, preserve_index=False)


def _workbook(path: Path, sheet: str | None) -> pa.Table:
    """Read one sheet; the first row that has two filled cells or more is the header."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _broken(path) from error
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise FileUnreadable(
                f"The workbook has no such sheet; it has {', '.join(book.sheetnames)}.", sheets=book.sheetnames
            )
        page = book[sheet] if sheet else book.worksheets[0]
        rows = [row for row in page.iter_rows(values_only=True) if any(cell not in (None, "") for cell in row)]
    finally:
        book.close()
    if not rows:
        raise FileUnreadable(f"The sheet of {path.name} is empty.", file=path.name)
    start = next((at for at, row in enumerate(rows) if sum(cell not in (None, "") for cell in row) > 1), 0)
    header = ["" if cell is None else str(cell).strip() for cell in rows[start]]
    _refuse_doubled(header, path)
    named = [(at, name) for at, name in enumerate(header) if name]
    columns = [
        pa.array([_cell(row[at] if at < len(row) else None) for row in rows[start + 1 :]], pa.string())
        for at, _ in named
    ]
    return pa.table(columns, names=[name for _, name in named])


def _cell(value: Any) -> str | None:
    """Write one cell as text: whole numbers without a point, days as ISO, nothing as null."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
