"""Dates as offices write them: partial, in any order, in native digits, as spreadsheet serials.

A *partial date* has a year, perhaps a month, perhaps a day. What states no digit is missing; what
states digits that are no day of the calendar is impossible, and the row that has it is refused:
a guessed birthday would prove or deny an identity.
"""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import MutableMapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.standardise.digits import ascii_digits, comparison_key

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan جنوری জানুয়ারি জানুয়ারী",
            "february feb فروری ফেব্রুয়ারি ফেব্রুয়ারী",
            "march mar مارچ মার্চ",
            "april apr اپریل এপ্রিল",
            "may مئی মে",
            "june jun جون জুন",
            "july jul جولائی জুলাই",
            "august aug اگست আগস্ট",
            "september sep sept ستمبر সেপ্টেম্বর",
            "october oct اکتوبر অক্টোবর",
            "november nov نومبر নভেম্বর",
            "december dec دسمبر ডিসেম্বর",
        ),
        start=1,
    )
    for name in {form for word in names.split() for form in (word, comparison_key(word))}
}
_EXCEL_EPOCH = dt.date(1899, 12, 30)
_EXCEL_FIRST, _EXCEL_LAST = 7_000, 73_050  # 1919 to 2099
_FIRST_YEAR, _LAST_YEAR = 1850, 2150
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?$")
_BETWEEN = re.compile(r"[\s/\\.,\-_:;|‐-―−،۔]+")


class PartialDate(NamedTuple):
    """A date of which the month or the day may be unknown (0)."""

    year: int
    month: int = 0
    day: int = 0


class DateUnreadable(ValueError):
    """Digits stand there that are no date of the calendar."""


def parse_date(text: str, order: str = "dmy", pivot: int = 30) -> PartialDate | None:
    """Read one date.

    Args:
        text: The cell: `1979`, `1979-04`, `31/12/1979`, `31-12-79`, `01-JAN-1977`, `۰۱/۰۱/۱۹۶۵`, `45123` ...
        order: Order of day, month and year where the text does not show it: dmy, mdy or ymd.
        pivot: Two-digit years up to this are 20xx, later ones 19xx.

    Returns:
        The date as far as it is stated, or None where no digit is.

    Raises:
        DateUnreadable: The digits are no date of the calendar.

    Examples:
        >>> parse_date("17/07/1992"), parse_date("1979"), parse_date("01-JAN-77")
        (PartialDate(year=1992, month=7, day=17), PartialDate(year=1979, month=0, day=0), PartialDate(year=1977, month=1, day=1))
        >>> parse_date("N/A"), parse_date("1970-00-00"), parse_date("45123")
        (None, PartialDate(year=1970, month=0, day=0), PartialDate(year=2023, month=7, day=16))
        >>> parse_date("31/02/1970")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        DateUnreadable
    """
    plain = ascii_digits(text).strip()
    if not any(character.isdigit() for character in plain):
        return None
    plain = _TIME.sub("", plain)
    if plain.endswith(".0"):
        plain = plain[:-2]
    parts = [part for part in _BETWEEN.split(_split_letters(plain)) if part]
    if len(parts) == 1:
        return _one_part(parts[0])
    if len(parts) == 2:
        return _two_parts(parts, pivot)
    if len(parts) == 3:
        return _three_parts(parts, order, pivot)
    raise DateUnreadable


def _split_letters(text: str) -> str:
    """Part letters from digits: 01JAN1977 is three parts, and an ordinal's letters go."""
    text = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text, flags=re.IGNORECASE)
    return re.sub(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " ", text)


def _one_part(part: str) -> PartialDate:
    if not part.isdigit():
        raise DateUnreadable
    if len(part) == 4:
        return _checked(int(part), 0, 0)
    if len(part) == 8:
        first = _try(int(part[:4]), int(part[4:6]), int(part[6:]))
        return first or _checked(int(part[4:]), int(part[2:4]), int(part[:2]))
    number = int(part)
    if len(part) <= 5 and _EXCEL_FIRST <= number <= _EXCEL_LAST:
        day = _EXCEL_EPOCH + dt.timedelta(days=number)
        return PartialDate(day.year, day.month, day.day)
    raise DateUnreadable


def _two_parts(parts: list[str], pivot: int) -> PartialDate:
    first, second = parts
    if len(second) == 4 or not first.isdigit():
        return _checked(_year(second, pivot), _month(first), 0)
    return _checked(_year(first, pivot), _month(second), 0)


def _three_parts(parts: list[str], order: str, pivot: int) -> PartialDate:
    first, second, third = parts
    if first.isdigit() and len(first) == 4:
        year, month, day = first, second, third
    elif not first.isdigit() or (order == "mdy" and second.isdigit()):
        month, day, year = first, second, third
    elif order == "ymd" and len(third) != 4:
        year, month, day = first, second, third
    else:
        day, month, year = first, second, third
    if not (day.isdigit() and year.isdigit()):
        raise DateUnreadable
    is_zero_partial = len(year) == 4 and int(day) == 0
    month_number = _month(month)
    if (int(day) == 0 or month_number == 0) and not is_zero_partial:
        raise DateUnreadable
    return _checked(_year(year, pivot), month_number, int(day))


def _year(text: str, pivot: int) -> int:
    if not text.isdigit() or len(text) not in (2, 4):
        raise DateUnreadable
    year = int(text)
    if len(text) == 2:
        year += 2000 if year <= pivot else 1900
    return year


def _month(text: str) -> int:
    if text.isdigit():
        return int(text)
    month = MONTHS.get(text.casefold()) or MONTHS.get(comparison_key(text))
    if month is None:
        raise DateUnreadable
    return month


def _try(year: int, month: int, day: int) -> PartialDate | None:
    try:
        return _checked(year, month, day) if month and day else None
    except DateUnreadable:
        return None


def _checked(year: int, month: int, day: int) -> PartialDate:
    if not _FIRST_YEAR <= year <= _LAST_YEAR or not 0 <= month <= 12 or day < 0:
        raise DateUnreadable
    if day and (month == 0 or day > monthrange(year, month)[1]):
        raise DateUnreadable
    return PartialDate(year, month, day)


_UNREADABLE = PartialDate(-1)
_ABSENT = PartialDate(0)


class DateColumns(NamedTuple):
    """A column of dates: parts as int16 with nulls from the right, and the positions that are no date."""

    year: pa.Array
    month: pa.Array
    day: pa.Array
    unreadable: list[int]

    def as_date32(self) -> tuple[pa.Array, list[int]]:
        """Return full dates, null elsewhere, and the positions where only a part is stated."""
        year, month, day = (
            np.asarray(pc.fill_null(part, 0).to_numpy(zero_copy_only=False), dtype=np.int64)
            for part in (self.year, self.month, self.day)
        )
        full = day > 0
        months = (np.where(full, year, 1970) - 1970) * 12 + np.where(full, month, 1) - 1
        days = months.astype("datetime64[M]").astype("datetime64[D]") + np.where(full, day - 1, 0)
        dates = pa.array(days.astype("datetime64[D]"), pa.date32(), mask=~full)
        return dates, np.flatnonzero((year > 0) & ~full).tolist()


def date_columns(
    texts: pa.Array,
    order: str = "dmy",
    pivot: int = 30,
    missing: frozenset[str] = frozenset(),
    memo: MutableMapping[str, PartialDate] | None = None,
) -> DateColumns:
    """Read a column of dates; each different text is read once.

    Args:
        texts: n texts, no nulls.
        order: Order where the text does not show it: dmy, mdy or ymd.
        pivot: Two-digit years up to this are 20xx.
        missing: Comparison keys of words that mean 'not stated'.
        memo: Texts read before under the same order and pivot.

    Returns:
        n rows in three columns, same order, and the positions of what is no date.
    """
    memo = {} if memo is None else memo
    encoded = pc.dictionary_encode(texts)
    unique = encoded.dictionary.to_pylist()
    read = np.empty((len(unique) or 1, 3), dtype=np.int16)
    known = list(map(memo.get, unique))
    for number, date in enumerate(known):
        if date is None:
            known[number] = memo[unique[number]] = _read_or_mark(unique[number], order, pivot, missing)
    if unique:
        read = np.array(known, dtype=np.int16)
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    rows = read[indices] if len(texts) else np.empty((0, 3), dtype=np.int16)
    if len(memo) > 500_000:
        memo.clear()
    unreadable = np.flatnonzero(rows[:, 0] < 0).tolist()
    year, month, day = (pa.array(rows[:, part], pa.int16(), mask=rows[:, part] <= 0) for part in range(3))
    return DateColumns(year, month, day, unreadable)


def _plain_date(text: str, order: str) -> PartialDate | None:
    """Read the two commonest spellings without ado: 2015-02-28, and 28/02/2015 where days come first."""
    if len(text) != 10 or not text.isascii():
        return None
    if text[4] == "-" and text[7] == "-":
        year, month, day = text[:4], text[5:7], text[8:]
    elif order == "dmy" and text[2] in "/-." and text[5] == text[2]:
        day, month, year = text[:2], text[3:5], text[6:]
    else:
        return None
    if not (year.isdigit() and month.isdigit() and day.isdigit()):
        return None
    date = PartialDate(int(year), int(month), int(day))
    is_sure = _FIRST_YEAR <= date.year <= _LAST_YEAR and 1 <= date.month <= 12 and 1 <= date.day <= 28
    return date if is_sure else None


def _read_or_mark(text: str, order: str, pivot: int, missing: frozenset[str]) -> PartialDate:
    plain = _plain_date(text, order)
    if plain is not None:
        return plain
    if missing and comparison_key(text) in missing:
        return _ABSENT
    try:
        return parse_date(text, order, pivot) or _ABSENT
    except DateUnreadable:
        return _UNREADABLE
