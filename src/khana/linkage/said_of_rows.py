"""What somebody said of a row of a list, said of the rows that say the same: next month's, and a corrected list's.

A row is one line of one delivery. The same list comes again every month, and whoever was doubtful in it is doubtful again:
what a steward answered once holds for the row of every other delivery of that source that says exactly the same of its
people. Where several rows of a delivery say the same, the first stands for the first and the second for the second, if
there are as many in the other; if not, nobody can tell which of them was meant, and she is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from khana_methods.engine.duckdb import Engine

RowsBeside = Callable[[Sequence[int]], pa.RecordBatchReader]

# what a row says of its people, and where it says it
_SAYS = (
    "source_code", "area_path", "name", "guardian_name", "sex", "birth_year", "birth_month", "birth_day", "id_state", "id_token",
    "payee_state", "payee_token", "payee_name", "payee_guardian_name", "mobile",
)  # fmt: skip
_SAID = f"md5(struct_pack({', '.join(f'{name} := r.{name}' for name in _SAYS)})::VARCHAR)"
_NUMBERED = (
    "SELECT *, row_number() OVER (PARTITION BY batch_id, says ORDER BY line, benefit_id) AS place, "
    "count(*) OVER (PARTITION BY batch_id, says) AS rows FROM "
    f"(SELECT r.benefit_id, r.batch_id, r.line, {_SAID} AS says FROM {{table}} r {{only}})"
)
_SAID_BY_HER = """
    ANTI JOIN decided_frame own ON own.left_kind = 'ROW' AND own.left_id = c.left_id AND own.left_role = c.left_role
        AND own.right_kind = c.right_kind AND own.right_id = c.right_id AND own.right_role = c.right_role
"""


def follow(engine: Engine, rows_beside: RowsBeside) -> int:
    """Add to `decided_frame` what earlier answers say of rows that are alike; nothing that was said of a row itself is changed.

    Leaves `said_before` (benefit_id, role, person_id, is_same): rows of which an answer about another row is followed.

    Args:
        engine: Holds `decided_frame` and `link_row`.
        rows_beside: Gives rows by their ids and those that name the same beside them, in the columns of `link_row`, also of
            deliveries that were replaced.

    Returns:
        How many rows an earlier answer is followed for.
    """
    engine.run(
        "CREATE OR REPLACE TABLE said_before (benefit_id BIGINT, role VARCHAR, person_id BIGINT, is_same BOOLEAN)"
    )
    ids = [
        value
        for (value,) in engine.rows("""
            SELECT left_id FROM decided_frame WHERE left_kind = 'ROW' UNION SELECT right_id FROM decided_frame WHERE right_kind = 'ROW'
            ORDER BY 1""")
    ]
    if not ids:
        return 0
    engine.register("row_looked_at", rows_beside(ids))
    engine.run(f"CREATE OR REPLACE TABLE row_before AS {_NUMBERED.format(table='row_looked_at', only='')}")
    named = (
        "SEMI JOIN row_looked_at d ON d.source_code = r.source_code AND d.area_path = r.area_path AND d.name = r.name"
    )
    engine.run(f"CREATE OR REPLACE TABLE row_now AS {_NUMBERED.format(table='link_row', only=named)}")
    engine.run("""
        CREATE OR REPLACE TABLE row_alike AS
        SELECT b.benefit_id AS decided_id, b.batch_id AS decided_batch, n.benefit_id, n.batch_id
        FROM row_before b JOIN row_now n ON n.says = b.says AND n.place = b.place AND n.rows = b.rows AND n.batch_id <> b.batch_id
        """)
    # a row that is compared speaks for itself beside other rows; of one that is not, the newest that is alike does
    engine.run("""
        CREATE OR REPLACE TABLE row_stands AS
        SELECT b.benefit_id AS decided_id, coalesce(any_value(l.benefit_id), max(a.benefit_id)) AS benefit_id
        FROM row_before b LEFT JOIN link_row l USING (benefit_id) LEFT JOIN row_alike a ON a.decided_id = b.benefit_id
        GROUP BY b.benefit_id HAVING coalesce(any_value(l.benefit_id), max(a.benefit_id)) IS NOT NULL
        """)
    engine.run(f"""
        CREATE OR REPLACE TABLE decided_again AS
        WITH carried AS (
            SELECT f.* REPLACE (a.benefit_id AS left_id) FROM decided_frame f JOIN row_alike a ON a.decided_id = f.left_id
            WHERE f.left_kind = 'ROW' AND f.right_kind = 'PERSON'
            UNION ALL
            SELECT f.* REPLACE (l.benefit_id AS left_id, r.benefit_id AS right_id) FROM decided_frame f
            JOIN row_stands l ON l.decided_id = f.left_id JOIN row_stands r ON r.decided_id = f.right_id
            WHERE f.left_kind = 'ROW' AND f.right_kind = 'ROW' AND (l.benefit_id, r.benefit_id) <> (f.left_id, f.right_id)
            UNION ALL
            SELECT f.* REPLACE (l.benefit_id AS left_id, r.benefit_id AS right_id) FROM decided_frame f
            JOIN row_alike l ON l.decided_id = f.left_id
            JOIN row_alike r ON r.decided_id = f.right_id AND r.decided_batch = l.decided_batch AND r.batch_id = l.batch_id
            WHERE f.left_kind = 'ROW' AND f.right_kind = 'ROW')
        SELECT c.* FROM carried c {_SAID_BY_HER}
        QUALIFY row_number() OVER (
            PARTITION BY left_kind, left_id, left_role, right_kind, right_id, right_role ORDER BY decided_at DESC, is_same) = 1
        """)
    # a row means one person: whom somebody said of itself, else the one who was said last
    engine.run("""
        DELETE FROM decided_again USING (
            WITH same AS (
                SELECT left_id, left_role, right_id, decided_at, true AS is_own FROM decided_frame
                WHERE is_same AND left_kind = 'ROW' AND right_kind = 'PERSON'
                UNION ALL
                SELECT left_id, left_role, right_id, decided_at, false FROM decided_again WHERE is_same AND right_kind = 'PERSON')
            SELECT * FROM same
            QUALIFY row_number() OVER (PARTITION BY left_id, left_role ORDER BY is_own DESC, decided_at DESC, right_id) > 1) older
        WHERE decided_again.is_same AND decided_again.right_kind = 'PERSON' AND NOT older.is_own
          AND older.left_id = decided_again.left_id AND older.left_role = decided_again.left_role AND older.right_id = decided_again.right_id
        """)
    engine.run("""
        INSERT INTO said_before
        SELECT left_id AS benefit_id, left_role AS role, right_id AS person_id, is_same FROM decided_again WHERE right_kind = 'PERSON'
        """)
    engine.run("INSERT INTO decided_frame BY NAME FROM decided_again")
    followed = engine.value("""
        SELECT count(*) FROM (SELECT left_id FROM decided_again UNION SELECT right_id FROM decided_again WHERE right_kind = 'ROW')""")
    engine.drop("row_looked_at", "row_before", "row_now", "row_alike", "row_stands", "decided_again")
    return int(followed)


def ask_no_more(engine: Engine) -> None:
    """Take out of `row_decision` and `unsure_rows` what `said_before` answers: it is followed, and asked of nobody.

    Whom a row was told apart from is not in `row_decision` (`list_rows`).
    """
    engine.run("""
        CREATE OR REPLACE TABLE answered AS
        SELECT s.benefit_id, s.role, coalesce(o.current_id, s.person_id) AS person_id, s.is_same
        FROM said_before s LEFT JOIN one_person o USING (person_id)
        """)
    engine.run("""
        DELETE FROM row_decision WHERE EXISTS (
            SELECT 1 FROM answered s JOIN person_record l ON l.record_id = printf('R%012d/%s', s.benefit_id, s.role)
            JOIN person_record r ON r.unique_id = row_decision.right_id
            LEFT JOIN one_person o ON o.person_id = r.record_id[2:13]::BIGINT
            WHERE s.is_same AND l.unique_id = row_decision.left_id
              AND NOT (row_decision.decision = 'LINK' AND s.person_id = coalesce(o.current_id, r.record_id[2:13]::BIGINT)))
        """)
    engine.run("""
        DELETE FROM unsure_rows WHERE right_kind = 'PERSON' AND EXISTS (
            SELECT 1 FROM answered s LEFT JOIN one_person o ON o.person_id = unsure_rows.right_id
            WHERE s.benefit_id = unsure_rows.left_id AND s.role = unsure_rows.left_role
              AND (s.is_same OR s.person_id = coalesce(o.current_id, unsure_rows.right_id)))
        """)
    engine.drop("answered")
