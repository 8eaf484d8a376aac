"""Changes of the register that follow from civil registration once a human has accepted them; two clocks as always.

Each function writes new versions and closes old ones; what was known stays readable as of any earlier day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk
from khana.registry.services import load_persons, staging
from khana.registry.services.register_households import end_memberships
from khana_methods.errors import Conflict

_CURRENT = "superseded_at IS NULL AND valid_to IS NULL"


class ChangeImpossible(Conflict):
    """The file is not as the change needs it: gone, dead, or merged meanwhile."""

    code: ClassVar[str] = "registry.civil.impossible"


def _amend(person_ids: Sequence[int], changes: str, values: dict[str, Any], on: date, at: datetime) -> int:
    """Write a new version of persons from a day on; `changes` are assignments over the staged copy of the current one."""
    cursor = bulk.raw_cursor()
    names = ", ".join(load_persons.VERSION)
    cursor.execute("DROP TABLE IF EXISTS pg_temp._amended")
    cursor.execute(
        f"""CREATE TEMP TABLE _amended ON COMMIT DROP AS
            SELECT DISTINCT ON (person_id) person_id, false AS is_new, area_path, greatest(%(on)s::date, valid_from) AS valid_from,
                   {names}
            FROM registry_personversion WHERE person_id = ANY (%(who)s) AND {_CURRENT} ORDER BY person_id, id DESC""".encode(),
        {"on": on, "who": list(person_ids)},
    )
    cursor.execute(f"UPDATE _amended SET {changes}".encode(), values)
    return staging.write_versions(
        cursor, staging="_amended", table="registry_personversion", key="person_id", columns=load_persons.VERSION, at=at,
        batch_id=None,
    )  # fmt: skip


def record_death(*, person_id: int, on: date, at: datetime) -> dict[str, Any]:
    """Write that a person died and end her memberships on that day; needs `registry.write`.

    Returns:
        `memberships_ended`, and `heads` of them: households that need another head.

    Raises:
        ChangeImpossible: There is no current version of her file in scope.
    """
    access.require("registry.write")
    cursor = bulk.raw_cursor()
    lines = cursor.execute(
        f"SELECT household_id, line_no, relation FROM registry_membership WHERE person_id = %s AND {_CURRENT}".encode(),
        [person_id],
    ).fetchall()
    changes = "facts = facts || jsonb_build_object('life_status', 'DECEASED', 'death_date', %(died)s::text)"
    if not _amend([person_id], changes, {"died": on.isoformat()}, on, at):
        raise ChangeImpossible("This file has no current version within your area.", person=person_id)
    for household, line, _relation in lines:
        end_memberships(household_id=household, lines=[line], on=on, at=at)
    heads = sum(relation == "head" for _household, _line, relation in lines)
    changed = {"memberships_ended": len(lines), "heads": heads}
    audit.record(action="registry.person.died", subject=f"person:{person_id}", details=changed, at=at)
    return changed


def add_newborn(
    *,
    household_id: int,
    parents: Sequence[int],
    on: date,
    at: datetime,
    name: str = "",
    name_native: str = "",
    sex: str = "",
) -> dict[str, Any]:
    """Add a child that was born as a member of her parent's household, on the next line; needs `registry.write`.

    Args:
        household_id: Of the parent.
        parents: Files of one or both; which is father or mother follows from their sex.
        on: Day of birth.
        at: Recorded at.
        name: As told; may be empty.
        name_native: In her own script.
        sex: M, F, O or empty.

    Returns:
        `person_id` and `line_no` of the child.

    Raises:
        ChangeImpossible: No parent is a current member of the household.
    """
    access.require("registry.write")
    cursor = bulk.raw_cursor()
    held = cursor.execute(
        b"""SELECT m.line_no, m.relation, v.sex, h.number, h.area_path FROM registry_membership m
            JOIN registry_household h ON h.id = m.household_id
            JOIN registry_personversion v ON v.person_id = m.person_id AND v.superseded_at IS NULL AND v.valid_to IS NULL
            WHERE m.household_id = %s AND m.person_id = ANY (%s) AND m.superseded_at IS NULL AND m.valid_to IS NULL""",
        [household_id, list(parents)],
    ).fetchall()
    if not held:
        raise ChangeImpossible("No parent of this child is a member of the household any more.", household=household_id)
    (line,) = cursor.execute(
        "SELECT coalesce(max(line_no), 0) + 1 FROM registry_membership WHERE household_id = %s", [household_id]
    ).fetchone() or (1,)
    lines = {kind: next((row[0] for row in held if row[2] == kind), None) for kind in ("F", "M")}
    relation = "child" if any(row[1] in ("head", "spouse") for row in held) else "grandchild"
    loader = load_persons.PersonLoader()
    cursor.execute(
        """INSERT INTO _person (line, household_number, line_no, valid_from, name, name_native, sex, birth_year, birth_month,
               birth_day, marital, relation, is_member, is_present, father_line, mother_line, facts)
           VALUES (1, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'S', %s, true, true, %s, %s, '{"from": "civil_registration"}')""",
        [held[0][3], line, on, name, name_native, sex, on.year, on.month, on.day, relation, lines["M"], lines["F"]],
    )
    if loader.orphans().num_rows:
        raise ChangeImpossible("The household of this child is not there any more.", household=household_id)
    loader.finish(batch_id=None, at=at)
    (person,) = cursor.execute(
        f"SELECT person_id FROM registry_membership WHERE household_id = %s AND line_no = %s AND {_CURRENT}".encode(),
        [household_id, line],
    ).fetchone() or (0,)
    audit.record(action="registry.person.born", subject=f"person:{person}", details={"household": household_id}, at=at)
    return {"person_id": int(person), "line_no": int(line)}


def change_marital(*, person_ids: Sequence[int], marital: str, on: date, at: datetime) -> dict[str, Any]:
    """Write that people married or divorced; where both live in one household each points at the other's line.

    Who moves to whose household is not decided here: that is an amendment of the households.

    Raises:
        ChangeImpossible: None of them has a current version in scope.
    """
    access.require("registry.write")
    changed = _amend(person_ids, "marital = %(marital)s", {"marital": marital}, on, at)
    if not changed:
        raise ChangeImpossible("These files say that already, or lie outside your area.", persons=list(person_ids))
    pointed = _point_at_each_other(person_ids, marital == "M", on, at) if len(person_ids) == 2 else 0
    details = {"versions": changed, "spouse_lines": pointed}
    for person in person_ids:
        audit.record(action="registry.person.marital", subject=f"person:{person}", details=details, at=at)
    return details


def _point_at_each_other(person_ids: Sequence[int], married: bool, on: date, at: datetime) -> int:
    cursor = bulk.raw_cursor()
    names = ", ".join(load_persons.MEMBERSHIP)
    cursor.execute("DROP TABLE IF EXISTS pg_temp._placed")
    cursor.execute(
        f"""CREATE TEMP TABLE _placed ON COMMIT DROP AS
            SELECT person_id, false AS is_new, area_path, greatest(%s::date, valid_from) AS valid_from, {names}
            FROM registry_membership WHERE person_id = ANY (%s) AND {_CURRENT}""".encode(),
        [on, list(person_ids)],
    )
    cursor.execute(
        """UPDATE _placed p SET spouse_line = CASE WHEN %s THEN o.line_no END FROM _placed o
           WHERE o.household_id = p.household_id AND o.person_id <> p.person_id""",
        [married],
    )
    if cursor.rowcount != 2:
        return 0
    return staging.write_versions(
        cursor, staging="_placed", table="registry_membership", key="person_id", columns=load_persons.MEMBERSHIP, at=at,
        batch_id=None,
    )  # fmt: skip
