"""Frames of the delivery chain: who is enrolled and waits, what lists paid and when, what was appealed or corrected.

Enrolments and cases are as they stand now: only lists have a period of their own. A day of payment is known where the
contract of a source names a column for it; nothing is taken for one.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from khana.beneficiaries.benefit_sql import in_force_sql, payee_sql
from khana.platform.frames import FrameSource, literal

# a fact of a list is text here; only what looks like a day is read as one
_PAID = r"""CASE WHEN facts->>'payment_date' ~ '^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$'
            THEN (facts->>'payment_date')::date END"""


def _listed(households: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(literal(one) for one in households)}]::text[]"


def enrolment_frame(
    source: FrameSource, *, without_batches: Sequence[int] = (), tokens: Sequence[bytes] | None = None
) -> pa.RecordBatchReader:
    """Return one row per enrolment as it stands now, held against the lists in force.

    Args:
        source: Where to ask.
        without_batches: Batches that a newer one replaces; their rows are left out.
        tokens: Only enrolments of these numbers; few enough to be written into a query.

    Returns:
        `id_token`, `household_number` (empty where nobody stated it), `programme`, `agency`, `area_path`, `state`, `state_on`,
        `is_paid` (a list in force has a row of hers), `days_to_enrol` (from identification to enrolment, where both happened
        here), `days_to_payment` (from enrolment to the first day of payment that a list states).
    """
    whose = of_these = of_moves = ""
    if tokens is not None:  # by their indexes: a page asks this of one area
        asked = ", ".join(f"'\\x{bytes(token).hex()}'" for token in tokens)
        whose = f"WHERE e.id_token = ANY (ARRAY[{asked}]::bytea[])"
        of_these = "AND id_token = ANY (ARRAY(SELECT id_token FROM e))"
        of_moves = "AND subject_id = ANY (ARRAY(SELECT id FROM e))"
    return source.query(
        f"""WITH e AS MATERIALIZED (SELECT * FROM beneficiaries_enrolment e {whose}),
            listed AS (SELECT programme, id_token, min({_PAID}) AS first_paid FROM beneficiaries_benefit
                       WHERE id_token IS NOT NULL {of_these} {in_force_sql(without_batches, word="AND")} GROUP BY programme, id_token),
            begun AS (SELECT subject_id, min(state_at) AS at FROM beneficiaries_statechange
                      WHERE subject = 'enrolment' AND state_to = 'ENROLLED' AND state_from IN ('IDENTIFIED', 'NOTIFIED') {of_moves}
                      GROUP BY subject_id)
            SELECT e.id_token, e.household_number, e.programme, e.agency, e.area_path, e.state,
                   (e.state_at AT TIME ZONE 'UTC')::date AS state_on, l.id_token IS NOT NULL AS is_paid,
                   CASE WHEN b.at IS NOT NULL THEN greatest(0, (b.at AT TIME ZONE 'UTC')::date
                                                               - (e.created_at AT TIME ZONE 'UTC')::date) END AS days_to_enrol,
                   CASE WHEN l.first_paid IS NOT NULL AND e.enrolled_date IS NOT NULL
                        THEN greatest(0, l.first_paid - e.enrolled_date) END AS days_to_payment
            FROM e LEFT JOIN listed l ON l.programme = e.programme AND l.id_token = e.id_token
            LEFT JOIN begun b ON b.subject_id = e.id"""
    )


def spending_frame(
    source: FrameSource, *, days_allowed: int, without_batches: Sequence[int] = ()
) -> pa.RecordBatchReader:
    """Return rows of lists added up by programme, agency, period, area and month of payment.

    Args:
        source: Where to ask.
        days_allowed: A benefit is in time up to so many days after the end of its period.
        without_batches: Batches that a newer one replaces; their rows are left out.

    Returns:
        `programme`, `agency`, `period`, `period_start`, `period_end`, `area_path`, `paid_month` (null where no day of payment is
        stated), `list_rows`, `rows_with_number`, `amount`, `rows_dated`, `rows_on_time`, `days_late` (sum over dated rows of the
        days after the end of the period; none before it).
    """
    return source.query(
        f"""SELECT programme, agency, period, period_start, period_end, area_path, date_trunc('month', paid)::date AS paid_month,
                   count(*) AS list_rows, count(*) FILTER (WHERE id_raw_state = 'OK') AS rows_with_number,
                   sum(amount)::float8 AS amount,
                   count(*) FILTER (WHERE paid IS NOT NULL AND ends IS NOT NULL) AS rows_dated,
                   count(*) FILTER (WHERE paid <= ends + {int(days_allowed)}) AS rows_on_time,
                   coalesce(sum(greatest(0, paid - ends)), 0)::float8 AS days_late
            FROM (SELECT *, {_PAID} AS paid, coalesce(period_end, period_start) AS ends
                  FROM beneficiaries_benefit {in_force_sql(without_batches, word="WHERE")}) b
            GROUP BY programme, agency, period, period_start, period_end, area_path, date_trunc('month', paid)::date"""
    )


def monthly_frame(
    source: FrameSource, *, run_id: int, without_batches: Sequence[int] = (), households: Sequence[str] | None = None
) -> pa.RecordBatchReader:
    """Return what each household draws in a mean month: `household_number`, `monthly`, over the recipients of one run.

    The amounts of one payee and programme are divided by the months from her first period to the end of her last one, half
    a month at least.

    Args:
        source: Where to ask.
        run_id: The consolidation that says who lives where.
        without_batches: Batches that a newer one replaces; their rows are left out.
        households: Only these numbers; few enough to be written into a query.
    """
    only = f"r.run_id = {int(run_id)} AND r.household_number <> ''"
    of_these = ""
    if households is not None:
        only += f" AND r.household_number = ANY ({_listed(households)})"
        theirs = f"ANY (ARRAY(SELECT r.id_token FROM beneficiaries_recipient r WHERE {only}))"  # an array goes by the indexes
        of_these = f"AND (id_token = {theirs} OR payee_id_token = {theirs})"
    return source.query(
        f"""WITH spans AS (
                SELECT {payee_sql()} AS token, programme, sum(amount) AS amount,
                       age(max(period_end) + 1, min(period_start)::timestamp) AS span
                FROM beneficiaries_benefit
                WHERE amount IS NOT NULL AND period_start IS NOT NULL AND period_end IS NOT NULL
                      {of_these} {in_force_sql(without_batches, word="AND")} GROUP BY 1, 2),
            drawn AS (
                SELECT token, sum(amount / greatest(0.5, extract(year FROM span) * 12 + extract(month FROM span)
                                                         + extract(day FROM span) / 30.4375)) AS monthly
                FROM spans WHERE token IS NOT NULL GROUP BY token)
            SELECT r.household_number, sum(d.monthly)::float8 AS monthly
            FROM beneficiaries_recipient r JOIN drawn d ON d.token = r.id_token WHERE {only} GROUP BY r.household_number"""
    )


def case_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per appeal against a stop and per decision that a correction opened again.

    Columns: `kind` (STOP_APPEAL or CORRECTION), `programme`, `agency`, `area_path`, `received_on`, `decided_on` (null while
    it is open), `is_upheld` (it was decided for her; null while it is open).
    """
    return source.query(
        """SELECT 'STOP_APPEAL' AS kind, programme, agency, area_path, (received AT TIME ZONE 'UTC')::date AS received_on,
                  (decided AT TIME ZONE 'UTC')::date AS decided_on, CASE WHEN decided IS NOT NULL THEN coalesce(upheld, false) END AS is_upheld
           FROM (SELECT subject_id, programme, agency, area_path, min(state_at) FILTER (WHERE state_to = 'APPEALED') AS received,
                        max(state_at) FILTER (WHERE state_from = 'APPEALED') AS decided,
                        bool_or(state_to IN ('ALLOWED', 'WITHDRAWN')) FILTER (WHERE state_from = 'APPEALED') AS upheld
                 FROM beneficiaries_statechange WHERE subject = 'stop' AND (state_to = 'APPEALED' OR state_from = 'APPEALED')
                 GROUP BY subject_id, programme, agency, area_path) c WHERE received IS NOT NULL
           UNION ALL
           SELECT 'CORRECTION', programme, agency, area_path, (opened_at AT TIME ZONE 'UTC')::date,
                  (settled_at AT TIME ZONE 'UTC')::date, CASE WHEN settled_at IS NOT NULL THEN state = 'REVERSED' END
           FROM beneficiaries_reopened"""
    )
