"""The main job on a made-up country in the manner of Pakistan."""

from __future__ import annotations

import json

import pytest
from tests.journeys import made_up


@pytest.fixture(scope="module")
def made(database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> made_up.Made:
    folder = tmp_path_factory.mktemp("pak") / "set"
    return made_up.make("pak", folder, token=tokens("data_steward"), database=database)


@pytest.fixture(scope="module")
def again(tokens) -> str:
    return tokens("data_steward")


def test_every_code_that_numbers_decide(made: made_up.Made) -> None:
    made_up.check_codes(made)


def test_rows_in_are_linked_unmatched_or_quarantined(made: made_up.Made) -> None:
    made_up.check_counts(made)


def test_a_list_that_is_sent_again_corrected_takes_the_place_of_the_first(
    made: made_up.Made, database: str, again: str
) -> None:
    """The same rows in another file count once where the new batch replaces the old one."""
    ask = {"token": again, "database": database}
    file = made.folder / "zakat_2026h1.csv"
    first = json.loads(made_up.khana("import", "benefits", str(file), "--source", "ZAKAT", "--json", **ask))
    assert first["state"] == "UNCHANGED"
    newer = made.folder / "zakat_2026h1_corrected.csv"
    newer.write_bytes(file.read_bytes() + b"\r\n")
    done = json.loads(
        made_up.khana(
            "import", "benefits", str(newer), "--source", "ZAKAT", "--replaces", str(first["batch"]), "--json", **ask
        )
    )
    assert (done["state"], done["rows_loaded"]) == ("LOADED", first["rows_loaded"])
    summary = json.loads(made_up.khana("consolidate", "--json", **ask))
    assert {key: summary[key] for key in ("rows", "linked", "recipients", "over_cap", "unserved")} == {
        key: made.summary[key] for key in ("rows", "linked", "recipients", "over_cap", "unserved")
    }
    assert summary["findings"]["DUP_NID"] == made.summary["findings"]["DUP_NID"]
