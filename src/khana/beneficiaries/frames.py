"""Frames of the single registry for the methods: rows of lists, and recorded exits."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

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
    conditions = [f"b.source_code = {literal(source)}"] if source else []
    if without_batches:
        conditions.append(f"b.batch_id <> ALL (ARRAY[{', '.join(str(int(one)) for one in without_batches)}]::bigint[])")
    only = f" WHERE {' AND '.join(conditions)}" if conditions else ""
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
    """Return one row per recorded exit whose number is known."""
    return source.query(
        "SELECT programme, id_token, exit_date, exit_reason FROM beneficiaries_exitrecord WHERE id_token IS NOT NULL"
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
