"""Are the lines of a household each there once, with one head on the line that the household says.

Looks from line to line and from the roster to the file of households.
"""

from __future__ import annotations


def line_twice() -> str:
    """Find household and line numbers that stand on more than one row; one finding a line."""
    return """SELECT household_id, line_no FROM member WHERE line_no IS NOT NULL
        GROUP BY household_id, line_no HAVING count(*) > 1"""


def line_missing() -> str:
    """Find households with a row that has no line number."""
    return "SELECT DISTINCT household_id, CAST(NULL AS BIGINT) AS line_no FROM member WHERE line_no IS NULL"


def number_twice() -> str:
    """Find lines that state a personal number which another line of the household states too."""
    digits = "regexp_replace({}.id_number, '[^0-9]', '', 'g')"
    return f"""SELECT DISTINCT p.household_id, p.line_no FROM member p
        JOIN member q ON q.household_id = p.household_id AND q.line_no <> p.line_no
            AND {digits.format("q")} = {digits.format("p")}
        WHERE length({digits.format("p")}) >= 10"""


def head_line_differs() -> str:
    """Find heads who do not stand on the line that the household names as its head's."""
    return """SELECT p.household_id, p.line_no FROM member p JOIN household h ON h.household_id = p.household_id
        WHERE p.relation = 'head' AND h.head_line_no IS NOT NULL AND p.line_no <> h.head_line_no"""


def without_members() -> str:
    """Find households of the file of households that the roster does not have."""
    return """SELECT h.household_id, CAST(NULL AS BIGINT) AS line_no FROM household h
        WHERE NOT EXISTS (SELECT 1 FROM member p WHERE p.household_id = h.household_id)"""


def without_household() -> str:
    """Find households of the roster that the file of households does not have."""
    return """SELECT DISTINCT p.household_id, CAST(NULL AS BIGINT) AS line_no FROM member p
        WHERE NOT EXISTS (SELECT 1 FROM stated_household h WHERE h.household_id = p.household_id)"""


def older_than_head(relations: list[str], years: int) -> str:
    """Find lines of these relations who are so many years older than the head, or more."""
    return _beside_head(relations, f"p.age - q.age >= {int(years)}")


def younger_than_head(relations: list[str], years: int) -> str:
    """Find lines of these relations who are so many years younger than the head, or more."""
    return _beside_head(relations, f"q.age - p.age >= {int(years)}")


def _beside_head(relations: list[str], condition: str) -> str:
    chosen = ", ".join("'" + relation.replace("'", "''") + "'" for relation in relations)
    return f"""SELECT DISTINCT p.household_id, p.line_no FROM member p
        JOIN member q ON q.household_id = p.household_id AND q.relation = 'head'
        WHERE p.relation IN ({chosen}) AND {condition}"""
