"""Subscribers are told, again where they do not take it, and replayed; and Khana subscribes to another registry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.factories.little_country import NORTH, NUMBERS, SOUTH
from tests.interfaces.api.conftest import Friend
from tests.interfaces.api.dci import Signer, by_number, header, now, search
from tests.interfaces.api.test_extracts import Receiver

from khana.access import services as access
from khana.access.functions import PermissionMissing
from khana.interfaces.jobs.work import work
from khana.sharing import own_keys, selectors, signatures
from khana.sharing.models import Message, Notice
from khana.sharing.services import asking, notifying, replaying, wishes

FIELDS = ("household_number", "district", "group_size", "poverty_score", "registration_date", "identifier", "name", "sex",
          "registered")  # fmt: skip


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KHANA_CALLBACK_LOOPBACK", "1")
    monkeypatch.setattr("khana.sharing.services.replies.PAUSES", (0.0, 0.0))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()


def subscribe(friend: Friend, host: str, event: str, record: str, place: str, as_role: Any, connect: Any) -> None:
    criteria = {
        "reg_event_type": event, "notify_record_type": record, "filter_type": "expression",
        "filter": {"value": {"expression": {"query": {"location": place}}}},
    }  # fmt: skip
    inner = {"transaction_id": str(uuid.uuid4()), "subscribe_request": [
        {"reference_id": "r", "timestamp": now(), "subscribe_criteria": criteria}]}  # fmt: skip
    as_role("web")
    body = {
        "header": header("subscribe", friend.code, sender_uri=f"http://{host}/registry/on-subscribe"),
        "message": inner,
    }
    status, ack = friend.send("/registry/subscribe", body)
    assert (status, ack["message"]["ack_status"]) == (200, "ACK"), ack
    with connect("owner") as owner:
        ((run,),) = owner.execute(
            "SELECT uuid FROM platform_jobrun WHERE state = 'QUEUED' AND kind = 'answer_message'"
        ).fetchall()
    as_role("worker")
    work(run)


def register(connect: Any, number: str, path: str, name: str, household: int = 0) -> int:
    """Register a household with one person, or another person of one."""
    later = 1 if household else 0
    with connect("owner") as owner:
        if not household:
            (household,) = owner.execute(
                "INSERT INTO registry_household (number, area_path, created_at) VALUES (%s, %s, now()) RETURNING id",
                [number, path],
            ).fetchone()
        (person,) = owner.execute(
            "INSERT INTO registry_person (area_path, created_at) VALUES (%s, now() + make_interval(secs => %s)) RETURNING id",
            [path, later],
        ).fetchone()
        owner.execute(
            "INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name,"
            " sex, birth_year, marital, facts) VALUES (%s, %s, '2020-01-01', now(), %s, '', '', 'F', 1980, 'M', '{}')",
            [person, path, name],
        )
        owner.execute(
            "INSERT INTO registry_membership (household_id, person_id, line_no, relation, is_member, area_path, valid_from,"
            " recorded_at) VALUES (%s, %s, %s, 'head', true, %s, '2020-01-01', now())",
            [household, person, person, path],
        )
    return int(household)


def at(minutes: int = 0) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [
        event
        for where, body in receiver.received
        if where == "/registry/notify"
        for event in body["message"]["notify_event"]
    ]


def test_subscribers_hear_of_new_households_and_members_once_and_only_of_theirs(
    befriend, agree, as_role, connect, receiver, officers
) -> None:
    friend = befriend("mis", callback_hosts=[receiver.host])
    agree("A-mis", "mis", fields=FIELDS)
    subscribe(friend, receiver.host, "REGISTER", "Group", "PK101", as_role, connect)
    subscribe(friend, receiver.host, "NewHouseHoldMember", "Member", "PK101", as_role, connect)
    assert notifying.sweep(at=at())["events"] == 0, "what was there before is no event"
    household = register(connect, "H-NEW", NORTH, "Hajra")
    register(connect, "H-FAR", SOUTH, "Rahima")
    counts = notifying.sweep(at=at())
    assert counts["taken"] == 1 and counts["subscriptions"] == 2
    (event,) = told(receiver)
    assert (event["data"]["reg_event_type"], event["data"]["reg_record_type"]) == ("REGISTER", "Group")
    assert event["data"]["reg_records"]["group_identifier"][0]["identifier_value"] == "H-NEW"
    _where, body = receiver.received[-1]
    assert body["header"]["action"] == "notify" and body["header"]["receiver_id"] == "mis"
    signatures.verify(body, profile="jws-compact", jwks=own_keys.public_set())
    assert notifying.sweep(at=at())["events"] == 0, "nobody is told twice"
    register(connect, "", NORTH, "Noor", household)
    assert notifying.sweep(at=at())["taken"] == 1
    assert [one["data"]["reg_event_type"] for one in told(receiver)] == ["REGISTER", "NewHouseHoldMember"]
    with connect("owner") as owner:
        events = owner.execute(
            "SELECT count(*) FROM audit_event WHERE action = 'sharing.person_disclosed' AND agreement = 'A-mis'"
        ).fetchone()
    assert events[0] >= 2, "each person who was told of is in the event log"
    with access.scoped(officers["administrator"]):
        rows = [row for row in selectors.list_subscriptions() if row["partner"] == "mis"]
    assert sorted((row["event"], row["taken"], row["waiting"]) for row in rows) == [
        ("NewHouseHoldMember", 1, 0), ("REGISTER", 1, 0),
    ]  # fmt: skip


def test_what_is_not_taken_is_kept_tried_later_given_up_and_replayed(
    befriend, agree, as_role, connect, officers, receiver
) -> None:
    friend = befriend("away", callback_hosts=[receiver.host])
    agree("A-away", "away", fields=FIELDS)
    subscribe(friend, receiver.host, "REGISTER", "Group", "PK201", as_role, connect)
    as_role("web")  # an answer that its call-back could not deliver
    receiver.status = 500
    friend.send("/registry/search", search("away", by_number(NUMBERS[1]), sender_uri=f"http://{receiver.host}/x"))
    with connect("owner") as owner:
        ((run,),) = owner.execute(
            "SELECT uuid FROM platform_jobrun WHERE state = 'QUEUED' AND kind = 'answer_message'"
        ).fetchall()
    as_role("worker")
    work(run)
    register(connect, "H-AWAY", SOUTH, "Salma")
    assert notifying.sweep(only="away", at=at())["waiting"] == 1
    tries = len(receiver.received)
    assert notifying.sweep(only="away", at=at())["waiting"] == 0 and len(receiver.received) == tries, (
        "not before its time"
    )
    for hours in range(1, 80, 6):
        notifying.sweep(only="away", at=at(minutes=60 * hours))
    with access.scoped(friend.token):
        kept = Notice.objects.get()
        assert (kept.state, kept.attempts, kept.http_status) == ("FAILED", notifying.MOST_TRIES, 500)
    receiver.status = 200
    with pytest.raises(PermissionMissing):
        replaying.replay(token=officers["data_steward"], code="away", at=at())
    counts = replaying.replay(token=officers["administrator"], code="away", at=at())
    assert (counts["answers"], counts["answers_taken"], counts["notices_taken"]) == (1, 1, 1)
    assert told(receiver)[-1]["data"]["reg_records"]["group_identifier"][0]["identifier_value"] == "H-AWAY"
    _where, answer = next(one for one in reversed(receiver.received) if one[0] == "/x")
    assert answer["message"]["search_response"][0]["status"] == "succ"
    with access.scoped(friend.token):
        assert not Message.objects.filter(state="FAILED").exists() and Notice.objects.get().state == "TAKEN"
    with pytest.raises(replaying.NothingWaits):
        replaying.replay(token=officers["administrator"], code="away", at=at())


def test_nothing_is_told_after_the_agreement_or_the_subscription_ended(
    befriend, agree, as_role, connect, officers, receiver
) -> None:
    from khana.sharing.services import agreements

    friend = befriend("gone", callback_hosts=[receiver.host])
    agree("A-gone", "gone", fields=FIELDS)
    subscribe(friend, receiver.host, "REGISTER", "Group", "PK101", as_role, connect)
    with access.scoped(officers["data_steward"]):
        agreements.end(number="A-gone", at=at())
    register(connect, "H-GONE", NORTH, "Zainab")
    assert notifying.sweep(only="gone", at=at()) | {"subscriptions": 0} == dict.fromkeys(
        ("subscriptions", "notices", "events", "taken", "waiting", "given_up"), 0
    )
    with pytest.raises(PermissionMissing):
        notifying.sweep(token=officers["data_steward"], at=at())


def test_khana_subscribes_and_its_wish_is_joined_by_the_answer(
    befriend, officers, monkeypatch, receiver, connect
) -> None:
    monkeypatch.setenv("KHANA_BASE_URL", "https://khana.example.org")
    friend = befriend("crvs-partner")
    theirs = Signer("jws-compact")
    receiver.answer = {"message": {"ack_status": "ACK", "timestamp": now(), "correlation_id": "c-1"}}
    with access.scoped(officers["administrator"]):
        asking.connect(
            code="crvs", address=f"http://{receiver.host}/registry", sender_id="crvs.test", profile="jws-compact",
            jwks=theirs.jwks(), partner_code="crvs-partner", at=at(),
        )  # fmt: skip
    rows = wishes.subscribe(token=officers["administrator"], registry="crvs", events=["LiveBirth", "Death"], at=at())
    assert [row["state"] for row in rows] == ["SENT", "SENT"]
    where, body = receiver.received[-1]
    assert where == "/registry/subscribe" and body["header"]["sender_uri"].startswith("https://khana.example.org/")
    signatures.verify(body, profile="jws-compact", jwks=own_keys.public_set())
    asked = body["message"]["subscribe_request"]
    answers = [
        {"reference_id": asked[0]["reference_id"], "timestamp": now(), "status": "succ", "locale": "eng",
         "subscriptions": [{"code": "s-77", "status": "subscribe", "timestamp": now()}]},
        {"reference_id": asked[1]["reference_id"], "timestamp": now(), "status": "rjct", "locale": "eng",
         "status_reason_code": "rjct.notify_types.invalid"},
    ]  # fmt: skip
    reply = {"header": header("on-subscribe", "crvs-partner", 2),
             "message": {"transaction_id": body["message"]["transaction_id"], "correlation_id": "c-1",
                         "subscribe_response": answers}}  # fmt: skip
    stranger = befriend("stranger")
    status, _ack = stranger.send("/registry/on-subscribe", {**reply, "header": header("on-subscribe", "stranger", 2)})
    assert status == 200
    with access.scoped(officers["administrator"]):
        assert {row["state"] for row in wishes.list_wishes()} == {"SENT"}, "another partner answers for nobody"
    status, _ack = friend.send("/registry/on-subscribe", reply)
    assert status == 200
    with access.scoped(officers["administrator"]):
        found = {row["event_type"]: row for row in wishes.list_wishes()}
    assert (found["LiveBirth"]["state"], found["LiveBirth"]["code"], found["Death"]["state"]) == (
        "IN_FORCE",
        "s-77",
        "REFUSED",
    )
    wishes.unsubscribe(token=officers["administrator"], wish=found["LiveBirth"]["wish"], at=at())
    assert receiver.received[-1][1]["message"]["subscription_codes"] == ["s-77"]
    with pytest.raises(wishes.WishNotOpen):
        wishes.unsubscribe(token=officers["administrator"], wish=found["LiveBirth"]["wish"], at=at())
