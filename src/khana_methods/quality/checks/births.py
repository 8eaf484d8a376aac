"""Does the date of birth, as far as it is known, agree with the stated age on the day of the interview.

A birth may be a year only. Where month or day is unknown the age may be one less: that much is allowed first.
"""

from __future__ import annotations

_YEARS = """SELECT p.household_id, p.line_no FROM member p JOIN household h ON h.household_id = p.household_id
    WHERE p.birth_year IS NOT NULL AND h.survey_date IS NOT NULL AND """


def age_differs(years: int) -> str:
    """Find lines whose stated age is more than so many years off the age that the birth gives.

    The birth's year alone gives two possible ages; the nearer one counts.
    Source: Uganda National Single Registry, data rules (domain report 5.2): birth against age within one year.
    """
    age = "year(h.survey_date) - p.birth_year"
    return f"{_YEARS} p.age IS NOT NULL AND NOT (p.age BETWEEN {age} - 1 - {int(years)} AND {age} + {int(years)})"


def after_survey() -> str:
    """Find lines who were born after the interview, by the parts of the birth that are known."""
    return f"""{_YEARS} (p.birth_year > year(h.survey_date)
        OR (p.birth_year = year(h.survey_date) AND p.birth_month > month(h.survey_date))
        OR (p.birth_year = year(h.survey_date) AND p.birth_month = month(h.survey_date)
            AND p.birth_day > day(h.survey_date)))"""


def impossible_date() -> str:
    """Find lines whose birth is no day of the calendar."""
    return """SELECT p.household_id, p.line_no FROM member p WHERE p.birth_month NOT BETWEEN 1 AND 12
        OR p.birth_day NOT BETWEEN 1 AND 31
        OR (p.birth_year IS NOT NULL AND p.birth_month BETWEEN 1 AND 12 AND p.birth_day BETWEEN 1 AND 31
            AND try_cast(printf('%04d-%02d-%02d', p.birth_year, p.birth_month, p.birth_day) AS DATE) IS NULL)"""
