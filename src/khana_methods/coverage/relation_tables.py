"""The relations that indicators ask, made from frames in an engine: household, recipient, enrolment, payment and grievance.

The frames are `given_text`, `given_household`, `given_marks`, `given_score`, `given_recipient`, `given_monthly`,
`given_enrolment`, `given_place`, `given_sum` and `given_case`; a snapshot of the country and the rows behind one figure of one
district are made by the same statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pyarrow as pa

from khana_methods.engine.duckdb import Engine

_ENROLMENT = """CREATE OR REPLACE TABLE enrolment AS
SELECT row_number() OVER () AS household_id, * FROM (
    SELECT household_number, programme, agency, area_path, state, state = 'ENROLLED' AS is_enrolled,
           state = 'SUSPENDED' AS is_suspended, state = 'WAITLISTED' AS is_waiting, state IN ('GRADUATED', 'EXITED') AS has_left,
           is_paid, days_to_enrol, days_to_payment,
           CASE WHEN state = 'WAITLISTED' THEN greatest(0, datediff('day', state_on, $day::DATE)) END AS days_waiting
    FROM given_enrolment
    UNION ALL
    SELECT p.household_number, p.programme, p.agency, p.area_path, 'WAITLISTED', false, false, true, false, false, NULL, NULL,
           greatest(0, datediff('day', p.since, $day::DATE))
    FROM given_place p ANTI JOIN given_enrolment e ON e.programme = p.programme AND e.household_number = p.household_number
)"""
_HOUSEHOLD = """CREATE OR REPLACE TABLE household AS
WITH drawn AS (
    SELECT household_number, len(list_distinct(flatten(list(from_json(programmes, '["VARCHAR"]'))))) AS programmes,
           max(cash_programmes) AS cash, sum(amount) AS amount
    FROM given_recipient WHERE household_number <> '' GROUP BY household_number),
enrolled AS (
    SELECT household_number, count(DISTINCT programme) FILTER (WHERE is_enrolled OR is_suspended) AS enrolments,
           count(DISTINCT programme) FILTER (WHERE is_waiting) AS waiting
    FROM enrolment WHERE household_number <> '' GROUP BY household_number)
SELECT t.household_id, h.household_number, t.area_path, h.members, json_extract_string(t.facts, '$.area_type') AS area_type,
       json_extract_string(t.facts, '$.survey_mode') AS survey_mode, coalesce(t.consent, false) AS has_consent,
       s.score IS NOT NULL AS has_score, s.score, datesub('month', t.survey_date, $day::DATE) AS months_since_interview,
       coalesce(m.has_verified_number, false) AS has_verified_number, m.is_woman_headed,
       coalesce(d.programmes, 0) AS programmes, coalesce(d.cash, 0) AS max_cash_programmes, coalesce(d.amount, 0) AS amount,
       coalesce(a.monthly, 0) AS monthly, coalesce(e.enrolments, 0) AS enrolments, coalesce(e.waiting, 0) AS waiting,
       {fifth} AS fifth
FROM given_text t JOIN given_household h ON h.household_id = t.household_id
LEFT JOIN given_score s ON s.household_id = t.household_id
LEFT JOIN given_marks m ON m.household_id = t.household_id
LEFT JOIN drawn d ON d.household_number = h.household_number
LEFT JOIN enrolled e ON e.household_number = h.household_number
LEFT JOIN given_monthly a ON a.household_number = h.household_number"""
# the lowest score at which so much of the population has been counted; those of one score stand together
_EDGES = """WITH counted AS (
    SELECT s.score, sum(h.members) OVER (ORDER BY s.score) AS up_to, sum(h.members) OVER () AS everybody
    FROM given_score s JOIN given_household h ON h.household_id = s.household_id)
SELECT {parts} FROM counted"""
_RECIPIENT = """CREATE OR REPLACE TABLE recipient AS
SELECT recipient_id AS household_id, area_path, household_number <> '' AS is_registered, cash_programmes,
       len(from_json(programmes, '["VARCHAR"]')) AS programmes, is_over_cap, is_well_off, score, amount
FROM given_recipient"""
_PAYMENT = """CREATE OR REPLACE TABLE payment AS
SELECT row_number() OVER () AS household_id, programme, agency, period, area_path, sum(list_rows) AS list_rows,
       sum(rows_with_number) AS rows_with_number, coalesce(sum(amount), 0) AS amount, sum(rows_dated) AS rows_dated,
       sum(rows_on_time) AS rows_on_time, sum(days_late) AS days_late
FROM given_sum GROUP BY programme, agency, period, area_path"""
_GRIEVANCE = """CREATE OR REPLACE TABLE grievance AS
SELECT row_number() OVER () AS household_id, c.kind, c.programme, c.agency, c.area_path, c.decided_on IS NOT NULL AS is_decided, c.is_upheld,
       CASE WHEN c.decided_on IS NOT NULL THEN c.decided_on <= coalesce(c.due_on, u.due_on)
            WHEN $day::DATE > coalesce(c.due_on, u.due_on) THEN false END AS is_in_time,
       c.decided_on IS NULL AND $day::DATE > coalesce(c.due_on, u.due_on) AS is_overdue,
       greatest(0, datediff('day', c.received_on, coalesce(c.decided_on, $day::DATE))) AS days_open
FROM (SELECT * REPLACE (CASE WHEN decided_on <= $day::DATE THEN decided_on END AS decided_on,
                        CASE WHEN decided_on <= $day::DATE THEN is_upheld END AS is_upheld)
      FROM given_case WHERE received_on <= $day::DATE) c JOIN given_due u ON u.kind = c.kind AND u.received_on = c.received_on"""
# a payment counts in the month in which it was made; without a day its amount is spread evenly over the months of its period
_SPENDING = """CREATE OR REPLACE TABLE spending AS
WITH months AS (
    SELECT programme, agency, area_path, amount, list_rows,
           CASE WHEN paid_month IS NOT NULL THEN [paid_month]
                ELSE generate_series(date_trunc('month', coalesce(period_start, period_end)),
                                     date_trunc('month', coalesce(period_end, period_start)), INTERVAL 1 MONTH)::DATE[] END AS found
    FROM given_sum WHERE paid_month IS NOT NULL OR period_start IS NOT NULL OR period_end IS NOT NULL),
spread AS (SELECT *, unnest(found) AS month FROM months),
placed AS (
    SELECT programme, agency, date_trunc('quarter', month)::DATE AS quarter,
           nullif(split_part(area_path, '.', 1), '') AS a0, nullif(split_part(area_path, '.', 2), '') AS a1,
           nullif(split_part(area_path, '.', 3), '') AS a2,
           sum(amount / len(found)) AS amount, sum(CASE WHEN month = list_last(found) THEN list_rows ELSE 0 END) AS list_rows
    FROM spread GROUP BY ALL)
SELECT programme, agency, quarter, CASE WHEN grouping(a2) = 0 THEN a2 WHEN grouping(a1) = 0 THEN a1 WHEN grouping(a0) = 0 THEN a0 ELSE '' END AS area_code,
       CASE WHEN grouping(a2) = 0 THEN 2 WHEN grouping(a1) = 0 THEN 1 ELSE 0 END AS area_level,
       coalesce(sum(amount), 0) AS amount, sum(list_rows) AS list_rows
FROM placed GROUP BY GROUPING SETS ((programme, agency, quarter), (programme, agency, quarter, a0, a1), (programme, agency, quarter, a0, a1, a2))
HAVING grouping(a0) = 1 OR (a1 IS NOT NULL AND (grouping(a2) = 1 OR a2 IS NOT NULL))
ORDER BY programme, agency, quarter, area_level, area_code"""


# an enrolment that no list pays and that states no household: the registry may know whose number it is
NAMELESS = "household_number = '' AND NOT is_paid AND state IN ('ENROLLED', 'SUSPENDED', 'WAITLISTED')"
_NAMED = f"""UPDATE given_enrolment SET household_number = n.household_number FROM (
    SELECT token, min(household_number) AS household_number FROM given_number WHERE household_number IS NOT NULL GROUP BY token) n
WHERE n.token = given_enrolment.id_token AND {NAMELESS.replace("household_number", "given_enrolment.household_number")}"""


def name_households(engine: Engine) -> None:
    """Give enrolments their household by `given_number` (`token`, `household_number`) where nothing else says it."""
    engine.run(_NAMED)


def make_enrolment(engine: Engine, day: date) -> None:
    """Make `enrolment`: one row each person on one programme, and each who waits on a frozen list without an enrolment."""
    engine.run(_ENROLMENT, {"day": day.isoformat()})


def fifth_edges(engine: Engine) -> list[float]:
    """Return the scores that end the four poorest fifths of the scored population; fewer than four where nobody is scored.

    Fifths hold people: a household counts with all its members, and those of one score are never parted.

    Source:
        World Bank ASPIRE: quintiles are of the population, with all members of a household in one.
    """
    parts = ", ".join(f"min(score) FILTER (WHERE up_to >= {part} * everybody)" for part in (0.2, 0.4, 0.6, 0.8))
    return [float(edge) for edge in engine.rows(_EDGES.format(parts=parts))[0] if edge is not None]


def make_household(engine: Engine, day: date, edges: Sequence[float]) -> None:
    """Make `household`: one row each, as the registers stood, ages counted to a day; `enrolment` must be there.

    Args:
        engine: Holds the frames.
        day: The day asked of.
        edges: Of `fifth_edges`, over the whole country: a district has the country's fifths, not its own.
    """
    above = "".join(f"WHEN s.score <= {edge!r} THEN {part} " for part, edge in enumerate(edges, start=1))
    fifth = (
        f"CASE WHEN s.score IS NULL THEN NULL {above}ELSE {len(edges) + 1} END" if edges else "CAST(NULL AS INTEGER)"
    )
    engine.run(_HOUSEHOLD.format(fifth=fifth), {"day": day.isoformat()})


def make_recipient(engine: Engine) -> None:
    """Make `recipient`: one row each payee of the consolidation."""
    engine.run(_RECIPIENT)


def make_payment(engine: Engine) -> None:
    """Make `payment`: rows of lists added up by programme, agency, period and area."""
    engine.run(_PAYMENT)


def make_spending(engine: Engine) -> list[dict[str, object]]:
    """Return what lists say was spent: `programme`, `agency`, `quarter` (its first day), `area_code`, `area_level`, `amount`, `list_rows`.

    Areas are the whole country (an empty code), provinces and districts. An amount counts where its payment is dated, in that
    month; else it is spread evenly over the months of its period. Rows count once, in the last of these months.
    """
    engine.run(_SPENDING)
    names = ("programme", "agency", "quarter", "area_code", "area_level", "amount", "list_rows")
    made = [dict(zip(names, row, strict=True)) for row in engine.rows(f"SELECT {', '.join(names)} FROM spending")]
    engine.drop("spending")
    return made


def make_grievance(engine: Engine, day: date, due: Callable[[str, date], date]) -> None:
    """Make `grievance`: one row each appeal, proposal, correction of a list and thing that a person said is wrong in her file.

    As it stood on the day asked of: what came later is not there, what was decided later is open.

    Args:
        engine: Holds `given_case`; where a case has a `due_on` of its own, which somebody was told, that day counts.
        day: The day asked of.
        due: By which day one of a kind, received on a day, should be decided.
    """
    asked = engine.rows("SELECT DISTINCT kind, received_on FROM given_case ORDER BY kind, received_on")
    table = pa.table(
        {
            "kind": pa.array([kind for kind, _ in asked], pa.string()),
            "received_on": pa.array([received for _, received in asked], pa.date32()),
            "due_on": pa.array([due(kind, received) for kind, received in asked], pa.date32()),
        }
    )
    engine.register("given_due", table)
    engine.run(_GRIEVANCE, {"day": day.isoformat()})
    engine.drop("given_due")
