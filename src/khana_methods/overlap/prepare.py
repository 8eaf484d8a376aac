"""Lay the ground: every token becomes a dense integer, every register shrinks to the lists' people.

Working tables are named `work_*`. Only numbers that stand on a list (or on the small registers of
employees, exits and stops) get an integer, so that six million extract rows are read once, joined on
their 32 bytes once, and everything later compares integers.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.parameters import Parameters
from khana_methods.records import FRAMES


def fill_absent_frames(engine: Engine) -> None:
    """Make an empty table for each frame that was not sent; checks that need it will not run."""
    for name, schema in FRAMES.items():
        if not engine.has(name):
            engine.make_empty(name, schema)


def prepare_parameters(engine: Engine, parameters: Parameters) -> None:
    """Write the one-row `work_parameter` and the lists of exempt sexes and connected programmes."""
    engine.run(
        """
        CREATE OR REPLACE TABLE work_parameter AS
        SELECT $as_of::DATE AS as_of, $cap::INTEGER AS cap, $poor_cutoff::DOUBLE AS poor_cutoff,
               $percentile::DOUBLE AS well_off_percentile, $exempt::VARCHAR[] AS exempt_sexes,
               (SELECT quantile_disc(score, least(1.0, $percentile::DOUBLE / 100)) FROM score_frame)
                   AS well_off_score
        """,
        {
            "as_of": parameters.as_of,
            "cap": parameters.cap,
            "poor_cutoff": parameters.poor_cutoff,
            "percentile": parameters.well_off_percentile,
            "exempt": sorted(parameters.exempt_sexes),
        },
    )
    if parameters.connected is None:
        engine.run("CREATE OR REPLACE TABLE work_connected AS SELECT DISTINCT programme AS code FROM benefit_frame")
    else:
        engine.run(
            "CREATE OR REPLACE TABLE work_connected AS SELECT unnest($codes::VARCHAR[]) AS code",
            {"codes": sorted(parameters.connected)},
        )


def prepare_rows(engine: Engine) -> None:
    """Number tokens, mobiles, accounts and lists; write `work_row`, one row per list row."""
    engine.run("""
        CREATE OR REPLACE TABLE work_list AS
        SELECT row_number() OVER (ORDER BY source, programme, period)::INTEGER AS list_no, *
        FROM (SELECT source, programme, period, min(agency) AS agency,
                     coalesce(min(period_start), (SELECT as_of FROM work_parameter)) AS period_start,
                     max(period_end) AS period_end, count(*) AS list_rows
              FROM benefit_frame GROUP BY source, programme, period)
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_token AS
        SELECT row_number() OVER () AS number_no, token
        FROM (SELECT id_token AS token FROM benefit_frame WHERE id_token IS NOT NULL
              UNION SELECT payee_token FROM benefit_frame WHERE payee_token IS NOT NULL
              UNION SELECT id_token FROM employee_frame WHERE id_token IS NOT NULL
              UNION SELECT id_token FROM exit_frame WHERE id_token IS NOT NULL
              UNION SELECT id_token FROM stop_frame WHERE id_token IS NOT NULL)
        """)
    for name in ("mobile", "account"):
        engine.run(f"""
            CREATE OR REPLACE TABLE work_{name} AS
            SELECT row_number() OVER () AS {name}_no, {name}_token
            FROM (SELECT DISTINCT {name}_token FROM benefit_frame WHERE {name}_token IS NOT NULL)
            """)
    engine.run("""
        CREATE OR REPLACE TABLE work_row AS
        SELECT b.benefit_id, l.list_no, b.programme, l.period_start, b.area_code, b.amount,
               b.id_state, b.id_type, b.payee_id_state, b.payee_id_state <> '' AS has_other_payee,
               i.number_no AS beneficiary_no,
               CASE WHEN b.payee_id_state = '' THEN i.number_no ELSE p.number_no END AS payee_no,
               b.birth_year, b.birth_month, b.birth_day, b.sex, b.id_year_prefix_number,
               m.mobile_no, a.account_no
        FROM benefit_frame b
        JOIN work_list l USING (source, programme, period)
        LEFT JOIN work_token i ON i.token = b.id_token
        LEFT JOIN work_token p ON p.token = b.payee_token
        LEFT JOIN work_mobile m USING (mobile_token)
        LEFT JOIN work_account a USING (account_token)
        """)


def prepare_registers(engine: Engine) -> None:
    """Cut each register to the numbers in use: claims, holders, extract, telephones, payrolls."""
    engine.run("""
        CREATE OR REPLACE TABLE work_claim AS
        SELECT t.number_no, i.person_id, i.household_id, i.household_number, i.line_no, i.area_code
        FROM identifier_frame i JOIN work_token t USING (token)
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_holder AS
        SELECT * FROM work_claim
        QUALIFY row_number() OVER (PARTITION BY number_no ORDER BY person_id, household_id, line_no) = 1
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_serving AS
        SELECT DISTINCT id_token AS token FROM employee_frame
        WHERE status = 'SERVING' AND id_token IS NOT NULL
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_extract AS
        SELECT t.number_no, min(n.birth_date) AS birth_date, min(n.death_date) AS death_date,
               min(n.sex) AS sex, min(coalesce(n.year_prefix, year(n.birth_date))) AS first_prefix,
               max(coalesce(n.year_prefix, year(n.birth_date))) AS last_prefix,
               bool_or(s.token IS NOT NULL) AS spouse_serves
        FROM national_id_frame n JOIN work_token t USING (token)
        LEFT JOIN work_serving s ON s.token = n.spouse_token
        GROUP BY t.number_no
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_spouse AS
        SELECT number_no FROM work_extract WHERE spouse_serves
        UNION
        SELECT t.number_no FROM national_id_frame n
        JOIN work_serving s ON s.token = n.token JOIN work_token t ON t.token = n.spouse_token
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_sim AS
        SELECT DISTINCT m.mobile_no, t.number_no FROM sim_frame s
        JOIN work_mobile m USING (mobile_token) LEFT JOIN work_token t ON t.token = s.id_token
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_sim_owner AS
        SELECT DISTINCT t.number_no FROM sim_frame s JOIN work_token t ON t.token = s.id_token
        """)


def prepare_areas(engine: Engine) -> None:
    """Write `work_area`: each area code in use with itself and every area above it, and their levels."""
    engine.run("""
        CREATE OR REPLACE TABLE work_area_code AS
        SELECT DISTINCT area_code FROM benefit_frame WHERE area_code <> ''
        UNION SELECT DISTINCT area_code FROM household_frame WHERE area_code <> ''
        UNION SELECT DISTINCT area_code FROM work_claim WHERE area_code <> ''
        UNION SELECT DISTINCT unnest(areas) FROM programme_frame
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_area AS
        WITH RECURSIVE up AS (
            SELECT area_code, area_code AS above_code, parent_code, level FROM area_frame
            UNION ALL
            SELECT up.area_code, a.area_code, a.parent_code, a.level
            FROM up JOIN area_frame a ON a.area_code = up.parent_code AND up.parent_code <> up.above_code
        ), prefixed AS (
            SELECT c.area_code, a.area_code AS above_code
            FROM (SELECT area_code, unnest(range(1, len(area_code) + 1)) AS long FROM work_area_code
                  WHERE area_code NOT IN (SELECT area_code FROM area_frame)) c
            JOIN work_area_code a ON a.area_code = left(c.area_code, c.long)
        ), depth AS (
            SELECT area_code, count(*) - 1 AS level FROM prefixed GROUP BY area_code
        )
        SELECT area_code, above_code, level FROM up
        UNION ALL
        SELECT p.area_code, p.above_code, coalesce(a.level, d.level, 0)::INTEGER
        FROM prefixed p LEFT JOIN depth d ON d.area_code = p.above_code
        LEFT JOIN area_frame a ON a.area_code = p.above_code
        """)
