"""The report of a period: the tables of the IMF add up, what is hidden stays hidden, and every form reads back in every language."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal

import pytest
from docx import Document
from openpyxl import load_workbook
from tests.unit.khana_methods.coverage.test_indicators import document

from khana_methods.coverage import report
from khana_methods.coverage.budgets import BudgetLine, Spending, execute
from khana_methods.coverage.framework import framework_of
from khana_methods.coverage.period_report import Classed, PeriodFound, tables_of, write_period_report
from khana_methods.coverage.report_workbook import to_xlsx
from khana_methods.coverage.safe_values import SafeValue


def value(code: str, number: float | None, hidden: str = "") -> SafeValue:
    return SafeValue(code, "PAK", 0, "", "", number, None if number is None else 1.0, number, hidden)


def found(as_of: date = date(2026, 3, 31)) -> PeriodFound:
    spending = [
        Spending("KFL", "BISP", date(2025, 7, 1), "", 10e6, 10), Spending("KFL", "BISP", date(2026, 1, 1), "", 30e6, 20),
        Spending("RTN", "PUNJAB", date(2026, 1, 1), "", 5e6, 7), Spending("KFL", "BISP", date(2026, 1, 1), "PK1", 20e6, 12),
        Spending("KFL", "BISP", date(2025, 4, 1), "", 99e6, 1),
    ]  # fmt: skip
    line = BudgetLine(
        "KFL", "BISP", "", "Federal", "FY2025-26", date(2025, 7, 1), date(2026, 6, 30), Decimal(80_000_000), "s"
    )
    return PeriodFound(
        period="2026Q1", start=date(2026, 1, 1), end=date(2026, 3, 31), year_start=date(2025, 7, 1), as_of=as_of,
        before_as_of=date(2025, 12, 31), currency="PKR",
        framework=framework_of(document(better="up", target={"value": 0.9, "day": date(2027, 1, 1), "source": "plan"})),
        here={"SHARE_POOR": value("SHARE_POOR", 0.6), "HH": value("HH", None, "small")},
        before={"SHARE_POOR": value("SHARE_POOR", 0.5)}, provinces={"PK1": {"HH": value("HH", None, "small")}},
        spending=spending, executions=execute([line], spending, {}),
        programmes={"KFL": Classed("Kafaalat", "BISP", "2721", "7107"), "RTN": Classed("Ration", "PUNJAB", "2722", "7107")},
        area_names={"PK1": "North"}, funnel=[("Registered", 100, None, None), ("Waiting", 10, 0.1, 12.5)],
    )  # fmt: skip


def test_the_tables_of_expense_add_up_over_the_fiscal_year() -> None:
    tables = {heading: list(block.rows) for heading, block in tables_of(write_period_report(found(), "en"))}
    by_class = tables["Expense by economic class (GFSM 2014)"]
    assert by_class == [
        ["2721 Social assistance benefits in cash", "10.0", "0.0", "30.0", "40.0", "80.0", "50.0 %"],
        ["2722 Social assistance benefits in kind", "0.0", "0.0", "5.0", "5.0", "–", "–"], ["All", "10.0", "0.0", "35.0", "45.0", "80.0", "56.2 %"],
    ]  # fmt: skip
    assert [row[-3] for row in tables["Expense by function (COFOG)"]] == ["45.0", "45.0"]
    assert tables["By programme"] == [
        ["Kafaalat", "BISP", "20", "30.0", "40.0", "80.0", "50.0 %"], ["Ration", "PUNJAB", "7", "5.0", "5.0", "–", "–"],
    ]  # fmt: skip
    assert tables["By government that pays"] == [["Federal", "80.0", "40.0", "50.0 %"]]
    assert tables["By province"][0][:2] == ["North", "20.0"]
    assert tables["The delivery chain"][1] == ["Waiting", "10", "10.0 %", "12.5"]
    assert [row[1] for row in tables["O"]] == ["hidden", "60.0 %"]
    assert tables["O"][1][2:] == ["50.0 %", "+10.0", "90.0 % (2027-01-01)", "better"]


def test_what_is_hidden_stays_hidden_and_a_late_snapshot_is_said() -> None:
    text = report.to_html(write_period_report(found(date(2026, 5, 1)), "en"), "en")
    assert "No snapshot was made within the period" in text and "hidden" in text and "<script" not in text
    assert "No snapshot was made" not in report.to_html(write_period_report(found(), "en"), "en")


@pytest.mark.parametrize("language", report.LANGUAGES)
def test_every_form_reads_back_with_the_same_tables(language: str) -> None:
    blocks = write_period_report(found(), language)
    tables = [block for _, block in tables_of(blocks)]
    read = Document(io.BytesIO(report.to_docx(blocks, language)))
    assert [len(table.rows) - 1 for table in read.tables] == [len(block.rows) for block in tables]
    book = load_workbook(io.BytesIO(to_xlsx(blocks, language)))
    assert len(book.worksheets) == len(tables) + 1
    sheet = book.worksheets[1]
    assert bool(sheet.sheet_view.rightToLeft) == (language == "ur")
    assert [cell.value for cell in sheet[2]][1:] == [10, 0, 30, 40, 80, 0.5] and sheet["G2"].number_format == "0.0%"
    assert report.word("by_programme", language) in report.to_html(blocks, language)


def test_a_period_without_budget_says_so() -> None:
    bare = found()
    blocks = write_period_report(
        PeriodFound(**{**{name: getattr(bare, name) for name in PeriodFound.__slots__}, "executions": ()}), "en"
    )
    assert any(block.text == "No budget of this fiscal year is known." for block in blocks)
