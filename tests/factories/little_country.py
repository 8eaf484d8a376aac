"""Two districts, three households, one finished run: written as the owner, read under row security."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import psycopg

from khana.platform import keys

AT = datetime(2026, 4, 1, 9, tzinfo=UTC)
NORTH, SOUTH = "PK.PK1.PK101.", "PK.PK2.PK201."
NUMBERS = {1: "1110112345671", 2: "1110112345682", 3: "2110112345673"}
FORMULA = "=HYPERLINK(A1)"


def _one(connection: psycopg.Connection[Any], statement: str, *values: Any) -> int:
    row = connection.execute(statement, values).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def _areas(c: psycopg.Connection[Any]) -> None:
    parent = None
    for code, level, path in (
        ("PK", 0, "PK."), ("PK1", 1, "PK.PK1."), ("PK101", 2, NORTH), ("PK2", 1, "PK.PK2."), ("PK201", 2, SOUTH),
    ):  # fmt: skip
        c.execute(
            "INSERT INTO geo_area (country, scheme, code, level, parent_id, path, name, names, aliases, valid_from)"
            " VALUES ('pak', 'test', %s, %s, %s, %s, %s, '{}', '[]', '2000-01-01')",
            [code, level, parent, path, f"Area {code}"],
        )


def _person(c: psycopg.Connection[Any], number: int, name: str, path: str, household: int, line: int) -> int:
    person = _one(c, "INSERT INTO registry_person (area_path, created_at) VALUES (%s, %s) RETURNING id", path, AT)
    c.execute(
        "INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native,"
        " guardian_name, sex, birth_year, marital, facts) VALUES (%s, %s, '2020-01-01', %s, %s, '', '', 'F', 1980, 'M', '{}')",
        [person, path, AT, name],
    )
    c.execute(
        "INSERT INTO registry_membership (household_id, person_id, line_no, relation, is_member, area_path, valid_from,"
        " recorded_at) VALUES (%s, %s, %s, 'head', true, %s, '2020-01-01', %s)",
        [household, person, line, path, AT],
    )
    c.execute(
        "INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
        " VALUES (%s, %s, 'CNIC', %s, %s, 'VERIFIED', %s)",
        [person, path, keys.token("PK", NUMBERS[number]), keys.encrypt(NUMBERS[number]), AT],
    )
    return person


def _programmes(c: psycopg.Connection[Any]) -> None:
    for code, agency, targeted in (("OAA", "DSS", True), ("STIP", "EDU", False), ("CASH", "DSS", True)):
        c.execute(
            "INSERT INTO programmes_programme (code, name, names, agency, benefit_type, counts_to_cap, sex,"
            " poverty_targeted, one_per_household, requires, incompatible_with, areas, amounts, rule, target_group,"
            " source, recorded_at, unit, frequency, owner, budget_head, conditions, eligibility)"
            " VALUES (%s, %s, '{}', %s, 1, true, '', %s, false, '', '[]', '[]', '[]', '', '', '', %s,"
            " 'person', '', '', '', '[]', '{}')",
            [code, code, agency, targeted, AT],
        )


def _source(c: psycopg.Connection[Any]) -> None:
    c.execute(
        "INSERT INTO beneficiaries_source (code, title, agency, programmes, contract_code, frequency, is_kept_here,"
        " created_at) VALUES ('DSS-OAA', 'Old age', 'DSS', '[\"OAA\"]', '', '', true, %s)",
        [AT],
    )


def _benefit(c: psycopg.Connection[Any], number: int, programme: str, agency: str, path: str, line: int) -> int:
    return _one(
        c,
        "INSERT INTO beneficiaries_benefit (batch_id, source_code, agency, file_name, sheet, line, programme, period,"
        " period_end, area_code, area_path, id_raw_state, id_type, id_token, id_ciphertext, name, guardian_name, sex,"
        " payee_id_raw_state, payee_name, amount, notes, facts)"
        " VALUES (1, %s, %s, 'list.csv', '', %s, %s, '2026Q1', '2026-03-31', '', %s, 'OK', 'CNIC', %s, %s, '', '', 'F',"
        " '', '', 1500, '[]', '{}') RETURNING id",
        f"{agency}-{programme}", agency, line, programme, path, keys.token("PK", NUMBERS[number]),
        keys.encrypt(NUMBERS[number]),
    )  # fmt: skip


def _run(c: psycopg.Connection[Any], persons: dict[int, int], benefits: dict[tuple[int, str], int]) -> int:
    summary = {
        "rows": 4, "recipients": 3, "over_cap": 1, "unserved": 1, "leakage": 1,
        "connected": [{"programme": "OAA", "agency": "DSS", "sources": ["DSS-OAA"], "periods": ["2026Q1"],
                       "to": "2026-03-31", "rows": 2}],
        "not_connected": ["CASH"],
    }  # fmt: skip
    run = _one(
        c,
        "INSERT INTO beneficiaries_run (state, started_at, ended_at, actor_id, parameters, inputs, summary)"
        " VALUES ('DONE', %s, %s, 1, '{}', '{}', %s) RETURNING id",
        AT, AT, json.dumps(summary),
    )  # fmt: skip
    for number, path, programmes, over, well_off in (
        (1, NORTH, ["OAA", "STIP"], True, True), (2, NORTH, ["STIP"], False, True), (3, SOUTH, ["OAA"], False, False),
    ):  # fmt: skip
        c.execute(
            "INSERT INTO beneficiaries_recipient (run_id, id_token, person_id, household_number, line_no, area_path,"
            " agencies, programmes, cash_programmes, is_over_cap, rows, amount, score, is_well_off)"
            " VALUES (%s, %s, %s, %s, 1, %s, '[\"DSS\"]', %s, %s, %s, 1, 1500, 55.5, %s)",
            [run, keys.token("PK", NUMBERS[number]), persons[number], f"H{number}", path, json.dumps(programmes),
             len(programmes), over, well_off],
        )  # fmt: skip
    for number, path, code, detail in ((1, NORTH, "CAP_EXCEEDED", FORMULA), (3, SOUTH, "DUP_NID", "rows 4, 5")):
        c.execute(
            "INSERT INTO beneficiaries_finding (run_id, benefit_id, source_code, agency, programme, area_path, file_name,"
            " sheet, line, code, role, severity, person_id, household_number, line_no, detail, group_no)"
            " VALUES (%s, %s, 'DSS-OAA', 'DSS', 'OAA', %s, 'list.csv', '', %s, %s, 'payee', 'REFUSE', %s, %s, 1, %s, 7)",
            [run, benefits[(number, "OAA")], path, number + 1, code, persons[number], f"H{number}", detail],
        )
    c.execute(
        "INSERT INTO beneficiaries_unservedhousehold (run_id, household_number, area_path, score, rank, members, eligible_for)"
        " VALUES (%s, 'H9', %s, 12.5, 1, 6, '[\"CASH\"]')",
        [run, SOUTH],
    )
    return run


def build(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Write the little country on a connection of the owner; return the ids of its persons and its run."""
    with connection.transaction():
        _areas(connection)
        _programmes(connection)
        _source(connection)
        persons: dict[int, int] = {}
        for number, name, path in ((1, "Amna", NORTH), (2, "Bilqis", NORTH), (3, "Sakina", SOUTH)):
            household = _one(
                connection,
                "INSERT INTO registry_household (number, area_path, created_at) VALUES (%s, %s, %s) RETURNING id",
                f"H{number}", path, AT,
            )  # fmt: skip
            persons[number] = _person(connection, number, name, path, household, 1)
        benefits = {
            (1, "OAA"): _benefit(connection, 1, "OAA", "DSS", NORTH, 2),
            (1, "STIP"): _benefit(connection, 1, "STIP", "EDU", NORTH, 3),
            (3, "OAA"): _benefit(connection, 3, "OAA", "DSS", SOUTH, 4),
        }
        run = _run(connection, persons, benefits)
    return {"persons": persons, "run": run}
