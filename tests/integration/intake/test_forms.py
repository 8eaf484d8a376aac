"""Versions of a questionnaire: added once, in force by date, refused where a fact in use would go in silence."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook

from khana.access import services as access
from khana.intake import selectors
from khana.intake.services import forms
from khana.workflows import add_form
from khana_methods.errors import NotPermitted

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
CODE = "khana_pak_household"


def changed(version: str, **gone: str) -> bytes:
    """Return Pakistan's workbook under another version, without some questions."""
    data, _ = add_form.of_country("pak")
    book = load_workbook(io.BytesIO(data))
    sheet, settings = book["survey"], book["settings"]
    names = [cell.value for cell in sheet[1]]
    for name in gone:
        row = next(r[0].row for r in sheet.iter_rows(min_row=2) if r[names.index("name")].value == name)
        sheet.delete_rows(row)
    settings.cell(2, [cell.value for cell in settings[1]].index("version") + 1).value = version
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def steward(tokens) -> str:  # type: ignore[no-untyped-def]
    return str(tokens("data_steward"))


def add(token: str, data: bytes, day: date, **more: object) -> dict[str, object]:
    return add_form.run(token=token, data=data, name="f.xlsx", valid_from=day, at=AT, **more)  # type: ignore[arg-type]


def test_a_form_is_added_once_and_read_back(steward: str) -> None:
    data, _ = add_form.of_country("pak")
    added = add(steward, data, date(2026, 11, 1))
    assert (added["form"], added["state"], added["languages"]) == (CODE, "ACTIVE", ["en", "ur", "bn"])
    assert added["questions"] == 163
    assert add(steward, data, date(2026, 11, 1))["state"] == "UNCHANGED"
    with access.scoped(steward):
        (row,) = selectors.list_versions(CODE)
        definition = selectors.definition_of(row)
        assert definition.asked() == 163
        assert definition.facts()["rooms"].label("ur").startswith("گھرانہ")
        assert row.checked_by == "pyxform and ODK Validate"
        assert selectors.in_force(date(2026, 10, 31)) == []
        assert [found.version for found in selectors.in_force(date(2026, 11, 22))] == [row.version]


def test_a_fact_in_use_does_not_go_in_silence(steward: str) -> None:
    data = changed("2026110102", difficulty_seeing="", age="", income_year="")
    with pytest.raises(Exception, match="age"):  # other questions refer to the age: pyxform itself refuses
        add(steward, data, date(2026, 12, 1))
    data = changed("2026110102", is_attending="", current_class="", school_type="", reason_not_attending="")
    from khana.workflows import facts_in_use

    uses = facts_in_use.run(country="pak")
    assert {use.fact for use in uses} >= {"age", "sex"}
    from khana.intake.xlsform.read import read_xlsform

    definition = read_xlsform(data, name="f.xlsx")
    read_by = [forms.FactUse("is_attending", "model", "BGD-2013"), forms.FactUse("is_attending", "rule", "PES")]
    keep = {
        "definition": definition,
        "source": data,
        "name": "f.xlsx",
        "valid_from": date(2026, 12, 1),
        "checked_by": "",
        "at": AT,
    }
    with access.scoped(steward), pytest.raises(forms.FormDropsFacts) as refused:
        forms.add_version(**keep, uses=read_by, let_go={})
    assert "is_attending (read by model BGD-2013, rule PES)" in refused.value.message
    assert refused.value.details["facts"] == ["is_attending"]
    with access.scoped(steward):
        added = forms.add_version(**keep, uses=read_by, let_go={"is_attending": "the ministry's list says it"})
        assert added.dropped == ("is_attending", "current_class", "school_type", "reason_not_attending")
        newest, oldest = selectors.list_versions(CODE)
        assert (oldest.valid_to, newest.valid_to) == (date(2026, 12, 1), None)
        assert newest.dropped_facts[0] == {"fact": "is_attending", "why": "the ministry's list says it"}
        assert [row.version for row in selectors.in_force(date(2026, 11, 30))] == [oldest.version]
        assert [row.version for row in selectors.in_force(date(2026, 12, 1))] == [newest.version]


def test_a_version_is_not_taken_twice_and_can_be_withdrawn(steward: str) -> None:
    with pytest.raises(forms.FormVersionTaken):
        add(steward, changed("2026110102", has_landline=""), date(2026, 12, 2))
    with access.scoped(steward):
        forms.withdraw_version(code=CODE, version="2026110102", at=AT)
        forms.withdraw_version(code=CODE, version="2026110102", at=AT)
        assert selectors.get_version(CODE, "2026110102").state == "WITHDRAWN"
        assert selectors.in_force(date(2026, 12, 1)) == []
        with pytest.raises(selectors.FormUnknown):
            forms.withdraw_version(code=CODE, version="0", at=AT)


def test_who_may_not_is_told_before_the_checks(tokens) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NotPermitted, match=r"forms\.write"):
        add(tokens("enumerator"), b"no form at all", date(2026, 11, 1))
