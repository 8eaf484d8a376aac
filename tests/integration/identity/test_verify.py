"""Authorities that are asked over a real port: what they say is kept, weighed by its age, and lies are not believed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from khana.access import services as access
from khana.identity import authorities, evidence
from khana.identity.services import connect, consent
from khana.platform import keys, outgoing, places, telephone
from khana.platform.progress import Cancelled
from khana.workflows import take_consent, verify_identities
from khana_methods.errors import NotPermitted, Unavailable
from tests.factories.authority_server import certificate, pem
from tests.integration.identity.conftest import PEOPLE, Village, number


def now() -> datetime:
    return datetime.now(UTC)


def configure(village: Village, code: str, kind: str, **more: Any) -> None:
    secrets = more.pop("secrets", None)
    with access.scoped(village.steward):
        terms = connect.Terms(**{"code": code, "kind": kind, "per_second": 5000.0, "timeout_seconds": 0.5, **more})
        connect.connect(terms=terms, secrets=secrets, at=now())


@pytest.fixture(autouse=True)
def calm(village: Village, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(outgoing, "FIRST_WAIT", 0.01)
    village.authority.calm()
    village.forget()
    configure(village, "crvs", "DCI", settings={"registry": "crvs"}, batch_size=2)
    yield


def ask(village: Village, code: str = "crvs", **more: Any) -> dict[str, Any]:
    return verify_identities.run(token=more.pop("token", village.steward), authority=code, at=now(), **more)


def test_answers_are_kept_as_evidence_and_verify_numbers(village: Village) -> None:
    result = ask(village)
    assert (result["asked"], result["match"], result["not_found"], result["numbers_verified"]) == (6, 5, 1, 5)
    assert village.status(1) == "VERIFIED" and village.status(6) == "CLAIMED"
    outcome, counts, why, sealed = village.newest(1)
    assert (outcome, counts, why) == ("MATCH", True, "")
    assert json.loads(keys.decrypt(sealed))["data"]["reg_records"][0]["name"]["given_name"] == "Karim Baksh"
    with access.scoped(village.steward):
        (row,) = evidence.answers_of(village.persons[1])
    assert row["agreed"] == {"name": True, "sex": True, "birth_year": True} and row["is_fresh"]
    (columns,) = village.rows("SELECT string_agg(v::text, ' ') FROM identity_verification v")
    assert not any(number(line) in columns[0] or PEOPLE[line][1] in columns[0] for line in PEOPLE)
    assert ask(village)["asked"] == 0, "a young answer is not asked for again"
    assert ask(village, again=True, limit=3)["asked"] == 3


def test_a_registrar_asks_about_her_own_area_only(village: Village) -> None:
    assert ask(village, token=village.registrar)["asked"] == 4
    with access.scoped(village.registrar):
        assert evidence.answers_of(village.persons[5]) == [] and len(evidence.answers_of(village.persons[1])) == 1
    assert ask(village, token=village.registrar, person=village.persons[5])["asked"] == 0
    assert village.authority.asked[number(5)] == 0


def test_who_describes_herself_otherwise_is_no_match(village: Village) -> None:
    village.authority.people[number(3)] = {
        **village.authority.people[number(3)], "name": {"given_name": "Zainab"}, "sex": "female",
    }  # fmt: skip
    try:
        ask(village)
    finally:
        village.authority.people[number(3)] |= {"name": {"given_name": "Nasir Karim"}, "sex": "male"}
    assert village.newest(3)[:2] == ("MISMATCH", True) and village.status(3) == "CLAIMED"


def test_the_dead_stay_dead_until_somebody_looks(village: Village) -> None:
    village.authority.people[number(2)]["death_date"] = "2026-01-05"
    try:
        ask(village)
        assert village.newest(2)[:2] == ("DECEASED", True) and village.status(2) == "CLAIMED"
    finally:
        del village.authority.people[number(2)]["death_date"]
    assert ask(village, person=village.persons[2], again=True)["set_aside"] == 1
    assert village.newest(2)[:3] == ("MATCH", False, "RISEN") and village.status(2) == "CLAIMED"


@pytest.mark.parametrize(
    ("mood", "expected"),
    [
        ("other-number", ("UNRELIABLE", False, "OTHER_NUMBER")),
        ("two-records", ("UNRELIABLE", False, "SEVERAL_RECORDS")),
        ("answers-twice", ("UNRELIABLE", False, "ANSWERED_TWICE")),
        ("other-transaction", ("UNRELIABLE", False, "OTHER_TRANSACTION")),
        ("forged", ("UNRELIABLE", False, "sharing.registry.not_believed")),
        ("other-sender", ("UNRELIABLE", False, "sharing.registry.not_believed")),
        ("future", ("UNRELIABLE", False, "FROM_THE_FUTURE")),
        ("old", ("MATCH", False, "TOO_OLD")),
        ("rubbish", ("UNANSWERED", False, "sharing.registry.refused")),
    ],
)
def test_what_cannot_be_believed_moves_nothing(village: Village, mood: str, expected: tuple[str, bool, str]) -> None:
    village.authority.mood = mood
    ask(village, person=village.persons[1])
    assert village.newest(1)[:3] == expected
    assert village.status(1) == "CLAIMED"


def test_a_service_that_confirms_what_was_never_issued_is_not_asked_about_anybody(village: Village) -> None:
    configure(
        village, "liar", "DCI", settings={"registry": "crvs", "decoy": {"number": "7999999999999", "kind": "CNIC"}}
    )
    village.authority.mood = "knows-everybody"
    with pytest.raises(verify_identities.AuthorityLies):
        ask(village, "liar")
    assert set(village.authority.asked) == {"7999999999999"}
    village.authority.calm()
    assert ask(village, "liar")["match"] == 5


def test_a_busy_service_is_asked_again_and_one_that_says_when_is_obeyed(village: Village) -> None:
    village.authority.busy_for = 2
    assert ask(village, person=village.persons[1])["match"] == 1
    assert village.authority.requests == 3
    village.forget()
    village.authority.mood = "closed"  # come back in an hour: nobody sits and waits for that
    started = time.monotonic()
    with pytest.raises(verify_identities.AuthoritySilent):
        ask(village)
    assert time.monotonic() - started < 5 and village.newest(1)[:3] == ("UNANSWERED", False, "platform.outgoing.busy")


@pytest.mark.parametrize("mood", ["slow", "dripping", "down"])
def test_a_service_that_does_not_answer_stops_the_run_and_the_next_one_goes_on(village: Village, mood: str) -> None:
    configure(village, "crvs", "DCI", settings={"registry": "crvs"}, batch_size=2, tries=1, timeout_seconds=0.3)
    village.authority.mood = mood
    with pytest.raises(verify_identities.AuthoritySilent) as caught:
        ask(village)
    assert isinstance(caught.value, Unavailable) and caught.value.details["unanswered"] == 6
    village.authority.calm()
    assert ask(village)["match"] == 5, "what was not answered is asked again"


def test_a_run_that_is_stopped_keeps_what_was_answered(village: Village) -> None:
    def stop(done: int, total: int, phase: str) -> None:
        assert total == 6
        if done >= 2:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        ask(village, progress=stop)
    assert len(village.authority.asked) == 2
    assert ask(village)["asked"] == 4
    assert set(village.authority.asked.values()) == {1}, "nobody was asked about twice"


def test_the_rate_is_held(village: Village) -> None:
    configure(village, "paced", "DCI", settings={"registry": "crvs"}, per_second=20.0, batch_size=1)
    ask(village, "paced")
    times = village.authority.times
    assert len(times) == 6 and times[-1] - times[0] > 5 / 20.0 - 0.03  # one may come late, and the next then early


def test_the_extract_answers_and_its_age_counts(village: Village) -> None:
    configure(village, "nadra", "OFFLINE", max_age_days=90)
    with pytest.raises(NotPermitted), access.scoped(village.administrator):
        access.require("identity.verify")
    from khana_methods.errors import NotConfigured

    with pytest.raises(NotConfigured):
        ask(village, "nadra")
    statement = "INSERT INTO identity_extractload (register, batch_id, rows, as_of) VALUES ('identity_nationalidrecord', 11, 7, %s)"
    village.run(statement, now() - timedelta(days=200))
    result = ask(village, "nadra", token=village.registrar)
    assert result["asked"] == 4 and result["set_aside"] == 3 and result["numbers_verified"] == 0
    assert village.newest(1)[:3] == ("MATCH", False, "TOO_OLD")
    village.run(statement, now() - timedelta(days=2))
    result = ask(village, "nadra", again=True)
    assert (result["match"], result["mismatch"], result["deceased"], result["not_found"]) == (3, 1, 1, 1)
    assert village.status(3) == "VERIFIED" and village.newest(5)[0] == "DECEASED"


@pytest.fixture(scope="module")
def mosip(village: Village) -> dict[str, bytes]:
    key, own = certificate()
    return {"sign_key": pem(key), "sign_certificate": pem(own), "ida_certificate": pem(village.authority.ida[1]),
            "misp_key": b"misp", "api_key": b"api"}  # fmt: skip


def _mosip(village: Village, secrets: dict[str, bytes], **more: Any) -> None:
    configure(village, "mosip", "MOSIP", address=f"{village.authority.address}/ida", settings={"partner": "khana"},
              secrets=secrets, **more)  # fmt: skip


def test_mosip_says_yes_no_and_unknown(village: Village, mosip: dict[str, bytes]) -> None:
    _mosip(village, mosip)
    village.authority.people[number(4)]["name"] = {"given_name": "Another"}
    try:
        result = ask(village, "mosip")
    finally:
        village.authority.people[number(4)]["name"] = {"given_name": "Somebody Else"}
    assert (result["match"], result["mismatch"], result["not_found"]) == (4, 1, 1)
    assert village.status(1) == "VERIFIED"
    assert oct(authorities.secret_path("mosip", "sign_key").stat().st_mode)[-3:] == "600"
    assert mosip["sign_key"].decode()[40:80] not in str(village.rows("SELECT settings FROM identity_authority"))


@pytest.mark.parametrize(("mood", "why"), [("forged", "SIGNATURE"), ("other-transaction", "OTHER_TRANSACTION")])
def test_mosip_is_not_believed_when_it_lies(village: Village, mosip: dict[str, bytes], mood: str, why: str) -> None:
    _mosip(village, mosip)
    village.authority.mood = mood
    ask(village, "mosip", person=village.persons[1])
    assert village.newest(1)[:3] == ("UNRELIABLE", False, why)


def _code() -> str:
    line = (places.folder("run") / telephone.FILE).read_text().splitlines()[-1]
    return str(json.loads(line)["text"]).split(" is your code")[0].removeprefix("Khana: ")


def test_a_service_that_needs_consent_is_asked_only_about_those_who_gave_it(
    village: Village, mosip: dict[str, bytes]
) -> None:
    _mosip(village, mosip, needs_consent=True)
    assert ask(village, "mosip")["asked"] == 0
    with access.scoped(village.registrar):
        asked = consent.ask(person_id=village.persons[1], purpose="identity_verification", at=now())
    assert (asked.channel, asked.telephone_from) == ("SMS:file", "SIM_REGISTER")
    with pytest.raises(consent.CodeWrong):
        take_consent.run(token=village.registrar, number=asked.transaction, code="x", at=now())
    assert village.rows("SELECT tries FROM identity_consent")[0][0] == 1, "a wrong try stays counted"
    given = take_consent.run(token=village.registrar, number=asked.transaction, code=_code(), at=now())
    assert given["transaction"] == asked.transaction
    assert ask(village, "mosip")["asked"] == 1 and village.authority.last_consent is True
    (held,) = village.rows(
        "SELECT c.channel, c.purpose, c.given_at, c.code_hash FROM identity_verification v JOIN identity_consent c"
        " ON c.id = v.consent_id"
    )
    assert held[:2] == ("SMS:file", "identity_verification") and held[2] is not None and _code().encode() not in held[3]
    assert ask(village, "mosip", again=True)["asked"] == 0, "one yes is good for one question"
    with pytest.raises(consent.CodeOver):
        take_consent.run(token=village.registrar, number=asked.transaction, code=_code(), at=now())
    with pytest.raises(NotPermitted), access.scoped(village.administrator):
        consent.ask(person_id=village.persons[1], purpose="x", at=now())
    with pytest.raises(consent.ConsentUnknown), access.scoped(village.registrar):
        consent.ask(person_id=village.persons[5], purpose="x", at=now())
