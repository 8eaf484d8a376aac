"""Indicators for everybody, under differential privacy: counts with noise, shares worked out from them, nothing else.

Only what counts each household or recipient once can be released: a share or a number of households. Sums of members, of money
and of months are left out, because one household may add any amount to them. Groups are left out: they would cost as much again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from khana_methods.coverage.framework import Framework, rule_of
from khana_methods.coverage.indicators import Value
from khana_methods.coverage.safe_values import SafeValue
from khana_methods.disclosure.private_counts import Released, release
from khana_methods.rules.quantity import BOOLEAN

NOT_RELEASED = "not_released"
UNITS = frozenset(
    {"household", "recipient"}
)  # a person may have several enrolments and grievances: one more is not one count


@dataclass(frozen=True, slots=True)
class PrivateValues:
    """Values with noise, and what they cost; `left_out` are indicators that count no unit once."""

    values: list[SafeValue]
    released: Released
    left_out: list[str]


def make_private(
    values: Sequence[Value], framework: Framework, areas: Mapping[str, int], *, parameters: Mapping[str, float], epsilon: float
) -> PrivateValues:  # fmt: skip
    """Release the counts of indicators for a fixed list of areas.

    Args:
        values: Of one snapshot.
        framework: Theirs.
        areas: Every area that is spoken of, by code, to its level: those where nobody stands too, or their absence would tell.
        parameters: Values that the rules of the snapshot named.
        epsilon: Budget of the release, for one household or recipient.

    Raises:
        BudgetWrong: See there.
    """
    exact = {(v.indicator, v.area_code): v for v in values if not v.group_by}
    parts: dict[str, list[tuple[str, bool]]] = {}  # a count that two indicators share is released once
    left_out = []
    for one in framework.indicators:
        texts = [one.numerator, *([one.denominator] if one.denominator else [])]
        if one.relation not in UNITS or any(rule_of(one, text, parameters).quantity != BOOLEAN for text in texts):
            left_out.append(one.code)
            continue
        for text, is_below in zip(texts, (False, True), strict=False):
            parts.setdefault(f"{one.relation}: {text}", []).append((one.code, is_below))
    levels = sorted(set(areas.values()))
    codes = {level: sorted(code for code, own in areas.items() if own == level) for level in levels}
    tables = {}
    for text, uses in parts.items():
        code, is_below = uses[0]
        for level in levels:
            tables[f"{text} @{level}"] = [_count(exact.get((code, area)), is_below) for area in codes[level]]
    made = release(tables, epsilon)
    noisy = {
        (text, area): count
        for text in parts for level in levels
        for area, count in zip(codes[level], made.tables[f"{text} @{level}"], strict=True)
    }  # fmt: skip
    return PrivateValues(_values(framework, areas, parts, noisy), made, left_out)


def _count(value: Value | None, is_below: bool) -> int:
    if value is None:
        return 0
    return round((value.denominator or 0.0) if is_below else value.numerator)


def _values(
    framework: Framework, areas: Mapping[str, int], parts: Mapping[str, Sequence[tuple[str, bool]]],
    noisy: Mapping[tuple[str, str], int],
) -> list[SafeValue]:  # fmt: skip
    above = {code: text for text, uses in parts.items() for code, is_below in uses if not is_below}
    below = {code: text for text, uses in parts.items() for code, is_below in uses if is_below}
    made = []
    for one in framework.indicators:
        if one.code not in above:
            continue
        for area, level in areas.items():
            n = noisy[above[one.code], area]
            d = noisy[below[one.code], area] if one.code in below else None
            value = float(n) if d is None else min(1.0, n / d) if d else None
            made.append(SafeValue(one.code, area, level, "", "", float(n), None if d is None else float(d), value, ""))
    return made
