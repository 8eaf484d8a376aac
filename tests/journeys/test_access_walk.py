"""One user after the other walks every table, page, operation of the API and command.

A registrar of one district meets nobody of another, an officer of one agency no row of another, an
analyst no person at all, and who is not signed in gets no further than the door. A new address or
command fails here until it stands in `khana_settings.walk.asked_pages` or `typed_commands`; `khana access walk` runs the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg
import pytest
from django.test import Client
from tests.conftest import REPOSITORY, acting_as
from tests.journeys.commands import Nursery, nursery
from tests.journeys.database_state import state

from khana.access import shape
from khana.platform import embedded
from khana.platform.secrets_store import get_secret
from khana_settings.walk import asked_pages, rows, steps, typed_commands
from khana_settings.walk.country import USERS, Trial, fill, learn, make_users


@pytest.fixture(scope="module")
def lent() -> Iterator[Nursery]:
    with nursery() as started:
        yield started


@pytest.fixture(scope="module")
def world(
    server: None, database: str, tokens, lent: Nursery, tmp_path_factory: pytest.TempPathFactory, request: Any
) -> Trial:
    from khana.interfaces.web import limits

    steward = tokens("data_steward")
    for bucket in (limits.LOOK_UP, limits.EXPORT, limits.SIGN_IN, limits.OPEN_PAGES):
        request.addfinalizer(partial(setattr, bucket, "burst", bucket.burst))
        bucket.burst = 100_000  # how often one may ask is another test
    made = Trial(tmp_path_factory.mktemp("walk") / "land", password="not-a-secret-of-anyone")
    fill(lambda *words: lent.run(*words, database=database, token=steward), made.folder)
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as owner:
        learn(made, owner)
    made.things["model"] = str(REPOSITORY / "tests" / "data" / "models" / "living.yaml")
    _as_owner(made, database)
    return made


def superuser_of(database: str) -> psycopg.Connection[Any]:
    owner = embedded.connection_parameters("owner")
    return psycopg.connect(**{**owner, "dbname": database, "user": "postgres", "password": get_secret("db_superuser")})


def _as_owner(made: Trial, database: str) -> None:
    """Make the three who look, each with a password to sign in by."""
    with acting_as("owner", database):
        make_users(made)


def test_every_address_and_every_command_stands_in_a_table() -> None:
    assert steps.unlisted() == [], (
        "say in khana_settings/walk/asked_pages.py or typed_commands.py what a new page or command shows of people"
    )


def test_what_stands_in_no_table_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(asked_pages.PAGES, "lookup-person")
    monkeypatch.delitem(typed_commands.COMMANDS, "audit seal")
    monkeypatch.setitem(typed_commands.COMMANDS, "people export", [""])
    assert steps.unlisted() == ["address lookup-person", "command audit seal", "command people export"]


@pytest.mark.parametrize("role", ["web", "worker"])
def test_tables(world: Trial, connect, role: str) -> None:  # type: ignore[no-untyped-def]
    assert list(rows.walk_tables(world, connect(role))) == []


@pytest.mark.parametrize(
    ("change", "met"),
    [
        ("DROP POLICY registry_household_select ON registry_household; "
         "CREATE POLICY x ON registry_household FOR SELECT USING (true)", {"registrar", "analyst", "nobody"}),
        ("ALTER POLICY beneficiaries_benefit_select ON beneficiaries_benefit USING (true)", {"registrar", "officer", "analyst", "nobody"}),
        ("ALTER TABLE registry_person DISABLE ROW LEVEL SECURITY", {"everybody"}),
        ("CREATE VIEW everybody AS SELECT * FROM registry_person; GRANT SELECT ON everybody TO khana_web", {"everybody"}),
        ("CREATE OR REPLACE FUNCTION khana_private.access_everything(p_permission text) RETURNS boolean LANGUAGE sql AS 'SELECT true'", set(USERS) | {"nobody"}),
    ],
)  # fmt: skip
def test_a_hole_is_found_and_named(world: Trial, database: str, change: str, met: set[str]) -> None:
    """Each is made in a transaction that is undone, and the walk looks from inside it."""
    with superuser_of(database) as root:
        root.execute(change)
        root.execute("SET LOCAL SESSION AUTHORIZATION khana_web")
        found = list(rows.walk_tables(world, root))
        root.rollback()
    assert {one.user for one in found} == met, found


@pytest.mark.parametrize("user", USERS)
def test_pages_and_operations(world: Trial, user: str) -> None:
    assert list(steps.walk_pages(world, user)) == []


def test_a_page_that_shows_somebody_else_is_met(world: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_pages, "PAGES", {"health": ["GET /health"]})
    monkeypatch.setattr(steps, "ask", lambda *_: steps.Answer(200, f"<td>{world.things['name']}</td>", "/health"))
    found = list(steps.walk_pages(world, "registrar"))
    assert [one.found for one in found] == [
        f"name {world.things['name']}",
        "she was served 1 pages only: this walk shows nothing",
    ]
    assert next(steps.walk_door(world)).found == f"name {world.things['name']}"


def test_the_registrar_does_see_her_own(world: Trial) -> None:
    client, things = steps.sign_in(world, "registrar"), world.things
    answer = steps.ask(client, "GET /household/{own_household}", things)
    assert (answer.status, things["own_name"] in answer.text) == (200, True)
    for request in ("GET /person/{person}", "GET /household/{household}"):
        assert steps.ask(client, request, things).status == 404
    for person in sorted(world.ids["registrar"])[:40]:
        assert client.get(f"/person/{person}").status_code == 404


def test_nobody_gets_no_further_than_the_door(world: Trial) -> None:
    assert list(steps.walk_door(world)) == []


def test_a_session_that_ended_opens_nothing(world: Trial) -> None:
    client = steps.sign_in(world, "registrar")
    assert client.get("/look-up").status_code == 200
    cookies = dict(client.cookies)
    assert client.post("/sign-out").status_code in (200, 302)
    again = Client()
    for name, morsel in cookies.items():
        again.cookies[name] = morsel.value
    assert again.get("/look-up").status_code == 302


@pytest.mark.parametrize("user", USERS)
def test_commands(world: Trial, database: str, lent: Nursery, user: str) -> None:
    allowed = ("deliveries_", "platform_", "audit_event", "beneficiaries_source", "access_session")
    before = {t: s for t, s in state(database).items() if not t.startswith(allowed)}
    ended: dict[str, int] = {}

    def run(*words: str, token: str) -> object:
        return lent.run(*words, database=database, token=token)

    assert list(steps.walk_commands(world, user, run, ended)) == []
    after = {t: s for t, s in state(database).items() if not t.startswith(allowed)}
    hers = {
        "registrar": {"registry_householdversion", "identity_verification", "identity_familycheck"},
        "analyst": {
            "assessment_modelversion",
            "assessment_activation",
            "assessment_scenario",
            "assessment_snapshot",
            "monitoring_publication",
        },
        "officer": {
            "assessment_scenario",
            "beneficiaries_enrolment",
            "beneficiaries_statechange",
            "beneficiaries_graduation",
            "beneficiaries_answer",
            "programmes_quota",
        },
    }
    assert {t for t in after if after[t] != before[t]} <= hers.get(user, set())
    assert {ended[c] for c in ("users add", "users list", "audit verify", "access walk", "consolidate")} == {13}


def test_a_database_that_was_changed_by_hand_has_another_shape(database: str) -> None:
    made = shape.of_this_database()
    assert shape.differences(made, made) == [] and all(len(part) > 2 for name, part in made.items() if name != "role")
    person = "registry_person"
    with superuser_of(database) as root:
        for statement, part, name, state_of_it in (
            (f"ALTER TABLE {person} NO FORCE ROW LEVEL SECURITY", "row security", person, "other"),
            (f"DROP POLICY {person}_select ON {person}", "policy", f"{person}.{person}_select", "missing"),
            (f"ALTER POLICY {person}_select ON {person} TO public", "policy", f"{person}.{person}_select", "other"),
            (f"GRANT TRUNCATE ON {person} TO khana_web", "privilege", f"{person} khana_web", "other"),
            ("GRANT UPDATE (action) ON audit_event TO khana_web", "privilege of a column", "audit_event.action khana_web", "more"),
            ("DROP TRIGGER audit_event_append_only ON audit_event", "trigger", "audit_event.audit_event_append_only", "missing"),
            ("ALTER FUNCTION khana_private.access_actor() SECURITY INVOKER", "function", "khana_private.access_actor()", "other"),
            ("ALTER ROLE khana_web BYPASSRLS", "role", "khana_web", "other"),
        ):  # fmt: skip
            root.execute(statement)
            here = shape.of_this_database(lambda text: root.execute(text).fetchall())
            root.rollback()
            found = shape.differences(here, made)
            assert {"part": part, "name": name, "state": state_of_it} in found and len(found) <= 2, (statement, found)


def test_the_command_walks_in_a_database_of_its_own(lent: Nursery, database: str) -> None:
    done = lent.run(
        "access", "walk", "--trial-only", "--part", "tables", "--households", "100", "--json", database=database
    )
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["holds"] and said["rows"] == [] and said["tables"] > 80 and said["pages"] == len(asked_pages.PAGES)
