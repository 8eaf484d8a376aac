"""Indicators and coverage as people see them: computed, drawn, compared, opened to the row, studied from an upload, reported."""

from __future__ import annotations

import os
import random
import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from tests.conftest import acting_as
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
        problems += visit.problems(name, path)
    visit.close()
    assert problems + visit.wrong == []


def test_a_study_from_an_upload_to_its_report(
    chrome, site: str, measured: dict[str, object], database: str, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    """A planner gives a survey, looks over what was guessed, starts the study, sees its figures and takes the PDF."""
    from khana.interfaces.jobs.work import work

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
    with acting_as("worker", database):
        work(UUID(page.url.rsplit("/", 1)[1]))
    page.wait_for_selector("text=See the study")
    page.click("text=See the study")
    page.wait_for_selector(".k-answers")
    page.wait_for_selector("#map[data-drawn], .k-map-none", state="attached")
    assert page.locator("#map path").count() >= 4, page.evaluate(
        "document.getElementById('map').outerHTML.slice(0, 900)"
    )
    assert page.evaluate("typeof L") == "undefined"  # Leaflet is read when somebody wants to move the map, not before
    page.click(".k-map-move")
    page.wait_for_selector("#map.leaflet-container .leaflet-control-zoom-in")
    assert page.locator("#map path").count() >= 4 and visit.axe() == []
    visit.see(page.url.removeprefix(site), "coverage-study")
    assert visit.axe() == []
    text = page.inner_text("main")
    assert "60 of them registered" in text and "did not know" in text and "km" in text
    page.click("summary:has-text('Report')")
    page.locator("form:has(b[lang=ur]) button").click()
    page.wait_for_url("**/jobs/*")  # a PDF is printed by a job; the page does not wait for it
    with acting_as("worker", database):
        work(UUID(page.url.rsplit("/", 1)[1]))
    page.wait_for_selector("text=Take the report")
    answer = visit.context.request.get(site + str(page.get_attribute("text=Take the report", "href")))
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


@pytest.fixture(scope="module")
def published(measured: dict[str, object]) -> dict[str, object]:
    """Publish the newest snapshot with small counts hidden."""
    from khana.interfaces.api.ogc.collections import collections_of
    from khana.workflows import publish_figures

    collections_of.cache_clear()  # another file's database may have had a publication of the same number
    made = publish_figures.run(
        token=measured["users"]["steward"].token, title="Khanabad in figures", threshold=5, at=NOW
    )  # type: ignore[index]
    return {**measured, **made}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_public_page_asks_nobody_to_sign_in(chrome, site: str, published: dict[str, object], language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "", language)
    problems = []
    for name, path in {"public": "/public", "public-province": "/public?area=XK1&indicator=HH_REGISTERED"}.items():
        problems += visit.problems(name, path)
        assert visit.page.locator("#map path").count() >= 4
    assert "sign-in" not in visit.page.url
    visit.close()
    visit_in = Visit(chrome, site, "steward", language)
    problems += visit_in.problems("publishing", "/monitoring/publishing")
    visit_in.close()
    assert problems + visit.wrong + visit_in.wrong == []


def test_what_is_published_is_safe_and_withdrawn_at_once(published: dict[str, object]) -> None:
    from django.test import Client

    from khana.interfaces.web.monitoring import public
    from khana.monitoring import publications
    from khana.workflows import publish_figures

    public._read.cache_clear()
    rows = Client().get("/public/values.csv").content.decode().splitlines()
    names = rows[0].split(",")
    told = [dict(zip(names, line.split(","), strict=True)) for line in rows[1:]]
    assert len(told) == published["values"] and any(row["hidden"] for row in told)
    counts = [row for row in told if row["indicator"] in ("HH_REGISTERED", "HH_ELIGIBLE", "HH_RECEIVING")]
    assert all(row["numerator"] == "" for row in counts if row["hidden"])
    assert not [row for row in counts if row["numerator"] and 0 < float(row["numerator"]) < 5]
    token = published["users"]["steward"].token  # type: ignore[index]
    noised = publish_figures.run(token=token, epsilon=2.0, at=NOW)
    assert noised["spent"] == pytest.approx(2.0) and noised["hidden"] == 0 and "MEAN_AGE" in noised["left_out"]
    page = Client().get("/public").content.decode()
    assert "Differential privacy" in page and "OpenDP" in page
    with pytest.raises(publications.BudgetSpent):
        publish_figures.run(token=token, epsilon=2.5, at=NOW)
    publish_figures.withdraw(token=token, publication=noised["publication"], at=NOW)
    assert "Khanabad in figures" in Client().get("/public").content.decode()
    with pytest.raises(publications.BudgetSpent):  # what was spent stays spent
        publish_figures.run(token=token, epsilon=2.5, at=NOW)


def test_gis_programs_read_areas_and_figures(published: dict[str, object]) -> None:
    """OGC API Features 1.0, part 1: landing page, conformance, collections, features by box, page and property."""
    from django.test import Client

    web = Client()
    landing = web.get("/ogc/").json()
    assert {one["rel"] for one in landing["links"]} >= {"self", "service-desc", "conformance", "data"}
    assert len(web.get("/ogc/conformance").json()["conformsTo"]) == 3
    described = {one["id"]: one for one in web.get("/ogc/collections").json()["collections"]}
    assert {"pak_adm1", "pak_adm1_figures", "pak_adm2", "pak_adm2_figures"} <= set(described)
    west, south, east, north = described["pak_adm2"]["extent"]["spatial"]["bbox"][0]
    assert west < east and south < north
    first = web.get("/ogc/collections/pak_adm2/items?limit=10")
    assert first["Content-Type"] == "application/geo+json"
    page = first.json()
    assert (page["numberMatched"], page["numberReturned"]) == (24, 10)
    seen = [one["id"] for one in page["features"]]
    while following := next((link["href"] for link in page["links"] if link["rel"] == "next"), None):
        page = web.get(following.removeprefix("http://testserver")).json()
        seen += [one["id"] for one in page["features"]]
    assert len(seen) == len(set(seen)) == 24
    one = web.get(f"/ogc/collections/pak_adm2/items/{seen[0]}").json()
    assert one["geometry"]["type"] in ("Polygon", "MultiPolygon") and one["properties"]["parent"] == "XK1"
    own = web.get("/ogc/collections/pak_adm2/items?parent=XK2").json()
    assert own["numberMatched"] == 6
    half = web.get(f"/ogc/collections/pak_adm2/items?bbox={west},{south},{(west + east) / 2},{north}").json()
    assert 0 < half["numberMatched"] < 24
    figures = web.get("/ogc/collections/pak_adm1_figures/items").json()["features"]
    assert len(figures) == 4 and all("HH_REGISTERED" in feature["properties"] for feature in figures)
    day = figures[0]["properties"]["as_of"]
    for asked, matched in ((f"{day}", 4), (f"../{day}T23:59:59Z", 4), ("2001-01-01/2002-01-01", 0)):
        assert web.get(f"/ogc/collections/pak_adm1/items?datetime={asked}").json()["numberMatched"] == matched
    for wrong in (
        "limit=0",
        "limit=x",
        "bbox=1,2,3",
        "colour=red",
        "datetime=2026-13-45",
        "bbox=0,9,1,2",
        "crs=EPSG:3857",
    ):
        assert web.get(f"/ogc/collections/pak_adm1/items?{wrong}").status_code == 400, wrong
    assert web.get("/ogc/collections/nothing/items").status_code == 404
    assert web.get("/ogc/collections/pak_adm1/items/XK9").status_code == 404
    definition = web.get("/ogc/api").json()
    assert definition["openapi"].startswith("3.0") and "/collections/pak_adm1/items" in definition["paths"]


def test_a_plan_goes_to_intake_and_its_results_come_back(chrome, site: str, measured: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    """Vans, a centre and a sweep become dated places and targets once; what is registered corrects the map."""
    import pyarrow as pa

    from khana.access import services as access
    from khana.intake.models import RegistrationPoint, Stop, Target
    from khana.workflows import plan_outreach as planning
    from khana.workflows import send_plan
    from khana_methods.coverage.opening_hours import read_hours
    from khana_methods.coverage.outreach import Terms
    from khana_methods.coverage.outreach_ways import Ways

    codes = [f"XK{p}0{d}" for p in (1, 2) for d in range(1, 7)] + ["no-area"]
    places = pa.table({
        "code": codes, "missing": [900.0] + [120.0 + 10 * n for n in range(12)], "latitude": [30.0 + n / 10 for n in range(13)],
        "longitude": [70.0 + n / 10 for n in range(13)], "province": ["a"] * 6 + ["b"] * 7,
    })  # fmt: skip
    terms = Terms(days=8, start=date(2026, 6, 1), floor=0.0)
    made = planning.on_files(
        places, terms, missing="missing", bases=None, vans=2, roads=None, hours=read_hours("mon-thu 9-15, fri 9-12"), per_hour=6,
        ways=Ways(centres=1, centre_cost=10_000, teams=1),
    )  # fmt: skip
    assert {row["kind"] for row in made["rows"]} == {"van", "centre", "sweep"}
    token = measured["users"]["steward"].token  # type: ignore[index]
    plan = planning.keep(token=token, title="Summer", result=made, parameters={"rest_days": [5, 6]}, at=NOW)
    first = send_plan.run(token=token, plan=plan, at=NOW)
    again = send_plan.run(token=token, plan=plan, at=NOW)
    assert first["points"] >= 2 and first["stops"] > 0 and (again["points"], again["stops"]) == (0, 0)
    with access.scoped(token):
        assert (
            RegistrationPoint.objects.filter(kind="CENTRE", area_path="XK.XK1.XK101.").exclude(code="C1").count() == 1
        )
        days = Stop.objects.exclude(point__code="V1").values_list("day", "opens", "closes")
        assert len(days) == first["stops"] and {day.weekday() for day, _, _ in days} <= {0, 1, 2, 3, 4}
        assert {str(closes) for day, _, closes in days if day.weekday() == 4} <= {"12:00:00"}
        assert Target.objects.exclude(households=900).count() == first["targets"] <= 12
    back = send_plan.results(token=token, plan=plan, at=NOW)
    assert back["registered"] == 0 and back["take_up_factor"] == 0  # nobody came yet
    assert {row["missing"] for row in back["rows"]} <= {row["missing_before"] for row in back["rows"]}
    visit = Visit(chrome, site, "steward", "en")
    visit.see(f"/coverage/plans/{plan}", "plan")
    problems = visit.axe()
    visit.page.click("text=Send to intake")
    visit.page.wait_for_selector("text=0 new stops")
    visit.close()
    assert problems + visit.wrong == []


def test_ogrinfo_reads_the_collections(site: str, published: dict[str, object]) -> None:
    """GDAL's own client of OGC API Features counts the districts and reads a figure; where it is not installed, it says so."""
    import shutil
    import subprocess

    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed: apt-get install gdal-bin")

    def asked(*words: str) -> str:
        return subprocess.run(
            ["ogrinfo", "-ro", f"OAPIF:{site}/ogc", *words], check=True, capture_output=True, text=True, timeout=60
        ).stdout

    assert {"pak_adm1", "pak_adm2", "pak_adm2_figures"} <= set(re.findall(r"\bpak_adm\w+", asked()))
    told = asked("-so", "pak_adm2_figures")
    assert "Feature Count: 24" in told and "Polygon" in told and "HH_REGISTERED" in told
