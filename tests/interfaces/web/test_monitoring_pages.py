"""Indicators and coverage as people see them: computed, drawn, compared, opened to the row, studied from an upload, reported."""

from __future__ import annotations

import os
import random
import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from tests.interfaces.web.conftest import _as
from tests.interfaces.web.test_browser import LANGUAGES, Visit
from tests.interfaces.web.world import NOW, PROVINCES

pytestmark = pytest.mark.browser


def survey(path: Path) -> Path:
    """Write a survey of 96 households: those of the made-up registry, by number, and as many whom it does not know."""
    chance = random.Random(3)
    lines = ["hhid,cnic,weight,stratum,psu,members,pc_consumption,province,reason,km"]
    for n in range(96):
        number = f"39{n:05d}{1:05d}1" if n < 60 else f"38{n:05d}{1:05d}1"
        province = PROVINCES[n % 24 // 6][0] if n < 60 else PROVINCES[n % 4][0]
        why = "" if n < 60 else ("did not know" if n % 2 else "too far")
        lines.append(
            f"{n},{number},{100 + n % 7},{province},{n // 4},{3 + n % 5},{chance.randint(900, 9000)},{province},{why},{n % 30 + (n >= 60) * 9}"
        )
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def measured(country: dict[str, object]) -> dict[str, object]:
    """Compute every indicator of two days."""
    from khana.workflows import measure_indicators

    token = country["users"]["steward"].token  # type: ignore[index]
    made = [
        measure_indicators.run(token=token, as_of=day, at=at)
        for day, at in ((date(2025, 12, 31), NOW), (date(2026, 6, 30), datetime(2026, 7, 2, tzinfo=UTC)))
    ]
    return {**country, "snapshots": [one["snapshot"] for one in made]}


PAGES = {
    "indicators": "/monitoring", "indicators-province": "/monitoring?area=XK1&indicator=HH_REGISTERED",
    "indicators-district": "/monitoring?area=XK101&indicator=SHARE_POOR", "indicator-rows": "/monitoring/rows?area=XK1&indicator=HH_REGISTERED",
    "definitions": "/monitoring/definitions", "compare": "/monitoring/compare?with=XK1&with=XK2", "compare-none": "/monitoring/compare",
    "coverage": "/coverage", "coverage-new": "/coverage/new",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_draws_and_axe_finds_nothing(chrome, site: str, measured: dict[str, object], language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in PAGES.items():
        visit.see(path, f"{language}-{name}")
        problems += [f"{name} {line}" for line in visit.axe()]
        if visit.status != 200:
            problems.append(f"{name}: status {visit.status}")
        if visit.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(f"{name}: scrolls sideways")
    visit.close()
    assert problems + visit.wrong == []


def test_a_study_from_an_upload_to_its_report(
    chrome, site: str, measured: dict[str, object], database: str, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """A planner gives a survey, looks over what was guessed, starts the study, sees its figures and takes the PDF."""
    from khana.interfaces.jobs.work import work
    from khana.platform import embedded

    visit = Visit(chrome, site, "steward", "en")
    page = visit.page
    visit.see("/coverage/new")
    page.fill("#title", "Round 1")
    page.set_input_files("#file", survey(tmp_path / "survey.csv"))
    page.click("button[name=look]")
    page.wait_for_selector("#c-weight")
    assert [page.input_value(f"#c-{name}") for name in ("weight", "size", "number", "welfare", "reasons")] == [
        "weight", "members", "cnic", "pc_consumption", "reason",
    ]  # fmt: skip
    page.check("input[name=determinants][value=km]")
    assert visit.axe() == []
    _picture(visit, "coverage-new-columns")
    page.click("text=Start the study")
    page.wait_for_url("**/jobs/*")
    worker = embedded.connection_parameters("worker")
    with _as(str(worker["user"]), str(worker["password"]), database):
        work(UUID(page.url.rsplit("/", 1)[1]))
    page.wait_for_selector("text=See the study")
    page.click("text=See the study")
    page.wait_for_selector(".k-answers")
    page.wait_for_selector("#map[data-drawn], .k-map-none", state="attached")
    assert page.locator("#map path").count() >= 4, page.evaluate(
        "document.getElementById('map').outerHTML.slice(0, 900)"
    )
    visit.see(page.url.removeprefix(site), "coverage-study")
    assert visit.axe() == []
    text = page.inner_text("main")
    assert "60 of them registered" in text and "did not know" in text and "km" in text
    answer = visit.context.request.get(page.url + "/report.pdf?language=ur")
    assert answer.status == 200 and answer.body()[:5] == b"%PDF-"
    assert len(re.findall(rb"/Type\s*/Page\b", answer.body())) >= 2
    if os.environ.get("KHANA_SCREENSHOTS"):
        (Path(os.environ["KHANA_SCREENSHOTS"]) / "report-ur.pdf").write_bytes(answer.body())
    visit.close()
    assert visit.wrong == []


def _picture(visit: Visit, name: str) -> None:
    if os.environ.get("KHANA_SCREENSHOTS"):
        visit.page.wait_for_timeout(250)
        visit.page.screenshot(path=f"{os.environ['KHANA_SCREENSHOTS']}/{name}.png", full_page=True)
