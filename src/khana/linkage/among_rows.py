"""Rows of lists that lead to nobody, held against all other rows: one person on two lists, registered or not.

A seat is *known* where a number that is its bearer's or the model leads from it to somebody: a registered person, or
whoever a number was issued to. The rest, without a number, with one that was mistyped or is another's, are looked for
among the known seats and then among each other. Nothing is written to the registry; the consolidation counts them once.
Pairs of which the model is not sure wait in the queue; what a person said of two rows is followed.
"""

from __future__ import annotations

from khana.linkage.records import authority, make_row_records, subscribers
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.among import link_among
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import linkage_frame, prepare

_COLUMNS = ", ".join(linkage_frame.names)
_SAID = ", ".join(name for name in linkage_frame.names if name not in ("record_id", "side"))

# odd: a number of the authority's that nobody registered shows; even: a registered person
_KNOWN = """
CREATE OR REPLACE TABLE row_known AS
WITH holder AS (SELECT token, min(person_id) AS person_id FROM identifier_frame GROUP BY token),
issued AS (SELECT token, row_number() OVER (ORDER BY token) AS n FROM (
    SELECT DISTINCT token FROM link_issued SEMI JOIN seat USING (token)))
SELECT printf('R%012d/%s', s.benefit_id, s.role) AS record_id, s.benefit_id, s.role, b.programme, NULL::BIGINT AS payee,
    CASE WHEN o.benefit_id IS NULL THEN s.token END AS token, o.benefit_id IS NOT NULL AS is_anothers,
    coalesce(2 * t.person_id, CASE WHEN o.benefit_id IS NULL THEN coalesce(2 * h.person_id, 2 * i.n + 1) END) AS cluster
FROM seat s JOIN benefit_frame b USING (benefit_id) LEFT JOIN model_link t USING (benefit_id, role) LEFT JOIN named_otherwise o USING (benefit_id, role)
LEFT JOIN holder h ON h.token = s.token LEFT JOIN issued i ON i.token = s.token
"""
# known rows that say the same of one person are one record
_RECORDS = f"""
SELECT {_COLUMNS} FROM (
    SELECT {_COLUMNS} FROM link_record_row SEMI JOIN (FROM row_known WHERE cluster IS NULL) USING (record_id)
    UNION ALL
    SELECT min(record_id), 'REGISTRY', {_SAID} FROM link_record_row JOIN row_known USING (record_id)
    WHERE cluster IS NOT NULL GROUP BY cluster, programme, payee, {_SAID})
ORDER BY record_id
"""
# a known seat is meant by any record of its person
_SAID_OF_ROWS = """
CREATE OR REPLACE TABLE row_said AS
WITH seat_record AS (
    SELECT k.benefit_id, k.role, coalesce(r.unique_id, w.unique_id) AS unique_id FROM row_known k LEFT JOIN row_record r USING (record_id)
    LEFT JOIN (SELECT cluster, min(unique_id) AS unique_id FROM row_person GROUP BY cluster) w USING (cluster))
SELECT l.unique_id AS left_id, r.unique_id AS right_id, d.is_same FROM decided_frame d
JOIN seat_record l ON l.benefit_id = d.left_id AND l.role = d.left_role
JOIN seat_record r ON r.benefit_id = d.right_id AND r.role = d.right_role
WHERE d.left_kind = 'ROW' AND d.right_kind = 'ROW'
"""
# two rows stand in the order of their ids; the two people whom one row names are two; a row that leads to a registered person stands for her
_UNSURE = """
CREATE OR REPLACE TABLE unsure_rows AS
WITH met AS (
    SELECT u.* EXCLUDE (left_id, right_id), l.benefit_id AS l_id, l.role AS l_role, r.benefit_id AS r_id, r.role AS r_role,
        CASE WHEN r.cluster % 2 = 0 THEN r.cluster // 2 END AS person_id
    FROM row_unsure u JOIN row_record lr ON lr.unique_id = u.left_id JOIN row_known l ON l.record_id = lr.record_id
    JOIN row_record rr ON rr.unique_id = u.right_id JOIN row_known r ON r.record_id = rr.record_id
    WHERE l.benefit_id <> r.benefit_id),
turned AS (SELECT *, person_id IS NULL AND (r_id, r_role) < (l_id, l_role) AS turn FROM met)
SELECT * EXCLUDE (l_id, l_role, r_id, r_role, person_id, turn), CASE WHEN turn THEN r_id ELSE l_id END AS left_id,
    CASE WHEN turn THEN r_role ELSE l_role END AS left_role, CASE WHEN person_id IS NULL THEN 'ROW' ELSE 'PERSON' END AS right_kind,
    CASE WHEN person_id IS NOT NULL THEN person_id WHEN turn THEN l_id ELSE r_id END AS right_id,
    CASE WHEN person_id IS NOT NULL THEN '' WHEN turn THEN l_role ELSE r_role END AS right_role
FROM turned
QUALIFY row_number() OVER (PARTITION BY left_id, left_role, right_kind, right_id, right_role ORDER BY probability DESC) = 1
"""


def link_among_rows(engine: Engine, card: ModelCard) -> int:
    """Look for the people of seats that neither number nor model has led to anybody.

    Adds those who turn out to be registered to `told_link`, and writes `model_bearer` (benefit_id, role, token, group_no):
    seats that count as the bearer of an issued number, or as one person with each other; `model_same_number`
    (token, as_token): numbers that are a mistyping of another; and `unsure_rows`: pairs that somebody should look at,
    a row with another row or with the registered person to whom that one leads.

    Returns:
        How many seats were found.
    """
    engine.run(_KNOWN)
    engine.run("""
        UPDATE row_known SET payee = p.cluster FROM row_known p
        WHERE row_known.role = 'beneficiary' AND p.role = 'payee' AND p.benefit_id = row_known.benefit_id
        """)
    engine.run("CREATE OR REPLACE TABLE link_wanted AS SELECT benefit_id, role FROM seat")
    make_row_records(engine)
    engine.run("""
        UPDATE link_record_row SET kin_numbers = list_append(kin_numbers, number), number = ''
        WHERE number <> '' AND record_id IN (SELECT record_id FROM row_known WHERE is_anothers)
        """)
    prepare(
        engine, engine.table(_RECORDS), table="row_record", authority=authority(engine), subscribers=subscribers(engine)
    )
    engine.run("""
        CREATE OR REPLACE TABLE row_person AS
        SELECT r.unique_id, k.cluster FROM row_record r JOIN row_known k USING (record_id) WHERE k.cluster IS NOT NULL
        """)
    engine.run("""
        CREATE OR REPLACE TABLE row_about AS
        SELECT r.unique_id, k.programme || '/' || k.role AS listed, k.payee FROM row_record r JOIN row_known k USING (record_id)
        """)
    engine.run(_SAID_OF_ROWS)
    engine.run("CREATE OR REPLACE VIEW registry_record AS SELECT * FROM person_record WHERE side = 'REGISTRY'")
    found = link_among(
        engine,
        "row_record",
        card,
        person_of="row_person",
        about="row_about",
        registry="registry_record",
        into="row_same",
        unsure="row_unsure",
        said="row_said",
    )
    _tell(engine)
    engine.run(_UNSURE)
    engine.run("DROP VIEW registry_record")
    engine.drop(
        "row_record",
        "row_record_guardian",
        "row_person",
        "row_about",
        "row_same",
        "row_known",
        "row_said",
        "row_unsure",
    )
    return found


def _tell(engine: Engine) -> None:
    engine.run("""
        CREATE OR REPLACE TABLE row_found AS
        SELECT k.benefit_id, k.role, k.token, s.cluster, s.grouped
        FROM row_same s JOIN row_record r USING (unique_id) JOIN row_known k USING (record_id)
        """)
    engine.run("""
        INSERT INTO told_link
        SELECT f.benefit_id, f.role, f.cluster // 2 FROM row_found f
        ANTI JOIN (FROM decided_frame WHERE left_kind = 'ROW' AND NOT is_same) d
            ON d.right_kind = 'PERSON' AND d.left_id = f.benefit_id AND d.left_role = f.role AND d.right_id = f.cluster // 2
        WHERE f.cluster % 2 = 0
        """)
    # a group is named by a number that one of its rows shows, else by the number of the group
    engine.run("""
        CREATE OR REPLACE TABLE model_bearer AS
        WITH numbered AS (SELECT DISTINCT cluster, token FROM row_known WHERE cluster % 2 = 1),
        shown AS (SELECT grouped, min(token) AS token FROM row_found WHERE grouped IS NOT NULL GROUP BY grouped)
        SELECT f.benefit_id, f.role, coalesce(n.token, s.token) AS token,
            CASE WHEN n.token IS NULL AND s.token IS NULL THEN f.grouped END AS group_no
        FROM row_found f LEFT JOIN numbered n USING (cluster) LEFT JOIN shown s USING (grouped)
        WHERE f.cluster IS NULL OR f.cluster % 2 = 1
        """)
    engine.run("""
        CREATE OR REPLACE TABLE model_same_number AS
        SELECT f.token, min(b.token) AS as_token FROM row_found f JOIN model_bearer b USING (benefit_id, role)
        WHERE f.token IS NOT NULL AND b.token IS NOT NULL
        GROUP BY f.token HAVING count(DISTINCT b.token) = 1 AND min(b.token) <> f.token
        """)
    engine.drop("row_found")
