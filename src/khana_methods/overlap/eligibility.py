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
            SELECT n.household_id, n.sex, least(greatest(
                       year(q.as_of) - n.birth_year - CASE WHEN coalesce(n.birth_month, 1) * 100
                           + coalesce(n.birth_day, 1) > month(q.as_of) * 100 + day(q.as_of)
                           THEN 1 ELSE 0 END, 0), 127)::UHUGEINT AS age
            FROM person_frame n SEMI JOIN {households} h USING (household_id), work_parameter q
            WHERE n.is_member AND n.birth_year IS NOT NULL
        ), ages AS (
            SELECT household_id,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (sex = 'M'), 0) AS men,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (sex = 'F'), 0) AS women,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (sex NOT IN ('M', 'F')), 0) AS others
            FROM member GROUP BY household_id
        ), age AS (
            SELECT unnest(range(128))::UHUGEINT AS age
        ), rule AS (
            SELECT c.code, c.requires, c.incompatible_with, c.areas,
                   coalesce(c.max_score, if(c.poverty_targeted, q.poor_cutoff, 100)) AS max_score,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (
                       c.sex IN ('', 'M') AND age >= coalesce(c.min_age, 0)), 0) AS men,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (
                       c.sex IN ('', 'F') AND age >= coalesce(c.min_age_female, c.min_age, 0)), 0) AS women,
                   coalesce(bit_or(1::UHUGEINT << age) FILTER (
                       c.sex NOT IN ('M', 'F') AND age >= coalesce(c.min_age, 0)), 0) AS others
            FROM programme_frame c, work_parameter q, age
            WHERE age <= coalesce(c.max_age, 127)
            GROUP BY ALL
        ), there AS (
            SELECT c.code, d.area_code
            FROM rule c, (SELECT DISTINCT area_code FROM {households}) d
            WHERE len(c.areas) = 0 OR d.area_code IN (
                SELECT a.area_code FROM work_area a WHERE list_contains(c.areas, a.above_code))
        ), fits AS (
            SELECT h.household_id, r.code
            FROM {households} h JOIN there t USING (area_code) JOIN rule r USING (code)
            JOIN ages m USING (household_id)
            WHERE h.score <= r.max_score
              AND ((m.men & r.men) <> 0 OR (m.women & r.women) <> 0 OR (m.others & r.others) <> 0)
              AND (r.requires = '' OR EXISTS (
                    SELECT 1 FROM {holdings} g
                    WHERE g.household_id = h.household_id AND g.programme = r.requires))
              AND NOT EXISTS (
                    SELECT 1 FROM {holdings} g WHERE g.household_id = h.household_id
                    AND (g.programme = r.code OR list_contains(r.incompatible_with, g.programme)))
        )
        SELECT h.household_id, coalesce(f.codes, []) AS eligible_for
        FROM {households} h
        LEFT JOIN (SELECT household_id, list(code ORDER BY code) AS codes FROM fits GROUP BY household_id) f
        USING (household_id)
        """)
