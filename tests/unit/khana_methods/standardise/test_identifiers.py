"""Personal numbers of both countries: every spelling one canonical form, every fault its own state."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from khana_methods.standardise.identifiers import IdentifierRules, IdentifierRulesInvalid

COUNTRY = Path(__file__).resolve().parents[4] / "country"


@pytest.fixture(scope="module")
def cnic() -> IdentifierRules:
    return IdentifierRules.load(COUNTRY / "pak" / "identifiers.yaml")


@pytest.fixture(scope="module")
def nid() -> IdentifierRules:
    return IdentifierRules.load(COUNTRY / "bgd" / "identifiers.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "39801-3928124-4",
        "3980139281244",
        "39801 3928124 4",
        "۳۹۸۰۱-۳۹۲۸۱۲۴-۴",
        "٣٩٨٠١٣٩٢٨١٢٤٤",
        "3980139281244.0",
        " 39801.3928124/4 ",
        "３９８０１３９２８１２４４",
        "39801–3928124–4",
    ],
)
def test_a_cnic_in_any_spelling_is_one_number(cnic: IdentifierRules, text: str) -> None:
    number = cnic.standardise(text)
    assert (number.state, number.canonical, number.type, number.scheme) == ("OK", "3980139281244", "CNIC", "PK")


@pytest.mark.parametrize("text", ["", " ", "-", "N/A", "nil", "applied for", "نہیں", "---"])
def test_no_digit_is_missing(cnic: IdentifierRules, text: str) -> None:
    assert cnic.standardise(text).state == "MISSING"


@pytest.mark.parametrize(
    "text",
    [
        "0000000000000",
        "۱۱۱۱۱۱۱۱۱۱۱۱۱",
        "194125025188",
        "49213216711600",
        "5.90118E+12",
        "193-91-568856",
        "39801-A928124-4",
    ],
)
def test_what_is_no_number_is_malformed(cnic: IdentifierRules, text: str) -> None:
    assert cnic.standardise(text).state == "MALFORMED"


def test_ajk_is_a_province_and_nine_a_warning(cnic: IdentifierRules) -> None:
    assert cnic.number_warnings(cnic.standardise("82203-1234567-1"), "M") == []
    assert cnic.number_warnings(cnic.standardise("92203-1234567-1"), "M") == ["first_digit"]
    assert cnic.number_warnings(cnic.standardise("82203-1234567-1"), "F") == ["parity"]
    assert cnic.number_warnings(cnic.standardise("82203-1234567-1"), "O") == []


def test_thirteen_and_seventeen_digits_are_one_nid(nid: IdentifierRules) -> None:
    long, short = nid.standardise("19752612345678901"), nid.standardise("2612345678901")
    assert long.canonical == short.canonical == "2612345678901"
    assert (long.prefix, short.prefix) == ("1975", "")
    assert long.scheme == short.scheme == "BD-NID"


def test_ten_digits_stay_and_bangla_digits_are_digits(nid: IdentifierRules) -> None:
    assert nid.standardise("১২৩৪৫৬৭৮৯০").canonical == "1234567890"


def test_an_old_birth_number_takes_its_nought(nid: IdentifierRules) -> None:
    old = nid.only("BRN").standardise("1990261234567890")
    assert old.canonical == "19902612345067890"
    assert (old.type, old.scheme) == ("BRN", "BD-BRN")
    assert nid.only("BRN").standardise("19902612345067890").canonical == old.canonical


def test_the_column_agrees_with_the_single_number(cnic: IdentifierRules, nid: IdentifierRules) -> None:
    texts = [
        "39801-3928124-4",
        "",
        "nil",
        "0000000000000",
        "2612345678901",
        "19752612345678901",
        "1.2E+12",
        "1234567890",
    ]
    for rules in (cnic, nid, nid.only("BRN")):
        table, scientific = rules.column(pa.array(texts))
        single = [rules.standardise(text) for text in texts]
        assert table["canonical"].to_pylist() == [number.canonical or None for number in single]
        assert table["state"].to_pylist() == [number.state for number in single]
        assert table["type"].to_pylist() == [number.type or None for number in single]
        assert table["prefix"].to_pylist() == [number.prefix or None for number in single]
        assert scientific == [6]


def test_an_empty_column(cnic: IdentifierRules) -> None:
    table, scientific = cnic.column(pa.array([], pa.string()))
    assert (len(table), scientific) == (0, [])


def test_rules_that_cannot_be_read(cnic: IdentifierRules, tmp_path: Path) -> None:
    (tmp_path / "identifiers.yaml").write_text("country: xyz\nidentifiers: [{type: A}]\n", encoding="utf-8")
    with pytest.raises(IdentifierRulesInvalid):
        IdentifierRules.load(tmp_path / "identifiers.yaml")
    with pytest.raises(IdentifierRulesInvalid):
        cnic.only("BRN")
