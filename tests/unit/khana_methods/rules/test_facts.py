"""The catalogue of facts loads, covers what registers state, and refuses each kind of mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from khana_methods.rules.facts import CatalogueInvalid, FactNotOfEntity, FactUnknown, load_facts

BASE = {
    "units": ["currency", "year"],
    "periods": ["year"],
    "entities": ["person", "benefit"],
    "pii_classes": ["personal"],
}
GOOD = {
    "name": "age",
    "type": "integer",
    "unit": "year",
    "entity": "person",
    "pii": "personal",
    "meaning": "Age.",
}


def _write(folder: Path, *entries: dict[str, object]) -> Path:
    path = folder / "facts.yaml"
    path.write_text(yaml.safe_dump({**BASE, "facts": list(entries)}), encoding="utf-8")
    return path


def test_catalogue_loads_and_every_register_states_facts() -> None:
    catalogue = load_facts()
    assert len(catalogue.facts) > 150
    assert all(catalogue.of_entity(entity) for entity in catalogue.entities)
    assert catalogue is load_facts()


def test_every_declared_unit_and_period_is_used() -> None:
    catalogue = load_facts()
    assert {fact.unit for fact in catalogue.facts.values()} - {""} == set(catalogue.units)
    used = {fact.period for fact in catalogue.facts.values()} - {""}
    assert used <= set(catalogue.periods)


def test_incomes_of_different_period_and_owner_are_different_facts() -> None:
    catalogue = load_facts()
    spans = {
        (catalogue.get(name).entity, catalogue.get(name).period)
        for name in ("income_year", "income_month", "income_per_person_year")
    }
    assert spans == {("person", "year"), ("household", "month"), ("household", "year")}


def test_flows_of_money_say_their_period() -> None:
    states = {"herd_value"}
    for fact in load_facts().facts.values():
        if fact.type == "money" and fact.name not in states:
            assert fact.period, fact.name


def test_numbers_names_and_health_are_never_public() -> None:
    for fact in load_facts().facts.values():
        if fact.type in {"personal_number", "mobile", "account"} or "name" in fact.name.split("_"):
            assert fact.pii != "public" or fact.entity == "programme", fact.name
    assert load_facts().get("disability").pii == "sensitive"
    assert load_facts().get("account_number").pii == "sensitive"


def test_unknown_fact_offers_the_nearest() -> None:
    with pytest.raises(FactUnknown, match="beneficiary_name"):
        load_facts().get("beneficary_name")


def test_fact_of_another_register_is_refused() -> None:
    assert load_facts().get("id_number", "exit").entity == "person"
    with pytest.raises(FactNotOfEntity, match="not to benefit"):
        load_facts().get("id_number", "benefit")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "float"}, "type 'float' is not known"),
        ({"unit": "parsec"}, "unit 'parsec' is not declared"),
        ({"period": "week"}, "period 'week' is not declared"),
        ({"entity": "ship"}, "entity 'ship' is not declared"),
        ({"also": ["ship"]}, "entity 'ship' is not declared"),
        ({"pii": "secret"}, "pii 'secret' is not declared"),
        ({"meaning": ""}, "meaning is missing"),
        ({"colour": "red"}, "'colour' is no key"),
        ({"name": "Age In Years"}, "small letters"),
        ({"type": "text"}, "a text has no unit"),
        ({"type": "money"}, "money is in currency"),
        ({"unit": "currency"}, "money is in currency"),
        ({"codes": {"1": "one"}}, "a code lists its codes"),
        ({"type": "code"}, "a code lists its codes"),
    ],
)
def test_each_mistake_is_refused_by_name(tmp_path: Path, change: dict[str, object], says: str) -> None:
    with pytest.raises(CatalogueInvalid, match=says):
        load_facts(_write(tmp_path, {**GOOD, **change}))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match="age: the name stands twice"):
        load_facts(_write(tmp_path, GOOD, GOOD))


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"freshness": {"default": {"months": 0}}}, "months are a number above 0"),
        ({"freshness": {"facts": [{"months": 3, "facts": ["nobody"]}]}}, "freshness of nobody: there is no such fact"),
        ({"missing": [{"is": 0, "facts": ["age"], "why": "x"}]}, "it needs `is`"),
        ({"missing": [{"is": 0, "under": {"age": 3}, "facts": ["age"], "why": "x"}]}, "cannot tell its own value"),
        ({"missing": [{"is": "old", "where": {"sex": "F"}, "facts": ["age"], "why": "x"}]}, "no fact sex"),
    ],
)
def test_a_policy_that_names_what_is_not_there_is_refused(
    tmp_path: Path, section: dict[str, object], says: str
) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(yaml.safe_dump({**BASE, "facts": [GOOD], **section}), encoding="utf-8")
    with pytest.raises(CatalogueInvalid, match=says):
        load_facts(path)


def test_every_fact_has_a_policy_and_what_interviews_state_has_an_age() -> None:
    catalogue = load_facts()
    for fact in catalogue.facts.values():
        assert fact.missing_policy.endswith("unknown"), fact.name
        assert (fact.good_for_months is not None) == (fact.entity in ("household", "person")), fact.name
    assert catalogue.get("cattle_count").missing_policy == "0 where has_animals is no; else unknown"
    assert catalogue.get("is_pregnant").good_for_months == 6 < (catalogue.get("roof").good_for_months or 0)


def test_what_the_questionnaire_skips_is_implied_and_each_question_has_its_fact() -> None:
    from khana_country.questionnaire import questions_by_fact

    asked = questions_by_fact("pak")
    catalogue = load_facts()
    assert set(asked) <= set(catalogue.facts)
    assert [one.name for one in asked["latitude"]] == ["position"] and asked["rooms"][0].words["ur"]
    for fact in catalogue.facts.values():  # a gate that is never asked could never tell
        gates = {gate for rule in fact.implied for gate in rule.gates}
        assert gates <= set(asked) | {"age"}, fact.name
