"""Births, deaths and marriages through DCI notify: evidence and proposals; the register changes when a human accepts."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from khana.access import services as access
from khana.identity import evidence, frames
from khana.identity.services import civil_events
from khana.platform.frames import open_source
from khana.sharing.services import partners
from tests.integration.identity.conftest import Village, number
from tests.interfaces.api.conftest import Friend
from tests.interfaces.api.dci import Signer, header, now

NOTIFY = "/dci/sr/v1.0.0/registry/notify"


def at() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def crvs(village: Village) -> Friend:
    from khana.platform import places

    places.folder("static")
    signer = Signer("jws-compact")
    with access.scoped(village.administrator):
        made = partners.add(code="civil", name="Civil registration", profile="jws-compact", jwks=signer.jwks(),
                            may_tell=["BIRTH", "DEATH", "MARRIAGE"], at=at())  # fmt: skip
    return Friend("civil", signer, made.access_token, made.client_secret)


def identifier(line: int) -> list[dict[str, str]]:
    return [{"identifier_type": "CNIC", "identifier_value": number(line)}]


def tell(crvs: Friend, *events: tuple[str, dict[str, Any]]) -> None:
    items = [
        {"reference_id": f"r{place}", "timestamp": now(), "locale": "eng",
         "data": {"version": "1.0.0", "reg_event_type": f"spdci-common:RegistryEventType:{kind}",
                  "reg_record_type": "Person", "reg_records": record}}
        for place, (kind, record) in enumerate(events)
    ]  # fmt: skip
    body = {
        "header": header("notify", crvs.code, len(items), status="succ"),
        "message": {"transaction_id": str(uuid.uuid4()), "notify_event": items},
    }
    status, answer = crvs.send(NOTIFY, body)
    assert status == 200 and answer["message"]["ack_status"] == "ACK", answer


def events(village: Village, token: str = "", state: str = "PROPOSED") -> list[dict[str, Any]]:
    with access.scoped(token or village.steward):
        return civil_events.list_events(state=state)


def extract() -> list[dict[str, Any]]:
    """Return what consolidation reads of the authority, in the open scope."""
    with open_source() as source:
        return frames.national_id_frame(source).read_all().to_pylist()


def test_a_reported_death_is_evidence_and_a_finding_and_changes_the_file_only_when_accepted(
    village: Village, crvs: Friend
) -> None:
    tell(crvs, ("Death", {"identifier": identifier(1), "death_date": "2026-10-20"}))
    (event,) = events(village, village.registrar)
    assert (event["kind"], event["person_id"], event["why"]) == ("DEATH", village.persons[1], "")
    with access.scoped(village.steward):
        (answer,) = evidence.answers_of(village.persons[1])
        assert (answer["authority"], answer["outcome"], answer["counts"]) == ("civil", "DECEASED", True)
        rows = extract()
    assert [row["death_date"] for row in rows if row["status"] == "DECEASED" and row["death_date"]] == [
        date(2026, 10, 20)
    ]
    current = (
        "SELECT count(*) FROM registry_membership WHERE person_id = %s AND valid_to IS NULL AND superseded_at IS NULL"
    )
    assert village.rows(current, village.persons[1])[0][0] == 1, "nothing of the register changed yet"
    with pytest.raises(civil_events.DecisionWrong), access.scoped(village.registrar):
        civil_events.decide(event_id=event["event"], decision="ACCEPTED", reason=" ", at=at())
    with access.scoped(village.registrar):
        done = civil_events.decide(event_id=event["event"], decision="ACCEPTED", reason="certificate seen", at=at())
    assert (done["memberships_ended"], done["heads"]) == (1, 1)
    assert village.rows(current, village.persons[1])[0][0] == 0
    (facts,) = village.rows(
        "SELECT facts, valid_from FROM registry_personversion WHERE person_id = %s AND valid_to IS NULL AND superseded_at IS NULL",
        village.persons[1],
    )
    assert facts[0] == {"life_status": "DECEASED", "death_date": "2026-10-20"} and facts[1] == date(2026, 10, 20)
    before = village.rows(
        "SELECT count(*) FROM registry_membership WHERE person_id = %s AND valid_to = '2026-10-20'", village.persons[1]
    )
    assert before[0][0] == 1, "what was known stays readable"
    with pytest.raises(civil_events.EventDecided), access.scoped(village.registrar):
        civil_events.decide(event_id=event["event"], decision="REFUSED", reason="again", at=at())


def test_a_birth_proposes_a_member_once(village: Village, crvs: Friend) -> None:
    child = {"name": {"given_name": "Noor", "surname": "Fatima", "full_name_native": "نور فاطمہ"}, "sex": "female",
             "birth_date": "2026-10-01", "parent1_identifier": identifier(2), "parent2_identifier": identifier(3),
             "registration_number": "B-1"}  # fmt: skip
    tell(crvs, ("LiveBirth", child))
    tell(crvs, ("LiveBirth", child))
    (event,) = events(village, village.registrar)
    assert event["household_id"] == village.households["HN"] and len(events(village, state="REPEATED")) == 1
    with access.scoped(village.registrar):
        done = civil_events.decide(event_id=event["event"], decision="ACCEPTED", reason="seen", at=at())
    (row,) = village.rows(
        "SELECT v.name, v.name_native, v.sex, v.birth_year, v.birth_day, m.line_no, m.mother_line, m.father_line, m.relation"
        " FROM registry_personversion v JOIN registry_membership m ON m.person_id = v.person_id WHERE v.person_id = %s",
        done["person_id"],
    )
    assert row == ("Noor Fatima", "نور فاطمہ", "F", 2026, 1, 5, 2, 3, "grandchild")
    tell(crvs, ("LiveBirth", {**child, "registration_number": "B-2"}))
    assert [one["why"] for one in events(village)] == ["BORN_THAT_DAY_KNOWN"]
    with access.scoped(village.registrar):
        civil_events.decide(event_id=events(village)[0]["event"], decision="REFUSED", reason="same child", at=at())


def test_a_marriage_proposes_a_new_relation(village: Village, crvs: Friend) -> None:
    tell(
        crvs,
        (
            "Marriage",
            {"identifier": identifier(4), "marriage_date": "2026-09-01", "spouse": {"identifier": identifier(2)}},
        ),
    )
    (event,) = events(village, village.registrar)
    assert (event["person_id"], event["other_person_id"]) == (village.persons[4], village.persons[2])
    village.run("UPDATE registry_personversion SET marital = 'W' WHERE person_id = %s", village.persons[2])
    with access.scoped(village.registrar):
        done = civil_events.decide(event_id=event["event"], decision="ACCEPTED", reason="seen", at=at())
    assert done["spouse_lines"] == 2
    lines = village.rows(
        "SELECT line_no, spouse_line FROM registry_membership WHERE person_id = ANY (%s) AND valid_to IS NULL"
        " AND superseded_at IS NULL ORDER BY line_no", [village.persons[2], village.persons[4]],
    )  # fmt: skip
    assert lines == [(2, 4), (4, 2)]


def test_what_is_in_doubt_says_so_and_what_cannot_be_read_is_kept(village: Village, crvs: Friend) -> None:
    village.run(
        "INSERT INTO identity_verification (person_id, area_path, token, authority, outcome, counts, why, agreed, as_of, asked_at,"
        " transaction, answer_sha256, actor_id) SELECT id, area_path, '\\x00', 'desk', 'MATCH', true, '', '{}', now(), now(), '', '', 1"
        " FROM registry_person WHERE id = %s", village.persons[3],
    )  # fmt: skip
    tomorrow = (at() + timedelta(days=3)).date().isoformat()
    tell(
        crvs,
        ("Death", {"identifier": identifier(3), "death_date": "2026-08-01"}),  # seen alive since
        ("Death", {"identifier": identifier(4), "death_date": tomorrow}),
        ("Death", {"identifier": [{"identifier_value": "12"}], "death_date": "2026-01-01"}),
        ("Death", {"identifier": identifier(9), "death_date": "2026-01-01"}),  # nobody here
        ("LiveBirth", {"birth_date": "2026-01-01"}),
        ("Divorce", {"identifier": identifier(4), "divorce_date": "2026-01-01"}),  # it may not tell that
        ("Eclipse", {"identifier": identifier(4)}),
    )
    assert [one["why"] for one in events(village)] == ["ALIVE_SINCE"]
    with access.scoped(village.steward):
        newest = evidence.answers_of(village.persons[3])[0]
        rows = extract()
    assert (newest["outcome"], newest["counts"]) == ("DECEASED", False)
    assert date(2026, 8, 1) not in [row["death_date"] for row in rows], "a doubted death is no finding"
    assert [one["why"] for one in events(village, state="UNREADABLE")] == [
        "DATE_IMPOSSIBLE", "NUMBER_UNREADABLE", "NO_PARENTS", "NOT_AGREED", "KIND_UNKNOWN",
    ]  # fmt: skip
    assert len(events(village, state="UNMATCHED")) == 1
    village.run(
        "UPDATE registry_identifier SET token = (SELECT token FROM identity_civilevent WHERE state = 'UNMATCHED') WHERE person_id = %s",
        village.persons[6],
    )
    with access.scoped(village.steward):
        assert civil_events.place(at=at()) == 1
    assert events(village, state="UNMATCHED") == []
    assert village.persons[6] not in [one["person_id"] for one in events(village, village.registrar)]
    (told,) = village.rows("SELECT string_agg(e::text, ' ') FROM identity_civilevent e")
    assert number(3) not in told[0] and "Noor" not in told[0]


def test_a_partner_that_may_tell_nothing_is_only_heard(village: Village, crvs: Friend) -> None:
    count = village.rows("SELECT count(*) FROM identity_civilevent")[0][0]
    with access.scoped(village.administrator):
        partners.let_tell(code="civil", kinds=[], at=at())
        with pytest.raises(partners.PartnerWrong):
            partners.let_tell(code="civil", kinds=["ECLIPSE"], at=at())
    tell(crvs, ("Death", {"identifier": identifier(2), "death_date": "2026-01-01"}))
    assert village.rows("SELECT count(*) FROM identity_civilevent")[0][0] == count
