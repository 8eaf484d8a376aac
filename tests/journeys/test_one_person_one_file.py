"""People who registered twice in a made-up country: learn, approve by two, run, export, evaluate, label, merge."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.factories.second_registrations import register_twice
from tests.journeys.commands import Done, Nursery, nursery


@dataclass
class Country:
    """A made-up country with second registrations, loaded; and who acts in it."""

    folder: Path
    database: str
    lent: Nursery
    first: str
    second: str
    pairs: int

    def khana(self, *words: object, token: str = "", code: int = 0, **extra: str) -> Any:
        done: Done = self.lent.run(*words, "--json", database=self.database, token=token or self.first, **extra)
        assert done.code == code, done.err
        return json.loads(done.out) if code == 0 else done.err


@pytest.fixture(scope="module")
def country(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    folder = tmp_path_factory.mktemp("twice") / "land"
    with nursery() as lent:
        made = Country(folder, database, lent, tokens("data_steward"), tokens("data_steward"), 0)
        made.khana("synth", "--country", "pak", "--households", 420, "--seed", 21, "--out", folder)
        made.pairs = len(register_twice(folder))
        made.khana("sample", "load", folder / "sample.yaml", "--data", folder)
        made.khana("consolidate")
        yield made


@pytest.fixture(scope="module")
def matched(country: Country) -> dict[str, Any]:
    """Train, approve by two, run; return what the run said."""
    trained = country.khana("linkage", "train", "--version", "T-1")
    assert trained["state"] == "DRAFT"
    assert trained["records"] > 1500
    refused = json.loads(country.khana("linkage", "run", code=14))
    assert refused["code"] == "linkage.no_active_model"
    assert country.khana("linkage", "approve", "T-1")["state"] == "DRAFT"
    assert json.loads(country.khana("linkage", "approve", "T-1", code=10))["code"] == "matching.second_approver_needed"
    assert country.khana("linkage", "approve", "T-1", token=country.second)["state"] == "ACTIVE"
    return dict(country.khana("linkage", "run"))


def test_the_database_itself_counts_the_approvals(country: Country, matched: dict[str, Any], connect) -> None:
    import psycopg

    country.khana("linkage", "train", "--version", "T-2")
    with connect("worker") as connection:
        connection.execute("SELECT set_config('khana.token', %s, true)", [country.first])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="two people"):
            connection.execute("UPDATE linkage_matchingmodel SET state = 'ACTIVE' WHERE version = 'T-2'")


def test_second_registrations_are_found(country: Country, matched: dict[str, Any]) -> None:
    found = country.khana("linkage", "evaluate", "--truth", country.folder / "truth" / "second.csv")
    print(found)
    assert found["true"] == country.pairs
    assert found["precision"] >= 0.98
    assert found["recall"] >= 0.8
    assert found["unknown_ids"] == 0


def test_a_truth_with_unknown_ids_is_said(country: Country, matched: dict[str, Any], tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text((country.folder / "truth" / "second.csv").read_text() + "no-such-home,1,990000000,1\n")
    found = country.khana("linkage", "evaluate", "--truth", truth)
    assert found["unknown_ids"] == 1
    assert found["unknown_ids_shown"] == ["H|no-such-home|1"]
    assert found["true"] == country.pairs


def test_the_same_run_twice_gives_the_same_pairs(country: Country, matched: dict[str, Any], tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    country.lent.run("linkage", "export", "--out", one, database=country.database, token=country.first)
    again = country.khana("linkage", "run")
    country.lent.run("linkage", "export", "--out", two, database=country.database, token=country.first)
    assert again["linked"] == matched["linked"]
    assert one.read_text() == two.read_text()
    with one.open() as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == [
        "left_source",
        "left_file",
        "left_sheet",
        "left_line",
        "left_household_id",
        "left_line_no",
        "right_source",
        "right_file",
        "right_sheet",
        "right_line",
        "right_household_id",
        "right_line_no",
        "match_weight",
        "probability",
        "decision",
        "cluster",
    ]
    assert {row["decision"] for row in rows} <= {"LINKED", "REVIEW"}


@pytest.mark.parametrize(
    "place", ["linkage.started", "linkage.compared", "linkage.pairs_written", "linkage.before_commit"]
)
def test_a_killed_run_leaves_nothing_half_written(country: Country, matched: dict[str, Any], place: str) -> None:
    before = country.khana("linkage", "export")
    country.khana("linkage", "run", code=-9, KHANA_FAULT=place)
    assert country.khana("linkage", "export") == before
    assert country.khana("linkage", "run")["linked"] == matched["linked"]
