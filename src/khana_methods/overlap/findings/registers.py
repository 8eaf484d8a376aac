"""Checks against other registers: deaths, public payrolls, telephones, the social registry itself.

Payroll codes go by the payee and apply to poverty-targeted programmes only. A spouse is known
from the spouse's number in the national-ID extract, read in both directions.
"""

from __future__ import annotations

from khana_methods.overlap.findings.check import Check

DECEASED = Check(
    codes=("DECEASED",),
    needs=("national_id_frame",),
    sql="""
        SELECT r.benefit_id, 'DECEASED' AS code, 'beneficiary' AS role,
               r.death_date::VARCHAR AS detail, NULL AS group_no,
               r.beneficiary_person AS person_id
        FROM work_party r WHERE r.death_date < r.period_start
        UNION ALL
        SELECT r.benefit_id, 'DECEASED', 'payee', r.payee_death_date::VARCHAR, NULL, r.payee_person
        FROM work_party r WHERE r.payee_death_date < r.period_start
        """,
)

EMPLOYEE = Check(
    codes=("GOVT_EMPLOYEE", "PENSIONER"),
    needs=("employee_frame",),
    sql="""
        SELECT p.benefit_id, e.code, 'payee' AS role, '' AS detail, NULL AS group_no,
               p.payee_person AS person_id
        FROM work_party p JOIN programme_frame c ON c.code = p.programme
        JOIN (SELECT DISTINCT k.key, CASE f.status WHEN 'SERVING' THEN 'GOVT_EMPLOYEE'
                                                   ELSE 'PENSIONER' END AS code
              FROM employee_frame f JOIN work_token t ON t.token = f.id_token
              JOIN work_number_key k USING (number_no)) e ON e.key = p.payee_key
        WHERE c.poverty_targeted
        """,
)

SPOUSE = Check(
    codes=("GOVT_EMPLOYEE_SPOUSE",),
    needs=("employee_frame", "national_id_frame"),
    sql="""
        SELECT p.benefit_id, 'GOVT_EMPLOYEE_SPOUSE' AS code, 'payee' AS role, '' AS detail, NULL AS group_no,
               p.payee_person AS person_id
        FROM work_party p JOIN programme_frame c ON c.code = p.programme
        SEMI JOIN work_spouse s ON s.number_no = p.payee_no
        WHERE c.poverty_targeted
        """,
)

TELEPHONE = Check(
    codes=("MOBILE_NOT_REGISTERED_TO_NID", "NID_HAS_NO_SIM"),
    needs=("sim_frame",),
    sql="""
        SELECT r.benefit_id, 'MOBILE_NOT_REGISTERED_TO_NID' AS code, 'payee' AS role, '' AS detail,
               NULL AS group_no, r.payee_person AS person_id
        FROM work_party r SEMI JOIN work_sim s USING (mobile_no)
        ANTI JOIN work_sim o ON o.mobile_no = r.mobile_no AND o.number_no = r.payee_no
        WHERE r.payee_no IS NOT NULL
        UNION ALL
        SELECT r.benefit_id, 'NID_HAS_NO_SIM', 'payee', '', NULL, r.payee_person
        FROM work_party r ANTI JOIN work_sim_owner o ON o.number_no = r.payee_no
        WHERE r.payee_no IS NOT NULL AND r.mobile_no IS NOT NULL
        """,
)

REGISTRY = Check(
    codes=("NOT_IN_SOCIAL_REGISTRY",),
    needs=("identifier_frame",),
    sql="""
        SELECT benefit_id, 'NOT_IN_SOCIAL_REGISTRY' AS code, 'beneficiary' AS role, '' AS detail,
               NULL AS group_no, NULL AS person_id
        FROM work_party WHERE beneficiary_no IS NOT NULL AND beneficiary_person IS NULL
        """,
)

CHECKS = (DECEASED, EMPLOYEE, SPOUSE, TELEPHONE, REGISTRY)
