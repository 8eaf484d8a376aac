"""The tables of a report as a workbook: a sheet each, numbers as numbers, sheets from right to left where the language is."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from khana_methods.coverage.period_report import tables_of
from khana_methods.coverage.report import Block
from khana_methods.disclosure.spreadsheets import neutralise, printable

_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?( %)?")
_UNSAFE = re.compile(r"[\[\]:*?/\\']")
LONGEST_NAME = 31


def to_xlsx(blocks: Sequence[Block], language: str) -> bytes:
    """Write the tables of a report, each on a sheet that has its heading for a name; the first sheet holds the words."""
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook(write_only=False)
    for sheet in book.worksheets:  # the empty one that every new workbook has
        book.remove(sheet)
    taken: set[str] = set()
    words = [block.text for block in blocks if block.kind in ("title", "text")]
    front = book.create_sheet(sheet_name(words[0] if words else "report", taken))
    for text in words:
        front.append([neutralise(printable(text))])
    front.column_dimensions["A"].width = 100
    for heading, block in tables_of(blocks):
        sheet = book.create_sheet(sheet_name(heading, taken))
        sheet.append([neutralise(printable(text)) for text in block.header])
        for row in block.rows:
            sheet.append(
                [
                    neutralise(printable(text)) if cell is None else cell
                    for text, cell in zip(row, map(number_of, row), strict=True)
                ]
            )
            for cell, text in zip(sheet[sheet.max_row], row, strict=True):
                if text.endswith(" %") and number_of(text) is not None:
                    cell.number_format = "0.0%"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        sheet.column_dimensions["A"].width = 44
        sheet.freeze_panes = "B2"
    for sheet in book.worksheets:
        sheet.sheet_view.rightToLeft = language == "ur"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def number_of(text: str) -> float | None:
    """Return the number that a cell of a report shows; None where it is a word.

    Examples:
        >>> number_of("1,234.5"), number_of("12.5 %"), number_of("2721 Cash"), number_of("–")
        (1234.5, 0.125, None, None)
    """
    if not _NUMBER.fullmatch(text):
        return None
    plain = float(text.removesuffix(" %").replace(",", ""))
    return plain / 100 if text.endswith(" %") else plain


def sheet_name(text: str, taken: set[str]) -> str:
    """Return a name for a sheet that a workbook allows and that none has yet.

    Examples:
        >>> taken = set()
        >>> sheet_name("By function: all/some", taken), sheet_name("By function: all/some", taken)
        ('By function  all some', 'By function  all some 2')
    """
    plain = _UNSAFE.sub(" ", text).strip()[: LONGEST_NAME - 3] or "table"
    name, number = plain, 1
    while name.lower() in taken:
        number += 1
        name = f"{plain} {number}"
    taken.add(name.lower())
    return name
