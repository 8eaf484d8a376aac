"""Programmes, lists, the unserved and disasters as people see them: drawn in three languages, approved from the page."""

from __future__ import annotations

from datetime import date

import pytest

from tests.interfaces.web.test_browser import LANGUAGES, Visit
from tests.interfaces.web.world import NOW

pytestmark = pytest.mark.browser
PAGES = {
    "programmes": "/programmes", "programme": "/programmes/ZKT", "unserved": "/unserved?reason=not_enrolled", "disasters": "/disasters",
    "lists": "/lists", "list": "/lists/ZKT-1",
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(country: dict[str, object]) -> dict[str, object]:
    """Load the pack, hold its rules against the made-up country, draw a list, notify a disaster."""
    from khana.access import services as access
    from khana.programmes.services import disasters
    from khana.workflows import draw_list, evaluate_programmes, load_catalogue

    steward = country["users"]["steward"].token  # type: ignore[index]
    load_catalogue.run(token=steward, country="pak", on=date(2026, 6, 30), at=NOW)
    evaluate_programmes.run(token=steward, as_of=date(2026, 6, 30), at=NOW)
    wish = draw_list.Wish(programme="ZKT", code="ZKT-1", places=4, seed="2026", leave_out_recipients=False)
    made = draw_list.run(token=steward, wish=wish, as_of=date(2026, 6, 30), at=NOW)
    assert made["selected"] == 4
    with access.scoped(steward):
        disasters.notify(
            code="FLOOD",
            title="Flood",
            programme="ZKT",
            notification="No. 1",
            starts_on=date(2026, 6, 1),
            areas=["XK101"],
            at=NOW,
        )
    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_draws_and_axe_finds_nothing(chrome, site: str, drawn, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in PAGES.items():
        visit.see(path, f"{language}-{name}")
        problems += [f"{name} {line}" for line in visit.axe()]
        if visit.status != 200:
            problems.append(f"{name} answered {visit.status}")
        if visit.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name}: scrolls sideways")
    problems += visit.wrong
    visit.close()
    assert problems == []


def test_an_officer_approves_once_and_a_change_asks_anew(chrome, site: str, drawn) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "officer", "en")
    visit.see("/lists/ZKT-1", "list-before")
    visit.page.get_by_role("button", name="Approve it as it stands").click()
    visit.page.get_by_text("1 of 2 have approved the list as it stands.").wait_for()
    assert visit.page.get_by_role("button", name="Approve it as it stands").count() == 0
    unit = visit.page.locator("#entries ~ div tbody th").first.inner_text().strip()
    visit.page.get_by_text("Record a change").click()
    visit.page.get_by_label("Household and line").fill(unit)
    visit.page.get_by_label("New state").select_option("REMOVED")
    visit.page.get_by_label("Who says so").select_option("OFFICE")
    visit.page.get_by_label("Reason, without names").fill("Counted twice by mistake.")
    visit.page.get_by_role("button", name="Record the change").click()
    visit.page.get_by_text("0 of 2 have approved the list as it stands.").wait_for()
    visit.page.get_by_text("of an earlier wording").wait_for()
    visit.page.get_by_role("button", name="Approve it as it stands").click()
    visit.page.get_by_text("1 of 2 have approved the list as it stands.").wait_for()
    visit.close()
