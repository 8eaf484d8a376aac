"""What a scheme's own system delivers, taken over as states: who is enrolled, who left and why, who met the conditions.

Set operations over the rows in force. A machine never lifts what a person suspended, nor brings back who has left:
such rows are counted and listed instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.moves import EXIT_REASONS, held_by_the_database
from khana.platform import bulk

_NEWEST = """(SELECT DISTINCT ON (b.programme, b.id_token) b.programme, b.agency, b.area_path, b.id_token, b.source_code, b.batch_id,
        b.facts, b.period_start, b.period_end
    FROM beneficiaries_benefit b
    WHERE b.id_token IS NOT NULL AND b.batch_id <> ALL (%(replaced)s::bigint[]) AND {only}
    ORDER BY b.programme, b.id_token, b.period_start DESC NULLS LAST, b.id DESC)"""
_BEGIN = f"""INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, household_number, source_code, batch_id,
        state, state_at, changed_by, actor_id, reason, note, enrolled_date, is_chosen, created_at)
    SELECT n.programme, n.agency, n.area_path, n.id_token, '', n.source_code, n.batch_id, 'ENROLLED', %(at)s, 'MIS', %(actor)s, '', '',
        coalesce((n.facts->>'start_date')::date, n.period_start), false, %(at)s
    FROM {_NEWEST.format(only="(b.source_code = %(source)s OR %(source)s = '')")} n
    ON CONFLICT (programme, id_token) DO NOTHING"""
_ENROL = f"""UPDATE beneficiaries_enrolment e SET state = 'ENROLLED', state_at = %(at)s, changed_by = 'MIS', actor_id = %(actor)s,
        reason = '', note = '', batch_id = n.batch_id,
        enrolled_date = coalesce(e.enrolled_date, (n.facts->>'start_date')::date, n.period_start)
    FROM {_NEWEST.format(only="(b.source_code = %(source)s OR %(source)s = '')")} n
    WHERE e.programme = n.programme AND e.id_token = n.id_token AND e.state IN ('NOTIFIED', 'IDENTIFIED')"""
# an exit that the scheme recorded; who came back after it is left alone
_EXIT = """UPDATE beneficiaries_enrolment e
    SET state = CASE WHEN x.exit_reason = 'GRADUATED' AND e.state IN ('ENROLLED', 'SUSPENDED') THEN 'GRADUATED' ELSE 'EXITED' END,
        state_at = %(at)s, changed_by = 'MIS', actor_id = %(actor)s, reason = x.exit_reason, note = '', batch_id = x.batch_id
    FROM (SELECT DISTINCT ON (programme, id_token) * FROM beneficiaries_exitrecord
          WHERE id_token IS NOT NULL AND exit_reason = ANY (%(reasons)s) ORDER BY programme, id_token, exit_date DESC) x
    WHERE e.programme = x.programme AND e.id_token = x.id_token AND e.state IN ('ENROLLED', 'NOTIFIED', 'SELECTED', 'IDENTIFIED',
        'SUSPENDED')
        AND (e.enrolled_date IS NULL OR x.exit_date >= e.enrolled_date)"""
_STILL = f"""SELECT e.state, count(*) FROM beneficiaries_enrolment e
    JOIN {_NEWEST.format(only="(b.source_code = %(source)s OR %(source)s = '')")} n
      ON n.programme = e.programme AND n.id_token = e.id_token
    WHERE e.state IN ('EXITED', 'GRADUATED', 'SUSPENDED', 'DECLINED') AND (n.period_start IS NULL OR n.period_start > e.state_at::date
        OR e.state = 'SUSPENDED') GROUP BY e.state"""


@dataclass(frozen=True)
class Condition:
    """What must be met in a period for a benefit to go on: a share, or days of visits."""

    programme: str
    fact: str
    at_least: Decimal


def follow_lists(*, source: str = "", replaced: Sequence[int] = (), at: datetime) -> dict[str, int]:
    """Take over who is enrolled and who has left as the schemes' systems delivered it.

    Args:
        source: Only one source's rows.
        replaced: Batches that newer ones stand for.
        at: When.

    Returns:
        `begun`, `enrolled`, `exited`, and rows that still list who is out: `exited_still_listed`, `suspended_still_listed`.
    """
    access.require("benefits.write")
    asked = {
        "source": source,
        "replaced": list(replaced),
        "at": at,
        "actor": access.actor_id(),
        "reasons": list(EXIT_REASONS),
    }
    with held_by_the_database():
        cursor = bulk.raw_cursor()
        counts: dict[str, int] = {}
        for name, statement in (("begun", _BEGIN), ("enrolled", _ENROL), ("exited", _EXIT)):
            cursor.execute(statement.encode(), asked)
            counts[name] = cursor.rowcount
        still = dict(cursor.execute(_STILL.encode(), asked).fetchall())
        counts["suspended_still_listed"] = int(still.pop("SUSPENDED", 0))
        counts["exited_still_listed"] = sum(int(n) for n in still.values())
        audit.record(action="beneficiaries.lists.followed", subject=f"source:{source or 'all'}", details=counts, at=at)
    return counts


# the value of the newest period that states one: a share as it stands, or how many different days were visited
_MET = """(SELECT DISTINCT ON (v.id_token) v.id_token, v.value, v.batch_id FROM (
        SELECT b.id_token, b.period, max(b.period_start) AS began, max(b.batch_id) AS batch_id,
            CASE WHEN %(fact)s = 'visit_date' THEN count(DISTINCT b.facts->>'visit_date')
                 ELSE min((b.facts->>%(fact)s)::numeric) END AS value
        FROM beneficiaries_benefit b
        WHERE b.programme = %(programme)s AND b.id_token IS NOT NULL AND b.facts->>%(fact)s IS NOT NULL
            AND b.batch_id <> ALL (%(replaced)s::bigint[])
        GROUP BY b.id_token, b.period) v ORDER BY v.id_token, v.began DESC NULLS LAST)"""
_SUSPEND = f"""UPDATE beneficiaries_enrolment e SET state = 'SUSPENDED', state_at = %(at)s, changed_by = 'RUN', actor_id = %(actor)s,
        reason = 'NON_COMPLIANCE', note = %(note)s, batch_id = m.batch_id
    FROM {_MET} m WHERE e.programme = %(programme)s AND e.id_token = m.id_token AND e.state = 'ENROLLED' AND m.value < %(least)s"""
_LIFT = f"""UPDATE beneficiaries_enrolment e SET state = 'ENROLLED', state_at = %(at)s, changed_by = 'RUN', actor_id = %(actor)s,
        reason = '', note = %(note)s, batch_id = m.batch_id
    FROM {_MET} m WHERE e.programme = %(programme)s AND e.id_token = m.id_token AND e.state = 'SUSPENDED' AND e.changed_by = 'RUN'
        AND e.reason = 'NON_COMPLIANCE' AND m.value >= %(least)s"""
_COUNT = f"""SELECT count(*) FILTER (WHERE m.value >= %(least)s), count(*) FILTER (WHERE m.value < %(least)s),
        count(*) FILTER (WHERE m.value IS NULL),
        count(*) FILTER (WHERE m.value >= %(least)s AND e.state = 'SUSPENDED' AND e.changed_by = 'HUMAN')
    FROM beneficiaries_enrolment e LEFT JOIN {_MET} m ON m.id_token = e.id_token
    WHERE e.programme = %(programme)s AND e.state IN ('ENROLLED', 'SUSPENDED')"""


def apply_conditions(
    *, conditions: Sequence[Condition], replaced: Sequence[int] = (), at: datetime
) -> list[dict[str, Any]]:
    """Suspend who missed a condition in the newest period that tells, lift it for who meets it again.

    Who has no value is left as she is: what the scheme did not tell is no breach. What a person suspended stays.

    Args:
        conditions: One a programme.
        replaced: Batches that newer ones stand for.
        at: When.

    Returns:
        A row for each condition: met, missed, untold, suspended, lifted, kept_suspended_by_a_person.
    """
    access.require("benefits.write")
    rows = []
    with held_by_the_database():
        for one in conditions:
            rows.append(_apply(one, {"replaced": list(replaced), "at": at, "actor": access.actor_id()}))
        audit.record(
            action="beneficiaries.conditions.applied", subject="conditions",
            details={"suspended": sum(r["suspended"] for r in rows), "lifted": sum(r["lifted"] for r in rows)}, at=at,
        )  # fmt: skip
    return rows


def _apply(one: Condition, asked: Mapping[str, Any]) -> dict[str, Any]:
    cursor = bulk.raw_cursor()
    told = {
        **asked,
        "programme": one.programme,
        "fact": one.fact,
        "least": one.at_least,
        "note": f"{one.fact} at least {one.at_least}",
    }
    met, missed, untold, kept = cursor.execute(_COUNT.encode(), told).fetchall()[0]
    suspended = cursor.execute(_SUSPEND.encode(), told).rowcount
    lifted = cursor.execute(_LIFT.encode(), told).rowcount
    return {
        "programme": one.programme, "condition": f"{one.fact} ≥ {one.at_least}", "met": met, "missed": missed, "untold": untold,
        "suspended": suspended, "lifted": lifted, "kept_suspended_by_a_person": kept,
    }  # fmt: skip
