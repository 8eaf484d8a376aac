"""Dates and periods as offices of both countries write them."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from khana_methods.standardise.dates import DateUnreadable, PartialDate, date_columns, parse_date
from khana_methods.standardise.periods import parse_period, period_columns


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1979", (1979, 0, 0)),
        ("۱۹۷۹", (1979, 0, 0)),
        ("1979-04", (1979, 4, 0)),
        ("04/1979", (1979, 4, 0)),
        ("17/07/1992", (1992, 7, 17)),
        ("17-07-92", (1992, 7, 17)),
        ("16/04/09", (2009, 4, 16)),
        ("01-JAN-1977", (1977, 1, 1)),
        ("1 January 1977", (1977, 1, 1)),
        ("January 1, 1977", (1977, 1, 1)),
        ("০১/০২/১৯৬৫", (1965, 2, 1)),
        ("১ জানুয়ারি ১৯৬৫", (1965, 1, 1)),
        ("1 مارچ 1980", (1980, 3, 1)),
        ("2025-07-24T00:00:00", (2025, 7, 24)),
        ("19650201", (1965, 2, 1)),
        ("01021965", (1965, 2, 1)),
        ("1970-00-00", (1970, 0, 0)),
        ("45123", (2023, 7, 16)),
        ("45123.0", (2023, 7, 16)),
        ("1st March 1980", (1980, 3, 1)),
    ],
)
def test_dates(text: str, date: tuple[int, int, int]) -> None:
    assert parse_date(text, "dmy", 26) == PartialDate(*date)


@pytest.mark.parametrize(
    "text",
    ["31/02/1970", "00/00/0000", "00/00/00", "29/02/73", "31/14/80", "15-13-2014", "12345678901", "1/2/3/4", "9/9/123"],
)
def test_what_is_no_day_of_the_calendar(text: str) -> None:
    with pytest.raises(DateUnreadable):
        parse_date(text, "dmy", 26)


def test_order_counts_where_the_text_does_not_tell() -> None:
    assert parse_date("03/04/2020", "mdy") == PartialDate(2020, 3, 4)
    assert parse_date("03/04/2020", "dmy") == PartialDate(2020, 4, 3)
    assert parse_date("20/04/03", "ymd") == PartialDate(2020, 4, 3)
    assert parse_date("unknown") is None


@given(st.dates(dt.date(1850, 1, 1), dt.date(2149, 12, 31)))
def test_every_day_survives_every_spelling(day: dt.date) -> None:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%b-%Y", "%d.%m.%Y", "%d %B %Y"):
        assert parse_date(day.strftime(form)) == PartialDate(day.year, day.month, day.day)


def test_a_column_of_dates() -> None:
    columns = date_columns(pa.array(["17/07/1992", "1979", "", "31/02/1970", "nil"]))
    assert columns.year.to_pylist() == [1992, 1979, None, None, None]
    assert columns.day.to_pylist() == [17, None, None, None, None]
    assert columns.unreadable == [3]
    full, partial = columns.as_date32()
    assert full.to_pylist() == [dt.date(1992, 7, 17), None, None, None, None]
    assert partial == [1]


@pytest.mark.parametrize(
    ("text", "canonical", "start", "end"),
    [
        ("Q1-2026", "2026Q1", (2026, 1, 1), (2026, 3, 31)),
        ("2nd quarter 2026", "2026Q2", (2026, 4, 1), (2026, 6, 30)),
        ("Jan-Mar 2026", "2026Q1", (2026, 1, 1), (2026, 3, 31)),
        ("Apr-Jun 26", "2026Q2", (2026, 4, 1), (2026, 6, 30)),
        ("April - June 2026", "2026Q2", (2026, 4, 1), (2026, 6, 30)),
        ("2026-04", "2026-04", (2026, 4, 1), (2026, 4, 30)),
        ("Apr-2026", "2026-04", (2026, 4, 1), (2026, 4, 30)),
        ("202604", "2026-04", (2026, 4, 1), (2026, 4, 30)),
        ("04/2026", "2026-04", (2026, 4, 1), (2026, 4, 30)),
        ("2026-04-01", "2026-04", (2026, 4, 1), (2026, 4, 30)),
        ("جنوری تا جون ۲۰۲۶", "2026H1", (2026, 1, 1), (2026, 6, 30)),
        ("জুলাই-সেপ্টেম্বর ২০২৫", "2025Q3", (2025, 7, 1), (2025, 9, 30)),
        ("মে ২০২৬", "2026-05", (2026, 5, 1), (2026, 5, 31)),
        ("01/04/26 to 15/04/26", "2026F07", (2026, 4, 1), (2026, 4, 15)),
        ("F8-2026", "2026F08", (2026, 4, 16), (2026, 4, 30)),
        ("1st fortnight April 2026", "2026F07", (2026, 4, 1), (2026, 4, 15)),
        ("1H 2026", "2026H1", (2026, 1, 1), (2026, 6, 30)),
        ("2026", "2026", (2026, 1, 1), (2026, 12, 31)),
        ("2025-26", "FY2025-26", (2025, 7, 1), (2026, 6, 30)),
        ("FY 2025-2026", "FY2025-26", (2025, 7, 1), (2026, 6, 30)),
        ("FY26", "FY2025-26", (2025, 7, 1), (2026, 6, 30)),
        ("অর্থবছর ২০২৫-২৬", "FY2025-26", (2025, 7, 1), (2026, 6, 30)),
        ("July 2025 - June 2026", "FY2025-26", (2025, 7, 1), (2026, 6, 30)),
        ("Q1 FY2025-26", "2025Q3", (2025, 7, 1), (2025, 9, 30)),
        ("Nov-Feb 2026", "2025-11-01..2026-02-28", (2025, 11, 1), (2026, 2, 28)),
    ],
)
def test_periods(text: str, canonical: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    assert parse_period(text) == (canonical, dt.date(*start), dt.date(*end))
    assert parse_period(canonical) == (canonical, dt.date(*start), dt.date(*end))


@pytest.mark.parametrize("text", ["", "next week", "Q5-2026", "F25-2026", "13/2026", "someday 12"])
def test_no_period(text: str) -> None:
    assert parse_period(text) is None


def test_a_column_of_periods_tells_what_it_could_not_read() -> None:
    text, start, _, unread = period_columns(pa.array(["Q1-2026", "", "Q9-2026", "Q1-2026"]), {})
    assert text.to_pylist() == ["2026Q1", None, None, "2026Q1"]
    assert start.to_pylist()[0] == dt.date(2026, 1, 1)
    assert unread == [2]
