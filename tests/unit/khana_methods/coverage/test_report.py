"""The report: every word in three languages, figures as the study gave them, hidden cells hidden, both formats read back."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from docx import Document
from tests.unit.khana_methods.coverage.test_coverage import DESIGN, survey
from tests.unit.khana_methods.coverage.test_indicators import document

from khana_methods.coverage import report
from khana_methods.coverage.framework import framework_of
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.coverage.spec import study_of
from khana_methods.coverage.study import study


def found() -> report.Found:
    made = study(survey(), DESIGN, study_of(
        {"registered": "registered", "welfare": "y", "poor": {"share": 0.4}, "domains": ["province"], "reasons": "why_not",
         "determinants": ["km"], "linkage": {"sensitivity": 0.95}}
    ))  # fmt: skip
    values = [
        SafeValue("SHARE_POOR", "PAK", 0, "", "", 60, 100, 0.6, ""), SafeValue("SHARE_POOR", "PK1", 1, "", "", None, None, None, "small"),
        SafeValue("SHARE_POOR", "PK2", 1, "", "", 60, 90, 2 / 3, ""),
    ]  # fmt: skip
    assert made.determinants is not None
    return report.Found(
        as_of="2026-06-30", figures=[asdict(f) for f in made.figures], notes=["<b>a note</b>"],
        determinants=[asdict(c) for c in made.determinants.coefficients], framework=framework_of(document()), values=values,
        funnel=[("Registered", 100, None, None), ("Scored", 80, 0.8, 4.0)], area="PAK", area_names={"PK1": "North", "PK2": "South"},
        shapes={"PK1": "M0 0L1 1Z", "PK2": "M1 1L2 2Z"}, mapped="SHARE_POOR",
    )  # fmt: skip


def test_every_word_is_there_in_three_languages() -> None:
    words = yaml.safe_load((Path(report.__file__).with_name("report_words.yaml")).read_text("utf-8"))
    assert all(set(entry) == set(report.LANGUAGES) and all(entry.values()) for entry in words.values())


@pytest.mark.parametrize("language", report.LANGUAGES)
def test_html_holds_the_figures_and_no_script(language: str) -> None:
    told = found()
    text = report.to_html(report.write_report(told, language), language)
    share = next(
        f
        for f in told.figures
        if (f["estimator"], f["domain"], f["weight"]) == ("registered_share_corrected", "all", "household")
    )
    assert f"{100 * share['estimate']:.1f} %" in text
    assert f'lang="{language}"' in text and ('dir="rtl"' in text) == (language == "ur")
    assert "<script" not in text and "<b>a note" not in text and "&lt;b&gt;a note" in text
    assert "North: –" in text and "South: 66.7 %" in text  # what is hidden stays hidden on the map
    assert report.word("hidden", language) in text


@pytest.mark.parametrize("language", report.LANGUAGES)
def test_docx_holds_the_same_tables(language: str) -> None:
    blocks = report.write_report(found(), language)
    read = Document(io.BytesIO(report.to_docx(blocks, language)))
    tables = [block for block in blocks if block.kind == "table" and block.rows]
    assert len(read.tables) == len(tables)
    assert [cell.text for cell in read.tables[0].rows[1].cells] == list(tables[0].rows[0])


def test_a_report_of_nothing_says_so() -> None:
    text = report.to_html(report.write_report(report.Found(as_of="2026-06-30"), "en"), "en")
    assert "No coverage study is kept yet." in text and "No snapshot of indicators is kept yet." in text
