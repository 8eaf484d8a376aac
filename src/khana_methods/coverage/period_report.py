"""The report of a quarter or a year: what was spent against which budget, who was reached, how fast, and what changed.

Tables of expense are laid out as those of the IMF: by economic class and by function, each quarter of the fiscal year, the year
to date, the budget of the year. Amounts are in millions. Nothing is estimated here: what is hidden or not known is a dash.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from khana_methods.coverage.budgets import Execution, Spending
from khana_methods.coverage.framework import Framework, Indicator
from khana_methods.coverage.gfs import class_name
from khana_methods.coverage.report import Block, funnel_blocks, word
from khana_methods.coverage.safe_values import SafeValue

MILLION = 1e6
_NONE = "–"


@dataclass(frozen=True, slots=True)
class Classed:
    """A programme as the tables have it: its name, who runs it, its classes of expense and function."""

    name: str
    agency: str
    expense: str
    function: str


@dataclass(frozen=True, slots=True)
class PeriodFound:
    """What a report of a period may tell.

    Attributes:
        period: Its canonical name, such as 2026Q1 or FY2025-26.
        start: First day.
        end: Last day.
        year_start: First day of the fiscal year in which the period ends.
        as_of: Day of the snapshot that speaks for the period.
        before_as_of: Day of the one it is held against; None without one.
        currency: Code.
        framework: Of the indicators.
        here: Safe values of the country by indicator, for everybody.
        before: The same, of the snapshot before.
        provinces: Safe values by indicator and province.
        spending: By quarter and area, of that snapshot.
        executions: Lines of the budgets of the fiscal year in which the period ends.
        programmes: By code.
        area_names: By code, in the language of the report.
        funnel: (name, count, conversion, mean days) by stage.
    """

    period: str
    start: date
    end: date
    year_start: date
    as_of: date
    before_as_of: date | None
    currency: str
    framework: Framework
    here: Mapping[str, SafeValue]
    before: Mapping[str, SafeValue]
    provinces: Mapping[str, Mapping[str, SafeValue]] = field(default_factory=dict)
    spending: Sequence[Spending] = ()
    executions: Sequence[Execution] = ()
    programmes: Mapping[str, Classed] = field(default_factory=dict)
    area_names: Mapping[str, str] = field(default_factory=dict)
    funnel: Sequence[tuple[str, float, float | None, float | None]] = ()


def write_period_report(found: PeriodFound, language: str) -> list[Block]:
    """Lay out the report of a period in a language."""
    told = {"period": found.period, "start": found.start.isoformat(), "end": found.end.isoformat()}
    blocks = [
        Block("title", word("period_title", language, **told)),
        Block("text", word("period_text", language, **told, as_of=found.as_of.isoformat())),
    ]
    if not found.start <= found.as_of <= found.end:
        blocks.append(Block("text", word("period_late", language, as_of=found.as_of.isoformat())))
    blocks += _expense(found, language)
    blocks += _programmes(found, language)
    blocks += _governments(found, language)
    blocks += _provinces(found, language)
    blocks += [Block("heading", word("funnel", language)), *funnel_blocks(found.funnel, language)]
    blocks += _indicators(found, language)
    blocks += [Block("heading", word("method", language)), Block("text", word("period_method", language))]
    return blocks


def quarters_of(start: date, end: date) -> list[date]:
    """Return the first days of the quarters from one day to another.

    Examples:
        >>> [day.isoformat() for day in quarters_of(date(2025, 7, 1), date(2026, 3, 31))]
        ['2025-07-01', '2025-10-01', '2026-01-01']
    """
    day, made = date(start.year, 3 * ((start.month - 1) // 3) + 1, 1), []
    while day <= end:
        made.append(day)
        day = (day + timedelta(days=95)).replace(day=1)
    return made


def quarter_name(day: date) -> str:
    """Name a quarter by its first day.

    Examples:
        >>> quarter_name(date(2026, 4, 1))
        '2026Q2'
    """
    return f"{day.year}Q{(day.month - 1) // 3 + 1}"


def _expense(found: PeriodFound, language: str) -> list[Block]:
    """Return the two tables of expense: by economic class and by function, quarters side by side."""
    quarters = quarters_of(found.year_start, found.end)
    header = [
        word("class", language), *(quarter_name(day) for day in quarters), word("year_to_date", language),
        word("budget", language), word("executed", language),
    ]  # fmt: skip
    blocks = [Block("text", word("in_millions", language, currency=found.currency))]
    kinds: tuple[tuple[str, Callable[[Classed], str]], ...] = (
        ("by_expense", lambda one: one.expense), ("by_function", lambda one: one.function),
    )  # fmt: skip
    for key, of in kinds:
        spent: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
        for row in found.spending:
            if not row.area_code and row.quarter in quarters and row.programme in found.programmes:
                spent[of(found.programmes[row.programme])][row.quarter] += row.amount
        budget: dict[str, float] = defaultdict(float)
        for one in found.executions:
            if one.line.programme in found.programmes:
                budget[of(found.programmes[one.line.programme])] += float(one.line.amount)
        rows = []
        for code in sorted({*spent, *budget}):
            rows.append(
                _expense_row(class_name(code, language), [spent[code][day] for day in quarters], budget.get(code))
            )
        everything = [sum(row[day] for row in spent.values()) for day in quarters]
        rows.append(_expense_row(word("all", language), everything, sum(budget.values()) if budget else None))
        blocks += [Block("heading", word(key, language)), Block("table", rows=rows, header=header)]
    return blocks


def _expense_row(name: str, spent: Sequence[float], budget: float | None) -> list[str]:
    whole = sum(spent)
    return [
        name,
        *map(_millions, spent),
        _millions(whole),
        _millions(budget),
        _percent(whole / budget if budget else None),
    ]


def _programmes(found: PeriodFound, language: str) -> list[Block]:
    header = [
        word(key, language)
        for key in ("programme", "agency", "benefits", "spent", "year_to_date", "budget", "executed")
    ]
    country = [row for row in found.spending if not row.area_code]
    budget: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in found.executions:
        budget[one.line.programme][0] += float(one.line.amount)
        budget[one.line.programme][1] += one.spent
    rows = []
    for code in sorted({row.programme for row in country} | set(budget)):
        mine = [row for row in country if row.programme == code]
        inside = [row for row in mine if found.start <= row.quarter <= found.end]
        to_date = [row for row in mine if found.year_start <= row.quarter <= found.end]
        if not to_date and code not in budget:
            continue
        classed = found.programmes.get(code)
        amount, spent = budget.get(code, [0.0, 0.0])
        rows.append([
            classed.name if classed else code, classed.agency if classed else _NONE, _count(sum(row.list_rows for row in inside)),
            _millions(sum(row.amount for row in inside)), _millions(sum(row.amount for row in to_date)),
            _millions(amount) if code in budget else _NONE, _percent(spent / amount if amount else None),
        ])  # fmt: skip
    return [Block("heading", word("by_programme", language)), Block("table", rows=rows, header=header)]


def _governments(found: PeriodFound, language: str) -> list[Block]:
    heading = Block("heading", word("by_government", language))
    if not found.executions:
        return [heading, Block("text", word("no_budget", language))]
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in found.executions:
        sums[one.line.government][0] += float(one.line.amount)
        sums[one.line.government][1] += one.spent
    rows = [
        [name, _millions(amount), _millions(spent), _percent(spent / amount if amount else None)]
        for name, (amount, spent) in sorted(sums.items(), key=lambda item: -item[1][0])
    ]
    header = [word(key, language) for key in ("government", "budget", "year_to_date", "executed")]
    return [heading, Block("table", rows=rows, header=header)]


_BY_PROVINCE = ("HH_REGISTERED", "HH_ELIGIBLE", "COVERAGE_POOR", "POOR_UNSERVED", "FRESH_24")


def _provinces(found: PeriodFound, language: str) -> list[Block]:
    known = {one.code: one for one in found.framework.indicators}
    asked = [known[code] for code in _BY_PROVINCE if code in known]
    spent: dict[str, float] = defaultdict(float)
    for row in found.spending:
        if row.area_code in found.provinces and found.start <= row.quarter <= found.end:
            spent[row.area_code] += row.amount
    rows = [
        [found.area_names.get(code, code), _millions(spent.get(code)), *(show(one, values.get(one.code), language) for one in asked)]
        for code, values in sorted(found.provinces.items(), key=lambda item: found.area_names.get(item[0], item[0]))
    ]  # fmt: skip
    if not rows:
        return []
    header = [word("level", language), word("spent", language), *(one.name(language) for one in asked)]
    return [Block("heading", word("by_province", language)), Block("table", rows=rows, header=header)]


def _indicators(found: PeriodFound, language: str) -> list[Block]:
    """Return a table for each objective: the figure, the one before, the change, the target, and whether it goes its way."""
    day = found.before_as_of.isoformat() if found.before_as_of else _NONE
    header = [
        word("name", language), word("value", language), word("before", language, day=day), word("change", language),
        word("target", language), word("way", language),
    ]  # fmt: skip
    blocks = []
    for code, names in found.framework.objectives.items():
        rows = [
            _indicator_row(one, found.here[one.code], found.before.get(one.code), language)
            for one in found.framework.indicators
            if one.objective == code and one.code in found.here
        ]
        if rows:
            heading = names.get(language) or names["en"]
            blocks += [Block("heading", heading), Block("table", rows=rows, header=header)]
    return blocks


def _indicator_row(one: Indicator, value: SafeValue, before: SafeValue | None, language: str) -> list[str]:
    step = None
    if before is not None and before.value is not None and value.value is not None:
        step = value.value - before.value
    change = _NONE if step is None else f"{100 * step:+.1f}" if one.unit == "share" else f"{step:+,.4g}"
    target = f"{_figure(one, one.target.value)} ({one.target.day.isoformat()})" if one.target else _NONE
    return [
        one.name(language), show(one, value, language), show(one, before, language), change, target,
        word(way_of(one, value, step), language),
    ]  # fmt: skip


def way_of(one: Indicator, value: SafeValue, step: float | None) -> str:
    """Say where a figure stands: `reached`, `better`, `worse`, `same`, or `nothing` where that cannot be said.

    Examples:
        >>> from khana_methods.coverage.framework import Anchor
        >>> one = Indicator("A", "o", {"en": "A"}, {"en": "A"}, "share", "household", "true", "true", (), "quarter", "X", "up",
        ...                 None, Anchor(0.9, date(2027, 1, 1), "plan"), "s")
        >>> at = lambda v: SafeValue("A", "PAK", 0, "", "", v, 1.0, v, "")
        >>> way_of(one, at(0.95), 0.1), way_of(one, at(0.5), 0.1), way_of(one, at(0.5), -0.1), way_of(one, at(0.5), None)
        ('reached', 'better', 'worse', 'nothing')
    """
    if value.value is None or not one.better:
        return "nothing"
    sign = 1 if one.better == "up" else -1
    if one.target is not None and sign * (value.value - one.target.value) >= 0:
        return "reached"
    if step is None:
        return "nothing"
    return "same" if abs(step) < 5e-4 else "better" if sign * step > 0 else "worse"


def show(one: Indicator, value: SafeValue | None, language: str) -> str:
    """Write a figure in its unit; a hidden one says so."""
    if value is None:
        return _NONE
    return word("hidden", language) if value.hidden else _figure(one, value.value)


def _figure(one: Indicator, value: float | None) -> str:
    if value is None:
        return _NONE
    if one.unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:,.2f}"


def _millions(amount: float | None) -> str:
    return (
        _NONE
        if amount is None
        else f"{amount / MILLION:,.1f}"
        if abs(amount) >= MILLION / 10 or not amount
        else f"{amount / MILLION:,.4f}"
    )


def _percent(value: float | None) -> str:
    return _NONE if value is None else f"{100 * value:.1f} %"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def tables_of(blocks: Iterable[Block]) -> list[tuple[str, Block]]:
    """Return the tables of a report, each under the heading that stands before it."""
    made, heading = [], ""
    for block in blocks:
        if block.kind in ("title", "heading"):
            heading = block.text
        elif block.kind == "table":
            made.append((heading, block))
    return made
