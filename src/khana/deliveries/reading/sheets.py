"""Stream the cells of an Excel workbook as texts, row by row, without trusting the archive.

An .xlsx is XML in a zip: sizes are checked before anything is unpacked and document types are
refused, so that neither a zip bomb nor an entity bomb gets hold of the memory. A number comes as
its digits, a date as ISO text, a formula as its stored result, or as its own text where it has none.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

from khana.deliveries.reading.refusals import ArchiveUnsafe, FileDamaged

_MOST_ENTRIES = 10_000
_MOST_BYTES = 8 << 30
_MOST_STRING_BYTES = 1 << 30
_BIG_ENTRY = 32 << 20
_MOST_RATIO = 200
_FEED = 1 << 18
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
_NOT_FORMAT = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.')
_EPOCHS = {False: dt.datetime(1899, 12, 30), True: dt.datetime(1904, 1, 1)}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name and the entry of the archive that holds it."""

    name: str
    entry: str
    compressed: int


class Workbook:
    """An opened workbook; use it as a context."""

    def __init__(self, path: Path) -> None:
        """Open the archive and read its list of sheets, styles and shared texts.

        Raises:
            ArchiveUnsafe: It would unpack to far more than it is.
            FileDamaged: It is no whole workbook.
        """
        self._name = path.name
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise self._damaged() from error
        self._check_sizes()
        self._is_1904 = False
        self.sheets = self._read_sheets()
        self._date_styles = self._read_styles()
        self._texts = self._read_shared_texts()

    def __enter__(self) -> Workbook:
        """Return the workbook."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the archive."""
        self._zip.close()

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of a sheet that have a cell: row number and texts from column A on."""
        handler = _SheetHandler(self._texts, self._date_styles, _EPOCHS[self._is_1904])
        for _ in self._parse(sheet.entry, handler.start, handler.end, handler.characters):
            if handler.rows:
                yield from handler.rows
                handler.rows = []
        yield from handler.rows

    def _damaged(self) -> FileDamaged:
        return FileDamaged(
            f"{self._name} is damaged or no Excel workbook. Open it, save it again as .xlsx and send that.",
            file=self._name,
        )

    def _check_sizes(self) -> None:
        entries = self._zip.infolist()
        total = sum(entry.file_size for entry in entries)
        bombs = [
            entry.filename
            for entry in entries
            if entry.file_size > _BIG_ENTRY and entry.file_size > _MOST_RATIO * max(entry.compress_size, 1)
        ]
        if len(entries) > _MOST_ENTRIES or total > _MOST_BYTES or bombs:
            raise ArchiveUnsafe(
                f"{self._name} would unpack to {total >> 20:,} MiB and was not opened: it looks like a zip bomb. "
                "Ask the office for the list as CSV.",
                mib=total >> 20,
                entries=len(entries),
            )
        if any(entry.flag_bits & 1 for entry in entries):
            raise FileDamaged(
                f"{self._name} is locked with a password. Ask for it without one, or over a safer road.",
                file=self._name,
            )

    def _parse(
        self,
        entry: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        characters: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Feed one entry to a parser, giving way after every piece."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = characters
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        try:
            with self._zip.open(entry) as stream:
                while data := stream.read(_FEED):
                    parser.Parse(data, False)
                    yield
            parser.Parse(b"", True)
        except (KeyError, expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
            raise self._damaged() from error

    def _refuse_doctype(self, *_: Any) -> None:
        raise ArchiveUnsafe(
            f"{self._name} declares a document type, which no workbook does and bombs do. It was not read.",
            file=self._name,
        )

    def _read_sheets(self) -> list[Sheet]:
        targets: dict[str, str] = {}
        named: list[tuple[str, str]] = []

        def on_relation(tag: str, attributes: dict[str, str]) -> None:
            if _local(tag) == "Relationship":
                targets[attributes["Id"]] = attributes["Target"]

        def on_workbook(tag: str, attributes: dict[str, str]) -> None:
            if _local(tag) == "sheet":
                relation = next((v for k, v in attributes.items() if k.endswith(":id") or k == "id"), "")
                named.append((attributes.get("name", ""), relation))
            elif _local(tag) == "workbookPr":
                self._is_1904 = attributes.get("date1904", "0") in ("1", "true")

        for _ in self._parse("xl/_rels/workbook.xml.rels", on_relation):
            pass
        for _ in self._parse("xl/workbook.xml", on_workbook):
            pass
        sheets = []
        for name, relation in named:
            target = targets.get(relation, "")
            entry = target.lstrip("/") if target.startswith("/") else str(PurePosixPath("xl") / target)
            if "worksheets/" in entry and entry in self._zip.NameToInfo:
                sheets.append(Sheet(name, entry, self._zip.getinfo(entry).compress_size))
        if not sheets:
            raise self._damaged()
        return sheets

    def _read_styles(self) -> list[bool]:
        """Return for each cell style whether it shows a date."""
        if "xl/styles.xml" not in self._zip.NameToInfo:
            return []
        custom: dict[int, str] = {}
        styles: list[bool] = []
        inside = [False]

        def start(tag: str, attributes: dict[str, str]) -> None:
            name = _local(tag)
            if name == "numFmt":
                custom[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
            elif name == "cellXfs":
                inside[0] = True
            elif name == "xf" and inside[0]:
                number = int(attributes.get("numFmtId", "0"))
                styles.append(_is_date_format(number, custom.get(number, "")))

        def end(tag: str) -> None:
            if _local(tag) == "cellXfs":
                inside[0] = False

        for _ in self._parse("xl/styles.xml", start, end):
            pass
        return styles

    def _read_shared_texts(self) -> list[str]:
        entry = "xl/sharedStrings.xml"
        if entry not in self._zip.NameToInfo:
            return []
        if self._zip.getinfo(entry).file_size > _MOST_STRING_BYTES:
            raise ArchiveUnsafe(f"{self._name} holds too much text for a list. Ask for it as CSV.", file=self._name)
        handler = _TextHandler()
        for _ in self._parse(entry, handler.start, handler.end, handler.characters):
            pass
        return handler.texts


@dataclass
class _TextHandler:
    """Collects the shared texts; runs of one text are joined, phonetic helps are left out."""

    texts: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    is_text: bool = False
    is_phonetic: bool = False

    def start(self, tag: str, _: dict[str, str]) -> None:
        name = _local(tag)
        if name == "si":
            self.parts = []
        elif name == "rPh":
            self.is_phonetic = True
        self.is_text = name == "t" and not self.is_phonetic

    def end(self, tag: str) -> None:
        name = _local(tag)
        self.is_text = False
        if name == "si":
            self.texts.append(_unescape("".join(self.parts)))
        elif name == "rPh":
            self.is_phonetic = False

    def characters(self, data: str) -> None:
        if self.is_text:
            self.parts.append(data)


class _SheetHandler:
    """Turns the elements of a sheet into rows of texts."""

    def __init__(self, texts: list[str], date_styles: list[bool], epoch: dt.datetime) -> None:
        self.rows: list[tuple[int, list[str]]] = []
        self._texts = texts
        self._date_styles = date_styles
        self._epoch = epoch
        self._row = 0
        self._cells: list[str] = []
        self._column = 0
        self._kind = ""
        self._style = 0
        self._into: list[str] | None = None
        self._value: list[str] = []
        self._formula: list[str] = []
        self._is_formula = False
        self._is_phonetic = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "c":
            reference = attributes.get("r")
            self._column = _column_number(reference) if reference else len(self._cells)
            self._kind = attributes.get("t", "n")
            self._style = int(attributes.get("s", 0))
            self._value, self._formula, self._is_formula = [], [], False
        elif name == "v" or (name == "t" and not self._is_phonetic):
            self._into = self._value
        elif name == "f":
            self._is_formula, self._into = True, self._formula
        elif name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._cells = []
        elif name == "rPh":
            self._is_phonetic = True

    def characters(self, data: str) -> None:
        if self._into is not None:
            self._into.append(data)

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name in ("v", "t", "f"):
            self._into = None
        elif name == "c":
            text = self._text()
            if text and self._column < 16_384:
                gap = self._column - len(self._cells)
                if gap > 0:
                    self._cells.extend([""] * gap)
                self._cells.append(text)
        elif name == "row":
            if self._cells:
                self.rows.append((self._row, self._cells))
        elif name == "rPh":
            self._is_phonetic = False

    def _text(self) -> str:
        value = "".join(self._value)
        if not value:
            formula = "".join(self._formula)
            return f"={formula}" if self._is_formula and formula else ""
        kind = self._kind
        if kind == "s":
            number = int(value)
            return self._texts[number] if number < len(self._texts) else ""
        if kind == "n":
            is_date = self._style < len(self._date_styles) and self._date_styles[self._style]
            return _date_text(value, self._epoch) if is_date else _number_text(value)
        if kind == "b":
            return "true" if value == "1" else "false"
        return "" if kind == "e" else _unescape(value)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _column_number(reference: str) -> int:
    """Return the 0-based column of a reference such as AB12."""
    number = 0
    for letter in reference:
        if not letter.isalpha():
            break
        number = number * 26 + ord(letter) - 64
    return number - 1


def _is_date_format(number: int, code: str) -> bool:
    if code:
        return any(letter in "dmyhs" for letter in _NOT_FORMAT.sub("", code.split(";")[0]).casefold())
    return number in _DATE_FORMATS


def _number_text(value: str) -> str:
    if value.isdigit():
        return value
    number = float(value)
    return str(int(number)) if number.is_integer() and abs(number) < 1e17 else repr(number)


def _date_text(value: str, epoch: dt.datetime) -> str:
    number = float(value)
    if not 1 <= number < 2_958_466:
        return _number_text(value)
    return (epoch + dt.timedelta(days=int(number))).date().isoformat()


def _unescape(text: str) -> str:
    """Undo Excel's way of writing control characters: _x0007_ is one."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)
