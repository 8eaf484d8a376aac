"""Units in which a question may be asked and the factor to the unit of the fact.

Source: Punjab Land Revenue Act units (kanal, marla); Bangladesh Bureau of Statistics (decimal, bigha); NIST (hectare).
"""

from __future__ import annotations

FACTORS: dict[tuple[str, str], float] = {
    ("kanal", "acre"): 1 / 8,
    ("marla", "acre"): 1 / 160,
    ("decimal", "acre"): 1 / 100,
    ("bigha", "acre"): 33 / 100,
    ("hectare", "acre"): 2.4710538,
    ("hour", "minute"): 60.0,
    ("kilometre", "metre"): 1000.0,
}


def convert(value: float, unit: str, to: str) -> float:
    """Return a number in another unit; the same where none is stated.

    Examples:
        >>> convert(12, "kanal", "acre"), convert(33, "decimal", "acre"), convert(5, "", "acre")
        (1.5, 0.33, 5)
    """
    if not unit or unit == to:
        return value
    return value * FACTORS[(unit, to)]
