"""Figures that may leave: small cells hidden, and what would give them away by subtraction.

A cell is small where it counts fewer than a threshold, in its numerator, its denominator or what is between them. Areas
under one parent add up to it and groups add up to everybody, so further cells are hidden until no small one can be worked
out; a hidden parent takes some of its areas with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from khana_methods.coverage.indicators import Value

# of these one is a person or a home; rows of lists and budgets are not
COUNTED = frozenset({"household", "recipient", "enrolment", "grievance"})
Key = tuple[str, str, str, str]  # indicator, area, group by, group value


@dataclass(frozen=True, slots=True)
class SafeValue:
    """One value as it may be shown: nothing but its place where it is hidden.

    `hidden` is empty, `small` or `complementary`.
    """

    indicator: str
    area_code: str
    area_level: int
    group_by: str
    group_value: str
    numerator: float | None
    denominator: float | None
    value: float | None
    hidden: str


def make_safe(
    values: Sequence[Value], relations: Mapping[str, str], parents: Mapping[str, str], *, threshold: int = 5
) -> list[SafeValue]:
    """Hide small cells and their neighbours.

    Args:
        values: Of one snapshot.
        relations: Indicator to relation: only counts of households, recipients, enrolments and grievances are small.
        parents: Area to the area above it.
        threshold: Counts below it are small; zero is not.

    Source:
        Hundepool et al. 2012, Statistical Disclosure Control, ch. 4: each row and column by itself, from the top down;
        an attacker who joins several tables is not audited (`disclosure.tables.protect` does that for one).
    """
    hidden: dict[Key, str] = {}
    asked = [v for v in values if relations.get(v.indicator) in COUNTED]
    for table in _tables(asked, parents):
        counts = dict(table)
        for part in range(3):
            cells = {key: parts[part] for key, parts in counts.items() if parts[part] is not None}
            for key, why in _hidden_of({key: int(n or 0) for key, n in cells.items()}, threshold).items():
                if why == "small":
                    hidden[key] = why
                else:
                    hidden.setdefault(key, why)
    _below_hidden_parents(asked, parents, hidden)
    return [_shown(value, hidden.get(_key(value), "")) for value in values]


def _hidden_of(cells: Mapping[Key, int], threshold: int) -> dict[Key, str]:
    """Hide the small cells of one row that adds up to a shown total, and the smallest others until it holds.

    What is hidden adds up to a known sum, so each hidden cell lies between nothing and that sum: two cells at least are
    hidden, and together they count as much as the threshold.

    Examples:
        >>> a, b, c = ("i", "a", "", ""), ("i", "b", "", ""), ("i", "c", "", "")
        >>> sorted(key[1] for key in _hidden_of({a: 2, b: 40, c: 30}, 5))
        ['a', 'c']
    """
    small = {key: "small" for key, n in cells.items() if 0 < n < threshold}
    if not small:
        return {}
    rest = sorted((key for key in cells if key not in small), key=lambda key: (cells[key] == 0, cells[key], key))
    while rest and (len(small) < 2 or sum(cells[key] for key in small) < threshold):
        small[rest.pop(0)] = "complementary"
    return small


def _key(value: Value) -> Key:
    return (value.indicator, value.area_code, value.group_by, value.group_value)


def _parts(value: Value) -> tuple[int | None, int | None, int | None]:
    """Return the three counts that a value tells: numerator, denominator, and who is between them."""
    above = _whole(value.numerator)
    below = None if value.denominator is None else _whole(value.denominator)
    between = below - above if below is not None and above is not None and below >= above else None
    return above, below, between


def _whole(number: float) -> int | None:
    return round(number) if number >= 0 and abs(number - round(number)) < 1e-9 else None


def _tables(
    values: Iterable[Value], parents: Mapping[str, str]
) -> Iterable[dict[Key, tuple[int | None, int | None, int | None]]]:
    """Yield what adds up: areas under one parent, and groups of one area."""
    by_parent: dict[tuple[str, ...], dict[Key, tuple[int | None, int | None, int | None]]] = defaultdict(dict)
    for value in values:
        key, parts = _key(value), _parts(value)
        if value.area_level > 0:
            place = ("area", value.indicator, parents.get(value.area_code, ""), value.group_by, value.group_value)
            by_parent[place][key] = parts
        else:
            by_parent["alone", value.indicator, value.area_code, value.group_by, value.group_value][key] = parts
        if value.group_by:
            by_parent["group", value.indicator, value.area_code, value.group_by][key] = parts
    return by_parent.values()


def _below_hidden_parents(values: Sequence[Value], parents: Mapping[str, str], hidden: dict[Key, str]) -> None:
    """Hide the two smallest areas of a hidden parent: else their sum tells it. From the top down."""
    children: dict[Key, list[Value]] = defaultdict(list)
    for value in values:
        if value.area_level > 0:
            above = (value.indicator, parents.get(value.area_code, ""), value.group_by, value.group_value)
            children[above].append(value)
    for value in sorted(values, key=lambda v: v.area_level):
        inner = children.get(_key(value), [])
        if hidden.get(_key(value)) and inner and sum(1 for one in inner if hidden.get(_key(one))) < 2:
            for one in sorted(inner, key=lambda v: v.numerator)[:2]:
                hidden.setdefault(_key(one), "complementary")


def _shown(value: Value, why: str) -> SafeValue:
    place = (value.indicator, value.area_code, value.area_level, value.group_by, value.group_value)
    if why:
        return SafeValue(*place, None, None, None, why)
    return SafeValue(*place, value.numerator, value.denominator, value.value, "")
