"""Questionnaires that others wrote: real XLSForms of several hundred rows, from a wheel that is read and never installed."""

from __future__ import annotations

import json

import pytest
import xlrd
from tests.factories.foreign_forms import BUILDINGS, foreign_form, foreign_forms

from khana.intake.xlsform.definition import Definition, from_json
from khana.intake.xlsform.diff import compare
from khana.intake.xlsform.read import FormInvalid, read_xlsform
from khana.intake.xlsform.validate import CHECKED, check_xform

LANGUAGES = ("en", "sw", "fr", "es")


@pytest.fixture(scope="module")
def buildings() -> tuple[bytes, Definition]:
    data = foreign_form(BUILDINGS)
    return data, read_xlsform(data, name="buildings.xls")


def test_the_form_has_several_hundred_rows_and_all_of_them_are_read(buildings: tuple[bytes, Definition]) -> None:
    data, form = buildings
    book = xlrd.open_workbook(file_contents=data)
    survey, choices = book.sheet_by_name("survey"), book.sheet_by_name("choices")
    assert survey.nrows + choices.nrows > 350
    column = {str(name): at for at, name in enumerate(survey.row_values(0))}
    rows = [survey.row_values(n) for n in range(1, survey.nrows)]
    written = {
        str(row[column["name"]]) for row in rows
        if str(row[column["type"]]) and not str(row[column["type"]]).startswith(("begin", "end"))
    }  # fmt: skip
    assert {question.name for question in form.questions} >= written
    first = {str(name): at for at, name in enumerate(choices.row_values(0))}
    lists: dict[str, set[str]] = {}
    for n in range(1, choices.nrows):
        row = choices.row_values(n)
        lists.setdefault(str(row[first["list_name"]]), set()).add(str(row[first["name"]]).removesuffix(".0"))
    asked = {str(row[column["name"]]): str(row[column["type"]]).split() for row in rows}
    for question in form.questions:
        kind = asked.get(question.name, [])
        if kind and kind[0] in ("select_one", "select_multiple") and kind[1] in lists:
            assert set(question.choices) == lists[kind[1]], question.name
    assert set(LANGUAGES) <= set(form.languages)
    assert form.entity_lists == ("buildings",) and form.media == ("buildings.csv",)


def test_it_goes_to_json_and_back_and_reads_the_same_again(buildings: tuple[bytes, Definition]) -> None:
    data, form = buildings
    assert from_json(json.loads(json.dumps(form.as_json())), form.xform) == form
    again = read_xlsform(data, name="buildings.xls")
    assert again == form and compare(form, again) == []


def test_the_engine_of_collect_takes_it(buildings: tuple[bytes, Definition]) -> None:
    assert check_xform(buildings[1].xform) == CHECKED


def test_every_form_of_the_collection_is_read_or_refused_in_words() -> None:
    read, refused = {}, {}
    for name, data in foreign_forms():
        try:
            read[name] = read_xlsform(data, name=name)
        except FormInvalid as error:
            refused[name] = error.message
    assert len(read) >= 15, refused
    assert all(form.asked() and form.xform for form in read.values())
    assert all(len(text) > 60 and "Traceback" not in text for text in refused.values())
