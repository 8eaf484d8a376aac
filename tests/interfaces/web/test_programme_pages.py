"""Programmes, lists, the unserved and disasters as people see them: drawn in three languages, approved from the page."""

from __future__ import annotations

from datetime import date

import pytest

from tests.interfaces.web.test_browser import LANGUAGES, Visit
from tests.interfaces.web.world import NOW

pytestmark = pytest.mark.browser
PAGES = {
    "programmes": "/programmes", "programme": "/programmes/ZKT", "unserved": "/unserved?reason=not_enrolled", "disasters": "/disasters",
    "lists": "/lists", "list": "/lists/ZKT-1", "notify": "/disasters/notify", "proposals": "/proposals",
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
        problems += visit.problems(name, path)
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


def test_an_outline_is_drawn_and_its_list_too(chrome, site: str, drawn, country) -> None:  # type: ignore[no-untyped-def]
    """By the keyboard alone: corners at the middle of the map, which the arrow keys move; then the draw as a job."""
    from khana.access import services as access
    from khana.programmes import lists

    visit = Visit(chrome, site, "steward", "en")
    visit.see("/disasters/notify", "notify-drawn")
    page = visit.page
    page.locator("[data-draw][data-drawn=yes]").wait_for()
    land = page.locator("[data-draw]")
    for keys in ((), ("ArrowRight",) * 3, ("ArrowDown",) * 3):
        for key in keys:
            land.press(key)
            page.wait_for_timeout(300)
        page.get_by_role("button", name="Corner at the middle of the map").click()
    page.get_by_text("Corners: 3").wait_for()
    page.get_by_role("button", name="Take the last corner back").click()
    page.get_by_text("Corners: 2").wait_for()
    land.click(position={"x": 60, "y": 60})
    page.get_by_text("Corners: 3").wait_for()
    assert '"Polygon"' in page.get_by_label("Outline as GeoJSON").input_value()
    page.get_by_role("button", name="Begin again").click()
    assert page.get_by_label("Outline as GeoJSON").input_value() == ""
    page.get_by_label("Outline as GeoJSON").fill(
        '{"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}'
    )
    page.get_by_label("Codes of areas").fill("XK101")
    page.get_by_label("Code", exact=True).fill("WATER")
    page.get_by_label("The programme that answers it").select_option("ZKT")
    page.get_by_label("Number and day of the notification").fill("No. 2 of 1 July 2026")
    page.get_by_label("First day").fill("2026-07-01")
    page.get_by_role("button", name="Notify", exact=True).click()
    page.get_by_text("The disaster is notified.").wait_for()
    with access.scoped(country["users"]["steward"].token):
        assert "XK101" in lists.get_event("WATER").areas
    page.get_by_role("button", name="Draw a list for WATER").click()
    page.get_by_text("A list for a disaster").first.wait_for()
    visit.close()
    # leaving a page while it still fades in is said on the console, and is no mistake
    assert [line for line in visit.wrong if "Transition was" not in line] == []


def test_a_notification_with_mistakes_says_so(drawn) -> None:  # type: ignore[no-untyped-def]
    from tests.interfaces.web.test_between import enter

    client = enter("steward")
    whole = {"code": "X", "programme": "ZKT", "notification": "No. 3", "starts_on": "2026-07-01", "areas": "XK101"}
    for changes, words in (
        ({"areas": "NOWHERE"}, b"No areas are called NOWHERE"), ({"areas": ""}, b"Say where"), ({"starts_on": "soon"}, b"is no day"),
        ({"outline": "{"}, b"no GeoJSON"), ({"outline": "[1]"}, b"no GeoJSON"), ({"outline": '{"type": "Point"}'}, b"no GeoJSON"),
    ):  # fmt: skip
        answer = client.post("/disasters/notify", {**whole, **changes})
        assert answer.status_code == 422 and words in answer.content, changes
    assert enter("officer").post("/disasters/notify", whole).status_code == 403


def test_a_village_proposes_and_the_ministry_answers_on_pages(drawn, country) -> None:  # type: ignore[no-untyped-def]
    from khana.access import services as access
    from khana.programmes import lists
    from tests.interfaces.web.test_between import enter

    steward = enter("steward")
    asked = {"programme": "ZKT", "minutes": "4 of 1 May 2026", "households": "900000000\n900000001"}
    assert steward.post("/proposals", asked).status_code == 302
    assert b"Proposed: 0" in steward.post("/proposals", asked, follow=True).content
    refused = steward.post("/proposals", {**asked, "households": "no-such"})
    assert (
        refused.status_code == 422 and b"no-such" in refused.content and b"Households 1 of the list" in refused.content
    )
    officer = enter("officer")
    with access.scoped(country["users"]["steward"].token):
        first, second = (row["id"] for row in lists.proposals(state="PROPOSED"))
    assert officer.post("/proposals", asked).status_code in (403, 422)
    officer.post(f"/proposals/{first}/answer", {"what": "accept"})
    officer.post(f"/proposals/{second}/answer", {"what": "refuse", "reason": "Draws a pension."})
    shown = officer.get("/proposals").content
    assert b"accepted" in shown and b"Draws a pension." in shown
    assert steward.post(f"/proposals/{first}/answer", {"what": "accept"}).status_code == 403


def test_a_visit_is_kept_on_the_page_of_the_list(drawn, country) -> None:  # type: ignore[no-untyped-def]
    from khana.access import services as access
    from khana.programmes import lists
    from tests.interfaces.web.test_between import enter

    client = enter("steward")
    with access.scoped(country["users"]["steward"].token):
        unit = lists.entries_of(lists.get_list("ZKT-1").id)[-1].unit
    seen = {
        "unit": unit,
        "visited_on": "2026-06-01",
        "outcome": "DIFFERENT",
        "fact": ["rooms", ""],
        "value": ["77", ""],
    }
    shown = client.post("/lists/ZKT-1/visit", seen, follow=True).content
    assert b"The visit is kept as evidence" in shown and b"to be assessed again" in shown and b"rooms" in shown
    for changes, words in (
        ({"fact": "no_fact", "value": "1"}, b"No facts of a household"),
        ({"visited_on": ""}, b"names its day"),
    ):
        assert words in client.post("/lists/ZKT-1/visit", {**seen, **changes}, follow=True).content
    assert enter("analyst").post("/lists/ZKT-1/visit", seen).status_code == 403
