"""Letters, amounts and telephones: many spellings, one value."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from khana_methods.standardise.amounts import amount_column, number_column, parse_amount
from khana_methods.standardise.digits import ascii_digits, clean_text, comparison_key, text_column
from khana_methods.standardise.phones import mobile_column, mobile_number


def test_digits_of_every_script() -> None:
    assert ascii_digits("۰۱۲ ٣٤٥ ৬৭৮ ９") == "012 345 678 9"


def test_arabic_keyboard_letters_are_urdu_letters() -> None:
    assert comparison_key("كراچي") == comparison_key("کراچی")
    assert comparison_key("زكوٰة") == comparison_key("زکوٰۃ") == comparison_key("زکوۃ")


def test_bangla_vowel_signs_stay() -> None:
    assert comparison_key("জেলা") != comparison_key("জলা")
    assert comparison_key("ময়মনসিংহ") == comparison_key("ময়মনসিংহ")


def test_text_columns_agree_with_single_texts() -> None:
    texts = ["Ali  Khan ", "", "Amin\u00a0Ullah", "غوث\u200cبخش", "a\tb", " x"]
    assert text_column(pa.array(texts)).to_pylist() == [clean_text(text) for text in texts]
    ascii_only = [text for text in texts if text.isascii()]
    assert text_column(pa.array(ascii_only)).to_pylist() == [clean_text(text) for text in ascii_only]
    assert text_column(pa.array(["x", " y ", "z"]).slice(1, 1)).to_pylist() == ["y"]
    assert text_column(pa.array([], pa.string())).to_pylist() == []


@pytest.mark.parametrize(
    ("text", "value", "is_text"),
    [
        ("14,500", "14500", False),
        ("14 500", "14500", False),
        ("1,20,000", "120000", False),
        ("Rs. 2,000/-", "2000", True),
        ("15000/-", "15000", True),
        ("3,000 Rs", "3000", True),
        ("৳ ৬৫০", "650", True),
        ("Tk 650", "650", True),
        ("۹۰۰۰", "9000", False),
        ("২,৫০০.৫০", "2500.50", False),
        ("1.45E4", "14500", False),
        ("0", "0", False),
    ],
)
def test_amounts(text: str, value: str, is_text: bool) -> None:
    amount = parse_amount(text)
    assert (amount.value, amount.is_text, amount.is_unreadable) == (Decimal(value), is_text, False)


def test_amount_columns_take_the_quick_and_the_careful_road() -> None:
    plain = amount_column(pa.array(["14500", "", "2000.5"]), {})
    assert plain.values.to_pylist() == [Decimal("14500.00"), None, Decimal("2000.50")]
    mixed = amount_column(pa.array(["14500", "Rs. 2,000/-", "about 5", "nil", "9" * 30]), {})
    assert mixed.values.to_pylist() == [Decimal("14500.00"), Decimal("2000.00"), None, None, None]
    assert (mixed.text, mixed.unreadable) == ([1], [2, 4])


def test_shares() -> None:
    assert number_column(pa.array(["62%", "92.9", "100", ""]), {}, 0.01).values.to_pylist() == [0.62, 0.929, 1.0, None]


@pytest.mark.parametrize(
    "text", ["0367-2371526", "03672371526", "923672371526", "+92 367 2371526", "3672371526", "00923672371526"]
)
def test_five_spellings_and_one_more_are_one_mobile(text: str) -> None:
    assert mobile_number(text, "pak") == ("OK", "+923672371526")
    assert mobile_column(pa.array([text]), "pak", {})["number"].to_pylist() == ["+923672371526"]


def test_mobiles_of_bangladesh_and_abroad() -> None:
    texts = [
        "01712-345678",
        "+8801712345678",
        "8801712345678",
        "1712345678",
        "০১৭১২৩৪৫৬৭৮",
        "+44 7400 123456",
        "12",
        "",
        "nil",
    ]
    table = mobile_column(pa.array(texts), "bgd", {})
    assert table["number"].to_pylist()[:6] == ["+8801712345678"] * 5 + ["+447400123456"]
    assert table["state"].to_pylist()[6:] == ["MALFORMED", "MISSING", "MISSING"]
