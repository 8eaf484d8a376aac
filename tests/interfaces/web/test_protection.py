"""The pages of breaches, retention and erasure: what an officer does there, what an auditor sees, what stands against it."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.interfaces.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("country")
STOLEN = {"what": "A laptop was stolen from a desk", "kinds": ["names", "health"], "persons": "12", "risk": "HIGH", "hours": "3",
          "country": "PAK", "measures": "its keys were withdrawn"}  # fmt: skip


def enter(user: str) -> Client:
    from khana.interfaces.web import limits

    limits.SIGN_IN._left.clear()
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


@pytest.mark.parametrize("path", ["breaches/add", "retention/hold", "retention/holds/1/release", "retention/erase",
                                  "retention/erasures/1/confirm", "breaches/B-1/tell", "breaches/B-1/close"])  # fmt: skip
def test_nobody_else_decides(path: str) -> None:
    for user in ("steward", "admin", "analyst"):
        assert enter(user).post(f"/{path}").status_code == 403
