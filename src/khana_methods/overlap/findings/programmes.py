"""Checks against the rules of programmes: age, area, welfare, prerequisite, conflict, cap, exit.

Prerequisites, conflicts and the cap go by the payee and by holdings: one payee on one programme
once, all periods together. A programme whose list has not arrived is never said to be missing.
"""

from __future__ import annotations

from khana_methods.overlap.findings.check import Check

# Every known date must lie outside: the one stated in the row and the extract's; the registry's
# speaks only where both are silent. A partial date is out of range only if all of its days are.
AGE = Check(
    codes=("AGE_OUT_OF_RANGE",),
    sql="""
        WITH known AS (
            SELECT r.benefit_id, r.beneficiary_person, r.period_start, c.max_age,
                   CASE WHEN coalesce(nullif(r.sex, ''), r.issued_sex, n.sex, '') = 'F'
                        THEN coalesce(c.min_age_female, c.min_age) ELSE c.min_age END AS min_age,
                   CASE WHEN r.birth_year IS NULL AND r.birth_date IS NULL THEN n.birth_year
                        ELSE r.birth_year END AS y,
                   CASE WHEN r.birth_year IS NULL AND r.birth_date IS NULL THEN n.birth_month
                        ELSE r.birth_month END AS m,
                   CASE WHEN r.birth_year IS NULL AND r.birth_date IS NULL THEN n.birth_day
                        ELSE r.birth_day END AS d,
                   r.birth_date
            FROM work_party r JOIN programme_frame c ON c.code = r.programme
            LEFT JOIN work_person n ON n.person_id = r.beneficiary_person
            WHERE c.min_age IS NOT NULL OR c.max_age IS NOT NULL OR c.min_age_female IS NOT NULL
        ), aged AS (
            SELECT benefit_id, beneficiary_person, min_age, max_age,
                   year(period_start) - y - CASE WHEN coalesce(m, 12) * 100 + coalesce(d, 31)
                       > month(period_start) * 100 + day(period_start) THEN 1 ELSE 0 END AS youngest,
                   year(period_start) - y - CASE WHEN coalesce(m, 1) * 100 + coalesce(d, 1)
                       > month(period_start) * 100 + day(period_start) THEN 1 ELSE 0 END AS oldest,
                   year(period_start) - year(birth_date) - CASE WHEN month(birth_date) * 100 + day(birth_date)
                       > month(period_start) * 100 + day(period_start) THEN 1 ELSE 0 END AS proven
            FROM known WHERE y IS NOT NULL OR birth_date IS NOT NULL
        )
        SELECT benefit_id, 'AGE_OUT_OF_RANGE' AS code, 'beneficiary' AS role,
               coalesce(proven, youngest)::VARCHAR AS detail, NULL AS group_no,
               beneficiary_person AS person_id
        FROM aged
        WHERE coalesce(coalesce(oldest, proven) < min_age OR coalesce(youngest, proven) > max_age, false)
          AND coalesce(coalesce(proven, oldest) < min_age OR coalesce(proven, youngest) > max_age, false)
        """,
)

AREA = Check(
    codes=("OUT_OF_AREA",),
    sql="""
        WITH served AS (
            SELECT DISTINCT c.code, a.area_code FROM (SELECT code, unnest(areas) AS above_code
                                                      FROM programme_frame) c
            JOIN work_area a USING (above_code)
        ), lives AS (
            SELECT p.benefit_id, p.programme, p.beneficiary_person,
                   coalesce(nullif(b.area_code, ''), nullif(y.area_code, ''), nullif(p.area_code, ''))
                       AS area_code
            FROM work_party p
            JOIN programme_frame c ON c.code = p.programme AND len(c.areas) > 0
            LEFT JOIN work_person b ON b.person_id = p.beneficiary_person
            LEFT JOIN work_person y ON y.person_id = p.payee_person
        )
        SELECT l.benefit_id, 'OUT_OF_AREA' AS code, 'beneficiary' AS role, l.area_code AS detail,
               NULL AS group_no, l.beneficiary_person AS person_id
        FROM lives l ANTI JOIN served s ON s.code = l.programme AND s.area_code = l.area_code
        WHERE l.area_code IS NOT NULL
        """,
)

WELL_OFF = Check(
    codes=("WELL_OFF",),
    needs=("score_frame",),
    sql="""
        SELECT p.benefit_id, 'WELL_OFF' AS code, 'beneficiary' AS role,
               printf('%.2f', s.score) AS detail, NULL AS group_no,
               p.beneficiary_person AS person_id
        FROM work_party p JOIN programme_frame c ON c.code = p.programme
        JOIN score_frame s ON s.household_id = coalesce(p.beneficiary_household, p.payee_household)
        JOIN work_parameter q ON s.score > q.well_off_score
        LEFT JOIN work_person y ON y.person_id = p.payee_person
        WHERE c.poverty_targeted AND NOT list_contains(q.exempt_sexes, coalesce(y.sex, ''))
        """,
)

PREREQUISITE = Check(
    codes=("PREREQUISITE_MISSING",),
    sql="""
        SELECT p.benefit_id, 'PREREQUISITE_MISSING' AS code, 'payee' AS role, c.requires AS detail,
               NULL AS group_no, p.payee_person AS person_id
        FROM work_party p JOIN programme_frame c ON c.code = p.programme
        JOIN work_connected k ON k.code = c.requires
        ANTI JOIN work_holding h ON h.programme = c.requires AND h.payee_key = p.payee_key
        WHERE p.payee_key IS NOT NULL
        """,
)

CONFLICT = Check(
    codes=("OTHER_PROGRAMME_CONFLICT",),
    sql="""
        WITH pair AS (
            SELECT code AS one, unnest(incompatible_with) AS other FROM programme_frame
            UNION
            SELECT unnest(incompatible_with), code FROM programme_frame
        ), clash AS (
            SELECT a.payee_key, a.programme, string_agg(b.programme, '+' ORDER BY b.programme) AS others
            FROM work_holding a JOIN pair ON pair.one = a.programme
            JOIN work_holding b ON b.payee_key = a.payee_key AND b.programme = pair.other
            WHERE a.programme <> b.programme
            GROUP BY a.payee_key, a.programme
        )
        SELECT p.benefit_id, 'OTHER_PROGRAMME_CONFLICT' AS code, 'payee' AS role, x.others AS detail,
               NULL AS group_no, p.payee_person AS person_id
        FROM work_party p JOIN clash x USING (payee_key, programme)
        """,
)

CAP = Check(
    codes=("CAP_EXCEEDED",),
    sql="""
        WITH counted AS (
            SELECT h.payee_key, h.programme
            FROM work_holding h JOIN programme_frame c ON c.code = h.programme WHERE c.counts_to_cap
        ), many AS (
            SELECT payee_key FROM counted GROUP BY payee_key
            HAVING count(*) > (SELECT cap FROM work_parameter)
        ), over AS (
            SELECT payee_key, string_agg(programme, '+' ORDER BY programme) AS programmes
            FROM counted SEMI JOIN many USING (payee_key) GROUP BY payee_key
        )
        SELECT p.benefit_id, 'CAP_EXCEEDED' AS code, 'payee' AS role, o.programmes AS detail,
               NULL AS group_no, p.payee_person AS person_id
        FROM work_party p JOIN over o USING (payee_key)
        JOIN programme_frame c ON c.code = p.programme AND c.counts_to_cap
        """,
)

EXIT = Check(
    codes=("GRADUATED_STILL_LISTED",),
    needs=("exit_frame",),
    sql="""
        SELECT p.benefit_id, 'GRADUATED_STILL_LISTED' AS code, 'beneficiary' AS role,
               max(x.exit_date || ' ' || x.exit_reason) AS detail, NULL AS group_no,
               min(p.beneficiary_person) AS person_id
        FROM work_party p
        JOIN (SELECT e.programme, k.key, e.exit_date, e.exit_reason
              FROM exit_frame e JOIN work_token t ON t.token = e.id_token
              JOIN work_number_key k USING (number_no)) x
          ON x.key = p.beneficiary_key AND x.programme = p.programme AND x.exit_date < p.period_start
        GROUP BY p.benefit_id
        """,
)

# a stop is of whoever is paid; where she is the beneficiary herself, her exit tells already
STOP = Check(
    codes=("STOPPED_STILL_LISTED",),
    sql="""
        SELECT p.benefit_id, 'STOPPED_STILL_LISTED' AS code, 'payee' AS role,
               max(x.stop_date || ' ' || x.rule) AS detail, NULL AS group_no, min(p.payee_person) AS person_id
        FROM work_party p
        JOIN (SELECT s.programme, k.key, s.stop_date, s.rule
              FROM stop_frame s JOIN work_token t ON t.token = s.id_token
              JOIN work_number_key k USING (number_no)) x
          ON x.key = p.payee_key AND x.programme = p.programme AND x.stop_date < p.period_start
        WHERE p.has_other_payee
        GROUP BY p.benefit_id
        """,
)

CHECKS = (AGE, AREA, WELL_OFF, PREREQUISITE, CONFLICT, CAP, EXIT, STOP)
