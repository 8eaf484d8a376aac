"""The five answers: all recipients, overlaps, the cap, poor and unserved, well off and paid.

A *recipient* is one payee as far as is known: by person, else by number; a row without a usable
number of its payee is a recipient of its own, marked unidentified. A household is *served* when
any number that any of its members claims stands on any list.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.eligibility import eligible_programmes


def write_recipients(engine: Engine) -> None:
    """Write `recipient`: one row per payee with all that she draws."""
    last_list = int(engine.value("SELECT coalesce(max(list_no), 1) FROM work_list"))
    engine.run(f"""
        CREATE OR REPLACE TABLE work_recipient AS
        SELECT p.payee_key, CASE WHEN p.payee_key IS NULL THEN p.benefit_id END AS alone,
               min(p.payee_no) AS number_no, min(p.payee_person) AS person_id,
               min(p.payee_household) AS household_id,
               bitstring_agg(p.list_no, 0, {last_list}) AS lists, min(nullif(p.area_code, '')) AS listed_area,
               count(*) AS list_rows, sum(p.amount) AS amount
        FROM work_party p
        GROUP BY p.payee_key, alone
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_lists AS
        WITH combination AS (SELECT DISTINCT lists FROM work_recipient)
        SELECT i.lists, list(DISTINCT l.agency ORDER BY l.agency) AS agencies,
               list(DISTINCT l.programme ORDER BY l.programme) AS programmes,
               count(DISTINCT l.programme) FILTER (c.counts_to_cap) AS cash_programmes,
               coalesce(bool_or(c.poverty_targeted), false) AS poverty_targeted
        FROM combination i JOIN work_list l ON get_bit(i.lists, l.list_no) = 1
        LEFT JOIN programme_frame c ON c.code = l.programme
        GROUP BY i.lists
        """)
    engine.run("""
        CREATE OR REPLACE TABLE recipient AS
        SELECT row_number() OVER () AS recipient_no, w.payee_key IS NOT NULL AS is_identified,
               w.payee_key, t.token AS id_token, w.person_id, w.household_id,
               coalesce(n.household_number, '') AS household_number, n.line_no,
               coalesce(n.area_code, w.listed_area, '') AS area_code,
               l.agencies, l.programmes, l.cash_programmes::INTEGER AS cash_programmes,
               l.cash_programmes > q.cap AS is_over_cap, w.list_rows AS rows,
               coalesce(w.amount, 0) AS amount, s.score,
               coalesce(s.score > q.well_off_score
                        AND NOT list_contains(q.exempt_sexes, coalesce(n.sex, '')), false) AS is_well_off,
               l.poverty_targeted
        FROM work_recipient w JOIN work_lists l USING (lists)
        CROSS JOIN work_parameter q
        LEFT JOIN work_token t USING (number_no)
        LEFT JOIN work_person n ON n.person_id = w.person_id
        LEFT JOIN score_frame s ON s.household_id = w.household_id
        """)
    engine.drop("work_recipient")
    engine.run("""
        CREATE OR REPLACE VIEW leakage AS
        SELECT * FROM recipient WHERE is_well_off AND poverty_targeted
        """)


def write_pair_overlaps(engine: Engine) -> None:
    """Write `pair_overlap`: who draws each two programmes: persons, and households by any members."""
    engine.run("""
        CREATE OR REPLACE TABLE pair_overlap AS
        WITH home AS (
            SELECT DISTINCT payee_household AS household_id, programme FROM work_party
            WHERE payee_household IS NOT NULL
        ), person AS (
            SELECT a.programme AS programme_a, b.programme AS programme_b, count(*) AS persons
            FROM work_holding a JOIN work_holding b ON a.payee_key = b.payee_key AND a.programme < b.programme
            GROUP BY ALL
        ), household AS (
            SELECT a.programme AS programme_a, b.programme AS programme_b, count(*) AS households
            FROM home a JOIN home b ON a.household_id = b.household_id AND a.programme < b.programme
            GROUP BY ALL
        )
        SELECT programme_a, programme_b, coalesce(persons, 0) AS persons,
               coalesce(households, 0) AS households
        FROM person FULL JOIN household USING (programme_a, programme_b)
        ORDER BY programme_a, programme_b
        """)


def write_unserved(engine: Engine) -> None:
    """Write `unserved`: poor households on no connected list, poorest first, with what each could get."""
    engine.run("""
        CREATE OR REPLACE TABLE work_served AS
        SELECT beneficiary_household AS household_id FROM work_party WHERE beneficiary_household IS NOT NULL
        UNION SELECT payee_household FROM work_party WHERE payee_household IS NOT NULL
        UNION SELECT c.household_id FROM work_claim c SEMI JOIN work_party p ON p.beneficiary_no = c.number_no
        UNION SELECT c.household_id FROM work_claim c SEMI JOIN work_party p ON p.payee_no = c.number_no
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_unserved AS
        SELECT h.household_id, h.household_number, h.area_code, h.members, s.score
        FROM household_frame h JOIN score_frame s USING (household_id)
        ANTI JOIN work_served v USING (household_id)
        WHERE s.score <= (SELECT poor_cutoff FROM work_parameter)
        """)
    engine.run("CREATE OR REPLACE TABLE work_nothing_held (household_id BIGINT, programme VARCHAR)")
    eligible_programmes(engine, households="work_unserved", holdings="work_nothing_held", into="work_eligible")
    engine.run("""
        CREATE OR REPLACE TABLE unserved AS
        SELECT u.household_id, u.household_number, u.area_code, u.score,
               row_number() OVER (ORDER BY u.score, u.household_id) AS rank, u.members, e.eligible_for
        FROM work_unserved u JOIN work_eligible e USING (household_id)
        """)
    engine.drop("work_unserved", "work_eligible", "work_nothing_held")


def write_area_figures(engine: Engine) -> None:
    """Write `area_figure`: counts for each area and every area above it.

    Figures: recipients, overlaps (on two programmes or more), over_cap, well_off (paid though well off), rows, refused_rows, amount,
    households, poor_households, unserved. `programme` is '' for all programmes together.
    """
    engine.run("""
        CREATE OR REPLACE TABLE area_figure AS
        WITH list_row AS (
            SELECT area_code, programme, count(*) AS list_rows, sum(amount) AS amount
            FROM work_row GROUP BY area_code, programme
        ), refused AS (
            SELECT area_code, programme, count(*) AS refused_rows
            FROM work_row SEMI JOIN (FROM finding WHERE severity = 'REFUSE') f USING (benefit_id)
            GROUP BY area_code, programme
        ), drawn AS (
            SELECT area_code, unnest(programmes) AS programme FROM recipient
        ), base AS (
            SELECT area_code, 'recipients' AS figure, '' AS programme, count(*) AS value
            FROM recipient GROUP BY ALL
            UNION ALL SELECT area_code, 'overlaps', '', count(*) FROM recipient WHERE len(programmes) > 1 GROUP BY ALL
            UNION ALL SELECT area_code, 'over_cap', '', count(*) FROM recipient WHERE is_over_cap GROUP BY ALL
            UNION ALL SELECT area_code, 'well_off', '', count(*) FROM leakage GROUP BY ALL
            UNION ALL SELECT area_code, 'recipients', programme, count(*) FROM drawn GROUP BY ALL
            UNION ALL SELECT area_code, 'rows', programme, list_rows FROM list_row
            UNION ALL SELECT area_code, 'rows', '', sum(list_rows) FROM list_row GROUP BY area_code
            UNION ALL SELECT area_code, 'refused_rows', programme, refused_rows FROM refused
            UNION ALL SELECT area_code, 'refused_rows', '', sum(refused_rows) FROM refused GROUP BY area_code
            UNION ALL SELECT area_code, 'amount', programme, round(amount) FROM list_row
            UNION ALL SELECT area_code, 'amount', '', round(sum(amount)) FROM list_row GROUP BY area_code
            UNION ALL SELECT area_code, 'households', '', count(*) FROM household_frame GROUP BY ALL
            UNION ALL SELECT h.area_code, 'poor_households', '', count(*)
                FROM household_frame h JOIN score_frame s USING (household_id)
                WHERE s.score <= (SELECT poor_cutoff FROM work_parameter) GROUP BY ALL
            UNION ALL SELECT area_code, 'unserved', '', count(*) FROM unserved GROUP BY ALL
        )
        SELECT a.above_code AS area_code, a.level, b.figure, b.programme, sum(b.value)::BIGINT AS value
        FROM base b JOIN work_area a USING (area_code)
        WHERE b.value <> 0
        GROUP BY a.above_code, a.level, b.figure, b.programme
        """)
