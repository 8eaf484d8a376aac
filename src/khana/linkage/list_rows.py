"""Rows of lists against the registry: whose number is another's by name, and who a row without a number means.

A *seat* is one role of one row: its beneficiary, or its payee where she is another. Seats whose number a
person holds are asked by the model whether the name says the same person; the rest, and those told
otherwise, are looked for in the whole registry.
"""

from __future__ import annotations

import math

from khana.linkage.among_rows import link_among_rows
from khana.linkage.records import authority, make_person_records, make_row_records, subscribers
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import NAME
from khana_methods.matching.link import link_list
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import linkage_frame, prepare
from khana_methods.matching.weights import compare_pairs, weigh

_COLUMNS = ", ".join(linkage_frame.names)
TOLD_RIGHT = 0.98  # share of those who are told apart from a number's holder that the model itself expects to be right
MOST_KNOWN = 0.5  # nobody is told apart who is likelier to be the holder
_EVIDENCE = ("name", "birth", "sex", "family")
_ROUNDS = 12
_UNLIKE = [level.code for level in NAME.levels].index("other")
# among names that are otherwise unlike: a word of one that looks like a word of the other, in either script, is rare
# among strangers (one in three, names being few) and usual for one person badly written (nine in ten)
_WORDS = "list_concat(string_split({s}.name_key, ' '), string_split(coalesce({s}.skeleton, ''), ' '), string_split(coalesce({s}.native_skeleton, ''), ' '))"
_SHARES_A_WORD = (
    f"list_max(flatten(list_transform({_WORDS.format(s='l')}, lambda x: list_transform({_WORDS.format(s='r')}, "
    "lambda y: CASE WHEN x = '' OR y = '' THEN 0 ELSE jaro_winkler_similarity(x, y) END)))) >= 0.8"
)
_A_WORD, _NO_WORD = round(math.log2(0.9 / 0.33), 2), round(math.log2(0.1 / 0.67), 2)

# what the number's holder is called: by the authority (with father, with husband), by each file that claims it
_HOLDERS = """
CREATE OR REPLACE TABLE holder_record AS
WITH wanted AS (SELECT DISTINCT token FROM seat WHERE token IS NOT NULL),
said AS (
    SELECT k.token, k.name, k.name_native, g.guardian, g.kind, k.sex, year(k.birth_date) AS y, month(k.birth_date) AS m,
           day(k.birth_date) AS d
    FROM link_issued k SEMI JOIN wanted USING (token),
    LATERAL (SELECT unnest([k.father_name, k.husband_name]) AS guardian, unnest(['F', 'H']) AS kind) g
    WHERE g.guardian <> '' OR g.kind = 'F'
    UNION ALL
    SELECT p.token, p.name, p.name_native, p.guardian_name, '', p.sex, p.birth_year, p.birth_month, p.birth_day
    FROM link_person p SEMI JOIN wanted USING (token))
SELECT printf('H%012d', row_number() OVER (ORDER BY token, name, guardian, kind)) AS record_id, token,
    'REGISTRY' AS side, '' AS household_id, name, name_native AS native_name, guardian AS guardian_name,
    kind AS guardian_kind, CASE WHEN sex IN ('M', 'F') THEN sex ELSE '' END AS sex, y::INTEGER AS birth_year,
    m::INTEGER AS birth_month, d::INTEGER AS birth_day, '' AS number, '' AS mobile, '' AS household_mobile,
    '' AS district_code, '' AS tehsil_code, []::VARCHAR[] AS kin_names, []::VARCHAR[] AS kin_numbers
FROM said
"""
_SEATS = """
CREATE OR REPLACE TABLE seat AS
SELECT benefit_id, 'beneficiary' AS role, id_token AS token FROM link_row
UNION ALL SELECT benefit_id, 'payee', payee_token FROM link_row WHERE payee_state <> ''
"""


# rows that somebody told apart from a person, beside every file of hers
_APART = """
CREATE OR REPLACE TABLE row_apart AS
WITH said AS (
    SELECT d.left_id AS benefit_id, d.left_role AS role, coalesce(o.current_id, d.right_id) AS current_id
    FROM decided_frame d LEFT JOIN one_person o ON o.person_id = d.right_id
    WHERE d.left_kind = 'ROW' AND d.right_kind = 'PERSON' AND NOT d.is_same),
file AS (SELECT *, current_id AS person_id FROM said
         UNION SELECT s.*, o.person_id FROM said s JOIN one_person o USING (current_id))
SELECT l.unique_id AS left_id, r.unique_id AS right_id
FROM file f JOIN person_record l ON l.record_id = printf('R%012d/%s', f.benefit_id, f.role)
JOIN person_record r ON r.record_id = printf('P%012d', f.person_id)
"""


def tell_names(engine: Engine, card: ModelCard) -> int:
    """Write `named_otherwise` (benefit_id, role): seats whose number is another person's by what the row says of her.

    The model weighs name, birth, sex and guardian of the seat against everything that is known of the number's holder;
    the best holder counts.
    How often a number is its bearer's is learned from the lists themselves (EM over one share). As many are told, the
    unlikeliest first, as the model expects to be right about.

    Returns:
        How many seats are told otherwise.
    """
    engine.run(_SEATS)
    engine.run(_HOLDERS)
    engine.run("CREATE OR REPLACE TABLE link_wanted AS SELECT benefit_id, role FROM seat WHERE token IS NOT NULL")
    engine.run("CREATE OR REPLACE TABLE named_otherwise (benefit_id BIGINT, role VARCHAR)")
    make_row_records(engine)
    bare = ", ".join(
        "'' AS number" if name == "number" else "'' AS mobile" if name == "mobile" else "'' AS household_mobile"
        if name == "household_mobile" else "[]::VARCHAR[] AS kin_numbers" if name == "kin_numbers" else name
        for name in linkage_frame.names
    )  # fmt: skip
    records = engine.table(f"SELECT {bare} FROM link_record_row UNION ALL SELECT {_COLUMNS} FROM holder_record")
    prepare(engine, records, table="named_record")
    engine.run("""
        CREATE OR REPLACE TABLE named_pair AS
        SELECT '0' AS match_key, l.unique_id AS join_key_l, r.unique_id AS join_key_r
        FROM seat s JOIN holder_record h ON h.token = s.token
        JOIN named_record l ON l.record_id = printf('R%012d/%s', s.benefit_id, s.role)
        JOIN named_record r ON r.record_id = h.record_id
        """)
    if not engine.value("SELECT count(*) FROM named_pair"):
        return 0
    compare_pairs(engine, "named_record", "named_pair", into="named_compared")
    weigh(engine, "named_compared", prior=0.5, m=card.m, u=card.u, into="named_weighed")
    bits = " + ".join(f"w.bits_{name}" for name in _EVIDENCE)
    engine.run(f"""
        CREATE OR REPLACE TABLE named AS
        SELECT l.record_id, max({bits} + w.bits_frequency + CASE
            WHEN w.level_name <> {_UNLIKE} THEN 0 WHEN {_SHARES_A_WORD} THEN {_A_WORD} ELSE {_NO_WORD} END) AS bits
        FROM named_weighed w JOIN named_record l ON l.unique_id = w.left_id JOIN named_record r ON r.unique_id = w.right_id
        GROUP BY l.record_id
        """)
    share = 0.95
    for _ in range(_ROUNDS):
        found = engine.value(f"SELECT avg({_posterior('$share')}) FROM named", {"share": share})
        share = min(max(float(found), 0.5), 0.9999)
    engine.run(
        f"""INSERT INTO named_otherwise
            WITH held AS (SELECT record_id, {_posterior("$share")} AS p FROM named),
            ranked AS (SELECT record_id, p, avg(1 - p) OVER (ORDER BY p, record_id) AS is_right FROM held)
            SELECT record_id[2:13]::BIGINT, record_id[15:] FROM ranked WHERE is_right >= $right AND p < $most""",
        {"share": share, "right": TOLD_RIGHT, "most": MOST_KNOWN},
    )
    engine.drop(
        "named_record",
        "named_record_guardian",
        "named_pair",
        "named_compared",
        "named_weighed",
        "named",
        "holder_record",
    )
    return int(engine.value("SELECT count(*) FROM named_otherwise"))


def _posterior(share: str) -> str:
    return f"1 / (1 + power(2, -least(greatest(bits, -500), 500)) * (1 - {share}) / {share})"


def link_rows(engine: Engine, card: ModelCard) -> int:
    """Look for the people of seats that no number leads to; write `row_decision` and `model_link`.

    Seats without a number that some file claims, and those that `named_otherwise` names, are linked; a number that is
    another's counts as a relative's. Whoever is not found in the registry is looked for among the other rows
    (`among_rows`). `model_link` (benefit_id, role, person_id, household_id) holds what was linked, `unsure_rows` what
    somebody should look at beside `row_decision`.

    Returns:
        How many seats were looked for.
    """
    engine.run("""
        CREATE OR REPLACE TABLE link_wanted AS
        SELECT s.benefit_id, s.role FROM seat s
        LEFT JOIN (SELECT DISTINCT token FROM identifier_frame) h ON h.token = s.token
        LEFT JOIN named_otherwise o ON o.benefit_id = s.benefit_id AND o.role = s.role
        WHERE h.token IS NULL OR o.benefit_id IS NOT NULL
        """)
    make_row_records(engine)
    engine.run("""
        UPDATE link_record_row SET kin_numbers = list_append(kin_numbers, number), number = ''
        WHERE number <> '' AND record_id IN (SELECT printf('R%012d/%s', benefit_id, role) FROM named_otherwise)
        """)
    make_person_records(engine)
    records = engine.table(
        f"SELECT {_COLUMNS} FROM link_record_person UNION ALL SELECT {_COLUMNS} FROM link_record_row ORDER BY record_id"
    )
    prepare(engine, records, authority=authority(engine), subscribers=subscribers(engine))
    engine.run("""
        CREATE OR REPLACE TABLE same_person AS
        SELECT r.unique_id, c.unique_id AS cluster FROM one_person o
        JOIN person_record r ON r.record_id = printf('P%012d', o.person_id)
        JOIN person_record c ON c.record_id = printf('P%012d', o.current_id)
        """)
    engine.run(_APART)
    link_list(engine, "person_record", card, into="row_decision", person_of="same_person", apart="row_apart")
    engine.run("""
        CREATE OR REPLACE TABLE told_link AS
        WITH told AS (
            SELECT l.record_id[2:13]::BIGINT AS benefit_id, l.record_id[15:] AS role, r.record_id[2:13]::BIGINT AS person_id
            FROM row_decision d JOIN person_record l ON l.unique_id = d.left_id JOIN person_record r ON r.unique_id = d.right_id
            WHERE d.decision = 'LINK'),
        said AS (SELECT left_id AS benefit_id, left_role AS role, right_id AS person_id FROM decided_frame
                 WHERE left_kind = 'ROW' AND right_kind = 'PERSON' AND is_same)
        SELECT t.benefit_id, t.role, coalesce(o.current_id, t.person_id) AS person_id
        FROM (SELECT t.* FROM told t ANTI JOIN said s ON s.benefit_id = t.benefit_id AND s.role = t.role
              UNION ALL SELECT benefit_id, role, min(person_id) FROM said SEMI JOIN link_row USING (benefit_id) GROUP BY ALL) t
        LEFT JOIN one_person o ON o.person_id = t.person_id
        """)
    _part_from_payees(engine)
    looked_for = int(engine.value("SELECT count(*) FROM link_wanted"))
    engine.run("CREATE OR REPLACE TABLE number_wanted AS FROM link_wanted")
    _share_by_number(engine)
    link_among_rows(engine, card)
    _share_by_number(engine)
    engine.drop("told_link", "number_wanted", "row_apart")
    return looked_for


def _part_from_payees(engine: Engine) -> None:
    """Take back that a beneficiary is the very person who is paid for her: a row that names two people means two."""
    engine.run("""
        CREATE OR REPLACE TABLE row_payee AS
        SELECT benefit_id, person_id FROM told_link WHERE role = 'payee'
        UNION SELECT s.benefit_id, min(h.person_id) FROM seat s JOIN identifier_frame h USING (token)
        ANTI JOIN named_otherwise o ON o.benefit_id = s.benefit_id AND o.role = s.role
        WHERE s.role = 'payee' GROUP BY s.benefit_id
        """)
    engine.run("""
        DELETE FROM told_link USING row_payee p, link_row r
        WHERE told_link.role = 'beneficiary' AND p.benefit_id = told_link.benefit_id AND r.benefit_id = told_link.benefit_id
          AND p.person_id = told_link.person_id AND r.payee_name <> '' AND lower(r.payee_name) <> lower(r.name) AND r.name <> ''
        """)
    engine.drop("row_payee")


def _share_by_number(engine: Engine) -> None:
    """Write `model_number` (token, person_id) and `model_link`: rows of one number that is their bearer's mean one person.

    A number that no file claims means whom most of its rows were linked to, where none was linked to another.
    """
    engine.run("""
        CREATE OR REPLACE TABLE model_number AS
        SELECT s.token, min(t.person_id) AS person_id
        FROM told_link t JOIN seat s USING (benefit_id, role)
        ANTI JOIN named_otherwise o ON o.benefit_id = t.benefit_id AND o.role = t.role
        ANTI JOIN (SELECT DISTINCT token FROM identifier_frame) h ON h.token = s.token
        WHERE s.token IS NOT NULL GROUP BY s.token HAVING count(DISTINCT t.person_id) = 1
        """)
    engine.run("""
        CREATE OR REPLACE TABLE model_link AS
        WITH every AS (
            SELECT benefit_id, role, person_id FROM told_link
            UNION
            SELECT w.benefit_id, w.role, n.person_id FROM number_wanted w JOIN seat s USING (benefit_id, role)
            JOIN model_number n USING (token)
            ANTI JOIN named_otherwise o ON o.benefit_id = w.benefit_id AND o.role = w.role
            ANTI JOIN told_link t ON t.benefit_id = w.benefit_id AND t.role = w.role)
        SELECT e.benefit_id, e.role, e.person_id, p.household_id FROM every e JOIN link_person p USING (person_id)
        """)
