"""Put what the authority's extract says of numbers where the registry can hold claims against it."""

from __future__ import annotations

from collections.abc import Sequence

from khana.access import services as access
from khana.platform import bulk


def stage_evidence(tokens: Sequence[bytes] | None = None) -> int:
    """Put what the authority says of some numbers, or of all, into the temporary table `_evidence`; return rows.

    For `registry.services.apply_evidence`, in the same transaction.
    """
    access.require("identity.read")
    cursor = bulk.raw_cursor()
    bulk.make_staging(
        cursor, "_evidence", [("token", "bytea"), ("name", "text"), ("sex", "text"), ("birth_year", "smallint")]
    )
    some, values = ("", []) if tokens is None else ("WHERE token = ANY (%s)", [list(tokens)])
    cursor.execute(
        f"""INSERT INTO _evidence SELECT token, name, sex, extract(year FROM birth_date) FROM identity_nationalidrecord
            {some}""".encode(),
        values,
    )
    rows = cursor.rowcount
    cursor.execute("ANALYZE _evidence")
    return rows
