"""What the national ID extract says of some numbers: for one form at a time, not for a whole register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from khana.access import services as access
from khana.platform import bulk


@dataclass(frozen=True)
class Evidence:
    """The authority's record of one number."""

    birth_year: int | None
    sex: str
    status: str


def has_extract() -> bool:
    """Say whether any extract of the authority is loaded."""
    found = bulk.raw_cursor().execute("SELECT EXISTS (SELECT 1 FROM identity_nationalidrecord)").fetchone()
    return bool(found and found[0])


def of_tokens(tokens: Sequence[bytes]) -> dict[bytes, Evidence]:
    """Return the records of some numbers, by token; a number that the authority does not know is absent."""
    access.require("identity.read")
    rows = (
        bulk.raw_cursor()
        .execute(
            """SELECT token, extract(year FROM birth_date)::int, sex, status FROM identity_nationalidrecord
           WHERE token = ANY (%s)""",
            [list(tokens)],
        )
        .fetchall()
    )
    return {bytes(token): Evidence(year, sex, status) for token, year, sex, status in rows}


def stage_of_tokens(tokens: Sequence[bytes]) -> int:
    """Put what the authority says of some numbers into the temporary table `_evidence`; return rows.

    For `registry.services.apply_evidence`, in the same transaction.
    """
    access.require("identity.read")
    cursor = bulk.raw_cursor()
    bulk.make_staging(
        cursor, "_evidence", [("token", "bytea"), ("name", "text"), ("sex", "text"), ("birth_year", "smallint")]
    )
    cursor.execute(
        """INSERT INTO _evidence SELECT token, name, sex, extract(year FROM birth_date) FROM identity_nationalidrecord
           WHERE token = ANY (%s)""",
        [list(tokens)],
    )
    return cursor.rowcount
