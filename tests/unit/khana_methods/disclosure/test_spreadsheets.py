"""Text on its way to a spreadsheet, and numbers on their way to a screen."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khana_methods.disclosure import masking, spreadsheets
from khana_methods.disclosure.spreadsheets import FORMULA_STARTS, neutralise, printable, restore


@pytest.mark.parametrize("module", [masking, spreadsheets])
def test_examples(module) -> None:
    assert doctest.testmod(module).failed == 0


@given(st.text())
def test_nothing_runs_and_nothing_is_lost(text: str) -> None:
    safe = neutralise(text)
    assert not safe.startswith(FORMULA_STARTS) or safe == text
    assert restore(safe) == (text if safe != text else restore(text))


@given(st.sampled_from(FORMULA_STARTS), st.text(alphabet="abc(!|", min_size=1))
def test_every_start_is_made_harmless(start: str, rest: str) -> None:
    assert neutralise(start + rest) == "'" + start + rest


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=2))
def test_numbers_stay_numbers(number: object) -> None:
    text = format(number, "f") if not isinstance(number, int) else str(number)
    assert neutralise(text) == text


@given(st.text())
def test_control_signs_are_dropped_and_nothing_else(text: str) -> None:
    kept = printable(text)
    assert all(sign in "\t\n\r" or ord(sign) >= 32 for sign in kept)
    assert [sign for sign in text if ord(sign) >= 32] == [sign for sign in kept if ord(sign) >= 32]


@given(st.text(alphabet="0123456789", min_size=5, max_size=20))
def test_a_masked_number_shows_four_signs(number: str) -> None:
    shown = masking.mask(number)
    assert len(shown) == len(number)
    assert shown[-4:] == number[-4:]
    assert set(shown[:-4]) == {"*"}
