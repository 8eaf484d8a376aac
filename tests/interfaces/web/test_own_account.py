"""A password that was handed over, one of one's own, the sessions one has: chosen, changed, seen and ended on pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.conftest import acting_as, close_pool
from tests.interfaces.web.conftest import PASSWORD

pytestmark = pytest.mark.usefixtures("country")
NEW, OTHER = "four quiet teapots sing", "seven loud kettles march"


def newcomer(database: str, name: str) -> Any:
    """Make a user as an administrator does: with a password that somebody else knows."""
    from khana.access import services as access

    with acting_as("owner", database):
        return access.add_user(username=name, display_name="New One", role="analyst", at=datetime.now(UTC))


def code(made: Any, steps: int = 0) -> str:
    from khana.access import services as access

    return access.code_at(made.otpauth_uri, datetime.now(UTC) + timedelta(seconds=30 * steps))


def test_an_initial_password_opens_only_the_door_to_ones_own(database: str, connect: Any) -> None:
    from khana.access import services as access

    made = newcomer(database, "newcomer")
    client = Client()
    client.post("/sign-in", {"username": "newcomer", "password": made.password})
    held = client.post("/sign-in/code", {"code": code(made), "next": "/office"})
    assert held["Location"] == "/sign-in/password?next=%2Foffice"
    token = client.session["choosing"]
    assert client.get("/office").status_code == 302
    with pytest.raises(access.NoSession), access.scoped(token):
        pass
    with pytest.raises(access.SignInRefused):  # the second step again does not open it either
        access.confirm_second_factor(token=token, code=code(made, 1), at=datetime.now(UTC))
    assert "New password" in client.get("/sign-in/password").content.decode()
    for new, again in (
        (made.password, made.password),
        ("short", "short"),
        ("password1234", "password1234"),
        (NEW, OTHER),
    ):
        assert client.post("/sign-in/password", {"new": new, "again": again}).status_code == 422, new
    entered = client.post("/sign-in/password", {"new": NEW, "again": NEW, "next": "/office"})
    assert entered["Location"] == "/office" and client.get("/office").status_code == 200
    assert client.session["token"] != token
    for dead in (token, made.token):  # what was made before her password ends with it
        with pytest.raises(access.NoSession), access.scoped(dead):
            pass
    with pytest.raises(access.SignInRefused):
        access.sign_in(username="newcomer", password=made.password)
    with connect("owner") as owner:  # a chosen one has no end
        assert owner.execute(
            "SELECT c.first_until FROM access_credential c JOIN access_user u ON u.id = c.user_id WHERE username = 'newcomer'"
        ).fetchone() == (None,)
    late = newcomer(database, "latecomer")
    with connect("owner") as owner:
        owner.execute(
            "UPDATE access_credential SET first_until = now() - interval '1 minute' WHERE first_until IS NOT NULL"
        )
    client = Client()
    client.post("/sign-in", {"username": "latecomer", "password": late.password})
    over = client.post("/sign-in/code", {"code": code(late)})
    assert over.status_code == 403 and "older than seven days" in over.content.decode()
    assert client.get("/office").status_code == 302


def entered(user: str = "auditor", *, password: str = PASSWORD, shown: str = "") -> Client:
    client = Client()
    answer = client.post("/sign-in", {"username": user, "password": password})
    if "code" in answer["Location"]:
        answer = client.post("/sign-in/code", {"code": shown})
    assert answer.status_code == 302, answer.content
    return client


def test_she_changes_her_password_and_other_sessions_end(country: dict[str, Any]) -> None:
    made = country["users"]["auditor"]
    used = code(made, -1)
    here = entered(shown=used)
    there = entered("steward")
    elsewhere = entered("steward")
    asked = {"old": PASSWORD, "new": NEW, "again": NEW}
    assert there.post("/office/sign-in/password", {**asked, "old": "wrong"}).status_code == 403
    assert there.post("/office/sign-in/password", {**asked, "new": PASSWORD, "again": PASSWORD}).status_code == 422
    assert there.post("/office/sign-in/password", {**asked, "again": OTHER}).status_code == 422
    assert there.post("/office/sign-in/password", asked)["Location"] == "/office/sign-in"
    assert there.get("/office").status_code == 200 and elsewhere.get("/office").status_code == 302
    assert Client().post("/sign-in", {"username": "steward", "password": PASSWORD}).status_code == 403
    # who has a second factor shows it again, and one that was used already is none
    assert here.post("/office/sign-in/password", asked).status_code == 403
    assert here.post("/office/sign-in/password", {**asked, "code": used}).status_code == 403
    assert here.post("/office/sign-in/password", {**asked, "code": code(made)}).status_code == 302
    text = here.get("/office/sign-in").content.decode()
    assert "Your password is changed" in text


def test_a_wrong_proof_counts_as_at_the_door(country: dict[str, Any]) -> None:
    client = entered("officer")
    seen = [client.post("/office/sign-in/end", {"old": "wrong", "mark": ""}).status_code for _ in range(5)]
    assert seen == [403] * 5
    refused = client.post("/office/sign-in/end", {"old": PASSWORD, "mark": ""})
    assert refused.status_code == 403 and "Too many wrong attempts" in refused.content.decode()


def test_she_sees_her_sessions_and_ends_them(country: dict[str, Any]) -> None:
    first, second, third = entered("registrar"), entered("registrar"), entered("registrar")
    page = first.get("/office/sign-in").content.decode()
    marks = re.findall(r'<option value="([0-9a-f]{12})"', page)
    assert len(marks) >= 2 and page.count(">this one<") == 1
    from khana.interfaces.refusals import of_token

    mark = of_token(second.session["token"])
    assert mark in marks and of_token(first.session["token"]) not in marks
    assert first.post("/office/sign-in/end", {"old": PASSWORD, "mark": mark}).status_code == 302
    assert (second.get("/office").status_code, third.get("/office").status_code) == (302, 200)
    assert first.post("/office/sign-in/end", {"old": PASSWORD, "mark": ""}).status_code == 302
    assert (first.get("/office").status_code, third.get("/office").status_code) == (200, 302)


def test_an_administrator_ends_the_sessions_of_one_or_of_all(country: dict[str, Any]) -> None:
    from khana.access import own_account
    from khana.access import services as access

    admin, analyst, registrar = entered("admin"), entered("analyst"), entered("registrar")
    with access.scoped(admin.session["token"]):
        assert own_account.end_sessions_of(username="analyst", at=datetime.now(UTC)) >= 1
    assert (analyst.get("/office").status_code, registrar.get("/office").status_code) == (302, 200)
    with access.scoped(admin.session["token"]):
        own_account.end_sessions_of(at=datetime.now(UTC))
    assert (registrar.get("/office").status_code, admin.get("/office").status_code) == (302, 200)
    registrar = entered("registrar")
    with access.scoped(registrar.session["token"]), pytest.raises(access.PermissionMissing):
        own_account.end_sessions_of(username="admin", at=datetime.now(UTC))


def test_fields_for_passwords_are_masked_and_may_be_pasted_into() -> None:
    templates = Path(__file__).resolve().parents[3] / "src/khana/interfaces/web/templates"
    fields = []
    for path in templates.rglob("*.html"):
        for field in re.findall(r"<input[^>]*>", path.read_text(encoding="utf-8")):
            if re.search(r'name="(password|old|new|again)"', field):
                fields.append(field)
                assert 'type="password"' in field and re.search(r'autocomplete="(current|new)-password"', field), (
                    path,
                    field,
                )
                assert "maxlength" not in field and "onpaste" not in field and 'autocomplete="off"' not in field
    assert len(fields) >= 7
    assert "{% url 'sign-out' %}" in (templates / "base.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def _close(database: str) -> Any:
    yield
    from django.db import connection

    close_pool(connection)
