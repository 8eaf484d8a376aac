"""Bring digits, letters and spaces of any keyboard to one form.

Digits of every script become ASCII; look-alikes of the Arabic keyboard become the Urdu letters that
they stand for; invisible characters and double spaces go. What is read is never transliterated.
Column functions look at each different value once; `memo` keeps what was already worked out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, MutableMapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")

_DIGITS = {
    code: str(unicodedata.decimal(chr(code)))
    for code in range(0x80, sys.maxunicode + 1)
    if unicodedata.category(chr(code)) == "Nd"
}
_ARABIC_KEYBOARD = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "ه": "ہ",
        "ة": "ہ",
        "ۀ": "ہ",
        "ھ": "ہ",
        "أ": "ا",
        "إ": "ا",
        "ٱ": "ا",
        "ؤ": "و",
        "ئ": "ی",
        "ڪ": "ک",
        "ـ": None,
    }
)
_MARKS = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_SPACES = re.compile(r"\s+")


def ascii_digits(text: str) -> str:
    """Write every digit of every script as ASCII, and compatibility forms as plain ones.

    Examples:
        >>> ascii_digits("۳۹۸۰۱-۳۹۲۸۱۲۴-۴"), ascii_digits("২০২৬"), ascii_digits("１２")
        ('39801-3928124-4', '2026', '12')
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).translate(_DIGITS)


def clean_text(text: str) -> str:
    """Normalise (NFKC), drop invisible characters but joiners, and make each run of spaces one.

    Examples:
        >>> clean_text("  Amin\u00a0 Ullah ")
        'Amin Ullah'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        if _INVISIBLE.search(text):
            joined = text.replace("\u200c", "\ue000").replace("\u200d", "\ue001")
            text = _INVISIBLE.sub("", joined).replace("\ue000", "\u200c").replace("\ue001", "\u200d")
    return _SPACES.sub(" ", text).strip()


def comparison_key(text: str) -> str:
    """Return the form in which two spellings of a word or header are held against each other.

    Small letters, ASCII digits, Urdu letters for their Arabic look-alikes, no vowel marks, no
    punctuation, one space between words.

    Examples:
        >>> comparison_key(" Amount (Rs.) "), comparison_key("F/H  Name")
        ('amount rs', 'f h name')
        >>> comparison_key("زكوٰة") == comparison_key("زکوۃ")
        True
    """
    text = ascii_digits(text).casefold()
    if not text.isascii():
        text = _INVISIBLE.sub(" ", text).replace("ۃ", "ہ").translate(_ARABIC_KEYBOARD)
        text = _MARKS.sub("", unicodedata.normalize("NFKD", text))
        kept = (
            character if unicodedata.category(character)[0] in "LNM" else " "
            for character in unicodedata.normalize("NFC", text)
        )
        return " ".join("".join(kept).split())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def convert_unique(column: pa.Array, convert: Callable[[str], T], memo: MutableMapping[str, T]) -> list[T]:
    """Convert each different value of a text column once.

    Args:
        column: n texts, no nulls.
        convert: What one value becomes.
        memo: Values worked out before; grows, and is emptied beyond one million entries.

    Returns:
        n results, same order.
    """
    if len(memo) > 1_000_000:
        memo.clear()
    encoded = pc.dictionary_encode(column)
    results = []
    for value in encoded.dictionary.to_pylist():
        if value not in memo:
            memo[value] = convert(value)
        results.append(memo[value])
    return [results[index] for index in encoded.indices.to_pylist()]


def text_column(column: pa.Array, memo: MutableMapping[str, str] | None = None) -> pa.Array:
    """Clean a text column: NFKC, one space between words, none at the ends.

    Args:
        column: n texts, no nulls.
        memo: Texts cleaned before.

    Returns:
        n texts, no nulls; blank is the empty text.
    """
    letters, starts, ends = _letters(column)
    if not len(letters):
        return column
    is_ascii = bool(letters.max() < 0x80)
    if is_ascii and not _is_untidy(letters, starts, ends):
        return column
    if is_ascii:
        return pc.utf8_trim_whitespace(pc.replace_substring_regex(column, r"\s+", " "))
    encoded = pc.dictionary_encode(column)
    memo = {} if memo is None else memo
    if len(memo) > 500_000:
        memo.clear()
    unique = encoded.dictionary.to_pylist()
    cleaned = list(map(memo.get, unique))
    for number, text in enumerate(cleaned):
        if text is None:
            cleaned[number] = memo[unique[number]] = clean_text(unique[number])
    return pa.array(cleaned, pa.string()).take(encoded.indices)


def is_digits_column(column: pa.Array) -> bool:
    """Tell whether a text column holds nothing but ASCII digits, points, strokes and hyphens.

    Args:
        column: n texts, no nulls.
    """
    letters, _, _ = _letters(column)
    return not len(letters) or bool(letters.max() <= 0x39 and letters.min() >= 0x2D)


def first_letters(column: pa.Array) -> npt.NDArray[np.uint8]:
    """Return the first byte of each text of a column, 0 where it is empty.

    Args:
        column: n texts, no nulls.
    """
    letters, starts, ends = _letters(column)
    first = np.zeros(len(column), dtype=np.uint8)
    filled = np.flatnonzero(ends > starts)
    first[filled] = letters[starts[filled]]
    return first


def _letters(column: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the bytes of a text column, and where in them each text starts and ends."""
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        nought = np.zeros(len(column), dtype=np.int32)
        return np.zeros(0, dtype=np.uint8), nought, nought
    places = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    first = places[0]
    letters = np.frombuffer(data, dtype=np.uint8)[first : places[-1]]
    return letters, places[:-1] - first, places[1:] - first


def _is_untidy(letters: npt.NDArray[np.uint8], starts: npt.NDArray[np.int32], ends: npt.NDArray[np.int32]) -> bool:
    """Tell whether an ASCII column has double spaces, breaks, or spaces at the ends of a text."""
    if letters.min() < 32 or b"  " in letters.tobytes():
        return True
    filled = np.flatnonzero(ends > starts)
    return bool((letters[starts[filled]] == 32).any() or (letters[ends[filled] - 1] == 32).any())
