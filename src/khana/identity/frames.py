"""Frames of the extracts of other registers for the methods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from khana.platform.frames import FrameSource

# deaths that civil registration told and that nobody refused or doubts
DEATHS = """SELECT token, min(event_date) AS died FROM identity_civilevent
    WHERE kind = 'DEATH' AND why = '' AND token IS NOT NULL
      AND state IN ('PROPOSED', 'UNMATCHED', 'AMBIGUOUS', 'ACCEPTED') GROUP BY token"""


def national_id_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per number that the authority issued; see `records.national_id_frame`."""
    return source.query(
        f"""SELECT n.token, birth_date, CASE WHEN d.token IS NULL THEN status ELSE 'DECEASED' END AS status,
                  coalesce(death_date, d.died) AS death_date, sex, spouse_token, type,
                  CASE WHEN type = 'NID17' THEN extract(year FROM birth_date)::int END AS year_prefix
           FROM identity_nationalidrecord n LEFT JOIN ({DEATHS}) d ON d.token = n.token"""
    )


def sim_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per mobile number and the identifier that it is registered to."""
    return source.query("SELECT mobile_token, id_token FROM identity_simrecord")


def employee_frame(source: FrameSource) -> pa.RecordBatchReader:
    """Return one row per public employee or pensioner whose number is known."""
    return source.query("SELECT id_token, status FROM identity_publicemployee WHERE id_token IS NOT NULL")


def authority_record_frame(source: FrameSource, tokens: Sequence[bytes] | None = None) -> pa.RecordBatchReader:
    """Return one row per number issued as matching compares it; numbers as tokens, her own also as ciphertext.

    With `tokens` only those numbers, by index.
    """
    only = "" if tokens is None else f"WHERE token = ANY ({_bytes(tokens)})"
    return source.query(
        f"""SELECT DISTINCT ON (token) token, ciphertext, name, name_native, father_name, husband_name, sex, birth_date,
                  father_token, spouse_token
           FROM identity_nationalidrecord {only} ORDER BY token, id"""
    )


def subscriber_frame(source: FrameSource, mobiles: Sequence[str] | None = None) -> pa.RecordBatchReader:
    """Return one row per telephone (hex of its token) and the number that subscribes it; with `mobiles` only those."""
    only = "" if mobiles is None else f"WHERE mobile_token = ANY ({_bytes(bytes.fromhex(one) for one in mobiles)})"
    return source.query(
        f"SELECT encode(mobile_token, 'hex') AS mobile, id_token AS token FROM identity_simrecord {only}"
    )


def _bytes(values: Iterable[bytes]) -> str:
    listed = ", ".join(f"'\\x{bytes(one).hex()}'" for one in values)
    return f"ARRAY[{listed}]::bytea[]"
