"""Mobile numbers to E.164, in the spellings that offices use.

`0367-2371526`, `03672371526`, `923672371526`, `+92 367 2371526` and `3672371526` are one number.
Pakistan and Bangladesh have a fast road; other countries go through the `phonenumbers` library.
Numbers that no operator holds are still numbers: shape is asked, assignment is not.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.standardise.digits import ascii_digits

_NATIONAL = {"pak": ("92", "3[0-9]{9}", "PK"), "bgd": ("880", "1[0-9]{9}", "BD")}
_SEPARATORS = re.compile(r"[\s\-./()_‐-―−\u200b-\u200f\ufeff]+")


def mobile_number(text: str, country: str) -> tuple[str, str]:
    """Bring one mobile number to E.164.

    Args:
        text: The cell as it came.
        country: Country pack whose numbers need no prefix, such as pak.

    Returns:
        State (OK, MISSING, MALFORMED) and the number, empty unless OK.

    Examples:
        >>> [mobile_number(text, "pak") for text in ("0367-2371526", "+92 367 2371526", "۰۳۶۷۲۳۷۱۵۲۶")]
        [('OK', '+923672371526'), ('OK', '+923672371526'), ('OK', '+923672371526')]
        >>> mobile_number("01712-345678", "bgd"), mobile_number("nil", "pak"), mobile_number("0367", "pak")
        (('OK', '+8801712345678'), ('MISSING', ''), ('MALFORMED', ''))
    """
    plain = ascii_digits(text).strip()
    if not any(character.isdigit() for character in plain):
        return "MISSING", ""
    plain = _SEPARATORS.sub("", plain.removesuffix(".0"))
    prefix, national, region = _NATIONAL.get(country, ("", "", ""))
    if prefix:
        match = re.fullmatch(rf"(?:\+?0{{0,2}}{prefix})?0?({national})", plain)
        if match:
            return "OK", f"+{prefix}{match[1]}"
    return _by_library(plain, region)


def mobile_column(texts: pa.Array, country: str, memo: MutableMapping[str, tuple[str, str]]) -> pa.Table:
    """Bring a column of mobile numbers to E.164.

    Args:
        texts: n texts, no nulls.
        country: Country pack whose numbers need no prefix.
        memo: Numbers read before under the same country.

    Returns:
        n rows, same order: ``number`` (E.164, null unless OK) and ``state``.
    """
    prefix, national, _ = _NATIONAL.get(country, ("", "$^", ""))
    shape = rf"^(?:\+?(?:00)?{prefix} ?)?0?({national})$"
    plain = pc.replace_substring(texts, "-", "")
    if prefix == "92":
        plain = pc.replace_substring_regex(plain, r"^(\+92) (3[0-9]{2}) ([0-9]{7})$", r"\1\2\3")
    is_easy = pc.match_substring_regex(plain, shape)
    easy = pc.if_else(is_easy, pc.replace_substring_regex(plain, shape, rf"+{prefix}\1"), None)
    is_blank = pc.equal(texts, "")
    states = pc.if_else(is_easy, pa.scalar("OK"), pc.if_else(is_blank, pa.scalar("MISSING"), None))
    is_hard = pc.is_null(states)
    hard = texts.filter(is_hard).to_pylist()
    if hard:
        read = []
        for text in hard:
            result = memo.get(text)
            if result is None:
                result = memo[text] = mobile_number(text, country)
            read.append(result)
        easy = pc.replace_with_mask(easy, is_hard, pa.array([number or None for _, number in read], pa.string()))
        states = pc.replace_with_mask(states, is_hard, pa.array([state for state, _ in read], pa.string()))
    return pa.table({"number": easy, "state": states})


def _by_library(plain: str, region: str) -> tuple[str, str]:
    """Read a number of another country, or of a country without a fast road."""
    try:
        number = phonenumbers.parse(plain, region or None)
    except phonenumbers.NumberParseException:
        return "MALFORMED", ""
    if not phonenumbers.is_possible_number(number) or (region and not plain.startswith(("+", "00"))):
        return "MALFORMED", ""
    return "OK", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
