"""The answers on a made-up country, to the household: who is served by nothing, and who is over the cap."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys import made_up
from tests.journeys.truth import khana, rows_of


@pytest.fixture(scope="module")
def answers(database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make, load and consolidate a country; write two of its answers beside it."""
    folder = tmp_path_factory.mktemp("answers") / "set"
    ask = {"token": tokens("data_steward"), "database": database}
    made_up.make("pak", folder, **ask)
    for report in ("unserved", "cap"):
        khana("report", report, "--format", "csv", "--out", str(folder / f"{report}.csv"), **ask)
    return folder


def test_poor_households_that_no_number_shows_on_a_list_are_unserved(answers: Path) -> None:
    told = {row["household_id"] for row in rows_of(answers / "unserved.csv")}
    truth = rows_of(answers / "truth" / "unserved.csv")
    assert told == {row["household_id"] for row in truth if row["unserved_by_score_and_number"] == "1"}


def test_as_many_persons_are_over_the_cap_as_one_number_shows(answers: Path) -> None:
    shown = [row for row in rows_of(answers / "truth" / "cap.csv") if int(row["cash_by_one_number"]) > 3]
    assert len(list(rows_of(answers / "cap.csv"))) == len(shown) > 0
