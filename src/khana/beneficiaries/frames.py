"""Frames of the single registry for the methods: rows of lists, and recorded exits."""

from __future__ import annotations

import pyarrow as pa

from khana.platform.frames import FrameSource

# of several batches of one source for one period the newest stands; corrected rows stand beside it
LIVE = """b.batch_id IN (SELECT id FROM deliveries_batch WHERE state = 'LOADED')"""


def benefit_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per row of a list; see `records.benefit_frame`."""
    return source.query(
        """SELECT b.id AS benefit_id, b.source_code AS source, b.agency, b.programme, b.period, b.period_start, b.period_end,
                  b.area_code, b.id_raw_state AS id_state, b.id_type, b.id_token, b.birth_year::int, b.birth_month::int,
                  b.birth_day::int, b.sex, b.payee_id_raw_state AS payee_id_state, b.payee_id_token AS payee_token,
                  b.mobile_token, b.account_token, b.amount::float8 AS amount,
                  (b.facts->>'stated_id_year')::int AS id_year_prefix_number
           FROM beneficiaries_benefit b"""
    )


def exit_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per recorded exit whose number is known."""
    return source.query(
        "SELECT programme, id_token, exit_date, exit_reason FROM beneficiaries_exitrecord WHERE id_token IS NOT NULL"
    )
