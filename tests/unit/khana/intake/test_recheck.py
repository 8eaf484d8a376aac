"""The masked form of a re-interview: the questions again, nothing of the first answers, a form that pyxform takes."""

from __future__ import annotations

import pytest

from khana.intake.xlsform.read import read_xlsform
from khana.intake.xlsform.recheck import UNIT, RecheckInvalid, masked_workbook
from khana.workflows import add_form


def test_a_masked_form_asks_again_and_shows_nothing() -> None:
    data, _name = add_form.of_country("pak")
    made = read_xlsform(masked_workbook(data, ["rooms", "has_fridge", "sex", "birth_year"]), name="recheck.xlsx")
    asked = {question.name for question in made.questions if question.is_asked}
    assert asked == {"rooms", "has_fridge", "sex", "birth_year", UNIT, "back_checker"}
    assert made.form_id == "khana_pak_household_recheck" and made.languages
    assert not made.entity_lists and "households.csv" not in made.media and "instance('households')" not in made.xform
    assert all(not question.calculation and not question.facts for question in made.questions)
    assert next(question for question in made.questions if question.name == "sex").repeat
    assert "ur" in made.languages and next(q for q in made.questions if q.name == "rooms").label("ur")


def test_a_question_that_is_not_there_or_no_workbook_is_said() -> None:
    data, _name = add_form.of_country("pak")
    with pytest.raises(RecheckInvalid, match="nothing_such"):
        masked_workbook(data, ["rooms", "nothing_such"])
    with pytest.raises(RecheckInvalid):
        masked_workbook(data, [])
    with pytest.raises(RecheckInvalid):
        masked_workbook(b"no workbook", ["rooms"])
