"""The main job on a made-up country in the manner of Pakistan."""

from __future__ import annotations

import csv
import json

import pytest
from tests.journeys import made_up
from tests.journeys.database_state import rows
from tests.journeys.truth import rows_of


@pytest.fixture(scope="module")
def made(database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> made_up.Made:
    folder = tmp_path_factory.mktemp("pak") / "set"
    return made_up.make("pak", folder, token=tokens("data_steward"), database=database)


@pytest.fixture(scope="module")
def again(tokens) -> str:
    return tokens("data_steward")


def answer(report: str, made: made_up.Made, **ask: str) -> list[dict[str, str]]:
    """Return the rows of a report, as the file that the command writes says them."""
    out = made.folder / f"{report}.csv"
    made_up.khana("report", report, "--format", "csv", "--out", str(out), **ask)
    return list(rows_of(out))


def test_every_code_that_numbers_decide(made: made_up.Made) -> None:
    made_up.check_codes(made)


def test_the_planner_knows_at_once_what_was_loaded(made: made_up.Made, database: str) -> None:
    """Without it a minute passes in which joins over all people are done row by row.

    Tables of which one transaction wrote more than 2,000 rows; the lists here are shorter, and two of them are
    counted as one only where they come within the same second.
    """
    known = rows(
        database,
        "SELECT relname, reltuples::int FROM pg_stat_user_tables JOIN pg_class USING (relname) WHERE last_analyze IS NOT NULL",
    )
    assert {"registry_personversion", "registry_membership", "registry_resident", "beneficiaries_finding"} <= {
        one for one, _ in known
    }
    assert dict(known)["registry_personversion"] > made_up.HOUSEHOLDS


def test_poor_households_that_no_number_shows_on_a_list_are_unserved(
    made: made_up.Made, database: str, again: str
) -> None:
    told = {row["household_id"] for row in answer("unserved", made, token=again, database=database)}
    truth = rows_of(made.folder / "truth" / "unserved.csv")
    assert told == {row["household_id"] for row in truth if row["unserved_by_score_and_number"] == "1"}


def test_as_many_persons_are_over_the_cap_as_one_number_shows(made: made_up.Made, database: str, again: str) -> None:
    shown = [row for row in rows_of(made.folder / "truth" / "cap.csv") if int(row["cash_by_one_number"]) > 3]
    assert len(answer("cap", made, token=again, database=database)) == len(shown) > 0


def test_rows_in_are_linked_unmatched_or_quarantined(made: made_up.Made) -> None:
    made_up.check_counts(made)


def digits_of(row: dict[str, str], column: str) -> str:
    return "".join(c for c in row[column] if c.isdigit())


def test_residents_in_no_household_and_members_in_no_register(made: made_up.Made, database: str, again: str) -> None:
    """Both lists against the files themselves, read here by their numbers alone."""
    with (made.folder / "residents.csv").open(encoding="utf-8-sig", newline="") as handle:
        residents = {row["resident_id"]: digits_of(row, "id_number") for row in csv.DictReader(handle)}
    with (made.folder / "persons.csv").open(encoding="utf-8-sig", newline="") as handle:
        persons = {(r["household_id"], int(r["line_no"])): digits_of(r, "id_number") for r in csv.DictReader(handle)}
    known, registered = set(residents.values()) - {""}, set(persons.values()) - {""}
    ask = {"token": again, "database": database}
    found = {}
    for kind in ("residents", "members"):
        out = made.folder / f"{kind}.csv"
        made_up.khana("report", kind, "--format", "csv", "--out", str(out), **ask)
        with out.open(encoding="utf-8-sig", newline="") as handle:
            found[kind] = list(csv.DictReader(handle))
    alone = {row["resident"] for row in found["residents"]}
    assert alone == {resident for resident, number in residents.items() if number not in registered}
    assert 20 < len(alone) < len(residents)
    outside = {(row["household_id"], int(row["line_no"])) for row in found["members"]}
    assert outside == {place for place, number in persons.items() if not number or number not in known}
    assert 20 < len(outside) < len(persons)


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
