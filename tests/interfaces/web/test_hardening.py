"""What every answer bears, what cookies are made of, when a session ends by itself, what stands in the log: settings of safety."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.test import Client, override_settings

from tests.interfaces.web.conftest import PASSWORD

Enter = Callable[[str], Client]
CODE = """
import json, django
from django.conf import settings as s
django.setup()
from django.test import Client
from khana.interfaces.web import session
print(json.dumps({
    "names": [s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.LANGUAGE_COOKIE_NAME],
    "secure": [s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE], "http_only": [s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY],
    "same_site": [s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE], "domain": [s.SESSION_COOKIE_DOMAIN, s.CSRF_COOKIE_DOMAIN],
    "path": [s.SESSION_COOKIE_PATH, s.CSRF_COOKIE_PATH], "debug": s.DEBUG, "redirect": s.SECURE_SSL_REDIRECT,
    "sts": Client().get("/my-file", secure=True, headers={"host": "localhost"})["Strict-Transport-Security"],
    "set": str(Client().get("/my-file", secure=True, headers={"host": "localhost"}).cookies),
    "language": str(Client().post("/language", {"language": "ur"}, secure=True, headers={"host": "localhost"}).cookies),
}))
"""


@pytest.fixture
def enter(country: dict[str, object]) -> Enter:
    def _enter(user: str) -> Client:
        client = Client()
        assert client.post("/sign-in", {"username": user, "password": PASSWORD}).status_code == 302
        return client

    return _enter


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the settings are with KHANA_ENV=production, asked of a process of its own."""
    folder = tmp_path_factory.mktemp("production")
    source = str(Path(__file__).resolve().parents[3] / "src")
    given = {**os.environ, "KHANA_ENV": "production", "KHANA_VAR": str(folder), "PYTHONPATH": source}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CODE], env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_cookies_of_production_are_bound_to_this_host(production: dict[str, Any]) -> None:
    assert all(name.startswith("__Host-") for name in production["names"])
    assert production["secure"] == production["http_only"] == [True, True]
    assert (
        production["same_site"] == ["Lax", "Lax"]
        and production["domain"] == [None, None]
        and production["path"] == ["/", "/"]
    )
    for text in (production["set"], production["language"]):
        assert (
            "__Host-" in text
            and "Secure" in text
            and "HttpOnly" in text
            and "SameSite=Lax" in text
            and "Domain" not in text
        )


def test_debugging_is_off_everywhere(production: dict[str, Any]) -> None:
    from django.conf import settings

    assert production["debug"] is False and settings.DEBUG is False
    assert not [one for one in settings.INSTALLED_APPS if "debug" in one]


def asked(path: str, **more: str) -> tuple[str, dict[str, str]]:
    """Ask the application itself, as the web server does; return status and headers in small letters."""
    from khana_settings.wsgi import application

    told: list[Any] = []
    given: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1", "PATH_INFO": path, "wsgi.input": io.BytesIO(), "HTTP_HOST": "localhost",
                             "HTTP_ORIGIN": "https://elsewhere.example", **more}  # fmt: skip
    setup_testing_defaults(given)
    answer = application(given, lambda status, headers: told.append((status, headers)))
    for _ in answer:
        pass
    getattr(answer, "close", lambda: None)()
    return told[0][0], {name.lower(): value for name, value in told[0][1]}


def test_every_answer_bears_its_headers(country: dict[str, object], production: dict[str, Any]) -> None:
    """Pages, refusals, redirects, assets and answers to programs."""
    for path in ("/", "/sign-in", "/nothing-here", "/my-file", "/public", "/health", "/static/css/khana.css", "/api/v1/persons/1",
                 "/api/v1/nothing", "/dci/nothing", "/.well-known/jwks.json", "/api/odk/v1/projects", "/ogc", "/api/docs"):  # fmt: skip
        status, headers = asked(path)
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "same-origin", path
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, (path, policy)
        assert "object-src 'none'" in policy or "default-src 'none'" in policy, (path, policy)
        # foreign pages may read what is published, and nothing else
        assert headers.get("access-control-allow-origin") == ("*" if path == "/ogc" else None), path
        is_open = path.startswith(("/static", "/public", "/ogc", "/.well-known"))
        assert is_open or "no-store" in headers["cache-control"], (path, status, headers.get("cache-control"))
        kind = headers.get("content-type", "")
        assert not kind.startswith("text/") or "charset=" in kind.lower(), (path, kind)
    assert production["sts"] == "max-age=31536000; includeSubDomains"


def test_nothing_but_pages_and_assets_is_served(country: dict[str, object]) -> None:
    for path in ("/.git/config", "/static/.git/config", "/static/", "/static/css/", "/static/../settings.py", "/.env",
                 "/static/%2e%2e/%2e%2e/tags.py", "/static/css/../../tags.py", "/requirements/base.txt", "/var/keys/aes.1.key"):  # fmt: skip
        assert asked(path)[0][:3] in ("404", "400", "301", "302"), path


def test_an_hour_without_use_ends_the_session(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    from khana.interfaces.web import middleware

    client = enter("steward")
    assert client.get("/office").status_code == 200
    began = middleware.clock.now()
    for minutes, status in ((55, 200), (110, 200), (171, 302)):  # each use begins the hour anew
        monkeypatch.setattr(
            middleware, "clock", SimpleNamespace(now=lambda minutes=minutes: began + timedelta(minutes=minutes))
        )
        answer = client.get("/office")
        assert answer.status_code == status, minutes
    assert answer["Location"].startswith("/sign-in") and answer["Clear-Site-Data"] == '"cache"'
    monkeypatch.undo()
    assert client.get("/office").status_code == 302


def test_sign_out_asks_the_browser_to_forget(enter: Enter) -> None:
    assert enter("analyst").post("/sign-out")["Clear-Site-Data"] == '"cache"'


def test_no_page_holds_the_token_of_its_session(enter: Enter) -> None:
    client = enter("steward")
    token = client.session["token"]
    for path in ("/", "/office", "/office/sign-in", "/intake/desk", "/sources"):
        answer = client.get(path)
        assert answer.status_code == 200 and token not in answer.content.decode(), path


def test_a_form_without_its_sign_changes_nothing(enter: Enter) -> None:
    client = enter("steward")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for path in ("/office/purpose", "/jobs/start", "/sources/connect", "/office/sign-in/end", "/sign-out", "/sign-in"):
        assert strict.post(path, {"purpose": "grievance"}).status_code == 403, path
        assert strict.post(path, {}, headers={"origin": "https://elsewhere.example"}).status_code == 403, path
    assert strict.get("/office").status_code == 200


def _state(connect: Any) -> dict[str, object]:
    """Return a sum over the rows of every table but the log and the sessions."""
    with connect("owner") as owner:
        tables = [
            row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        ]
        kept = [one for one in tables if not one.startswith(("audit_", "access_session", "django_", "procrastinate_"))]
        return {
            one: owner.execute(f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {one} t").fetchone()
            for one in kept
        }


def test_pages_that_only_read_change_nothing(enter: Enter, connect: Any) -> None:
    from tests.interfaces.web.test_pages import PAGES

    client, before = enter("steward"), _state(connect)
    assert sum(client.get(path).status_code == 200 for path in PAGES) > 15
    assert client.get("/office/sign-in").status_code == 200
    for path in ("/sign-out", "/office/purpose", "/jobs/start", "/office/sign-in/end", "/language", "/my-file/say"):
        assert client.get(path).status_code in (302, 405), path  # what changes is not done by following a link
    after = _state(connect)
    assert {one for one in after if after[one] != before[one]} == set()
    assert client.get("/office").status_code == 200, "still signed in"


def test_who_is_turned_away_stands_in_the_log(enter: Enter, caplog: pytest.LogCaptureFixture) -> None:
    from khana.interfaces.refusals import of_token

    client = enter("analyst")
    assert client.get("/users").status_code == 403
    (line,) = [record.getMessage() for record in caplog.records if record.name == "khana.refusals"]
    assert "access.permission.missing (users.read) at GET users" in line and "from 127.0.0.1" in line
    assert of_token(client.session["token"]) in line and client.session["token"] not in line
    caplog.clear()
    assert Client().get("/api/v1/jobs/6f2c8a3e-1111-4222-8333-944444444444").status_code == 401
    assert "api.token_missing" in caplog.text


def test_sign_ins_stand_in_the_log(enter: Enter, connect: Any) -> None:
    enter("officer")
    Client().post("/sign-in", {"username": "officer", "password": "wrong"})
    Client().post("/sign-in", {"username": "no-such-name", "password": "wrong"})
    with connect("owner") as owner:
        rows = owner.execute("SELECT action, subject, at FROM audit_event ORDER BY id DESC LIMIT 3").fetchall()
    assert [row[0] for row in rows] == ["access.sign_in.refused", "access.sign_in.refused", "access.sign_in"]
    assert rows[0][1] == "user:unknown" and rows[1][1] == rows[2][1] != "user:unknown"


def test_a_file_too_large_is_refused(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    from khana.interfaces.web import uploads

    client = enter("steward")
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    answer = client.post("/sources/kfl/upload", {"file": io.BytesIO(b"a,b,c\n" * 10)})
    assert answer.status_code == 422
    monkeypatch.undo()
    monkeypatch.setattr(uploads, "MOST_WAITING", 10)
    assert client.post("/sources/kfl/upload", {"file": io.BytesIO(b"a,b,c\n" * 10)}).status_code == 422


def test_names_of_files_lead_nowhere(country: dict[str, object]) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from khana.interfaces.web import uploads
    from khana.platform import places

    for name in (
        "../../../etc/passwd",
        "..\\..\\boot.ini",
        "/abs/olute.csv",
        'a"; filename="b.exe',
        "a\r\nX-Evil: 1.csv",
        "x" * 900,
    ):
        safe = uploads.safe_name(name)
        assert not set(safe) & set('/\\"\r\n;:') and len(safe) <= 120 and safe not in ("", ".", "..")
        sent = SimpleUploadedFile("x", b"1")
        sent._name = name
        kept = uploads.keep(sent)
        assert kept.parent == places.folder("uploads") and kept.stat().st_mode & 0o077 == 0
        kept.unlink()


def test_statements_of_pages_end(country: dict[str, object], connect: Any) -> None:
    with connect("web") as web:
        assert web.execute("SHOW statement_timeout").fetchone() == ("2min",)
        assert web.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("5min",)


@override_settings(ALLOWED_HOSTS=["localhost"])
def test_a_host_that_is_not_ours_is_refused() -> None:
    assert asked("/sign-in", HTTP_HOST="evil.example")[0][:3] in ("400", "422")
