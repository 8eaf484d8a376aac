"""The relations that indicators ask, made from frames in an engine: household, recipient and payment.

The frames are `given_text`, `given_household`, `given_marks`, `given_score`, `given_recipient` and `given_sum`; a snapshot
of the country and the rows behind one figure of one district are made by the same statements.
"""

from __future__ import annotations

from datetime import date

from khana_methods.engine.duckdb import Engine

_HOUSEHOLD = """CREATE OR REPLACE TABLE household AS
WITH drawn AS (
    SELECT household_number, len(list_distinct(flatten(list(from_json(programmes, '["VARCHAR"]'))))) AS programmes,
           max(cash_programmes) AS cash, sum(amount) AS amount
    FROM given_recipient WHERE household_number <> '' GROUP BY household_number)
SELECT t.household_id, h.household_number, t.area_path, h.members, json_extract_string(t.facts, '$.area_type') AS area_type,
       json_extract_string(t.facts, '$.survey_mode') AS survey_mode, coalesce(t.consent, false) AS has_consent,
       s.score IS NOT NULL AS has_score, s.score, datesub('month', t.survey_date, $day::DATE) AS months_since_interview,
       coalesce(m.has_verified_number, false) AS has_verified_number, m.is_woman_headed,
       coalesce(d.programmes, 0) AS programmes, coalesce(d.cash, 0) AS max_cash_programmes, coalesce(d.amount, 0) AS amount
FROM given_text t JOIN given_household h ON h.household_id = t.household_id
LEFT JOIN given_score s ON s.household_id = t.household_id
LEFT JOIN given_marks m ON m.household_id = t.household_id
LEFT JOIN drawn d ON d.household_number = h.household_number"""
_RECIPIENT = """CREATE OR REPLACE TABLE recipient AS
SELECT recipient_id AS household_id, area_path, household_number <> '' AS is_registered, cash_programmes,
       len(from_json(programmes, '["VARCHAR"]')) AS programmes, is_over_cap, is_well_off, score, amount
FROM given_recipient"""
_PAYMENT = """CREATE OR REPLACE TABLE payment AS
SELECT row_number() OVER () AS household_id, programme, agency, period, area_path, list_rows, rows_with_number,
       coalesce(amount, 0) AS amount FROM given_sum"""


def make_household(engine: Engine, day: date) -> None:
    """Make `household`: one row each, as the registers stood, ages counted to a day."""
    engine.run(_HOUSEHOLD, {"day": day.isoformat()})


def make_recipient(engine: Engine) -> None:
    """Make `recipient`: one row each payee of the consolidation."""
    engine.run(_RECIPIENT)


def make_payment(engine: Engine) -> None:
    """Make `payment`: rows of lists added up by programme, agency, period and area."""
    engine.run(_PAYMENT)
