"""What the registry knows of some households and numbers, in few statements: for who prepares an amendment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from khana.platform import bulk


@dataclass
class KnownMember:
    """One current member: her line, what is known of her, the tokens of her numbers."""

    person_id: int
    line_no: int
    name: str
    sex: str
    birth_year: int | None
    facts: Mapping[str, Any]
    columns: Mapping[str, Any]
    tokens: set[bytes] = field(default_factory=set)


@dataclass
class KnownHousehold:
    """One household as it is known now."""

    id: int
    number: str
    area_path: str
    facts: Mapping[str, Any]
    columns: Mapping[str, Any]
    members: list[KnownMember] = field(default_factory=list)


_HOUSEHOLD = ("address", "latitude", "longitude", "mobile_token", "mobile_ciphertext", "consent", "valid_from")
_PERSON = ("name_native", "guardian_name", "birth_month", "birth_day", "marital", "mobile_token", "mobile_ciphertext",
           "relation", "is_member", "is_present", "spouse_line", "father_line", "mother_line")  # fmt: skip


def _facts(value: Any) -> Mapping[str, Any]:
    """Return facts from JSON, which Django's connection hands on as text."""
    found: Mapping[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found or {}


def households(ids: Sequence[int]) -> dict[int, KnownHousehold]:
    """Return households with their current members, by id."""
    cursor = bulk.raw_cursor()
    wanted = list(ids)
    found: dict[int, KnownHousehold] = {}
    rows = cursor.execute(
        f"""SELECT h.id, h.number, h.area_path, v.facts, {", ".join(f"v.{name}" for name in _HOUSEHOLD)}
            FROM registry_household h LEFT JOIN registry_householdversion v
              ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE h.id = ANY (%s)""",
        [wanted],
    ).fetchall()
    for row in rows:
        columns = dict(zip(_HOUSEHOLD, row[4:], strict=True))
        found[row[0]] = KnownHousehold(row[0], row[1], row[2], _facts(row[3]), columns)
    if not found:
        return found
    people: dict[int, KnownMember] = {}
    rows = cursor.execute(
        f"""SELECT m.household_id, m.person_id, m.line_no, v.name, v.sex, v.birth_year, v.facts,
                   {", ".join(f"{'m' if name in _OF_MEMBERSHIP else 'v'}.{name}" for name in _PERSON)}
            FROM registry_membership m JOIN registry_personversion v
              ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE m.household_id = ANY (%s) AND m.superseded_at IS NULL AND m.valid_to IS NULL ORDER BY m.line_no""",
        [wanted],
    ).fetchall()
    for row in rows:
        member = KnownMember(
            row[1], row[2], row[3], row[4], row[5], _facts(row[6]), dict(zip(_PERSON, row[7:], strict=True))
        )
        found[row[0]].members.append(member)
        people[row[1]] = member
    numbers = cursor.execute(
        "SELECT person_id, token FROM registry_identifier WHERE person_id = ANY (%s) AND retired_at IS NULL",
        [list(people)],
    ).fetchall()
    for person, token in numbers:
        people[person].tokens.add(bytes(token))
    return found


_OF_MEMBERSHIP = frozenset({"relation", "is_member", "is_present", "spouse_line", "father_line", "mother_line"})


def holders(tokens: Sequence[bytes]) -> dict[bytes, set[int]]:
    """Return, for each number that a current member of a household shows, the ids of those households."""
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT i.token, m.household_id FROM registry_identifier i JOIN registry_membership m ON m.person_id = i.person_id
           WHERE i.token = ANY (%s) AND i.retired_at IS NULL AND m.superseded_at IS NULL AND m.valid_to IS NULL""",
            [list(tokens)],
        )
        .fetchall()
    )
    found: dict[bytes, set[int]] = {}
    for token, household in rows:
        found.setdefault(bytes(token), set()).add(household)
    return found
