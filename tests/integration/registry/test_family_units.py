"""Families of persons that are imported: a household has several, and blocks never cut one in two."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from django.db import connection, transaction

from khana.access import services as access
from khana.platform import bulk
from khana.registry.services import family_units

AT = datetime(2026, 6, 30, tzinfo=UTC)
# a couple with two children, their married son with his wife and child, a widowed aunt, a guest
HOUSE = [
    (1, "M", 2, None, None, True), (2, "M", 1, None, None, True), (3, "S", None, 1, 2, True), (4, "S", None, 1, 2, True),
    (5, "M", 6, 1, 2, True), (6, "M", 5, None, None, True), (7, "S", None, 5, 6, True), (8, "W", None, None, None, True),
    (9, "S", None, None, None, False),
]  # fmt: skip
FAMILIES = {1: 1, 2: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 8: 3}


@pytest.mark.parametrize("block", [1 << 10, 32 << 20])
def test_families_of_the_staged(tokens, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(family_units, "_BLOCK", block)
    houses = 200
    rows = [(house, *line) for house in range(1, houses + 1) for line in HOUSE]
    columns = list(zip(*rows, strict=True))
    names = ["household_id", "line_no", "marital", "spouse_line", "father_line", "mother_line", "is_member"]
    staged = pa.table(dict(zip(names, columns, strict=True)))
    with access.scoped(tokens("data_steward")), transaction.atomic():
        cursor = bulk.raw_cursor()
        kinds = ["bigint", "integer", "text", "integer", "integer", "integer", "boolean"]
        bulk.make_staging(cursor, "_person", list(zip(names, kinds, strict=True)))
        bulk.copy_in(cursor, "_person", staged)
        family_units.number_families(cursor)
        with connection.cursor() as reading:
            reading.execute("SELECT household_id, line_no, family_no FROM _family WHERE family_no IS NOT NULL")
            found = reading.fetchall()
    assert len(found) == houses * len(FAMILIES)
    assert {(line, family) for _, line, family in found} == set(FAMILIES.items())
