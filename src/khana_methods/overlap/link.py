"""Link list rows to registered persons, one method after the other.

A linker is a function from the engine to a SELECT of `benefit_id, role, person_id, household_id`,
at most one row per row and role. Linkers run in order and each sees, in table `work_linked`, what
was linked before it; whatever none has linked is UNMATCHED. Exact numbers are the first linker; a
probabilistic one is added to the list by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from khana_methods.engine.duckdb import Engine

Linker = Callable[[Engine], str]


def link_by_number(engine: Engine) -> str:
    """Say which registered person holds the beneficiary's and the payee's number.

    Where several persons claim one number, the one registered first is its holder.
    """
    return """
        SELECT r.benefit_id, 'beneficiary' AS role, h.person_id, h.household_id
        FROM work_row r JOIN work_holder h ON h.number_no = r.beneficiary_no
        UNION ALL
        SELECT r.benefit_id, 'payee', h.person_id, h.household_id
        FROM work_row r JOIN work_holder h ON h.number_no = r.payee_no WHERE r.has_other_payee
        """


def link_by_number_unless_named_otherwise(engine: Engine) -> str:
    """Say who holds the number, but for seats that `named_otherwise` tells apart from its holder."""
    return f"SELECT n.* FROM ({link_by_number(engine)}) n ANTI JOIN named_otherwise o USING (benefit_id, role)"


def link_by_model(engine: Engine) -> str:
    """Say who the matching model took the seat for; the caller laid out `model_link`, and `model_number` of its numbers."""
    return "SELECT benefit_id, role, person_id, household_id FROM model_link"


def link_rows(engine: Engine, linkers: Sequence[Linker]) -> None:
    """Write `link`: one row per list row and role, LINKED or UNMATCHED.

    The payee has a row of her own only where she is not the beneficiary. Where the caller laid out `model_home` (person_id,
    household_id), whoever stands in several households belongs to that one.
    """
    engine.run("CREATE TABLE IF NOT EXISTS model_home (person_id BIGINT, household_id BIGINT)")
    engine.run("""
        CREATE OR REPLACE TABLE work_seat AS
        SELECT 2 * benefit_id AS seat_no, benefit_id, 'beneficiary' AS role FROM work_row
        UNION ALL SELECT 2 * benefit_id + 1, benefit_id, 'payee' FROM work_row WHERE has_other_payee
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_linked (seat_no BIGINT, benefit_id BIGINT, role VARCHAR,
                                             person_id BIGINT, household_id BIGINT, method VARCHAR)
        """)
    for number, linker in enumerate(linkers):
        before = "" if number == 0 else "ANTI JOIN work_linked l ON l.seat_no = f.seat_no"
        engine.run(
            f"""
            CREATE OR REPLACE TABLE work_newly_linked AS
            SELECT f.*, $method AS method
            FROM (SELECT 2 * benefit_id + (role = 'payee')::BIGINT AS seat_no,
                         benefit_id, role, person_id, household_id FROM ({linker(engine)})) f {before}
            """,
            {"method": linker.__name__},
        )
        engine.run("INSERT INTO work_linked SELECT * FROM work_newly_linked")
    engine.run("""
        CREATE OR REPLACE TABLE link AS
        SELECT s.benefit_id, s.role, CASE WHEN l.person_id IS NULL THEN 'UNMATCHED' ELSE 'LINKED' END AS state,
               l.person_id, coalesce(m.household_id, l.household_id) AS household_id, l.method
        FROM work_seat s LEFT JOIN work_linked l USING (seat_no) LEFT JOIN model_home m USING (person_id)
        """)
    engine.drop("work_seat", "work_linked", "work_newly_linked")


def prepare_parties(engine: Engine) -> None:
    """Write `work_person`, `work_party` (each list row with its people) and `work_holding`.

    A *key* stands for one human as far as is known: twice the person's id where she is linked,
    twice the number's integer plus one where only her number is known, a negative number where a matching model took
    rows without any number for one person, null otherwise. The caller may have laid out what such a model said of seats
    that lead to no registered person: `model_bearer` (benefit_id, role, token, group_no) and `model_same_number`
    (token, as_token), numbers that stand for another.
    """
    engine.run("CREATE TABLE IF NOT EXISTS model_bearer (benefit_id BIGINT, role VARCHAR, token BLOB, group_no BIGINT)")
    engine.run("CREATE TABLE IF NOT EXISTS model_same_number (token BLOB, as_token BLOB)")
    engine.run("CREATE TABLE IF NOT EXISTS model_number (token BLOB, person_id BIGINT)")
    engine.run("""
        CREATE OR REPLACE TABLE work_same_number AS
        SELECT t.number_no, w.number_no AS as_number FROM model_same_number s
        JOIN work_token t ON t.token = s.token JOIN work_token w ON w.token = s.as_token
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_bearer AS
        SELECT b.benefit_id, b.role, coalesce(2 * t.number_no + 1, -b.group_no) AS key
        FROM model_bearer b LEFT JOIN work_token t USING (token)
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_person AS
        SELECT k.person_id, k.household_id, c.line_no,
               coalesce(c.household_number, h.household_number) AS household_number,
               coalesce(c.area_code, h.area_code) AS area_code,
               p.sex, p.birth_year, p.birth_month, p.birth_day
        FROM (SELECT person_id, min(household_id) AS household_id FROM link
              WHERE person_id IS NOT NULL GROUP BY person_id) k
        LEFT JOIN (SELECT person_id, min(household_number) AS household_number,
                          min(line_no) AS line_no, min(area_code) AS area_code
                   FROM work_claim GROUP BY person_id) c USING (person_id)
        LEFT JOIN household_frame h ON h.household_id = k.household_id
        LEFT JOIN person_frame p ON p.person_id = k.person_id
        """)
    own = "coalesce(2 * b.person_id, x.key, 2 * coalesce(o.as_number, r.beneficiary_no) + 1)"
    engine.run(f"""
        CREATE OR REPLACE TABLE work_party AS
        SELECT r.*, b.person_id AS beneficiary_person, b.household_id AS beneficiary_household,
               CASE WHEN r.has_other_payee THEN p.person_id ELSE b.person_id END AS payee_person,
               CASE WHEN r.has_other_payee THEN p.household_id ELSE b.household_id END AS payee_household,
               {own} AS beneficiary_key,
               CASE WHEN r.has_other_payee
                    THEN coalesce(2 * p.person_id, y.key, 2 * coalesce(q.as_number, r.payee_no) + 1)
                    ELSE {own} END AS payee_key,
               e.number_no IS NOT NULL AS is_issued, e.birth_date, e.death_date, e.sex AS issued_sex,
               e.first_prefix, e.last_prefix,
               z.number_no IS NOT NULL AS payee_is_issued, z.death_date AS payee_death_date
        FROM work_row r
        JOIN link b ON b.benefit_id = r.benefit_id AND b.role = 'beneficiary'
        LEFT JOIN link p ON p.benefit_id = r.benefit_id AND p.role = 'payee'
        LEFT JOIN work_extract e ON e.number_no = r.beneficiary_no
        LEFT JOIN work_extract z ON z.number_no = CASE WHEN r.has_other_payee THEN r.payee_no END
        LEFT JOIN work_bearer x ON x.benefit_id = r.benefit_id AND x.role = 'beneficiary'
        LEFT JOIN work_bearer y ON y.benefit_id = r.benefit_id AND y.role = 'payee'
        LEFT JOIN work_same_number o ON o.number_no = r.beneficiary_no
        LEFT JOIN work_same_number q ON q.number_no = r.payee_no
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_holding AS
        SELECT DISTINCT payee_key, programme FROM work_party WHERE payee_key IS NOT NULL
        """)
    engine.run("""
        CREATE OR REPLACE TABLE work_number_key AS
        SELECT t.number_no, coalesce(2 * h.person_id, 2 * m.person_id, 2 * coalesce(a.as_number, t.number_no) + 1) AS key
        FROM (SELECT DISTINCT t.number_no, t.token FROM work_token t
              JOIN (SELECT id_token AS token FROM employee_frame UNION SELECT id_token FROM exit_frame
                    UNION SELECT id_token FROM stop_frame)
              USING (token)) t
        LEFT JOIN work_holder h USING (number_no)
        LEFT JOIN model_number m USING (token)
        LEFT JOIN work_same_number a USING (number_no)
        """)
    engine.drop("work_same_number", "work_bearer")
