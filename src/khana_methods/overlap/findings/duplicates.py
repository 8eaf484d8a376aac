"""Checks of rows of one list against each other: one number, telephone, account or household twice.

A telephone or account is shared *inside one household* when a single household holds every
payee whose household is known, by any claim to her number; otherwise it is shared between
households. Payees of no known household neither prove nor deny it.
"""

from __future__ import annotations

from khana_methods.overlap.findings.check import Check

NUMBER = Check(
    codes=("DUP_NID",),
    sql="""
        SELECT r.benefit_id, 'DUP_NID' AS code, 'beneficiary' AS role, g.many || ' rows' AS detail, g.group_no,
               r.beneficiary_person AS person_id
        FROM work_party r
        JOIN (SELECT list_no, beneficiary_no, count(*) AS many, min(benefit_id) AS group_no
              FROM work_row WHERE beneficiary_no IS NOT NULL
              GROUP BY list_no, beneficiary_no HAVING count(*) > 1) g USING (list_no, beneficiary_no)
        """,
)


def _shared(kind: str) -> Check:
    """Write the check for one kind of thing that payees share: mobile or account."""
    code = f"DUP_{kind.upper()}"
    return Check(
        codes=(code, f"{code}_HOUSEHOLD"),
        sql=f"""
        WITH suspect AS (
            SELECT p.list_no, p.{kind}_no, min(p.benefit_id) AS group_no
            FROM work_party p
            WHERE p.{kind}_no IS NOT NULL
            GROUP BY p.list_no, p.{kind}_no HAVING min(p.payee_key) <> max(p.payee_key)
        ), payee AS (
            SELECT DISTINCT s.group_no, p.payee_key, p.payee_no, p.payee_household
            FROM work_party p JOIN suspect s USING (list_no, {kind}_no)
            WHERE p.payee_key IS NOT NULL
        ), home AS (
            SELECT y.group_no, y.payee_key, c.household_id
            FROM payee y JOIN work_claim c ON c.number_no = y.payee_no
            UNION
            SELECT group_no, payee_key, payee_household FROM payee WHERE payee_household IS NOT NULL
        ), holds AS (
            SELECT group_no, household_id, count(*) AS payees FROM home GROUP BY group_no, household_id
        ), verdict AS (
            SELECT a.group_no, a.payees, h.most, h.households
            FROM (SELECT group_no, count(DISTINCT payee_key) AS payees FROM home GROUP BY group_no) a
            JOIN (SELECT group_no, max(payees) AS most, count(*) AS households
                  FROM holds GROUP BY group_no) h USING (group_no)
            WHERE a.payees > 1
        )
        SELECT r.benefit_id,
               CASE WHEN v.most < v.payees THEN '{code}' ELSE '{code}_HOUSEHOLD' END AS code,
               'payee' AS role,
               CASE WHEN v.most < v.payees THEN v.payees || ' payees, ' || v.households || ' households'
                    ELSE v.payees || ' payees' END AS detail,
               v.group_no, r.payee_person AS person_id
        FROM work_party r JOIN suspect s USING (list_no, {kind}_no) JOIN verdict v USING (group_no)
        """,
    )


HOUSEHOLD = Check(
    codes=("DUP_HOUSEHOLD",),
    sql="""
        WITH second AS (
            SELECT p.list_no, p.beneficiary_household, min(p.benefit_id) AS group_no,
                   count(DISTINCT p.beneficiary_key) AS recipients
            FROM work_party p JOIN programme_frame c ON c.code = p.programme
            WHERE c.one_per_household AND p.beneficiary_household IS NOT NULL
            GROUP BY p.list_no, p.beneficiary_household
            HAVING min(p.beneficiary_key) <> max(p.beneficiary_key)
        )
        SELECT p.benefit_id, 'DUP_HOUSEHOLD' AS code, 'beneficiary' AS role,
               s.recipients || ' recipients' AS detail, s.group_no, p.beneficiary_person AS person_id
        FROM work_party p JOIN second s USING (list_no, beneficiary_household)
        """,
)

CHECKS = (NUMBER, _shared("mobile"), _shared("account"), HOUSEHOLD)
