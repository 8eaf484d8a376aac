"""The period that a benefit is for, from whatever an office writes, to one canonical text.

Canonical texts: `2026`, `2026H1`, `2026Q1`, `2026-04`, `2026F07` (fortnight 7 of 24: 1 to 15 April),
`FY2025-26` (a fiscal year that is no calendar year) and `2026-02-01..2026-05-10` for anything
else. Months may stand in English, Urdu or Bangla. What cannot be read is no period: never today's.
"""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import MutableMapping
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.standardise.dates import MONTHS, DateUnreadable, parse_date
from khana_methods.standardise.digits import ascii_digits, comparison_key

_QUARTER = frozenset({"q", "qtr", "quarter", "سہ", "سہماہی", "ত্রৈমাসিক", "প্রান্তিক"})
_HALF = frozenset({"h", "half", "ششماہی", "شش", "ষাণ্মাসিক"})
_FORTNIGHT = frozenset({"f", "fn", "fortnight", "পাক্ষিক", "پندرہواڑہ"})
_FISCAL = frozenset({"fy", "fiscal", "financial", "مالی", "অর্থবছর", "অর্থবছৰ"})
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "i": 1, "ii": 2, "iii": 3, "iv": 4} | {
    comparison_key(word): number
    for number, words in enumerate(("پہلی پہلا প্রথম", "دوسری دوسرا দ্বিতীয়", "تیسری তৃতীয়", "چوتھی চতুর্থ"), start=1)
    for word in words.split()
}
_RANGE = re.compile(r"\s*(?:\.\.|\s(?:to|till|until|through|تا|سے|থেকে|হতে)\s|\s[-–—]\s)\s*", re.IGNORECASE)
_WORDS = {
    kind: frozenset(map(comparison_key, words))
    for kind, words in (("quarter", _QUARTER), ("half", _HALF), ("fortnight", _FORTNIGHT), ("fiscal", _FISCAL))
}


class Period(NamedTuple):
    """A span of days, both ends inclusive, and its canonical text."""

    text: str
    start: dt.date
    end: dt.date


def parse_period(text: str, fiscal_start: int = 7, order: str = "dmy") -> Period | None:
    """Read one period.

    Args:
        text: The cell: `Q1-2026`, `Apr-Jun 26`, `2026-04`, `Apr-2026`, `جنوری تا جون ۲۰۲۶`, `FY 2025-26` ...
        fiscal_start: Month in which the fiscal year begins; quarters of a fiscal year count from it.
        order: Order of day, month and year in dates.

    Returns:
        The period, or None where none can be read.

    Examples:
        >>> [parse_period(text).text for text in ("Q1-2026", "Apr-Jun 26", "2026-04", "Apr-2026")]
        ['2026Q1', '2026Q2', '2026-04', '2026-04']
        >>> [parse_period(text).text for text in ("جنوری تا جون ۲۰۲۶", "এপ্রিল-জুন ২০২৬", "01/04/26 to 15/04/26")]
        ['2026H1', '2026Q2', '2026F07']
        >>> [parse_period(text).text for text in ("FY 2025-26", "2025-26", "Q1 FY2025-26", "2026F7", "2026")]
        ['FY2025-26', 'FY2025-26', '2025Q3', '2026F07', '2026']
        >>> parse_period("next week") is None
        True
    """
    plain = ascii_digits(text).strip()
    if not any(character.isdigit() for character in plain):
        return None
    try:
        return _from_range(plain, order) or _from_date(plain, order) or _from_words(plain, fiscal_start)
    except ValueError:
        return None


def name_span(start: dt.date, end: dt.date) -> Period:
    """Give a span of days its canonical text.

    Examples:
        >>> name_span(dt.date(2026, 4, 16), dt.date(2026, 4, 30)).text
        '2026F08'
        >>> name_span(dt.date(2025, 7, 1), dt.date(2026, 6, 30)).text
        'FY2025-26'
    """
    if end < start:
        raise ValueError("a period ends after it begins")
    last_of_month = monthrange(end.year, end.month)[1]
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    if start.day == 1 and end.day == last_of_month:
        text = _name_months(start, end, months)
    elif months == 1 and (start.day, end.day) in ((1, 15), (16, last_of_month)):
        text = f"{start.year}F{start.month * 2 - (1 if start.day == 1 else 0):02d}"
    else:
        text = f"{start.isoformat()}..{end.isoformat()}"
    return Period(text, start, end)


def _name_months(start: dt.date, end: dt.date, months: int) -> str:
    if months == 1:
        return f"{start.year}-{start.month:02d}"
    if months == 3 and start.month % 3 == 1:
        return f"{start.year}Q{(start.month + 2) // 3}"
    if months == 6 and start.month in (1, 7):
        return f"{start.year}H{1 if start.month == 1 else 2}"
    if months == 12:
        return str(start.year) if start.month == 1 else f"FY{start.year}-{end.year % 100:02d}"
    return f"{start.isoformat()}..{end.isoformat()}"


def _months(year: int, month: int, count: int) -> Period:
    """Return the period of some months from the first of one."""
    last = month - 1 + count - 1
    end_year, end_month = year + last // 12, last % 12 + 1
    return name_span(dt.date(year, month, 1), dt.date(end_year, end_month, monthrange(end_year, end_month)[1]))


def _from_range(plain: str, order: str) -> Period | None:
    """Read two dates with a word or sign between them."""
    ends = _RANGE.split(plain)
    if len(ends) != 2:
        return None
    try:
        first, last = (parse_date(end, order, 79) for end in ends)
    except DateUnreadable:
        return None
    if not (first and last and first.month and last.month):
        return None
    last_day = last.day or monthrange(last.year, last.month)[1]
    return name_span(dt.date(first.year, first.month, first.day or 1), dt.date(last.year, last.month, last_day))


def _from_date(plain: str, order: str) -> Period | None:
    """Read a whole date as its month: spreadsheets make days of months."""
    try:
        date = parse_date(plain, order, 79)
    except DateUnreadable:
        return None
    return _months(date.year, date.month, 1) if date and date.day else None


def _from_words(plain: str, fiscal_start: int) -> Period | None:
    """Read a period from its words and numbers, in whatever order they stand."""
    parted = re.sub(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " ", plain)
    words = [word for word in comparison_key(parted).split() if word not in ("st", "nd", "rd", "th", "of")]
    numbers = [int(word) for word in words if word.isdigit()]
    years = [n for n in numbers if 1900 <= n <= 2150]
    small = [n for n in numbers if n < 100] + [_ORDINALS[word] for word in words if word in _ORDINALS]
    months = [MONTHS[word] for word in words if word in MONTHS]
    kinds = {kind for kind, known in _WORDS.items() if known & set(words)}
    compact = re.fullmatch(r"(20\d{2})(0[1-9]|1[0-2])", plain)
    if compact:
        return _months(int(compact[1]), int(compact[2]), 1)
    if len(months) >= 2:
        return _month_range(months, years, small)
    if len(months) == 1:
        return _one_month(months[0], years, small, kinds)
    if "fiscal" in kinds or _looks_fiscal(years, small, kinds):
        return _fiscal(years, small, kinds, fiscal_start)
    return _part_of_year(years, small, kinds)


def _looks_fiscal(years: list[int], small: list[int], kinds: set[str]) -> bool:
    if len(years) == 2:
        return years[1] == years[0] + 1
    return not kinds and len(years) == 1 and len(small) == 1 and small[0] > 12 and small[0] == (years[0] + 1) % 100


def _month_range(months: list[int], years: list[int], small: list[int]) -> Period | None:
    if not years:
        years, small = [2000 + n for n in small[-1:]], []
    if not years:
        return None
    first, last = months[0], months[-1]
    end_year = years[-1]
    start_year = years[0] if len(years) > 1 else end_year - (1 if first > last else 0)
    if len(small) == 2:
        return name_span(dt.date(start_year, first, small[0]), dt.date(end_year, last, small[1]))
    return _months(start_year, first, (end_year - start_year) * 12 + last - first + 1)


def _one_month(month: int, years: list[int], small: list[int], kinds: set[str]) -> Period | None:
    if not years and small:
        years, small = [2000 + small[-1]], small[:-1]
    if not years:
        return None
    year = years[0]
    last = monthrange(year, month)[1]
    if ("fortnight" in kinds or "half" in kinds) and small and small[0] in (1, 2):
        halves = ((1, 15), (16, last))
        first_day, last_day = halves[small[0] - 1]
        return name_span(dt.date(year, month, first_day), dt.date(year, month, last_day))
    if len(small) == 2 and small[0] < small[1]:
        return name_span(dt.date(year, month, small[0]), dt.date(year, month, small[1]))
    return _months(year, month, 1)


def _fiscal(years: list[int], small: list[int], kinds: set[str], fiscal_start: int) -> Period | None:
    ends = len(years) == 2 or any(n == (years[0] + 1) % 100 and n > 4 for n in small) if years else False
    if years:
        start_year = years[0] if ends or fiscal_start == 1 else years[0] - 1
    elif any(n > 12 for n in small):
        start_year = 2000 + max(small) - (0 if fiscal_start == 1 else 1)
    else:
        return None
    if "quarter" in kinds and small and 1 <= small[0] <= 4:
        month = fiscal_start - 1 + (small[0] - 1) * 3
        return _months(start_year + month // 12, month % 12 + 1, 3)
    return _months(start_year, fiscal_start, 12)


def _part_of_year(years: list[int], small: list[int], kinds: set[str]) -> Period | None:
    if not years:
        tail = [n for n in small[1:] if n > 12]
        years, small = [2000 + n for n in tail[:1]], small[:1]
    if not years:
        return None
    year, part = years[0], small[0] if small else 0
    if "quarter" in kinds:
        return _months(year, part * 3 - 2, 3) if 1 <= part <= 4 else None
    if "half" in kinds:
        return _months(year, part * 6 - 5, 6) if part in (1, 2) else None
    if "fortnight" in kinds:
        return _fortnight(year, part)
    if part:
        return _months(year, part, 1) if part <= 12 and len(small) == 1 else None
    return _months(year, 1, 12)


def _fortnight(year: int, number: int) -> Period | None:
    if not 1 <= number <= 24:
        return None
    month = (number + 1) // 2
    first, last = (1, 15) if number % 2 else (16, monthrange(year, month)[1])
    return name_span(dt.date(year, month, first), dt.date(year, month, last))


def period_columns(
    texts: pa.Array, memo: MutableMapping[str, Period | None], fiscal_start: int = 7, order: str = "dmy"
) -> tuple[pa.Array, pa.Array, pa.Array, list[int]]:
    """Read a column of periods; each different text is read once.

    Args:
        texts: n texts, no nulls.
        memo: Texts read before under the same fiscal year and order.
        fiscal_start: Month in which the fiscal year begins.
        order: Order of day, month and year in dates.

    Returns:
        n canonical texts, first days and last days (null where none), and the positions of what is
        written but cannot be read.
    """
    encoded = pc.dictionary_encode(texts)
    unique = encoded.dictionary.to_pylist()
    periods = []
    for text in unique:
        if text not in memo:
            memo[text] = parse_period(text, fiscal_start, order)
        periods.append(memo[text])
    indices = encoded.indices
    unread = {number for number, text in enumerate(unique) if periods[number] is None and text.strip()}
    positions = [row for row, number in enumerate(indices.to_pylist()) if number in unread] if unread else []
    return (
        pa.array([p.text if p else None for p in periods], pa.string()).take(indices),
        pa.array([p.start if p else None for p in periods], pa.date32()).take(indices),
        pa.array([p.end if p else None for p in periods], pa.date32()).take(indices),
        positions,
    )
