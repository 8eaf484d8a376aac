"""People who registered twice in a made-up country: learn, approve by two, run, export, evaluate, label, merge."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import acting_as
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


def _linked(country: Country, *, paid: bool) -> tuple[int, int]:
    rows = country.khana("linkage", "queue", "--state", "LINKED", "--limit", 1000)["rows"]
    found = [row for row in rows if row["kind"] == "PERSON" and (row["stake"] > 0) == paid]
    return found[-1]["right"], found[-1]["left"]


def test_a_merge_repoints_nothing_and_is_taken_back(country: Country, matched: dict[str, Any], connect) -> None:
    gone, kept = _linked(country, paid=False)

    def hanging() -> list[Any]:
        with connect("owner") as owner:
            return [
                owner.execute(f"SELECT * FROM {table} WHERE person_id = ANY(%s) ORDER BY id", [[gone, kept]]).fetchall()
                for table in ("registry_personversion", "registry_membership", "registry_identifier")
            ]

    before = hanging()
    merged = country.khana("persons", "merge", gone, "--into", kept, "--reason", "same card")
    assert merged["state"] == "IN_FORCE"
    again = json.loads(country.khana("persons", "merge", kept, "--into", gone, "--reason", "circle", code=10))
    assert again["code"] == "registry.merge.impossible"
    assert _as_web(country, gone) == (kept, {gone, kept}, 2)
    assert country.khana("persons", "split", gone, "--reason", "sisters")["state"] == "ENDED"
    assert _as_web(country, gone) == (gone, {gone}, 1)
    assert hanging() == before
    history = country.khana("persons", "merges", gone)["rows"]
    assert [row["state"] for row in history] == ["ENDED"]


def test_what_hangs_on_either_file_is_found(country: Country, matched: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    from khana.access import services as access
    from khana.dossiers import person_file
    from khana.workflows import merge_persons

    gone, kept = _linked(country, paid=False)
    enrolled, appealed, said = _hang(country, gone)
    with access.scoped(country.first):
        before = {one.number for one in person_file.person_file(gone).pairs}
        merge_persons.merge(person=gone, into=kept, reason="same card", at=datetime.now(UTC))
    for asked in (gone, kept):
        with access.scoped(country.first):
            file = person_file.person_file(asked)
            assert file.person_id == kept
            assert before <= {one.number for one in file.pairs}
            assert enrolled in {one.id for one in file.enrolments}
            assert appealed in {one["id"] for one in file.appeals}
            assert said in {one["case"] for one in file.cases}
    with access.scoped(country.first):
        merge_persons.split(person=gone, reason="sisters", at=datetime.now(UTC))
    with access.scoped(country.first):
        apart = person_file.person_file(kept)
        assert enrolled not in {one.id for one in apart.enrolments}
        assert appealed not in {one["id"] for one in apart.appeals}
        assert said not in {one["case"] for one in apart.cases}
        assert enrolled in {one.id for one in person_file.person_file(gone).enrolments}


def _hang(country: Country, person: int) -> tuple[int, int, int]:
    """Enrol a person by a number that no file holds any more, appeal against a filter, write a case down; return the numbers."""
    from datetime import UTC, datetime

    from khana.access import services as access
    from khana.beneficiaries.services import enrolments
    from khana.grievances.services import cases
    from khana.programmes import names
    from khana.programmes.services import appeals, quotas
    from khana.registry import files
    from khana.workflows import load_catalogue

    now = datetime.now(UTC)
    with access.scoped(country.first):
        place = files.places_of([person])[0]
        area = files.area_of_person(person) or ""
        enrolled = enrolments.identify(
            programme=min(names.catalogue()), id_token=b"retired" * 4, person_id=person, area_path=area, at=now
        )
        quotas.put_filters(rows=[row for row in load_catalogue._filters("pak") if row["code"] == "VEHICLE"], at=now)
        appealed = appeals.lodge(
            filter_code="VEHICLE",
            household=place.household_number,
            line=place.line_no,
            reason="It was sold last year.",
            at=now,
        )
        said = cases.lodge(person=person, about="NAME", at=now)
    return enrolled, appealed, said


def _as_web(country: Country, person: int) -> tuple[int, set[int], int]:
    """Return the current file of an id, the ids that stand for it, and in how many households its file shows her."""
    from khana.access import services as access
    from khana.dossiers import person_file
    from khana.registry import files

    with access.scoped(country.first):
        file = person_file.person_file(person)
        return file.person_id, set(files.files_of(file.person_id)), len({p.household_number for p in file.places})


def test_where_money_hangs_on_a_merge_two_people_say_it(country: Country, matched: dict[str, Any], connect) -> None:
    import psycopg

    gone, kept = _linked(country, paid=True)
    words = ("persons", "merge", gone, "--into", kept, "--reason", "same card")
    assert country.khana(*words)["state"] == "PROPOSED"
    assert _as_web(country, gone)[0] == gone
    assert json.loads(country.khana(*words, code=12))["code"] == "registry.merge.second_person_needed"
    with connect("worker") as connection:
        connection.execute("SELECT set_config('khana.token', %s, true)", [country.first])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="second person"):
            connection.execute("UPDATE registry_alias SET valid_from = now() WHERE person_id = %s", [gone])
    assert country.khana(*words, token=country.second)["state"] == "IN_FORCE"
    assert _as_web(country, gone)[0] == kept
    split = ("persons", "split", gone, "--reason", "brothers")
    assert country.khana(*split)["state"] == "END_PROPOSED"
    assert json.loads(country.khana(*split, code=12))["code"] == "registry.merge.second_person_needed"
    assert country.khana(*split, token=country.second)["state"] == "ENDED"
    assert _as_web(country, gone)[0] == gone


def test_consolidation_counts_persons_where_a_model_is_in_use(
    country: Country, matched: dict[str, Any], tmp_path: Path
) -> None:
    from tests.journeys.truth import DECIDED, judge, read_findings, read_planted

    summary = country.khana("consolidate")
    assert summary["matching"]["model"] == "T-1"
    assert summary["matching"]["linked"] > 100
    out = tmp_path / "findings.csv"
    country.lent.run(
        "report", "findings", "--format", "csv", "--out", out, database=country.database, token=country.first
    )
    found, planted = read_findings(out), read_planted(country.folder / "truth" / "planted.csv")
    for code in DECIDED:
        verdict = judge(code, found, planted)
        assert verdict.precision >= 0.98, verdict
        assert verdict.recall >= 0.98, verdict
    twice = set().union(*planted["DUP_PERSON"].values())
    assert len(twice) >= 20
    assert len(found["DUP_PERSON"] & twice) >= 0.9 * len(twice)
    assert len(found["DUP_PERSON"] & twice) >= 0.98 * len(found["DUP_PERSON"])
    rows = country.khana("linkage", "export", "--state", "LINKED")["rows"]
    assert any(row["left_file"] and row["right_household_id"] for row in rows)


def _api(token: str, method: str, path: str, **body: Any) -> tuple[int, Any]:
    from django.test import Client

    client = Client()
    headers = {"Authorization": f"Bearer {token}"}
    if method == "GET":
        response = client.get(f"/api/v1/linkage/{path}", body, headers=headers)
    else:
        response = client.post(
            f"/api/v1/linkage/{path}", json.dumps(body), content_type="application/json", headers=headers
        )
    return response.status_code, response.json()


def _truth(country: Country) -> dict[tuple[str, str], bool]:
    with (country.folder / "truth" / "second.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    return {
        (f"{r['left_household_id']}|{r['left_line_no']}", f"{r['right_household_id']}|{r['right_line_no']}"): True
        for r in rows
    }


def _label_the_draw(country: Country, connect, limit: int) -> int:  # type: ignore[no-untyped-def]
    """Label the first of the draw by the API as somebody does who knows the truth; return how many."""
    with connect("owner") as owner:
        place = dict(
            owner.execute(
                "SELECT m.person_id, h.number || '|' || m.line_no FROM registry_membership m "
                "JOIN registry_household h ON h.id = m.household_id"
            ).fetchall()
        )
    true = _truth(country)
    status, sample = _api(country.first, "GET", "sample", limit=limit)
    assert status == 200
    for one in sample["pairs"]:
        ends = place[one["left"]], place[one["right"]]
        outcome = "SAME" if ends in true or ends[::-1] in true else "DIFFERENT"
        assert _api(country.first, "POST", f"pairs/{one['id']}/labels", outcome=outcome)[0] == 200
    return len(sample["pairs"])


def test_labels_from_outside_tell_precision_and_recall(country: Country, matched: dict[str, Any], connect) -> None:
    """A labeller who knows the truth labels the whole draw by the API; the estimate meets what the truth says."""
    labelled = _label_the_draw(country, connect, 400)
    assert labelled > 50
    status, found = _api(country.first, "GET", "estimate")
    assert status == 200
    judged = country.khana("linkage", "evaluate", "--truth", country.folder / "truth" / "second.csv")
    assert found["precision"] is not None and found["recall"] is not None
    assert found["precision_low"] <= found["precision"] <= found["precision_high"]
    assert abs(found["precision"] - judged["precision"]) <= 0.02, (found, judged)
    kept = country.khana("linkage", "estimate", "--keep")
    assert kept["labels"] == labelled


def test_two_opinions_and_their_agreement(country: Country, matched: dict[str, Any]) -> None:
    _, drawn = _api(country.second, "GET", "sample", limit=400)
    both = [one for one in drawn["pairs"] if one["wants_second"]][:6]
    assert both, "one pair in ten wants a second opinion"
    for one in both:
        status, pair = _api(country.second, "GET", f"pairs/{one['id']}")
        assert status == 200
        assert {"name", "birth", "number"} <= {line["question"] for line in pair["lines"]}
        _, done = _api(country.second, "POST", f"pairs/{one['id']}/labels", outcome="SAME")
        assert done["decision"] in ("LINKED", "REVIEW")
    said = country.khana("linkage", "queue")
    assert said["second_opinions"] == len(both)
    assert said["kappa"] is not None
    wrong = _api(country.first, "POST", f"pairs/{both[0]['id']}/labels", outcome="PERHAPS")
    assert wrong[0] == 422 and wrong[1]["code"] == "linkage.outcome_unknown"


def test_what_a_person_decided_stays_when_the_model_runs_again(country: Country, matched: dict[str, Any]) -> None:
    rows = country.khana("linkage", "queue", "--state", "LINKED", "--limit", 1000)["rows"]
    chosen = next(row for row in rows if row["kind"] == "PERSON")
    country.khana("linkage", "label", chosen["id"], "DIFFERENT")
    country.khana("linkage", "label", chosen["id"], "DIFFERENT", token=country.second)
    country.khana("linkage", "run")
    told_apart = country.khana("linkage", "queue", "--state", "REJECTED", "--limit", 1000)["rows"]
    assert chosen["id"] in {row["id"] for row in told_apart}


def test_a_pair_that_reaches_out_of_the_area_is_not_there(
    country: Country, matched: dict[str, Any], connect, tokens
) -> None:
    with connect("owner") as owner:
        rows = owner.execute(
            "SELECT id, split_part(area_path, '.', 3), split_part(left_area_path, '.', 3) FROM linkage_pair "
            "WHERE left_kind = 'PERSON'"
        ).fetchall()
    pair, own, _ = next(row for row in rows if row[1] != row[2])
    steward = tokens("data_steward", area_code=own)
    assert _api(steward, "GET", f"pairs/{pair}")[0] == 404
    assert _api(steward, "POST", f"pairs/{pair}/labels", outcome="SAME")[0] == 404
    inside = {row[0] for row in rows if row[1] == row[2] == own}
    seen = {
        one["id"] for state in ("REVIEW", "LINKED", "APART") for one in _api(steward, "GET", "queue", state=state, limit=500)[1]["pairs"]
        if one["kind"] == "PERSON"
    }  # fmt: skip
    assert seen <= inside
    assert _api(tokens("analyst"), "GET", "queue")[0] == 403


def _reviewer(name: str) -> Any:
    """Make a steward and sign her in."""
    from datetime import UTC, datetime

    from django.test import Client

    from khana.access import services as access

    with acting_as("owner"):
        access.add_user(
            username=name, display_name="Reviewer", role="data_steward", password="not-a-secret-of-anyone",
            second_factor=False, at=datetime.now(UTC),
        )  # fmt: skip
    client = Client()
    assert client.post("/sign-in", {"username": name, "password": "not-a-secret-of-anyone"}).status_code == 302
    return client


def test_the_page_leads_from_pair_to_pair(country: Country, matched: dict[str, Any]) -> None:
    client = _reviewer("reviewer")
    for language in ("en", "ur", "bn"):
        client.post("/language", {"language": language})
        page = client.get("/matching?state=LINKED")
        assert page.status_code == 200 and b"T-1" in page.content
    client.post("/language", {"language": "en"})
    rows = country.khana("linkage", "queue", "--state", "LINKED", "--limit", 1000)["rows"]
    for kind in {row["kind"] for row in rows}:
        one = next(row for row in rows if row["kind"] == kind)
        page = client.get(f"/matching/pairs/{one['id']}")
        assert page.status_code == 200
        assert b'data-press="s"' in page.content and b"Lives with" in page.content
    done = client.post(f"/matching/pairs/{one['id']}/outcome", {"outcome": "SAME"})
    assert done.status_code == 302 and done["Location"] == "/matching/next"


def test_at_the_desk_another_file_is_told_without_being_shown(
    country: Country, matched: dict[str, Any], connect, tokens
) -> None:
    """A woman of another district with her name misspelt: the desk learns that a file may exist, and nothing of it."""
    with connect("owner") as owner:
        person, name, guardian, year, sex, district = owner.execute(
            "SELECT person_id, name, guardian_name, birth_year, sex, split_part(area_path, '.', 3) FROM registry_personversion "
            "WHERE length(name) > 9 AND birth_year IS NOT NULL AND guardian_name <> '' AND superseded_at IS NULL "
            "AND valid_to IS NULL ORDER BY person_id LIMIT 1"
        ).fetchone()
        (elsewhere,) = owner.execute(
            "SELECT min(code) FROM geo_area WHERE level = 2 AND code <> %s", [district]
        ).fetchone()
    asked = {"name": name.replace("ee", "i"), "guardian_name": guardian, "sex": sex, "birth_year": year}
    status, found = _api(tokens("registrar", area_code=elsewhere), "POST", "check", **asked)
    assert status == 200
    assert found["elsewhere"] is True
    assert person not in {one["person"] for one in found["files"]}
    assert str(person) not in json.dumps(found)
    status, found = _api(tokens("registrar", area_code=district), "POST", "check", **asked)
    assert person in {one["person"] for one in found["files"]}
    status, found = _api(tokens("registrar", area_code=elsewhere), "POST", "check", name="Zzyx Qqwv", birth_year=1950)
    assert found == {"files": [], "elsewhere": False, "elsewhere_shares_number": False}
    assert _api(tokens("analyst"), "POST", "check", **asked)[0] == 403


def test_a_survey_is_held_against_the_registry_by_the_model_in_use(
    country: Country, matched: dict[str, Any], tmp_path: Path
) -> None:
    """Those who state no number are found by name, birth, family and place; strangers with like names are not."""
    with (country.folder / "persons.csv").open() as lines:
        heads = [row for row in csv.DictReader(lines) if row["line_no"] == "1" and row["id_number"] and row["dob"]][
            :180
        ]
    with (country.folder / "households.csv").open() as lines:
        place = {row["household_id"]: (row["district_code"], row["tehsil_code"]) for row in csv.DictReader(lines)}
    survey = tmp_path / "survey.csv"
    with survey.open("w", newline="") as out:
        lines_out = csv.writer(out)
        lines_out.writerow(["hhid", "w", "cnic", "name", "father", "dob", "sex", "district", "tehsil"])
        for n, row in enumerate(heads):
            district, tehsil = place[row["household_id"]]
            sex = {"1": "M", "2": "F"}.get(row["sex"], "")
            father, dob, number = row["father_husband_name"], row["dob"], row["id_number"] if n < 60 else ""
            if n >= 120:  # a stranger: her name, another's father, born in another year, in another place
                other = heads[n - 60]
                father, dob = other["father_husband_name"], f"{int(row['dob'][:4]) - 9}-02-03"
                district, tehsil = place[other["household_id"]]
            lines_out.writerow([n, 1, number, row["name"], father, dob, sex, district, tehsil])
    facts = "id_number=cnic,name=name,guardian_name=father,birth_date=dob,sex=sex,district=district,tehsil=tehsil"
    words = ("coverage", "study", "--survey", survey, "--design", "weight=w", "--match", facts)
    plain = country.khana(*words)
    made = country.khana(*words, "--probabilistic", "--title", "by name")
    assert plain["registered"] <= 60
    assert 60 + 0.8 * 60 <= made["registered"] <= 120 + 3, made["notes"]
    assert any("matching model T-1" in note for note in made["notes"])


def test_a_desk_asks_for_a_file_of_another_area_to_be_opened(
    country: Country, matched: dict[str, Any], connect, tokens
) -> None:
    """Who asks learns neither file nor place until a steward of that area opens it; nobody answers her own question."""
    with connect("owner") as owner:
        person, name, guardian, year, sex, district, home = owner.execute(
            "SELECT v.person_id, v.name, v.guardian_name, v.birth_year, v.sex, split_part(v.area_path, '.', 3), h.number "
            "FROM registry_personversion v JOIN registry_membership m USING (person_id) JOIN registry_household h "
            "ON h.id = m.household_id WHERE length(v.name) > 9 AND v.birth_year IS NOT NULL AND v.guardian_name <> '' "
            "AND v.superseded_at IS NULL AND v.valid_to IS NULL ORDER BY v.person_id DESC LIMIT 1"
        ).fetchone()
        (elsewhere,) = owner.execute(
            "SELECT min(code) FROM geo_area WHERE level = 2 AND code <> %s", [district]
        ).fetchone()
    desk, steward = tokens("registrar", area_code=elsewhere), tokens("data_steward", area_code=district)
    asked = {"name": name, "guardian_name": guardian, "sex": sex, "birth_year": year}
    status, put = _api(desk, "POST", "check/ask", **asked)
    assert status == 200 and put["asked"] >= 1
    again = _api(desk, "POST", "check/ask", **asked)
    assert again[0] == 409 and again[1]["code"] == "linkage.nothing_to_open"
    (mine, *_) = _api(desk, "GET", "check/questions")[1]["questions"]
    assert mine["state"] == "ASKED" and mine["answer"] == {} and str(person) not in json.dumps(mine)

    from datetime import UTC, datetime

    from khana.access import services as access
    from khana.dossiers import desk_check
    from khana.linkage import selectors
    from khana.linkage.services import openings

    now = datetime.now(UTC)
    with access.scoped(tokens("data_steward", area_code=elsewhere)):
        assert all(one.person_id != person for one in selectors.openings_waiting())
    with access.scoped(desk), pytest.raises(access.PermissionMissing):
        openings.answer(opening_id=mine["id"], outcome="OPENED", shows={}, at=now)
    with access.scoped(steward):
        waits = next(one for one in selectors.openings_waiting() if one.person_id == person)
        assert waits.said["name"] == name
        shows = desk_check.opened(waits.id)
        assert openings.answer(opening_id=waits.id, outcome="OPENED", shows=shows, at=now) == "OPENED"
        with pytest.raises(openings.OpeningAnswered):
            openings.answer(opening_id=waits.id, outcome="REFUSED", shows={}, at=now)
    told = next(one for one in _api(desk, "GET", "check/questions")[1]["questions"] if one["id"] == waits.id)
    assert told["state"] == "OPENED" and told["answer"]["household"] == home
    other = tokens("registrar", area_code=elsewhere)
    assert _api(other, "GET", "check/questions")[1] == {"questions": []}


def test_labels_teach_the_next_model(country: Country, matched: dict[str, Any], connect) -> None:
    """Pairs whose outcome people gave are learned from: EM keeps to it, and the card says how many there were."""
    labelled = _label_the_draw(country, connect, 40)
    taught = country.khana("linkage", "train", "--version", "T-labels", "--labels")
    assert taught["labels"] >= 0.8 * labelled > 0
    cards = [country.khana("linkage", "models", version) for version in ("T-1", "T-labels")]
    assert cards[0]["m"] != cards[1]["m"]
    assert str(taught["labels"]) in cards[1]["estimate_from"]


@pytest.fixture
def root(connect) -> Any:  # type: ignore[no-untyped-def]
    """Connect as the superuser, past all policies."""
    from khana.platform.secrets_store import get_secret

    return connect("owner", user="postgres", password=get_secret("db_superuser"))


def test_the_desk_is_answered_by_the_model(country: Country, matched: dict[str, Any], root: Any, tokens) -> None:
    """Name spelt otherwise in every word: no search by words meets it, the model names her; outside the area it names nobody."""
    rows = root.execute(
        "SELECT person_id, name, guardian_name, birth_year, sex, split_part(area_path, '.', 3) FROM registry_personversion "
        "WHERE name LIKE '%% %%' AND birth_year IS NOT NULL AND guardian_name LIKE '%% %%' AND superseded_at IS NULL "
        "AND valid_to IS NULL ORDER BY person_id LIMIT 40",
        (),
    ).fetchall()
    root.commit()
    named, met = 0, 0
    for person, name, guardian, year, sex, district in rows:
        asked = {"name": name.replace("a", "e", 1), "guardian_name": guardian, "sex": sex, "birth_year": year + 1}
        status, found = _api(tokens("registrar", area_code=district), "POST", "check", **asked)
        assert status == 200
        named += any(one["percent"] for one in found["files"])
        met += person in {one["person"] for one in found["files"]}
    assert met >= 0.9 * len(rows), (met, named, len(rows))
    assert named >= 0.7 * len(rows)
    (other,) = root.execute("SELECT min(code) FROM geo_area WHERE level = 2 AND code <> %s", [district]).fetchone()
    root.commit()
    _, hidden = _api(tokens("registrar", area_code=other), "POST", "check", **asked)
    assert hidden["elsewhere"] and person not in {one["person"] for one in hidden["files"]}


def _register_again(root: Any, people: list[int]) -> list[int]:
    """Register people once more, each alone in a household of her own, with what was stated the first time."""
    made = []
    for number, person in enumerate(people):
        (home,) = root.execute(
            "INSERT INTO registry_household (number, area_path, created_at) SELECT %s, area_path, now() FROM registry_person "
            "WHERE id = %s RETURNING id", [f"8{number:08d}", person],
        ).fetchone()  # fmt: skip
        (new,) = root.execute(
            "INSERT INTO registry_person (area_path, created_at) SELECT area_path, now() FROM registry_person WHERE id = %s "
            "RETURNING id", [person],
        ).fetchone()  # fmt: skip
        for table, own in (
            ("registry_personversion", {"person_id": new}),
            ("registry_membership", {"person_id": new, "household_id": home, "line_no": 1}),
        ):
            columns = [
                name for (name,) in root.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'", [table]
                )
            ]  # fmt: skip
            taken = ", ".join(
                f"%({name})s" if name in own else "NULL" if name.endswith("_line") else name for name in columns
            )
            root.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {taken} FROM {table} WHERE person_id = %(source)s "
                "AND superseded_at IS NULL AND valid_to IS NULL LIMIT 1", {**own, "source": person},
            )  # fmt: skip
        made.append(new)
    root.commit()
    return made


def test_changes_cost_as_changes_and_give_the_pairs_of_a_whole_run(
    country: Country, matched: dict[str, Any], root: Any
) -> None:
    country.khana("linkage", "run")
    assert country.khana("linkage", "run", "--changes")["run"] == 0
    chosen = [
        row for (row,) in root.execute(
            "SELECT v.person_id FROM registry_personversion v WHERE v.superseded_at IS NULL AND v.valid_to IS NULL "
            "AND v.birth_day IS NOT NULL AND v.guardian_name <> '' AND v.person_id % 97 = 5 ORDER BY 1 LIMIT 12"
        )
    ]  # fmt: skip
    made = _register_again(root, chosen)
    found = country.khana("linkage", "run", "--changes")
    assert len(made) <= found["changed"] < 1_000

    def pairs() -> set[tuple[int, int, str]]:
        rows = root.execute(
            "SELECT left_id, right_id, decision FROM linkage_pair WHERE left_kind = 'PERSON' AND decision = 'LINKED'"
        ).fetchall()
        root.commit()
        return set(rows)

    def clusters() -> set[tuple[int, int]]:
        rows = root.execute("SELECT cluster, person_id FROM linkage_clustermember").fetchall()
        root.commit()
        return set(rows)

    after, grouped = pairs(), clusters()
    assert sum(right in made for _, right, _ in after) >= len(made) // 2
    country.khana("linkage", "run")
    whole = pairs()
    # names that are a little more common by now: a pair at the threshold may fall to either side
    assert len(after ^ whole) <= 1 + 0.01 * len(whole), sorted(after ^ whole)
    assert len(grouped ^ clusters()) <= 2 + 0.02 * len(grouped)


def test_after_an_upgrade_the_worker_compares_the_register_once(
    country: Country, matched: dict[str, Any], root: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are read otherwise since: nothing that is laid out is of use, and nobody has to think of it."""
    from khana.access import services as access
    from khana.interfaces.jobs import worker
    from khana.interfaces.jobs.work import work
    from khana.linkage import laid_out

    country.khana("linkage", "run")
    with pytest.raises(access.OutsideScope), access.scoped(country.first):
        access.call("linkage_open_matching")  # not for the web process
    with acting_as("worker", country.database):
        assert worker.ask_matching(in_tests=True) is False  # what is laid out is of this version and this model
        monkeypatch.setattr(laid_out, "READING", "of the next version")
        assert worker.ask_matching(in_tests=True) is True
        assert worker.ask_matching(in_tests=True) is False  # one waits
        asked = "SELECT uuid, state, error_code FROM platform_jobrun WHERE kind = 'linkage_run' AND actor_label = 'khana-matching'"
        ((number, state, _),) = root.execute(asked).fetchall()
        root.commit()
        assert state == "QUEUED"
        work(number)
        assert root.execute(asked).fetchall() == [(number, "DONE", "")]
        root.commit()
        assert laid_out.open_register().meta["reading"] == "of the next version"
        assert worker.ask_matching(in_tests=True) is False


def test_two_rows_of_lists_wait_in_the_queue_and_what_is_said_of_them_counts(
    country: Country, matched: dict[str, Any], root: Any
) -> None:
    """Neither row leads to a file of the registry; two people look, and the next consolidation counts as they said."""
    first = country.khana("consolidate")
    waiting = country.khana("linkage", "queue", "--limit", 1000)["rows"]
    rows = [one for one in waiting if one["kind"] == "ROWS"]
    assert len(rows) >= 1 and first["matching"]["unsure_rows"] >= len(rows)
    pair = rows[0]
    status, shown = _api(country.first, "GET", f"pairs/{pair['id']}")
    assert (status, shown["pair"]["kind"], shown["left"]["kind"], shown["right"]["kind"]) == (200, "ROWS", "ROW", "ROW")
    assert shown["left"]["draws"] and shown["right"]["draws"]
    client = _reviewer("reviewer-of-rows")
    for language, words in (("en", "Two rows of lists"), ("ur", "فہرستوں کی دو سطریں"), ("bn", "তালিকার দুটি সারি")):
        client.post("/language", {"language": language})
        page = client.get(f"/matching/pairs/{pair['id']}").content.decode()
        assert words in page and page.count("/person/") == 0 and shown["left"]["draws"][0] in page
    exported = country.khana("linkage", "export", "--state", "REVIEW")["rows"]
    whole = [one for one in exported if one["left_file"] and one["right_file"]]
    asked = "SELECT left_role <> 'payee' AND right_role <> 'payee' FROM linkage_pair WHERE right_kind = 'ROW' AND decision = 'REVIEW'"
    assert len(whole) == sum(is_told for (is_told,) in root.execute(asked).fetchall())
    root.commit()

    def said(outcome: str) -> int:
        for token in (country.first, country.second):
            country.khana("linkage", "label", pair["id"], outcome, token=token)
        done = country.khana("consolidate")
        left = [one["id"] for one in country.khana("linkage", "queue", "--limit", 1000)["rows"]]
        assert pair["id"] not in left, "a run does not ask again what a person decided"
        return int(done["recipients"])

    apart = said("DIFFERENT")
    assert apart == first["recipients"]
    assert said("SAME") == apart - 1, "who was counted as two people counts once"


def test_what_was_said_of_a_row_is_followed_when_its_list_comes_again(
    country: Country, matched: dict[str, Any], root: Any
) -> None:
    """A steward answered for a row beside a file; the list is sent again, and nobody asks her for the row that says the same."""
    country.khana("consolidate")
    asked = """
        SELECT p.id, p.left_id, p.right_id, b.batch_id, b.source_code, b.file_name, b.line FROM linkage_pair p
        JOIN beneficiaries_benefit b ON b.id = p.left_id
        WHERE p.left_kind = 'ROW' AND p.right_kind = 'PERSON' AND p.decision = 'REVIEW' AND b.file_name LIKE '%.csv'
        ORDER BY p.probability, p.id"""
    waiting = root.execute(asked).fetchall()
    root.commit()
    source = waiting[0][4]
    pairs = [row for row in waiting if row[4] == source and row[5] == waiting[0][5]]
    assert len(pairs) >= 2
    (same, same_row, person, batch, _, name, _), (other, other_row, stranger, *_) = pairs[0], pairs[-1]
    assert same_row != other_row
    for token in (country.first, country.second):
        country.khana("linkage", "label", same, "SAME", token=token)
        country.khana("linkage", "label", other, "DIFFERENT", token=token)
    before = country.khana("consolidate")
    newer = country.folder / f"again_{name}"
    newer.write_bytes((country.folder / name).read_bytes() + b"\r\n")
    sent = country.khana("import", "benefits", newer, "--source", source, "--replaces", batch)
    assert sent["state"] == "LOADED"
    after = country.khana("consolidate")
    assert after["recipients"] == before["recipients"]
    assert after["matching"]["answers_followed"] >= before["matching"]["answers_followed"] + 2
    client = _reviewer("reviewer-of-lists-again")
    assert (
        f"{after['matching']['answers_followed']} rows of lists that came again"
        in client.get("/matching").content.decode()
    )
    about = """
        SELECT p.decision, p.right_id FROM linkage_pair p JOIN beneficiaries_benefit n ON n.id = p.left_id
        JOIN beneficiaries_benefit o ON o.id = %s AND o.line = n.line
        WHERE p.left_kind = 'ROW' AND n.batch_id = %s"""
    told = root.execute(about, [same_row, sent["batch"]]).fetchall()
    assert all(decision != "REVIEW" for decision, _ in told), "who is on the row is known"
    apart = root.execute(about, [other_row, sent["batch"]]).fetchall()
    assert stranger not in [one for _, one in apart], "she is not asked of this person again"
    led = root.execute(
        """SELECT DISTINCT r.person_id FROM beneficiaries_recipient r JOIN beneficiaries_run u ON u.id = r.run_id
           WHERE u.state = 'DONE' AND r.run_id = (SELECT max(id) FROM beneficiaries_run WHERE state = 'DONE') AND r.person_id = %s""",
        [person],
    ).fetchall()
    root.commit()
    assert led == [(person,)]
