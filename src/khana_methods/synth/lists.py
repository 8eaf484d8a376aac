"""The ministries' files made of text lines: pipes, UTF-16 semicolons, native script, cp1252, JSON lines.

Each shape turns cells into lines, breaks and dresses the rows that the clerk marked, and appends
them; the line on which each row starts goes back into ``Rows.line``. Headers, titles, totals,
blanks and repeated headers are told apart in ``non_data``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.synth import clerk
from khana_methods.synth import columns as col
from khana_methods.synth.cells import Cells, money, native_digits, scheme_words
from khana_methods.synth.json_lists import broken_json, json_lines
from khana_methods.synth.population import Array
from khana_methods.synth.programmes import PROGRAMMES, ListFile
from khana_methods.synth.writers import LineFile

FOREIGN = "\ue000"
HEADERS = {
    "pipe": [
        "Sr#",
        "CNIC",
        "Beneficiary Name",
        "Father/Husband Name",
        "Province",
        "District",
        "Tehsil",
        "PMT Score",
        "Quarter",
        "Amount",
        "Account No.",
        "Mobile No",
        "Status",
    ],
    "utf16": [
        "S.No",
        "Child No.",
        "Child Name",
        "B/G",
        "DOB",
        "Class",
        "Att. %",
        "Mother CNIC",
        "Mother Name",
        "District",
        "Tehsil",
        "Period",
        "Stipend",
        "Mobile",
    ],
    "cp1252": [
        "Sr.",
        "NIC No.",
        "Name of worker",
        "F/H Name",
        "Sex",
        "D.O.B",
        "Days",
        "Rate",
        "Amount (Rs.)",
        "District",
        "Tehsil",
        "Fortnight",
        "Mobile / A/C",
    ],
}
NATIVE_HEADERS = {
    "pak": [
        "نمبر شمار",
        "اسکیم",
        "شناختی کارڈ نمبر",
        "نام",
        "ولدیت / زوجیت",
        "صوبہ",
        "ضلع",
        "تاریخ پیدائش",
        "مدت",
        "رقم (روپے)",
        "بینک اکاؤنٹ",
        "موبائل نمبر",
    ],
    "bgd": [
        "ক্রমিক নং",
        "কর্মসূচি",
        "জাতীয় পরিচয়পত্র নং",
        "নাম",
        "পিতা / স্বামীর নাম",
        "বিভাগ",
        "জেলা",
        "জন্ম তারিখ",
        "মেয়াদ",
        "টাকা",
        "ব্যাংক হিসাব",
        "মোবাইল নং",
    ],
}
TOTAL_WORD = {"pak": "کل", "bgd": "মোট"}
_BGD_WORDS = {
    "CNIC": "NID",
    "Child No.": "Child BRN",
    "Mother CNIC": "Mother NID",
    "NIC No.": "NID No.",
    "Province": "Division",
    "Tehsil": "Upazila",
    "Amount (Rs.)": "Amount (Tk)",
}
_NAME_AT = {"pipe": 2, "utf16": 2, "native": 3, "cp1252": 2}
_NUMBER_AT = {"pipe": 1, "utf16": 1, "native": 2, "cp1252": 1}
_AMOUNT_AT = {"pipe": 9, "utf16": 12, "native": 9, "cp1252": 8}
_BIRTH_AT = {"utf16": 4, "native": 7, "cp1252": 5}


def headers(shape: str, country: str) -> list[str]:
    """Return the header cells of a delimited list in the words of its country."""
    if shape == "native":
        return NATIVE_HEADERS[country]
    return [_BGD_WORDS.get(h, h) if country == "bgd" else h for h in HEADERS[shape]]


class TextList:
    """One list that is written as lines of text."""

    def __init__(self, out: Path, item: ListFile, country: str) -> None:
        """Open the file and write its titles and header."""
        self.item, self.country = item, country
        encoding = {"utf16": "utf-16", "native": "utf-8-sig", "cp1252": "cp1252"}.get(item.shape, "utf-8")
        self._end = "\n" if item.shape == "jsonl" else "\r\n"
        self._mark = {"pipe": "|", "utf16": ";", "native": ",", "cp1252": ","}.get(item.shape, "")
        self._file = LineFile(out / item.name, encoding, self._end)
        self.serial, self.total = 0, 0
        self.non_data: list[tuple[str, str, int, str]] = []
        if item.shape == "cp1252":
            self._aside(
                [
                    f"{item.title.upper()} - MUSTER ROLL (specimen)",
                    "Prepared for reconciliation; figures provisional",
                ],
                "title",
            )
            self._aside([""], "blank")
        if item.shape != "jsonl":
            self._aside([self._mark.join(headers(item.shape, country))], "header")

    def _aside(self, lines: list[str], kind: str) -> None:
        for line in lines:
            self.non_data.append((self.item.name, "", self._file.next_line, kind))
            self._file.write([line])

    def write(self, cells: Cells) -> Array:
        """Append the rows; return the physical line on which each starts."""
        if len(cells) == 0:
            return np.zeros(0, dtype=np.int64)
        serial = self.serial + 1 + np.arange(len(cells))
        self.serial += len(cells)
        if self.item.shape == "jsonl":
            lines = self._json(cells, serial)
        else:
            columns = _COLUMNS[self.item.shape](cells, serial, self.country)
            lines = col.lines(columns, self._mark)
            for i in np.flatnonzero((cells.malformed > 0) | (cells.odd > 0) | (cells.formula > 0)).tolist():
                lines[i] = self._special([c[i].as_py() or "" for c in columns], cells, i)
        self.total += int(cells.text["amount"].sum())
        start = self._file.next_line
        extra = np.array([line.count("\n") for line in lines])
        starts: Array = start + np.arange(len(lines)) + np.cumsum(extra) - extra
        turn = np.flatnonzero(np.diff(cells.text["period"])) + 1
        if self.item.shape == "pipe" and turn.size:
            # The office pasted the next quarter below, header and all.
            cut = int(turn[0])
            self._put(lines[:cut])
            self._aside([self._mark.join(headers("pipe", self.country))], "repeated_header")
            self._put(lines[cut:])
            starts[cut:] += 1
        else:
            self._put(lines)
        return starts

    def _put(self, lines: list[str]) -> None:
        self._file.write(
            lines,
            (lambda data: data.replace(FOREIGN.encode(), b"\x92")) if self.item.shape == "pipe" else None,
        )

    def close(self) -> None:
        """Write the closing lines and close."""
        width = len(HEADERS.get(self.item.shape, NATIVE_HEADERS["pak"]))
        if self.item.shape in ("pipe", "native", "cp1252"):
            if self.item.shape == "pipe":
                self._aside([""], "blank")
            row = [""] * width
            row[0 if self.item.shape == "native" else 2] = (
                TOTAL_WORD[self.country] if self.item.shape == "native" else "TOTAL"
            )
            row[_AMOUNT_AT[self.item.shape]] = str(self.total)
            self._aside([self._mark.join(row)], "total")
        self._file.close()

    def _special(self, fields: list[str], cells: Cells, i: int) -> str:
        """Break or dress one delimited row."""
        shape = self.item.shape
        name = _NAME_AT[shape]
        kind = clerk.MALFORMED[int(cells.malformed[i])]
        odd = clerk.ODD[int(cells.odd[i])]
        if cells.formula[i]:
            fields[name] = clerk.FORMULAS[int(cells.formula[i])]
        if odd == "embedded_newline":
            fields[name] = fields[name].replace(" ", "\n", 1) if " " in fields[name] else fields[name] + "\n"
        elif odd == "amount_text":
            fields[_AMOUNT_AT[shape]] = (
                f"Rs. {int(cells.text['amount'][i]):,}/-"
                if self.country == "pak"
                else f"Tk {int(cells.text['amount'][i]):,}/-"
            )
        if kind in _BREAK:
            _BREAK[kind](fields, shape, int(cells.entry[i]) % 28 + 1975)
        quoted = [
            f'"{f.replace(chr(34), chr(34) * 2)}"' if any(c in f for c in (self._mark, '"', "\n")) else f
            for f in fields
        ]
        return self._mark.join(quoted)

    def _json(self, cells: Cells, serial: Array) -> list[str]:
        lines = json_lines(cells, serial, self.country)
        worth = "value_pkr" if self.country == "pak" else "value_bdt"
        for i in np.flatnonzero((cells.malformed > 0) | (cells.odd > 0) | (cells.formula > 0)).tolist():
            lines[i] = broken_json(lines[i], cells, i, worth)
        return lines


def _short(fields: list[str], shape: str, year: int) -> None:
    del fields[-3:]


def _long(fields: list[str], shape: str, year: int) -> None:
    at = _NAME_AT[shape]
    first, _, rest = fields[at].partition(" ")
    fields[at : at + 1] = [first, rest]


def _shifted(fields: list[str], shape: str, year: int) -> None:
    fields.insert(0, "")


def _no_such_day(fields: list[str], shape: str, year: int) -> None:
    mark = "-" if shape == "utf16" else "/"
    fields[_BIRTH_AT[shape]] = f"31{mark}02{mark}{year + (30 if shape == 'utf16' else 0)}"


def _nobody(fields: list[str], shape: str, year: int) -> None:
    fields[_NUMBER_AT[shape]] = fields[_NAME_AT[shape]] = ""


def _inside_name(mark: str) -> Callable[[list[str], str, int], None]:
    def put(fields: list[str], shape: str, year: int) -> None:
        at = _NAME_AT[shape]
        fields[at] = fields[at][:2] + mark + fields[at][2:]

    return put


_BREAK: dict[str, Callable[[list[str], str, int], None]] = {
    "short_row": _short,
    "long_row": _long,
    "shifted_row": _shifted,
    "impossible_date": _no_such_day,
    "empty_identity": _nobody,
    "control_char": _inside_name("\x07"),
    "nul_char": _inside_name("\x00"),
    "foreign_byte": _inside_name(FOREIGN),
}


def _pipe(c: Cells, serial: Any, country: str) -> list[Any]:
    t = c.text
    status = col.pick(
        col.strings(["Active", "active", "ACTIVE"]),
        np.where(c.entry % 13 == 0, 1, np.where(c.entry % 29 == 0, 2, 0)),
    )
    score = pc.cast(pa.array(np.round(t["score"], 2)), pa.string())
    return [
        col.whole(serial),
        t["number"],
        t["name"],
        t["guardian"],
        t["province"],
        t["district"],
        t["tehsil"],
        score,
        t["period_text"],
        money(t["amount"], c.entry % 2 == 0),
        t["account"],
        t["phone"],
        status,
    ]


def _utf16(c: Cells, serial: Any, country: str) -> list[Any]:
    t = c.text
    share = 71 + c.entry % 29
    return [
        col.whole(serial),
        t["number"],
        t["name"],
        col.pick(col.strings(["B", "G"]), t["sex"]),
        col.dates(t["birth"], "-"),
        col.whole(t["grade"], t["grade"] < 0),
        col.joined(col.whole(share), col.pick(col.strings(["", "%"]), c.entry % 2)),
        t["payee_number"],
        t["payee_name"],
        t["district"],
        t["tehsil"],
        t["period_text"],
        col.whole(t["amount"]),
        t["phone"],
    ]


def _native(c: Cells, serial: Any, country: str) -> list[Any]:
    t = c.text
    year = pc.utf8_slice_codeunits(col.iso_dates(t["birth"]), 0, 4)
    birth = col.choose(c.entry % 7 == 3, year, col.dates(t["birth"], "/"))

    def local(column: Any) -> Any:
        return native_digits(column, t["native_digits"], country)

    scheme = scheme_words(PROGRAMMES[country], t["programme"], c.entry)
    return [
        local(col.whole(serial)),
        scheme,
        local(t["number"]),
        t["name"],
        t["guardian"],
        t["province"],
        t["district"],
        local(birth),
        t["period_text"],
        col.whole(t["amount"]),
        t["account"],
        local(t["phone"]),
    ]


def _cp1252(c: Cells, serial: Any, country: str) -> list[Any]:
    t = c.text
    days = 5 + c.entry % 9
    return [
        col.whole(serial),
        t["number"],
        t["name"],
        t["guardian"],
        col.pick(col.strings(["M", "F"]), t["sex"]),
        col.dates(t["birth"], "/"),
        col.whole(days),
        col.whole(t["amount"] // days),
        col.whole(t["amount"]),
        t["district"],
        t["tehsil"],
        t["period_text"],
        t["phone"],
    ]


_COLUMNS = {"pipe": _pipe, "utf16": _utf16, "native": _native, "cp1252": _cp1252}
