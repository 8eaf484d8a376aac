"""Part delimited text into records: whole pieces at once where they are plain, one by one where not.

A piece of the file that has no control character, no broken letter and one record a line goes
through Arrow's parser. Any other piece is parted line by line, and a quotation mark that is never
closed costs its own line only, never the lines after it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from khana.deliveries.contracts.schema import Contract
from khana.deliveries.reading.chunk import Parted, Refused
from khana.deliveries.reading.collect import RowCollector
from khana.deliveries.reading.header import Plan, find_plan
from khana.deliveries.reading.lines import LineRules, structure_fault
from khana.deliveries.reading.opening import Piece, opened, text_pieces
from khana.deliveries.reading.refusals import (
    ColumnMissing,
    ContractForAnotherFile,
    FileEmpty,
    HeaderOnly,
)
from khana.deliveries.reading.splitting import (
    head_records,
    placed_at_lines,
    refuse_delimiter,
    sniff_delimiter,
    split_line,
)

_CONTROLS = bytes([*range(9), 11, 12, *range(14, 32), 127])
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOST_LINES_OF_RECORD = 60


def delimited_blocks(path: Path, contract: Contract) -> Iterator[Parted]:
    """Yield the records of a text file under a contract, block by block.

    Raises:
        FileEmpty: Nothing but blank lines.
        HeaderOnly: A header and no row.
        DelimiterWrong: Another sign parts the columns.
        ColumnMissing, ContractForAnotherFile, HeaderTwice, TooManyColumns: See `header.find_plan`.
    """
    with opened(path, contract.file) as (stream, stored):
        reader = _Reader(path, contract)
        for piece in text_pieces(stream, stored, path, contract.file):
            block = reader.read(piece)
            if block is not None:
                yield block
        yield from reader.finish()


def read_header(path: Path, contract: Contract) -> Plan:
    """Return where the table of a text file stands, reading no further than its first piece."""
    with opened(path, contract.file) as (stream, stored):
        for piece in text_pieces(stream, stored, path, contract.file):
            plan, _, _ = _plan_of(piece.data, contract, path)
            return plan
    raise FileEmpty(f"{path.name} is empty.", file=path.name)


class _Reader:
    """Keeps what must be known from one piece to the next: the line number, an unfinished record."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self._path = path
        self._contract = contract
        self._next_line = 1
        self._carry = b""
        self._carry_foreign: dict[int, str] = {}
        self._rows = 0
        self._done = 0
        self._plan: Plan | None = None

    def read(self, piece: Piece) -> Parted | None:
        """Part one piece."""
        self._done = piece.bytes_done
        data, foreign = piece.data, piece.foreign
        if self._carry:
            shift = self._carry.count(b"\n")
            foreign = self._carry_foreign | {line + shift: text for line, text in foreign.items()}
            data, self._carry, self._carry_foreign = self._carry + data, b"", {}
        if foreign and max(foreign) == data.count(b"\n"):  # the last line of the file, without a break
            data += b"\n"
        before = 0
        if self._plan is None:
            if not data.strip() and not foreign:
                self._next_line += data.count(b"\n")
                return None
            data, foreign, before = self._begin(data, foreign)
        if not data:
            return None
        block = self._part(data, foreign, is_end=False)
        block.not_data += before
        self._rows += len(block) + len(block.refused)
        return block

    def finish(self) -> Iterator[Parted]:
        """Part what is left at the end of the file, and refuse a file without rows."""
        if self._carry:
            data, foreign = self._carry, self._carry_foreign
            self._carry, self._carry_foreign = b"", {}
            block = self._part(data, foreign, is_end=True)
            self._rows += len(block) + len(block.refused)
            yield block
        if self._plan is None:
            raise FileEmpty(f"{self._path.name} holds nothing but blank lines.", file=self._path.name)
        if not self._rows:
            raise HeaderOnly(
                f"{self._path.name} has its header and no row under it. Ask the office whether the list is empty.",
                file=self._path.name,
            )

    def _begin(self, data: bytes, foreign: dict[int, str]) -> tuple[bytes, dict[int, str], int]:
        """Find the header; return what follows it and the number of lines up to it."""
        plan, delimiter, skipped = _plan_of(data, self._contract, self._path)
        self._plan, self._delimiter = plan, delimiter
        self._rules = LineRules(self._contract, plan)
        self._collector = RowCollector(self._contract, plan, self._rules, sheet="", is_sheet=False)
        lines = data.split(b"\n", skipped)
        for line in lines[:skipped]:
            self._rules.is_title([line.decode("utf-8", "replace")])
        self._next_line += skipped
        rest = lines[skipped] if len(lines) > skipped else b""
        return rest, {line - skipped: text for line, text in foreign.items() if line >= skipped}, skipped

    def _part(self, data: bytes, foreign: dict[int, str], *, is_end: bool) -> Parted:
        needs_care = bool(self._contract.blocks or self._contract.carry_down)
        if not needs_care and not len(data) - len(data.translate(None, _CONTROLS)):
            block = self._part_whole(data, foreign)
            if block is not None:
                self._next_line += data.count(b"\n") + (not data.endswith(b"\n"))
                return block
        return self._part_lines(data, foreign, is_end=is_end)

    def _part_whole(self, data: bytes, foreign: dict[int, str]) -> Parted | None:
        """Part a piece with Arrow; None where it is not one record a line."""
        plan, quote = self._plan, self._contract.file.quote
        if plan is None:
            return None
        if quote and data.count(quote.encode()) % 2:
            return None
        wrong: list[tuple[int, str]] = []

        def on_wrong(row: pa_csv.InvalidRow) -> str:
            wrong.append((row.number - 1, row.text))
            return "skip"

        names = [str(position) for position in range(plan.width)]
        positions = sorted({p for ps in plan.facts.values() for p in ps})
        if self._contract.keep_unmapped:
            positions = list(range(plan.width))
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(data),
                read_options=pa_csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self._delimiter,
                    quote_char=quote or False,
                    invalid_row_handler=on_wrong,
                    ignore_empty_lines=False,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types={name: pa.string() for name in names},
                    include_columns=[str(p) for p in positions],
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            return None
        count = data.count(b"\n") + (not data.endswith(b"\n"))
        if table.num_rows + len(wrong) != count:
            return None
        return self._sift(table.combine_chunks(), positions, wrong, data, foreign, count)

    def _sift(
        self,
        table: pa.Table,
        positions: list[int],
        wrong: list[tuple[int, str]],
        data: bytes,
        foreign: dict[int, str],
        count: int,
    ) -> Parted:
        """Set aside what is no row and what has a wrong number of cells."""
        lines = data.split(b"\n")
        wrong_rows = [number for number, _ in wrong]
        places = (
            np.delete(np.arange(count, dtype=np.int64), wrong_rows) if wrong_rows else np.arange(count, dtype=np.int64)
        )
        columns = {p: _flat(table.column(i)) for i, p in enumerate(positions)}
        refused = [Refused("", self._next_line + n, "foreign_byte", text) for n, text in foreign.items()]
        drop, not_data = self._not_rows(columns, places, lines, foreign, _lengths(data, count))
        for number, text in wrong:
            cells = self._cells(text)
            if not text.strip() or self._rules.is_no_row(cells):
                not_data += 1
            else:
                fault = structure_fault(cells, self._width) or "long_row"
                refused.append(Refused("", self._next_line + number, fault, text))
        if drop.any():
            kept = pa.array(np.flatnonzero(~drop))
            columns = {p: column.take(kept) for p, column in columns.items()}
            places = places[~drop]
        first = self._next_line

        def raw_of(position: int) -> str:
            return lines[int(places[position])].decode("utf-8").rstrip("\r")

        return Parted(
            sheet="",
            lines=places + first,
            texts={name: _first_filled([columns[p] for p in ps]) for name, ps in self._facts.items()},
            raw_of=raw_of,
            unmapped={h: columns[p] for h, p in self._unmapped.items()},
            refused=refused,
            not_data=not_data,
            bytes_done=self._done,
        )

    def _not_rows(
        self,
        columns: dict[int, pa.Array],
        places: npt.NDArray[np.int64],
        lines: list[bytes],
        foreign: dict[int, str],
        lengths: npt.NDArray[np.int64],
    ) -> tuple[npt.NDArray[np.bool_], int]:
        """Return which records are no rows, and how many of them count as such."""
        blank = {p: _mask(pc.equal(column, "")) for p, column in columns.items()}
        filled = np.zeros(len(places), dtype=np.int32)
        for mask in blank.values():
            filled += ~mask
        suspects = filled <= max(3, len(columns) // 4)
        for choice in self._contract.required_facts():
            known = [p for name in choice for p in self._facts.get(name, ())]
            if known:
                suspects |= np.logical_and.reduce([blank[p] for p in known])
        named = [p for p in columns if self._header[p].strip()][:2]
        if named and self._header:
            suspects |= np.logical_and.reduce([_mask(pc.equal(columns[p], self._header[p])) for p in named])
        length = lengths[places]
        drop = (filled == 0) & ((length == 0) | (length == self._width - 1))
        drop &= ~np.isin(places, list(foreign))
        suspects &= ~drop
        not_data = int(drop.sum())
        for row in np.flatnonzero(suspects):
            place = int(places[row])
            if place in foreign:
                drop[row] = True
                continue
            cells = self._cells(lines[place].decode("utf-8"))
            is_blank = not any(cell.strip() for cell in cells)
            if is_blank or self._rules.is_no_row(cells):
                drop[row] = True
                not_data += 1
        return drop, not_data

    @property
    def _width(self) -> int:
        return self._plan.width if self._plan else 0

    @property
    def _header(self) -> tuple[str, ...]:
        return self._plan.header if self._plan else ()

    @property
    def _facts(self) -> dict[str, tuple[int, ...]]:
        return self._plan.facts if self._plan else {}

    @property
    def _unmapped(self) -> dict[str, int]:
        return self._plan.unmapped if self._plan and self._contract.keep_unmapped else {}

    def _cells(self, line: str) -> list[str]:
        return split_line(line.rstrip("\r"), self._delimiter, self._contract.file.quote) or [""]

    def _part_lines(self, data: bytes, foreign: dict[int, str], *, is_end: bool) -> Parted:
        """Part a piece line by line; an unfinished record waits for the next piece."""
        lines = data.decode("utf-8").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        number = 0
        while number < len(lines):
            taken = self._one_record(lines, number, foreign, is_end=is_end)
            if not taken:
                self._carry = "\n".join([*lines[number:], ""]).encode()
                self._carry_foreign = {n - number: text for n, text in foreign.items() if n >= number}
                break
            number += taken
        self._next_line += number
        return self._collector.take(self._done)

    def _one_record(self, lines: list[str], number: int, foreign: dict[int, str], *, is_end: bool) -> int:
        """Take the record that begins on one line; return how many lines it has, 0 where unfinished."""
        line_no = self._next_line + number
        if number in foreign:
            self._collector.refuse(line_no, "foreign_byte", foreign[number])
            return 1
        line = lines[number].rstrip("\r")
        if _CONTROL.search(line):
            if line.strip("\x1a\x00 "):
                self._collector.refuse(line_no, "nul_char" if "\x00" in line else "control_char", line)
            else:
                self._collector.skip()
            return 1
        cells, used = self._record(lines, number, is_end=is_end)
        if cells is None:
            return 0
        if used > 1 and len(cells) != self._width:
            self._collector.refuse(line_no, "unclosed_quote", line)
            return 1
        raw = line if used == 1 else "\n".join(lines[number : number + used]).rstrip("\r")
        self._collector.add(line_no, cells, raw, spans_lines=used > 1)
        return used

    def _record(self, lines: list[str], number: int, *, is_end: bool) -> tuple[list[str] | None, int]:
        """Part one record that may span lines; None where it goes on beyond the piece."""
        quote = self._contract.file.quote
        line = lines[number].rstrip("\r").replace("\r", " ")
        if not quote or quote not in line:
            return line.split(self._delimiter), 1
        last = min(len(lines), number + _MOST_LINES_OF_RECORD)
        reader = csv.reader(
            (text.rstrip("\r").replace("\r", " ") + "\n" for text in lines[number:last]),
            delimiter=self._delimiter,
            quotechar=quote,
            strict=True,
        )
        try:
            cells = next(reader)
        except csv.Error as error:
            if "unexpected end of data" not in str(error):
                cells = split_line(line, self._delimiter, quote)
                if len(cells) == self._width or line.count(quote) % 2 == 0:
                    return cells, 1
                return cells * self._width, 2
            if last == len(lines) and last - number < _MOST_LINES_OF_RECORD and not is_end:
                return None, 0
            return [*split_line(line, self._delimiter, quote), *[""] * self._width * 2], 2
        return cells, reader.line_num


def _plan_of(data: bytes, contract: Contract, path: Path) -> tuple[Plan, str, int]:
    """Find the header in the first piece; return the plan, the delimiter and the lines up to its end."""
    layout = contract.file
    lines = [line.decode("utf-8", "replace") for line in data.split(b"\n", layout.header.search + 20)]
    lines = lines[: layout.header.search + 20]
    delimiter = sniff_delimiter(lines, layout.quote) if layout.delimiter == "auto" else layout.delimiter
    records = head_records(lines, delimiter, layout.quote)
    try:
        plan = find_plan(placed_at_lines(records, lines), contract)
    except (ColumnMissing, ContractForAnotherFile):
        refuse_delimiter(lines, contract, delimiter, path)
        raise
    end = 0
    if plan.index >= 0:
        end = plan.index + 1
    return plan, delimiter, end


def _first_filled(columns: list[pa.Array]) -> pa.Array:
    """Return the first filled of several alternatives."""
    result = columns[0]
    for column in columns[1:]:
        result = pc.if_else(pc.equal(pc.utf8_trim_whitespace(result), ""), column, result)
    return result


def _lengths(data: bytes, count: int) -> npt.NDArray[np.int64]:
    """Return the length of each line without its line break."""
    letters = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(letters == 10)
    if len(ends) < count:
        ends = np.append(ends, len(letters))
    starts = np.concatenate([[0], ends[:-1] + 1])
    has_return = (ends > starts) & (letters[ends - 1] == 13)
    return np.asarray(ends - starts - has_return, dtype=np.int64)


def _flat(column: pa.ChunkedArray) -> pa.Array:
    flat = column.combine_chunks()
    return flat if isinstance(flat, pa.Array) else pa.array([], pa.string())


def _mask(column: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=bool)
