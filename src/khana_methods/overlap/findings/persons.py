"""Checks that need the person recognised, not her number: asked only where a matching model is in use.

`named_otherwise` (benefit_id, role) names seats whose number is another person's by name, birth, sex and
guardian; rows are linked to persons by number and by the model before, and to each other where nobody is registered.
"""

from __future__ import annotations

from khana_methods.overlap.findings.check import Check

PERSON = Check(
    codes=("DUP_PERSON",),
    sql="""
        SELECT r.benefit_id, 'DUP_PERSON' AS code, 'beneficiary' AS role, g.many || ' rows' AS detail, g.group_no,
               r.beneficiary_person AS person_id
        FROM work_party r
        JOIN (SELECT list_no, beneficiary_key, count(*) AS many, min(benefit_id) AS group_no
              FROM work_party WHERE beneficiary_key IS NOT NULL
              GROUP BY list_no, beneficiary_key
              HAVING count(*) > 1 AND (count(DISTINCT beneficiary_no) > 1 OR count(beneficiary_no) < count(*))) g
          USING (list_no, beneficiary_key)
        """,
)

NAME = Check(
    codes=("NAME_MISMATCH",),
    sql="""
        SELECT o.benefit_id, 'NAME_MISMATCH' AS code, o.role, '' AS detail, NULL AS group_no,
               CASE o.role WHEN 'payee' THEN p.payee_person ELSE p.beneficiary_person END AS person_id
        FROM named_otherwise o JOIN work_party p USING (benefit_id)
        -- a number that nobody was issued is nobody else's: it was mistyped, here or on a form
        WHERE CASE o.role WHEN 'payee' THEN p.payee_is_issued ELSE p.is_issued END
           OR NOT EXISTS (SELECT 1 FROM national_id_frame)
        """,
)

CHECKS = (PERSON, NAME)
