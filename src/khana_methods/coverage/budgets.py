"""Budgets as data: what each government appropriated for a programme, an area and a fiscal year, and what was spent of it.

A file is read whole or refused whole, with every mistake by its line. What was spent is what lists say; a line takes the
spending of its own area that no line of an area within takes, and governments that share a line share it by their amounts. A
top-up that a province pays is a programme of its own: then nothing need be shared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

import pyarrow as pa

from khana_methods.errors import InputError
from khana_methods.standardise.amounts import parse_amount
from khana_methods.standardise.periods import Period, parse_period

COLUMNS = ("programme", "area", "government", "year", "amount", "source")
OPTIONAL = ("unit",)
UNITS = {"": 1, "one": 1, "thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7, "billion": 10**9}
MOST = Decimal(10) ** 16
_SHOWN = 12
Line = Mapping[str, str]


class BudgetFileWrong(InputError):
    """A budget's file is refused: a column is missing, or lines are wrong; none of it counts."""

    code: ClassVar[str] = "coverage.budget_file_wrong"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """What one government appropriated for one programme in one area and one fiscal year.

    Attributes:
        programme: Code.
        agency: That runs it.
        area_code: Empty for the whole country.
        government: That pays, as the file names it.
        year: Canonical: FY2025-26, or 2026.
        starts_on: First day of the year.
        ends_on: Last day of the year.
        amount: In the country's currency.
        source: Document, with year.
    """

    programme: str
    agency: str
    area_code: str
    government: str
    year: str
    starts_on: date
    ends_on: date
    amount: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Spending:
    """What lists say was spent on one programme in one quarter and one area; the whole country has an empty code."""

    programme: str
    agency: str
    quarter: date
    area_code: str
    amount: float
    list_rows: float


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of a budget with what was spent against it, and the part of its own year that lists speak of.

    Attributes:
        line: The line.
        spent: In the country's currency.
        share: Spent over appropriated; None where nothing was appropriated.
        quarters: Quarters of its year for which any list of the programme speaks: of four.
    """

    line: BudgetLine
    spent: float
    share: float | None
    quarters: int


def read_budget(
    table: pa.Table, *, programmes: Mapping[str, str], areas: Mapping[str, tuple[str, int]], fiscal_start: int = 7
) -> list[BudgetLine]:
    """Read a budget's file.

    Args:
        table: Texts, with the columns of `COLUMNS` and perhaps `unit` (thousand, lakh, million, crore, billion).
        programmes: Agency by programme code.
        areas: Code and level of an area by the word that the file may use for it; an empty word is the whole country.
        fiscal_start: Month in which the fiscal year begins.

    Returns:
        A line each row, in the order of the file.

    Raises:
        BudgetFileWrong: A column is missing, or lines are wrong: all of them are told, by line.
    """
    names = {name.strip().lower(): name for name in table.schema.names}
    absent = [name for name in COLUMNS if name not in names]
    if absent:
        raise BudgetFileWrong(
            f"A budget has the columns {', '.join(COLUMNS)} and may have unit; missing: {', '.join(absent)}.",
            missing=absent,
        )
    kept = [name for name in (*COLUMNS, *OPTIONAL) if name in names]
    rows = table.select([names[name] for name in kept]).rename_columns(kept).to_pylist()
    lines: list[BudgetLine] = []
    problems: list[str] = []
    stands: dict[tuple[str, str, str, str], int] = {}
    for number, row in enumerate(rows, start=2):
        given = {name: str(value).strip() if value is not None else "" for name, value in row.items()}
        if not any(given.values()):
            continue
        made = _line(given, programmes, areas, fiscal_start)
        if not isinstance(made, BudgetLine):
            problems += [f"line {number}: {problem}" for problem in made]
            continue
        key = (made.programme, made.area_code, made.government, made.year)
        if key in stands:
            problems.append(f"line {number}: the same programme, area, government and year as line {stands[key]}")
        stands.setdefault(key, number)
        lines.append(made)
    if not lines and not problems:
        problems.append("it has no line")
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BudgetFileWrong(
            f"The budget has {len(problems)} mistakes and nothing of it was kept: {'; '.join(problems[:_SHOWN])}{more}.",
            mistakes=len(problems),
        )
    return lines


def year_of(text: str, fiscal_start: int = 7) -> Period | None:
    """Read a fiscal year: `FY2025-26`, `2025-26`, or `2026` for a calendar year; None where it is no year.

    Args:
        text: The cell.
        fiscal_start: Month in which the fiscal year begins.

    Examples:
        >>> year_of("2025-26").text, year_of("FY 2025-26").start, year_of("2026").end, year_of("2026Q1")
        ('FY2025-26', datetime.date(2025, 7, 1), datetime.date(2026, 12, 31), None)
    """
    named = f"FY {text}" if "-" in text and "fy" not in text.lower() else text
    found = parse_period(named, fiscal_start)
    return found if found is not None and 364 <= (found.end - found.start).days <= 365 else None


def _line(
    given: Line, programmes: Mapping[str, str], areas: Mapping[str, tuple[str, int]], fiscal_start: int
) -> BudgetLine | list[str]:
    problems = []
    if given["programme"] not in programmes:
        problems.append("the programme is not in the catalogue")
    area, level = areas.get(given["area"], ("", 0)) if given["area"] else ("", 0)
    if given["area"] and given["area"] not in areas:
        problems.append("the area is not known, or not by one name alone")
    elif level > 2:
        problems.append("the area is smaller than a district")
    year = year_of(given["year"], fiscal_start)
    if year is None:
        problems.append("the year is written like FY2025-26 or 2026")
    if not given["government"]:
        problems.append("the government that pays is missing")
    if not given["source"]:
        problems.append("the source is missing")
    scale = UNITS.get(given.get("unit", "").lower())
    if scale is None:
        problems.append(f"the unit is one of {', '.join(filter(None, UNITS))}")
    read = parse_amount(given["amount"])
    if read.value is None or read.is_unreadable:
        problems.append("the amount is no number")
    elif read.value < 0 or read.value * (scale or 1) >= MOST:
        problems.append("the amount is negative or too large")
    if problems or year is None or read.value is None:
        return problems
    top = "" if level == 0 else area
    return BudgetLine(
        given["programme"], programmes[given["programme"]], top, given["government"], year.text, year.start, year.end,
        (read.value * (scale or 1)).quantize(Decimal("0.01")), given["source"],
    )  # fmt: skip


def execute(
    lines: Sequence[BudgetLine], spending: Iterable[Spending], parents: Mapping[str, str]
) -> list[Execution]:  # fmt: skip
    """Hold what was spent against each line of a budget.

    Args:
        lines: One each programme, area, government and year.
        spending: By quarter, for the whole country and every province and district.
        parents: Area to the area above it; what has no area above it is the whole country.

    Returns:
        One a line, in their order. The parts of one programme and year never add up to more than was spent on it.
    """
    spent: dict[tuple[str, str], list[tuple[date, float]]] = defaultdict(list)
    for one in spending:
        spent[one.programme, one.area_code].append((one.quarter, one.amount))
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for line in lines:
        named[line.programme, line.year].add(line.area_code)
    own: dict[tuple[str, str, str], float] = {}
    for line in lines:
        key = (line.programme, line.year, line.area_code)
        if key in own:
            continue
        inner = _right_below(line.area_code, named[line.programme, line.year], parents)
        own[key] = _within(spent, line, line.area_code) - sum(_within(spent, line, area) for area in inner)
    whole: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        whole[line.programme, line.year, line.area_code] += line.amount
    made = []
    for line in lines:
        key = (line.programme, line.year, line.area_code)
        part = float(line.amount / whole[key]) if whole[key] else 0.0
        of_line = max(0.0, own[key]) * part
        quarters = {day for day, _ in spent[line.programme, ""] if line.starts_on <= day <= line.ends_on}
        made.append(Execution(line, of_line, of_line / float(line.amount) if line.amount else None, len(quarters)))
    return made


def _within(
    spent: Mapping[tuple[str, str], Sequence[tuple[date, float]]], line: BudgetLine, area: str
) -> float:  # fmt: skip
    return sum(amount for day, amount in spent.get((line.programme, area), ()) if line.starts_on <= day <= line.ends_on)


def _right_below(area: str, named: set[str], parents: Mapping[str, str]) -> list[str]:
    """Return the named areas whose nearest named area above them is this one."""

    def above(code: str) -> str:
        code = parents.get(code, "")
        while code and code not in named:
            code = parents.get(code, "")
        return code

    return [code for code in named if code and code != area and above(code) == area]
