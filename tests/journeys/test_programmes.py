"""From rule to list: rules held against a made-up registry, a list drawn, changed, approved by two, frozen, derived again.

The fast evaluation is held against the slow interpreter, household by household; what two people must do is tried by one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import shapely
from tests.journeys.commands import Done, Nursery, nursery
from tests.journeys.database_state import rows

from khana.platform import embedded

DAY = "2026-06-30"


@dataclass
class Office:
    """The commands of several people in one country."""

    lent: Nursery
    database: str
    folder: Path
    tokens: dict[str, str]

    def run(self, *words: object, by: str = "steward", code: int = 0) -> Done:
        done = self.lent.run(*words, "--json", database=self.database, token=self.tokens[by], KHANA_TRACEBACK="1")
        assert done.code == code, f"{words} {done.code} {done.err[-1400:]}"
        return done

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return rows(self.database, statement)

    def approve_in_the_database(self, who: str) -> int:
        """Approve KFL-1 on a connection of one's own, past the service."""
        parameters = {**embedded.connection_parameters("web"), "dbname": self.database}
        with psycopg.connect(**parameters) as own:
            own.execute("SELECT set_config('khana.token', %s, true)", [self.tokens[who]])
            return own.execute(
                "INSERT INTO programmes_listapproval (list_id, agency, head_hash, actor_id, actor_label, approved_at)"
                " SELECT id, agency, head_hash, khana_private.access_actor(), '', now() FROM programmes_selectionlist WHERE code = 'KFL-1'"
            ).rowcount

    def owner(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": self.database})


@pytest.fixture(scope="module")
def office(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("programmes") / "land"
    held = {
        "steward": tokens("data_steward"), "second": tokens("data_steward"), "bisp": tokens("programme_officer", agency="BISP"),
        "bisp2": tokens("programme_officer", agency="BISP"), "zakat": tokens("programme_officer", agency="ZAKAT"),
        "analyst": tokens("analyst"), "grievance": tokens("grievance_officer"), "local": tokens("registrar"),
    }  # fmt: skip
    with nursery() as lent:
        office = Office(lent, database, folder, held)
        office.run("synth", "--country", "pak", "--households", 200, "--seed", 12, "--out", folder)
        office.run("sample", "load", folder / "sample.yaml", "--data", folder)
        office.run("programmes", "load", "--country", "pak")
        with office.owner() as owner:  # this made-up country was interviewed later: let it have been so in 2020
            tables = ("registry_householdversion", "registry_personversion", "registry_membership")
            for table in tables:
                owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
                owner.execute(f"UPDATE {table} SET valid_from = '2020-01-01'")  # type: ignore[arg-type]
            owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in tables:
                owner.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
        office.run("consolidate")
        yield office


def test_the_catalogue_is_loaded_whole(office: Office) -> None:
    shown = office.run("programmes", "show", "KFL", "--as-of", DAY).json
    assert shown["owner"] and shown["budget_head"] and shown["quotas"][0]["places"] == 10_200_000
    assert shown["entity"] == "person" and len(shown["rule"]["versions"]) == 3 and "VEHICLE" in shown["filters"]
    office.run("programmes", "show", "NOPE", code=11)
    assert office.run("programmes", "list", "--as-of", DAY).json["rows"]


def test_everybody_is_answered_as_one_by_one(office: Office) -> None:
    done = office.run("programmes", "evaluate", "--as-of", DAY).json
    assert done["programmes"]["KFL"]["eligible"] > 0 and done["programmes"]["KFL"]["unknown"] >= 0
    told: dict[tuple[str, str, str], int] = {}
    for (number,) in office.rows("SELECT number FROM registry_household ORDER BY number LIMIT 12"):
        for row in office.run("programmes", "why", number, "--as-of", DAY).json["rows"]:
            if row["programme"] in ("KFL", "TLW", "USS", "NSH"):
                assert row["outcome"] in ("eligible", "not_eligible", "unknown") and (row["why"] == "") == (
                    row["outcome"] == "eligible"
                )
                key = (row["programme"], row["outcome"], row["why"])
                told[key] = told.get(key, 0) + 1
    kept: dict[tuple[str, str, str], int] = {}
    for row in office.run("programmes", "answers").json["rows"]:
        outcome = "eligible" if row["outcome"] == "excluded" else row["outcome"]
        kept[row["programme"], outcome, row["why"] if outcome != "eligible" else ""] = row["units"] + kept.get(
            (row["programme"], outcome, row["why"] if outcome != "eligible" else ""), 0
        )
    assert len(told) > 4
    requires = {("TLW", "not_eligible", "requires KFL"), ("NSH", "not_eligible", "requires KFL")}
    for key, n in told.items():  # twelve of two hundred: never more than the whole
        assert n <= kept.get(key, 0) + sum(kept.get(k, 0) for k in requires if k[0] == key[0] and key[1] == "eligible")


def test_an_analyst_reads_counts_and_no_household(office: Office) -> None:
    assert office.run("programmes", "answers", by="analyst").json["rows"]
    office.run("programmes", "evaluate", by="analyst", code=13)
    office.run(
        "programmes", "why", office.rows("SELECT min(number) FROM registry_household")[0][0], by="analyst", code=13
    )
    office.run("unserved", by="analyst", code=13)


def test_the_unserved_are_ranked_with_reasons(office: Office) -> None:
    told = office.run("unserved").json
    assert {row["reason"] for row in told["rows"]} <= {"no_number", "not_enrolled", "selected", "wait_listed"}
    ranked = office.run("unserved", "--rows").json["rows"]
    assert ranked and [row["rank"] for row in ranked] == sorted(row["rank"] for row in ranked)
    scores = [float(row["score"]) for row in ranked if row["score"] is not None]
    assert scores == sorted(scores) and all(row["eligible_for"] for row in ranked)
    served = {
        number
        for (number,) in office.rows(
            "SELECT household_number FROM beneficiaries_recipient WHERE run_id = (SELECT max(id) FROM beneficiaries_run)"
        )
    }
    assert not served & {row["household"] for row in ranked}
    area = ranked[0]["area"]
    assert all(row["area"] == area for row in office.run("unserved", "--rows", "--area", area).json["rows"])


def test_who_is_suspended_or_not_paid_is_unserved(office: Office) -> None:
    """By the single registry: an officer's suspension, a payment that came back, and a list that says so itself."""
    office.run("enrolments", "follow")
    alone = office.rows(
        "SELECT e.id, r.household_number, b.ids FROM beneficiaries_recipient r JOIN beneficiaries_enrolment e"
        " ON e.id_token = r.id_token AND r.programmes = to_jsonb(ARRAY[e.programme]) AND e.state = 'ENROLLED'"
        " JOIN LATERAL (SELECT array_agg(id) AS ids, bool_and(payee_id_raw_state = '') AS is_hers FROM beneficiaries_benefit b"
        "   WHERE b.id_token = e.id_token OR b.payee_id_token = e.id_token) b ON b.is_hers"
        " WHERE r.run_id = (SELECT max(id) FROM beneficiaries_run) AND r.household_number IN ("
        "   SELECT household_number FROM beneficiaries_recipient WHERE run_id = (SELECT max(id) FROM beneficiaries_run)"
        "   GROUP BY 1 HAVING count(*) = 1) ORDER BY r.score NULLS LAST, e.id LIMIT 45"
    )
    assert len(alone) > 8
    asked: dict[str, set[str]] = {"suspended": set(), "payment_failed": set()}
    for place, (enrolment, household, benefits) in enumerate(alone):
        if place % 3 == 0:
            office.run("enrolments", "move", enrolment, "SUSPENDED", "--reason", "UNDER_REVIEW")
            asked["suspended"].add(household)
        elif place % 3 == 1:
            office.run("enrolments", "move", enrolment, "SUSPENDED", "--reason", "PAYMENT_RETURNED")
            asked["payment_failed"].add(household)
        else:
            with office.owner() as owner:
                owner.execute("ALTER TABLE beneficiaries_benefit NO FORCE ROW LEVEL SECURITY")
                owner.execute(
                    'UPDATE beneficiaries_benefit SET facts = facts || \'{"payment_status": "returned"}\' WHERE id = ANY (%s)',
                    [benefits],
                )
                owner.execute("ALTER TABLE beneficiaries_benefit FORCE ROW LEVEL SECURITY")
            asked["payment_failed"].add(household)
    before = {row["household"] for row in office.run("unserved", "--rows", "--limit", 1000).json["rows"]}
    assert not before & (asked["suspended"] | asked["payment_failed"]), "they drew"
    office.run("programmes", "evaluate", "--as-of", DAY)
    for reason, households in asked.items():
        told = office.run("unserved", "--rows", "--reason", reason, "--limit", 1000).json["rows"]
        found = {row["household"] for row in told}
        assert found and found <= households
        assert {row["outreach"] for row in told} == {"case" if reason == "suspended" else "account"}
    reasons = {row["reason"]: row["households"] for row in office.run("unserved").json["rows"]}
    assert reasons["suspended"] > 0 < reasons["payment_failed"]


@pytest.fixture(scope="module")
def drawn(office: Office) -> dict[str, Any]:
    return office.run(
        "lists", "draw", "KFL", "--places", 20, "--seed", "2026-04", "--as-of", DAY, "--code", "KFL-1"
    ).json


def test_a_list_is_the_poorest_with_reserve_and_waiting(office: Office, drawn: dict[str, Any]) -> None:
    assert (drawn["selected"], drawn["reserve"]) == (20, 2) and drawn["waiting"] > 0
    shown = office.run("lists", "show", "KFL-1", "--limit", 1000).json
    by_state = {
        state: [float(r["score"]) for r in shown["rows"] if r["state"] == state and r["score"] is not None]
        for state in ("SELECTED", "WAITING")
    }
    assert max(by_state["SELECTED"]) <= min(by_state["WAITING"])
    office.run("lists", "draw", "KFL", "--places", 20, "--seed", "s", "--as-of", DAY, "--code", "KFL-1", code=12)
    again = office.run(
        "lists", "draw", "KFL", "--places", 20, "--seed", "2026-04", "--as-of", DAY, "--code", "KFL-AGAIN"
    ).json
    assert again["drawn_hash"] == drawn["drawn_hash"]
    office.run("lists", "withdraw", "KFL-AGAIN")


def test_what_cannot_be_drawn_is_refused(office: Office) -> None:
    office.run(
        "lists", "draw", "FLD", "--seed", "s", "--as-of", DAY, code=11
    )  # over: the catalogue of the day has it no more
    office.run("lists", "draw", "KFL", "--as-of", "2009-01-01", "--seed", "s", code=14)
    office.run("lists", "draw", "KFL", "--places", 5, "--as-of", DAY, code=10)  # a lottery without a seed
    office.run("lists", "draw", "KFL", "--places", 5, "--seed", "s", by="bisp", code=13)
    many = office.run(
        "lists", "draw", "KFL", "--places", 10_000_000, "--seed", "s", "--as-of", DAY, "--code", "KFL-ALL"
    ).json
    assert many["waiting"] == many["reserve"] == 0 < many["selected"], (
        "more places than people: everybody, and places stay free"
    )
    office.run("lists", "withdraw", "KFL-ALL")
    none = office.run("lists", "draw", "KFL", "--places", 0, "--seed", "s", "--as-of", DAY, "--code", "KFL-0").json
    assert none["selected"] == none["reserve"] == 0 < none["waiting"]
    office.run("lists", "withdraw", "KFL-0")


def test_a_community_changes_a_list_on_record(office: Office, drawn: dict[str, Any]) -> None:
    first = office.run("lists", "show", "KFL-1", "--state", "SELECTED").json["rows"][0]["unit"]
    refused = office.run(
        "lists",
        "change",
        "KFL-1",
        first,
        "--to",
        "REMOVED",
        "--kind",
        "COMMUNITY",
        "--reason",
        "Moved away.",
        by="local",
        code=10,
    )
    assert "minutes" in refused.err
    done = office.run(
        "lists", "change", "KFL-1", first, "--to", "REMOVED", "--kind", "COMMUNITY", "--reason", "Moved away.", "--minutes", "3 of 2 April 2026", by="local"
    ).json  # fmt: skip
    assert done["promoted"]
    shown = office.run("lists", "show", "KFL-1").json
    assert shown["states"] == {"REMOVED": 1, "RESERVE": 1, "SELECTED": 20, "WAITING": drawn["waiting"]}
    assert {change["kind"] for change in shown["changes"]} == {"COMMUNITY", "PROMOTED"}
    office.run(
        "lists",
        "change",
        "KFL-1",
        first,
        "--to",
        "SELECTED",
        "--kind",
        "OFFICE",
        "--reason",
        "She came back.",
        by="local",
        code=10,
    )


def test_what_a_community_settled_goes_into_a_list(office: Office, drawn: dict[str, Any], tmp_path: Path) -> None:
    """One household dropped, one added from the waiting list, one to be looked at, one that is on no list."""
    office.run("lists", "draw", "KFL", "--places", 5, "--seed", "c", "--as-of", DAY, "--code", "KFL-C")
    entries = office.rows(
        "SELECT e.household_number, e.state FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id"
        " WHERE l.code = 'KFL-C' ORDER BY e.place"
    )
    alone = [number for number, _ in entries if sum(number == other for other, _ in entries) == 1]
    state = dict(entries)
    selected = [number for number in alone if state[number] == "SELECTED"]
    waiting = [number for number in alone if state[number] == "WAITING"]
    settled = {selected[0]: "DROPPED", waiting[-1]: "ADDED", selected[1]: "REVIEW", "no-such": "SELECTED"}
    file = tmp_path / "outcome.csv"
    file.write_text("household,outcome\n" + "".join(f"{number},{what}\n" for number, what in settled.items()))
    done = office.run("lists", "settle", "KFL-C", file, "--minutes", "7 of 9 April 2026", by="local").json
    del done["list"]
    assert done == {"removed": 1, "added": 1, "promoted": 0, "without_place": 0, "to_look_at": 1, "not_on_list": 1}
    now = {row["unit"].split("/")[0]: row for row in office.run("lists", "show", "KFL-C", "--limit", 1000).json["rows"]}
    assert now[selected[0]]["state"] == "REMOVED" and now[waiting[-1]]["state"] == "SELECTED"
    changes = office.run("lists", "show", "KFL-C").json["changes"]
    assert {(row["kind"], row["minutes"]) for row in changes} == {("COMMUNITY", "7 of 9 April 2026")}
    file.write_text(f"household,outcome\n{selected[1]},DROPPED\n{waiting[0]},ADDED\n{waiting[1]},ADDED\n")
    again = office.run("lists", "settle", "KFL-C", file, "--minutes", "8 of 10 April 2026", by="local").json
    assert (again["removed"], again["added"], again["without_place"]) == (1, 1, 1), "nobody's area gains places"
    file.write_text(f"household,outcome\n{selected[1]},MAYBE\n")
    office.run("lists", "settle", "KFL-C", file, "--minutes", "9 of 11 April 2026", by="local", code=10)
    office.run("lists", "withdraw", "KFL-C")


def test_two_people_who_did_not_draw_it_approve_it(office: Office, drawn: dict[str, Any]) -> None:
    office.run("lists", "approve", "KFL-1", by="zakat", code=13)
    office.run("lists", "approve", "KFL-1", by="steward", code=13)
    office.run("lists", "freeze", "KFL-1", code=12)
    with ThreadPoolExecutor(2) as both:  # two officers at once: neither is lost
        assert list(both.map(office.approve_in_the_database, ["bisp", "bisp2"])) == [1, 1]
    assert [row["approvals"] for row in office.run("lists", "list").json["rows"] if row["list"] == "KFL-1"] == [2]
    twice = office.run("lists", "approve", "KFL-1", by="bisp", code=12)
    assert "approved_already" in twice.err
    unit = office.run("lists", "show", "KFL-1", "--state", "SELECTED").json["rows"][-1]["unit"]
    office.run(
        "lists", "change", "KFL-1", unit, "--to", "REMOVED", "--kind", "OFFICE", "--reason", "Counted twice.", by="bisp"
    )
    office.run("lists", "freeze", "KFL-1", code=12)  # what they approved is not what it says
    office.run("lists", "approve", "KFL-1", by="bisp")
    office.run("lists", "freeze", "KFL-1", code=12)
    office.run("lists", "approve", "KFL-1", by="bisp2")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE programmes_selectionlist SET state = 'FROZEN', frozen_hash = 'x', frozen_by = 1, frozen_at = now() WHERE code = 'KFL-ONE'",
        "UPDATE programmes_selectionlist SET state = 'PUBLISHED' WHERE code = 'KFL-ONE'",
        "INSERT INTO programmes_listapproval (list_id, agency, head_hash, actor_id, actor_label, approved_at)"
        " SELECT id, agency, head_hash, created_by, '', now() FROM programmes_selectionlist WHERE code = 'KFL-ONE'",
        "INSERT INTO programmes_listapproval (list_id, agency, head_hash, actor_id, actor_label, approved_at)"
        " SELECT id, agency, 'of something else', 4711, '', now() FROM programmes_selectionlist WHERE code = 'KFL-ONE'",
    ],
)
def test_the_database_itself_fails_closed(office: Office, drawn: dict[str, Any], statement: str) -> None:
    if not office.rows("SELECT 1 FROM programmes_selectionlist WHERE code = 'KFL-ONE'"):
        office.run("lists", "draw", "KFL", "--places", 3, "--seed", "s", "--as-of", DAY, "--code", "KFL-ONE")
        office.run("lists", "approve", "KFL-ONE", by="bisp")
    with office.owner() as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def flood(office: Office) -> dict[str, Any]:
    """The flood of 2022: two notified districts, one by its code and one by an outline, drawn as of that September."""
    office.run("programmes", "load", "--country", "pak", "--as-of", "2022-09-01")
    districts = [row[0] for row in office.rows(
        "SELECT split_part(area_path, '.', 3) FROM registry_household GROUP BY 1 HAVING split_part(area_path, '.', 3) <> ''"
        " ORDER BY count(*) DESC, 1 LIMIT 2")]  # fmt: skip
    with office.owner() as owner:
        owner.execute("ALTER TABLE geo_area NO FORCE ROW LEVEL SECURITY")
        square = shapely.box(60, 20, 61, 21)
        owner.execute(
            "UPDATE geo_area SET boundary = %s, min_lon = 60, min_lat = 20, max_lon = 61, max_lat = 21 WHERE code = %s",
            [shapely.to_wkb(square), districts[1]],
        )
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        owner.execute("ALTER TABLE geo_area FORCE ROW LEVEL SECURITY")
    water = office.folder / "water.geojson"
    water.write_text(
        json.dumps(
            {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(shapely.box(60.5, 20, 62, 22))}
        )
    )
    words = (
        "disaster",
        "notify",
        "FLOOD-2022",
        "--programme",
        "FLD",
        "--starts",
        "2022-08-25",
        "--notification",
        "No. 1 of 25 August 2022",
    )
    office.run(*words, "--area", "NOWHERE", code=10)
    office.run(*words, code=10)
    told = office.run(*words, "--area", districts[0], "--outline", water).json
    assert sorted(told["areas"]) == sorted(districts), "the water covers half of the second"
    office.run(*words, "--area", districts[0], code=12)
    drawn = office.run("disaster", "draw", "FLOOD-2022", "--as-of", "2022-09-01").json
    return {"districts": districts, **drawn}


def _poor_families(office: Office, districts: list[str]) -> set[tuple[int, int]]:
    """Count the flood's families by hand: families of households of these districts at or under 32."""
    return set(office.rows(
        "SELECT DISTINCT m.household_id, coalesce(m.family_no, 0) FROM registry_membership m"
        " JOIN registry_householdversion v ON v.household_id = m.household_id AND v.superseded_at IS NULL"
        " JOIN assessment_score s ON s.household_id = m.household_id AND s.superseded_at IS NULL"
        f" WHERE m.superseded_at IS NULL AND m.is_member AND s.score <= 32 AND split_part(v.area_path, '.', 3) IN ('{districts[0]}', '{districts[1]}')"
    ))  # fmt: skip


def test_the_flood_gives_one_benefit_a_family(office: Office, flood: dict[str, Any]) -> None:
    wanted = _poor_families(office, flood["districts"])
    found = office.rows(
        "SELECT household_id, family_no FROM programmes_listentry WHERE event_id IS NOT NULL AND state = 'SELECTED'"
    )
    assert set(found) == wanted and len(found) == len(wanted) == flood["selected"] > 5
    payees = office.rows(
        "SELECT p.sex, p.marital FROM programmes_listentry e JOIN registry_personversion p ON p.person_id = e.person_id"
        " AND p.superseded_at IS NULL WHERE e.event_id IS NOT NULL"
    )
    assert sum(sex == "F" and marital != "S" for sex, marital in payees) > len(payees) / 2
    again = office.run("disaster", "draw", "FLOOD-2022", "--as-of", "2022-09-01").json
    assert again["selected"] == 0, "everybody has hers"


def test_the_missed_come_with_the_next_draw(office: Office, flood: dict[str, Any]) -> None:
    before = _poor_families(office, flood["districts"])
    with office.owner() as owner:
        owner.execute("ALTER TABLE assessment_score NO FORCE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE registry_householdversion NO FORCE ROW LEVEL SECURITY")
        (one,) = owner.execute(
            "SELECT s.household_id FROM assessment_score s JOIN registry_householdversion v ON v.household_id = s.household_id"
            " AND v.superseded_at IS NULL WHERE s.superseded_at IS NULL AND s.score > 40 AND split_part(v.area_path, '.', 3) = %s LIMIT 1",
            [flood["districts"][0]],
        ).fetchone()  # type: ignore[misc]
        owner.execute(
            "WITH gone AS (UPDATE assessment_score SET superseded_at = clock_timestamp() WHERE household_id = %s AND superseded_at IS NULL RETURNING *)"
            " INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, class_name, facts_mark, recorded_at)"
            " SELECT household_id, area_path, 9, score_date, model_code, '', '', clock_timestamp() FROM gone",
            [one],
        )
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        owner.execute("ALTER TABLE assessment_score FORCE ROW LEVEL SECURITY")
        owner.execute("ALTER TABLE registry_householdversion FORCE ROW LEVEL SECURITY")
    missed = _poor_families(office, flood["districts"]) - before
    third = office.run("disaster", "draw", "FLOOD-2022", "--as-of", "2022-09-01").json
    assert third["selected"] == len(missed) > 0
    office.run("lists", "withdraw", third["list"])
    fourth = office.run("disaster", "draw", "FLOOD-2022", "--as-of", "2022-09-01", "--code", "FLOOD-2022-AGAIN").json
    assert fourth["selected"] == third["selected"], "who stood on a withdrawn list is drawn again"
    assert office.run("lists", "rederive", flood["list"]).json["is_same"], "the first list is what it was"


def test_the_database_refuses_a_second_benefit_of_an_event(office: Office, flood: dict[str, Any]) -> None:
    with office.owner() as owner, pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute("ALTER TABLE programmes_listentry NO FORCE ROW LEVEL SECURITY")
        owner.execute(
            "INSERT INTO programmes_listentry (list_id, event_id, agency, area_path, unit, household_id, household_number, family_no,"
            " quota_area, place, tie, drawn_state, state)"
            " SELECT (SELECT id FROM programmes_selectionlist WHERE state = 'OPEN' LIMIT 1), event_id, agency, area_path, 'other', household_id,"
            " household_number, family_no, '', 1, '', 'SELECTED', 'SELECTED' FROM programmes_listentry WHERE event_id IS NOT NULL LIMIT 1"
        )


def test_a_village_proposes_and_the_ministry_answers(office: Office) -> None:
    numbers = [row[0] for row in office.rows("SELECT number FROM registry_household ORDER BY number LIMIT 4")]
    words = [word for number in numbers for word in ("--household", number)]
    assert office.run("lists", "propose", "ZKT", *words, "--minutes", "4 of 1 May 2026", by="local").json == {
        "proposed": 4,
        "proposed_before": 0,
    }
    assert office.run("lists", "propose", "ZKT", *words, "--minutes", "5 of 2 May 2026", by="local").json == {
        "proposed": 0,
        "proposed_before": 4,
    }
    office.run("lists", "propose", "ZKT", "--household", "no-such", "--minutes", "6 of 3 May", by="local", code=10)
    listed = office.run("lists", "propose", "--list", by="zakat").json["rows"]
    assert len(listed) == 4 and not office.run("lists", "propose", "--list", by="bisp").json["rows"], "another agency's"
    office.run("lists", "answer", listed[0]["id"], "--accept", by="local", code=13)
    for row in listed[:2]:
        office.run("lists", "answer", row["id"], "--accept", by="zakat")
    office.run("lists", "answer", listed[2]["id"], "--refuse", "--reason", "Draws a pension.", by="zakat")
    office.run("lists", "answer", listed[2]["id"], "--accept", by="zakat", code=12)
    drawn = office.run(
        "lists",
        "draw",
        "ZKT",
        "--places",
        99,
        "--seed",
        "s",
        "--only-proposed",
        "--with-recipients",
        "--as-of",
        DAY,
        "--code",
        "ZKT-1",
    ).json
    accepted = {row["household"] for row in listed[:2]}
    assert {
        row[0]
        for row in office.rows(
            "SELECT household_number FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id WHERE l.code = 'ZKT-1'"
        )
    } <= accepted
    assert drawn["selected"] > 0
    unit = office.run("lists", "show", "ZKT-1").json["rows"][0]["unit"]
    seen = office.run(
        "lists",
        "recheck",
        "ZKT-1",
        unit,
        "--outcome",
        "DIFFERENT",
        "--on",
        "2026-06-01",
        "--facts",
        '{"rooms": 77}',
        by="local",
    ).json
    assert seen["differs"] == ["rooms"] and seen["needs_assessment"]
    office.run(
        "lists",
        "recheck",
        "ZKT-1",
        unit,
        "--outcome",
        "CONFIRMED",
        "--on",
        "2026-06-01",
        "--facts",
        '{"no_fact": 1}',
        by="local",
        code=10,
    )
    assert len(office.run("lists", "recheck", "ZKT-1", "--list", by="zakat").json["rows"]) == 1


def test_a_filter_is_appealed_against_withdrawn_and_restored(office: Office, drawn: dict[str, Any]) -> None:
    number, line, person = office.rows(
        "SELECT h.number, m.line_no, m.person_id FROM programmes_listentry e JOIN registry_membership m ON m.person_id = e.person_id"
        " AND m.superseded_at IS NULL JOIN registry_household h ON h.id = m.household_id JOIN programmes_selectionlist l ON l.id = e.list_id"
        " WHERE l.code = 'KFL-1' AND e.state = 'WAITING' ORDER BY 1, 2 LIMIT 1"
    )[0]
    with office.owner() as owner:
        owner.execute("ALTER TABLE registry_personversion NO FORCE ROW LEVEL SECURITY")
        owner.execute(
            "WITH gone AS (UPDATE registry_personversion SET superseded_at = clock_timestamp() WHERE person_id = %s AND superseded_at IS NULL"
            " RETURNING *) INSERT INTO registry_personversion (person_id, area_path, valid_from, name, name_native, guardian_name, sex,"
            " birth_year, birth_month, birth_day, marital, facts, recorded_at) SELECT person_id, area_path, valid_from, name, name_native,"
            " guardian_name, sex, birth_year, birth_month, birth_day, marital,"
            ' facts || \'{"registered_vehicles": 1, "foreign_trips": 1}\', clock_timestamp() FROM gone',
            [person],
        )
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        owner.execute("ALTER TABLE registry_personversion FORCE ROW LEVEL SECURITY")
    whole = office.run("programmes", "evaluate", "--as-of", DAY).json["programmes"]["KFL"]
    report = office.run("programmes", "filters").json
    hits = {row["filter"]: row["self"] for row in report["rows"]}
    assert hits["VEHICLE"] == hits["FOREIGN_TRAVEL_ONCE"] == 1 and report["removed"] >= 1 and report["overlap"] >= 1
    assert whole["excluded"] == report["removed"]

    def her_answer() -> tuple[str, str, list[str]]:
        rows = office.run("programmes", "why", number, "--programme", "KFL", "--as-of", DAY).json["rows"]
        (hers,) = (row for row in rows if row["line"] == int(line))
        return hers["outcome"], hers["why"], hers["filters"]

    assert her_answer() == ("excluded", "FOREIGN_TRAVEL_ONCE", ["FOREIGN_TRAVEL_ONCE by self", "VEHICLE by self"])
    office.run(
        "programmes",
        "appeal",
        "VEHICLE",
        "--household",
        number,
        "--line",
        line,
        "--reason",
        "The car was sold.",
        by="grievance",
    )
    office.run("programmes", "appeal", "--decide", 1, "--uphold", by="grievance", code=13)
    office.run("programmes", "appeal", "--decide", 1, "--uphold", "--reason", "Seen.")
    office.run("programmes", "appeal", "--decide", 1, "--dismiss", by="second", code=12)
    office.run(
        "programmes", "withdraw-filter", "FOREIGN_TRAVEL_ONCE", "--from", "2022-07-01", "--reason", "Board, June 2022"
    )
    after = office.run("programmes", "evaluate", "--as-of", DAY).json["programmes"]["KFL"]
    assert (after["excluded"], after["eligible"]) == (whole["excluded"] - 1, whole["eligible"] + 1)
    assert her_answer() == ("eligible", "", [])
    office.run("programmes", "withdraw-filter", "FOREIGN_TRAVEL_ONCE", "--restore", "--reason", "Court, August 2022")
    assert office.run("programmes", "evaluate", "--as-of", DAY).json["programmes"]["KFL"] == whole


def test_a_frozen_list_is_derived_again_after_ten_thousand_changes(
    office: Office, drawn: dict[str, Any], tmp_path: Path
) -> None:
    frozen = office.run("lists", "freeze", "KFL-1").json
    office.run("lists", "change", "KFL-1", "x", "--to", "REMOVED", "--kind", "OFFICE", "--reason", "too late", code=12)
    office.run("lists", "approve", "KFL-1", by="bisp", code=12)
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    assert office.run("lists", "rederive", "KFL-1", "--to", first).json["is_same"]
    with office.owner() as owner:  # every household and member is written anew, scores with them, some people go
        for table in ("registry_householdversion", "registry_personversion", "registry_membership", "assessment_score"):
            owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
        changed = 0
        for _ in range(8):
            for table, keys, facts in (
                (
                    "registry_householdversion",
                    "household_id, area_path, valid_from, address, consent, facts",
                    "household_id, area_path, valid_from, address, consent, facts || '{\"rooms\": 9}'",
                ),
                (
                    "registry_personversion",
                    "person_id, area_path, valid_from, name, name_native, guardian_name, sex, birth_year, marital, facts",
                    "person_id, area_path, valid_from, name, name_native, guardian_name, 'M', 1950, 'S', '{}'",
                ),
                (
                    "assessment_score",
                    "household_id, area_path, score_date, score, model_code, class_name, facts_mark",
                    "household_id, area_path, score_date, 100 - score, model_code, class_name, facts_mark",
                ),
            ):
                changed += owner.execute(
                    f"WITH gone AS (UPDATE {table} SET superseded_at = clock_timestamp() WHERE superseded_at IS NULL RETURNING *)"
                    f" INSERT INTO {table} ({keys}, recorded_at) SELECT {facts}, clock_timestamp() FROM gone"
                ).rowcount  # type: ignore[arg-type]
        changed += owner.execute(
            "UPDATE registry_membership SET superseded_at = clock_timestamp() WHERE superseded_at IS NULL AND id % 5 = 0"
        ).rowcount
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("registry_householdversion", "registry_personversion", "registry_membership", "assessment_score"):
            owner.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
    assert changed > 10_000
    again = office.run("lists", "rederive", "KFL-1", "--to", second).json
    assert again["is_same"] and again["list_hash"] == frozen["frozen_hash"]
    assert first.read_bytes() == second.read_bytes()
    today = office.run(
        "lists", "draw", "KFL", "--places", 20, "--seed", "2026-04", "--as-of", DAY, "--code", "KFL-NOW"
    ).json
    assert today["drawn_hash"] != drawn["drawn_hash"], "the registry did change"
    with office.owner() as owner, pytest.raises(psycopg.errors.InsufficientPrivilege):
        owner.execute("UPDATE programmes_selectionlist SET frozen_hash = 'x' WHERE code = 'KFL-1'")


def test_a_frozen_list_is_published_without_anybody_in_it(
    office: Office, drawn: dict[str, Any], tmp_path: Path
) -> None:
    office.run("lists", "publish", "KFL-ONE", "--to", tmp_path / "no.csv", code=12)
    told = office.run("lists", "publish", "KFL-1", "--to", tmp_path / "published.csv", by="bisp").json
    text = (tmp_path / "published.csv").read_text()
    assert told["rows"] == 20 == len(text.splitlines()) - 1
    for number, unit in office.rows("SELECT household_number, unit FROM programmes_listentry"):
        assert number not in text and unit not in text
    areas = [line.split(",")[2] for line in text.splitlines()[1:]]
    assert all(areas.count(area) >= 5 for area in areas)
    assert json.dumps(told)


def test_a_frozen_list_becomes_enrolments(office: Office, drawn: dict[str, Any]) -> None:
    office.run("lists", "enrol", "KFL-ONE", code=12)  # open
    office.run("lists", "enrol", "KFL-1", by="bisp", code=13)  # an officer does not open files to find numbers
    done = office.run("lists", "enrol", "KFL-1").json
    (entries,) = office.rows(
        "SELECT count(*) FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id"
        " WHERE l.code = 'KFL-1' AND e.state <> 'REMOVED'"
    )[0]
    parts = ("selected", "wait_listed", "moved_up", "on_it_already", "left_before", "without_number")
    assert sum(done[name] for name in parts) == entries and done["selected"] > 5
    made = office.rows(
        "SELECT e.state, n.state, count(*) FROM beneficiaries_enrolment n JOIN programmes_listentry e ON e.person_id = n.person_id"
        " AND e.household_number = n.household_number JOIN programmes_selectionlist l ON l.id = e.list_id AND l.code = 'KFL-1'"
        " WHERE n.note = 'list KFL-1' GROUP BY 1, 2 ORDER BY 1"
    )
    assert {(listed, state) for listed, state, _ in made} <= {
        ("RESERVE", "WAITLISTED"), ("SELECTED", "SELECTED"), ("WAITING", "WAITLISTED"),
    }  # fmt: skip
    again = office.run("lists", "enrol", "KFL-1").json
    assert (again["selected"], again["wait_listed"], again["moved_up"]) == (0, 0, 0)
    assert office.run("lists", "notify", "KFL-1", by="zakat").json["notified"] == 0, "another agency's"
    assert office.run("lists", "notify", "KFL-1", by="bisp").json["notified"] == done["selected"]
    next_ = office.run(
        "lists", "draw", "KFL", "--places", 20, "--seed", "2026-05", "--as-of", DAY, "--code", "KFL-2"
    ).json  # who was selected is not drawn twice
    assert next_["selected"] >= 0
    twice = office.rows(
        "SELECT count(*) FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id AND l.code = 'KFL-2'"
        " JOIN beneficiaries_enrolment n ON n.household_number = e.household_number AND n.state = 'NOTIFIED'"
    )
    assert twice == [(0,)]
