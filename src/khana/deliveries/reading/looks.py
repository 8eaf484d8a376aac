"""What a column's values look like: numbers, telephones, accounts, dates, sums, names.

For drafting a contract: a look is a proposal, and a column without one is left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from khana_methods.standardise.digits import ascii_digits

_LOOKS = (
    ("id_number", re.compile(r"\d{5}-\d{7}-\d|\d{13}|\d{17}|\d{10}")),
    ("mobile_number", re.compile(r"(?:\+?92|0)?3\d{2}-?\d{7}|(?:\+?88)?01[3-9]\d{8}|\+\d{2,3}[ \d]{9,}")),
    ("account_number", re.compile(r"[A-Z]{2}\d{2}[A-Z]{4}[A-Z0-9]{10,}")),
    ("birth_date", re.compile(r"\d{1,2}[-/.]\w{2,3}[-/.](?:19|20)\d{2}|(?:19|20)\d{2}-\d{2}-\d{2}")),
)


def attribute_by_look(column: Sequence[str]) -> str:
    """Return the attribute that nearly all values of a column look like; empty where none."""
    values = [ascii_digits(value).strip() for value in column if value.strip()]
    if len(values) < 5:
        return ""
    for attribute, pattern in _LOOKS:
        if sum(bool(pattern.fullmatch(value)) for value in values) * 10 >= len(values) * 8:
            return attribute
    return ""


def are_amounts(column: Sequence[str]) -> bool:
    """Tell whether a column holds plain numbers that are no years, months or quarters: sums of money."""
    values = [ascii_digits(value).strip() for value in column if value.strip()]
    plain = [float(v.replace(",", "")) for v in values if re.fullmatch(r"\d{1,3}(?:,\d{2,3})+|\d+(?:\.\d+)?", v)]
    sums = [v for v in plain if v > 12 and not 1900 <= v <= 2100 and not 190001 <= v <= 210012]
    return bool(values) and len(sums) * 10 >= len(values) * 8


def are_names(column: Sequence[str]) -> bool:
    """Tell whether nearly all values are words in which no digit stands, as in names."""
    values = [value.strip() for value in column if value.strip()]
    words = [value for value in values if " " in value and not any(c.isdigit() for c in value)]
    return bool(values) and len(words) * 10 >= len(values) * 7


def are_births(column: Sequence[str]) -> bool:
    """Tell whether dates are of births: most of them older than the newest by more than ten years."""
    years = [int(found[0]) for value in column if (found := re.findall(r"(?:19|20)\d{2}", ascii_digits(value)))]
    newest = max(years, default=0)
    return newest < 2010 or sum(newest - year > 10 for year in years) * 2 > len(years)


def looks_data(cell: str) -> bool:
    """Tell whether a cell is rather data than a name of a column: digits make it so.

    Examples:
        >>> [looks_data(cell) for cell in ("35202-1234567-1", "7", "Name", "Q1 2026")]
        [True, True, False, True]
    """
    digits = sum(character.isdigit() for character in cell)
    return digits >= 4 or (digits > 0 and digits == len(cell.strip()))
