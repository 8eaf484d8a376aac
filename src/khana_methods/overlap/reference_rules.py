"""Ages, areas, quantiles and eligibility as their definitions read: part of the slow reference.

Ages are completed years. A date that is known only in part is taken at both of its ends.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from khana_methods.overlap.parameters import Parameters

Row = Mapping[str, Any]
Birth = tuple[int, int | None, int | None]


def quantile(values: Sequence[float], percentile: float) -> float | None:
    """Give the smallest value that at least this percentage of all values do not exceed.

    Examples:
        >>> quantile([10.0, 20.0, 30.0, 40.0, 50.0], 80)
        40.0
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(len(values) * percentile / 100) - 1)]


def age_on(born: tuple[int, int, int], day: date) -> int:
    """Count completed years.

    Examples:
        >>> age_on((2000, 6, 30), date(2026, 6, 29))
        25
    """
    return day.year - born[0] - ((born[1], born[2]) > (day.month, day.day))


def birth_of(row: Row) -> Birth | None:
    """Read the partial date of birth, None where not even the year is known."""
    if row["birth_year"] is None:
        return None
    return (row["birth_year"], row["birth_month"], row["birth_day"])


def age_range(programme: Row, sex: str) -> tuple[int | None, int | None]:
    """Give the least and greatest age that a programme admits for one sex."""
    least = programme["min_age"]
    if sex == "F" and programme["min_age_female"] is not None:
        least = programme["min_age_female"]
    return least, programme["max_age"]


def is_out_of_range(
    stated: Birth | None, proven: date | None, day: date, least: int | None, most: int | None
) -> tuple[bool, int]:
    """Tell whether every known date lies surely outside the range, and the age to show.

    Examples:
        >>> is_out_of_range((2000, None, None), None, date(2026, 1, 1), 18, 25)
        (False, 25)
        >>> is_out_of_range((2015, None, None), None, date(2026, 1, 1), 18, None)
        (True, 10)
    """
    verdicts = []
    age = 0
    if stated is not None:
        year, month, dom = stated
        oldest = age_on((year, month or 1, dom or 1), day)
        age = age_on((year, month or 12, dom or 31), day)
        verdicts.append((least is not None and oldest < least) or (most is not None and age > most))
    if proven is not None:
        age = age_on((proven.year, proven.month, proven.day), day)
        verdicts.append((least is not None and age < least) or (most is not None and age > most))
    return bool(verdicts) and all(verdicts), age


def area_lies_in(area: str, inside: Sequence[str], areas: Sequence[Row]) -> bool:
    """Tell whether an area is one of these or lies under one of them."""
    parents = {row["area_code"]: row["parent_code"] for row in areas}
    if area not in parents:
        return any(area.startswith(code) for code in inside)
    while area:
        if area in inside:
            return True
        area = parents.get(area, "")
    return False


def eligible_codes(
    frames: Mapping[str, Sequence[Row]],
    household_id: int,
    area: str,
    score: float,
    held: set[str],
    parameters: Parameters,
) -> list[str]:
    """List the programmes that some member of a household could receive, by the catalogue."""
    members = [
        row
        for row in frames["person_frame"]
        if row["household_id"] == household_id and row["is_member"] and row["birth_year"] is not None
    ]
    codes = []
    for programme in frames["programme_frame"]:
        limit = programme["max_score"]
        if limit is None:
            limit = parameters.poor_cutoff if programme["poverty_targeted"] else 100.0
        there = not programme["areas"] or area_lies_in(area, programme["areas"], frames["area_frame"])
        free = not (held & ({programme["code"]} | set(programme["incompatible_with"])))
        ready = not programme["requires"] or programme["requires"] in held
        fits = any(_fits(programme, member, parameters.as_of) for member in members)
        if score <= limit and there and free and ready and fits:
            codes.append(programme["code"])
    return sorted(codes)


def _fits(programme: Row, member: Row, day: date) -> bool:
    least, most = age_range(programme, member["sex"])
    born = (member["birth_year"], member["birth_month"] or 1, member["birth_day"] or 1)
    age = max(0, age_on(born, day))
    return programme["sex"] in ("", member["sex"]) and (least is None or age >= least) and (most is None or age <= most)
