"""SQL, script and formula text in every free-text field of every form that a page shows: nothing breaks, nothing runs.

The fields are read from the pages themselves, so that a new one is tried by default.
"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client

from khana.interfaces.web import limits

from .conftest import PASSWORD

SCRIPT = "<script>alert(1)</script>"
PAYLOADS = (
    "'; DROP TABLE registry_household; --",
    "%' OR '1'='1' UNION SELECT 1,2,3 --",
    f'">{SCRIPT}<img src=x onerror=alert(1)>',
    '=HYPERLINK("http://x.example","click")',
    "{{7*7}}{% load i18n %}\\x00\u202e",
)
PAGES = {
    "steward": ["/", "/look-up", "/findings", "/sources", "/sources/connect", "/sources/kfl", "/sources/kfl/contract",
                "/sources/pbm/list", "/intake/desk", "/intake/forms/add", "/household/900000000", "/rules", "/simulator",
                "/simulator/scenarios", "/civil-events", "/authorities", "/communities", "/matching", "/office", "/registers", "/models"],
    "admin": ["/users", "/users/steward/office", "/office", "/jobs", "/sources/connect"],
}  # fmt: skip
FREE = {"text", "search", "email", "tel", "url", "number", "date"}


class Forms(HTMLParser):
    """Collects each form with its fields; which of them are free text."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, str, dict[str, str], set[str]]] = []
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((at.get("method", "get").lower(), at.get("action", ""), {}, set()))
        if not self.forms:
            return
        _, _, fields, free = self.forms[-1]
        name = at.get("name", "")
        if tag == "input" and name:
            kind = at.get("type", "text")
            if kind in FREE:
                free.add(name)
            if kind not in ("file", "radio", "checkbox"):
                fields[name] = at.get("value", "")
        elif tag == "textarea" and name:
            free.add(name)
            fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and self._select not in fields:
            fields[self._select] = at.get("value", "")


def enter(user: str) -> Client:
    client = Client()
    assert client.post("/sign-in", {"username": user, "password": PASSWORD}).status_code == 302
    return client


@pytest.mark.parametrize("user", list(PAGES))
def test_free_text_is_text(country: dict[str, object], monkeypatch: pytest.MonkeyPatch, connect, user: str) -> None:  # type: ignore[no-untyped-def]
    for bucket in (limits.SIGN_IN, limits.LOOK_UP, limits.EXPORT):
        monkeypatch.setattr(bucket, "burst", 100_000)
    client = enter(user)
    with connect("owner") as owner:
        tables = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    tried: set[tuple[str, str]] = set()
    for path in PAGES[user]:
        page = client.get(path)
        assert page.status_code in (200, 403, 404), (path, page.status_code)
        reader = Forms()
        reader.feed(page.content.decode())
        for method, action, fields, free in reader.forms:
            target = action or path
            if target in ("/sign-out", "/language") or not free:
                continue
            for name in sorted(free):
                if (target, name) in tried:
                    continue
                tried.add((target, name))
                for payload in PAYLOADS:
                    data = {**fields, name: payload}
                    answer = client.post(target, data) if method == "post" else client.get(target, data)
                    assert answer.status_code < 500, (target, name, payload, answer.status_code)
                    shown = b"".join(answer.streaming_content) if answer.streaming else answer.content
                    assert SCRIPT.encode() not in shown, (target, name)
                    assert b"onerror=alert(1)>" not in shown, (target, name)
            again = client.get(path)  # what was kept is shown as text too
            assert again.status_code in (200, 403, 404) and SCRIPT.encode() not in again.content, path
    assert len(tried) >= (12 if user == "steward" else 8), sorted(tried)
    with connect("owner") as owner:
        assert owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == tables


def test_formula_text_that_was_kept_leaves_no_export_as_a_formula(country: dict[str, object], connect) -> None:  # type: ignore[no-untyped-def]
    with connect("owner") as owner:
        owner.execute("UPDATE beneficiaries_benefit SET name = '=1+1', payee_name = '@SUM(A1)'")
    client = enter("steward")
    for kind in ("recipients", "overlaps", "findings", "quarantine"):
        answer = client.get(f"/export/{kind}.csv")
        if answer.status_code != 200:
            continue
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()
        cells = [cell.strip('"') for line in text.splitlines() for cell in line.split(",")]
        assert not [cell for cell in cells if cell[:1] in ("=", "@", "+") or cell.startswith("-=")], kind
