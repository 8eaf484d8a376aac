"""A model comes in, two people sign it, the registry is scored, and each score is explained and made again.

On a made-up country. What the fast run wrote is held against the slow scorer, household by household.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.conftest import REPOSITORY
from tests.journeys.commands import Done, Nursery, nursery
from tests.journeys.database_state import rows

from khana.platform import embedded
from khana_methods.pmt.read import load_model
from khana_methods.pmt.reference import score_one

MODEL = REPOSITORY / "tests" / "data" / "models" / "living.yaml"
POOR = 32


@dataclass
class Office:
    """The commands of two people in one country."""

    lent: Nursery
    database: str
    folder: Path
    tokens: dict[str, str]

    def run(self, *words: object, by: str = "steward", code: int = 0) -> Done:
        done = self.lent.run(*words, "--json", database=self.database, token=self.tokens[by])
        assert done.code == code, (words, done.code, done.err)
        return done

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return rows(self.database, statement)


@pytest.fixture(scope="module")
def office(server: None, database: str, tokens, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("scoring") / "land"
    held = {"steward": tokens("data_steward"), "analyst": tokens("analyst"), "second": tokens("data_steward")}
    with nursery() as lent:
        office = Office(lent, database, folder, held)
        office.run("synth", "--country", "pak", "--households", 200, "--seed", 11, "--out", folder)
        office.run("sample", "load", folder / "sample.yaml", "--data", folder)
        yield office


def test_a_model_counts_when_two_people_have_signed(office: Office) -> None:
    assert "assessment.model.none_in_force" in office.run("score", "run", code=14).err
    assert office.run("models", "import", MODEL).json["is_new"] is True
    assert office.run("models", "import", MODEL).json["is_new"] is False, "the same file again changes nothing"
    office.run("score", "run", code=14)
    office.run("models", "activate", "LIVING", "--from", "2019-01-01", code=10)
    office.run("models", "activate", "LIVING", "--from", "2024-01-01")
    refused = office.run("models", "activate", "LIVING", "--confirm", code=13)
    assert "assessment.signature.same_person" in refused.err
    office.run("models", "activate", "LIVING", "--confirm", by="analyst")
    office.run("models", "activate", "LIVING", "--confirm", by="analyst", code=11)
    (listed,) = office.run("models", "list").json["rows"]
    assert listed["in_force"] is True


def test_the_database_itself_refuses_one_person_twice(office: Office) -> None:
    parameters = {**embedded.connection_parameters("owner"), "dbname": office.database}
    with psycopg.connect(**parameters) as owner, pytest.raises(psycopg.errors.CheckViolation):
        owner.execute("ALTER TABLE assessment_activation NO FORCE ROW LEVEL SECURITY")
        owner.execute(
            "INSERT INTO assessment_activation (model_id, effective_from, recertify_months, note, proposed_by, proposed_label,"
            " proposed_at, confirmed_by, confirmed_label, confirmed_at)"
            " SELECT min(id), '2026-01-01', 24, '', 7, '', now(), 7, '', now() FROM assessment_modelversion"
        )


def test_a_model_of_other_countries_columns_cannot_be_signed(office: Office) -> None:
    office.run("models", "import", REPOSITORY / "tests" / "spec" / "pmt" / "idn-2012.yaml", by="analyst")
    refused = office.run("models", "activate", "IDN-2012", "--from", "2026-01-01", code=10)
    assert "has_gas_cylinder" in refused.err


def test_every_household_is_scored_as_the_slow_scorer_does(office: Office) -> None:
    done = office.run("score", "run").json
    assert done["scored"] == done["households"] == done["written"] > 150
    again = office.run("score", "run").json
    assert (again["written"], again["superseded"], again["snapshot"]) == (0, 0, done["snapshot"])
    model = load_model(MODEL)
    found = office.rows(
        "SELECT s.score, s.contributions, s.missing, s.percentile, s.class_name, h.number, v.facts,"
        " (SELECT jsonb_agg(p.facts || jsonb_build_object('year', p.birth_year, 'month', p.birth_month, 'day', p.birth_day,"
        "    'relation', m.relation, 'since', p.valid_from)) FROM registry_membership m"
        "    JOIN registry_personversion p ON p.person_id = m.person_id AND p.superseded_at IS NULL AND p.valid_to IS NULL"
        "    WHERE m.household_id = h.id AND m.superseded_at IS NULL AND m.valid_to IS NULL AND m.is_member)"
        " FROM assessment_score s JOIN registry_household h ON h.id = s.household_id"
        " JOIN registry_householdversion v ON v.household_id = h.id AND v.superseded_at IS NULL AND v.valid_to IS NULL"
        " WHERE s.model_id IS NOT NULL AND s.superseded_at IS NULL"
    )
    assert len(found) == done["scored"]
    scores = sorted(float(row[0]) for row in found)
    for value, contributions, missing, percentile, named, _number, facts, people in found:
        slow = score_one(_features(facts, people or []), model)
        assert float(value) == slow.score
        assert contributions == pytest.approx([part.points for part in slow.contributions])
        assert (tuple(missing), named) == (slow.missing, slow.class_name)
        lower, same = sum(s < float(value) for s in scores), scores.count(float(value))
        assert percentile == pytest.approx(100 * (lower + same / 2) / len(scores), abs=0.01)


def _features(facts: dict[str, Any], people: list[dict[str, Any]]) -> dict[str, Any]:
    """Make the variables of the test's model by hand, as its words say."""
    ages = [_age(person) for person in people]
    known = None not in ages
    adults = sum(15 <= age <= 64 for age in ages if age is not None)
    heads = [person for person in people if person["relation"] == "head"]
    size = float(len(people))
    return {
        "members": size,
        "rooms_to_share": facts["rooms"] / size if facts.get("rooms") is not None and size else None,
        "dependents": (len(ages) - adults) / adults if known and adults else None,
        "head_school": float(max((p.get("highest_class") or 0 if p in heads else 0) for p in people)) if people else None,
        "wall_kind": facts.get("wall"), "toilet_kind": facts.get("toilet"), "has_fridge": facts.get("has_fridge"),
        "has_tv": facts.get("has_tv"), "has_motorcycle": facts.get("has_motorcycle"), "has_car": facts.get("has_car"),
        "livestock": float(facts["cattle_count"] + facts["buffalo_count"])
        if None not in (facts.get("cattle_count"), facts.get("buffalo_count")) else None,
    }  # fmt: skip


def _age(person: dict[str, Any], on: date = date(2026, 6, 30)) -> int | None:
    if person["year"] and person["month"]:
        before = (on.month, on.day) < (person["month"], person["day"] or 1)
        return on.year - person["year"] - before
    if person.get("age") is not None:
        since = date.fromisoformat(person["since"])
        return person["age"] + on.year - since.year - ((on.month, on.day) < (since.month, since.day))
    return on.year - person["year"] if person["year"] else None


def test_a_score_is_explained_in_three_languages_and_made_again(office: Office) -> None:
    (number, value), *_ = office.rows(
        "SELECT id, score FROM assessment_score WHERE model_id IS NOT NULL ORDER BY id LIMIT 1"
    )
    told = {
        tongue: office.run("explain", number, "--score", "--language", tongue).json for tongue in ("en", "ur", "bn")
    }
    assert f"{value:g}" in told["en"]["lines"][0] and told["ur"]["lines"][0] != told["bn"]["lines"][0]
    assert len(told["en"]["rows"]) == 11
    same = office.run("replay", number).json
    assert same["is_same"] is True and float(same["replayed"]) == float(value)
    arrived = office.rows("SELECT id FROM assessment_score WHERE model_id IS NULL LIMIT 1")[0][0]
    assert "made elsewhere" in " ".join(office.run("explain", arrived, "--score").json["lines"])
    office.run("replay", arrived, code=12)
    office.run("replay", 999_999_999, code=11)


def test_a_replay_finds_a_changed_score(office: Office) -> None:
    number = office.rows("SELECT max(id) FROM assessment_score WHERE model_id IS NOT NULL")[0][0]
    parameters = {**embedded.connection_parameters("owner"), "dbname": office.database}
    for change in ("+ 1", "- 1"):
        with psycopg.connect(**parameters) as owner:
            owner.execute("ALTER TABLE assessment_score NO FORCE ROW LEVEL SECURITY")
            owner.execute(f"UPDATE assessment_score SET score = score {change} WHERE id = %s", [number])  # type: ignore[arg-type]
            owner.execute("ALTER TABLE assessment_score FORCE ROW LEVEL SECURITY")
        assert office.run("replay", number, code=12 if change == "+ 1" else 0).json["is_same"] is (change == "- 1")


def test_the_desk_gives_the_same_number_and_supersedes(office: Office) -> None:
    number, household, before = office.rows(
        "SELECT h.number, h.id, s.score FROM assessment_score s JOIN registry_household h ON h.id = s.household_id"
        " WHERE s.model_id IS NOT NULL AND s.superseded_at IS NULL ORDER BY h.id LIMIT 1"
    )[0]
    done = office.run("score", "one", number).json
    assert float(done["value"]) == float(before) and done["percentile"] is not None and done["due_on"]
    kept = office.rows(
        f"SELECT superseded_at IS NULL FROM assessment_score WHERE household_id = {household} AND model_id IS NOT NULL"
    )
    assert sorted(kept) == [(False,), (True,)], "the older one stays, superseded"
    office.run("score", "one", "000000000", code=11)


def test_consolidation_takes_the_score_of_the_model_in_force(office: Office) -> None:
    def poor(on: str) -> int:
        return int(office.run("consolidate", "--as-of", on).json["poor_households"])

    by_model = office.rows(
        f"SELECT count(*) FROM assessment_score WHERE model_id IS NOT NULL AND superseded_at IS NULL AND score <= {POOR}"
    )[0][0]
    by_arrived = office.rows(
        f"SELECT count(*) FROM (SELECT DISTINCT ON (household_id) score FROM assessment_score WHERE model_id IS NULL"
        f" AND superseded_at IS NULL ORDER BY household_id, score_date DESC, id DESC) n WHERE score <= {POOR}"
    )[0][0]
    assert by_model != by_arrived, "the two models must differ for this test to say anything"
    assert poor("2026-06-30") == by_model
    assert poor("2023-12-31") == by_arrived, "on that day no model was in force"


def test_an_override_needs_a_reason_and_a_second_person(office: Office) -> None:
    number, household = office.rows(
        "SELECT h.number, h.id FROM assessment_score s JOIN registry_household h ON h.id = s.household_id"
        " WHERE s.model_id IS NOT NULL AND s.superseded_at IS NULL AND s.score > 50 ORDER BY h.id DESC LIMIT 1"
    )[0]
    before = office.run("consolidate", "--as-of", "2026-06-30").json["poor_households"]
    office.run("score", "override", number, "--score", 12, "--reason", "short", code=10)
    proposed = office.run("score", "override", number, "--score", 12, "--reason", "The house burned down in May.").json
    assert office.run("score", "override", "--confirm", proposed["override"], code=13)
    assert office.run("consolidate", "--as-of", "2026-06-30").json["poor_households"] == before, "not yet confirmed"
    office.run("score", "override", "--confirm", proposed["override"], by="second")
    office.run("score", "override", "--confirm", proposed["override"], by="second", code=12)
    assert office.run("consolidate", "--as-of", "2026-06-30").json["poor_households"] == before + 1
    kept = office.rows(
        f"SELECT count(*) FROM assessment_score WHERE household_id = {household} AND model_id IS NOT NULL"
    )
    assert kept == [(1,)], "the model's score stays"


def test_the_simulator_counts_what_is_in_the_registry(office: Office) -> None:
    under = office.rows(
        f"SELECT count(*) FROM assessment_score WHERE model_id IS NOT NULL AND superseded_at IS NULL AND score <= {POOR}"
    )
    office.run("simulate", "run", "--cut-off", POOR, by="analyst")
    done = office.run("simulate", "run", "--cut-off", POOR, "--benefit", 4500, "--save", "As it is", by="analyst").json
    assert (done["households"], done["cost"]) == (under[0][0], under[0][0] * 4500 * 12)
    half = office.run("simulate", "run", "--cut-off", POOR, "--quota", under[0][0] // 2, "--save", "Half").json
    assert half["households"] == pytest.approx(under[0][0] // 2)
    listed = office.run("simulate", "scenarios").json["rows"]
    assert [row["title"] for row in listed] == ["Half", "As it is"]
    rows_side_by_side = office.run("simulate", "scenarios", *(row["id"] for row in listed)).json["rows"]
    assert any(row["part"] == "method" for row in rows_side_by_side)
    office.run("simulate", "run", "--cut-off", -1, code=10)


def test_a_survey_says_who_is_left_out(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "survey.csv"
    file.write_text("pc,n,pmt\n" + "".join(f"{100 + 10 * i},4,{i}\n" for i in range(100)))
    office.run(
        "simulate", "survey", file, "--welfare", "pc", "--size", "no_such", "--score", "pmt", by="analyst", code=10
    )
    office.run("simulate", "survey", file, "--welfare", "pc", "--size", "n", "--score", "pmt", by="analyst")
    says = office.run("simulate", "run", "--cut-off", POOR, "--line", 300, by="analyst").json["survey"]
    assert says["exclusion_error"] == 0 and says["inclusion_error"] == pytest.approx(13 / 33)
    again = office.run(
        "simulate", "run", "--in", file, "--score", "pmt", "--welfare", "pc", "--line", 300, "--cut-off", POOR
    ).json
    assert again["survey"]["inclusion_error"] == says["inclusion_error"] and again["households"] == 33


def test_the_watch_looks_at_the_scores_in_force(office: Office) -> None:
    done = office.run("score", "watch", "--cut-off", POOR, "--width", 5, "--fewest", 2).json
    whole = done["heaps"][0]
    counted = office.run("simulate", "run", "--cut-off", POOR).json["households"]
    assert whole["district"] == "" and 0 < whole["below"] <= counted
    office.run("score", "watch", "--cut-off", POOR, by="analyst", code=13)


def test_published_scorecards_of_the_packs_can_be_brought_in(office: Office) -> None:
    for country, name in (("pak", "pak-2009"), ("bgd", "bgd-2013")):
        assert office.run("models", "import", REPOSITORY / "country" / country / "models" / f"{name}.yaml").json[
            "is_new"
        ]
        card = office.run("models", "card", name.upper()).json
        assert sum(row["most"] for row in card["rows"]) == 100
    office.run("models", "activate", "BGD-2013", "--from", "2026-01-01")
    done = office.run("score", "run", "--trial", "--model", "BGD-2013").json
    assert done["scored"] + done["refused"] == done["households"] and "written" not in done
    assert done["missing"]["fans"] == done["refused"] == done["households"], "a registry that never asked for fans"
