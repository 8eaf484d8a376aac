"""`/api/v1`: bearer tokens, scopes, masked numbers, an event for each look-up, problems as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.factories import little_country
from tests.factories.little_country import NUMBERS

from khana.interfaces.api.v1 import bearer


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, Any]:
    import psycopg

    from khana.platform import embedded, places

    places.folder("static")
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return little_country.build(connection)


@pytest.fixture(scope="module")
def north(country: dict[str, Any], tokens) -> str:
    return tokens("registrar", area_code="PK101")


@pytest.fixture(scope="module")
def steward(country: dict[str, Any], tokens) -> str:
    return tokens("data_steward")


def ask(path: str, token: str | None, **parameters: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    response = Client().get(f"/api/v1/{path}", parameters, headers=headers)
    return response.status_code, json.loads(response.content)


def events(connect, action: str) -> int:
    with connect("owner") as connection:
        return connection.execute("SELECT count(*) FROM audit_event WHERE action = %s", [action]).fetchone()[0]


def test_person_by_number_is_masked_and_audited(north, connect, country) -> None:
    before = events(connect, "beneficiaries.number.looked_up")
    status, body = ask("persons", north, number="11101-1234567-1")
    assert status == 200, body
    person = body["persons"][0]
    assert (person["person"], person["name"], person["area"]) == (country["persons"][1], "Amna", "PK101")
    assert person["identifiers"] == [{"type": "CNIC", "status": "VERIFIED", "number": "*********5671"}]
    assert person["households"][0]["household"] == "H1"
    assert NUMBERS[1] not in json.dumps(body)
    assert events(connect, "beneficiaries.number.looked_up") == before + 1


def test_native_digits_are_the_same_number(north) -> None:
    status, body = ask("persons", north, number="۱۱۱۰۱-۱۲۳۴۵۶۷-۱")
    assert (status, body["persons"][0]["name"]) == (200, "Amna")


def test_another_district_is_not_found_and_the_vain_look_up_stays(north, connect) -> None:
    before = events(connect, "beneficiaries.number.looked_up")
    status, body = ask("persons", north, number=NUMBERS[3])
    assert (status, body["code"]) == (404, "dossiers.lookup.person_not_found")
    assert NUMBERS[3] not in json.dumps(body)
    assert events(connect, "beneficiaries.number.looked_up") == before + 1
    assert ask("households/H3", north)[0] == 404


def test_lists_are_shown_to_who_may_read_them(north, steward) -> None:
    assert ask("persons", north, number=NUMBERS[1])[1]["drawn"] == []
    drawn = ask("persons", steward, number=NUMBERS[1])[1]["drawn"]
    assert sorted(row["programme"] for row in drawn) == ["OAA", "STIP"]
    assert drawn[0]["amount"] == "1500.00"


def test_before_it_was_known_there_is_nobody(steward) -> None:
    status, body = ask("persons", steward, number=NUMBERS[2], as_known_at="2026-01-01T00:00:00Z")
    assert (status, body["code"]) == (404, "dossiers.lookup.person_not_found")


def test_household_with_its_members(north) -> None:
    status, body = ask("households/H2", north)
    assert (status, body["household"], body["area"]) == (200, "H2", "PK101")
    assert body["members"][0]["person"]["name"] == "Bilqis"


@pytest.mark.parametrize(
    ("token", "status", "code"), [(None, 401, "api.token_missing"), ("nonsense", 401, "access.session.none")]
)
def test_nobody_gets_nothing(country, token: str | None, status: int, code: str) -> None:
    for path in ("persons?number=1110112345671", "households/H1", "answers"):
        got, body = ask(path, token)
        assert (got, body["code"]) == (status, code)
        assert set(body) == {"code", "message", "details"}


def test_an_analyst_may_not_look_persons_up(tokens, country) -> None:
    status, body = ask("persons", tokens("analyst"), number=NUMBERS[1])
    assert (status, body["code"]) == (403, "access.permission.missing")


def test_numbers_that_are_none(steward) -> None:
    for number in ("12345", "applied for", "1111111111111"):
        status, body = ask("persons", steward, number=number)
        assert (status, body["code"]) == (422, "dossiers.lookup.number_malformed")
        assert number not in json.dumps(body)
    assert ask("persons", steward)[1]["code"] == "api.invalid"


def test_answers_say_what_is_connected(tokens, country) -> None:
    status, body = ask("answers", tokens("analyst"))
    assert (status, body["run"], body["summary"]["not_connected"]) == (200, country["run"], ["CASH"])


def test_a_job_is_seen_by_who_asked(steward, north) -> None:
    from khana.access import selectors
    from khana.access import services as access
    from khana.platform import clock, jobs

    with access.scoped(steward):
        number = jobs.enqueue(kind="consolidate", arguments={}, actor=selectors.me(), at=clock.now())  # type: ignore[arg-type]
    status, body = ask(f"jobs/{number}", steward)
    assert (status, body["state"], body["kind"]) == (200, "QUEUED", "consolidate")
    assert ask(f"jobs/{number}", north)[0] == 404


def test_too_many_requests(steward, monkeypatch) -> None:
    monkeypatch.setattr(bearer, "LIMIT", bearer.Limit(burst=2, per_second=0.001))
    assert [ask("answers", steward)[0] for _ in range(3)] == [200, 200, 429]


def test_the_description_is_served_in_development_only(country) -> None:
    assert Client().get("/api/v1/docs").status_code == 404  # KHANA_ENV=test
