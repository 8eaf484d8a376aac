"""Every page in a real browser, in three languages: it draws, axe finds nothing, no request leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.interfaces.web.conftest import PASSWORD

pytestmark = pytest.mark.browser
AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
LANGUAGES = ("en", "ur", "bn")
PAGES = {
    "recipients": "/", "overlaps": "/?answer=overlaps", "cap": "/?answer=cap", "unserved": "/?answer=unserved&area=XK1",
    "leakage": "/?answer=leakage", "rows": "/answers/cap/rows", "rows-unserved": "/answers/unserved/rows?area=XK1",
    "look-up": "/look-up", "hits": "/look-up?q=Shazia", "nobody": "/look-up?q=3900000000000", "person": "/person/1",
    "household": "/household/900000001", "recipient": "/recipient/1", "findings": "/findings", "findings-code": "/findings?code=CAP_EXCEEDED",
    "codes": "/findings/codes", "finding-row": "/findings/rows/1", "sources": "/sources", "source": "/sources/kfl",
    "quarantine": "/sources/kfl/quarantine", "quarantine-row": "/sources/kfl/quarantine/1", "study": "/sources/kfl/study",
    "contract": "/sources/kfl/contract", "list": "/sources/pbm/list", "onboarding": "/sources/onboarding", "jobs": "/jobs",
    "missing": "/no-such-page",
}  # fmt: skip


class Visit:
    """One signed-in browser that remembers what went wrong."""

    def __init__(self, chrome, site: str, user: str, language: str, size: tuple[int, int] = (1280, 720)) -> None:  # type: ignore[no-untyped-def]
        """Open a window and sign in."""
        self.site = site
        self.context = chrome.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=site, reduced_motion="reduce"
        )
        self.context.add_cookies([{"name": "khana_language", "value": language, "url": site}])
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.status = 0
        self.page.on(
            "console", lambda message: self.wrong.append(message.text) if message.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on(
            "request",
            lambda request: (
                None if request.url.startswith((site, "data:", "blob:")) else self.wrong.append(request.url)
            ),
        )
        if user:
            self.page.goto("/sign-in")
            self.page.fill("#username", user)
            self.page.fill("#password", PASSWORD)
            self.page.press("#password", "Enter")
            self.page.wait_for_url(lambda url: "sign-in" not in url)

    def see(self, path: str, name: str = "") -> None:
        """Open a page, wait until it is drawn, keep a picture where one is wanted."""
        answer = self.page.goto(path)
        self.status = answer.status if answer else 0
        if self.page.query_selector("#map"):
            self.page.wait_for_selector("#map[data-drawn], .k-map-none", state="attached")
        folder = os.environ.get("KHANA_SCREENSHOTS")
        if folder and name:
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    def axe(self) -> list[str]:
        """Return what axe finds against WCAG 2.2 AA."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        return [
            f"{row['id']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
            for row in found["violations"]
            for node in row["nodes"][:3]
        ]

    def close(self) -> None:
        """Close the window."""
        self.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in PAGES.items():
        visit.see(path, f"{language}-{name}")
        status = visit.status
        if status != (404 if name == "missing" else 200):
            problems.append(f"{name}: status {status}")
        problems += [f"{name} {line}" for line in visit.axe()]
        if visit.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name}: scrolls sideways")
    problems += [line for line in visit.wrong if "404 (Not Found)" not in line]
    visit.close()
    assert problems == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_sign_in_page(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "", language)
    visit.see("/sign-in", f"{language}-sign-in")
    problems = visit.axe() + visit.wrong
    visit.close()
    assert problems == []
