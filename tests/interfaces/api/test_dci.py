"""The standard interfaces: what partners get, in every profile, and what is refused."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from joserfc import jwe, jws
from joserfc.jwk import OKPKey, RSAKey
from tests.factories.little_country import NUMBERS
from tests.interfaces.api.conftest import Friend
from tests.interfaces.api.dci import PROFILES, b64, by_number, header, now, search

from khana.access import services as access
from khana.sharing import own_keys, signatures
from khana.sharing.services import agreements

SYNC = "/dci/sr/v1.0.0/registry/sync/search"


def found(body: dict[str, Any]) -> list[dict[str, Any]]:
    (item,) = body["message"]["search_response"]
    assert item["status"] == "succ", item
    return item["data"]["reg_records"]


def refused(status: int, body: dict[str, Any], code: str, http: int = 200) -> None:
    assert status == http, body
    assert body["message"]["ack_status"] == "ERR" and body["message"]["error"]["code"] == code, body


@pytest.mark.parametrize("profile", PROFILES)
def test_each_profile_asks_and_is_answered_in_urdu_and_bangla(
    friends: dict[str, Friend], profile: str, connect
) -> None:
    friend = friends[profile]
    asked = search(friend.code, by_number("11101-1234567-1", response_entity="Member"), meta={"note": "نام কেমন"})
    status, body = friend.send(SYNC, asked)
    assert status == 200, body
    (person,) = found(body)
    assert person["demographic_info"]["name"]["surname"] == "খাতুন"
    assert person["demographic_info"]["name"]["full_name_native"] == "آمنہ بی بی"
    assert person["member_identifier"] == [
        {"@type": "Identifier", "identifier_type": "CNIC", "identifier_value": NUMBERS[1]}
    ]
    assert body["header"]["action"] == "on-search" and body["header"]["status"] == "succ"
    with connect("owner") as owner:
        events = owner.execute(
            "SELECT subject, purpose, agreement, request FROM audit_event WHERE action = 'sharing.person_disclosed'"
            " AND agreement = %s", [f"A-{profile}"],
        ).fetchall()  # fmt: skip
    assert [(e[1], e[2]) for e in events] == [("case_management", f"A-{profile}")]
    assert events[0][0].startswith("person:") and events[0][3] == asked["header"]["message_id"]


@pytest.mark.parametrize("profile", PROFILES)
def test_answers_bear_a_signature_that_others_can_verify(friends: dict[str, Friend], profile: str) -> None:
    friend = friends[profile]
    body, headers = friend.signer.sign(search(friend.code, by_number(NUMBERS[1])), friend.code)
    response = Client().post(SYNC, json.dumps(body), content_type="application/json",
                             headers={"Authorization": f"Bearer {friend.token}", **headers})  # fmt: skip
    answer = json.loads(response.content)
    published = json.loads(Client().get("/.well-known/jwks.json").content)
    assert all("d" not in key for key in published["keys"])
    signatures.verify(answer, profile=profile, jwks=published, detached=response.headers.get("Signature", ""))
    if profile == "jws-compact":  # and by the library alone
        key = OKPKey.import_key(next(k for k in published["keys"] if k["kty"] == "OKP"))
        payload = json.loads(jws.deserialize_compact(answer["signature"], key, algorithms=["EdDSA"]).payload)
        assert payload == {"header": answer["header"], "message": answer["message"]}
    answer["message"]["transaction_id"] = "another"
    with pytest.raises(signatures.SignatureInvalid):
        signatures.verify(answer, profile=profile, jwks=published, detached=response.headers.get("Signature", ""))


@pytest.mark.parametrize(
    "base", ["/registry", "/sr", "/sr/registry", "/dci/sr/v1.0.0/registry", "/ibr", "/dci/ibr/v1.0.0/registry"]
)
def test_every_alias_is_the_same_door(friend: Friend, base: str) -> None:
    status, body = friend.send(f"{base}/sync/search", search(friend.code, by_number(NUMBERS[1])))
    assert status == 200 and len(found(body)) == 1


QUERIES: list[tuple[dict[str, Any], int]] = [
    ({"query_type": "predicate", "query": [{"seq_num": 1, "expression1": {"attribute_name": "poverty_score", "operator": "lt", "attribute_value": "101"}, "condition": "and", "expression2": {"attribute_name": "group_size", "operator": "ge", "attribute_value": "1"}}]}, 3),
    ({"query_type": "predicate", "query": [{"expression1": {"attribute_name": "age", "operator": "lt", "attribute_value": 5}}]}, 0),
    ({"query_type": "expression", "query": {"type": "ns:org:QueryType:expression", "value": {"expression": {"collection": "Member", "query": {"$and": [{"location": {"$eq": "PK101"}}]}}}}}, 2),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"$or": [{"location": "PK201"}, {"$not": {"sex": {"$in": ["F"]}}}]}}}}}, 1),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"$not": {"location": "PK201"}}}}}}, 2),
]  # fmt: skip


@pytest.mark.parametrize(("criteria", "count"), QUERIES)
def test_query_types(friend: Friend, criteria: dict[str, Any], count: int) -> None:
    status, body = friend.send(SYNC, search(friend.code, {**criteria, "response_entity": "Member"}))
    assert status == 200
    assert len(found(body)) == count
    (item,) = body["message"]["search_response"]
    assert item["pagination"] == {"page_size": 10, "page_number": 1, "total_count": count}


def test_pages_and_order(friend: Friend) -> None:
    every = {"query_type": "expression", "query": {"value": {"expression": {"query": {"poverty_score": {"$gte": 0}}}}}}
    seen = []
    for number in (1, 2, 3, 4):
        criteria = {**every, "response_entity": "Group", "sort": [{"attribute_name": "poverty_score", "sort_order": "desc"}],
                    "pagination": {"page_size": 1, "page_number": number}}  # fmt: skip
        _status, body = friend.send(SYNC, search(friend.code, criteria))
        seen += [record["poverty_score"] for record in found(body)]
        assert body["message"]["search_response"][0]["pagination"]["total_count"] == 3
    assert seen == sorted(seen, reverse=True) and len(seen) == 3


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"povrty_score": {"$lt": 32}}}}}}, "rjct.filter.invalid"),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {}}}}}, "rjct.filter.invalid"),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"poverty_score": {"$where": "1=1"}}}}}}, "rjct.filter.invalid"),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"poverty_score": {"$lt": {"$gt": 1}}}}}}}, "rjct.filter.invalid"),
    ({"query_type": "expression", "query": {"value": {"expression": {"query": {"sex": {"$eq": "F' OR 1=1 --"}}, "extra": 1}}}}, "rjct.filter.invalid"),
    ({"query_type": "predicate", "query": []}, "rjct.filter.invalid"),
    ({"query_type": "predicate", "query": [{"expression1": {"attribute_name": "income", "operator": "eq", "attribute_value": 1}}]}, "rjct.filter.invalid"),
    ({"query_type": "graphql", "query": {"type": "x", "value": "{ registry { id } }"}}, "rjct.search_criteria.invalid"),
    ({"query_type": "idtype-value", "query": {"type": "PASSPORT", "value": "1"}}, "rjct.filter.invalid"),
    ({"query_type": "idtype-value", "query": {"type": "CNIC", "value": NUMBERS[1]}, "nonsense": 1}, "rjct.search_criteria.invalid"),
    ({**by_number(NUMBERS[1]), "sort": [{"attribute_name": "name"}]}, "rjct.sort.invalid"),
    ({**by_number(NUMBERS[1]), "pagination": {"page_size": 0}}, "rjct.pagination.invalid"),
    ({**by_number(NUMBERS[1]), "pagination": {"page_size": 10_000_000}}, "rjct.pagination.invalid"),
    ({**by_number(NUMBERS[1]), "pagination": {"page_size": 1, "page_number": 0}}, "rjct.pagination.invalid"),
    ({**by_number(NUMBERS[1]), "response_entity": "Secret"}, "rjct.search_criteria.invalid"),
]  # fmt: skip


@pytest.mark.parametrize(("criteria", "code"), REFUSED)
def test_what_is_not_known_is_refused_and_never_passed_over(
    friend: Friend, criteria: dict[str, Any], code: str
) -> None:
    status, body = friend.send(SYNC, search(friend.code, {"response_entity": "Member", **criteria}))
    assert status == 200, body
    (item,) = body["message"]["search_response"]
    assert (item["status"], item["status_reason_code"]) == ("rjct", code), item
    assert "data" not in item and body["header"]["status"] == "rjct"


def test_nothing_beyond_the_agreement(befriend, agree, friend: Friend) -> None:
    narrow = befriend("narrow")
    _status, body = narrow.send(SYNC, search("narrow", by_number(NUMBERS[1])))
    assert body["message"]["search_response"][0]["status_reason_code"] == "rjct.search_criteria.invalid"  # no agreement
    agree(
        "A-narrow",
        "narrow",
        level="LIST",
        programme="OAA",
        fields=("registered", "name", "programmes"),
        area_code="PK101",
    )
    _status, body = narrow.send(SYNC, search("narrow", by_number(NUMBERS[1], response_entity="Member")))
    (person,) = found(body)
    assert "member_identifier" not in person and "poverty_score" not in person
    assert person["demographic_info"]["name"]["surname"] == "খাতুন"
    for number in (NUMBERS[3], "TEST-001"):  # another area; no number at all
        _status, body = narrow.send(SYNC, search("narrow", by_number(number)))
        assert found(body) == []
    by_score = {
        "query_type": "expression",
        "query": {"value": {"expression": {"query": {"poverty_score": {"$lt": 99}}}}},
    }
    _status, body = narrow.send(SYNC, search("narrow", by_score))
    assert body["message"]["search_response"][0]["status_reason_code"] == "rjct.filter.invalid"


def test_yes_or_no_only_about_whom_one_knows(befriend, agree) -> None:
    asker = befriend("asker")
    agree("A-asker", "asker", level="ANSWER", fields=("registered", "score_class"))
    _status, body = asker.send(SYNC, search("asker", by_number(NUMBERS[1])))
    (answer,) = found(body)
    assert answer["registered"] is True and set(answer) <= {"@context", "@type", "registered", "score_class"}
    everybody = {
        "query_type": "predicate",
        "query": [
            {"expression1": {"attribute_name": "score_class", "operator": "in", "attribute_value": "0-10,10-20"}}
        ],
    }
    _status, body = asker.send(SYNC, search("asker", everybody))
    assert body["message"]["search_response"][0]["status_reason_code"] == "rjct.search_criteria.invalid"


def test_one_who_refused_is_not_found(befriend, agree, connect) -> None:
    other = befriend("refused")
    agree("A-refused", "refused")
    with connect("owner") as owner:
        owner.execute(
            "INSERT INTO sharing_refusal (person_id, area_path, kind, partner_code, told_by, told_at)"
            " SELECT i.person_id, i.area_path, 'OBJECTION', 'refused', 'CITIZEN', now() FROM registry_identifier i"
            " WHERE i.token = (SELECT token FROM registry_identifier ORDER BY id LIMIT 1)"
        )
    _status, body = other.send(SYNC, search("refused", by_number(NUMBERS[1])))
    assert found(body) == []


def test_an_agreement_that_ended_gives_nothing(befriend, agree, officers) -> None:
    brief = befriend("brief")
    agree("A-brief", "brief")
    assert len(found(brief.send(SYNC, search("brief", by_number(NUMBERS[1])))[1])) == 1
    with access.scoped(officers["data_steward"]):
        agreements.end(number="A-brief", at=datetime.now(UTC))
    _status, body = brief.send(SYNC, search("brief", by_number(NUMBERS[1])))
    assert body["message"]["search_response"][0]["status"] == "rjct"


def test_a_partners_token_opens_no_other_door(friend: Friend) -> None:
    client = Client()
    answer = client.get("/api/v1/persons", {"number": NUMBERS[1]}, headers={"Authorization": f"Bearer {friend.token}"})
    assert answer.status_code == 403


def test_unsigned_and_wrongly_signed_are_refused(friends: dict[str, Friend]) -> None:
    for profile in PROFILES:
        friend = friends[profile]
        plain = search(friend.code, by_number(NUMBERS[1]))
        refused(*friend.post(SYNC, plain), "err.signature.missing")
        refused(*friend.post(SYNC, {**plain, "signature": "unsigned-stub"}), "err.signature.missing")
        if profile != "jws-detached":
            refused(*friend.post(SYNC, {**plain, "signature": "invalid-signature"}), "err.signature.invalid")
        signed, headers = friend.signer.sign(search(friend.code, by_number(NUMBERS[1])), friend.code)
        signed["message"]["search_request"][0]["search_criteria"]["query"]["value"] = NUMBERS[3]
        refused(*friend.post(SYNC, signed, **headers), "err.signature.invalid")
        other = friends[PROFILES[(PROFILES.index(profile) + 1) % 3]]
        body, headers = other.signer.sign(search(friend.code, by_number(NUMBERS[1])), friend.code)
        code = "err.signature.missing" if (profile != "jws-detached" and "signature" not in body) or (
            profile == "jws-detached" and not headers) else "err.signature.invalid"  # fmt: skip
        refused(*friend.post(SYNC, body, **headers), code)


def test_no_algorithm_of_the_message_is_believed(friend: Friend) -> None:
    body = search(friend.code, by_number(NUMBERS[1]))
    payload = b64(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())
    public = friend.signer.jwks()["keys"][1]["n"]
    import hashlib
    import hmac

    for head in ({"alg": "none"}, {"alg": "HS256", "kid": "rsa-1"}, {"alg": "RS256", "kid": "rsa-1", "crit": ["b64"]},
                 {"alg": "PS256", "kid": "ed-1"}):  # fmt: skip
        first = b64(json.dumps(head).encode())
        tail = (
            b64(hmac.digest(public.encode(), f"{first}.{payload}".encode(), hashlib.sha256))
            if head["alg"] != "none"
            else ""
        )
        refused(*friend.post(SYNC, {"signature": f"{first}.{payload}.{tail}", **body}), "err.signature.invalid")


def test_old_and_future_signatures_are_refused(friends: dict[str, Friend]) -> None:
    friend = friends["cavage"]
    for shift in (-1000, 1000):
        status, body = friend.send(SYNC, search(friend.code, by_number(NUMBERS[1])), created=int(time.time()) + shift)
        refused(status, body, "err.signature.invalid")


def test_a_message_is_taken_once_and_in_its_time(friend: Friend) -> None:
    asked = search(friend.code, by_number(NUMBERS[1]))
    assert friend.send(SYNC, asked)[1]["header"]["status"] == "succ"
    body = friend.send(SYNC, asked)[1]
    assert (
        body["header"]["status_reason_code"] == "rjct.message_id.duplicate" and body["message"]["search_response"] == []
    )
    for change, code in (
        ({"message_ts": (datetime.now(UTC) - timedelta(minutes=9)).isoformat()}, "rjct.message_ts.invalid"),
        ({"version": "9.9"}, "rjct.version.invalid"), ({"total_count": 7}, "rjct.total_count.invalid"),
        ({"action": "subscribe"}, "rjct.action.not_supported"),
    ):  # fmt: skip
        again = search(friend.code, by_number(NUMBERS[1]), **change)
        assert friend.send(SYNC, again)[1]["header"]["status_reason_code"] == code


@pytest.mark.parametrize("token", ["", "nonsense", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."])
def test_without_a_live_token_nobody_gets_in(friend: Friend, token: str) -> None:
    for path in (SYNC, "/registry/search", "/ibr/sync/enrolled", "/registry/notify", "/registry/on-search"):
        status, body = friend.post(path, search(friend.code, by_number(NUMBERS[1])), token=token)
        assert status == 401 and body["errors"][0]["code"] == "err.request.unauthorized"
        assert body["message"]["error"]["code"] == "err.request.unauthorized"


def test_a_token_of_staff_is_none_of_a_partners(friend: Friend, officers) -> None:
    status, body = friend.post(SYNC, search(friend.code, by_number(NUMBERS[1])), token=officers["data_steward"])
    assert status == 403 and body["errors"][0]["code"] == "err.request.forbidden"


def form(fields: dict[str, str], **headers: str):
    return Client().post("/oauth2/client/token", urlencode(fields), content_type="application/x-www-form-urlencoded",
                         headers=headers)  # fmt: skip


def test_tokens_are_given_for_credentials_and_end(friend: Friend, connect) -> None:
    ask = {"grant_type": "client_credentials", "client_id": friend.code, "client_secret": friend.secret}
    answer = form(ask)
    given = json.loads(answer.content)
    assert answer.status_code == 200 and given["token_type"] == "Bearer" and given["expires_in"] == 3600
    basic = base64.b64encode(f"{friend.code}:{friend.secret}".encode()).decode()
    again = form({"grant_type": "client_credentials"}, Authorization=f"Basic {basic}")
    assert again.status_code == 200
    status, _ = friend.post(
        SYNC,
        friend.signer.sign(search(friend.code, by_number(NUMBERS[1])), friend.code)[0],
        token=given["access_token"],
    )
    assert status == 200
    with connect("owner") as owner:
        owner.execute(
            "UPDATE access_session SET expires_at = now() - interval '1 second' WHERE token_hash = sha256(%s::bytea)",
            [given["access_token"].encode()],
        )
    assert friend.post(SYNC, {}, token=given["access_token"])[0] == 401
    for wrong, status in (
        ({**ask, "client_secret": "x"}, 401),
        ({**ask, "client_id": "nobody"}, 401),
        ({**ask, "grant_type": "password"}, 400),
        ({}, 400),
    ):
        assert form(wrong).status_code == status


@pytest.mark.parametrize("raw", [
    b"", b"null", b"[]", b"{", b'{"header": {}, "header": {}}', b'{"a": NaN}', b"[" * 100_000, b'{"a":' * 30 + b"1" + b"}" * 30,
    b"\xff\xfe", b'{"header": {"sender_id": "of-jws-compact"}}',
])  # fmt: skip
def test_bad_bodies_are_refused(friend: Friend, raw: bytes) -> None:
    status, body = friend.post(SYNC, raw)
    refused(status, body, "err.request.bad", http=400)


def test_a_huge_body_is_refused_before_it_is_read_whole(friend: Friend) -> None:
    refused(*friend.post(SYNC, b'{"a": "' + b"x" * 3_000_000 + b'"}'), "err.request.bad", http=400)


def mutated(friend: Friend, change) -> tuple[int, dict[str, Any]]:
    body = search(friend.code, by_number(NUMBERS[1]))
    change(body)
    return friend.send("/registry/search", body)


@pytest.mark.parametrize("change", [
    lambda b: b["message"].pop("transaction_id"), lambda b: b["message"].pop("search_request"), lambda b: b["header"].pop("message_id"),
    lambda b: b["message"]["search_request"][0].pop("reference_id"), lambda b: b["message"]["search_request"][0].pop("search_criteria"),
    lambda b: b["message"]["search_request"][0].update(timestamp="2024-01-15T10:30:00"), lambda b: b["message"]["search_request"][0].update(timestamp="not-a-timestamp"),
    lambda b: b["message"]["search_request"][0].update(locale="en"), lambda b: b["message"]["search_request"][0].update(locale="ENG"),
    lambda b: b["message"].update(transaction_id="x" * 100), lambda b: b["message"]["search_request"][0].update(reference_id="x" * 100),
    lambda b: b["message"]["search_request"][0].update(pagination={"page_size": 0}), lambda b: b["header"].update(message_ts="yesterday"),
    lambda b: b["message"].update(search_request=[]), lambda b: b["header"].update(total_count="1"),
])  # fmt: skip
def test_malformed_messages_are_refused(friend: Friend, change) -> None:
    status, body = mutated(friend, change)
    assert status in (200, 400) and body["message"]["ack_status"] == "ERR", body


def test_the_sender_is_who_the_token_says(friend: Friend, friends) -> None:
    refused(*friend.send(SYNC, search("somebody-else", by_number(NUMBERS[1]))), "err.sender_id.invalid")


@pytest.mark.parametrize("uri", [
    "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]:39999/", "file:///etc/passwd", "http://khana@127.0.0.1:39999/",
    "http://127.0.0.1:1/", "https://evil.example/", "http://localhost.evil.example:39999/", "gopher://127.0.0.1:39999/",
])  # fmt: skip
def test_no_call_back_to_an_address_that_was_not_agreed(friend: Friend, uri: str) -> None:
    refused(
        *friend.send("/registry/search", search(friend.code, by_number(NUMBERS[1]), sender_uri=uri)),
        "err.sender_uri.invalid",
    )


def test_enrolled_says_yes_or_no(friend: Friend) -> None:
    for number, programme, said in (
        (NUMBERS[1], "OAA", "yes"),
        (NUMBERS[1], "NOSUCH", "no"),
        (NUMBERS[1], None, "yes"),
        ("1110199999999", "OAA", "no"),
    ):
        query: dict[str, Any] = {"person_identifier": {"eq": number}}
        if programme:
            query["programme_identifier.program.programme_identifier"] = {"eq": programme}
        body = {"header": header("search", friend.code), "message": {"transaction_id": "t", "enrolled_criteria": {"query_type": "expression", "response_entity": "Member", "query": query}}}  # fmt: skip
        status, answer = friend.send("/dci/ibr/v1.0.0/registry/sync/enrolled", body)
        (one,) = answer["message"]["enrolled_response"]
        assert status == 200 and (one["status"], one["enrolled_status"]) == ("succ", said), answer
    body["header"] = header("search", friend.code)
    body["message"]["enrolled_criteria"]["query"] = {"poverty_score": {"lt": 5}}
    assert friend.send("/ibr/sync/enrolled", body)[1]["message"]["enrolled_response"][0]["status"] == "rjct"


class Wide(jwe.JWERegistry):
    """A partner that reads long answers."""

    max_ciphertext_length = 10_000_000


@pytest.mark.parametrize("more", [0, 600])
def test_encrypted_there_and_back(friend: Friend, more: int) -> None:
    enc = next(k for k in json.loads(Client().get("/.well-known/jwks.json").content)["keys"] if k["use"] == "enc")
    others = [by_number(f"11101{n:08d}", consent={"note": "x" * 99}) for n in range(more)]  # longer than 64 kB
    asked = search(friend.code, by_number(NUMBERS[1], response_entity="Member"), *others, is_msg_encrypted=True)
    head, key, iv, text, tag = jwe.encrypt_compact(
        {"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": enc["kid"]},
        json.dumps(asked["message"]),
        RSAKey.import_key(enc),
        algorithms=["RSA-OAEP-256", "A256GCM"],
    ).split(".")
    said = json.loads(base64.urlsafe_b64decode(head + "=="))
    sealed = {"header": said, "protected": head, "encrypted_key": key, "iv": iv, "ciphertext": text, "tag": tag}
    status, body = friend.send(SYNC, {"header": asked["header"], "message": sealed})
    assert status == 200 and body["header"]["is_msg_encrypted"] is True
    inner = body["message"]
    own = RSAKey.import_key(friend.signer.pem())
    opened = jwe.decrypt_compact(
        ".".join([inner["protected"], *(inner[n] for n in ("encrypted_key", "iv", "ciphertext", "tag"))]),
        own,
        registry=Wide(algorithms=["RSA-OAEP-256", "A256GCM"]),
    )
    item, *_rest = json.loads(opened.plaintext)["search_response"]
    assert item["data"]["reg_records"][0]["demographic_info"]["name"]["full_name_native"] == "آمنہ بی بی"
    sealed["ciphertext"] = b64(b"changed")
    refused(
        *friend.send(SYNC, {"header": {**asked["header"], "message_id": f"m2-{more}"}, "message": sealed}),
        "err.encryption.invalid",
    )


def test_too_many_calls_a_second_and_a_day(befriend, agree) -> None:
    eager = befriend("eager", per_second=2, daily_calls=3)
    agree("A-eager", "eager")
    seen = [eager.send(SYNC, search("eager", by_number(NUMBERS[1])))[0] for _ in range(6)]
    assert seen[:3] == [200, 200, 200] and set(seen[3:]) == {429}


def test_txn_status_gives_back_what_was_answered(friend: Friend, friends) -> None:
    asked = search(friend.code, by_number(NUMBERS[1]))
    first = friend.send(SYNC, asked)[1]["message"]
    for by, value in (
        ("transaction_id", asked["message"]["transaction_id"]),
        ("correlation_id", first["correlation_id"]),
        ("reference_id_list", ["r0"]),
    ):
        status_request = {"reference_id": "s", "txn_type": "search", "attribute_type": by, "attribute_value": value}
        body = {
            "header": header("txn-status", friend.code),
            "message": {"transaction_id": "q", "txnstatus_request": status_request},
        }
        _status, answer = friend.send("/registry/sync/txn/status", body)
        assert answer["message"]["txnstatus_response"]["txn_status"]["search_response"][0]["reference_id"] == "r0"
    other = friends["cavage"]  # another partner's transaction is not there
    body = {"header": header("txn-status", other.code), "message": {"transaction_id": "q", "txnstatus_request": {"reference_id": "s", "txn_type": "search", "attribute_type": "transaction_id", "attribute_value": asked["message"]["transaction_id"]}}}  # fmt: skip
    assert (
        other.send("/registry/sync/txn/status", body)[1]["message"]["txnstatus_response"]["txn_status"][
            "search_response"
        ]
        == []
    )


def test_what_partners_tell_us_is_kept_and_acknowledged(friend: Friend, connect) -> None:
    event = {
        "reference_id": "r",
        "timestamp": now(),
        "data": {"reg_record_type": "Person", "reg_records": {}},
        "locale": "urd",
    }
    body = {
        "header": header("notify", friend.code, status="succ"),
        "message": {"transaction_id": "t", "notify_event": [event]},
    }
    status, answer = friend.send("/registry/notify", body)
    assert status == 200 and answer["message"]["ack_status"] == "ACK"
    del event["reference_id"]
    body["header"] = header("notify", friend.code, status="succ")
    refused(*friend.send("/registry/notify", body), "err.request.bad", http=400)


def test_the_sandbox_holds_made_up_people(befriend) -> None:
    trial = befriend("trial", "cavage", is_sandbox=True, signature_optional=True, jwks={"keys": []})
    status, body = trial.post(SYNC, {"signature": "unsigned-stub", **search("trial", by_number("TEST-001", "UIN"))})
    assert status == 200 and len(found(body)) == 1
    young = {
        "query_type": "predicate",
        "query": [
            {
                "seq_num": 1,
                "expression1": {"attribute_name": "age", "operator": "lt", "attribute_value": "25"},
                "condition": "and",
                "expression2": {"attribute_name": "poverty_score", "operator": "lt", "attribute_value": "2.5"},
            }
        ],
    }
    assert found(trial.post(SYNC, search("trial", young))[1])
    assert found(trial.post(SYNC, search("trial", by_number(NUMBERS[1])))[1]) == []
    refused(
        *trial.post(SYNC, {"signature": "invalid-signature", **search("trial", by_number("x", "UIN"))}),
        "err.signature.invalid",
    )


def test_published_keys_and_places() -> None:
    keys = json.loads(Client().get("/.well-known/jwks.json").content)["keys"]
    assert {key["use"] for key in keys} == {"sig", "enc"} and own_keys.public_set()["keys"] == keys
    assert json.loads(Client().get("/.well-known/locations.json").content)["sr"]["base"].endswith("/dci/sr/v1.0.0")


def test_many_numbers_in_one_message_are_answered_item_by_item_and_each_person_is_audited(
    friend: Friend, connect
) -> None:
    criteria = [
        by_number(NUMBERS[1]), by_number("1110199999998"), by_number(NUMBERS[2], reg_record_type="SRPerson"),
        by_number(NUMBERS[1]), by_number(NUMBERS[3], response_entity="Group"), by_number(NUMBERS[1], response_entity="Group"),
        by_number(NUMBERS[3], kind="PASSPORT"), by_number(NUMBERS[3], pagination={"page_size": 0}),
    ]  # fmt: skip
    asked = search(friend.code, *criteria)
    status, body = friend.send(SYNC, asked)
    assert status == 200, body
    items = body["message"]["search_response"]
    assert [one["reference_id"] for one in items] == [f"r{n}" for n in range(8)], (
        "in the order in which they were asked"
    )
    assert [one["status"] for one in items] == ["succ"] * 6 + ["rjct"] * 2
    counts = [len(one["data"]["reg_records"]) for one in items[:6]]
    assert counts == [1, 0, 1, 1, 1, 1]
    assert [one["pagination"]["total_count"] for one in items[:6]] == counts
    alone = [friend.send(SYNC, search(friend.code, one))[1]["message"]["search_response"][0] for one in criteria[:6]]
    for one, other in zip(items, alone, strict=False):
        assert one["data"] == other["data"], "together as by itself"
    with connect("owner") as owner:
        ((people, nobody),) = owner.execute(
            "SELECT count(*) FILTER (WHERE subject <> 'person:none'), count(*) FILTER (WHERE subject = 'person:none')"
            " FROM audit_event WHERE request = %s AND action = 'sharing.person_disclosed'",
            [asked["header"]["message_id"]],
        ).fetchall()
    assert (people, nobody) == (4, 1), "two persons, two households with one person each, and one number of nobody"


def test_a_refusal_binds_also_where_many_are_asked_together(friend: Friend, connect) -> None:
    with connect("owner") as owner:
        owner.execute(
            "INSERT INTO sharing_refusal (person_id, area_path, kind, partner_code, told_by, told_at) SELECT i.person_id,"
            " i.area_path, 'OBJECTION', '', 'CITIZEN', now() FROM registry_identifier i JOIN registry_personversion v"
            " ON v.person_id = i.person_id WHERE v.name = 'Bilqis'"
        )
    try:
        _status, body = friend.send(SYNC, search(friend.code, by_number(NUMBERS[1]), by_number(NUMBERS[2])))
        counts = [len(one["data"]["reg_records"]) for one in body["message"]["search_response"]]
    finally:
        with connect("owner") as owner:
            owner.execute("DELETE FROM sharing_refusal")
    assert counts == [1, 0]


@pytest.mark.parametrize(("codes", "ack"), [(["s" * 99], "ACK"), (["s" * 100], "ERR"), ([], "ERR"), ([7], "ERR")])
def test_codes_of_subscriptions_are_held_before_they_are_taken(friend: Friend, codes: list[Any], ack: str) -> None:
    message = {"transaction_id": "t", "timestamp": now(), "subscription_codes": codes}
    body = {"header": header("unsubscribe", friend.code), "message": message}
    _status, answer = friend.send("/registry/unsubscribe", body)
    assert answer["message"]["ack_status"] == ack


def test_a_long_message_is_signed_and_sealed_too(friends: dict[str, Friend]) -> None:
    for profile in PROFILES:
        friend = friends[profile]
        many = search(friend.code, *[by_number(f"11101{n:08d}", consent={"note": "x" * 99}) for n in range(600)])
        status, body = friend.send(SYNC, many)
        assert status == 200 and len(body["message"].get("search_response", ())) == 600, (profile, str(body)[:200])
    _status, answer = friend.send(SYNC, search(friend.code, by_number(NUMBERS[1])))
    assert found(answer), "the day goes on"
