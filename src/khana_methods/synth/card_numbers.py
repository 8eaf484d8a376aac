"""Invented identity numbers, mobile numbers and accounts that no authority, operator or bank has issued.

Every issued identity number satisfies a check sum, so a mistyped digit can never hit another
person's number: the truth of a typing error is then certain at any size of country. A number is
held as one integer *key*; a Bangladeshi 17-digit NID is its last 13 digits with a year before it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

IntArray = np.ndarray[Any, Any]

_WEIGHTS = (1, 3, 7, 9, 3, 1, 9, 7, 1, 3, 7, 9, 3, 1, 9, 7, 1)
_INVERSE = {1: 1, 3: 7, 7: 3, 9: 9}
_SERIAL_PRIME = {6: 999_983, 7: 4_999_999}


def check_sum(key: IntArray) -> IntArray:
    """Return the weighted digit sum modulo 10 of each number; zero for every issued number.

    Examples:
        >>> int(check_sum(np.array([12]))[0])
        5
    """
    total = np.zeros(key.shape, dtype=np.int64)
    rest = key.astype(np.int64)
    for weight in _WEIGHTS:
        total += weight * (rest % 10)
        rest = rest // 10
    return total % 10


def with_check(key: IntArray, position: int) -> IntArray:
    """Return the numbers with the zero digit at ``position`` (0 = last) set so that the check sum is zero.

    Examples:
        >>> int(check_sum(with_check(np.array([193000100]), 1))[0])
        0
    """
    digit = (-check_sum(key) * _INVERSE[_WEIGHTS[position]]) % 10
    checked: IntArray = key + digit * 10**position
    return checked


def _scatter(count: IntArray, digits: int) -> IntArray:
    prime = _SERIAL_PRIME[digits]
    return (count.astype(np.int64) * 387_420_489 + 104_729) % prime


def pak_numbers(prefix: IntArray, nth: IntArray, female: IntArray) -> IntArray:
    """Issue 13-digit numbers: five digits of the place, six of serial, a check digit, odd for men.

    Args:
        prefix: Five-digit place number of each person; its second digit is 9, which no division uses.
        nth: Running number of the person inside her place; unique there, below 999,983.
        female: Boolean.
    """
    last = 1 + 2 * (nth % 5) - female.astype(np.int64)
    return with_check(prefix.astype(np.int64) * 10**8 + _scatter(nth, 6) * 100 + last, 1)


def bgd_numbers(prefix: IntArray, nth: IntArray, child: IntArray) -> IntArray:
    """Issue the last 13 digits of NIDs (adults) and of birth registration numbers (children).

    The two use different halves of the serial space, so one can never be taken for the other.
    """
    serial = _scatter(nth, 7) + np.where(child, 5_000_000, 0)
    return with_check(prefix.astype(np.int64) * 10**8 + serial * 10, 0)


def bgd_short_numbers(area: IntArray, nth: IntArray) -> IntArray:
    """Issue 10-digit smart-card numbers: three digits of the area, six of serial, a check digit."""
    per_area = 240_000
    serial = _scatter(nth % per_area + (area // 900) * per_area, 6)
    return with_check((100 + area % 900).astype(np.int64) * 10**7 + serial * 10, 0)


def mistype(key: IntArray, rng: np.random.Generator) -> IntArray:
    """Replace one of the last digits of each number: the result is never an issued number."""
    width = np.where(key >= 10**12, 8, 7)
    power = 10 ** (rng.random(key.size) * width).astype(np.int64)
    digit = key // power % 10
    wrong: IntArray = key + ((digit + 1 + rng.integers(0, 9, key.size)) % 10 - digit) * power
    return wrong


def fabricate(prefix: IntArray, rng: np.random.Generator, power: int = 10**8) -> IntArray:
    """Invent well-formed numbers that fail the check sum, as a clerk does who has no card before him."""
    key = prefix.astype(np.int64) * power + rng.integers(power // 10, power, prefix.size)
    valid = check_sum(key) == 0
    return np.where(valid, key + np.where(key % 10 == 9, -1, 1), key)


def mobile_numbers(country: str, nth: IntArray) -> IntArray:
    """Return national mobile numbers without the leading zero, in ranges that no operator holds."""
    if country == "pak":
        spread = nth.astype(np.int64) * 104_395_301 % 299_999_977
        return np.array([36, 38, 39], dtype=np.int64)[spread // 10**8] * 10**8 + spread % 10**8
    # 0120 first; a large country runs on into 0121 and so on, as idle as the first.
    block, rest = nth.astype(np.int64) // 9_999_991, nth.astype(np.int64) % 9_999_991
    return 12 * 10**8 + block % 10 * 10**7 + rest * 6_700_417 % 9_999_991


def bank_accounts(nth: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return (check digits, bank 0-2, 16-digit account) of IBANs whose banks ZZAA, ZZBB, ZZCC do not exist.

    Source:
        ISO 13616: the letters read as 10-35, country and check digits last, modulo 97.
    """
    body = nth.astype(np.int64) * 2_971_215_073 % 8_999_999_999_999_993 + 10**15
    bank = nth.astype(np.int64) % 3
    letters = np.array([35_351_010, 35_351_111, 35_351_212], dtype=np.int64)[bank]
    residue = letters % 97
    for power, part in ((10**8, body // 10**8), (10**8, body % 10**8), (10**6, np.int64(252_000))):
        residue = (residue * (power % 97) + part) % 97
    return 98 - residue, bank, body
