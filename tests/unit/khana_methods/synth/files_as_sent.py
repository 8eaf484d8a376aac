"""Read a made-up country's lists with nothing but the standard library: a slow second opinion for the tests."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq

DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹০১২৩৪৫৬৭৮৯", "01234567890123456789")
STARTS = {
    "2026Q1": dt.date(2026, 1, 1),
    "2026Q2": dt.date(2026, 4, 1),
    "2026H1": dt.date(2026, 1, 1),
    **{f"2026-{m:02d}": dt.date(2026, m, 1) for m in range(1, 7)},
    **{f"2026F{n:02d}": dt.date(2026, (n + 1) // 2, 1 if n % 2 else 16) for n in range(7, 13)},
}


@dataclass
class Row:
    """One list row as a patient clerk would copy it out."""

    number: str
    payee: str
    own: bool
    mobile: str
    account: str
    birth: str
    programme: str = ""
    period: str = ""


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a comma-separated file of the country."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def clean(text: Any) -> str:
    """Bring a number to digits; empty for none, ``?`` for one that is no number."""
    plain = unicodedata.normalize("NFKC", "" if text is None else str(text)).translate(DIGITS)
    if not any(c.isdigit() for c in plain):
        return ""
    if "E+" in plain or "e+" in plain:
        return "?"
    digits = re.sub(r"\D", "", plain)
    return "?" if len(set(digits)) == 1 else digits


def canonical(country: str, digits: str) -> str:
    """One text a number: 13 and 17 digits meet in Bangladesh."""
    if digits in ("", "?"):
        return digits
    if country == "pak":
        return digits if len(digits) == 13 else "?"
    return digits[-13:] if len(digits) in (13, 17) else digits if len(digits) == 10 else "?"


def mobile(text: Any) -> str:
    """The last ten digits of a telephone."""
    return re.sub(r"\D", "", str(text or "").translate(DIGITS))[-10:]


def day(text: Any) -> str:
    """A day as YYYY-MM-DD, or a year."""
    if isinstance(text, dt.datetime):
        return text.date().isoformat()
    plain = str(text or "").translate(DIGITS)
    match = re.fullmatch(r"(\d\d)[/-](\d\d)[/-](\d{4})", plain)
    return f"{match[3]}-{match[2]}-{match[1]}" if match else plain


def _delimited(text: str, mark: str) -> dict[int, list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    found: dict[int, list[str]] = {}
    start = 1
    for record in reader:
        found[start] = record
        start = reader.line_num + 1
    return found


def read_list(path: Path, country: str, wanted: dict[tuple[str, int], dict[str, str]]) -> dict[tuple[str, int], Row]:
    """Read the wanted lines (sheet, line) of one list; broken ones are not to be asked for."""
    suffix = path.suffix
    rows: dict[tuple[str, int], Row] = {}

    def put(key: tuple[str, int], number: Any, payee: Any, phone: Any, account: Any, birth: Any) -> None:
        own = payee is None
        first = canonical(country, clean(number))
        second = first if own else canonical(country, clean(payee))
        rows[key] = Row(first, second, own, mobile(phone), str(account or ""), day(birth))

    if suffix == ".xlsx":
        book = openpyxl.load_workbook(path)
        for key in wanted:
            c = [cell.value for cell in book[key[0]][key[1]]]
            if country == "bgd":
                put(key, c[2], None, c[5], c[13], c[6])
            elif c[7] is None:
                put(key, c[2], None, c[5], c[13], None)
            else:
                put(key, c[6], c[2] or "", c[5], c[13], c[8])
    elif suffix == ".parquet":
        table = pq.read_table(path).to_pylist()
        for key in wanted:
            r = table[key[1] - 1]
            put(key, r["id_number"], None, r["mobile"], r["account"], r["birth_date"])
    elif suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").split("\n")
        for key in wanted:
            r = json.loads(lines[key[1] - 1])
            put(key, r.get("holder", {}).get("nic", r.get("holder_nic")), None, r["phone"], None, None)
    else:
        _text_list(path, country, wanted, put)
    return rows


def _text_list(path: Path, country: str, wanted: dict[tuple[str, int], dict[str, str]], put: Any) -> None:
    data = path.read_bytes()
    if data[:2] == b"\xff\xfe":
        records = _delimited(data.decode("utf-16"), ";")
        for key in wanted:
            c = records[key[1]]
            put(key, c[1], c[7], c[13], None, c[4])
    elif data[:3] == b"\xef\xbb\xbf":
        records = _delimited(data.decode("utf-8-sig"), ",")
        for key in wanted:
            c = records[key[1]]
            put(key, c[2], None, c[11], c[10], c[7])
    elif path.suffix == ".txt":
        records = _delimited(data.replace(b"\x00", b"").decode("utf-8", "replace"), "|")
        for key in wanted:
            c = records[key[1]]
            put(key, c[1], None, c[11], c[10], None)
    else:
        records = _delimited(data.decode("cp1252"), ",")
        for key in wanted:
            c = records[key[1]]
            put(key, c[1], None, c[12], None, c[5])
