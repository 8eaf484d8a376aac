"""What the members of a household could receive, by what the catalogue says.

The one place that decides it: score cut-off, age, sex, area, prerequisite and incompatibility.
The rule language will stand behind the same function. Unknown is not eligible: an age or a
score that nobody knows opens no door. A programme that requires another is offered only to who
holds that other one already.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine


def eligible_programmes(engine: Engine, *, households: str, holdings: str, into: str) -> None:
    """Write which catalogue programmes each household has an eligible member for.

    Args:
        engine: With `person_frame`, `programme_frame`, `work_area`, `work_parameter`.
        households: Table of `household_id, area_code, score`: whom to ask for.
        holdings: Table of `household_id, programme`: what each household holds already.
        into: Table to write: one row per household of the question, `household_id`,
            `eligible_for` (programme codes in order; empty where there is none).
    """
    engine.run(f"""
        CREATE OR REPLACE TABLE {into} AS
        WITH member AS (
            SELECT n.household_id, n.sex,
                   year(q.as_of) - n.birth_year - CASE WHEN coalesce(n.birth_month, 1) * 100
                       + coalesce(n.birth_day, 1) > month(q.as_of) * 100 + day(q.as_of)
                       THEN 1 ELSE 0 END AS age
            FROM person_frame n SEMI JOIN {households} h USING (household_id), work_parameter q
            WHERE n.is_member
        ), kind AS (
            SELECT DISTINCT household_id, sex, age FROM member
        ), open AS (
            SELECT h.household_id, h.score, c.*
            FROM {households} h, programme_frame c, work_parameter q
            WHERE h.score <= coalesce(c.max_score, if(c.poverty_targeted, q.poor_cutoff, 100))
              AND (len(c.areas) = 0 OR EXISTS (
                    SELECT 1 FROM work_area a WHERE a.area_code = h.area_code
                    AND list_contains(c.areas, a.above_code)))
              AND (c.requires = '' OR EXISTS (
                    SELECT 1 FROM {holdings} g
                    WHERE g.household_id = h.household_id AND g.programme = c.requires))
              AND NOT EXISTS (
                    SELECT 1 FROM {holdings} g WHERE g.household_id = h.household_id
                    AND list_contains(c.incompatible_with, g.programme))
              AND NOT EXISTS (
                    SELECT 1 FROM {holdings} g WHERE g.household_id = h.household_id AND g.programme = c.code)
        ), fits AS (
            SELECT DISTINCT o.household_id, o.code
            FROM open o JOIN kind k USING (household_id)
            WHERE (o.sex = '' OR o.sex = k.sex)
              AND (o.max_age IS NULL OR k.age <= o.max_age)
              AND (CASE WHEN k.sex = 'F' THEN coalesce(o.min_age_female, o.min_age) ELSE o.min_age END IS NULL
                   OR k.age >= CASE WHEN k.sex = 'F' THEN coalesce(o.min_age_female, o.min_age)
                                    ELSE o.min_age END)
        )
        SELECT h.household_id, coalesce(f.codes, []) AS eligible_for
        FROM {households} h
        LEFT JOIN (SELECT household_id, list(code ORDER BY code) AS codes FROM fits GROUP BY household_id) f
        USING (household_id)
        """)
