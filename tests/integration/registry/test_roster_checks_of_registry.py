"""The registry's own roster through the checks: within scope, with an event, by the same methods as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from khana.interfaces.cli.main import khana
from khana.platform import embedded
from khana_methods.errors import NotPermitted
from tests.factories import little_country


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, Any]:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        built = little_country.build(connection)
        connection.execute(
            """INSERT INTO registry_householdversion (household_id, area_path, address, facts, valid_from, recorded_at)
               SELECT id, area_path, '', '{"rooms": "0", "interview_minutes": "4"}', '2025-01-01', now() FROM registry_household"""
        )
        return built


def rows(database: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return connection.execute(statement).fetchall()


def run(token: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> dict[str, Any]:
    monkeypatch.setenv("KHANA_TOKEN", token)
    done = CliRunner().invoke(khana, [*words, "--registry", "--json"], catch_exceptions=False)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_steward_checks_all_and_an_event_says_so(country, database, tokens, monkeypatch, tmp_path: Path) -> None:
    out = tmp_path / "findings.csv"
    result = run(tokens("data_steward"), monkeypatch, "checks", "run", "--out", str(out))
    households = rows(database, "SELECT count(*) FROM registry_household")[0][0]
    guests = rows(
        database,
        "SELECT count(*) FROM registry_membership WHERE NOT is_member AND superseded_at IS NULL AND valid_to IS NULL",
    )
    lines = rows(database, "SELECT count(*) FROM registry_membership WHERE superseded_at IS NULL AND valid_to IS NULL")
    assert result["households"] == households > 0
    assert result["members"] + result["guests"] == lines[0][0] and result["guests"] == guests[0][0]
    counts = {row["code"]: row["findings"] for row in result["rows"]}
    assert counts["ROOMS_NONE"] == counts["INTERVIEW_SHORT"] == households
    assert out.read_text().splitlines()[0] == "household_id,line_no,code,severity"
    assert len(out.read_text().splitlines()) == result["findings"] + 1
    event = rows(database, "SELECT subject, details FROM audit_event WHERE action = 'registry.roster.read'")
    assert event[-1][0] == "roster:checks" and event[-1][1]["households"] == households


def test_freshness_of_the_registry_is_by_the_day_of_each_survey(country, database, tokens, monkeypatch) -> None:
    result = run(
        tokens("data_steward"), monkeypatch, "freshness", "due", "--area", "area_code", "--as-of", "2036-01-01"
    )
    assert result["due"] == result["households"] > 0


def test_who_may_not_read_the_registry_checks_nothing(country, tokens, monkeypatch) -> None:
    with pytest.raises(NotPermitted):
        run(tokens("administrator"), monkeypatch, "checks", "run")


def test_the_households_of_one_delivery_are_checked_alone(
    country, database, tokens, monkeypatch, tmp_path: Path
) -> None:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        connection.execute(
            "UPDATE registry_membership SET batch_id = 77 WHERE household_id = (SELECT min(household_id) FROM registry_membership)"
        )
        number = connection.execute(
            "SELECT number FROM registry_household WHERE id = (SELECT min(household_id) FROM registry_membership)"
        ).fetchone()
    out = tmp_path / "findings.csv"
    result = run(tokens("data_steward"), monkeypatch, "checks", "run", "--batch", "77", "--out", str(out))
    assert result["households"] == 1 and number is not None
    found = {line.split(",")[0] for line in out.read_text().splitlines()[1:]}
    assert found == {number[0]}
    assert run(tokens("data_steward"), monkeypatch, "checks", "run", "--batch", "78")["members"] == 0
