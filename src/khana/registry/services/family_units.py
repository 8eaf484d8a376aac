"""Number the families inside households: husband with wives, never-married child with mother, else father.

Source: the pair rule that reproduces 38,691 components on PSLM 2015-16 (domain report, 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import psycopg
import pyarrow as pa

from khana.platform import bulk

Line = tuple[int, str, int | None, int | None, int | None]


def family_numbers(lines: Sequence[Line]) -> dict[int, int]:
    """Split one household into families.

    Args:
        lines: (line_no, marital status, spouse's, father's, mother's line), one per person;
            pointers to lines that are not there count as none.

    Returns:
        Line -> family number from 1, in the order of each family's lowest line.

    Examples:
        >>> family_numbers([(1, "M", 51, None, None), (51, "M", 1, None, None), (2, "S", None, 1, 51),
        ...                 (3, "M", 52, 1, 51), (52, "M", 3, None, None), (4, "W", None, None, None)])
        {1: 1, 51: 1, 2: 1, 3: 2, 52: 2, 4: 3}

    Source:
        Domain report 5.2 (families within PSLM households); union-find over those pairs.
    """
    top = {line[0]: line[0] for line in lines}

    def find(line: int) -> int:
        while top[line] != line:
            top[line] = top[top[line]]
            line = top[line]
        return line

    for line, marital, spouse, father, mother in lines:
        other = spouse if spouse in top else None
        if other is None and marital in ("S", ""):
            other = mother if mother in top else father if father in top else None
        if other is not None and other != line:
            top[find(line)] = find(other)
    numbers: dict[int, int] = {}
    out: dict[int, int] = {}
    for line in sorted(top):
        out[line] = numbers.setdefault(find(line), len(numbers) + 1)
    return {line[0]: out[line[0]] for line in lines}


def number_families(cursor: psycopg.Cursor[Any]) -> None:
    """Make the temporary table `_family` (household_id, line_no, family_no) of the staged persons."""
    rows = cursor.execute(
        "SELECT household_id, line_no, marital, spouse_line, father_line, mother_line FROM _person ORDER BY household_id"
    ).fetchall()
    households: list[int] = []
    lines: list[int] = []
    numbers: list[int] = []
    for household, members in groupby(rows, key=lambda row: row[0]):
        found = family_numbers([row[1:] for row in members])
        households += [household] * len(found)
        lines += found.keys()
        numbers += found.values()
    bulk.make_staging(
        cursor, "_family", [("household_id", "bigint"), ("line_no", "integer"), ("family_no", "smallint")]
    )
    bulk.copy_in(cursor, "_family", pa.table({"household_id": households, "line_no": lines, "family_no": numbers}))
    cursor.execute("ANALYZE _family")
