"""A person and her own file: number, code, who read it, objection; in three languages, without JavaScript."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.test import Client

from tests.factories import little_country
from tests.factories.little_country import NUMBERS


@pytest.fixture(scope="module")
def country(database: str, tokens) -> dict[str, Any]:
    from khana.interfaces.web.myfile import views
    from khana.platform import embedded, keys, places

    places.folder("static")
    views.TRIES.burst = 100_000
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        made = little_country.build(connection)
        connection.execute(
            "UPDATE registry_personversion SET mobile_ciphertext = %s WHERE person_id = %s",
            [keys.encrypt("+923001234567"), made["persons"][1]],
        )
        connection.execute(
            "INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, class_name, facts_mark)"
            " SELECT id, area_path, 23.5, '2026-01-01', 'PMT', now(), '', '' FROM registry_household"
        )
    return made


def code() -> str:
    from khana.platform import places

    path = places.folder("run") / "citizen-code"
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return text


def entered(language: str = "en") -> Client:
    client = Client(HTTP_ACCEPT_LANGUAGE=language)
    client.cookies["khana_language"] = language
    assert client.post("/my-file", {"number": "11101-1234567-1"}).status_code == 302
    assert client.post("/my-file/code", {"code": code()}).status_code == 302
    return client


@pytest.mark.parametrize(("language", "said"), [("en", "Score class"), ("ur", "اسکور کا درجہ"), ("bn", "স্কোরের শ্রেণি")])
def test_she_sees_her_file_and_who_read_it(country, connect, language: str, said: str) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
        owner.execute(
            "SELECT khana_private.audit_write(NULL, 'registry.person.read', %s, '{}', now())",
            [f"person:{country['persons'][1]}"],
        )
    page = entered(language).get("/my-file/read")
    text = page.content.decode()
    assert (
        page.status_code == 200
        and said in text
        and "Amna" in text
        and "OAA" in text
        and "<script" not in text.split("<main")[1]
    )
    assert NUMBERS[1] not in text and 'href="/my-file/download"' in text


def test_an_objection_binds_and_can_be_ended(country, connect) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
    client = entered()
    for what, count in (("OBJECTION", 1), ("END", 0), ("CONSENT_WITHDRAWN", 1), ("NONSENSE", 1)):
        client.post("/my-file/say", {"what": what})
        with connect("owner") as owner:
            ((standing,),) = owner.execute("SELECT count(*) FROM sharing_refusal WHERE ended_at IS NULL").fetchall()
        assert standing == count, what
    saved = json.loads(client.get("/my-file/download").content)
    assert [case["kind"] for case in saved["cases"]].count("OBJECTION") == 2
    assert saved["refusals"] == ["CONSENT_WITHDRAWN"] and saved["name"] == "Amna" and "person" not in saved
    client.post("/my-file/leave")
    assert client.get("/my-file/read").status_code == 302


def test_nobody_learns_whether_a_number_is_known(country, connect) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
    answers = []
    for number in (NUMBERS[1], NUMBERS[2], "1110199999999"):  # with a telephone, without one, nobody's
        client = Client()
        first = client.post("/my-file", {"number": number})
        second = client.get("/my-file/code")
        csrf = second.content.decode().split('name="csrfmiddlewaretoken" value="')[-1][:64]
        answers.append((first.status_code, first.headers["Location"], second.content.decode().replace(csrf, "")))
    assert answers[0] == answers[1] == answers[2]
    assert len(code()) == 6
    assert Client().post("/my-file", {"number": "abc"}).status_code == 422


def test_a_code_opens_once_and_only_where_it_was_asked_for(country, connect) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
    hers, other = Client(), Client()
    for client in (other, hers):
        assert client.post("/my-file", {"number": NUMBERS[1]}).status_code == 302
    right = code()
    assert other.post("/my-file/code", {"code": right}).status_code == 403, "another browser, with the right code"
    assert hers.post("/my-file/code", {"code": right}).status_code == 302
    assert hers.get("/my-file/read").status_code == 200
    assert hers.post("/my-file/code", {"code": right}).status_code == 403, "it was good once"
    other.post("/my-file", {"number": NUMBERS[1]})
    assert code() and hers.get("/my-file/read").status_code == 200, "a newer code does not end her session"


def test_codes_are_tried_five_times_and_sent_three_times(country, connect) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
    client = Client()
    client.post("/my-file", {"number": NUMBERS[1]})
    right = code()
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(5):
        assert client.post("/my-file/code", {"code": wrong}).status_code == 403
    assert client.post("/my-file/code", {"code": right}).status_code == 403
    sent = 1
    for _ in range(4):
        client.post("/my-file", {"number": NUMBERS[1]})
        sent += bool(code())
    assert sent == 3


def test_a_stranger_with_no_code_sees_nothing(country) -> None:
    for path in ("/my-file/code", "/my-file/read", "/my-file/download"):
        assert Client().get(path).status_code == 302
    assert Client().post("/my-file/say", {"what": "OBJECTION"}).status_code == 302


def test_her_payments_and_cases_stand_with_state_and_day(country, connect, tokens) -> None:
    from datetime import UTC, datetime, timedelta

    from khana.access import services as access
    from khana.grievances import selectors
    from khana.grievances.services import cases
    from khana.platform import keys

    person = country["persons"][1]
    until = (datetime.now(UTC) + timedelta(days=10)).date()
    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
        owner.execute("DELETE FROM sharing_refusal")
        owner.execute(
            "UPDATE beneficiaries_benefit SET facts = '{\"payment_date\": \"2026-04-02\"}' WHERE id_token = %s AND programme = 'OAA'",
            [keys.token("PK", NUMBERS[1])],
        )
        owner.execute(
            "INSERT INTO programmes_filterappeal (filter_code, household_number, person_id, area_path, state, reason, lodged_by,"
            " lodged_label, lodged_at, decided_label, decision) VALUES ('VEHICLE', 'H1', NULL, 'PK.PK1.PK101.', 'LODGED', 'x', 1, '',"
            " now(), '', '')"
        )
        owner.execute("ALTER TABLE beneficiaries_stop DISABLE TRIGGER USER")
        owner.execute(
            "INSERT INTO beneficiaries_stop (trial_id, recipient_id, id_token, household_number, programme, agency, area_path, rule,"
            " poverty, state, state_at, changed_by, actor_id, reason, note, appeal_until) VALUES (1, 1, %s, 'H1', 'OAA', 'DSS',"
            " 'PK.PK1.PK101.', 'CAP', '', 'NOTIFIED', now(), 'RUN', 1, '', '', %s)",
            [keys.token("PK", NUMBERS[1]), until],
        )
        owner.execute("ALTER TABLE beneficiaries_stop ENABLE TRIGGER USER")
    client = entered()
    for _twice in range(2):
        client.post("/my-file/say", {"about": "BIRTH"})
    client.post("/my-file/say", {"about": "NONSENSE"})
    text = client.get("/my-file/read").content.decode()
    assert "paid on" in text and text.count("You said that something is wrong") == 1
    assert (
        "my date of birth" in text and "waits for an answer" in text and "you may appeal" in text and "VEHICLE" in text
    )
    saved = json.loads(client.get("/my-file/download").content)
    by_kind = {case["kind"]: case for case in saved["cases"]}
    assert set(by_kind) == {"CORRECTION", "APPEAL", "STOP"} and all(case["is_open"] for case in saved["cases"])
    assert by_kind["STOP"]["due"] == until.isoformat()
    month = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    assert by_kind["CORRECTION"]["due"] == by_kind["APPEAL"]["due"] == month, "the deadline of Pakistan's pack"
    registrar = tokens("registrar")
    with access.scoped(registrar):
        (open_case,) = selectors.list_cases(people=[person], today=until)
        cases.answer(case=open_case["case"], outcome="CORRECTED", note="by the birth register", at=datetime.now(UTC))
        with pytest.raises(cases.CaseStands):
            cases.answer(case=open_case["case"], outcome="NOT_WRONG", at=datetime.now(UTC))
        again = cases.lodge(person=person, about="NAME", at=datetime.now(UTC))
        with pytest.raises(cases.CaseStands):
            cases.lodge(person=person, about="NAME", at=datetime.now(UTC))
        with pytest.raises(cases.CaseWrong):
            cases.answer(case=again, outcome="FORGOTTEN", at=datetime.now(UTC))
        with pytest.raises(cases.CaseUnknown):
            cases.lodge(person=99_999_999, about="NAME", at=datetime.now(UTC))
        with pytest.raises(cases.CaseUnknown):
            cases.answer(case=99_999_999, outcome="CORRECTED", at=datetime.now(UTC))
    text = client.get("/my-file/read").content.decode()
    assert "it was put right" in text and "my name" in text


def test_a_number_that_somebody_else_holds_shows_her_nothing_and_the_score_is_the_one_that_counts(
    country, connect
) -> None:
    from khana.platform import keys

    with connect("owner") as owner:
        owner.execute("DELETE FROM sharing_citizencode")
        owner.execute(
            "INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
            " SELECT %s, area_path, 'CNIC', %s, %s, 'DISPUTED', now() FROM registry_person WHERE id = %s",
            [country["persons"][1], keys.token("PK", NUMBERS[3]), keys.encrypt(NUMBERS[3]), country["persons"][1]],
        )
        owner.execute(
            "UPDATE beneficiaries_benefit SET amount = 777 WHERE id_token = %s", [keys.token("PK", NUMBERS[3])]
        )
        owner.execute(
            "INSERT INTO assessment_override (household_id, area_path, score, reason, proposed_by, proposed_label, proposed_at,"
            " confirmed_by, confirmed_label, confirmed_at) SELECT id, area_path, 71.5, 'x', 1, '', now(), 2, '', now()"
            " FROM registry_household WHERE number = 'H1'"
        )
    try:
        saved = json.loads(entered().get("/my-file/download").content)
    finally:
        with connect("owner") as owner:
            owner.execute("DELETE FROM assessment_override")
            owner.execute("DELETE FROM registry_identifier WHERE status = 'DISPUTED'")
    assert "777.00" not in {row["amount"] for row in saved["programmes"]}
    assert float(saved["household"]["score"]) == 71.5, "a confirmed override counts before any model"
