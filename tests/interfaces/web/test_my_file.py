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
