"""The vocabulary of findings is whole in every language and refuses each kind of mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from khana_methods.overlap.finding_codes import (
    FindingCodeUnknown,
    VocabularyInvalid,
    finding_code,
    load_finding_codes,
)

WORDS = {"en": "a", "ur": "b", "bn": "c"}
GOOD = {
    "code": "DUP_NID",
    "severity": "REFUSE",
    "roles": ["beneficiary"],
    "decided": "exact",
    "title": WORDS,
    "meaning": WORDS,
    "do": WORDS,
}
# The table of codes of the committee and the Finance Division, and the three about accounts and savings.
FIELD_CODES = [
    "NID_MISSING",
    "NID_MALFORMED",
    "NID_YEAR_PREFIX",
    "NID_NOT_FOUND",
    "NAME_MISMATCH",
    "NID_DOB_MISMATCH",
    "DUP_NID",
    "DUP_PERSON",
    "DUP_HOUSEHOLD",
    "DUP_MOBILE",
    "DUP_ACCOUNT",
    "DUP_MOBILE_HOUSEHOLD",
    "DUP_ACCOUNT_HOUSEHOLD",
    "MOBILE_NOT_REGISTERED_TO_NID",
    "NID_HAS_NO_SIM",
    "DECEASED",
    "GOVT_EMPLOYEE",
    "PENSIONER",
    "GOVT_EMPLOYEE_SPOUSE",
    "AGE_OUT_OF_RANGE",
    "OUT_OF_AREA",
    "WELL_OFF",
    "PREREQUISITE_MISSING",
    "OTHER_PROGRAMME_CONFLICT",
    "CAP_EXCEEDED",
    "GRADUATED_STILL_LISTED",
    "STOPPED_STILL_LISTED",
    "NOT_IN_SOCIAL_REGISTRY",
    "ROW_MALFORMED",
    "ROW_ODD",
    "FORMULA_TEXT",
    "ACCOUNT_CLOSED",
    "ACCOUNT_NAME_MISMATCH",
    "SAVINGS_OVER_LIMIT",
]


def _write(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "codes.yaml"
    path.write_text(yaml.safe_dump({"codes": list(entries)}), encoding="utf-8")
    return path


def test_every_code_of_the_field_is_there_and_no_other() -> None:
    assert set(load_finding_codes()) == set(FIELD_CODES)


def test_sharing_inside_one_household_is_only_a_note() -> None:
    for code in ("DUP_MOBILE_HOUSEHOLD", "DUP_ACCOUNT_HOUSEHOLD"):
        assert finding_code(code).severity == "NOTE"


def test_native_words_are_in_their_own_script() -> None:
    for code in load_finding_codes().values():
        for words in (code.title, code.meaning, code.what_to_do):
            assert any("\u0600" <= letter <= "\u06ff" for letter in words["ur"]), code.code
            assert any("\u0980" <= letter <= "\u09ff" for letter in words["bn"]), code.code


def test_unknown_code_is_refused() -> None:
    with pytest.raises(FindingCodeUnknown, match="DUP_NIT"):
        finding_code("DUP_NIT")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"code": "dup nid"}, "capitals"),
        ({"severity": "BAD"}, "severity 'BAD'"),
        ({"decided": "luck"}, "decided 'luck'"),
        ({"scope": "all"}, "scope 'all'"),
        ({"roles": ["clerk"]}, "roles are not among"),
        ({"roles": []}, "roles are not among"),
        ({"meaning": {"en": "a", "ur": "b"}}, "meaning is missing in bn"),
    ],
)
def test_each_mistake_is_refused_by_name(tmp_path: Path, change: dict[str, object], says: str) -> None:
    with pytest.raises(VocabularyInvalid, match=says):
        load_finding_codes(_write(tmp_path, {**GOOD, **change}))


def test_a_code_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyInvalid, match="stands twice"):
        load_finding_codes(_write(tmp_path, GOOD, GOOD))
