"""What a part of a rule gives: its kind, its unit, its period, and whose money it is.

Units multiply and divide (rooms over persons); a flow of money keeps its period until `per_year` or its
sisters convert it. Only months, quarters, half-years and years convert: their factors are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from khana_methods.rules.expression import PERIODS_IN_YEAR
from khana_methods.rules.facts import Fact

_KINDS = {
    "text": "text",
    "area": "text",
    "integer": "number",
    "decimal": "number",
    "money": "number",
    "boolean": "boolean",
    "date": "date",
    "code": "code",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """Kind, units with their powers, period of a flow, owner of money, codes; `bare` takes any unit."""

    kind: str
    units: tuple[tuple[str, int], ...] = ()
    period: str = ""
    owner: str = ""
    bare: bool = False
    codes: tuple[tuple[str, str], ...] = ()

    def times(self, other: Quantity) -> Quantity:
        """Return the product's quantity."""
        return Quantity(
            "number",
            units=_joined(self.units, other.units, 1),
            period=self.period or other.period,
            owner=self.owner or other.owner,
            bare=self.bare and other.bare,
        )

    def over(self, other: Quantity) -> Quantity:
        """Return the quotient's quantity; equal periods cancel."""
        units = _joined(self.units, other.units, -1)
        return Quantity(
            "number",
            units=units,
            period="" if other.period else self.period,
            owner=self.owner if ("currency", 1) in units else "",
            bare=self.bare and other.bare,
        )

    def per(self, period: str) -> Quantity:
        """Return the same flow over another period."""
        return replace(self, period=period)

    def owned(self, owner: str) -> Quantity:
        """Return the same money of another owner."""
        return replace(self, owner=owner) if self.owner else self


ANYTHING = Quantity("any")
BOOLEAN = Quantity("boolean")


def _joined(
    left: tuple[tuple[str, int], ...], right: tuple[tuple[str, int], ...], sign: int
) -> tuple[tuple[str, int], ...]:
    powers = dict(left)
    for unit, power in right:
        powers[unit] = powers.get(unit, 0) + sign * power
    return tuple(sorted((unit, power) for unit, power in powers.items() if power))


def of_fact(fact: Fact, entity: str) -> Quantity:
    """Return what a fact of the catalogue gives, seen from one entity.

    A share has no unit; money divided by a unit (`per`) carries both.
    """
    units = [(fact.unit, 1)] if fact.unit and fact.unit != "share_0_1" else []
    if fact.per:
        units.append((fact.per, -1))
    return Quantity(
        _KINDS.get(fact.type, "any"),
        units=tuple(sorted(units)),
        period=fact.period,
        owner=entity if fact.type == "money" else "",
        codes=tuple(fact.codes.items()),
    )


def in_words(quantity: Quantity) -> str:
    """Say a quantity's unit.

    Examples:
        >>> in_words(Quantity("number", units=(("person", -1), ("room", 1))))
        'rooms per person'
    """
    above = [plural(unit) for unit, power in quantity.units for _ in range(power)]
    below = [unit for unit, power in quantity.units for _ in range(-power)]
    return " ".join([" ".join(above) or "a plain number", *(f"per {unit}" for unit in below)])


def plural(unit: str) -> str:
    """Write a unit in the plural."""
    return unit if unit in ("currency", "points") else f"{unit}s"


def same_measure(left_text: str, left: Quantity, right_text: str, right: Quantity) -> str:
    """Say why two numbers cannot be held against each other, and what to write; empty where they can."""
    if left.bare or right.bare:
        return ""
    if left.units != right.units:
        return f"'{left_text}' is in {in_words(left)} and '{right_text}' in {in_words(right)}."
    if left.owner and right.owner and left.owner != right.owner:
        return f"'{left_text}' is money of one {left.owner} and '{right_text}' of one {right.owner}."
    if left.period != right.period:
        told = [
            f"'{text}' is per {side.period or 'no period'}" for text, side in ((left_text, left), (right_text, right))
        ]
        hint = ""
        if left.period in PERIODS_IN_YEAR and right.period in PERIODS_IN_YEAR:
            hint = f" Write per_{right.period}({left_text})."
        return f"{told[0]} and {told[1]}.{hint}"
    return ""
