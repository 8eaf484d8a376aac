"""Where somebody belongs who stands in two households, and a row that names two people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from khana.linkage.list_rows import _part_from_payees
from khana.linkage.one_person import lay_out_homes
from khana_methods.engine.duckdb import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


def test_who_stands_in_two_households_belongs_where_her_family_is(engine: Engine) -> None:
    engine.run("CREATE TABLE one_person AS SELECT * FROM (VALUES (7, 3), (9, 5)) AS t (person_id, current_id)")
    engine.run("""
        CREATE TABLE link_person AS SELECT * FROM (VALUES
            (3, 30, 5, NULL, NULL, NULL), (4, 30, 1, NULL, NULL, NULL),  -- a lodger of household 30 ...
            (7, 70, 2, 1, NULL, NULL), (8, 70, 1, 2, NULL, NULL),        -- ... is a wife in household 70
            (5, 50, 1, NULL, NULL, NULL), (9, 90, 1, NULL, NULL, NULL))  -- alone in both: the file that stands for both
        AS t (person_id, household_id, line_no, spouse_line, father_line, mother_line)""")
    lay_out_homes(engine)
    assert engine.rows("SELECT * FROM model_home ORDER BY person_id") == [(3, 70), (5, 50)]


def test_a_beneficiary_is_not_the_person_who_is_paid_for_her(engine: Engine) -> None:
    engine.run("CREATE TABLE seat (benefit_id BIGINT, role VARCHAR, token BLOB)")
    engine.run("INSERT INTO seat SELECT unnest([1, 2, 3]), 'payee', 'a'::BLOB")
    engine.run("CREATE TABLE identifier_frame AS SELECT 'a'::BLOB AS token, 11::BIGINT AS person_id")
    engine.run("CREATE TABLE named_otherwise AS SELECT 3::BIGINT AS benefit_id, 'payee' AS role")
    engine.run("""CREATE TABLE link_row AS SELECT * FROM (VALUES
        (1, 'Hina', 'Abida Bibi'), (2, 'ABIDA BIBI', 'Abida Bibi'), (3, 'Hina', 'Abida Bibi')) AS t (benefit_id, name, payee_name)""")
    engine.run("""CREATE TABLE told_link AS SELECT unnest([1, 2, 3])::BIGINT AS benefit_id, 'beneficiary' AS role,
        11::BIGINT AS person_id""")
    _part_from_payees(engine)
    assert engine.rows("SELECT benefit_id FROM told_link ORDER BY 1") == [(2,), (3,)]
