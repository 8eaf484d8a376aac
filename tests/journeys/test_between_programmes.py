"""Rules between programmes and enrolments on a made-up country: dry run, notice, appeal, decision, effect; states; conditions.

One country, loaded and consolidated once; the clock is handed to each service, so that windows open and close.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.journeys.commands import nursery
from tests.journeys.database_state import rows

from khana.access import services as access
from khana.beneficiaries import state_reads
from khana.beneficiaries.moves import MoveRefused, ReasonUnknown
from khana.beneficiaries.services import enrolments, trials
from khana.platform import embedded
from khana.workflows import follow_enrolments, try_cross_rules
from khana_methods.overlap.cross_rules import CrossRulesInvalid, parse_cross_rules

# before the periods of the made-up lists, so that they still list whom the rules have stopped
NOW = datetime(2024, 11, 2, 9, tzinfo=UTC)
TODAY = NOW.date()
CAP = {"code": "cap-1", "kind": "cap", "most": 1, "valid_from": "2024-01-01", "source": "a decision of the cabinet"}


@dataclass
class Country:
    """A consolidated country and who acts in it."""

    folder: Path
    database: str
    steward: str
    administrator: str
    officer: str
    summary: dict[str, Any]

    def told(self, statement: str) -> list[tuple[Any, ...]]:
        return rows(self.database, statement)


@pytest.fixture(scope="module")
def country(database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    folder = tmp_path_factory.mktemp("between")
    steward = tokens("data_steward")
    with nursery() as lent:
        for words in (
            ("synth", "--country", "pak", "--households", 400, "--seed", 7, "--out", folder),
            ("sample", "load", folder / "sample.yaml", "--data", folder),
            ("consolidate",),
        ):
            done = lent.run(*words, "--json", database=database, token=steward)
            assert done.code == 0, done.err
        yield Country(
            folder, database, steward, tokens("administrator"),
            tokens("programme_officer", agency="Federal income support agency"), done.json,
        )  # fmt: skip


@contextmanager
def acting(token: str) -> Iterator[None]:
    with access.scoped(token):
        yield


def tried(country: Country, *entries: dict[str, Any], on: date = TODAY, at: datetime = NOW) -> dict[str, Any]:
    return try_cross_rules.run(
        token=country.steward, rules=parse_cross_rules(list(entries)), on=on, at=at, memory_mib=512
    )


def test_a_cap_stops_just_what_is_over_it(country: Country) -> None:
    found = tried(country, {**CAP, "code": "cap-3", "most": 3})
    over = country.told("SELECT id FROM beneficiaries_recipient WHERE is_over_cap")
    stopped = country.told(f"SELECT DISTINCT recipient_id FROM beneficiaries_stop WHERE trial_id = {found['trial']}")
    assert sorted(over) == sorted(stopped) and found["persons_losing"] == len(over) == country.summary["over_cap"]
    rest = country.told(
        "SELECT count(*) FROM (SELECT s.recipient_id FROM beneficiaries_stop s JOIN beneficiaries_recipient r ON r.id = s.recipient_id"
        f" WHERE s.trial_id = {found['trial']} GROUP BY s.recipient_id, r.cash_programmes HAVING r.cash_programmes - count(*) <> 3) x"
    )
    assert rest == [(0,)]


def test_of_each_person_one_cash_benefit_stays(country: Country) -> None:
    found = tried(country, {**CAP, "unit": "person"})
    worse = country.told(
        f"""WITH paid AS (SELECT coalesce(nullif(payee_id_token, ''), id_token) AS token, programme, max(amount) AS amount
                FROM beneficiaries_benefit WHERE id_token IS NOT NULL AND payee_id_raw_state = '' GROUP BY 1, 2)
            SELECT count(*) FROM beneficiaries_stop s WHERE s.trial_id = {found["trial"]} AND s.amount IS NOT NULL"""
    )
    assert found["benefits_stopped"] >= worse[0][0] > 0
    assert sum(row["benefits"] for row in found["by_area"]) == found["benefits_stopped"]
    assert {row["sex"] for row in found["by_sex"]} <= {"F", "M", "O", ""}
    assert found["left_with_nothing"] == 0  # one of each person's cash benefits stays


def test_rules_that_cannot_be_meant_are_refused(country: Country) -> None:
    with pytest.raises(CrossRulesInvalid, match="No rule is in force on 2023-12-31"):
        tried(country, CAP, on=date(2023, 12, 31))
    required = country.told("SELECT code, requires FROM programmes_programme WHERE requires <> '' LIMIT 1")[0]
    with pytest.raises(CrossRulesInvalid, match="requires"):
        tried(
            country,
            {"code": "x", "kind": "exclude", "programmes": list(required), "valid_from": "2024-01-01", "source": "s"},
        )


def test_the_rules_of_the_country_are_those_of_its_pack(country: Country) -> None:
    codes = [rule.code for rule in try_cross_rules.rules_of_country("bgd")]
    assert "OAA-WDW" in codes and codes[-1] == "cap-3-2018-10-17"


@pytest.fixture(scope="module")
def trial(country: Country) -> int:
    return int(tried(country, CAP)["trial"])


def test_from_trial_to_effect_every_step_is_a_record(country: Country, trial: int) -> None:
    with pytest.raises(MoveRefused, match="Nobody has approved"), acting(country.steward):
        trials.give_notice(trial_id=trial, at=NOW)
    with acting(country.administrator):
        trials.approve_trial(trial_id=trial, at=NOW)
    with pytest.raises(MoveRefused), acting(country.administrator):
        trials.approve_trial(trial_id=trial, at=NOW)
    with acting(country.steward):
        told = trials.give_notice(trial_id=trial, appeal_days=30, at=NOW)
        assert told["notices"] == sum(state_reads.count_stops(trial).values())
        stops = [
            row for row in state_reads.stops_of_trial(trial, limit=500) if row.agency == "Federal income support agency"
        ]
    won, lost, open_ = stops[0].id, stops[1].id, stops[2].id
    with acting(country.officer):
        assert {row.agency for row in state_reads.stops_of_trial(trial, limit=500)} == {"Federal income support agency"}
        for one in (won, lost, open_):
            trials.appeal(stop_id=one, note="she says that she never drew it", at=NOW + timedelta(days=3))
        with pytest.raises(access.PermissionMissing):
            trials.decide(stop_id=won, is_allowed=True, note="x", at=NOW)
    with pytest.raises(MoveRefused, match="may appeal until"), acting(country.steward):
        trials.apply_trial(trial_id=trial, at=NOW + timedelta(days=30))
    with pytest.raises(MoveRefused, match="window is over"), acting(country.officer):
        trials.appeal(stop_id=stops[3].id, note="", at=NOW + timedelta(days=31))
    with acting(country.steward):
        trials.decide(stop_id=won, is_allowed=True, note="the list named another woman", at=NOW + timedelta(days=9))
        trials.decide(stop_id=lost, is_allowed=False, note="drawn in July", at=NOW + timedelta(days=9))
        done = trials.apply_trial(trial_id=trial, at=NOW + timedelta(days=31))
        assert done["is_as_tried"] and (done["allowed"], done["waiting"], done["state"]) == (1, 1, "NOTICED")
        trials.decide(stop_id=open_, is_allowed=False, note="drawn in August", at=NOW + timedelta(days=33))
        done = trials.apply_trial(trial_id=trial, at=NOW + timedelta(days=34))
        assert done["is_as_tried"] and done["state"] == "APPLIED" and done["effective"] == done["proposed"] - 1
        lost_moves = [(move["from"], move["to"]) for move in state_reads.stop(lost).moves]  # type: ignore[union-attr]
    assert lost_moves == [
        ("PROPOSED", "NOTIFIED"),
        ("NOTIFIED", "APPEALED"),
        ("APPEALED", "UPHELD"),
        ("UPHELD", "EFFECTIVE"),
    ]


def test_effect_equals_dry_run_to_the_row(country: Country, trial: int) -> None:
    """Who left by the trial is who was to lose by it, but for the appeal that was allowed; nobody else left."""
    planned = country.told(
        f"SELECT programme, encode(id_token, 'hex') FROM beneficiaries_stop WHERE trial_id = {trial} AND state <> 'ALLOWED' AND id_token IS NOT NULL"
    )
    left = country.told("SELECT programme, encode(id_token, 'hex') FROM beneficiaries_enrolment WHERE state = 'EXITED'")
    assert sorted(set(planned)) == sorted(left) and len(left) > 10
    assert country.told("SELECT DISTINCT reason, changed_by FROM beneficiaries_enrolment WHERE state = 'EXITED'") == [
        ("INELIGIBLE_FOUND", "HUMAN")
    ]


def test_after_the_effect_rows_that_name_her_are_refused(country: Country, trial: int) -> None:
    """The next consolidation refuses the rows that still list who was stopped, and those by which she is paid for another."""
    with nursery() as lent:
        done = lent.run("consolidate", "--json", database=country.database, token=country.steward)
    assert done.code == 0, done.err
    left = "SELECT programme, encode(id_token, 'hex') FROM beneficiaries_enrolment WHERE state = 'EXITED'"
    still = set(country.told(f"{left} INTERSECT SELECT programme, encode(id_token, 'hex') FROM beneficiaries_benefit"))
    refused = country.told(
        "SELECT DISTINCT b.programme, encode(b.id_token, 'hex') FROM beneficiaries_finding f"
        " JOIN beneficiaries_benefit b ON b.id = f.benefit_id"
        f" WHERE f.run_id = {done.json['run']} AND f.code = 'GRADUATED_STILL_LISTED' AND f.detail LIKE '%INELIGIBLE_FOUND'"
    )
    assert len(still) > 10 and still <= set(refused)
    paid = set(
        country.told(
            f"{left} INTERSECT SELECT programme, encode(payee_id_token, 'hex') FROM beneficiaries_benefit WHERE payee_id_raw_state = 'OK'"
        )
    )
    refused_payees = country.told(
        "SELECT DISTINCT b.programme, encode(b.payee_id_token, 'hex') FROM beneficiaries_finding f"
        " JOIN beneficiaries_benefit b ON b.id = f.benefit_id"
        f" WHERE f.run_id = {done.json['run']} AND f.code = 'STOPPED_STILL_LISTED' AND f.role = 'payee'"
    )
    assert paid and paid <= set(refused_payees)


def test_a_trial_can_be_withdrawn_before_it_bites(country: Country) -> None:
    other = int(tried(country, {**CAP, "code": "cap-2", "most": 2})["trial"])
    with acting(country.steward):
        trials.withdraw_trial(trial_id=other, note="wrong list", at=NOW)
        assert set(state_reads.count_stops(other)) == {"WITHDRAWN"}
        with pytest.raises(MoveRefused):
            trials.give_notice(trial_id=other, at=NOW)


def test_who_tried_it_does_not_approve_it(country: Country, tokens) -> None:
    other = int(tried(country, {**CAP, "code": "cap-4", "most": 2})["trial"])
    with embedded_owner(country.database) as owner, pytest.raises(Exception, match="trial_two_people"):
        owner.execute("ALTER TABLE beneficiaries_trial DISABLE TRIGGER trial_state")
        owner.execute("UPDATE beneficiaries_trial SET approved_by = proposed_by WHERE id = %s", [other])


@contextmanager
def superuser_of(database: str) -> Iterator[Any]:
    import psycopg

    from khana.platform.secrets_store import get_secret

    with psycopg.connect(
        host=str(embedded.socket_folder()),
        dbname=database,
        user="postgres",
        password=get_secret("db_superuser"),
        autocommit=True,
    ) as connection:
        yield connection


@contextmanager
def embedded_owner(database: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as owner:  # type: ignore[arg-type]
        yield owner
        owner.rollback()


# --- enrolments -----------------------------------------------------------------------------


def test_enrolments_follow_what_schemes_delivered(country: Country, trial: int) -> None:
    done = follow_enrolments.follow(token=country.steward, at=NOW)
    again = follow_enrolments.follow(token=country.steward, at=NOW)
    assert done["begun"] > 200 and (again["begun"], again["enrolled"]) == (0, 0)
    listed = country.told(
        "SELECT count(DISTINCT (programme, id_token)) FROM beneficiaries_benefit WHERE id_token IS NOT NULL"
    )
    assert country.told("SELECT count(*) FROM beneficiaries_enrolment")[0][0] >= listed[0][0]
    assert done["exited_still_listed"] >= 0


def test_a_missed_condition_suspends_and_a_human_suspension_stays(country: Country) -> None:
    follow_enrolments.follow(token=country.steward, at=NOW)
    with superuser_of(country.database) as past_policies:  # what the scheme would deliver of five children
        past_policies.execute(
            "UPDATE beneficiaries_benefit SET facts = facts || '{\"attendance_share\": 0.69}' WHERE id IN (SELECT max(b.id)"
            " FROM beneficiaries_benefit b WHERE b.programme = 'TLW' AND b.id_token IS NOT NULL GROUP BY b.id_token LIMIT 5)"
        )
    first = {row["programme"]: row for row in follow_enrolments.comply(token=country.steward, at=NOW)}["TLW"]
    assert first["met"] > 0 and first["suspended"] == first["missed"] > 0
    own = "SELECT e.id FROM beneficiaries_enrolment e WHERE e.programme = 'TLW' AND e.state = "
    met = country.told(own + "'ENROLLED' ORDER BY id LIMIT 1")[0][0]
    missed = country.told(own + "'SUSPENDED' ORDER BY id LIMIT 1")[0][0]
    with acting(country.steward):
        enrolments.move(enrolment_id=met, to="SUSPENDED", reason="UNDER_REVIEW", at=NOW)
        enrolments.move(enrolment_id=missed, to="ENROLLED", note="the register of the school was wrong", at=NOW)
    second = {row["programme"]: row for row in follow_enrolments.comply(token=country.steward, at=NOW)}["TLW"]
    follow_enrolments.follow(token=country.steward, at=NOW)
    assert second["lifted"] == 0 and second["kept_suspended_by_a_person"] == 1
    assert country.told(f"SELECT state, changed_by FROM beneficiaries_enrolment WHERE id = {met}") == [
        ("SUSPENDED", "HUMAN")
    ]
    with pytest.raises(MoveRefused, match="only a person lifts"), acting(country.steward):
        from khana.beneficiaries.models import Enrolment
        from khana.beneficiaries.moves import held_by_the_database

        with held_by_the_database():
            Enrolment.objects.filter(pk=met).update(state="ENROLLED", changed_by="RUN")


def test_graduation_with_criteria_follow_up_and_re_entry(country: Country) -> None:
    follow_enrolments.follow(token=country.steward, at=NOW)
    one = country.told(
        "SELECT id FROM beneficiaries_enrolment WHERE state = 'ENROLLED' AND programme <> 'TLW' ORDER BY id LIMIT 1"
    )[0][0]
    with acting(country.steward):
        made = enrolments.graduate(
            enrolment_id=one, criteria="income above the line in two surveys (NSSS 2015)", assessment={"income": "61000"}, is_met=True,
            assessed_date=NOW.date(), reentry_after_months=24, at=NOW,
        )  # fmt: skip
        assert [row["graduation"] for row in state_reads.graduations(due_on=date(2025, 11, 2))] == [made]
        assert state_reads.graduations(due_on=date(2025, 11, 1)) == []
        with pytest.raises(MoveRefused, match="too early"):
            enrolments.move(enrolment_id=one, to="IDENTIFIED", at=datetime(2026, 11, 1, tzinfo=UTC))
        enrolments.follow_up(graduation_id=made, result="FALLEN_BACK", at=datetime(2025, 11, 3, tzinfo=UTC))
        enrolments.move(enrolment_id=one, to="IDENTIFIED", at=datetime(2026, 11, 2, tzinfo=UTC))
        with pytest.raises(ReasonUnknown):
            enrolments.move(enrolment_id=one, to="EXITED", reason="BORED", at=NOW)
        with pytest.raises(MoveRefused, match="IDENTIFIED -> GRADUATED"):
            enrolments.move(enrolment_id=one, to="GRADUATED", at=NOW)
        enrolments.move(enrolment_id=one, to="EXITED", reason="CYCLE_END", at=NOW)
    moves = country.told(
        f"SELECT state_from, state_to, reason FROM beneficiaries_statechange WHERE subject = 'enrolment' AND subject_id = {one} ORDER BY id"
    )
    assert moves == [
        ("ENROLLED", "GRADUATED", "GRADUATED"),
        ("GRADUATED", "IDENTIFIED", ""),
        ("IDENTIFIED", "EXITED", "CYCLE_END"),
    ]


def test_a_corrected_list_opens_decisions_again(country: Country, trial: int, tmp_path: Path) -> None:
    """The scheme sends its list again without the rows of two women who lost by the trial: a person looks at both."""
    one, other = country.told(
        "SELECT s.id, b.batch_id, b.source_code, b.file_name, array_agg(b.line), s.person_id FROM beneficiaries_stop s"
        " JOIN beneficiaries_benefit b ON b.id_token = s.id_token AND b.programme = s.programme AND b.payee_id_raw_state = ''"
        f" WHERE s.trial_id = {trial} AND s.state = 'EFFECTIVE' AND b.file_name = 'zakat_2026h1.csv' AND s.person_id IS NOT NULL"
        " GROUP BY s.id, b.batch_id, b.source_code, b.file_name ORDER BY s.id LIMIT 2"
    )
    lines = (country.folder / one[3]).read_bytes().splitlines(keepends=True)
    corrected = tmp_path / "zakat_corrected.csv"
    corrected.write_bytes(b"".join(line for n, line in enumerate(lines, start=1) if n not in {*one[4], *other[4]}))
    with nursery() as lent:

        def run(*words: object) -> Any:
            return lent.run(*words, "--json", database=country.database, token=country.steward)

        done = run("import", "benefits", corrected, "--source", one[2], "--replaces", one[1])
        assert done.code == 0 and done.json["decisions_reopened"] >= 2, done.err
        listed = {(row["subject"], row["id"]): row for row in run("enrolments", "reopened").json["rows"]}
        assert {("stop", one[0]), ("stop", other[0])} <= set(listed)
        assert {row["what"] for row in listed.values()} == {"GONE"}
        stops = ", ".join(str(number) for subject, number in listed if subject == "stop")
        whose = country.told(f"SELECT DISTINCT person_id FROM beneficiaries_stop WHERE id IN ({stops})")
        assert {person for (person,) in whose} == {one[5], other[5]}, "of nobody else"
        assert run("enrolments", "settle", listed["stop", one[0]]["reopened"], "--take-back").code == 0
        assert run("enrolments", "settle", listed["stop", other[0]]["reopened"], "--stands").code == 0
        assert run("enrolments", "settle", listed["stop", other[0]]["reopened"], "--take-back").code == 12
        left = {(row["subject"], row["id"]) for row in run("enrolments", "reopened").json["rows"]}
        assert not left & {("stop", one[0]), ("stop", other[0])}
    states = country.told(
        "SELECT s.id, s.state, e.state FROM beneficiaries_stop s JOIN beneficiaries_enrolment e USING (programme, id_token)"
        f" WHERE s.id IN ({one[0]}, {other[0]}) ORDER BY s.id"
    )
    assert states == [(one[0], "ALLOWED", "ENROLLED"), (other[0], "EFFECTIVE", "EXITED")]


def test_the_commands(country: Country, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "rules:\n- {code: cap-2, kind: cap, most: 2, keep: oldest, valid_from: 2026-01-01, source: minutes}\n"
    )
    with nursery() as lent:

        def run(*words: object, token: str = country.steward) -> Any:
            return lent.run(*words, "--json", database=country.database, token=token)

        made = run("crossrules", "dry-run", "--rules", tmp_path / "rules.yaml", "--on", "2026-11-02").json
        assert made["trial"] and run("crossrules", "trials").json["rows"][0]["trial"] == made["trial"]
        assert run("crossrules", "approve", made["trial"]).code == 13
        assert run("crossrules", "approve", made["trial"], token=country.administrator).code == 0
        assert run("crossrules", "notice", made["trial"], "--days", 30).json["notices"] == made["benefits_stopped"]
        assert run("crossrules", "apply", made["trial"]).code == 12
        first = run("crossrules", "stops", made["trial"], "--limit", 1).json["rows"][0]["stop"]
        assert run("crossrules", "appeal", first, "--note", "x").json["state"] == "APPEALED"
        assert run("crossrules", "decide", first, "--allow", "--note", "y").json["state"] == "ALLOWED"
        assert run("crossrules", "withdraw", made["trial"], "--note", "z").code == 0
        assert run("crossrules", "apply", 999_999).code == 11
        states = run("enrolments", "states").json
        assert {"GRADUATED", "CYCLE_END"} <= set(states["exit_reasons"])
        assert run("enrolments", "list", "--counts").code == 0
        assert run("enrolments", "follow", token=country.officer).code == 0
        assert json.loads(run("enrolments", "comply").out)["rows"]
