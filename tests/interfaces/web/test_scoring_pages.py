"""Models, scores, rules and the simulator as people see them: drawn, read aloud, moved, signed by two."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.conftest import REPOSITORY
from tests.factories.little_survey import rows, spec
from tests.interfaces.web.test_browser import LANGUAGES, Visit
from tests.interfaces.web.world import NOW

pytestmark = pytest.mark.browser
MODEL = REPOSITORY / "tests" / "data" / "models" / "living.yaml"


@pytest.fixture(scope="module")
def scored(country: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Bring a model in, sign it by two, score the made-up country; fit one, hold it against a survey, watch."""
    from khana.access import services as access
    from khana.assessment.services import keep_model, sign_model
    from khana.workflows import fit_model, judge_model, score_registry, watch_scores

    users = country["users"]
    steward, analyst = (users[name].token for name in ("steward", "analyst"))  # type: ignore[index]
    with access.scoped(steward):
        keep_model.keep_model(path=MODEL, at=NOW)
        proposed = sign_model.propose_activation(code="LIVING", version=1, effective_from=date(2024, 1, 1), at=NOW)
    with access.scoped(analyst):
        sign_model.confirm_activation(activation=proposed.id, at=NOW)
    done = score_registry.run(token=steward, as_of=date(2026, 6, 30), at=NOW)
    folder = tmp_path_factory.mktemp("surveys")
    for name, seed in (("old", 7), ("new", 8)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, rows()[0])
            writer.writeheader()
            writer.writerows(rows(600, seed))
    fitted = fit_model.run(token=analyst, path=folder / "old.csv", spec=spec(code="LITTLE"), quick=True, at=NOW)
    assert fitted["model"] == "LITTLE/1" and fitted["is_new"]
    columns = {"welfare": "pcc", "weight": "weight", "size": "size", "psu": "psu", "strata": "stratum"}
    judged = judge_model.run(token=analyst, path=folder / "new.csv", code="LITTLE", version=1, columns=columns, at=NOW)
    assert judged["study"]
    watch_scores.run(token=steward, cut_off=40, fewest=2, as_of=date(2026, 6, 30), at=NOW)
    assert done["scored"] == 60
    return {**country, **done}


def pages(score: int) -> dict[str, str]:
    return {
        "models": "/models", "model-card": "/models/LIVING/1", "score": f"/scores/{score}", "rules": "/rules?text=rooms%20%3C%203",
        "rules-wrong": "/rules?text=rooms%20%3C%20'a'", "simulator": "/simulator?cut_off=40&benefit=1000",
        "scenarios": "/simulator/scenarios", "fit": "/models/fit", "watch": "/models/watch", "communities": "/communities",
        "card-of-a-fit": "/models/LITTLE/1",
    }  # fmt: skip


@pytest.fixture(scope="module")
def score(scored: dict[str, object]) -> int:
    from khana.access import services as access
    from khana.assessment.models import Score

    with access.scoped(scored["users"]["steward"].token):  # type: ignore[index]
        return int(Score.objects.filter(model__isnull=False).order_by("id").values_list("id", flat=True)[0])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_draws_and_axe_finds_nothing(chrome, site: str, score: int, language: str) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", language)
    problems = []
    for name, path in pages(score).items():
        problems += visit.problems(name, path)
    problems += visit.wrong
    visit.close()
    assert problems == []


def test_on_a_telephone(chrome, site: str, score: int) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", "ur", (360, 740))
    problems = []
    for name, path in pages(score).items():
        visit.see(path)
        if visit.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            problems.append(name)
    visit.close()
    assert problems + visit.wrong == []


def test_a_slider_moves_the_figures_and_a_position_is_saved_and_compared(chrome, site: str, scored) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "analyst", "en")
    visit.see("/simulator?cut_off=0")
    shown = "#outcome .k-answer-number"
    assert visit.page.inner_text(shown) == "0"
    visit.page.fill("#s-cut", "100")
    visit.page.locator(shown).first.filter(has_text="60").wait_for()
    assert "cut_off=100" in visit.page.url
    visit.page.fill("#s-title", "Everybody")
    visit.page.click("button[formaction='/simulator/save']")
    visit.page.wait_for_url("**/simulator/scenarios")
    visit.page.check("input[name=s]")
    visit.page.click("#compare button.btn-primary")
    assert visit.page.inner_text("#side") == "Side by side"
    visit.page.goto("/simulator?cut_off=abc")
    assert "is a number" in visit.page.inner_text("#outcome")
    assert visit.wrong == []
    visit.close()


def test_a_rule_is_completed_counted_and_explained(chrome, site: str, scored) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", "en")
    visit.see("/rules")
    visit.page.fill("#r-household", "900000001")
    visit.page.locator("#r-text").press_sequentially("roo")
    visit.page.wait_for_selector("#r-options li")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.type(" < 3")
    visit.page.wait_for_selector("#tried .k-answer-number")
    visit.page.locator("#tried").filter(has_text="rooms is 2").wait_for()
    assert visit.page.inner_text("#tried .k-answer-number") == "60"
    visit.page.fill("#r-text", "income_month <= amount(10000, 'year', 'person')")
    visit.page.wait_for_selector("#tried .alert-danger")
    assert "income_year" in visit.page.inner_text("#tried")
    assert visit.wrong == []
    visit.close()


def test_nobody_signs_twice_on_the_page(chrome, site: str, scored) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "steward", "en")
    visit.see("/models/LIVING/1")
    visit.page.click("summary:has-text('Propose that it comes into force')")
    visit.page.fill("#m-from", "2026-09-01")
    visit.page.click("button:has-text('Sign first')")
    assert "You have signed first" in visit.page.inner_text("main")
    assert visit.page.query_selector("button:has-text('Sign second')") is None
    visit.close()
    visit = Visit(chrome, site, "admin", "en")
    visit.see("/models/LIVING/1")
    visit.page.click("button:has-text('Sign second')")
    assert "The model is in force from its day" in visit.page.inner_text("main")
    visit.close()


def worker_once() -> None:
    """Do the queued work as the worker's own process does it."""
    environment = {**os.environ, "KHANA_DB_ROLE": "worker", "PYTHONPATH": "src"}
    done = subprocess.run(
        [sys.executable, "-m", "khana", "worker", "--once"], env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-500:]


def test_a_survey_is_drafted_fitted_and_becomes_a_card(chrome, site: str, scored, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    survey = tmp_path / "hies.csv"
    with survey.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, rows()[0])
        writer.writeheader()
        writer.writerows(rows(300))
    visit = Visit(chrome, site, "analyst", "en")
    visit.see("/models")
    visit.page.click("a:has-text('Fit a model')")
    visit.page.set_input_files("#survey", survey)
    visit.page.click("button[name=draft]")
    text = visit.page.input_value("#spec")
    assert "welfare: pcc" in text and "C(wall)" in text
    visit.page.fill("#spec", "welfare: [")
    visit.page.set_input_files("#survey", survey)
    visit.page.click("button[name=fit]")
    assert "not YAML" in visit.page.inner_text("[role=alert]")
    visit.page.fill("#spec", text.replace("PMT-DRAFT", "HIES"))
    visit.page.check("input[name=quick]")
    visit.page.set_input_files("#survey", survey)
    visit.page.click("button[name=fit]")
    visit.page.wait_for_url("**/jobs/*")
    worker_once()
    visit.page.click("a:has-text('To the model’s card')", timeout=20_000)
    assert "HIES" in visit.page.inner_text("h1")
    assert "How wrong it is" in visit.page.inner_text("main") and "Nobody has signed it" in visit.page.inner_text(
        "main"
    )
    visit.page.click("summary:has-text('Hold it against a newer survey')")
    visit.page.set_input_files("#d-file", survey)
    visit.page.fill("#d-welfare", "pcc")
    visit.page.click("button:has-text('Hold it against the survey')")
    visit.page.wait_for_url("**/jobs/*")
    worker_once()
    visit.page.click("a:has-text('To the model’s card')", timeout=20_000)
    assert "Against a newer survey" in visit.page.inner_text("main")
    assert [line for line in visit.wrong if "422" not in line] == []
    visit.close()


def test_a_list_for_the_community_is_made(chrome, site: str, scored, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    visit = Visit(chrome, site, "registrar", "en")
    visit.see("/communities")
    visit.page.fill("#c-area", "XK101")
    visit.page.fill("#c-cut", "60")
    visit.page.fill("#c-margin", "20")
    visit.page.click("button:has-text('Show the list')")
    visit.page.wait_for_selector("#list")
    shown = [row.split("\t") for row in visit.page.locator("main table tbody tr").all_inner_texts()]
    assert visit.axe() == []
    with visit.page.expect_download() as sent:
        visit.page.click("button:has-text('As a workbook')")
    sent.value.save_as(tmp_path / "list.xlsx")
    header, *lines = load_workbook(tmp_path / "list.xlsx").worksheets[0].iter_rows(values_only=True)
    assert header[:5] == ("area", "area_name", "line", "household_number", "head") and "score" not in header
    assert lines and {line[7] for line in lines} <= {"yes", "reserve"} and all(line[8] in (None, "") for line in lines)
    assert [(row[2], row[3]) for row in shown] == [(str(line[3]), line[4]) for line in lines]
    assert visit.wrong == []
    visit.close()


def test_the_pages_of_a_list_hold_what_the_file_holds(scored, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Look at one household at a time: the same lines as the whole file, each once, and an end."""
    import io

    from khana.access import services as access
    from khana.dossiers import validation_list

    for name in ("PAGE_SIZE", "_CHUNK", "_MOST_CHUNKS"):
        monkeypatch.setattr(validation_list, name, 1)
    asked = {"area": "XK101", "cut_off": 60.0, "margin": 20.0, "at": NOW}
    with access.scoped(scored["users"]["registrar"].token):
        target = io.BytesIO()
        counts = validation_list.write(**asked, target=target, format="csv")
        told = [line.split(",") for line in target.getvalue().decode().splitlines()[1:]]
        found, after, line, pages_read = [], "", 0, 0
        while pages_read == 0 or after:
            page = validation_list.page(**asked, after=after, line=line)
            found += [(row.area, str(row.line), row.household, row.head, row.proposed) for row in page.rows]
            after, line, pages_read = page.after, page.line, pages_read + 1
            assert len(page.rows) <= 1 and pages_read < 60
        with pytest.raises(validation_list.AreaTooLarge):
            validation_list.write(**asked, target=io.BytesIO(), format="csv", most=counts["households"] - 1)
        with pytest.raises(validation_list.AreaTooLarge):
            validation_list.page(**{**asked, "area": "XK1"})
    assert found == [(row[0], row[2], row[3], row[4], row[7]) for row in told] and len(found) == counts["households"]
    assert pages_read > 1 and {row[4] for row in found} <= {"yes", "reserve"}
