"""Records as matching compares them: registry, authority and lists brought together in the engine.

Frames arrive with tokens and ciphertexts. Numbers are opened only where they are compared (a mistyped digit
cannot be seen in a token) and live in the engine's memory, and in its scratch folder, for one run. Telephones
stay tokens. A relative's number that nobody here holds in clear stands as the hex of its token.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from khana.identity import frames as identity
from khana.platform import keys
from khana.platform.frames import FrameSource
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.matching.prepare import linkage_frame, prepare

_BATCH = 50_000
_COLUMNS = ", ".join(linkage_frame.names)

_PERSONS = """
CREATE OR REPLACE TABLE link_record_person AS
WITH kin AS (
    SELECT a.person_id, list(DISTINCT b.name ORDER BY b.name) AS names,
           list(DISTINCT n.number ORDER BY n.number) FILTER (n.number IS NOT NULL) AS numbers
    FROM link_person a JOIN link_person b ON a.household_id = b.household_id AND a.line_no <> b.line_no
        AND (b.line_no IN (a.spouse_line, a.father_line, a.mother_line)
             OR a.line_no IN (b.spouse_line, b.father_line, b.mother_line))
    LEFT JOIN number_of n ON n.token = b.token
    GROUP BY a.person_id)
SELECT printf('P%012d', p.person_id) AS record_id, 'REGISTRY' AS side, p.household_id::VARCHAR AS household_id,
    p.name, p.name_native AS native_name, p.guardian_name,
    CASE WHEN p.sex = 'M' OR p.marital IN ('S', 'D') THEN 'F' WHEN p.marital = 'M' THEN 'H' ELSE '' END AS guardian_kind,
    p.sex, p.birth_year, p.birth_month, p.birth_day, coalesce(n.number, '') AS number, p.mobile, p.household_mobile,
    coalesce(string_split(p.area_path, '.')[3], '') AS district_code,
    coalesce(string_split(p.area_path, '.')[4], '') AS tehsil_code,
    coalesce(kin.names, []) AS kin_names, coalesce(kin.numbers, []) AS kin_numbers
FROM link_person p LEFT JOIN number_of n ON n.token = p.token LEFT JOIN kin USING (person_id)
"""

# the beneficiary of a row, and its payee where she is another person
_ROWS = """
CREATE OR REPLACE TABLE link_record_row AS
WITH seat AS (
    SELECT r.*, w.role, r.payee_state <> '' OR r.payee_name <> '' AS has_payee,
           coalesce(n.number, '') AS own_number, coalesce(y.number, '') AS payee_number
    FROM link_row r JOIN link_wanted w USING (benefit_id)
    LEFT JOIN number_of n ON n.token = r.id_token LEFT JOIN number_of y ON y.token = r.payee_token)
SELECT printf('R%012d/%s', benefit_id, role) AS record_id, 'LIST' AS side, '' AS household_id,
    CASE WHEN role = 'payee' THEN payee_name ELSE coalesce(nullif(name, ''), payee_name) END AS name, '' AS native_name,
    CASE WHEN role = 'payee' THEN payee_guardian_name
         ELSE coalesce(nullif(guardian_name, ''), CASE WHEN has_payee AND name <> '' THEN '' ELSE payee_guardian_name END)
         END AS guardian_name, '' AS guardian_kind,
    CASE WHEN role = 'beneficiary' AND sex IN ('M', 'F') THEN sex ELSE '' END AS sex,
    CASE WHEN role = 'beneficiary' THEN birth_year END AS birth_year,
    CASE WHEN role = 'beneficiary' THEN birth_month END AS birth_month,
    CASE WHEN role = 'beneficiary' THEN birth_day END AS birth_day,
    CASE role WHEN 'payee' THEN payee_number ELSE own_number END AS number,
    CASE WHEN role = 'payee' OR NOT has_payee OR name = '' THEN mobile ELSE '' END AS mobile, mobile AS household_mobile,
    coalesce(string_split(area_path, '.')[3], '') AS district_code,
    coalesce(string_split(area_path, '.')[4], '') AS tehsil_code,
    list_filter(CASE WHEN role = 'payee' THEN [name] WHEN has_payee AND name <> '' THEN [payee_name] ELSE [] END,
                lambda x: x <> '') AS kin_names,
    list_filter(CASE WHEN role = 'payee' THEN [own_number] WHEN has_payee AND name <> '' THEN [payee_number] ELSE [] END,
                lambda x: x <> '') AS kin_numbers
FROM seat
"""


def read_registry(engine: Engine, source: FrameSource) -> None:
    """Lay the registry, the authority's numbers and the telephones out in the engine, sealed as they come."""
    engine.register("link_person", registry.person_record_frame(source))
    engine.register("link_issued", identity.authority_record_frame(source))
    engine.register("link_sim", identity.subscriber_frame(source))


def read_part(engine: Engine, source: FrameSource, people: Sequence[int]) -> None:
    """Lay out what `read_registry` does for these people and those who live with them only, by index."""
    engine.register("link_person", registry.person_record_frame(source, people))
    mobiles = _column(engine, "SELECT mobile FROM link_person WHERE mobile <> '' UNION SELECT household_mobile FROM link_person "
                              "WHERE household_mobile <> ''")  # fmt: skip
    engine.register("link_sim", identity.subscriber_frame(source, mobiles))
    read_authority(
        engine,
        source,
        _column(engine, "SELECT token FROM link_person WHERE token IS NOT NULL UNION SELECT token FROM link_sim"),
    )


def read_authority(engine: Engine, source: FrameSource, tokens: Sequence[bytes]) -> None:
    """Lay out what the authority says of these numbers and of the numbers of their fathers and spouses."""
    engine.register("link_issued", identity.authority_record_frame(source, tokens))
    kin = _column(engine, "SELECT father_token FROM link_issued WHERE father_token IS NOT NULL UNION SELECT spouse_token "
                          "FROM link_issued WHERE spouse_token IS NOT NULL")  # fmt: skip
    engine.register("link_issued", identity.authority_record_frame(source, sorted({*tokens, *kin})))


def _column(engine: Engine, sql: str) -> list[Any]:
    return [value for (value,) in engine.rows(f"SELECT * FROM ({sql}) ORDER BY 1")]


def no_rows(engine: Engine) -> None:
    """Say that no list is compared."""
    engine.run("""CREATE OR REPLACE TABLE link_row (benefit_id BIGINT, id_token BLOB, id_ciphertext BLOB,
        payee_token BLOB, payee_ciphertext BLOB, mobile VARCHAR, area_path VARCHAR)""")


def open_numbers(engine: Engine) -> int:
    """Open the numbers that records state, that telephones of records are subscribed by, and of their parents and spouses.

    Leaves `number_of` (token, number) and `link_known` (what the authority says of them). Returns how many.
    """
    engine.run("""
        CREATE OR REPLACE TABLE link_token AS
        WITH phone AS (SELECT mobile FROM link_person UNION SELECT household_mobile FROM link_person
                       UNION SELECT mobile FROM link_row)
        SELECT token FROM link_person UNION SELECT id_token FROM link_row UNION SELECT payee_token FROM link_row
        UNION SELECT s.token FROM link_sim s SEMI JOIN phone USING (mobile)
        """)
    engine.run(
        "CREATE OR REPLACE TABLE link_known AS SELECT i.* FROM link_issued i SEMI JOIN link_token t USING (token)"
    )
    engine.run("""
        CREATE OR REPLACE TABLE link_sealed AS
        WITH wanted AS (SELECT token FROM link_token UNION SELECT father_token FROM link_known
                        UNION SELECT spouse_token FROM link_known),
        held AS (SELECT token, ciphertext FROM link_issued UNION ALL SELECT token, ciphertext FROM link_person
                 UNION ALL SELECT id_token, id_ciphertext FROM link_row
                 UNION ALL SELECT payee_token, payee_ciphertext FROM link_row)
        SELECT h.token, any_value(h.ciphertext) AS ciphertext FROM held h SEMI JOIN wanted w USING (token)
        WHERE h.token IS NOT NULL AND h.ciphertext IS NOT NULL GROUP BY h.token
        """)
    engine.run("CREATE OR REPLACE TABLE number_of (token BLOB, number VARCHAR)")
    opened: list[pa.RecordBatch] = []
    for batch in engine.reader("SELECT token, ciphertext FROM link_sealed", batch_rows=_BATCH):
        plain = [(value or b"").decode() for value in keys.decrypt_many(batch.column("ciphertext").to_pylist())]
        opened.append(
            pa.record_batch({"token": batch.column("token").cast(pa.binary()), "number": pa.array(plain, pa.string())})
        )
    if opened:
        engine.register("number_of", pa.Table.from_batches(opened))
    engine.drop("link_sealed", "link_token")
    return int(engine.value("SELECT count(*) FROM number_of"))


def make_person_records(engine: Engine) -> None:
    """Write `link_record_person`, one row a registered person, in the columns of `linkage_frame`."""
    engine.run(_PERSONS)


def make_row_records(engine: Engine) -> None:
    """Write `link_record_row`, one row a seat of `link_wanted` (benefit_id, role), in the columns of `linkage_frame`."""
    engine.run(_ROWS)


def authority(engine: Engine) -> pa.Table:
    """Return what the authority says of the numbers in use, in the shape of `authority_frame`."""
    return engine.table("""
        SELECT n.number, k.name, k.father_name, k.husband_name, k.birth_date,
            coalesce(f.number, lower(hex(k.father_token)), '') AS father_number,
            coalesce(s.number, lower(hex(k.spouse_token)), '') AS spouse_number
        FROM link_known k JOIN number_of n USING (token)
        LEFT JOIN number_of f ON f.token = k.father_token LEFT JOIN number_of s ON s.token = k.spouse_token
        ORDER BY n.number
        """)


def subscribers(engine: Engine) -> pa.Table:
    """Return telephones and the numbers of their subscribers, in the shape of `subscriber_frame`."""
    return engine.table("""
        SELECT s.mobile, coalesce(n.number, lower(hex(s.token))) AS number FROM link_sim s
        LEFT JOIN number_of n USING (token) ORDER BY ALL
        """)


def prepare_registry(
    engine: Engine,
    *,
    plain: str = "",
    table: str = "person_record",
    shares: Callable[[pa.Table], pa.Table] | None = None,
) -> int:
    """Make `person_record`, or `table`, of the registry alone; `plain` names its second table for training. Returns persons.

    `shares` tells of names where only a part of the registry was read, see `prepare`.
    """
    make_person_records(engine)
    records = engine.table(f"SELECT {_COLUMNS} FROM link_record_person ORDER BY record_id")
    return prepare(
        engine,
        records,
        table=table,
        authority=authority(engine),
        subscribers=subscribers(engine),
        plain=plain,
        shares=shares,
    )


def prepare_with_rows(engine: Engine) -> int:
    """Make `person_record` of the registry and the wanted rows of lists together. Returns records."""
    make_person_records(engine)
    make_row_records(engine)
    records = engine.table(
        f"SELECT {_COLUMNS} FROM link_record_person UNION ALL SELECT {_COLUMNS} FROM link_record_row ORDER BY record_id"
    )
    return prepare(engine, records, authority=authority(engine), subscribers=subscribers(engine))


def prepare_with_survey(engine: Engine, listed: pa.Table) -> int:
    """Make `person_record` of the registry and the people of a survey (`linkage_frame`, side LIST). Returns records."""
    make_person_records(engine)
    held = engine.table(f"SELECT {_COLUMNS} FROM link_record_person ORDER BY record_id")
    both = pa.concat_tables([held, listed.select(held.schema.names).cast(held.schema)])
    return prepare(engine, both, authority=authority(engine), subscribers=subscribers(engine))
