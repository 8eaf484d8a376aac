"""Pages without a browser: who may open what, what a page never shows, how a session begins and ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.interfaces.web import world
from tests.interfaces.web.conftest import PASSWORD, USERS

Enter = Callable[[str], Client]


@pytest.fixture
def enter(country: dict[str, object]) -> Enter:
    """Return a function that gives a client signed in as one of the users."""

    def _enter(user: str) -> Client:
        client = Client()
        answer = client.post("/sign-in", {"username": user, "password": PASSWORD})
        assert answer.status_code == 302, answer.content[:300]
        return client

    return _enter


PAGES = {
    "/": "steward officer registrar analyst admin protector",
    "/answers/cap/rows": "steward officer",
    "/look-up": "steward officer registrar",
    "/person/1": "steward registrar",
    "/household/900000000": "steward registrar",
    "/recipient/1": "steward",
    "/registers?kind=members": "steward registrar",
    "/findings": "steward officer",
    "/findings/codes": "steward officer registrar analyst admin protector",
    "/sources": "steward officer registrar admin",
    "/sources/kfl": "steward officer registrar admin",
    "/sources/kfl/quarantine": "steward officer registrar",
    "/sources/kfl/contract": "steward officer admin",
    "/sources/pbm/list": "steward officer",
    "/intake": "steward registrar",
    "/intake/desk": "steward registrar",
    "/intake/telephone": "steward registrar",
    "/intake/forms": "steward registrar admin",
    "/intake/forms/add": "steward admin",
    "/jobs": "steward officer registrar analyst admin protector",
    "/office": "steward officer registrar analyst admin protector",
    "/users": "admin protector",
    "/users/steward/office": "admin protector",
    "/alarms": "protector",
    "/breaches": "protector",
    "/retention": "protector",
    "/cases": "steward registrar",
    "/civil-events": "steward registrar",
    "/civil-events/export.csv": "steward registrar",
    "/authorities": "steward registrar",
    "/authorities/export.csv": "steward registrar",
    "/partner": "",
    "/export/recipients.csv": "steward officer",
    "/export/quarantine.csv": "steward officer registrar",
}


@pytest.mark.parametrize("user", ["steward", "officer", "registrar", "analyst", "admin", "protector"])
def test_permission_table(enter: Enter, user: str) -> None:
    client = enter(user)
    seen = {path: client.get(path).status_code for path in PAGES}
    allowed = {path: user in users.split() for path, users in PAGES.items()}
    # outside the reader's scope is the same as not there
    wrong = {
        path: status
        for path, status in seen.items()
        if (status == 200) != allowed[path] or (status != 200 and status not in (403, 404))
    }
    assert wrong == {}


def _addresses(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        address = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        elif "khana.interfaces.web" in pattern.callback.__module__:
            yield address, pattern


def test_nothing_opens_without_sign_in(country: dict[str, object]) -> None:
    open_ones = set()
    for address, pattern in _addresses(get_resolver().url_patterns):
        path = "/" + re.sub(
            r"<(\w+):\w+>",
            lambda kind: {"int": "1", "uuid": "6f2c8a3e-1111-4222-8333-944444444444"}.get(kind[1], "x"),
            address,
        )
        for verb in ("get", "post"):
            answer = getattr(Client(), verb)(path)
            if not (answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=")):
                open_ones.add(pattern.name)
    her_own = {f"my-file{part}" for part in ("", "-code", "-say", "-download", "-leave", "-read")}  # by number and code
    published = {
        "public",
        "public-outlines",
        "public-values",
        "slip-state",
    }  # safe figures; the state behind a slip's code
    doors = {
        "sign-in",
        "second-factor",
        "first-password",
        "passkey-ask",
        "passkey",
        "provider",
        "provider-back",
        "sign-out",
    }
    assert open_ones == doors | {"language", "health"} | her_own | published


def test_a_registrar_reads_her_district_only(enter: Enter, country: dict[str, object]) -> None:
    client = enter("registrar")
    people = country["people"]
    inside = next(row for row in people if ".XK101." in row["path"])
    outside = next(row for row in people if ".XK203." in row["path"])
    assert client.get(f"/person/{inside['person']}").status_code == 200
    for path in (f"/person/{outside['person']}", f"/household/{outside['household']}"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert outside["name"] not in answer.content.decode()
    found = client.get("/look-up", {"q": outside["number"]})
    assert found.status_code == 200 and "Nobody found in your area" in found.content.decode()
    assert client.get("/look-up", {"q": outside["household"]}).status_code == 200
    everybody = client.get("/look-up", {"q": "Shazia"}).content.decode()
    shown = {int(number) for number in re.findall(r"/person/(\d+)", everybody)}
    assert shown and shown <= {row["person"] for row in people if ".XK101." in row["path"]}


def test_an_officer_sees_findings_of_her_agency_only(enter: Enter) -> None:
    text = enter("officer").get("/findings").content.decode()
    assert "zkt_q2_2026.csv" in text and "kfl_q2_2026.csv" not in text
    rows = enter("officer").get("/export/findings.csv").getvalue().decode()
    assert "zkt_q2_2026.csv" in rows and "kfl_q2_2026.csv" not in rows


def test_an_analyst_never_meets_a_name(enter: Enter) -> None:
    client = enter("analyst")
    for path in ("/", "/?answer=overlaps", "/?answer=unserved&area=XK1", "/findings/codes", "/jobs"):
        text = client.get(path).content.decode()
        assert not any(name in text for name in (*world.WOMEN, *world.MEN)), path
        assert "/rows" not in text and "k-search" not in text


def test_no_full_number_on_any_page(enter: Enter, country: dict[str, object]) -> None:
    client = enter("steward")
    numbers = [row["number"] for row in country["people"]]
    for path in (
        "/person/1",
        "/household/900000000",
        "/recipient/1",
        "/findings/rows/1",
        f"/look-up?q={numbers[0]}",
        "/look-up?q=Shazia",
    ):
        text = client.get(path, follow=True).content.decode()
        assert not any(number in text for number in numbers), path
    assert "•••••" in client.get("/person/1").content.decode()


@pytest.mark.parametrize(("typed", "says"), [("3999999999999", "Nobody found"), ("39000000000112", "no valid length")])
def test_a_number_that_found_nobody_is_not_shown_back(enter: Enter, typed: str, says: str) -> None:
    text = enter("steward").get("/look-up", {"q": typed}).content.decode()
    assert says in text and typed not in text


def test_every_opened_file_is_recorded(enter: Enter, connect) -> None:  # type: ignore[no-untyped-def]
    from khana.platform.secrets_store import get_secret

    client = enter("steward")
    client.get("/person/4")
    client.get("/household/900000002")
    client.get("/look-up", {"q": "Nasreen"})
    with connect("owner", user="postgres", password=get_secret("db_superuser")) as connection:
        rows = connection.execute(
            "SELECT actor_label, action, subject, details::text FROM audit_event ORDER BY id DESC LIMIT 8"
        ).fetchall()
    actions = {(row[0], row[1], row[2]) for row in rows}
    assert {
        ("steward", "registry.person.read", "person:4"),
        ("steward", "registry.household.read", "household:3"),
    } <= actions
    assert any(row[1] == "registry.searched" for row in rows)
    assert not any("Nasreen" in row[3] for row in rows)


def test_sign_in_says_neither_which_part_was_wrong_nor_who_exists(country: dict[str, object]) -> None:
    known = Client().post("/sign-in", {"username": "steward", "password": "wrong"})
    unknown = Client().post("/sign-in", {"username": "nobody-of-that-name", "password": "wrong"})
    assert known.status_code == unknown.status_code == 403
    strip = re.compile(r'value="[^"]*"')
    assert strip.sub("", known.content.decode()) == strip.sub("", unknown.content.decode())


def test_second_factor_is_needed_and_good_once(country: dict[str, object]) -> None:
    from khana.access import services as access

    uri = country["users"]["auditor"].otpauth_uri
    client = Client()
    first = client.post("/sign-in", {"username": "auditor", "password": PASSWORD, "next": "/findings"})
    assert first["Location"].startswith("/sign-in/code?next=%2Ffindings")
    assert client.get("/findings")["Location"].startswith("/sign-in")
    assert client.post("/sign-in/code", {"code": "000000"}).status_code == 403
    code = access.code_at(uri, datetime.now(UTC) + timedelta(seconds=1))
    entered = client.post("/sign-in/code", {"code": code, "next": "/findings"})
    assert entered["Location"] == "/findings"
    assert client.get("/findings").status_code == 200
    again = Client()
    again.post("/sign-in", {"username": "auditor", "password": PASSWORD})
    assert again.post("/sign-in/code", {"code": code}).status_code == 403


def test_sign_out_ends_the_session_everywhere(enter: Enter) -> None:
    client = enter("analyst")
    kept = client.cookies["khana_session"].value
    client.post("/sign-out")
    thief = Client()
    thief.cookies["khana_session"] = kept
    assert thief.get("/")["Location"].startswith("/sign-in")


def test_next_leads_nowhere_else(country: dict[str, object]) -> None:
    answer = Client().post(
        "/sign-in", {"username": "analyst", "password": PASSWORD, "next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == "/"
    assert Client().post("/language", {"language": "ur", "next": "//elsewhere.example"})["Location"] == "/"


def test_too_many_searches_are_slowed(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    from khana.interfaces.web import limits

    client = enter("steward")
    monkeypatch.setattr(limits, "LOOK_UP", limits.Bucket(burst=3, per_minute=1))
    seen = [client.get("/look-up", {"q": "Shazia"}).status_code for _ in range(5)]
    assert seen == [200, 200, 200, 429, 429]


def test_a_full_bucket_refuses_newcomers(monkeypatch: pytest.MonkeyPatch) -> None:
    from khana.interfaces.web import limits

    monkeypatch.setattr(limits, "_MOST_KEYS", 2)
    bucket = limits.Bucket(burst=1, per_minute=0.001)
    bucket.take("a")
    bucket.take("b")
    with pytest.raises(limits.TooMany):
        bucket.take("c")


def test_mistakes_of_ours_show_a_reference_and_no_value(
    enter: Enter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from khana.dossiers import answers

    def broken(_area: str) -> None:
        raise RuntimeError("Shazia Bibi 39001-0000111-1")

    client = enter("steward")
    monkeypatch.setattr(answers, "five_answers", broken)
    answer = client.get("/")
    text = answer.content.decode()
    assert answer.status_code == 500 and "This is our mistake" in text
    reference = re.search(r"[0-9a-f]{8}", text[text.index("Reference") :])
    assert reference and reference[0] in caplog.text
    assert "Shazia" not in text + caplog.text and "39001" not in text + caplog.text


def test_pages_forbid_foreign_scripts_and_caches(enter: Enter) -> None:
    answer = enter("steward").get("/")
    policy = answer["Content-Security-Policy"]
    assert (
        "script-src 'self'" in policy
        and "default-src 'none'" in policy
        and "unsafe-inline' " not in policy.split("style-src-attr")[0]
    )
    assert answer["Cache-Control"] == "no-store" and answer["X-Frame-Options"] == "DENY"
    text = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text) and "<style" not in text and not re.search(r"\son\w+=", text)
    assert not re.findall(r"""(?:src|href)=["']https?:""", text)


def test_health_tells_nothing_of_anybody(country: dict[str, object]) -> None:
    answer = Client().get("/health")
    assert answer.status_code == 200 and answer.json() == {"status": "ok"}


def test_quarantine_is_corrected_in_the_browser(enter: Enter) -> None:
    client = enter("steward")
    page = client.get("/sources/kfl/quarantine/1")
    assert page.status_code == 200 and "31-02-2026" in page.content.decode()
    kept = client.post("/sources/kfl/quarantine/1", {"text": "12,39001-0000111-1,Shazia Bibi,28-02-2026"}, follow=True)
    assert "Replay 1 corrected row" in kept.content.decode()
    assert client.post("/sources/kfl/quarantine/2", {"discard": "1", "reason": ""}).status_code == 422
    assert client.post("/sources/kfl/quarantine/2", {"discard": "1", "reason": "a total line"}).status_code == 302
    assert client.get("/sources/kfl/quarantine/2").status_code == 409
    assert enter("officer").get("/sources/kfl/quarantine/3").status_code in (404, 409)


def test_a_contract_is_kept_only_if_it_can_be_followed(enter: Enter) -> None:
    client = enter("steward")
    text = (
        client.get("/sources/kfl/contract").context
        if False
        else "code: kfl\nentity: benefit\nfile: {format: csv}\nfacts: {beneficiary_name: Name, amount: Amount}\n"
    )
    refused = client.post("/sources/kfl/contract", {"text": text.replace("amount", "amuont")})
    assert refused.status_code == 422
    assert client.post("/sources/kfl/contract", {"text": "a: [b"}).status_code == 422
    assert client.post("/sources/kfl/contract", {"text": text}).status_code == 302
    assert "version 2" in client.get("/sources/kfl/contract").content.decode()


@pytest.mark.parametrize("user", USERS)
def test_a_page_asks_the_database_a_bounded_number_of_times(enter: Enter, user: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    if user == "auditor":
        pytest.skip("needs a second factor; the steward asks the same")
    client = enter(user)
    for path in PAGES:
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        assert len(asked) <= 45, (path, len(asked))


def test_a_sent_list_becomes_a_job_in_her_name(enter: Enter) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from khana.platform import places

    client = enter("steward")
    sent = SimpleUploadedFile("../../etc/list of q2 <b>.csv", b"CNIC,Name,Quarter,Amount\n")
    answer = client.post("/sources/kfl/upload", {"file": sent})
    assert answer.status_code == 302 and answer["Location"].startswith("/jobs/")
    page = client.get(answer["Location"]).content.decode()
    assert "Import a file" in page and "waiting" in page and "steward" in page
    kept = list((places.var() / "uploads").iterdir())
    assert len(kept) == 1 and kept[0].stat().st_mode & 0o077 == 0
    assert client.post("/sources/kfl/upload").status_code == 302
    # nobody else's job is shown
    assert enter("officer").get(answer["Location"]).status_code == 404


def test_a_row_is_added_to_a_kept_list(enter: Enter) -> None:
    client = enter("steward")
    page = client.get("/sources/pbm/list").content.decode()
    assert 'name="beneficiary_id_number"' in page and 'name="programme"' not in page
    empty = client.post("/sources/pbm/list", {})
    assert empty.status_code == 422
    row = {
        "period": "Q2 2026",
        "beneficiary_id_number": "39009-1234567-2",
        "beneficiary_name": "Zarina Bibi",
        "amount": "5000",
    }
    added = client.post("/sources/pbm/list", row, follow=True)
    assert added.status_code == 200 and "The row is on the list" in added.content.decode()
    assert client.get("/sources/kfl/list").status_code == 404


def test_a_stale_form_says_so(country: dict[str, object]) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in", {"username": "steward", "password": PASSWORD})
    assert answer.status_code == 403 and "The form was open too long" in answer.content.decode()


def test_database_gone_is_a_sentence(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.utils import OperationalError

    from khana.dossiers import answers

    def gone(_area: str) -> None:
        raise OperationalError("server closed the connection: Shazia")

    client = enter("steward")
    monkeypatch.setattr(answers, "five_answers", gone)
    answer = client.get("/")
    text = answer.content.decode()
    assert answer.status_code == 503 and "The database does not answer" in text and "Shazia" not in text
    assert client.get("/no/such/page").status_code == 404


def test_a_source_is_connected_from_one_list(enter: Enter) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = enter("steward")
    text = (
        b"CNIC;Name;Father Name;Amount\n39001-0000111-1;Shazia Bibi;Aslam;5000\n39001-0000222-3;Nasreen;Rasool;5000\n"
    )
    asked = {"code": "PWP", "title": "Public works", "agency": "LG", "programmes": ["PWP"], "frequency": "monthly"}
    drafted = client.post("/sources/connect", {**asked, "draft": "1", "file": SimpleUploadedFile("works.csv", text)})
    page = drafted.content.decode()
    assert drafted.status_code == 200 and "entity: benefit" in page and "beneficiary_id_number" in page
    contract = "code: works\nentity: benefit\ncountry: pak\nfile: {format: csv, delimiter: ';'}\nfacts: {beneficiary_id_number: CNIC, beneficiary_name: Name, amount: Amount}\n"
    assert client.post("/sources/connect", {**asked, "code": "", "text": contract, "keep": "1"}).status_code == 422
    kept = client.post("/sources/connect", {**asked, "text": contract, "keep": "1"}, follow=True)
    assert "The source is connected" in kept.content.decode()
    assert "Public works" not in client.get("/sources/onboarding").content.decode()
