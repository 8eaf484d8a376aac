"""Do husband and wife point to each other, as far as a household with several wives can.

A man has one pointer and may have several wives; each wife points to him. So a wife to whom nobody points back
is no mistake while her husband points to another wife who points to him.
"""

from __future__ import annotations

from khana_methods.quality.checks.pointers import points

_PAIR = """SELECT p.household_id, p.line_no FROM member p
    JOIN member q ON q.household_id = p.household_id AND q.line_no = p.spouse_line
    WHERE """ + points("spouse_line")
_UNRETURNED = "q.spouse_line IS DISTINCT FROM p.line_no"


def dangling(sex: str) -> str:
    """Find husbands (M) or wives (F) whose spouse's line the household does not have."""
    return f"""SELECT p.household_id, p.line_no FROM member p
        WHERE {points("spouse_line")} AND p.sex = '{_known(sex)}' AND NOT EXISTS (
            SELECT 1 FROM member q WHERE q.household_id = p.household_id AND q.line_no = p.spouse_line)"""


def not_returned(sex: str) -> str:
    """Find husbands (M) or wives (F) to whom the spouse does not point back."""
    return f"{_PAIR} AND p.sex = '{_known(sex)}' AND {_UNRETURNED}"


def not_returned_nor_shared() -> str:
    """Find wives to whom the husband does not point back, and who share him with no wife to whom he does."""
    return f"""{_PAIR} AND p.sex = 'F' AND {_UNRETURNED} AND NOT EXISTS (
        SELECT 1 FROM member w WHERE w.household_id = q.household_id AND w.line_no = q.spouse_line
            AND w.spouse_line = q.line_no AND w.sex = 'F')"""


def same_sex() -> str:
    """Find lines whose spouse is of the same sex, M or F."""
    return f"{_PAIR} AND p.sex = q.sex AND p.sex IN ('M', 'F') AND p.line_no <> q.line_no"


def itself() -> str:
    """Find lines that are their own spouse."""
    return f"{_PAIR} AND p.line_no = q.line_no"


def not_married() -> str:
    """Find lines whose spouse in the household is not written as married."""
    return f"{_PAIR} AND p.line_no <> q.line_no AND q.marital <> 'M'"


def wives_over(most: int) -> str:
    """Find husbands to whom more than so many wives point."""
    return f"""SELECT q.household_id, q.line_no FROM member p
        JOIN member q ON q.household_id = p.household_id AND q.line_no = p.spouse_line
        WHERE {points("spouse_line")} AND p.sex = 'F' AND q.sex = 'M'
        GROUP BY q.household_id, q.line_no HAVING count(DISTINCT p.line_no) > {int(most)}"""


def husbands_over(most: int) -> str:
    """Find wives to whom more than so many husbands point."""
    return f"""SELECT q.household_id, q.line_no FROM member p
        JOIN member q ON q.household_id = p.household_id AND q.line_no = p.spouse_line
        WHERE {points("spouse_line")} AND p.sex = 'M' AND q.sex = 'F'
        GROUP BY q.household_id, q.line_no HAVING count(DISTINCT p.line_no) > {int(most)}"""


def _known(sex: str) -> str:
    return {"M": "M", "F": "F"}[sex]
