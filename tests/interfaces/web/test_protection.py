"""Breaches, retention and erasure, civil events, authorities: what is done on their pages, who may, what stands against it."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from tests.interfaces.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("country")
STOLEN = {"what": "A laptop was stolen from a desk", "kinds": ["names", "health"], "persons": "12", "risk": "HIGH", "hours": "3",
          "country": "PAK", "measures": "its keys were withdrawn"}  # fmt: skip
PLAN = {"vans": "1", "days": "3", "floor": "0.5", "take_up": "0.6", "start": "2026-07-01"}


def enter(user: str) -> Client:
    client = Client()
    assert client.post("/sign-in", {"username": user, "password": PASSWORD}).status_code == 302
    return client


def text_of(client: Client, path: str, **more: str) -> str:
    answer = client.get(path, more)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_a_breach_from_first_knowledge_to_its_lesson() -> None:
    officer = enter("protector")
    assert "No breach is on record" in text_of(officer, "/breaches")
    for wrong in (
        {"hours": "-1"},
        {"hours": "99999"},
        {"what": "short"},
        {"kinds": []},
        {"persons": "many"},
        {"country": "XX"},
    ):
        answer = officer.post("/breaches/add", {**STOLEN, **wrong})
        assert answer.status_code == 422 and 'role="alert"' in answer.content.decode(), wrong
    assert officer.post("/breaches/add", STOLEN).status_code == 302
    page = text_of(officer, "/breaches")
    (number,) = set(re.findall(r"B-\d{4}-\d{4}", page))
    assert "12 persons" in page and "names, health" in page and page.count("to be told") == 2
    assert number in text_of(officer, f"/breaches/{number}/letter", to="authority")
    assert re.search("[\u0600-\u06ff]", text_of(officer, f"/breaches/{number}/letter", to="persons", **{"in": "ur"}))
    assert officer.get("/breaches/B-1/letter").status_code == 404
    early = officer.post(f"/breaches/{number}/close", {"lesson": "disks are encrypted now"})
    assert early.status_code == 409 and "To be told first" in early.content.decode()
    for audience in ("authority", "persons"):
        assert officer.post(f"/breaches/{number}/tell", {"audience": audience}).status_code == 302
    assert officer.post(f"/breaches/{number}/tell", {"audience": "persons"}).status_code == 409
    assert officer.post(f"/breaches/{number}/close", {"lesson": "disks are encrypted now"}).status_code == 302
    page = text_of(officer, "/breaches")
    assert page.count("told in time") == 2 and "disks are encrypted now" in page


def test_a_hold_and_an_erasure_are_asked_for_on_the_page() -> None:
    officer = enter("protector")
    page = text_of(officer, "/retention")
    assert all(rule in page for rule in ("MESSAGES", "QUARANTINE", "RESIDENTS", "PERSONS"))
    hold = {"rule": "PERSONS", "subject": "person:1", "reason": "Court of Multan, 4/2026"}
    assert officer.post("/retention/hold", {**hold, "subject": "soul:1"}).status_code == 422
    assert officer.post("/retention/hold", hold).status_code == 302
    page = text_of(officer, "/retention")
    assert "person:1" in page and "Court of Multan" in page
    (number,) = re.findall(r"/retention/holds/(\d+)/release", page)
    assert officer.post(f"/retention/holds/{number}/release").status_code == 302
    assert officer.post(f"/retention/holds/{number}/release").status_code == 404
    wish = {"person": "1", "reason": "Her wish of 3 May, section 13"}
    for wrong in ({"person": "0"}, {"person": "x"}, {"reason": "wish"}):
        assert officer.post("/retention/erase", {**wish, **wrong}).status_code == 422, wrong
    assert officer.post("/retention/erase", wish).status_code == 302
    page = text_of(officer, "/retention")
    assert "waits for a second person" in page and "/confirm" not in page, "not by who asked"
    own = officer.post("/retention/erasures/1/confirm")
    assert own.status_code == 409 and "somebody else" in own.content.decode()


def test_what_would_go_is_tried_before_it_goes(as_role) -> None:  # type: ignore[no-untyped-def]
    from khana.interfaces.jobs.work import work
    from khana.platform import jobs

    officer = enter("protector")
    page = text_of(officer, "/retention")
    assert "Nothing was tried yet" in page and "No delivery was erased" in page and "LISTS" in page
    blind = officer.post("/retention/run")
    assert blind.status_code == 409 and "Look first" in blind.content.decode()
    assert officer.post("/retention/preview", {"on": "tomorrow"}).status_code == 422
    for path, data in (("preview", {"on": "2099-01-01"}), ("run", {})):
        asked = officer.post(f"/retention/{path}", data)
        assert asked.status_code == 302 and asked.headers["Location"].startswith("/jobs/"), asked.content
        run = asked.headers["Location"].rsplit("/", 1)[-1]
        as_role("worker")
        work(uuid.UUID(run))
        done = jobs.get(run)
        assert done.state == "DONE", (done.error_code, done.message)
        as_role("web")
        page = text_of(officer, "/retention")
        assert "As of 2099-01-01" in page and "Would go" in page
    assert set(done.result) == {"MESSAGES", "QUARANTINE", "RESIDENTS", "PERSONS", "LISTS", "FILES", "UNREAD",
                                "LEFTOVERS"}  # fmt: skip
    with_words = text_of(officer, f"/jobs/{run}")
    assert "Erasure of what is over" in with_words


@pytest.mark.parametrize("path", ["breaches/add", "retention/hold", "retention/preview", "retention/run", "retention/holds/1/release", "retention/erase",
                                  "retention/erasures/1/confirm", "breaches/B-1/tell", "breaches/B-1/close"])  # fmt: skip
def test_nobody_else_decides(path: str) -> None:
    for user in ("steward", "admin", "analyst"):
        assert enter(user).post(f"/{path}").status_code == 403


def test_civil_events_are_looked_at_and_decided_by_their_area(connect) -> None:  # type: ignore[no-untyped-def]
    from khana.platform.secrets_store import get_secret

    registrar = enter("registrar")
    page = text_of(registrar, "/civil-events")
    assert "saw the person alive after that day" in page and "Noor Fatima" in page and "to be decided · 2" in page
    assert "nobody found · 0" in page, "what lies in no area is not a district's"
    (death, birth) = re.findall(r"/civil-events/(\d+)/decide", page)
    births = text_of(registrar, "/civil-events", kind="BIRTH")
    assert f"/{birth}/decide" in births and f"/{death}/decide" not in births
    assert "certificate seen" in text_of(registrar, "/civil-events", state="ACCEPTED")
    assert "No event in this state" in text_of(registrar, "/civil-events", state="REFUSED")
    assert "nobody found · 1" in text_of(enter("steward"), "/civil-events", state="UNMATCHED", after="x")
    told = registrar.get("/civil-events/export.csv").getvalue().decode()
    assert told.splitlines()[0].startswith("event,source,kind") and told.count("PROPOSED") == 2 and "Noor" not in told
    assert registrar.get("/civil-events/export.json").status_code == 404
    for wrong, status in (
        ({"decision": "ACCEPTED", "reason": " "}, 422),
        ({"decision": "MAYBE", "reason": "seen"}, 422),
    ):
        answer = registrar.post(f"/civil-events/{death}/decide", wrong)
        assert answer.status_code == status and 'role="alert"' in answer.content.decode()
    done = registrar.post(
        f"/civil-events/{death}/decide", {"decision": "REFUSED", "reason": "she stood here today"}, follow=True
    )
    assert "The file stays as it was" in done.content.decode() and f"/{death}/decide" not in done.content.decode()
    again = registrar.post(f"/civil-events/{death}/decide", {"decision": "ACCEPTED", "reason": "again"})
    assert again.status_code == 409 and "No such event waits" in again.content.decode()
    accepted = registrar.post(f"/civil-events/{birth}/decide", {"decision": "ACCEPTED", "reason": "certificate seen"})
    assert accepted.status_code == 302
    with connect("owner", user="postgres", password=get_secret("db_superuser")) as connection:
        added = "SELECT name FROM registry_personversion WHERE name = 'Noor Fatima'"
        assert connection.execute(added).fetchall() == [("Noor Fatima",)]
        actions = "SELECT action, actor_label FROM audit_event WHERE action LIKE 'identity.civil_event%' ORDER BY id DESC LIMIT 30"
        seen = set(connection.execute(actions).fetchall())
    wanted = {"identity.civil_events_read", "identity.civil_events_exported", "identity.civil_event_decided"}
    assert {(action, "registrar") for action in wanted} <= seen
    for user, status in (("analyst", 403), ("admin", 403)):
        assert (
            enter(user).post(f"/civil-events/{death}/decide", {"decision": "REFUSED", "reason": "x"}).status_code
            == status
        )


def test_authorities_are_connected_changed_closed_and_asked() -> None:
    steward, registrar = enter("steward"), enter("registrar")
    page = text_of(steward, "/authorities")
    assert "NADRA" in page and "120 rows" in page and "Open again" in page and "/authorities/connect" in page
    shown = text_of(registrar, "/authorities")
    assert "NADRA" in shown and "/authorities/connect" not in shown and "/authorities/ask" in shown
    terms = {
        "code": "crvs",
        "title": "CRVS of Punjab",
        "kind": "DCI",
        "registry": "crvs",
        "per_second": "2.5",
        "max_age_days": "90",
    }
    for wrong in ({"code": "N A"}, {"kind": "MOSIP"}, {"registry": ""}, {"per_second": "nan"}, {"max_age_days": "0"},
                  {"per_second": "many"}, {"code": "nadra"}):  # fmt: skip
        answer = steward.post("/authorities/connect", {**terms, **wrong})
        assert answer.status_code == 422 and 'role="alert"' in answer.content.decode(), wrong
    assert registrar.post("/authorities/connect", terms).status_code == 403
    assert steward.post("/authorities/connect", terms).status_code == 302
    assert "CRVS of Punjab" in text_of(steward, "/authorities")
    changed = {"per_second": "1", "max_age_days": "30", "needs_consent": "1"}
    assert steward.post("/authorities/nobody/change", changed).status_code == 404
    assert registrar.post("/authorities/crvs/change", changed).status_code == 403
    for code in ("crvs", "old-crvs"):  # a closed one is open again, and keeps what it was connected with
        assert steward.post(f"/authorities/{code}/change", changed).status_code == 302
    assert steward.post("/authorities/crvs/close").status_code == 302
    assert steward.post("/authorities/crvs/close").status_code == 404
    told = steward.get("/authorities/export.csv").getvalue().decode().splitlines()
    assert [line.rsplit(",", 4)[1:] for line in told if line.startswith(("crvs,", "old-crvs,"))] == [
        ["1.0", "30", "yes", "closed"], ["1.0", "30", "yes", "open"],
    ]  # fmt: skip
    for wrong in ({"authority": "crvs"}, {"authority": "nadra", "area": "XX9"}):
        assert registrar.post("/authorities/ask", wrong).status_code == 404
    asked = registrar.post("/authorities/ask", {"authority": "nadra", "area": "XK101", "anew": "1"})
    assert asked.status_code == 302
    assert "Questions to an authority" in text_of(registrar, asked["Location"])


def test_an_error_reads_in_the_language_of_the_page() -> None:
    from django.conf import settings

    steward = enter("steward")
    steward.cookies[settings.LANGUAGE_COOKIE_NAME] = "ur"
    answer = steward.get("/sources/none-of-this-name").content.decode()
    assert "کوئی ماخذ نہیں" in answer and "There is no source" not in answer
    refused = steward.post("/coverage/plans/new", {**PLAN, "budget": "-3"})
    assert refused.status_code == 422 and "بجٹ صفر سے اوپر" in refused.content.decode()
    steward.cookies[settings.LANGUAGE_COOKIE_NAME] = "bn"
    assert "নামে কোনো উৎস নেই।" in steward.get("/sources/none-of-this-name").content.decode()
