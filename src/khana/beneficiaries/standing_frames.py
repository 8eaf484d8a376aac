"""Frames of who stands in the way of a benefit: suspended, returned payments, selected, waiting; and who is on a programme.

States are those of enrolments; a returned payment is told by an officer's suspension, or by the newest row of a list
that says how its payment went.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from khana.beneficiaries.benefit_sql import in_force_sql, payee_sql
from khana.platform.frames import FrameSource, literal

_PAYEE = payee_sql("b.")
# who is out of a scheme by its own list is not told here: where that list names her again she draws again
_STALLED = """stalled AS (
    SELECT programme, id_token, CASE WHEN state <> 'SUSPENDED' THEN 'left' WHEN reason = 'PAYMENT_RETURNED' THEN 'payment_failed'
        ELSE 'suspended' END AS standing
    FROM beneficiaries_enrolment WHERE state = 'SUSPENDED' OR (state IN ('EXITED', 'GRADUATED', 'DECLINED') AND changed_by <> 'MIS')
    UNION
    SELECT programme, id_token, 'payment_failed' FROM (
        SELECT DISTINCT ON (b.programme, b.id_token) b.programme, b.id_token, b.facts->>'payment_status' AS told
        FROM beneficiaries_benefit b WHERE b.facts->>'payment_status' IS NOT NULL AND b.id_token IS NOT NULL {only}
        ORDER BY b.programme, b.id_token, b.period_start DESC NULLS LAST, b.id DESC) n WHERE n.told = 'returned')"""


def standing_frame(source: FrameSource, *, without_batches: Sequence[int] = ()) -> pa.RecordBatchReader:
    """Return what stands in the way, by number: `token`, `household_number` where it is known, `standing`.

    The standings are those of `overlap.unserved`. A number is that of the beneficiary, and of whoever is paid for her.
    """
    only = in_force_sql(without_batches, word="AND", alias="b.")
    return source.query(
        f"""WITH {_STALLED.format(only=only)}
            SELECT e.id_token AS token, e.household_number,
                   CASE e.state WHEN 'WAITLISTED' THEN 'wait_listed' ELSE 'selected' END AS standing
            FROM beneficiaries_enrolment e WHERE e.state IN ('WAITLISTED', 'SELECTED', 'NOTIFIED')
            UNION SELECT s.id_token, coalesce(e.household_number, ''), s.standing FROM stalled s
                LEFT JOIN beneficiaries_enrolment e ON e.programme = s.programme AND e.id_token = s.id_token WHERE s.standing <> 'left'
            UNION SELECT {_PAYEE}, '', s.standing FROM stalled s JOIN beneficiaries_benefit b
                ON b.programme = s.programme AND b.id_token = s.id_token {only}
            WHERE s.standing <> 'left' AND {_PAYEE} IS NOT NULL"""
    )


def stuck_frame(source: FrameSource, *, without_batches: Sequence[int] = ()) -> pa.RecordBatchReader:
    """Return who is on a list in force and draws nothing by it: `token` of the payee, `programme`.

    Each of her rows of the programme is of somebody who is suspended, has left, or whose payment came back.
    """
    only = in_force_sql(without_batches, word="AND", alias="b.")
    return source.query(
        f"""WITH {_STALLED.format(only=only)},
            touched AS (SELECT DISTINCT b.programme, {_PAYEE} AS token FROM stalled s JOIN beneficiaries_benefit b
                ON b.programme = s.programme AND b.id_token = s.id_token {only}),
            listed AS (
                SELECT t.token, t.programme, b.id_token FROM touched t JOIN beneficiaries_benefit b
                    ON b.programme = t.programme AND b.id_token = t.token AND b.payee_id_raw_state = '' {only}
                UNION SELECT t.token, t.programme, b.id_token FROM touched t JOIN beneficiaries_benefit b
                    ON b.programme = t.programme AND b.payee_id_token = t.token AND b.payee_id_raw_state <> '' {only})
            SELECT l.token, l.programme FROM listed l LEFT JOIN (SELECT DISTINCT programme, id_token FROM stalled) s
                ON s.programme = l.programme AND s.id_token = l.id_token
            GROUP BY l.token, l.programme HAVING bool_and(s.id_token IS NOT NULL)"""
    )


def on_it_frame(source: FrameSource, *, programmes: Sequence[str]) -> pa.RecordBatchReader:
    """Return the households of which somebody is selected for some programmes, or on them: `household_number`, `programme`."""
    named = ", ".join(literal(code) for code in programmes) or "''"
    return source.query(
        f"""SELECT DISTINCT household_number, programme FROM beneficiaries_enrolment
            WHERE programme IN ({named}) AND household_number <> '' AND state IN ('SELECTED', 'NOTIFIED', 'ENROLLED', 'SUSPENDED')"""
    )
