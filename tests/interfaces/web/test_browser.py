"""Every page in a real browser, in three languages: it draws, axe finds nothing, no request leaves.

A page is held against axe in one of the languages, by turns, and drawn in all of them; KHANA_AXE=all holds each against it in all.
"""

from __future__ import annotations

import os
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
    "contract": "/sources/kfl/contract", "list": "/sources/pbm/list", "onboarding": "/sources/onboarding", "connect": "/sources/connect?programme=PWP", "jobs": "/jobs",
    "intake": "/intake", "intake-state": "/intake?state=WAITING", "desk": "/intake/desk", "desk-hits": "/intake/desk?q=Shazia",
    "forms": "/intake/forms", "form-add": "/intake/forms/add", "telephone": "/intake/telephone",
    "matching": "/matching", "matching-field-state": "/matching?state=ASK_FIELD", "pair": "/matching/pairs/1",
    "has-she-a-file": "/matching/check", "asked-for": "/matching/openings", "for-the-field": "/matching/field",
    "cases": "/cases", "civil": "/civil-events", "authorities": "/authorities", "missing": "/no-such-page",
    "centres": "/centres", "centre": "/centres/at/C1", "due": "/centres/at/C1/due", "van-due": "/centres/at/V1/due",
    "progress": "/centres/progress?area=XK", "staff": "/centres/staff", "actions": "/centres/actions",
    "civil-decided": "/civil-events?state=ACCEPTED", "civil-none": "/civil-events?state=REPEATED", "civil-unread": "/civil-events?state=UNREADABLE",
    "enumerator": "/centres/staff/77", "structure": "/household/900000001/structure", "office": "/office", "token": "/centres/at/C1/token/1",
}  # fmt: skip


class Visit:
    """One signed-in browser that remembers what went wrong."""

    def __init__(
        self, chrome, site: str, user: str, language: str, size: tuple[int, int] = (1280, 720), code: str = ""
    ) -> None:  # type: ignore[no-untyped-def]
        """Open a window and sign in."""
        self.site, self.language = site, language
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
            if code:
                self.page.wait_for_url("**/sign-in/code*")
                self.page.fill("#code", code)
                self.page.press("#code", "Enter")
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
        """Return what axe finds against WCAG 2.2 AA and good practice."""
        if not AXE.exists():
            pytest.skip("axe-core is not installed: script/assets installs it")
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], selectors: false, runOnly: "
            "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        return [
            f"{row['id']}: {node['html'][:150]} {node.get('failureSummary', '')[:200]}"
            for row in found["violations"]
            for node in row["nodes"][:3]
        ]

    def problems(self, name: str, path: str, *, status: int = 200, in_turn: bool = True) -> list[str]:
        """Open a page; return what is wrong with it: its status, its language, its width, and what axe finds where it is its turn."""
        self.see(path, f"{self.language}-{name}")
        turn = LANGUAGES[zlib.crc32(name.encode()) % len(LANGUAGES)]
        found = []
        if not in_turn or turn == self.language or os.environ.get("KHANA_AXE") == "all":
            found += self.axe()
        if self.status != status:
            found.append(f"status {self.status}")
        if self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append("scrolls sideways")
        if self.page.evaluate("document.documentElement.lang") != self.language:
            found.append(f"not in {self.language}")
        return [f"{name}: {line}" for line in found]

    def close(self) -> None:
        """Close the window."""
        self.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_draws_and_axe_finds_nothing(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in PAGES.items():
        problems += visit.problems(name, path, status=404 if name == "missing" else 200)
    problems += [line for line in visit.wrong if "404 (Not Found)" not in line]
    visit.close()
    assert problems == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_gate_and_users_in_every_language(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "", language)
    problems = visit.problems("sign-in", "/sign-in")
    problems += visit.problems("my-file", "/my-file")
    visit.page.fill("#number", "3520112345671")
    visit.page.press("#number", "Enter")
    visit.page.wait_for_selector("#code")
    problems += [f"my-file-code {line}" for line in visit.axe()]
    visit.close()
    visit = Visit(chrome, site, "developer", language)
    problems += visit.problems("partner", "/partner") + visit.wrong
    visit.close()
    visit = Visit(chrome, site, "admin", language)
    problems += visit.problems("users", "/users")
    visit.page.fill("#u-username", f"new-{language}")
    visit.page.fill("#u-name", "New colleague")
    visit.page.click("form[action='/users/add'] button")
    visit.page.wait_for_selector(".k-qr svg")
    problems += [f"secrets {line}" for line in visit.axe()] + visit.wrong
    if os.environ.get("KHANA_SCREENSHOTS"):
        visit.page.screenshot(path=f"{os.environ['KHANA_SCREENSHOTS']}/{language}-secrets.png", full_page=True)
    visit.close()
    visit = Visit(chrome, site, "protector", language)
    visit.page.goto("/breaches")
    visit.page.fill("#n-what", "A laptop was stolen from a desk")
    visit.page.fill("#n-persons", "12")
    visit.page.check("#k-names")
    visit.page.click("form[action='/breaches/add'] button")
    for name in ("alarms", "breaches", "retention"):
        problems += visit.problems(name, f"/{name}")
    visit.close()
    assert problems + visit.wrong == []


def test_alarms_and_my_office_of_an_auditor(chrome, site: str, country: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    from khana.access import services as access

    code = access.code_at(country["users"]["auditor"].otpauth_uri, datetime.now(UTC))
    visit = Visit(chrome, site, "auditor", "bn", code=code)
    problems = [line for name in ("alarms", "office") for line in visit.problems(name, f"/{name}")]
    visit.close()
    assert problems + visit.wrong == []


@pytest.mark.parametrize("language", ["en", "ur"])
def test_on_a_telephone(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language, (360, 740))
    problems = []
    for name in ("recipients", "overlaps", "person", "findings", "source", "contract", "jobs", "centre", "due"):
        problems += visit.problems(name, PAGES[name], in_turn=False)
    problems += _menus(visit)
    visit.close()
    assert problems + visit.wrong == []


def _menus(visit: Visit) -> list[str]:
    """Open each menu of the bar: one is open at a time, it lies within the window, and axe finds nothing."""
    problems = []
    for menu in visit.page.locator(".k-nav details").all():
        menu.locator("summary").click()
        box = menu.locator(".k-menu-panel").bounding_box()
        width = visit.page.evaluate("document.documentElement.clientWidth")
        if box is None or box["x"] < 0 or box["x"] + box["width"] > width:
            problems.append(f"a menu lies outside the window: {box}")
        if visit.page.locator(".k-nav details[open]").count() != 1:
            problems.append("not one menu is open")
    return problems + [f"menu {line}" for line in visit.axe()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bar_is_one_line_and_its_menus_work_by_keyboard(chrome, site: str, language: str) -> None:  # type: ignore[no-untyped-def]
    """A steward may open nearly every page; the bar stays one line, and Enter, Tab and Escape are enough."""
    visit = Visit(chrome, site, "steward", language)
    visit.see("/centres/staff", f"{language}-bar")
    page = visit.page
    tops = page.evaluate("[...document.querySelectorAll('.k-nav > *')].map((one) => one.offsetTop)")
    assert len(tops) > 4 and len(set(tops)) == 1, tops
    assert page.locator(".k-nav summary[aria-current]").count() == 1
    assert page.locator(".k-nav a[aria-current=page]").get_attribute("href") == "/centres"
    assert _menus(visit) == []
    page.keyboard.press("Escape")
    assert page.locator(".k-nav details[open]").count() == 0
    page.locator(".k-nav summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/intake"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("g")
    page.keyboard.press("s")  # a key reaches a page whose menu is closed
    page.wait_for_url("**/sources")
    wrong = visit.wrong
    visit.close()
    assert wrong == []


def test_by_keyboard_alone(chrome, site: str) -> None:  # type: ignore[no-untyped-def]
    """Sign in, skip to the page, search with "/", open a file, see the keys, go on with "g f", sign out."""
    visit = Visit(chrome, site, "", "en")
    page = visit.page
    page.goto("/sign-in")
    page.keyboard.type("steward")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".k-answers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "k-search"
    page.keyboard.type("Shazia Bibi")
    page.keyboard.press("Enter")
    page.wait_for_selector("a[href^='/person/']")
    page.locator("a[href^='/person/']").first.focus()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/person/*")
    page.keyboard.press("?")
    assert page.locator("#k-shortcuts").evaluate("dialog => dialog.open")
    page.keyboard.press("Escape")
    assert not page.locator("#k-shortcuts").evaluate("dialog => dialog.open")
    page.keyboard.press("g")
    page.keyboard.press("f")
    page.wait_for_url("**/findings")
    page.locator(".k-menu-button").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    visit.close()


def test_map_and_language_lead_on(chrome, site: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "analyst", "en")
    visit.see("/?answer=unserved")
    # the four sides of the country, each one shape
    assert visit.page.locator("#map path").count() == 4
    visit.page.locator("#map path").first.click()
    visit.page.wait_for_url("**area=XK*")
    assert visit.page.locator("[aria-current=true].k-answer").inner_text().startswith("Poor and served by nothing")
    visit.page.click("button[lang=ur]")
    visit.page.wait_for_selector("html[dir=rtl]")
    assert "area=XK" in visit.page.url and "answer=unserved" in visit.page.url
    visit.close()


def test_a_job_moves_by_itself_and_is_cancelled(chrome, site: str, connect) -> None:  # type: ignore[no-untyped-def]
    from khana.platform.secrets_store import get_secret

    with connect("owner", user="postgres", password=get_secret("db_superuser")) as connection:
        who = connection.execute("SELECT id FROM access_user WHERE username = 'steward'").fetchone()[0]
        connection.execute("UPDATE platform_jobrun SET actor_id = %s", [who])
        job = connection.execute("SELECT uuid FROM platform_jobrun WHERE state = 'RUNNING'").fetchone()[0]
        connection.commit()
        visit = Visit(chrome, site, "steward", "en")
        visit.see(f"/jobs/{job}", "en-job")
        assert "40%" in visit.page.locator("#job").inner_text()
        connection.execute("UPDATE platform_jobrun SET progress_done = 77 WHERE uuid = %s", [job])
        connection.commit()
        visit.page.wait_for_selector("#job:has-text('77%')", timeout=5000)
        visit.page.on("dialog", lambda dialog: dialog.accept())
        visit.page.get_by_role("button", name="Cancel").click()
        visit.page.wait_for_selector("#job:has-text('stopping')")
        connection.execute(
            "UPDATE platform_jobrun SET state = 'DONE', ended_at = now(), cancel_requested = false WHERE uuid = %s",
            [job],
        )
        connection.commit()
        visit.page.wait_for_selector("#job:has-text('done')", timeout=5000)
        visit.see("/jobs", "en-jobs")
    assert visit.wrong == []
    visit.close()


def test_a_contract_is_tried_before_it_is_kept(chrome, site: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    sample = tmp_path / "list.csv"
    sample.write_text(
        "CNIC,Name,Quarter,Amount\n39001-0000111-1,Shazia Bibi,Q2 2026,14500\n39001-0000222-3,Nasreen,Q2 2026,14500\n"
    )
    visit = Visit(chrome, site, "steward", "en")
    visit.see("/sources/kfl/contract")
    visit.page.set_input_files("#sample", str(sample))
    visit.page.get_by_role("button", name="Preview").click()
    visit.page.wait_for_selector("#preview table")
    text = visit.page.locator("#preview").inner_text()
    assert "2 rows are read" in text and "Shazia Bibi" in text and "39001" not in text
    visit.page.fill("#text", "entity: benefit")
    visit.page.get_by_role("button", name="Preview").click()
    visit.page.wait_for_selector("#preview [role=alert]")
    assert visit.wrong == []
    visit.close()


def test_the_queue_is_worked_by_keys_and_the_desk_asks(chrome, site: str) -> None:  # type: ignore[no-untyped-def]
    """The steward presses n, then d: the pair is told apart and the next one comes; the desk's answer passes axe too."""
    visit = Visit(chrome, site, "steward", "en")
    visit.see("/matching")
    visit.page.keyboard.press("n")
    visit.page.wait_for_url("**/matching/pairs/*")
    first = visit.page.url
    visit.page.keyboard.press("d")
    visit.page.wait_for_url(lambda url: "/matching/pairs/" in url and url != first)
    visit.see("/matching/check")
    visit.page.fill("#c-name", "Shazia Bibi")
    visit.page.press("#c-name", "Enter")
    visit.page.wait_for_selector("#found")
    problems = visit.axe() + visit.wrong
    visit.close()
    assert problems == []
