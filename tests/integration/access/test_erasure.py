"""One person's file goes by rule or by her wish, unless something stands against it; the log's chain holds all the while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from khana.access import retention, services
from khana.access.functions import OfficeRefused
from khana.audit import services as audit
from khana.dossiers import person_file
from khana.platform import embedded, keys
from tests.factories import little_country
from tests.factories.little_country import NUMBERS

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=4000)
WHY = "Her wish of 3 May, PDPO section 13"
HERS = {
    "registry_personversion": "person_id = %(id)s", "registry_identifier": "person_id = %(id)s OR token = %(token)s",
    "identity_verification": "person_id = %(id)s OR token = %(token)s", "linkage_opening": "person_id = %(id)s",
    "identity_familycheck": "person_id = %(id)s OR token = %(token)s",
}  # fmt: skip


@pytest.fixture(scope="module")
def persons(database: str) -> dict[int, int]:
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as connection:
        found: dict[int, int] = little_country.build(connection)["persons"]
        return found


@pytest.fixture(scope="module")
def office(tokens, persons) -> dict[str, str]:  # type: ignore[no-untyped-def]
    names = {
        "one": "data_protection_officer",
        "two": "data_protection_officer",
        "steward": "data_steward",
        "auditor": "auditor",
    }
    return {name: tokens(role) for name, role in names.items()}


def left(root: psycopg.Connection[Any], person: int, number: int) -> dict[str, int]:
    values = {"id": person, "token": keys.token("PK", NUMBERS[number])}
    return {
        table: root.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchall()[0][0]  # type: ignore[arg-type]
        for table, where in HERS.items()
    }


def fill(root: psycopg.Connection[Any], person: int, number: int) -> None:
    """Leave something of her in the rooms above too."""
    token = keys.token("PK", NUMBERS[number])
    root.execute("SET session_replication_role = replica")
    root.execute(
        "INSERT INTO identity_verification (person_id, area_path, token, authority, outcome, counts, why, agreed, asked_at,"
        " transaction, answer_sha256, actor_id) VALUES (%s, 'PK.', %s, 'x', 'MATCH', true, '', '{}', now(), '', '', 1)",
        [person, token],
    )
    root.execute(
        "INSERT INTO linkage_opening (person_id, area_path, asked_by, asked_at, said, state, answer) VALUES (%s, 'PK.', 1, now(), 's', 'ASKED', '')",
        [person],
    )
    root.execute("SET session_replication_role = origin")


def moved_out(root: psycopg.Connection[Any], person: int, on: datetime) -> None:
    root.execute("UPDATE registry_membership SET valid_to = %s WHERE person_id = %s", [on.date(), person])


def refused(office: dict[str, str], number: int, rule: str, who: str = "two") -> None:
    with services.scoped(office[who]), pytest.raises(OfficeRefused) as caught:
        retention.confirm_erasure(number=number)
    assert caught.value.details == {"rule": f"erasure.{rule}"}


def test_her_wish_is_carried_out_by_two_when_nothing_stands_against_it(
    office: dict[str, str], persons: dict[int, int], root: psycopg.Connection[Any], as_role
) -> None:  # type: ignore[no-untyped-def]
    as_role("web")
    her = persons[1]
    fill(root, her, 1)
    with services.scoped(office["steward"]):
        assert person_file.person_file(her).facts.name == "Amna"
        with pytest.raises(services.PermissionMissing):
            retention.ask_erasure(person=her, reason=WHY, at=NOW)
    with services.scoped(office["one"]):
        with pytest.raises(retention.RuleUnknown):
            retention.ask_erasure(person=her, reason="wish", at=NOW)
        number = retention.ask_erasure(person=her, reason=WHY, at=NOW)
    audit.seal_events()
    refused(office, number, "second", who="one")
    with services.scoped(office["auditor"]):
        assert retention.stands_against(number) == "member"
    refused(office, number, "member")
    moved_out(root, her, NOW - timedelta(days=1))
    with services.scoped(office["one"]):
        hold = retention.hold(rule="*", subject=f"person:{her}", reason="a court asked for it", at=NOW)
    refused(office, number, "held")
    with services.scoped(office["one"]):
        retention.release(number=hold, at=NOW)
    refused(office, number, "draws")  # she was on a list this year
    root.execute("UPDATE beneficiaries_benefit SET period_end = '2001-01-01'")
    root.execute("SET session_replication_role = replica")
    root.execute(
        "INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, state, state_at, changed_by, actor_id, reason,"
        " note, household_number, source_code, is_chosen, created_at) VALUES ('OAA', 'DSS', 'PK.', %s, 'ENROLLED', %s, 'RUN', 1, '',"
        " '', '', '', false, now())",
        [keys.token("PK", NUMBERS[1]), LONG_AGO],
    )
    refused(office, number, "draws")
    root.execute("UPDATE beneficiaries_enrolment SET state = 'EXITED'")
    root.execute("SET session_replication_role = origin")
    with services.scoped(office["steward"]), pytest.raises(services.PermissionMissing):
        retention.confirm_erasure(number=number)
    with services.scoped(office["two"]):
        erased = retention.confirm_erasure(number=number)
    assert erased == {
        "identity_verification": 1,
        "linkage_opening": 1,
        "registry_identifier": 1,
        "registry_personversion": 1,
    }
    assert set(left(root, her, 1).values()) == {0}
    with services.scoped(office["steward"]), pytest.raises(person_file.FileNotFound):
        person_file.person_file(her)
    with services.scoped(office["two"]), pytest.raises(services.AccessNotFound):
        retention.confirm_erasure(number=number)
    with services.scoped(office["auditor"]):
        assert [(one.person_id, one.rule, sum(one.counts.values())) for one in retention.erasures()] == [
            (her, "REQUEST", 4)
        ]


def test_by_rule_goes_who_was_gone_for_ten_years_and_is_not_held(
    office: dict[str, str], persons: dict[int, int], root: psycopg.Connection[Any], as_role
) -> None:  # type: ignore[no-untyped-def]
    as_role("worker")
    gone, held = persons[2], persons[3]
    fill(root, gone, 2)
    root.execute("UPDATE registry_person SET created_at = %s", [LONG_AGO - timedelta(days=1)])
    assert retention.run(at=NOW)["PERSONS"] == 0, "they belong to households"
    for person in (gone, held):
        moved_out(root, person, NOW - timedelta(days=3000))
    assert retention.run(at=NOW)["PERSONS"] == 0, "not for so long"
    for person in (gone, held):
        moved_out(root, person, LONG_AGO)
    with services.scoped(office["one"]):
        hold = retention.hold(rule="PERSONS", subject="area:PK.PK2.", reason="an audit of the south", at=NOW)
    assert retention.run(at=NOW)["PERSONS"] == 1
    assert set(left(root, gone, 2).values()) == {0} and left(root, held, 3)["registry_identifier"] == 1
    with services.scoped(office["one"]):
        retention.release(number=hold, at=NOW)
    assert retention.run(at=NOW)["PERSONS"] == 1 and retention.run(at=NOW)["PERSONS"] == 0
    assert set(left(root, held, 3).values()) == {0}
    while audit.seal_events():
        pass
    with services.scoped(office["auditor"]):
        verdict = audit.verify()
        assert verdict.holds and verdict.unsealed == 0
        assert {one.rule for one in retention.erasures()} == {"REQUEST", "PERSONS"}
    told = root.execute("SELECT DISTINCT action FROM audit_event WHERE action LIKE 'access.%eras%'").fetchall()
    assert {action for (action,) in told} == {"access.erasure.asked", "access.file.erased", "access.retention.erased"}


@pytest.mark.parametrize("role", ["web", "worker"])
@pytest.mark.parametrize(
    "call", ["erasure_do(1)", "erasure_by_rule(now(), 1)", "erasure_stands_against(1, '*', now())"]
)
def test_nobody_erases_past_the_two_doors(connect, role: str, call: str) -> None:  # type: ignore[no-untyped-def]
    with connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT khana_private.{call}")
