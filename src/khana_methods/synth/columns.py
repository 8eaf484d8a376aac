"""Columns of text made whole at once: numbers, dates, names and telephones as files write them.

Each function takes numeric arrays and gives one Arrow string array of the same length; null
stands for an empty cell. Nothing here knows what a mistake is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.synth import card_numbers
from khana_methods.synth.population import Array

Text = Any
_EPOCH = 719_163
DIGITS = {
    "ur": str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"),
    "bn": str.maketrans("0123456789", "০১২৩৪৫৬৭৮৯"),
}


def strings(values: list[str]) -> Text:
    """Return a plain Arrow string array."""
    return pa.array(values, type=pa.string())


def pick(table: Text, index: Array) -> Text:
    """Look each index up in a table of texts; a negative index gives null."""
    return pc.take(table, pa.array(np.maximum(index, 0), mask=np.asarray(index) < 0))


def whole(values: Array, blank: Array | None = None) -> Text:
    """Write whole numbers; ``blank`` marks the empty cells (default: where the value is 0)."""
    mask = values == 0 if blank is None else blank
    return pc.cast(pa.array(values.astype(np.int64), mask=mask), pa.string())


def joined(*parts: Any) -> Text:
    """Put texts and columns beside each other; null wherever one of them is."""
    return pc.binary_join_element_wise(*parts, "")


def choose(mask: Array, yes: Text, no: Text) -> Text:
    """Take ``yes`` where the mask holds, else ``no``."""
    return pc.if_else(pa.array(mask), yes, no)


def filled(column: Text) -> Text:
    """Write the empty text where a cell is null."""
    return pc.fill_null(column, "")


def iso_dates(day: Array, precision: Array | None = None) -> Text:
    """Write day ordinals as YYYY-MM-DD; 1 in ``precision`` cuts to YYYY-MM and 2 to YYYY; day 0 is null."""
    date = pa.array((day - _EPOCH).astype(np.int32), mask=day == 0).cast(pa.date32())
    text = pc.cast(date, pa.string())
    if precision is None:
        return text
    text = choose(precision == 1, pc.utf8_slice_codeunits(text, 0, 7), text)
    return choose(precision == 2, pc.utf8_slice_codeunits(text, 0, 4), text)


def dates(day: Array, mark: str) -> Text:
    """Write day ordinals as dd-mm-yyyy with the given mark between."""
    text = iso_dates(day)
    cut = pc.utf8_slice_codeunits
    return joined(cut(text, 8, 10), mark, cut(text, 5, 7), mark, cut(text, 0, 4))


def identity_numbers(country: str, key: Array, year: Array, style: Array) -> Text:
    """Write keys as cards print them; style 1: dashes (pak), year of birth before 13 digits (bgd)."""
    if country == "bgd":
        long = (key >= 10**12) & (key < 10**13) & (style == 1)
        return whole(np.where(long, key + year.astype(np.int64) * 10**13, key), key == 0)
    plain = whole(key)
    cut = pc.utf8_slice_codeunits
    return choose(style == 1, joined(cut(plain, 0, 5), "-", cut(plain, 5, 12), "-", cut(plain, 12, 13)), plain)


def phones(country: str, nth: Array, style: Array) -> Text:
    """Write telephones; styles: 0 national, 1 with a dash, 2 international, 3 without the zero."""
    bare = pc.cast(pa.array(card_numbers.mobile_numbers(country, nth), mask=nth == 0), pa.string())
    cut = pc.utf8_slice_codeunits
    code = "92" if country == "pak" else "880"
    text = choose(style == 1, joined("0", cut(bare, 0, 3), "-", cut(bare, 3, 10)), joined("0", bare))
    text = choose(style == 2, joined("+", code, bare), text)
    return choose(style == 3, bare, text)


def accounts(country: str, nth: Array) -> Text:
    """Write running numbers of accounts: IBANs of banks that do not exist, or 13-digit account numbers."""
    check, bank, body = card_numbers.bank_accounts(nth)
    if country == "bgd":
        return whole(body // 1000, nth == 0)
    names = strings(["ZZAA", "ZZBB", "ZZCC"])
    cd = pc.utf8_lpad(pc.cast(pa.array(check), pa.string()), 2, "0")
    return joined("PK", cd, pick(names, np.where(nth == 0, -1, bank)), pc.cast(pa.array(body), pa.string()))


def replaced(column: Text, texts: dict[int, str]) -> Text:
    """Put other texts at some positions."""
    if not texts:
        return column
    mask = np.zeros(len(column), dtype=bool)
    places = sorted(texts)
    mask[places] = True
    return pc.replace_with_mask(column, pa.array(mask), strings([texts[i] for i in places]))


def lines(columns: list[Text], delimiter: str) -> list[str]:
    """Join columns to one text a row; nulls are empty cells."""
    return list(pc.binary_join_element_wise(*(filled(c) for c in columns), delimiter).to_pylist())
