"""`POST /api/v1/enrolments/may-join`: a ministry's system asks before it enrols and reports afterwards, within its agreement."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tests.factories import little_country
from tests.factories.little_country import NUMBERS


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, Any]:
    import psycopg

    from khana.platform import embedded, places

    places.folder("static")
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        return little_country.build(connection)


@pytest.fixture(scope="module")
def dss(country: dict[str, Any], tokens) -> str:
    return tokens("programme_officer", agency="DSS")


def ask(
    token: str | None, programme: str, number: str, where: str = "may-join", **more: Any
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"programme": programme, "number": number, **more}
    if where == "may-join/many":
        body = {"programme": programme, "numbers": number.split()}
    response = Client().post(
        f"/api/v1/enrolments/{where}", json.dumps(body), content_type="application/json", headers=headers
    )
    return response.status_code, json.loads(response.content)


def codes(found: tuple[int, dict[str, Any]]) -> tuple[str, list[str]]:
    assert found[0] == 200, found
    return found[1]["answer"], [reason.get("fact", reason["code"]) for reason in found[1]["reasons"]]


def test_yes_no_with_reason_and_unknown(dss: str, connect) -> None:
    assert codes(ask(dss, "OAA", NUMBERS[1])) == ("NO", ["ALREADY_ENROLLED", "score"])
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("UNKNOWN", ["score"])
    with connect("owner") as owner:
        owner.execute(
            "INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, class_name, facts_mark)"
            " SELECT id, area_path, 20, '2026-01-01', 'X', now(), '', '' FROM registry_household"
        )
        owner.execute("UPDATE programmes_programme SET incompatible_with = '[\"STIP\"]' WHERE code = 'OAA'")
        owner.commit()
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("YES", [])
    assert codes(ask(dss, "OAA", NUMBERS[2])) == ("NO", ["OTHER_PROGRAMME_CONFLICT"])
    with connect("owner") as owner:
        owner.execute("UPDATE programmes_programme SET min_age = 60, sex = 'M' WHERE code = 'CASH'")
        owner.commit()
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("NO", ["NOT_ELIGIBLE"])
    with connect("owner") as owner:
        owner.execute("UPDATE programmes_programme SET min_age = NULL, sex = '', max_score = 10 WHERE code = 'CASH'")
        owner.commit()
    refused = ask(dss, "CASH", NUMBERS[2])[1]
    assert refused["answer"] == "NO" and refused["reasons"] == [{"code": "NOT_ELIGIBLE", "clause": "score <= 10"}]
    with connect("owner") as owner:
        owner.execute("UPDATE programmes_programme SET max_score = NULL WHERE code = 'CASH'")
        owner.commit()


def test_the_programmes_own_rule_decides(dss: str, connect) -> None:
    """As the evaluation of the whole registry applies it: clause, missing fact, dates; and nobody joins after her death."""

    def rule(expression: str, since: str = "2020-01-01") -> dict[str, Any]:
        version = {"valid_from": since, "expression": expression, "mark": "A", "source": "a test"}
        return {"code": "CASH", "name": "Cash", "entity": "person", "kind": "eligibility", "gives": "boolean", "versions": [version]}  # fmt: skip

    def put(what: dict[str, Any]) -> None:
        with connect("owner") as owner:
            owner.execute("UPDATE programmes_programme SET eligibility = %s WHERE code = 'CASH'", [json.dumps(what)])
            owner.commit()

    put(rule("score <= 32 and sex = 'F' and age >= 16"))
    first = codes(ask(dss, "CASH", NUMBERS[2]))
    put(rule("score <= 32 and (sex <> 'F' or age < 16)"))
    second = codes(ask(dss, "CASH", NUMBERS[2]))
    assert sorted([first, second]) == [("NO", ["NOT_ELIGIBLE"]), ("YES", [])]
    put(rule("score <= 32 and registered_vehicles = 0"))
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("UNKNOWN", ["registered_vehicles"])
    put(rule("score <= 32", since="2999-01-01"))
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("NO", ["RULE_NOT_IN_FORCE"])
    put({})
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("YES", [])
    alive = "UPDATE registry_personversion SET facts = facts - 'life_status'"
    with connect("owner") as owner:
        owner.execute(
            'UPDATE registry_personversion SET facts = facts || \'{"life_status": "DECEASED"}\' WHERE superseded_at IS NULL'
        )
        owner.commit()
    assert codes(ask(dss, "CASH", NUMBERS[2])) == ("NO", ["DECEASED"])
    with connect("owner") as owner:
        owner.execute(alive)
        owner.commit()


def test_exclusion_filters_are_weighed_and_named(dss: str, country: dict[str, Any], connect) -> None:
    """By herself, by the payroll, by her husband; an upheld appeal and a withdrawn filter count no longer; unknown is told."""

    def write(statement: str, *values: Any) -> None:
        with connect("owner") as owner:
            owner.execute(statement, values)
            owner.commit()

    def told() -> tuple[str, list[tuple[str, ...]]]:
        status, body = ask(dss, "CASH", NUMBERS[2])
        assert status == 200, body
        return body["answer"], [tuple(str(one.get(k, "")) for k in ("code", "filter", "by")) for one in body["reasons"]]

    her = country["persons"][2]
    rules = {"VEHICLE": "registered_vehicles >= 1", "PUBLIC_EMPLOYEE": "is_public_employee"}
    for place, (code, expression) in enumerate(rules.items()):
        version = {"valid_from": "2020-01-01", "expression": expression, "mark": "A", "source": "a test"}
        rule = {
            "code": code,
            "name": code,
            "entity": "person",
            "kind": "exclusion",
            "gives": "boolean",
            "versions": [version],
        }
        write(
            "INSERT INTO programmes_exclusionfilter (code, name, agency, programmes, rule, place, reported, source, withdrawn_reason, recorded_at)"
            " VALUES (%s, %s, 'DSS', '[\"CASH\"]', %s, %s, '{}', '', '', now())", code, code.title(), json.dumps(rule), place,
        )  # fmt: skip
    fact = "UPDATE registry_personversion SET facts = facts || %s::jsonb WHERE person_id = %s AND superseded_at IS NULL"
    not_known = [("FILTER_NOT_KNOWN", "VEHICLE", ""), ("FILTER_NOT_KNOWN", "PUBLIC_EMPLOYEE", "")]
    assert told() == ("YES", not_known)
    assert ask(dss, "CASH", NUMBERS[2])[1]["reasons"][0]["facts"] == ["registered_vehicles"]
    write(fact, json.dumps({"registered_vehicles": 1, "is_public_employee": False}), her)
    assert told() == ("NO", [("EXCLUDED_BY_FILTER", "VEHICLE", "self")])
    appeal = (
        "INSERT INTO programmes_filterappeal (filter_code, household_number, person_id, area_path, state, reason, lodged_by, lodged_label,"
        " lodged_at, decided_by, decided_label, decided_at, decision) VALUES ('VEHICLE', 'H2', %s, 'PK.', 'UPHELD', 'sold', 1, '',"
        " '2026-01-01', 2, '', '2026-01-02', '')"
    )
    write(appeal, her)
    assert told() == ("YES", [])
    write("DELETE FROM programmes_filterappeal")
    write(
        "INSERT INTO identity_publicemployee (employee_number, name, guardian_name, id_token, department, status, batch_id)"
        " SELECT '1', '', '', token, '', 'SERVING', 1 FROM registry_identifier WHERE person_id = %s", her,
    )  # fmt: skip
    assert told()[1] == [("EXCLUDED_BY_FILTER", "VEHICLE", "self"), ("EXCLUDED_BY_FILTER", "PUBLIC_EMPLOYEE", "self")]
    write("UPDATE programmes_exclusionfilter SET withdrawn_from = '2020-06-01' WHERE code = 'VEHICLE'")
    assert told()[1] == [("EXCLUDED_BY_FILTER", "PUBLIC_EMPLOYEE", "self")]
    write("UPDATE identity_publicemployee SET status = 'PENSIONER'")
    assert told() == ("YES", [])
    # her husband, on the line below hers, has the car
    write("UPDATE programmes_exclusionfilter SET withdrawn_from = NULL WHERE code = 'VEHICLE'")
    write(fact, json.dumps({"registered_vehicles": 0}), her)
    assert told() == ("YES", [])
    write(
        "WITH he AS (INSERT INTO registry_person (area_path, created_at) VALUES ('PK.PK1.PK101.', now()) RETURNING id),"
        " v AS (INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name, sex,"
        "  marital, facts) SELECT id, 'PK.PK1.PK101.', '2020-01-01', now(), 'Karim', '', '', 'M', 'M', '{\"registered_vehicles\": 2}' FROM he)"
        " INSERT INTO registry_membership (household_id, person_id, line_no, relation, is_member, spouse_line, area_path, valid_from, recorded_at)"
        " SELECT m.household_id, he.id, 2, 'spouse', true, 1, m.area_path, '2020-01-01', now() FROM he, registry_membership m WHERE m.person_id = %s",
        her,
    )
    assert told() == ("NO", [("EXCLUDED_BY_FILTER", "VEHICLE", "spouse")])
    write("UPDATE programmes_exclusionfilter SET withdrawn_from = '2020-06-01'")


def test_the_answer_says_which_rule_speaks_and_not_what_else_she_draws(dss: str) -> None:
    found = ask(dss, "OAA", NUMBERS[2])
    assert "STIP" not in json.dumps(found[1])


def test_nobody_registered_and_nobody_of_hers_are_one_answer(country, tokens) -> None:
    north = tokens("programme_officer", agency="DSS", area_code="PK101")
    outside, nobody = ask(north, "CASH", NUMBERS[3]), ask(north, "CASH", "3999999999999")
    assert codes(outside) == codes(nobody) == ("UNKNOWN", ["NOT_FOUND_IN_SCOPE"])
    assert codes(ask(north, "CASH", NUMBERS[2]))[0] == "YES"


def test_a_programme_of_another_agency_is_refused(country, dss: str, tokens) -> None:
    assert ask(dss, "STIP", NUMBERS[1])[0] == 403
    assert ask(dss, "NONE", NUMBERS[1])[0] == 422
    assert ask(dss, "CASH", "12")[0] == 422
    assert ask(tokens("analyst"), "CASH", NUMBERS[1])[0] == 403
    assert ask(None, "CASH", NUMBERS[1])[0] == 401


def test_many_at_once_in_their_order(dss: str) -> None:
    status, body = ask(dss, "CASH", f"{NUMBERS[2]} 12 3999999999999", "may-join/many")
    assert status == 200
    assert [one["answer"] for one in body["answers"]] == ["YES", "UNKNOWN", "UNKNOWN"]
    assert ask(dss, "CASH", " ".join(["1"] * 1001), "may-join/many")[0] == 422


def test_report_afterwards_and_ask_again(dss: str, connect) -> None:
    number = NUMBERS[2]
    told = ask(dss, "CASH", number, "reports", state="ENROLLED", day="2026-04-01")
    assert told[0] == 200 and ask(dss, "CASH", number, "reports", state="ENROLLED", day="2026-04-01") == told
    assert codes(ask(dss, "CASH", number)) == ("NO", ["ALREADY_ENROLLED"])
    assert ask(dss, "CASH", number, "reports", state="EXITED", day="2026-05-01", reason="BORED")[0] == 422
    assert ask(dss, "CASH", number, "reports", state="EXITED", day="2026-05-01", reason="MOVED")[0] == 200
    assert ask(dss, "CASH", number, "reports", state="SUSPENDED", day="2026-05-01", reason="UNDER_REVIEW")[0] == 409
    assert ask(dss, "STIP", number, "reports", state="ENROLLED", day="2026-05-01")[0] == 403
    with connect("owner") as owner:
        kept = owner.execute(
            "SELECT count(*) FROM audit_event WHERE action IN ('beneficiaries.enrolment.asked', 'beneficiaries.enrolment.reported')"
        ).fetchone()
    assert kept[0] > 10


def test_a_partner_asks_under_its_agreement_only(country, tokens, connect) -> None:
    from khana.access import services as access
    from khana.sharing.services import agreements, partners

    steward, at = tokens("data_steward"), datetime.now(UTC)
    officers = {role: tokens(role) for role in ("administrator", "data_protection_officer")}
    with access.scoped(officers["administrator"]):
        made = partners.add(
            code="mis",
            name="mis",
            profile="jws-compact",
            jwks={"keys": []},
            at=at,
            signature_optional=True,
            is_sandbox=True,
        )
    for number, more in (
        ("E1", {"purpose": "enrolment", "agency": "DSS", "area_code": "PK101"}),
        ("R1", {"purpose": "research"}),
    ):
        with access.scoped(steward):
            agreements.draft(terms=agreements.Terms(
                number=number, partner="mis", title="t", level="ANSWER", legal_basis="Act", fields=["registered"],
                valid_from=at - timedelta(days=1), valid_to=at + timedelta(days=30), retention_days=30, **more,
            ), at=at)  # fmt: skip
        for role in officers.values():
            with access.scoped(role):
                agreements.approve(number=number, at=at)
    token = made.access_token
    assert ask(token, "CASH", NUMBERS[1])[0] == 403
    assert ask(token, "CASH", NUMBERS[1], agreement="R1")[0] == 403
    assert ask(token, "CASH", NUMBERS[1], agreement="E9")[0] == 403
    assert ask(token, "CASH", NUMBERS[1], agreement="E1")[0] == 200
    assert ask(token, "STIP", NUMBERS[1], agreement="E1")[0] == 403
    assert codes(ask(token, "CASH", NUMBERS[3], agreement="E1")) == ("UNKNOWN", ["NOT_FOUND_IN_SCOPE"])
    with access.scoped(steward):
        agreements.end(number="E1", at=at)
    assert ask(token, "CASH", NUMBERS[1], agreement="E1")[0] == 403
