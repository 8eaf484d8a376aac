"""Loading households and persons: files once, versions under two clocks, disputed numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from django.db import connection

from khana.access import services as access
from khana.geo import services as geo
from khana.platform import bulk
from khana.registry.services.load_households import HouseholdLoader
from khana.registry.services.load_persons import PersonLoader

AT = datetime(2026, 6, 30, tzinfo=UTC)
LATER = datetime(2026, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def steward(tokens) -> str:
    token = tokens("data_steward")
    with access.scoped(token):
        geo.put_areas(
            country="pak",
            scheme="t",
            valid_from=date(2020, 1, 1),
            rows=[geo.AreaRow("PK", "P", 0, ""), geo.AreaRow("PK1", "A", 1, "PK"), geo.AreaRow("PK101", "B", 2, "PK1")],
        )
    return token


def households(*rows: tuple[int, str, date, int]) -> pa.Table:
    return pa.table(
        {
            "sheet": [""] * len(rows),
            "line": [r[0] for r in rows],
            "household_number": [r[1] for r in rows],
            "survey_date": [r[2] for r in rows],
            "district_code": ["PK101"] * len(rows),
            "rooms": pa.array([r[3] for r in rows], pa.int64()),
            "tenure": pa.array([None] * len(rows), pa.string()),
            "address": pa.array([None] * len(rows), pa.string()),
        }
    )


def persons(*rows: tuple[int, str, int, str, str | None]) -> pa.Table:
    tokens = bulk.hex_column([None if r[4] is None else r[4].encode().ljust(32, b"x") for r in rows])
    return pa.table(
        {
            "line": [r[0] for r in rows],
            "household_number": [r[1] for r in rows],
            "line_no": [r[2] for r in rows],
            "name": [r[3] for r in rows],
            "birth_date_year": pa.array([1980] * len(rows), pa.int16()),
            "id_number_type": ["CNIC"] * len(rows),
            "id_number_token": tokens,
            "id_number_ciphertext": tokens,
            "is_literate": [True] * len(rows),
        }
    )


def ask(statement: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def load(token: str, loader_class: type, table: pa.Table, at: datetime, batch: int) -> dict[str, int]:
    with access.scoped(token):
        loader = loader_class()
        loader.stage(table)
        if hasattr(loader, "orphans"):
            loader.orphans()
        counts: dict[str, int] = loader.finish(batch_id=batch, at=at)
        return counts


def test_versions_under_two_clocks(steward: str) -> None:
    first = load(
        steward, HouseholdLoader, households((2, "100", date(2024, 1, 1), 2), (3, "101", date(2024, 1, 1), 1)), AT, 1
    )
    assert first == {"new_files": 2, "versions": 2, "rows_twice": 0}
    again = load(steward, HouseholdLoader, households((2, "100", date(2024, 1, 1), 2)), LATER, 2)
    assert again == {"new_files": 0, "versions": 0, "rows_twice": 0}
    changed = load(steward, HouseholdLoader, households((2, "100", date(2026, 2, 1), 3)), LATER, 3)
    assert changed["versions"] == 1
    with access.scoped(steward):
        rows = ask(
            """SELECT v.facts->>'rooms', v.valid_from, v.valid_to, v.recorded_at, v.superseded_at
               FROM registry_householdversion v JOIN registry_household h ON h.id = v.household_id
               WHERE h.number = '100' ORDER BY v.id"""
        )
    assert rows == [
        ("2", date(2024, 1, 1), None, AT, LATER),
        ("2", date(2024, 1, 1), date(2026, 2, 1), LATER, None),
        ("3", date(2026, 2, 1), None, LATER, None),
    ]
    with access.scoped(steward):
        assert ask("SELECT DISTINCT area_path FROM registry_household") == [("PK.PK1.PK101.",)]
        assert ask("SELECT DISTINCT facts ? 'tenure' FROM registry_householdversion") == [(False,)]


def test_an_older_interview_becomes_history(steward: str) -> None:
    load(steward, HouseholdLoader, households((2, "200", date(2025, 1, 1), 5)), AT, 4)
    load(steward, HouseholdLoader, households((2, "200", date(2023, 1, 1), 1)), LATER, 5)
    with access.scoped(steward):
        rows = ask(
            """SELECT v.facts->>'rooms', v.valid_from, v.valid_to FROM registry_householdversion v
               JOIN registry_household h ON h.id = v.household_id WHERE h.number = '200' AND v.superseded_at IS NULL
               ORDER BY v.valid_from"""
        )
    assert rows == [("1", date(2023, 1, 1), date(2025, 1, 1)), ("5", date(2025, 1, 1), None)]


def test_persons_keep_their_file_and_numbers_are_disputed(steward: str) -> None:
    load(steward, HouseholdLoader, households((2, "300", date(2024, 1, 1), 2), (3, "301", date(2024, 1, 1), 2)), AT, 6)
    table = persons(
        (2, "300", 1, "Aslam", "n1"),
        (3, "300", 51, "Nasreen", "n2"),
        (4, "301", 1, "Aslam", "n1"),
        (5, "999", 1, "X", None),
    )
    with access.scoped(steward):
        loader = PersonLoader()
        loader.stage(table)
        refused = loader.orphans()
        assert refused.to_pylist() == [{"line": 5, "detail": "household_unknown"}]
        counts = loader.finish(batch_id=7, at=AT)
    assert counts == {"new_files": 3, "versions": 3, "numbers": 3, "disputed": 1}
    with access.scoped(steward):
        before = ask("SELECT person_id, line_no FROM registry_membership ORDER BY 1")
    again = load(steward, PersonLoader, persons((2, "300", 1, "Aslam Khan", "n1")), LATER, 8)
    assert again == {"new_files": 0, "versions": 1, "numbers": 0, "disputed": 0}
    with access.scoped(steward):
        assert ask("SELECT person_id, line_no FROM registry_membership ORDER BY 1") == before
        names = ask(
            "SELECT name FROM registry_personversion WHERE superseded_at IS NULL AND valid_to IS NULL ORDER BY 1"
        )
    assert names == [("Aslam",), ("Aslam Khan",), ("Nasreen",)]


def test_a_registrar_may_not_load_outside_her_area(steward: str, tokens) -> None:
    with access.scoped(steward):
        geo.put_areas(
            country="pak",
            scheme="t",
            valid_from=date(2020, 1, 1),
            rows=[geo.AreaRow("PK", "P", 0, ""), geo.AreaRow("PK1", "A", 1, "PK"), geo.AreaRow("PK102", "C", 2, "PK1")],
        )
    registrar = tokens("registrar", area_code="PK102")
    with pytest.raises(access.OutsideScope):
        load(registrar, HouseholdLoader, households((2, "400", date(2024, 1, 1), 2)), AT, 9)
    with access.scoped(registrar):
        assert ask("SELECT count(*) FROM registry_household") == [(0,)]


def test_a_set_of_areas_ends_where_the_next_one_begins(steward: str) -> None:
    def load_set(begins: date, *codes: str) -> None:
        top = geo.AreaRow("BD", "Bangladesh", 0, "")
        rows = [top, *(geo.AreaRow(code, code, 1, "BD") for code in codes)]
        geo.put_areas(country="bgd", scheme="of-its-year", valid_from=begins, rows=rows)

    def days() -> list[tuple[object, ...]]:
        return ask(
            "SELECT code, extract(year FROM valid_from)::int, extract(year FROM valid_to)::int FROM geo_area"
            " WHERE country = 'bgd' AND level = 1 ORDER BY 1, 2"
        )

    with access.scoped(steward):
        load_set(date(2015, 1, 1), "BD10", "BD20")
        assert days() == [("BD10", 2015, None), ("BD20", 2015, None)]
        load_set(date(2022, 1, 1), "BD10", "BD21")
        assert days() == [("BD10", 2015, 2022), ("BD10", 2022, None), ("BD20", 2015, 2022), ("BD21", 2022, None)]
        load_set(date(2018, 1, 1), "BD10", "BD20")  # one between, loaded late
        assert [row for row in days() if row[0] != "BD10"] == [
            ("BD20", 2015, 2018), ("BD20", 2018, 2022), ("BD21", 2022, None),
        ]  # fmt: skip
        load_set(date(2015, 1, 1), "BD10", "BD20")
        assert len(days()) == 6
        assert ask("SELECT count(*) FROM geo_area WHERE country = 'pak' AND valid_to IS NOT NULL") == [(0,)]
