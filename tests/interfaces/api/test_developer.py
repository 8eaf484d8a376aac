"""A partner's developer sees how her system's calls ended, with what to do; never a content, a person or another partner."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from tests.factories.little_country import NUMBERS
from tests.interfaces.api.dci import by_number, header, search

from khana.access import services as access
from khana.access.functions import PermissionMissing
from khana.sharing import selectors
from khana.sharing.services import developing


def signed_in(made: access.NewUser) -> Client:
    from khana.interfaces.web import session

    client = Client()
    held = client.session
    held[session.TOKEN] = made.token
    held.save()
    client.cookies["khana_session"] = held.session_key
    return client


@pytest.fixture(scope="module")
def followed(befriend, agree, officers):
    """A partner with calls of every kind, another one with calls of its own, and a developer of the first."""
    friend, other = befriend("dev-mis"), befriend("dev-other")
    agree("A-dev", "dev-mis")
    at = datetime.now(UTC)
    with access.scoped(officers["administrator"]):
        made = developing.add(partner="dev-mis", username="sana", name="Sana K.", at=at)
    friend.send("/registry/sync/search", search("dev-mis", by_number(NUMBERS[1])))
    friend.send("/registry/sync/search", search("dev-mis", by_number(NUMBERS[1], kind="PASSPORT")))
    friend.post("/registry/sync/search", search("dev-mis", by_number(NUMBERS[1])))  # not signed
    friend.send(
        "/registry/sync/search", {"header": header("search", "dev-mis"), "message": {}}
    )  # not as the standard has it
    friend.send("/registry/sync/search", search("dev-mis", by_number(NUMBERS[1]), total_count=7))
    other.send("/registry/sync/search", search("dev-other", by_number(NUMBERS[3]), message_id="of-another"))
    return friend, made


def test_she_sees_every_call_of_her_partner_and_how_it_ended(followed) -> None:
    _friend, made = followed
    now = datetime.now(UTC)
    with access.scoped(made.token):
        (partner,) = selectors.my_partners(now)
        rows = selectors.my_calls("dev-mis", failed=False, before=now)
        failed = selectors.my_calls("dev-mis", failed=True, before=now)
        assert selectors.my_calls("dev-other", failed=False, before=now) == []
    assert (partner["partner"], partner["agreements"][0]["number"], partner["today"]) == ("dev-mis", "A-dev", 2)
    outcomes = {(row["state"], row["outcome"]) for row in rows}
    assert outcomes == {
        ("ANSWERED", ""), ("ANSWERED", "rjct.filter.invalid"), ("REFUSED", "err.signature.missing"),
        ("REFUSED", "err.request.bad"), ("REFUSED", "rjct.total_count.invalid"),
    }  # fmt: skip
    assert {row["outcome"] for row in failed} == {code for _state, code in outcomes if code}
    good = next(row for row in rows if row["state"] == "ANSWERED" and not row["outcome"])
    assert good["records"] == 1 and good["message"]


def test_the_page_says_what_to_do_and_shows_nobody(followed) -> None:
    _friend, made = followed
    client = signed_in(made)
    page = client.get("/partner")
    text = page.content.decode()
    assert page.status_code == 200 and "err.signature.missing" in text and "Sign it in the profile above." in text
    assert NUMBERS[1] not in text and "Amna" not in text and "of-another" not in text
    only = client.get("/partner?failed=1&before=nonsense").content.decode()
    assert "Calls that did not end well" in only and "A-dev" in only
    assert client.get("/look-up?q=Amna").status_code == 403, "the page is all she has"


def test_she_reads_no_table_behind_it_and_nobody_else_reads_the_page(followed, officers, tokens) -> None:
    from khana.sharing.models import Message, Partner

    _friend, made = followed
    with access.scoped(made.token):
        assert not Message.objects.exists() and not Partner.objects.exists()
    with access.scoped(officers["administrator"]), pytest.raises(PermissionMissing):
        selectors.my_partners(datetime.now(UTC))
    with access.scoped(tokens("registrar")), pytest.raises(PermissionMissing):
        developing.add(partner="dev-mis", username="x1", name="", at=datetime.now(UTC))


def test_who_looks_after_it_no_longer_sees_nothing(befriend, officers) -> None:
    befriend("dev-ended")
    at = datetime.now(UTC)
    with access.scoped(officers["administrator"]):
        made = developing.add(partner="dev-ended", username="nadia", name="Nadia", at=at)
        assert [row["state"] for row in selectors.list_developers("dev-ended")] == ["open"]
        developing.end(partner="dev-ended", user_id=made.id, at=at)
        with pytest.raises(developing.DeveloperUnknown):
            developing.end(partner="dev-ended", user_id=made.id, at=at)
    page = signed_in(made).get("/partner")
    assert page.status_code == 200 and "No partner yet" in page.content.decode()
