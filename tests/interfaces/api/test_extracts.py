"""From a drafted agreement to a delivered file: two people, the machine check, encryption, marks; and call-backs."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import Client
from joserfc import jwe, jws
from joserfc.jwk import OKPKey, RSAKey
from tests.factories.little_country import NUMBERS
from tests.interfaces.api.conftest import FIELDS, Friend
from tests.interfaces.api.dci import by_number, header, search

from khana.access import services as access
from khana.interfaces.jobs import worker
from khana.interfaces.jobs.work import work
from khana.platform import clock, files, jobs
from khana.sharing import own_keys, selectors
from khana.sharing.models import Agreement, Extract, Message
from khana.sharing.services import agreements, extracts, partners


def approve(officers: dict[str, str], number: str) -> str:
    state = ""
    for role in ("administrator", "data_protection_officer"):
        with access.scoped(officers[role]):
            state = extracts.approve(number=number, at=clock.now())
    return state


def made(officers: dict[str, str], as_role, agreement: str, **more: Any) -> Any:
    with access.scoped(officers["data_steward"]):
        number = extracts.draft(agreement=agreement, at=clock.now(), **more).number
    assert approve(officers, number) == "APPROVED"
    as_role("worker")
    extracts.make(token=officers["administrator"], extract=number, at=clock.now())
    with access.scoped(officers["data_steward"]):
        return extracts.get(number)


def opened(friend: Friend, one: Any) -> list[dict[str, str]]:
    key = RSAKey.import_key(friend.signer.pem())
    with files.open(one.sha256) as handle:
        parts = [
            jwe.decrypt_compact(line.strip().decode(), key, algorithms=["RSA-OAEP-256", "A256GCM"],
                                registry=jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"], strict_check_header=False)).plaintext
            for line in handle
        ]  # fmt: skip
    return list(csv.DictReader(io.StringIO(b"".join(part or b"" for part in parts).decode())))


def test_nobody_approves_alone_or_her_own(befriend, officers, tokens, connect) -> None:
    befriend("two")
    at = datetime.now(UTC)
    terms = agreements.Terms(number="TWO", partner="two", title="t", level="RECORD", purpose="research", legal_basis="x",
                             fields=["name"], valid_from=at, valid_to=at + timedelta(days=9), retention_days=1)  # fmt: skip
    with access.scoped(officers["data_steward"]):
        agreements.draft(terms=terms, at=at)
        with pytest.raises(access.PermissionMissing):
            agreements.approve(number="TWO", at=at)
    with access.scoped(officers["administrator"]):
        assert agreements.approve(number="TWO", at=at) == "DRAFT"
        with pytest.raises(agreements.NotWaiting):
            agreements.approve(number="TWO", at=at)
    with connect("web") as web:  # the database itself: no state without two, no approval in another's name
        web.execute("SELECT set_config('khana.token', %s, false)", [officers["data_steward"]])
        for statement in (
            "UPDATE sharing_agreement SET state = 'IN_FORCE' WHERE number = 'TWO'",
            "INSERT INTO sharing_approval (agreement_id, actor_id, approved_at) SELECT id, 1, now() FROM sharing_agreement WHERE number = 'TWO'",
            "INSERT INTO access_grant (user_id, role, area_path, agency, valid_from, mandate) VALUES (1, 'mandate_reader', '', '', now(), 'TWO')",
        ):
            with pytest.raises(Exception, match=r"two approvals|row-level security|permission denied"):
                web.execute(statement)
            web.rollback()
            web.execute("SELECT set_config('khana.token', %s, false)", [officers["data_steward"]])
    with access.scoped(officers["data_protection_officer"]):
        assert agreements.approve(number="TWO", at=at) == "IN_FORCE"


@pytest.mark.parametrize("change", [
    {"number": ""}, {"level": "ALL"}, {"purpose": "curiosity"}, {"legal_basis": " "}, {"fields": []}, {"retention_days": 0},
    {"level": "LIST"}, {"level": "ANSWER", "fields": ["name"]}, {"fields": ["iris"]}, {"population_rule": "1=1; DROP TABLE x"},
    {"valid_to": datetime(2020, 1, 1, tzinfo=UTC)}, {"area_code": "XX"}, {"partner": "nobody"},
])  # fmt: skip
def test_terms_that_are_refused(befriend, officers, friends, change) -> None:
    at = datetime.now(UTC)
    terms: dict[str, Any] = {"number": "N", "partner": "of-cavage", "title": "t", "level": "RECORD", "purpose": "research",
                             "legal_basis": "x", "fields": ["name"], "valid_from": at, "valid_to": at + timedelta(days=9),
                             "retention_days": 1}  # fmt: skip
    with access.scoped(officers["data_steward"]), pytest.raises(Exception, match=r"\w") as raised:
        agreements.draft(terms=agreements.Terms(**{**terms, **change}), at=at)
    assert raised.value.http_status in (404, 422)


def test_an_identified_list_is_delivered_to_its_partner_only(befriend, agree, officers, as_role, connect) -> None:
    friend = befriend("listed")
    agree("A-listed", "listed", level="LIST", programme="OAA", fields=("identifier", "name", "sex"))
    one = made(officers, as_role, "A-listed", reason="payment")
    rows = opened(friend, one)
    numbers = {row["identifier"].split()[-1]: row["name"] for row in rows}
    assert numbers[NUMBERS[1]] == "Amna খাতুন" and set(numbers) == {NUMBERS[1], NUMBERS[3]}
    assert one.manifest["rows"] == 2 and one.manifest["sha256"] == one.sha256 and one.state == "DELIVERED"
    key = OKPKey.import_key(next(k for k in own_keys.public_set()["keys"] if k["kty"] == "OKP"))
    signed = json.loads(jws.deserialize_compact(one.manifest["jws"], key, algorithms=["EdDSA"]).payload)
    assert signed["sha256"] == one.sha256 and signed["destroy_by"] > signed["made_at"]
    as_role("web")
    got = Client().get(f"/dci/extracts/{one.number}", headers={"Authorization": f"Bearer {friend.token}"})
    body = b"".join(got.streaming_content)
    assert got.status_code == 200 and hashlib.sha256(body).hexdigest() == one.sha256
    other = befriend("curious")
    assert (
        Client().get(f"/dci/extracts/{one.number}", headers={"Authorization": f"Bearer {other.token}"}).status_code
        == 404
    )
    with access.scoped(officers["data_steward"]):
        assert extracts.trace(marks=[rows[0]["record_id"]], at=clock.now()) == [
            {"extract": one.number, "partner": "listed", "marks": 1, "agreement": "A-listed"}
        ]
        assert extracts.trace(marks=["0" * 20], at=clock.now()) == []
        assert extracts.fetch(number=one.number, at=clock.now()).fetched_count == 1
        assert extracts.get(one.number).fetched_count == 2
        with pytest.raises(extracts.ExtractNotReady):
            extracts.fetch(number=one.number, at=clock.now() + timedelta(days=15))
        assert extracts.expire(at=clock.now() + timedelta(days=15)) == 0, "a clock that runs ahead lets nothing expire"
        Extract.objects.filter(number=one.number).update(expires_at=clock.now())
    with access.scoped(officers["administrator"]), pytest.raises(access.PermissionMissing):
        extracts.expire(at=clock.now())
    assert files.path_of(one.sha256).exists()
    as_role("worker")
    worker.expire_extracts()  # the nightly round, in nobody's name
    assert not files.path_of(one.sha256).exists()
    with connect("owner") as owner:
        told = owner.execute("SELECT actor_id FROM audit_event WHERE action = 'sharing.extract_expired'").fetchall()
    assert told == [(None,)]


def test_two_partners_cannot_join_what_they_hold(befriend, agree, officers, as_role) -> None:
    seen = {}
    for code, group in (("p-one", ""), ("p-two", ""), ("p-three", "g"), ("p-four", "g")):
        friend = befriend(code, join_group=group)
        agree(f"A-{code}", code, fields=("name",))
        as_role("web")
        rows = opened(friend, made(officers, as_role, f"A-{code}"))
        seen[code] = {row["name"]: row["pseudonym"] for row in rows}
        as_role("web")
    assert len(seen["p-one"]) == 3 and seen["p-one"].keys() == seen["p-two"].keys()
    assert not set(seen["p-one"].values()) & set(seen["p-two"].values())
    assert seen["p-three"] == seen["p-four"]


def test_what_an_agreement_does_not_allow_is_not_drafted(friends, agree, befriend, officers) -> None:
    befriend("statistics")
    agree(
        "A-statistics",
        "statistics",
        level="AGGREGATE",
        fields=("sex", "district"),
        purpose="statistics",
        area_code="PK101",
        max_extracts=0,
    )
    with access.scoped(officers["data_steward"]):
        for more, said in (
            ({"by": ["sex", "score_class"]}, "score_class"), ({}, "dimensions"), ({"by": ["sex"], "area_code": "PK201"}, "outside"),
            ({"by": ["sex"]}, "are used"),
        ):  # fmt: skip
            with pytest.raises(extracts.ExtractRefused, match=said):
                extracts.draft(agreement="A-statistics", at=clock.now(), **more)


def test_counts_leave_protected_and_microdata_hide_people(befriend, agree, officers, as_role) -> None:
    friend = befriend("numbers")
    agree("A-numbers", "numbers", level="AGGREGATE", fields=("sex", "district"), purpose="statistics")
    rows = opened(friend, made(officers, as_role, "A-numbers", by=["district", "sex"]))
    assert {row["people"] for row in rows} == {""}  # three people in all: nothing may be shown
    as_role("web")
    agree("A-micro", "numbers", level="MICRODATA", fields=("sex", "age"), purpose="research")
    with access.scoped(officers["data_steward"]):
        number = extracts.draft(agreement="A-micro", at=clock.now()).number
    approve(officers, number)
    as_role("worker")
    with pytest.raises(Exception, match="5-anonymity"):
        extracts.make(token=officers["administrator"], extract=number, at=clock.now())
    with access.scoped(officers["data_steward"]):
        assert extracts.get(number).state == "FAILED"


def test_an_agreement_that_ended_meanwhile_gives_no_file(befriend, agree, officers, as_role) -> None:
    befriend("late")
    agree("A-late", "late", fields=("name",))
    with access.scoped(officers["data_steward"]):
        number = extracts.draft(agreement="A-late", at=clock.now()).number
    approve(officers, number)
    with access.scoped(officers["data_steward"]):
        agreements.end(number="A-late", at=clock.now())
    as_role("worker")
    with pytest.raises(access.AccessNotFound):
        extracts.make(token=officers["administrator"], extract=number, at=clock.now())


def test_the_web_role_cannot_adopt_an_extract(connect) -> None:
    with connect("web") as web, pytest.raises(Exception, match="permission denied"):
        web.execute("SELECT * FROM khana_private.sharing_adopt_extract('X')")


@pytest.mark.parametrize("keys", [
    {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, {"keys": [{"kty": "RSA", "n": "x", "e": "AQAB"}]}, {"keys": "x"}, {"keys": []},
    {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "d": "AAAA"}]}, {"keys": [{}] * 30},
])  # fmt: skip
def test_key_sets_that_are_refused(officers, keys) -> None:
    with access.scoped(officers["administrator"]), pytest.raises(partners.PartnerWrong):
        partners.add(code="bad", name="bad", profile="jws-compact", jwks=keys, at=clock.now())


class Receiver:
    """The partner's own server, on this machine."""

    def __init__(self, status: int = 200) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.status, self.answer = status, {}  # type: ignore[var-annotated]
        received, outer = self.received, self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.append((self.path, body))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(json.dumps(outer.answer).encode())

            def log_message(self, *_words: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


ASKS = {
    "search": ("/registry/search", "on-search", "search_response"),
    "subscribe": ("/registry/subscribe", "on-subscribe", "subscribe_response"),
    "txn-status": ("/registry/txn/status", "txn-on-status", "txnstatus_response"),
    "unsubscribe": ("/registry/unsubscribe", "on-unsubscribe", "subscription_status"),
}


def message_of(action: str, code: str, uri: str, subscription: str) -> dict[str, Any]:
    if action == "search":
        return search(code, by_number(NUMBERS[1]), sender_uri=uri)
    at = datetime.now(UTC).isoformat()
    inner: dict[str, Any] = {"transaction_id": f"t-{action}"}
    if action == "subscribe":
        criteria = {
            "reg_event_type": "REGISTER",
            "filter": {"type": "CNIC", "value": NUMBERS[1]},
            "notify_record_type": "Member",
        }
        inner["subscribe_request"] = [{"reference_id": "r", "timestamp": at, "subscribe_criteria": criteria}]
    elif action == "txn-status":
        inner["txnstatus_request"] = {
            "reference_id": "r",
            "txn_type": "search",
            "attribute_type": "transaction_id",
            "attribute_value": "unknown",
        }
    else:
        inner |= {"timestamp": at, "subscription_codes": [subscription]}
    return {"header": header(action, code, sender_uri=uri), "message": inner}


def test_async_calls_are_acknowledged_and_called_back(befriend, agree, as_role, monkeypatch, connect) -> None:
    monkeypatch.setenv("KHANA_CALLBACK_LOOPBACK", "1")
    receiver = Receiver()
    friend = befriend("async", callback_hosts=[receiver.host])
    agree("A-async", "async", fields=FIELDS)
    subscription = ""
    for action, (path, reply, name) in ASKS.items():
        as_role("web")
        body = message_of(action, "async", f"http://{receiver.host}/my{path}", subscription)
        status, ack = friend.send(path, body)
        assert (status, ack["message"]["ack_status"]) == (200, "ACK"), ack
        with connect("owner") as owner:
            ((run,),) = owner.execute(
                "SELECT uuid FROM platform_jobrun WHERE state = 'QUEUED' AND kind = 'answer_message'"
            ).fetchall()
        as_role("worker")
        work(run)
        with access.scoped(friend.token):
            assert jobs.get(run).state == "DONE", jobs.get(run).message
        where, sent = receiver.received[-1]
        assert where == f"/my{path}" and sent["header"]["action"] == reply
        assert sent["message"]["correlation_id"] == ack["message"]["correlation_id"]
        assert sent["message"]["transaction_id"] == body["message"]["transaction_id"]
        assert name in sent["message"], sent
        if action == "subscribe":
            subscription = sent["message"]["subscribe_response"][0]["subscriptions"][0]["code"]
    assert sent["message"]["subscription_status"] == [{"code": subscription, "status": "unsubscribe"}]
    receiver.server.shutdown()


def test_a_partner_that_does_not_answer_is_tried_and_kept(
    befriend, agree, as_role, monkeypatch, connect, officers
) -> None:
    monkeypatch.setenv("KHANA_CALLBACK_LOOPBACK", "1")
    monkeypatch.setattr("khana.sharing.services.replies.PAUSES", (0.0, 0.0))
    receiver = Receiver(status=500)
    friend = befriend("deaf", callback_hosts=[receiver.host])
    agree("A-deaf", "deaf", fields=FIELDS)
    status, ack = friend.send(
        "/registry/search", search("deaf", by_number(NUMBERS[1]), sender_uri=f"http://{receiver.host}/x")
    )
    assert status == 200
    with connect("owner") as owner:
        ((run,),) = owner.execute(
            "SELECT uuid FROM platform_jobrun WHERE state = 'QUEUED' AND kind = 'answer_message'"
        ).fetchall()
    as_role("worker")
    work(run)
    with access.scoped(friend.token):
        kept = Message.objects.get(uuid=ack["message"]["correlation_id"])
        assert (kept.state, kept.attempts, len(receiver.received)) == ("FAILED", 3, 3)
    with access.scoped(officers["administrator"]):
        assert [row["state"] for row in selectors.list_calls("deaf", failed=True)] == ["FAILED"]
    receiver.server.shutdown()


def test_an_internal_address_is_not_called_even_if_it_was_agreed(befriend, agree, as_role, connect) -> None:
    receiver = Receiver()
    friend = befriend("inside", callback_hosts=[receiver.host, "10.0.0.1", "169.254.169.254"])
    agree("A-inside", "inside", fields=FIELDS)
    for uri in (f"http://{receiver.host}/x", "http://10.0.0.1/x", "http://169.254.169.254/latest/meta-data"):
        as_role("web")
        friend.send("/registry/search", search("inside", by_number(NUMBERS[1]), sender_uri=uri))
        with connect("owner") as owner:
            ((run,),) = owner.execute(
                "SELECT uuid FROM platform_jobrun WHERE state = 'QUEUED' AND kind = 'answer_message'"
            ).fetchall()
        as_role("worker")
        work(run)
    assert receiver.received == []
    with access.scoped(friend.token):
        assert set(Message.objects.values_list("state", flat=True).order_by("id")) == {"FAILED"}
    receiver.server.shutdown()


def test_agreements_know_their_states() -> None:
    assert Agreement.TRANSITIONS[Agreement.State.ENDED] == set()
