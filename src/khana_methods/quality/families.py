"""Derive the families inside households from the roster's own pointers.

A family is a husband with his wife or wives and their never-married children. Two rules join lines: a spouse's
line, and for the never married the mother's line, or the father's where no mother is named. So several wives of one
man are one family; who is absent but a member stays in it; a married son begins another; a guest is in none.
The slow version that a reader can follow stands beside the fast one, and a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.quality.checks.pointers import points

Line = tuple[int, str, int | None, int | None, int | None]
_NOWHERE = (None, 0, 98, 99)
# Statuses that count as never married: marital status is often not asked of children.
NEVER_MARRIED = ("S", "")

# One row per line of a roster. `family` counts from 1 within the household; null for guests.
family_frame = pa.schema([("household_id", pa.string()), ("line_no", pa.int64()), ("family", pa.int64())])
# One row per line that somebody put into another family, with the reason.
family_correction_frame = pa.schema(
    [("household_id", pa.string()), ("line_no", pa.int64()), ("family", pa.int64()), ("reason", pa.string())]
)


class FactMissing(InputError):
    """Families cannot be derived without pointers and marital status."""

    code: ClassVar[str] = "quality.families.fact_missing"


class CorrectionUnusable(InputError):
    """A correction has no reason, or means a line that the roster does not have."""

    code: ClassVar[str] = "quality.families.correction_unusable"


def family_numbers(lines: Sequence[Line]) -> dict[int, int]:
    """Split one household into families, slowly and plainly.

    Args:
        lines: (line_no, marital status, spouse's, father's, mother's line), one per member.

    Returns:
        Line -> family number from 1, in the order of each family's lowest line.

    Examples:
        A man with two wives, of whom one is pointed back to, a married son, and a widow:

        >>> family_numbers([(1, "M", 51, 98, 98), (51, "M", 1, 98, 98), (52, "M", 1, 98, 98), (2, "S", None, 1, 51),
        ...                 (3, "M", 53, 1, 52), (53, "M", 3, 99, 99), (54, "W", None, 98, 98)])
        {1: 1, 51: 1, 52: 1, 2: 1, 3: 2, 53: 2, 54: 3}

    Source:
        Domain report 5.2: union of husband and wife, never-married child with the mother, else the father; 38,691
        families on PSLM 2015-16. A mother who is named and not on the roster joins the child to nobody.
    """
    top = {line[0]: line[0] for line in lines}

    def find(line: int) -> int:
        while top[line] != line:
            top[line] = top[top[line]]
            line = top[line]
        return line

    def join(line: int, other: int | None) -> None:
        if other not in _NOWHERE and other in top and other != line:
            top[find(line)] = find(other)

    for line, marital, spouse, father, mother in lines:
        join(line, spouse)
        if (marital or "") in NEVER_MARRIED:
            join(line, mother if mother not in _NOWHERE else father)
    numbers: dict[int, int] = {}
    out = {line: numbers.setdefault(find(line), len(numbers) + 1) for line in sorted(top)}
    return {line[0]: out[line[0]] for line in lines}


def derive_families(
    engine: Engine, members: pa.Table, *, corrections: pa.Table | None = None, orphans_with_child_head: bool = False
) -> pa.Table:
    """Number the families of every household of a roster.

    Args:
        engine: Does the work.
        members: n rows, one per line: `household_id`, `line_no`, `marital`, `spouse_line`, `father_line`,
            `mother_line`, and where known `is_member`, `relation`, `age`.
        corrections: Lines that somebody put into another family, in the columns of `family_correction_frame`.
        orphans_with_child_head: Children without a parent on the roster join a head under 18 who has none either.
            Off by default: the reference figures of the domain report leave each alone.

    Returns:
        One row per household and line, ordered by both, in the columns of `family_frame`.

    Raises:
        FactMissing: A pointer or the marital status is not among the columns.
        CorrectionUnusable: A correction cannot be applied.

    Source:
        As `family_numbers`.
    """
    needed = ("household_id", "line_no", "marital", "spouse_line", "father_line", "mother_line")
    missing = [name for name in needed if name not in members.schema.names]
    if missing:
        raise FactMissing(f"Families need the facts {', '.join(missing)} on the roster.", missing=missing)
    engine.register("family_source", members)
    keeps = "is_member IS DISTINCT FROM false" if "is_member" in members.schema.names else "true"
    extra = [n if n in members.schema.names else f"NULL AS {n}" for n in ("relation", "age")]
    engine.run(
        f"""CREATE OR REPLACE TABLE family_line AS SELECT row_number() OVER (ORDER BY household_id, line_no) - 1 AS k, *
            FROM (SELECT CAST(household_id AS VARCHAR) AS household_id, CAST(line_no AS BIGINT) AS line_no,
                      coalesce(marital, '') AS marital, spouse_line, father_line, mother_line, {", ".join(extra)}
                  FROM family_source WHERE line_no IS NOT NULL AND {keeps}
                  QUALIFY row_number() OVER (PARTITION BY household_id, line_no ORDER BY marital) = 1)"""
    )
    pairs = engine.table(_edges(orphans_with_child_head))
    labels = _components(
        engine.value("SELECT count(*) FROM family_line"), pairs.column("a").to_numpy(), pairs.column("b").to_numpy()
    )
    engine.register("family_label", pa.table({"k": np.arange(len(labels)), "label": labels}))
    engine.run(
        """CREATE OR REPLACE TABLE family_number AS
           SELECT household_id, line_no, dense_rank() OVER (PARTITION BY household_id ORDER BY label) AS family
           FROM family_line JOIN family_label USING (k)"""
    )
    if corrections is not None and corrections.num_rows:
        _correct(engine, corrections)
    found = engine.table(
        """SELECT DISTINCT CAST(s.household_id AS VARCHAR) AS household_id, CAST(s.line_no AS BIGINT) AS line_no,
               CAST(n.family AS BIGINT) AS family
           FROM family_source s LEFT JOIN family_number n
             ON n.household_id = CAST(s.household_id AS VARCHAR) AND n.line_no = s.line_no
           WHERE s.line_no IS NOT NULL ORDER BY household_id, line_no"""
    )
    engine.drop("family_label", "family_line", "family_source", "family_number")
    return found.cast(family_frame)


def _edges(orphans_with_child_head: bool) -> str:
    """Write SQL for the pairs of rows that belong to one family."""
    never = ", ".join(f"'{status}'" for status in NEVER_MARRIED)
    mother = points("mother_line")
    parent = f"CASE WHEN {mother} THEN p.mother_line WHEN {points('father_line')} THEN p.father_line END"
    text = f"""SELECT p.k AS a, q.k AS b FROM family_line p JOIN family_line q
            ON q.household_id = p.household_id AND q.line_no = p.spouse_line WHERE {points("spouse_line")}
        UNION ALL SELECT p.k, q.k FROM family_line p JOIN family_line q
            ON q.household_id = p.household_id AND q.line_no = {parent} WHERE p.marital IN ({never})"""
    if orphans_with_child_head:
        alone = """{0}.marital IN ({1}) AND {0}.age < 18 AND NOT EXISTS (SELECT 1 FROM family_line x
            WHERE x.household_id = {0}.household_id AND x.line_no IN ({0}.mother_line, {0}.father_line))"""
        text += f""" UNION ALL SELECT p.k, q.k FROM family_line p JOIN family_line q ON q.household_id = p.household_id
            WHERE q.relation = 'head' AND {alone.format("q", never)} AND {alone.format("p", never)}"""
    return text


def _components(count: int, a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Label connected rows by their smallest row.

    Examples:
        >>> _components(5, np.array([1, 4]), np.array([3, 3])).tolist()
        [0, 1, 2, 1, 1]
    """
    label = np.arange(count, dtype=np.int64)
    while True:
        before = label.copy()
        lower = np.minimum(label[a], label[b])
        np.minimum.at(label, a, lower)
        np.minimum.at(label, b, lower)
        label = label[label]  # jump: the smallest row of the smallest row
        if np.array_equal(before, label):
            return label


def _correct(engine: Engine, corrections: pa.Table) -> None:
    """Put corrected lines into the families that somebody said; numbers of the others stay."""
    engine.register("family_correction", corrections, schema=family_correction_frame)
    blank = engine.value(
        "SELECT count(*) FROM family_correction WHERE coalesce(trim(reason), '') = '' OR coalesce(family, 0) < 1"
    )
    lost = engine.value(
        """SELECT count(*) FROM family_correction c
           WHERE NOT EXISTS (SELECT 1 FROM family_number n WHERE n.household_id = c.household_id AND n.line_no = c.line_no)"""
    )
    if blank or lost:
        raise CorrectionUnusable(
            f"{blank} corrections lack a reason or a family number, and {lost} mean a line that is no member. "
            "Write household_id, line_no, family (from 1) and reason for each.",
            blank=blank,
            lost=lost,
        )
    engine.run(
        """UPDATE family_number SET family = c.family FROM family_correction c
           WHERE c.household_id = family_number.household_id AND c.line_no = family_number.line_no"""
    )


def summarise_families(engine: Engine, families: pa.Table, members: pa.Table) -> dict[str, Any]:
    """Count families and the ever-married women in them.

    Args:
        engine: Does the work.
        families: As `derive_families` gives them.
        members: The roster that they were derived from; `sex` and `marital` are read where it has them.

    Returns:
        households, families, single (of one member), with_ever_married_woman, per_household (of those),
        several_ever_married_women, and households_by_families: how many households have 0, 1, 2 … of them.
    """
    engine.register("family_of", families)
    engine.register("family_member", members)
    sex = "m.sex" if "sex" in members.schema.names else "NULL"
    engine.run(
        f"""CREATE OR REPLACE TABLE each_family AS SELECT f.household_id, f.family, count(*) AS lines,
                count(*) FILTER ({sex} = 'F' AND m.marital IN ('M', 'W', 'D', 'A', 'L')) AS women
            FROM family_of f JOIN family_member m
              ON CAST(m.household_id AS VARCHAR) = f.household_id AND m.line_no = f.line_no
            WHERE f.family IS NOT NULL GROUP BY f.household_id, f.family"""
    )
    row = engine.rows(
        """SELECT count(DISTINCT household_id), count(*), count(*) FILTER (lines = 1), count(*) FILTER (women > 0),
                  count(*) FILTER (women > 1) FROM each_family"""
    )[0]
    by_count: Mapping[int, int] = dict(
        engine.rows(
            """SELECT n, count(*) FROM (SELECT household_id, count(*) FILTER (women > 0) AS n FROM each_family
               GROUP BY household_id) GROUP BY n ORDER BY n"""
        )
    )
    engine.drop("family_of", "family_member", "each_family")
    names = ("households", "families", "single", "with_ever_married_woman", "several_ever_married_women")
    found: dict[str, Any] = dict(zip(names, row, strict=True))
    found["per_household"] = round(row[3] / row[0], 3) if row[0] else None
    return found | {"households_by_families": by_count}
