"""Whom an upheld appeal follows: held equal in an evaluation, a drawn list, entitlements, a changed form and a ministry's question.

The little country with two filters about persons and one about households. Files are merged in a chain and split again, a
couple moves, a wife marries anew, a household splits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from tests.factories import little_country
from tests.factories.little_country import NORTH, NUMBERS

from khana.platform import embedded, keys

DAY = date(2026, 6, 30)
RULES = {
    "VEHICLE": ("person", "registered_vehicles >= 1"),
    "PUBLIC_EMPLOYEE": ("person", "is_public_employee"),
    "ROOMS": ("household", "rooms > 3"),
}
OTHER = "1110112345699"


@dataclass
class Land:
    """The little country with filters, and who asks in it."""

    connection: psycopg.Connection[Any]
    steward: str
    ministry: str
    persons: dict[str, int]
    lists: int = 0
    households: dict[str, int] = field(default_factory=dict)

    def one(self, statement: str, *values: Any) -> int:
        row = self.connection.execute(statement + " RETURNING id", values).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return int(row[0])

    def write(self, statement: str, *values: Any) -> None:
        self.connection.execute(statement, values)  # type: ignore[arg-type]

    def add(self, name: str, household: str, line: int, *, sex: str = "F", spouse: int | None = None) -> int:
        """Add a member to a household."""
        person = self.one(
            "INSERT INTO registry_person (area_path, created_at) VALUES (%s, %s)", NORTH, little_country.AT
        )
        self.write(
            "INSERT INTO registry_personversion (person_id, area_path, valid_from, recorded_at, name, name_native, guardian_name, sex,"
            " birth_year, marital, facts) VALUES (%s, %s, '2020-01-01', %s, %s, '', '', %s, 1980, 'M', %s)",
            person, NORTH, little_country.AT, name, sex, json.dumps({"registered_vehicles": 0, "is_public_employee": False}),
        )  # fmt: skip
        self.write(
            "INSERT INTO registry_membership (household_id, person_id, line_no, relation, is_member, spouse_line, area_path, valid_from,"
            " recorded_at) VALUES (%s, %s, %s, 'other', true, %s, %s, '2020-01-01', %s)",
            self.households[household], person, line, spouse, NORTH, little_country.AT,
        )  # fmt: skip
        self.persons[name] = person
        return person

    def fact(self, name: str, **facts: Any) -> None:
        self.write(
            "UPDATE registry_personversion SET facts = facts || %s::jsonb WHERE person_id = %s AND superseded_at IS NULL",
            json.dumps(facts), self.persons[name],
        )  # fmt: skip

    def appeal(self, filter_: str, household: str, name: str = "") -> None:
        """An appeal that was upheld: of one person, or of a household."""
        self.write(
            "INSERT INTO programmes_filterappeal (filter_code, household_number, person_id, area_path, state, reason, lodged_by, lodged_label,"
            " lodged_at, decided_by, decided_label, decided_at, decision) VALUES (%s, %s, %s, 'PK.', 'UPHELD', '', 1, '', now(), 2, '', now(), '')",
            filter_, household, self.persons[name] if name else None,
        )  # fmt: skip

    def restructure(self, kind: str, source: str, *movers: Any, to: str = "") -> int:
        from django.db import transaction

        from khana.access import services as access
        from khana.registry.services import keep_restructuring, restructure

        at = datetime.now(UTC)
        change = restructure.Change(kind, self.households[source], date(2026, 5, 1), movers, self.households.get(to))
        with access.scoped(self.steward), transaction.atomic():
            row = keep_restructuring.keep(
                change=change, reason="they live elsewhere now", effect={}, needs_second=False, at=at
            )
            target = restructure.apply(change, at=at)
            keep_restructuring.put_in_force(row=row, target=target, is_second=False, at=at)
        return target

    def merge(self, name: str, into: str) -> None:
        from khana.access import services as access
        from khana.registry.services import merge_files

        with access.scoped(self.steward):
            merge_files.merge(
                person_id=self.persons[name], into=self.persons[into], reason="one man", needs_second=False, at=datetime.now(UTC)
            )  # fmt: skip

    def split(self, name: str) -> None:
        from khana.access import services as access
        from khana.registry.services import merge_files

        with access.scoped(self.steward):
            merge_files.split(person_id=self.persons[name], reason="two men", at=datetime.now(UTC))

    def against(self, *, of_payrolls: bool = False) -> set[tuple[str, str, str]]:
        """Return whom filters keep out, where; every way to ask must tell the same of everybody.

        An evaluation differs from the drawing of a list by how it reads payrolls, and is asked where these are at stake.
        """
        at = datetime.now(UTC)
        told, eligible = self._one_by_one(at)
        drawn = self._drawn(at)
        assert drawn <= set(eligible.items()), "who stands in two households is drawn once"
        assert {person for _, person in drawn} == set(eligible.values())
        if of_payrolls:
            assert self._evaluated(at) == {"eligible": len(eligible), "excluded": len({unit for unit, _, _ in told})}
        assert self._met(at) == {
            home: sum(unit.startswith(f"{home}/") for unit in eligible) for home in self.households
        }
        assert self._asked(at) == {filter_ for _, who, filter_ in told if who == self.persons["Bilqis"]}
        names = {person: name for name, person in self.persons.items()}
        return {(names[who], filter_, unit.split("/")[0]) for unit, who, filter_ in told}

    def _one_by_one(self, at: datetime) -> tuple[set[tuple[str, int, str]], dict[str, int]]:
        from khana.access import services as access
        from khana.dossiers import programme_answers
        from khana.registry import files

        told: set[tuple[str, int, str]] = set()
        eligible: dict[str, int] = {}
        with access.scoped(self.steward):
            for number, household in self.households.items():
                people = {place.line_no: files.current_file(place.person_id) for place in files.members_of(household)}
                for row in programme_answers.answers_for(household=number, on=DAY, at=at, programme="CASH"):
                    assert row.line is not None
                    unit, person = f"{number}/{row.line}", people[row.line]
                    if row.outcome == "eligible":
                        eligible[unit] = person
                    told |= {(unit, person, one.split(" by ")[0]) for one in row.filters}
        return told, eligible

    def _drawn(self, at: datetime) -> set[tuple[str, int]]:
        from khana.workflows import draw_list

        self.lists += 1
        wish = draw_list.Wish("CASH", code=f"L{self.lists}", places=99, leave_out_recipients=False, seed="1")
        draw_list.run(token=self.steward, wish=wish, as_of=DAY, at=at)
        rows = self.connection.execute(
            "SELECT unit, person_id FROM programmes_listentry e JOIN programmes_selectionlist l ON l.id = e.list_id WHERE l.code = %s",
            [wish.code],
        ).fetchall()
        return set(rows)

    def _evaluated(self, at: datetime) -> dict[str, int]:
        from khana.workflows import evaluate_programmes

        found = evaluate_programmes.run(token=self.steward, as_of=DAY, at=at)["programmes"]["CASH"]
        return {name: found[name] for name in ("eligible", "excluded")}

    def _met(self, at: datetime) -> dict[str, int]:
        from khana.access import services as access
        from khana.workflows.eligible_now import RulesInForce

        with access.scoped(self.steward):
            met = RulesInForce(DAY).met_by(dict.fromkeys(self.households.values(), 20.0), known_at=at)
        return {number: met.benefits[home].get("CASH", 0) for number, home in self.households.items()}

    def _asked(self, at: datetime) -> set[str]:
        from khana.beneficiaries import asking

        found = asking.may_join(
            tokens=[keys.token("PK", NUMBERS[2])], programme="CASH", cap=9, poor_cutoff=32.0, on=DAY, at=at, session=self.ministry
        )  # fmt: skip
        return {str(one["filter"]) for one in found.reasons if one["code"] == "EXCLUDED_BY_FILTER"}


def _filter(land: Land, place: int, code: str) -> None:
    entity, expression = RULES[code]
    version = {"valid_from": "2020-01-01", "expression": expression, "mark": "A", "source": "a test"}
    rule = {
        "code": code,
        "name": code,
        "entity": entity,
        "kind": "exclusion",
        "gives": "boolean",
        "versions": [version],
    }
    land.write(
        "INSERT INTO programmes_exclusionfilter (code, name, agency, programmes, rule, place, reported, source, withdrawn_reason, recorded_at)"
        " VALUES (%s, %s, 'DSS', '[\"CASH\"]', %s, %s, '{}', '', '', now())", code, code, json.dumps(rule), place,
    )  # fmt: skip


@pytest.fixture(scope="module")
def land(database: str, tokens) -> Iterator[Land]:  # type: ignore[no-untyped-def]
    parameters = {**embedded.connection_parameters("owner"), "dbname": database}
    with psycopg.connect(**parameters, autocommit=True) as connection:
        made = little_country.build(connection)
        names = dict(zip(("Amna", "Bilqis", "Sakina"), made["persons"].values(), strict=True))
        land = Land(connection, tokens("data_steward"), tokens("programme_officer", agency="DSS"), names)
        land.households = dict(connection.execute("SELECT number, id FROM registry_household").fetchall())
        land.write(
            "INSERT INTO registry_householdversion (household_id, area_path, valid_from, recorded_at, address, facts)"
            " SELECT id, area_path, '2020-01-01', created_at, '', '{\"rooms\": 2}' FROM registry_household"
        )
        land.write(
            "INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, class_name, facts_mark)"
            " SELECT id, area_path, 20, '2026-01-01', 'X', created_at, '', '' FROM registry_household"
        )
        land.write(
            'UPDATE registry_personversion SET facts = \'{"registered_vehicles": 0, "is_public_employee": false}\''
        )
        for place, code in enumerate(RULES):
            _filter(land, place, code)
        land.add("Karim", "H2", 2, sex="M", spouse=1)  # her husband
        land.add("Karim of a card", "H1", 2, sex="M")  # the same man, registered twice more
        land.add("Karim of old", "H1", 3, sex="M")
        land.add("Rafiq", "H3", 2, sex="M")
        yield land


def test_an_appeal_and_a_payroll_go_by_the_current_file(land: Land) -> None:
    """He appealed under one file, is paid under it by the state, and stands in her household under another."""
    from khana.workflows import draw_list

    land.fact("Karim", registered_vehicles=2)
    by_car = {("Bilqis", "VEHICLE", "H2"), ("Karim", "VEHICLE", "H2")}
    land.appeal("VEHICLE", "H1", "Karim of old")
    land.merge("Karim of old", "Karim of a card")
    land.merge("Karim of a card", "Karim")
    assert land.against() == set()
    land.write(
        "INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
        " VALUES (%s, %s, 'CNIC', %s, %s, 'VERIFIED', now())",
        land.persons["Karim of old"], NORTH, keys.token("PK", OTHER), keys.encrypt(OTHER),
    )  # fmt: skip
    land.write(
        "INSERT INTO identity_publicemployee (employee_number, name, guardian_name, id_token, department, status, batch_id)"
        " VALUES ('1', '', '', %s, '', 'SERVING', 1)", keys.token("PK", OTHER),
    )  # fmt: skip
    paid = {("Bilqis", "PUBLIC_EMPLOYEE", "H2"), *(("Karim", "PUBLIC_EMPLOYEE", home) for home in ("H1", "H2"))}
    assert land.against(of_payrolls=True) == paid
    before = f"L{land.lists}"
    land.split("Karim of a card")
    assert land.against(of_payrolls=True) == {*by_car, ("Karim of a card", "PUBLIC_EMPLOYEE", "H1")}
    again = draw_list.rederive(token=land.steward, code=before, at=datetime.now(UTC))
    assert again["is_same"], "a list stays what it was when the merge was in force"
    land.split("Karim of old")
    land.write("UPDATE identity_publicemployee SET status = 'PENSIONER'")


def test_her_appeal_goes_with_her_and_says_nothing_of_another_husband(land: Land) -> None:
    """Upheld for her because of her husband's car, it counts where they move; not where she marries a man with a car."""
    from khana.registry.services.restructure import Mover

    land.appeal("VEHICLE", "H2", "Bilqis")
    land.add("Zainab", "H2", 3)
    land.restructure("MOVE", "H2", Mover(land.persons["Bilqis"]), Mover(land.persons["Karim"]), to="H1")
    assert land.against() == {("Karim", "VEHICLE", "H1")}, "it is hers: he may appeal himself"
    land.fact("Rafiq", registered_vehicles=1)
    land.restructure("MOVE", "H1", Mover(land.persons["Bilqis"], "spouse", land.persons["Rafiq"]), to="H3")
    his = {("Karim", "VEHICLE", "H1"), ("Rafiq", "VEHICLE", "H3")}
    assert land.against() == {*his, ("Bilqis", "VEHICLE", "H3")}
    land.fact("Rafiq", registered_vehicles=0)
    land.fact("Bilqis", registered_vehicles=1)
    assert land.against() == {("Karim", "VEHICLE", "H1")}, "what is told of her counts against nobody"


def test_a_household_that_appealed_whole_takes_it_along(land: Land) -> None:
    """What is told of those who lived there then follows each; what is told of the household follows one that splits off."""
    from khana.registry.services.restructure import Mover

    land.write(
        "UPDATE registry_householdversion SET facts = '{\"rooms\": 5}' WHERE household_id <> %s", land.households["H3"]
    )
    land.appeal("ROOMS", "H1")
    land.appeal("VEHICLE", "H1")
    made = land.restructure("SPLIT", "H1", Mover(land.persons["Karim"]))
    row = land.connection.execute("SELECT number FROM registry_household WHERE id = %s", [made]).fetchone()
    assert row is not None
    land.households[row[0]] = made
    land.write(
        "INSERT INTO assessment_score (household_id, area_path, score, score_date, model_code, recorded_at, class_name, facts_mark)"
        " SELECT id, area_path, 20, '2026-01-01', 'X', now(), '', '' FROM registry_household WHERE id = %s", made,
    )  # fmt: skip
    # neither his car nor the rooms, which the new household has from the old
    assert land.against() == {("Zainab", "ROOMS", "H2")}
