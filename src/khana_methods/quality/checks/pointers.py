"""Do the lines of father and mother lead to somebody who can be the father or the mother.

A pointer names a line of the same household; blank, 0, 98 (dead) and 99 (elsewhere) point nowhere.
Ages are in completed years, a gap is the parent's age less the child's.
"""

from __future__ import annotations

NOWHERE = "(0, 98, 99)"


def points(column: str, alias: str = "p") -> str:
    """Write SQL that tells whether a pointer names a line of the roster."""
    return f"({alias}.{column} IS NOT NULL AND {alias}.{column} NOT IN {NOWHERE})"


def dangling(pointer: str) -> str:
    """Find lines whose pointer names a line that the household does not have."""
    return f"""SELECT p.household_id, p.line_no FROM member p
        WHERE {points(pointer)} AND NOT EXISTS (
            SELECT 1 FROM member q WHERE q.household_id = p.household_id AND q.line_no = p.{pointer})"""


def _parents(pointer: str, condition: str) -> str:
    return f"""SELECT p.household_id, p.line_no FROM member p
        JOIN member q ON q.household_id = p.household_id AND q.line_no = p.{pointer}
        WHERE {points(pointer)} AND {condition}"""


def wrong_sex(pointer: str, sex: str) -> str:
    """Find lines whose parent is of the other sex; transgender parents and unknown sex are left alone."""
    other = {"M": "F", "F": "M"}[sex]
    return _parents(pointer, f"q.sex = '{other}'")


def itself(pointer: str) -> str:
    """Find lines that name themselves."""
    return f"SELECT p.household_id, p.line_no FROM member p WHERE {points(pointer)} AND p.{pointer} = p.line_no"


def gap_under(pointer: str, years: int) -> str:
    """Find lines whose parent is less than so many years older, or younger.

    Source: domain report 5.2, which counts negative gaps among those under 12.
    """
    return _parents(pointer, f"q.age - p.age < {int(years)}")


def gap_over(pointer: str, years: int) -> str:
    """Find lines whose parent is more than so many years older."""
    return _parents(pointer, f"q.age - p.age > {int(years)}")
