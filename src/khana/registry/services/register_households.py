"""Register and amend whole households that came one by one, many in one transaction; end memberships.

The rows are prepared by who knows the form: this is the same way into the registry as that of a delivery, with the same two
clocks, the same rule of one verified number, and no batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.platform import bulk
from khana.registry.services import load_households, load_persons, staging

_MEMBERSHIP = "person_id, household_id, line_no, relation, is_member, is_present, spouse_line, father_line, mother_line, family_no"


def issue_numbers(count: int) -> list[str]:
    """Return new household numbers: an 8, nine digits of a sequence, a check digit that catches any one wrong digit.

    Eleven digits, as no personal number in use has, so that a desk's search never takes one for the other.
    """
    access.require("registry.write")
    cursor = bulk.raw_cursor()
    rows = cursor.execute("SELECT nextval('registry_household_id_seq') FROM generate_series(1, %s)", [count]).fetchall()
    return [f"8{number:09d}{check_digit(f'8{number:09d}')}" for (number,) in rows]


def check_digit(digits: str) -> int:
    """Return the Luhn check digit of some digits.

    Examples:
        >>> check_digit("7992739871")
        3

    Source:
        ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


def register_households(*, households: pa.Table, persons: pa.Table, at: datetime) -> dict[str, int]:
    """Write households with their members; a known number is amended, a known line is the same person.

    Args:
        households: One row a household in the columns of the loader's staging table; `facts` as JSON text.
        persons: One row a line of a roster, likewise; numbers sealed.
        at: Recorded at.

    Returns:
        Counts: households, new_households, persons, new_persons, numbers, disputed.
    """
    into = load_households.HouseholdLoader()
    staging.stage(load_households.NAME, load_households.COLUMNS, households)
    written = into.finish(batch_id=None, at=at)
    members = load_persons.PersonLoader()
    staging.stage(load_persons.NAME, load_persons.COLUMNS, persons)
    refused = members.orphans().num_rows
    people = members.finish(batch_id=None, at=at)
    return {
        "households": households.num_rows, "new_households": written["new_files"], "persons": persons.num_rows - refused,
        "new_persons": people["new_files"], "numbers": people["numbers"],
    }  # fmt: skip


def end_memberships(*, household_id: int, lines: Sequence[int], on: date, at: datetime) -> int:
    """End the membership of some lines of a household from a day on; what was known stays on the second clock."""
    access.require("registry.write")
    cursor = bulk.raw_cursor()
    cursor.execute(
        f"""INSERT INTO registry_membership (area_path, valid_from, valid_to, recorded_at, superseded_at, batch_id, {_MEMBERSHIP})
            SELECT area_path, valid_from, greatest(%s, valid_from), %s, NULL, batch_id, {_MEMBERSHIP} FROM registry_membership
            WHERE household_id = %s AND line_no = ANY (%s) AND superseded_at IS NULL AND valid_to IS NULL""",
        [on, at, household_id, list(lines)],
    )
    ended = cursor.rowcount
    cursor.execute(
        """UPDATE registry_membership SET superseded_at = %s
           WHERE household_id = %s AND line_no = ANY (%s) AND superseded_at IS NULL AND valid_to IS NULL AND recorded_at < %s""",
        [at, household_id, list(lines), at],
    )
    return ended


def household_ids(numbers: Sequence[str]) -> dict[str, int]:
    """Return the ids of households by number, within the scope."""
    cursor: Any = bulk.raw_cursor()
    return dict(
        cursor.execute("SELECT number, id FROM registry_household WHERE number = ANY (%s)", [list(numbers)]).fetchall()
    )
