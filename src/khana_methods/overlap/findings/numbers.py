"""Checks of the number itself: there, well formed, issued, and of somebody born on that day.

Dates of birth are compared in the parts that the row states, with the extract's date for that
number, whoever the number belongs to.
"""

from __future__ import annotations

from khana_methods.overlap.findings.check import Check

STATE = Check(
    codes=("NID_MISSING", "NID_MALFORMED"),
    sql="""
        SELECT benefit_id, 'NID_' || id_state AS code, 'beneficiary' AS role, '' AS detail, NULL AS group_no,
               beneficiary_person AS person_id
        FROM work_party WHERE id_state IN ('MISSING', 'MALFORMED')
        UNION ALL
        SELECT benefit_id, 'NID_' || payee_id_state, 'payee', '', NULL, payee_person
        FROM work_party WHERE payee_id_state IN ('MISSING', 'MALFORMED')
        """,
)

# A type of number that the extract does not hold at all (birth registration numbers, say) is not
# looked for in it. It holds a type when it names it or when one number of that type was found.
NOT_FOUND = Check(
    codes=("NID_NOT_FOUND",),
    needs=("national_id_frame",),
    sql="""
        WITH held AS (
            SELECT DISTINCT type AS id_type FROM national_id_frame
            UNION
            SELECT DISTINCT id_type FROM work_party WHERE is_issued
            UNION SELECT ''
        )
        SELECT r.benefit_id, 'NID_NOT_FOUND' AS code, 'beneficiary' AS role, '' AS detail, NULL AS group_no,
               r.beneficiary_person AS person_id
        FROM work_party r SEMI JOIN held USING (id_type)
        WHERE r.beneficiary_no IS NOT NULL AND NOT r.is_issued
        UNION ALL
        SELECT r.benefit_id, 'NID_NOT_FOUND', 'payee', '', NULL, r.payee_person
        FROM work_party r WHERE r.has_other_payee AND r.payee_no IS NOT NULL AND NOT r.payee_is_issued
        """,
)

YEAR_PREFIX = Check(
    codes=("NID_YEAR_PREFIX",),
    needs=("national_id_frame",),
    sql="""
        SELECT r.benefit_id, 'NID_YEAR_PREFIX' AS code, 'beneficiary' AS role,
               r.id_year_prefix_number::VARCHAR AS detail, NULL AS group_no,
               r.beneficiary_person AS person_id
        FROM work_party r
        WHERE r.id_year_prefix_number <> r.first_prefix AND r.id_year_prefix_number <> r.last_prefix
        """,
)

BIRTH_DATE = Check(
    codes=("NID_DOB_MISMATCH",),
    needs=("national_id_frame",),
    sql="""
        SELECT r.benefit_id, 'NID_DOB_MISMATCH' AS code, 'beneficiary' AS role,
               concat_ws(' ', CASE WHEN r.birth_year <> year(r.birth_date) THEN 'year' END,
                              CASE WHEN r.birth_month <> month(r.birth_date) THEN 'month' END,
                              CASE WHEN r.birth_day <> day(r.birth_date) THEN 'day' END) AS detail,
               NULL AS group_no, r.beneficiary_person AS person_id
        FROM work_party r
        WHERE r.birth_year <> year(r.birth_date) OR r.birth_month <> month(r.birth_date)
           OR r.birth_day <> day(r.birth_date)
        """,
)

CHECKS = (STATE, NOT_FOUND, YEAR_PREFIX, BIRTH_DATE)
