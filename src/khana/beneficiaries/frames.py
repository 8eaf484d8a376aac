"""Frames of the single registry for the methods: rows of lists, and recorded exits."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from khana.beneficiaries.benefit_sql import in_force_sql, payee_sql
from khana.platform.frames import FrameSource, literal


def benefit_frame(
    frames: FrameSource, *, source: str = "", without_batches: Sequence[int] = ()
) -> pa.RecordBatchReader:
    """Return one row per row of a list, of one source where it is named; see `records.benefit_frame`.

    Args:
        frames: Where to ask.
        source: Only rows of this source.
        without_batches: Batches that a newer one replaces; their rows are left out.
    """
    named = f" WHERE b.source_code = {literal(source)}" if source else ""
    only = f"{named} {in_force_sql(without_batches, word='AND' if named else 'WHERE', alias='b.')}"
    return frames.query(
        """SELECT b.id AS benefit_id, b.source_code AS source, b.agency, b.programme, b.period, b.period_start, b.period_end,
                  b.area_code, b.id_raw_state AS id_state, b.id_type, b.id_token, b.birth_year::int, b.birth_month::int,
                  b.birth_day::int, b.sex, b.payee_id_raw_state AS payee_id_state, b.payee_id_token AS payee_token,
                  b.mobile_token, b.account_token, b.amount::float8 AS amount,
                  (b.facts->>'stated_id_year')::int AS id_year_prefix_number
           FROM beneficiaries_benefit b"""
        + only
    )


def exit_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per exit whose number is known: those that schemes recorded, and those decided here."""
    return source.query(
        """SELECT programme, id_token, exit_date, exit_reason FROM beneficiaries_exitrecord WHERE id_token IS NOT NULL
           UNION
           SELECT programme, id_token, (state_at AT TIME ZONE 'UTC')::date, reason FROM beneficiaries_enrolment
           WHERE state IN ('EXITED', 'GRADUATED') AND changed_by <> 'MIS'"""
    )


def stop_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per benefit that a rule has stopped: `programme`, `id_token`, `stop_date`, `rule`.

    Whom a person has let in again since is left out.
    """
    return source.query(
        """SELECT s.programme, s.id_token, (s.state_at AT TIME ZONE 'UTC')::date AS stop_date, s.rule
           FROM beneficiaries_stop s WHERE s.state = 'EFFECTIVE' AND s.id_token IS NOT NULL AND NOT EXISTS (
               SELECT FROM beneficiaries_enrolment e WHERE e.programme = s.programme AND e.id_token = s.id_token
               AND e.state_at > s.state_at AND e.state NOT IN ('EXITED', 'GRADUATED', 'DECLINED'))"""
    )


def column_counts(frames: FrameSource, *, source: str) -> list[tuple[str, int, int, int]]:
    """Return completeness of the columns that the frame does not carry: column, rows, filled, valid."""
    names = ("name", "guardian_name", "payee_name", "period", "amount", "mobile_token", "account_token")
    parts = ", ".join(f"count(nullif({name}::text, '')) AS {name}" for name in names)
    found = (
        frames.query(
            f"SELECT count(*) AS rows, {parts} FROM beneficiaries_benefit WHERE source_code = {literal(source)}"
        )
        .read_all()
        .to_pylist()[0]
    )
    return [
        (name.removesuffix("_token"), int(found["rows"]), int(found[name]), int(found[name]))
        for name in names
        if found[name]
    ]


def list_record_frame(
    frames: FrameSource, *, without_batches: Sequence[int] = (), beside: Sequence[int] | None = None
) -> pa.RecordBatchReader:
    """Return one row per row of a list as matching compares it: names, birth, numbers as tokens and ciphertexts.

    Args:
        frames: Where to ask.
        without_batches: Batches that a newer one replaces; their rows are left out.
        beside: Rows that somebody has looked at: these, and those of their deliveries that name the same in the same area, only.
    """
    only = f" {in_force_sql(without_batches, word='WHERE')}"
    if beside is not None:
        asked = ", ".join(str(int(one)) for one in beside)
        only += f""" {"AND" if without_batches else "WHERE"} (batch_id, area_path, name) IN (
            SELECT batch_id, area_path, name FROM beneficiaries_benefit WHERE id = ANY (ARRAY[{asked}]::bigint[]))"""
    return frames.query(
        """SELECT id AS benefit_id, batch_id, source_code, agency, file_name, sheet, line, area_path, id_raw_state AS id_state, id_token,
                  id_ciphertext, name, guardian_name, sex, birth_year::int, birth_month::int, birth_day::int,
                  payee_id_raw_state AS payee_state, payee_id_token AS payee_token, payee_id_ciphertext AS payee_ciphertext,
                  payee_name, coalesce(facts->>'payee_guardian_name', '') AS payee_guardian_name,
                  coalesce(encode(mobile_token, 'hex'), '') AS mobile
           FROM beneficiaries_benefit"""
        + only
    )


def row_place_frame(frames: FrameSource) -> pa.RecordBatchReader:
    """Return where each row of a list stands: `benefit_id`, `source`, `file`, `sheet`, `line`."""
    return frames.query(
        "SELECT id AS benefit_id, source_code AS source, file_name AS file, sheet, line FROM beneficiaries_benefit"
    )


def stake_frame(frames: FrameSource, people: Sequence[int] | None = None) -> pa.RecordBatchReader:
    """Return what each registered recipient of the last finished run draws: `person_id`, `cash_programmes`, `amount`."""
    listed = ", ".join(str(int(one)) for one in people or ())
    only = "" if people is None else f"AND person_id = ANY (ARRAY[{listed}]::bigint[])"
    return frames.query(
        f"""SELECT person_id, max(cash_programmes)::int AS cash_programmes, sum(amount)::float8 AS amount
           FROM beneficiaries_recipient
           WHERE run_id = (SELECT max(id) FROM beneficiaries_run WHERE state = 'DONE') AND person_id IS NOT NULL {only}
           GROUP BY person_id"""
    )


def recipient_frame(
    source: FrameSource, *, run_id: int, households: Sequence[str] | None = None
) -> pa.RecordBatchReader:
    """Return one row per recipient of one run; `programmes` is a JSON list of codes.

    Only of some households, where their numbers are given: few enough to be written into a query.
    """
    only = ""
    if households is not None:
        only = f" AND household_number = ANY (ARRAY[{', '.join(literal(one) for one in households)}]::text[])"
    return source.query(
        f"""SELECT id AS recipient_id, household_number, area_path, programmes::text AS programmes, cash_programmes::int,
                   is_over_cap, is_well_off, score::float8 AS score, amount::float8 AS amount
            FROM beneficiaries_recipient WHERE run_id = {int(run_id)}{only}"""
    )


def cash_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per household of which somebody draws: the most cash programmes of one person, by the newest run."""
    return source.query(
        """SELECT household_number, max(cash_programmes)::int AS cash FROM beneficiaries_recipient
           WHERE household_number <> '' AND run_id = (SELECT max(id) FROM beneficiaries_run WHERE state = 'DONE')
           GROUP BY household_number"""
    )


def drawn_frame(source: FrameSource, *, run_id: int) -> pa.RecordBatchReader:
    """Return one row per recipient of one run and programme that she draws: what rules between programmes are tried on."""
    return source.query(
        f"""SELECT r.id AS recipient_id, r.person_id, r.id_token, r.household_number, r.area_path, r.score::float8 AS score,
                   p.programme
            FROM beneficiaries_recipient r, jsonb_array_elements_text(r.programmes) p(programme) WHERE r.run_id = {int(run_id)}"""
    )


def drawn_amount_frame(source: FrameSource, *, without_batches: Sequence[int] = ()) -> pa.RecordBatchReader:
    """Return what each row in force pays, and since when: `token` of the payee, `programme`, days, `amount`, `start_date`."""
    return source.query(
        f"""SELECT {payee_sql()} AS token, programme, period_start,
                   period_end, amount::float8 AS amount, facts->>'start_date' AS start_date
            FROM beneficiaries_benefit WHERE {payee_sql()} IS NOT NULL {in_force_sql(without_batches, word="AND")}"""
    )


def ended_frame(source: FrameSource, *, programmes: Sequence[str]) -> pa.RecordBatchReader:
    """Return when who drew some programmes drew them last: `token`, `programme`, `ended`; from lists, exits and enrolments."""
    named = ", ".join(literal(code) for code in programmes) or "''"
    return source.query(
        f"""SELECT token, programme, max(ended) AS ended FROM (
                SELECT id_token AS token, programme, exit_date AS ended FROM beneficiaries_exitrecord
                UNION ALL SELECT id_token, programme, (state_at AT TIME ZONE 'UTC')::date FROM beneficiaries_enrolment
                    WHERE state IN ('EXITED', 'GRADUATED')
                UNION ALL SELECT id_token, programme, coalesce(period_end, period_start) FROM beneficiaries_benefit) e
            WHERE token IS NOT NULL AND ended IS NOT NULL AND programme IN ({named}) GROUP BY token, programme"""
    )


def chosen_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return what persons said they keep: `token`, `programme`."""
    return source.query("SELECT id_token AS token, programme FROM beneficiaries_enrolment WHERE is_chosen")
