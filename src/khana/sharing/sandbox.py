"""Made-up people for a partner's developer: no row of the registry, the same questions and answers.

Forty households from a fixed seed, with names in Latin, Urdu and Bangla script; the first person answers to the
number that public conformance suites ask for. Conditions are evaluated here, one record at a time.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from khana.sharing.population import Asked, Condition, FilterInvalid
from khana.sharing.searches import SORTABLE, Page, SortInvalid

_NAMES = (
    ("Amina Bibi", "آمنہ بی بی", "F"), ("Muhammad Aslam", "محمد اسلم", "M"), ("Rahima Begum", "রহিমা বেগম", "F"),
    ("Abdul Karim", "আব্দুল করিম", "M"), ("Zubaida Khatoon", "زبیدہ خاتون", "F"), ("Nasir Khan", "ناصر خان", "M"),
)  # fmt: skip
_COMPARE = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "lte": operator.le, "gt": operator.gt,
    "ge": operator.ge, "gte": operator.ge,
}  # fmt: skip
FIELDS = (
    "identifier", "name", "name_native", "sex", "birth_date", "age", "marital_status", "relation", "registered",
    "household_number", "district", "group_size", "poverty_score", "score_class", "registration_date", "members",
    "programmes", "benefits",
)  # fmt: skip


@lru_cache(maxsize=1)
def households() -> tuple[dict[str, Any], ...]:
    """Return the made-up households with their members."""
    chance = random.Random(20260101)  # noqa: S311 - made-up people, not secrets
    made = []
    for number in range(1, 41):
        score = round(chance.uniform(1, 60), 2) if number > 1 else 2.1
        size = chance.randint(1, 8)
        shared = {
            "household_number": f"SANDBOX-{number:04d}", "area_path": f"PK.PK1.PK10{1 + number % 3}.",
            "district": f"PK10{1 + number % 3}", "group_size": size, "poverty_score": score,
            "score_class": f"{int(score // 10) * 10}-{int(score // 10) * 10 + 10}",
            "registration_date": "2026-01-01T08:00:00+05:00",
        }  # fmt: skip
        members = [_member(number, line, chance, shared) for line in range(1, size + 1)]
        made.append({**shared, "id": number, "members": True, "member_rows": members})
    return tuple(made)


def _member(household: int, line: int, chance: random.Random, shared: Mapping[str, Any]) -> dict[str, Any]:
    name, native, sex = _NAMES[(household + line) % len(_NAMES)]
    age = (
        chance.randint(20, 24)
        if (household, line) == (1, 1)
        else chance.randint(18, 80)
        if line == 1
        else chance.randint(0, 70)
    )
    value = "TEST-001" if (household, line) == (1, 1) else f"SB{household:04d}{line:02d}"
    drawn = [{"programme": "SANDBOX-CASH", "period": "2026Q1", "amount": "100.00"}] if household % 2 else []
    return {
        **shared, "id": household * 100 + line, "name": name, "name_native": native, "sex": sex, "age": age,
        "birth_date": [2026 - age, 1, 1], "marital_status": "M" if age > 20 else "S",
        "relation": "head" if line == 1 else "child", "registered": True,
        "identifier": [{"type": "UIN", "value": value}], "programmes": drawn, "benefits": drawn,
    }  # fmt: skip


def _value(record: Mapping[str, Any], field: str) -> Any:
    if field == "registration_date":
        return date.fromisoformat(str(record[field])[:10])
    if field == "birth_date" and "birth_date" in record:
        return date(*record["birth_date"])
    if field in ("poverty_score", "group_size", "age") and field in record:
        return Decimal(str(record[field]))
    return record.get(field)


def _meets(asked: Asked, record: Mapping[str, Any]) -> bool:
    if not isinstance(asked, Condition):
        held = [_meets(part, record) for part in asked.parts]
        return not held[0] if asked.word == "not" else all(held) if asked.word == "and" else any(held)
    wanted: Sequence[Any] = asked.value if asked.operator == "in" else [asked.value]
    people = record.get("member_rows", [record])
    if asked.field == "identifier":
        return any(held["value"] in wanted for one in people for held in one["identifier"])
    if asked.field == "programmes":
        return any(row["programme"] in wanted for one in people for row in one["programmes"])
    value = _value(record, asked.field)
    if value is None:
        raise FilterInvalid(f"{asked.field} cannot be asked of this record.")
    if asked.operator == "in":
        return value in wanted
    return bool(_COMPARE[asked.operator](value, asked.value))


def find(
    asked: Asked, *, entity: str, sort: Sequence[tuple[str, str]] = (), page_size: int = 10, page_number: int = 1
) -> Page:
    """Return one page of made-up records; the sandbox of `searches.find`.

    Raises:
        FilterInvalid, SortInvalid: As there.
    """
    rows: Sequence[dict[str, Any]] = households()
    if entity != "Group":
        rows = [{**one, "persons": [one["id"]]} for household in rows for one in household["member_rows"]]
    found = [row for row in rows if _meets(asked, row)]
    for field, way in reversed(sort):
        if field not in SORTABLE or (found and _value(found[0], field) is None) or way not in ("asc", "desc"):
            raise SortInvalid("The sort names an attribute that is not known.")
        found.sort(key=lambda row: _value(row, field), reverse=way == "desc")
    start = (page_number - 1) * page_size
    return Page(tuple(found[start : start + page_size]), len(found), ())
