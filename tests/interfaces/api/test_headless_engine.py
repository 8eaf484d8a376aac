"""Forms that ODK's own engine filled, without a browser, posted to the running server."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.conftest import REPOSITORY
from tests.factories.foreign_forms import BUILDINGS, foreign_form
from tests.integration.intake.field import AT, Field
from tests.interfaces.api.test_odk import phone, post, site, village

from khana.access import services as access
from khana.intake import selectors
from khana.intake.tables import submission_table
from khana.registry import known
from khana.workflows import add_form

__all__ = ["phone", "site", "village"]  # fixtures of the same server
SCRIPT = REPOSITORY / "tests" / "engine" / "fill.mjs"


@pytest.fixture(scope="module")
def engine() -> str:
    node = shutil.which("node")
    if node is None or not (REPOSITORY / "node_modules" / "@getodk" / "xforms-engine").exists():
        pytest.skip("no Node here, or the packages of the pages are not installed: script/assets")
    return node


def fill(
    engine: str, xform: str, folder: Path, answers: list[tuple[str, Any]], media: dict[str, str]
) -> dict[str, Any]:
    form = folder / "form.xml"
    form.write_text(xform, encoding="utf-8")
    asked = json.dumps({"xform": str(form), "media": media, "answers": answers})
    done = subprocess.run(
        [engine, str(SCRIPT)], input=asked, capture_output=True, text=True, timeout=120, cwd=SCRIPT.parent, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def path(village: Field, name: str) -> str:
    return "/data/" + next(question.path for question in village.form.questions if question.name == name)


def member(village: Field, line: int, **answers: object) -> list[tuple[str, object]]:
    repeat = "/data/" + next(question.repeat for question in village.form.questions if question.repeat)
    return [(path(village, name).replace(repeat, f"{repeat}[{line}]"), value) for name, value in answers.items()]


def test_a_form_filled_by_the_engine_is_registered(engine: str, phone: str, village: Field, tmp_path: Path) -> None:
    media = {
        name: requests.get(f"{phone}/forms/{village.form.form_id}/media/{name}", timeout=20).text
        for name in ("areas.csv", "households.csv")
    }
    repeat = "/data/" + next(question.repeat for question in village.form.questions if question.repeat)
    house = {
        "visit": "new", "change": "missed", "survey_mode": "door_to_door", "enumerator_code": "E1", "consent": "yes", "respondent_adult": "yes",
        "consent_share": "yes", "province_code": "PK1", "district_code": "PK101", "tehsil_code": "PK10101", "village_name": "Chak 9",
        "members_declared": 2,
    }  # fmt: skip
    answers: list[tuple[str, Any]] = [(path(village, name), value) for name, value in house.items()]
    answers += [(repeat.rsplit("/", 1)[0] + "/member", {"add": 2})]
    couple = {"id_type": "none", "is_member": "yes", "is_present": "yes", "marital": "M"}
    answers += member(village, 1, name="Karim", relation="head", sex="M", birth_year=1980, age=46, **couple)
    answers += member(village, 2, name="Zainab", relation="spouse", sex="F", birth_year=1986, age=40, **couple)
    answers += member(village, 1, spouse_line=2) + member(village, 2, spouse_line=1)
    answers += [(path(village, "rooms"), 3), (path(village, "wall"), "brick")]
    made = fill(engine, village.form.xform, tmp_path, answers, media)
    assert "Karim" in made["xml"] and "Zainab" in made["xml"], made["refused"]
    assert 'create="true"' in made["xml"]  # the entity is the engine's own work
    answer = post(phone, made["xml"].encode())
    assert answer.status_code == 201, answer.text
    village.work()
    instance = (
        made["xml"].split("<instanceID>")[1].split("<")[0]
        if "<instanceID>" in made["xml"]
        else made["xml"].split("instanceID>")[1].split("<")[0]
    )
    rows = village.query(
        "SELECT id, state, reasons::text, household_id FROM intake_submission WHERE instance_id = %s", instance
    )
    assert rows[0][1] == "REGISTERED", (rows, made["refused"], made["violations"])
    with access.scoped(village.tokens["registrar"]):
        house_known = known.households([rows[0][3]])[rows[0][3]]
    assert [(one.name, one.columns["spouse_line"]) for one in house_known.members] == [("Karim", 2), ("Zainab", 1)]
    assert (house_known.facts["rooms"], house_known.facts["wall"]) == (3, "brick")
    # the same form again is nothing new
    assert post(phone, made["xml"].encode()).status_code in (201, 202)
    village.work()
    assert village.query("SELECT count(*) FROM intake_submission WHERE instance_id = %s", instance) == [(1,)]


def test_a_form_that_others_wrote_is_filled_by_the_engine_and_read_under_its_own_questions(
    engine: str, phone: str, village: Field, tmp_path: Path
) -> None:
    """Hundreds of rows, four languages, an entity list of buildings: loaded as Collect loads it, filled, posted, shown."""
    loaded = add_form.run(
        token=village.tokens["steward"],
        data=foreign_form(BUILDINGS),
        name="buildings.xls",
        valid_from=date(2026, 1, 1),
        at=AT,
    )
    assert f"<formID>{loaded['form']}</formID>" in requests.get(f"{phone}/formList", timeout=20).text
    with access.scoped(village.tokens["steward"]):
        form = selectors.definition_of(selectors.get_version(loaded["form"]))
    answers: list[tuple[str, Any]] = [
        ("/data/all/buildings/category", "religious"), ("/data/all/buildings/religion", "muslim"),
        ("/data/all/buildings/name", "Jamia Masjid"), ("/data/all/buildings/building_material", "brick"),
    ]  # fmt: skip
    made = fill(engine, form.xform, tmp_path, answers, {})
    assert made["refused"] == [] and "Jamia Masjid" in made["xml"]
    answer = post(phone, made["xml"].encode())
    assert answer.status_code == 201, answer.text
    village.work()
    instance = made["xml"].split("instanceID>")[1].split("<")[0]
    (number, state, reasons), *_rest = village.query(
        "SELECT id, state, reasons::text FROM intake_submission WHERE instance_id = %s", instance
    )
    assert (state, reasons) == ("WAITING", '["FORM_FILLS_NO_FACT"]')  # it is no household: nothing is registered of it
    with access.scoped(village.tokens["registrar"]):
        row = submission_table([selectors.get_submission_row(number)], "Submissions")[0]
    said = row["all"]["buildings"]
    assert (said["category"], said["religion"], said["name"]) == ("religious", "muslim", "Jamia Masjid")
    assert form.questions and next(q for q in form.questions if q.name == "religion").choice("muslim", "fr")
