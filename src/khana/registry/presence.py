"""Whether numbers are in the registry, and how many households stand in each area: for studies, never for look-ups.

Numbers come as tokens through a temporary table and one join answers all. Row security decides what is seen, so a study
of the whole country needs `registry.read` everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from khana.access import services as access
from khana.platform import bulk


def find_present(households: Sequence[str], tokens: Sequence[bytes]) -> set[str]:
    """Return the households of which at least one number is registered.

    Args:
        households: n codes of the survey's own.
        tokens: n tokens of their numbers.

    Raises:
        PermissionMissing: `registry.read` for the whole country: a study that saw one district only would call the others
            missing.
    """
    access.require("registry.read", everywhere=True)
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "_survey_number", [("household", "text"), ("token", "bytea")])
    bulk.copy_in(
        cursor, "_survey_number",
        pa.table({"household": pa.array(households, pa.string()), "token": bulk.hex_column(tokens)}),
    )  # fmt: skip
    cursor.execute("ANALYZE _survey_number")
    cursor.execute(
        """SELECT DISTINCT s.household FROM _survey_number s
           JOIN registry_identifier i ON i.token = s.token AND i.retired_at IS NULL"""
    )
    return {row[0] for row in cursor.fetchall()}


def count_households() -> dict[str, int]:
    """Return registered households by area code, of every level, within the caller's scope."""
    cursor = bulk.raw_cursor()
    cursor.execute(
        """SELECT part, sum(n)::bigint FROM (SELECT area_path, count(*) AS n FROM registry_household GROUP BY area_path) h,
                  unnest(string_to_array(trim(trailing '.' FROM area_path), '.')) part
           WHERE part <> '' GROUP BY part"""
    )
    return {code: int(count) for code, count in cursor.fetchall()}
