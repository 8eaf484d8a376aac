"""A frozen list becomes enrolments: who was selected is SELECTED, reserve and waiting list are WAITLISTED; then notices.

Set operations in one transaction, the same list twice changes nothing. Who has left the programme before is not brought
back by a list: she is counted, and a person lets her in again.
"""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.moves import held_by_the_database
from khana.platform import bulk

ROWS = [
    ("token", "bytea"), ("person_id", "bigint"), ("household_number", "text DEFAULT ''"), ("area_path", "text DEFAULT ''"),
    ("state", "text"),
]  # fmt: skip
# SELECTED sorts before WAITLISTED: whoever stands twice stands where it is best for her
_BEST = "(SELECT DISTINCT ON (token) * FROM _listed ORDER BY token, state)"
_BEGIN = f"""INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, person_id, household_number, source_code,
        state, state_at, changed_by, actor_id, reason, note, is_chosen, created_at)
    SELECT %(programme)s, %(agency)s, s.area_path, s.token, s.person_id, s.household_number, '', s.state, %(at)s,
        'HUMAN', %(actor)s, '', %(note)s, false, %(at)s
    FROM {_BEST} s ON CONFLICT (programme, id_token) DO NOTHING"""
_MOVE_UP = f"""UPDATE beneficiaries_enrolment e SET state = s.state, state_at = %(at)s, changed_by = 'HUMAN', actor_id = %(actor)s,
        reason = '', note = %(note)s, person_id = s.person_id, household_number = s.household_number
    FROM {_BEST} s WHERE e.programme = %(programme)s AND e.id_token = s.token AND e.created_at < %(at)s
        AND ((s.state = 'SELECTED' AND e.state IN ('IDENTIFIED', 'WAITLISTED')) OR (s.state = 'WAITLISTED' AND e.state = 'IDENTIFIED'))"""
_LEFT_ALONE = f"""SELECT count(*) FILTER (WHERE e.state IN ('EXITED', 'GRADUATED', 'DECLINED')),
        count(*) FILTER (WHERE e.state NOT IN ('EXITED', 'GRADUATED', 'DECLINED'))
    FROM {_BEST} s JOIN beneficiaries_enrolment e ON e.programme = %(programme)s AND e.id_token = s.token WHERE e.state_at <> %(at)s"""


def enrol_from_list(*, code: str, programme: str, agency: str, rows: pa.Table, at: datetime) -> dict[str, int]:
    """Take a frozen list over as enrolments.

    Args:
        code: The list; each enrolment bears it as its note.
        programme: Of the list.
        agency: Whose programme it is.
        rows: The columns of `ROWS`: one a person, `state` SELECTED or WAITLISTED.
        at: When.

    Returns:
        `selected` and `wait_listed` (begun now), `moved_up` (known before, now selected or waiting), `on_it_already` and
        `left_before` (left as they are).

    Raises:
        MoveRefused: A row has another state.
    """
    access.require("benefits.write")
    asked = {"programme": programme, "agency": agency, "at": at, "actor": access.actor_id(), "note": note_of(code)}
    with held_by_the_database():
        cursor = bulk.raw_cursor()
        bulk.make_staging(cursor, "_listed", ROWS)
        bulk.copy_in(cursor, "_listed", rows.select([name for name, _ in ROWS]))
        moved = cursor.execute(_MOVE_UP.encode(), asked).rowcount
        cursor.execute(_BEGIN.encode(), asked)
        begun = dict(
            cursor.execute(
                """SELECT state, count(*) FROM beneficiaries_enrolment WHERE programme = %(programme)s AND created_at = %(at)s
                   AND note = %(note)s GROUP BY state""",
                asked,
            ).fetchall()
        )
        left, on_it = cursor.execute(_LEFT_ALONE.encode(), asked).fetchall()[0]
        counts = {
            "selected": int(begun.get("SELECTED", 0)), "wait_listed": int(begun.get("WAITLISTED", 0)), "moved_up": int(moved),
            "on_it_already": int(on_it), "left_before": int(left),
        }  # fmt: skip
        audit.record(action="beneficiaries.list.enrolled", subject=f"list:{code}", details=counts, at=at)
    return counts


def notify_list(*, code: str, programme: str, at: datetime) -> int:
    """Record that everybody whom a list selected was told; return how many within the scope."""
    access.require("benefits.write")
    with held_by_the_database():
        cursor = bulk.raw_cursor()
        cursor.execute(
            """UPDATE beneficiaries_enrolment SET state = 'NOTIFIED', state_at = %(at)s, changed_by = 'HUMAN', actor_id = %(actor)s,
               reason = '', note = %(note)s WHERE programme = %(programme)s AND state = 'SELECTED' AND note = %(note)s""",
            {"programme": programme, "note": note_of(code), "at": at, "actor": access.actor_id()},
        )
        told = int(cursor.rowcount)
        audit.record(action="beneficiaries.list.notified", subject=f"list:{code}", details={"notified": told}, at=at)
    return told


def note_of(code: str) -> str:
    """Return what an enrolment says of the list that it comes from.

    Examples:
        >>> note_of("KFL-1")
        'list KFL-1'
    """
    return f"list {code}"
