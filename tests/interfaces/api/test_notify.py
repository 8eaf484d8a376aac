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


def subscribe(
    friend: Friend, host: str, event: str, record: str, place: str, as_role: Any, connect: Any, registry: str = ""
) -> None:
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
    status, ack = friend.send(f"{registry}/registry/subscribe", body)
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


BENEFICIARY = (*FIELDS, "programmes")
_ENROL = """INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, person_id, household_number, source_code, state,
    state_at, changed_by, actor_id, reason, note, is_chosen, created_at)
    SELECT %s, 'BISP', p.area_path, %s, p.id, '', '', %s, now(), 'HUMAN', 0, '', '', false, now() FROM registry_person p WHERE p.id = %s
    RETURNING id"""


def enrol(connect: Any, number: str, programme: str, state: str, person: int, moves: tuple[str, ...] = ()) -> None:
    """Enrol somebody as the owner of the database would: the table of transitions has no say, the moves are written down."""
    from khana.platform import keys

    with connect("owner") as owner:
        owner.execute("ALTER TABLE beneficiaries_enrolment DISABLE TRIGGER USER")
        (made,) = owner.execute(_ENROL, [programme, keys.token("PK", number), state, person]).fetchone()
        for to in moves:
            owner.execute(
                "INSERT INTO beneficiaries_statechange (subject, subject_id, programme, agency, area_path, state_from, state_to,"
                " state_at, changed_by, actor_id, reason, note) SELECT 'enrolment', id, programme, agency, area_path, state, %s, now(),"
                " 'HUMAN', 0, '', '' FROM beneficiaries_enrolment WHERE id = %s", [to, made],
            )  # fmt: skip
            owner.execute("UPDATE beneficiaries_enrolment SET state = %s WHERE id = %s", [to, made])
        owner.execute("ALTER TABLE beneficiaries_enrolment ENABLE TRIGGER USER")


def person_of(connect: Any, number: str) -> int:
    from khana.platform import keys

    with connect("owner") as owner:
        (found,) = owner.execute(
            "SELECT person_id FROM registry_identifier WHERE token = %s", [keys.token("PK", number)]
        ).fetchone()
    return int(found)


def test_subscribers_of_the_single_registry_hear_of_enrolments_and_their_moves(
    befriend, agree, as_role, connect, receiver
) -> None:
    friend = befriend("ibr-mis", callback_hosts=[receiver.host])
    agree("A-ibr", "ibr-mis", fields=BENEFICIARY)
    first, second = person_of(connect, NUMBERS[1]), person_of(connect, NUMBERS[2])
    enrol(connect, NUMBERS[1], "OLD", "ENROLLED", first)
    for event in ("enrollement", "enrollement_status_change"):
        subscribe(friend, receiver.host, event, "Beneficiary", "PK101", as_role, connect, "/dci/ibr/v1.0.0")
    assert notifying.sweep(only="ibr-mis", at=at())["events"] == 0, "what was there before is no event"
    enrol(connect, NUMBERS[1], "KFL", "ENROLLED", first)  # began as enrolled: it has no move of its own
    enrol(connect, NUMBERS[2], "KFL", "SELECTED", second, ("NOTIFIED", "ENROLLED", "SUSPENDED", "EXITED"))
    assert notifying.sweep(only="ibr-mis", at=at())["taken"] == 2
    heard = sorted(
        (event["data"]["reg_event_type"], record["programme_identifier"][0]["programme_identifier"],
         record["enrolment_status"], record["member_identifier"][0]["identifier_value"])
        for event in told(receiver) for record in [event["data"]["reg_records"]]
    )  # fmt: skip
    assert heard == sorted([
        ("enrollement", "KFL", "Active", NUMBERS[1]), ("enrollement", "KFL", "Active", NUMBERS[2]),
        ("enrollement_status_change", "KFL", "Suspended", NUMBERS[2]), ("enrollement_status_change", "KFL", "Exited", NUMBERS[2]),
    ])  # fmt: skip
    assert notifying.sweep(only="ibr-mis", at=at())["events"] == 0, "nobody is told twice"
    for days in (8, 9):  # what was told a week ago is forgotten by raising the floors, and still told once
        assert notifying.sweep(only="ibr-mis", at=at(60 * 24 * days))["events"] == 0


def test_who_may_not_know_of_programmes_cannot_subscribe_to_enrolments(
    befriend, agree, as_role, connect, receiver
) -> None:
    friend = befriend("nosy", callback_hosts=[receiver.host])
    agree("A-nosy", "nosy", fields=FIELDS)
    subscribe(friend, receiver.host, "enrollement", "Beneficiary", "PK101", as_role, connect, "/dci/ibr/v1.0.0")
    _where, answer = receiver.received[-1]
    (item,) = answer["message"]["subscribe_response"]
    assert (item["status"], item["status_reason_code"]) == ("rjct", "rjct.notify_details.invalid")


def test_subscribers_hear_that_two_files_are_one_and_two_again(befriend, agree, as_role, connect, receiver) -> None:
    friend = befriend("merge-mis", callback_hosts=[receiver.host])
    agree("A-merge", "merge-mis", fields=FIELDS)
    for event in ("MERGE", "SPLIT"):
        subscribe(friend, receiver.host, event, "Member", "PK101", as_role, connect)
    one, other = person_of(connect, NUMBERS[1]), person_of(connect, NUMBERS[2])
    with connect("owner") as owner:
        owner.execute("ALTER TABLE registry_alias DISABLE TRIGGER USER")
        owner.execute(
            "INSERT INTO registry_alias (person_id, current_id, area_path, current_area_path, needs_second, reason, end_reason)"
            " SELECT %s, %s, area_path, area_path, true, '', '' FROM registry_person WHERE id = %s", [other, one, one],
        )  # fmt: skip
    assert notifying.sweep(only="merge-mis", at=at())["events"] == 0, "a merge that waits for a second person is none"
    status, found = friend.send("/registry/sync/search", search("merge-mis", by_number(NUMBERS[2])))
    assert found["message"]["search_response"][0]["data"]["reg_records"][0]["member_identifier"] == [
        {"@type": "Identifier", "identifier_type": "CNIC", "identifier_value": NUMBERS[2]}
    ]
    with connect("owner") as owner:
        owner.execute("UPDATE registry_alias SET valid_from = now() WHERE person_id = %s", [other])
    assert notifying.sweep(only="merge-mis", at=at())["taken"] == 1
    record = told(receiver)[-1]["data"]["reg_records"]
    assert {held["identifier_value"] for held in record["member_identifier"]} == {NUMBERS[1], NUMBERS[2]}
    assert [held["identifier_value"] for held in record["merged_identifier"]] == [NUMBERS[2]]
    status, found = friend.send(
        "/registry/sync/search", search("merge-mis", by_number(NUMBERS[2]), by_number(NUMBERS[1]))
    )
    numbers = [
        {held["identifier_value"] for record in item["data"]["reg_records"] for held in record["member_identifier"]}
        for item in found["message"]["search_response"]
    ]
    assert status == 200 and numbers == [{NUMBERS[1], NUMBERS[2]}] * 2, "either number finds the one file with both"
    with connect("owner") as owner:
        owner.execute("UPDATE registry_alias SET valid_to = now() WHERE person_id = %s", [other])
        owner.execute("ALTER TABLE registry_alias ENABLE TRIGGER USER")
    assert notifying.sweep(only="merge-mis", at=at())["taken"] == 1
    event = told(receiver)[-1]["data"]
    assert event["reg_event_type"] == "SPLIT"
    assert [held["identifier_value"] for held in event["reg_records"]["split_from_identifier"]] == [NUMBERS[1]]
    assert notifying.sweep(only="merge-mis", at=at())["events"] == 0
