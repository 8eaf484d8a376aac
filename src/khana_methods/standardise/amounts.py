"""Amounts and numbers as offices write them: `14,500`, `Rs. 2,000/-`, `১,২০,০০০`, `3,000 Rs`.

Commas part thousands or lakhs wherever they stand; a currency's name or a closing `/-` makes the
amount *text*: still read, and noted. What holds no number is none, never nought.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.standardise.digits import ascii_digits, is_digits_column

_PLAIN = re.compile(r"[-+]?(?:\d+(?:,\d+)*|\d+(?: \d{3})+|\d+(?:'\d{3})+)?(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORDS = re.compile(r"(?:rs|pkr|re|rupees?|tk|bdt|taka|usd|\$|৳|₨|روپے|روپیہ|টাকা)\.?", re.IGNORECASE)
_TAIL = re.compile(r"\s*/?\s*[-=]+\s*$|\s*only\s*$", re.IGNORECASE)
AMOUNT_TYPE = pa.decimal128(16, 2)


class Amount(NamedTuple):
    """An amount, if there is one, and how it was written."""

    value: Decimal | None
    is_text: bool = False
    is_unreadable: bool = False


def parse_amount(text: str) -> Amount:
    """Read one amount.

    Examples:
        >>> parse_amount("14,500"), parse_amount("Rs. 2,000/-").value, parse_amount("۹۰۰۰").value
        (Amount(value=Decimal('14500'), is_text=False, is_unreadable=False), Decimal('2000'), Decimal('9000'))
        >>> parse_amount("1,20,000.50").value, parse_amount("nil").value, parse_amount("3,000 Rs").is_text
        (Decimal('120000.50'), None, True)
        >>> parse_amount("12 or 13").is_unreadable
        True
    """
    plain = ascii_digits(text).replace("٬", ",").replace("٫", ".").strip()
    if not any(character.isdigit() for character in plain):
        return Amount(None)
    if _PLAIN.fullmatch(plain):
        return Amount(_decimal(plain))
    is_negative = plain.startswith("(") and plain.endswith(")")
    bare = _WORDS.sub("", _TAIL.sub("", plain.strip("()"))).strip(" .:") if plain else plain
    if bare and _PLAIN.fullmatch(bare):
        value = _decimal(bare)
        return Amount(-value if is_negative else value, is_text=True)
    return Amount(None, is_unreadable=True)


def _decimal(plain: str) -> Decimal:
    return Decimal(plain.replace(",", "").replace(" ", "").replace("'", ""))


class AmountColumn(NamedTuple):
    """A column of amounts, and the positions that were text or could not be read."""

    values: pa.Array
    text: list[int]
    unreadable: list[int]


def amount_column(texts: pa.Array, memo: MutableMapping[str, Amount]) -> AmountColumn:
    """Read a column of amounts as decimal(16,2); each different text is read once.

    Args:
        texts: n texts, no nulls.
        memo: Texts read before.

    Returns:
        n amounts, same order, null where there is none.
    """
    easy, rest = _plain(texts, r"^-?[0-9]{1,13}(?:\.[0-9]{1,2})?$", AMOUNT_TYPE)
    if rest is None:
        return AmountColumn(easy, [], [])
    texts = rest
    unique, indices = _encoded(texts)
    amounts = _read(unique, memo)
    cents, limit = Decimal("0.01"), Decimal(10) ** 14
    values = [None if a.value is None or abs(a.value) >= limit else a.value.quantize(cents) for a in amounts]
    bad = [a.is_unreadable or (a.value is not None and v is None) for a, v in zip(amounts, values, strict=True)]
    return AmountColumn(
        pc.coalesce(easy, pa.array(values, AMOUNT_TYPE).take(indices)),
        _where([a.is_text for a in amounts], indices),
        _where(bad, indices),
    )


def number_column(texts: pa.Array, memo: MutableMapping[str, Amount], scale: float = 1.0) -> AmountColumn:
    """Read a column of numbers as float64, each times a factor; a closing per-cent sign is dropped.

    Args:
        texts: n texts, no nulls.
        memo: Texts read before.
        scale: Factor into the unit that is wanted.

    Returns:
        n numbers, same order, null where there is none.

    Examples:
        >>> number_column(pa.array(["62%", "92.9", ""]), {}, 0.01).values.to_pylist()
        [0.62, 0.929, None]
    """
    if not is_digits_column(texts) and pc.any(pc.match_substring(texts, "%")).as_py():
        texts = pc.replace_substring_regex(texts, r"\s*%\s*$", "")
    easy, rest = _plain(texts, r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$", pa.float64())
    if scale != 1.0:
        parts = round(1 / scale) if scale else 0  # 62 / 100 is rounded once, 62 * 0.01 twice
        is_part = bool(parts) and abs(parts * scale - 1) < 1e-12
        easy = pc.divide(easy, float(parts)) if is_part else pc.multiply(easy, scale)
    if rest is None:
        return AmountColumn(easy, [], [])
    unique, indices = _encoded(rest)
    amounts = _read(unique, memo)
    factor = Decimal(repr(scale))
    values = [None if a.value is None else float(a.value * factor) for a in amounts]
    return AmountColumn(
        pc.coalesce(easy, pa.array(values, pa.float64()).take(indices)),
        [],
        _where([a.is_unreadable for a in amounts], indices),
    )


def _plain(texts: pa.Array, shape: str, kind: pa.DataType) -> tuple[pa.Array, pa.Array | None]:
    """Read the texts that are numbers as they stand; return the rest, blank elsewhere, None if there is none."""
    if is_digits_column(texts):
        try:
            return pc.if_else(pc.equal(texts, ""), None, texts).cast(kind), None
        except pa.ArrowInvalid:
            pass
    is_plain = pc.match_substring_regex(texts, shape)
    return pc.if_else(is_plain, texts, None).cast(kind), pc.if_else(is_plain, "", texts)


def _encoded(texts: pa.Array) -> tuple[list[str], pa.Array]:
    encoded = pc.dictionary_encode(texts)
    return encoded.dictionary.to_pylist(), encoded.indices


def _read(unique: list[str], memo: MutableMapping[str, Amount]) -> list[Amount]:
    if len(memo) > 500_000:
        memo.clear()
    amounts = []
    for text in unique:
        amount = memo.get(text)
        if amount is None:
            amount = memo[text] = parse_amount(text)
        amounts.append(amount)
    return amounts


def _where(flags: list[bool], indices: pa.Array) -> list[int]:
    """Return the rows whose unique value carries a flag."""
    if not any(flags):
        return []
    marked = np.asarray(flags)[indices.to_numpy(zero_copy_only=False)]
    return list(map(int, np.flatnonzero(marked)))
