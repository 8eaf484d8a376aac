"""The report of a quarter or a year, and any report written as a job: laid out, written in one form, kept as a file.

A page never waits for a browser that prints: it asks for a job, and the file is taken from the list of reports.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.monitoring import budgets
from khana.monitoring import selectors as monitoring
from khana.monitoring import services as kept_things
from khana.monitoring.frameworks import country_in_use, framework_of
from khana.platform import files, printing
from khana.platform.progress import Progress, silent
from khana.programmes import names as programmes
from khana.workflows import report_coverage
from khana_country.load import load_document, load_pack
from khana_methods.coverage.budgets import execute, year_of
from khana_methods.coverage.framework import Framework
from khana_methods.coverage.gfs import expense_of, function_of
from khana_methods.coverage.indicators import funnel
from khana_methods.coverage.period_report import Classed, PeriodFound, write_period_report
from khana_methods.coverage.report import to_docx, to_html
from khana_methods.coverage.report_workbook import to_xlsx
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.errors import InputError
from khana_methods.standardise.periods import Period, parse_period

FORMATS = ("html", "pdf", "docx", "xlsx")
LANGUAGES = ("en", "ur", "bn")


class PeriodUnreadable(InputError):
    """A report is of a quarter, a half-year, or a calendar or fiscal year."""

    code: ClassVar[str] = "workflows.report.period_unreadable"


class FormatUnknown(InputError):
    """A report of a period is HTML, PDF, DOCX or XLSX, in English, Urdu or Bangla."""

    code: ClassVar[str] = "workflows.report.period_format_unknown"


def period_of(text: str, *, on: date) -> Period:
    """Read the period of a report: 2026Q1, 2026H1, 2026, FY2025-26.

    Args:
        text: What was asked.
        on: The day it is asked on: a fiscal year begins as the country's pack says for that day.

    Raises:
        PeriodUnreadable: It is none of these, or does not begin with a quarter.
    """
    month = load_pack(country_in_use()).fiscal_month(on)
    found = year_of(text, month) or parse_period(text, month)
    long_enough = found is not None and 80 <= (found.end - found.start).days <= 366
    if found is None or not long_enough or found.start.day != 1 or found.start.month % 3 != 1:
        raise PeriodUnreadable(
            "A report is of a quarter (2026Q1), a half-year (2026H1), a calendar year (2026) or a fiscal year (FY2025-26)."
        )
    return found


def fiscal_year_of(day: date) -> date:
    """Return the first day of the fiscal year that a day lies in, by the pack of the country in use."""
    return load_pack(country_in_use()).fiscal_year_of(day)


def run(*, token: str, period: str, form: str, language: str, at: datetime) -> bytes:
    """Return the report of a period as bytes.

    Args:
        token: In whose name; `results.read`.
        period: As `period_of` reads it.
        form: One of `FORMATS`.
        language: One of `LANGUAGES`.
        at: When.

    Raises:
        PeriodUnreadable: See there.
        FormatUnknown: Another form or language.
        NothingMeasured: No snapshot speaks for the period.
    """
    if form not in FORMATS or language not in LANGUAGES:
        raise FormatUnknown(f"A report is written as {', '.join(FORMATS)}, in {', '.join(LANGUAGES)}.", form=form)
    asked = period_of(period, on=at.date())
    with access.scoped(token):
        access.require("results.read")
        found = _found(asked, language)
        audit.record(
            action="monitoring.report.written", subject=f"period:{asked.text}", at=at,
            details={"format": form, "language": language},
        )  # fmt: skip
    blocks = write_period_report(found, language)
    if form == "docx":
        return to_docx(blocks, language)
    if form == "xlsx":
        return to_xlsx(blocks, language)
    page = to_html(blocks, language, letters=report_coverage.letters(language)).encode()
    return printing.pdf_of(page) if form == "pdf" else page


def write(
    *, token: str, form: str, language: str, period: str = "", study: int | None = None, progress: Progress = silent,
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Write a report as a job and keep its file: of a period, or of a coverage study and the newest snapshot without one.

    Returns:
        `report` (its number), `bytes`.
    """
    progress(0, 2, "writing")
    asked = period_of(period, on=at.date()).text if period else ""
    if asked:
        content = run(token=token, period=period, form=form, language=language, at=at)
        title = asked
    else:
        content = report_coverage.run(token=token, form=form, language=language, study=study, at=at)
        title = f"coverage-{study}" if study else "coverage"
    progress(1, 2, "writing")
    with access.scoped(token):
        kept = files.keep(io.BytesIO(content), name=f"{title}-{language}.{form}", at=at)
        number = kept_things.keep_report(
            title=title, period=asked, form=form, language=language, snapshot=None,
            study=study, sha256=kept.sha256, size=kept.size, at=at,
        )  # fmt: skip
    progress(2, 2, "done")
    return {"report": number, "bytes": len(content)}


def _found(period: Period, language: str) -> PeriodFound:
    country = country_in_use()
    framework, pack = framework_of(country), load_pack(country)
    head, before = monitoring.snapshot_for(framework.code, period.start, period.end)
    fiscal = pack.fiscal_year_of(period.end)
    lines = [line for line in budgets.list_lines() if line.starts_on <= period.end <= line.ends_on]
    spending = [row for row in budgets.list_spending(head.id) if row.quarter <= period.end]
    parents = geo.list_parents()
    top = next((code for code, above in parents.items() if not above), "")
    here = _values(head.id, top)
    steps = [_plain(value) for value in here.values()]
    return PeriodFound(
        period=period.text, start=period.start, end=period.end, year_start=fiscal, as_of=head.as_of,
        before_as_of=before.as_of if before else None, currency=pack.currency, framework=framework, here=here,
        before=_values(before.id, top) if before else {},
        provinces={code: _values(head.id, code) for code, above in parents.items() if above == top and top},
        spending=spending, executions=execute(lines, spending, parents), programmes=_classed(country, language),
        area_names=geo.list_area_names(language), funnel=_funnel(framework, steps, top, language),
    )  # fmt: skip


def _values(snapshot: int, area: str) -> dict[str, SafeValue]:
    return {value.indicator: value for value in monitoring.list_area_values(snapshot, area) if not value.group_by}


def _plain(value: SafeValue) -> Any:
    """Return a safe value as the funnel counts it: what is hidden counts nothing."""
    from khana_methods.coverage.indicators import Value

    return Value(
        value.indicator, value.area_code, value.area_level, "", "", value.numerator or 0.0, value.denominator, value.value
    )  # fmt: skip


def _funnel(
    framework: Framework, values: list[Any], area: str, language: str
) -> list[tuple[str, float, float | None, float | None]]:
    names = {one.code: one.name(language) for one in framework.indicators}
    return [(names[s.indicator], s.count, s.conversion, s.days) for s in funnel(framework, values, area)]


def _classed(country: str, language: str) -> dict[str, Classed]:
    """Return every programme of the catalogue with its classes of expense and function."""
    pack = load_pack(country)
    stated = {row["programme"]: str(row["expense"]) for row in load_document(country, "gfs").get("classes") or ()}
    made = {}
    for code, one in programmes.catalogue().items():
        known = pack.programmes.get(code)
        made[code] = Classed(
            one.called(language), one.agency, expense_of(one.benefit_type, stated.get(code, "")),
            function_of(known.target_group if known else ""),
        )  # fmt: skip
    return made
