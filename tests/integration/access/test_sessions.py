"""Sign-in, second factor, lock-out and what a token opens, through the services as the web role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest
from django.db import DatabaseError, connection

from khana.access import offices, passwords, selectors, services
from khana.access.roles import RoleUnknown, catalogue
from khana.registry.models import Household

from .world import World

NOW = datetime.now(UTC)
_names = count()


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


@pytest.fixture
def user(world: World):  # type: ignore[no-untyped-def]
    def _make(**more: object) -> services.NewUser:
        values: dict[str, object] = {
            "display_name": "N",
            "role": "registrar",
            "area_code": "DA",
            "at": NOW,
            "first": False,
            **more,
        }
        with services.scoped(world.tokens["admin"]):
            return services.add_user(username=f"n{next(_names)}", **values)  # type: ignore[arg-type]

    return _make


def test_a_password_alone_opens_a_session_where_no_second_factor_is_set(user) -> None:  # type: ignore[no-untyped-def]
    made = user(second_factor=False)
    signed = services.sign_in(username=f" {made.username.upper()} ", password=made.password)
    assert not signed.needs_second_factor
    with services.scoped(signed.token):
        me = selectors.me()
        assert me is not None and me.username == made.username and me.may("registry.read")
        assert me.grants == (selectors.Held("registrar", "PK.PA.DA.", ""),)
        assert Household.objects.count() == 3
    services.sign_out(token=signed.token)
    with pytest.raises(services.NoSession), services.scoped(signed.token):
        pass


def test_a_half_open_session_shows_nothing_until_the_code_is_shown(user) -> None:  # type: ignore[no-untyped-def]
    made = user()
    signed = services.sign_in(username=made.username, password=made.password)
    assert signed.needs_second_factor
    with services.scoped(signed.token, require_session=False):
        assert selectors.me() is None and Household.objects.count() == 0
    code = services.code_at(made.otpauth_uri, NOW)
    services.confirm_second_factor(token=signed.token, code=f"{code[:3]} {code[3:]}", at=NOW)
    with services.scoped(signed.token):
        assert Household.objects.count() == 3
    again = services.sign_in(username=made.username, password=made.password)
    with pytest.raises(services.SignInRefused):  # a code is good once
        services.confirm_second_factor(token=again.token, code=code, at=NOW)
    later = NOW + timedelta(seconds=30)
    services.confirm_second_factor(token=again.token, code=services.code_at(made.otpauth_uri, later), at=later)


def test_five_failures_lock_the_name_and_wrong_codes_count_too(user) -> None:  # type: ignore[no-untyped-def]
    made = user(second_factor=False)
    for _ in range(4):
        with pytest.raises(services.SignInRefused):
            services.sign_in(username=made.username, password="not this one")
    with pytest.raises(services.SignInLocked):
        services.sign_in(username=made.username, password="not this one")
    with pytest.raises(services.SignInLocked):
        services.sign_in(username=made.username, password=made.password)
    made = user()
    signed = services.sign_in(username=made.username, password=made.password)
    for _ in range(4):
        with pytest.raises(services.SignInRefused):
            services.confirm_second_factor(token=signed.token, code="x", at=NOW)
    with pytest.raises(services.SignInLocked):
        services.confirm_second_factor(token=signed.token, code="x", at=NOW)
    with pytest.raises(services.SignInRefused):  # the half-open session was closed with it
        services.confirm_second_factor(token=signed.token, code=services.code_at(made.otpauth_uri, NOW), at=NOW)


def test_a_right_password_between_wrong_codes_does_not_reset_the_count(user) -> None:  # type: ignore[no-untyped-def]
    made = user()
    for _ in range(4):
        signed = services.sign_in(username=made.username, password=made.password)
        with pytest.raises(services.SignInRefused):
            services.confirm_second_factor(token=signed.token, code="000000x", at=NOW)
    signed = services.sign_in(username=made.username, password=made.password)
    with pytest.raises(services.SignInLocked):
        services.confirm_second_factor(token=signed.token, code="x", at=NOW)


def test_a_name_that_does_not_exist_looks_like_one_that_does() -> None:
    salts = {bytes(services.call("access_salt", name)[0][0]) for name in ("ghost", "ghost", "Ghost", "other")}
    assert len(salts) == 2 and all(len(salt) == 16 for salt in salts)
    with pytest.raises(services.SignInRefused):
        services.sign_in(username="ghost", password="whatever it may be")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE access_session SET expires_at = now() - interval '1 second' WHERE user_id = %s",
        "UPDATE access_session SET closed_at = now() WHERE user_id = %s",
        "UPDATE access_session SET confirmed_at = NULL WHERE user_id = %s",
        "UPDATE access_user SET is_active = false WHERE id = %s",
    ],
)
def test_a_dead_session_sees_nothing(user, root: psycopg.Connection, change: str) -> None:  # type: ignore[no-untyped-def]
    made = user()
    with services.scoped(made.token):
        assert Household.objects.count() == 3
    root.execute(change, [made.id])  # type: ignore[arg-type]
    with services.scoped(made.token, require_session=False):
        assert Household.objects.count() == 0
    with pytest.raises(services.NoSession), services.scoped(made.token):
        pass


def test_ended_and_future_grants_show_nothing(user, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made = user()
    root.execute("UPDATE access_grant SET valid_to = now() WHERE user_id = %s", [made.id])
    with services.scoped(made.token):
        assert Household.objects.count() == 0
    root.execute("ALTER TABLE access_grant DISABLE TRIGGER USER")  # a grant is ended, never changed
    root.execute(
        "UPDATE access_grant SET valid_to = NULL, valid_from = now() + interval '1 day' WHERE user_id = %s", [made.id]
    )
    root.execute("ALTER TABLE access_grant ENABLE TRIGGER USER")
    with services.scoped(made.token):
        assert Household.objects.count() == 0


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "0" * 64])
def test_a_forged_token_opens_nothing(token: str) -> None:
    with pytest.raises(services.NoSession), services.scoped(token):
        pass
    with services.scoped(token, require_session=False):
        assert Household.objects.count() == 0


def test_a_scope_ends_with_its_block_and_an_inner_one_gives_back_the_outer(world: World) -> None:
    with services.scoped(world.tokens["registrar_a"]):
        assert Household.objects.count() == 3
        with services.scoped(world.tokens["registrar_b"]):
            assert Household.objects.count() == 2
        assert Household.objects.count() == 3
        with pytest.raises(ZeroDivisionError), services.scoped(world.tokens["registrar_b"]):
            raise ZeroDivisionError
        assert Household.objects.count() == 3
    assert Household.objects.count() == 0


def test_a_row_outside_the_scope_is_refused_by_name(world: World) -> None:
    with pytest.raises(services.OutsideScope), services.scoped(world.tokens["registrar_a"]):
        Household.objects.create(number="999", area_path="PK.PA.DB.", created_at=NOW)


def test_require_names_the_permission(world: World) -> None:
    with services.scoped(world.tokens["registrar_a"]):
        services.require("registry.read")
        with pytest.raises(services.PermissionMissing, match=r"'registry\.read'.*whole country"):
            services.require("registry.read", everywhere=True)
        with pytest.raises(services.PermissionMissing, match=r"audit\.read"):
            services.require("audit.read")
        with pytest.raises(KeyError):
            services.require("no.such")
    with pytest.raises(services.NoSession):
        services.require("registry.read")


def test_only_an_administrator_of_the_whole_country_makes_users(world: World, user) -> None:  # type: ignore[no-untyped-def]
    bound = user(role="administrator", area_code="DA")
    for token in (world.tokens["steward"], world.tokens["analyst"], bound.token):
        with services.scoped(token), pytest.raises(services.PermissionMissing, match=r"users\.manage"):
            services.add_user(username="x1", display_name="X", role="analyst", at=NOW)
        for function, arguments in (
            ("access_add_grant", ("analyst", "data_steward", "", "", NOW)),
            ("access_end_grant", (1, NOW)),
            ("access_reset_password", ("steward", b"s", b"v", None, NOW)),
            ("access_set_active", ("steward", False, NOW)),
            ("access_first_token", ("steward", timedelta(days=1))),
        ):
            with services.scoped(token), pytest.raises(services.PermissionMissing):
                services.call(function, *arguments)
        with services.scoped(token), pytest.raises(services.PermissionMissing, match=r"users\.read"):
            selectors.list_users()


def test_an_administrator_neither_grants_to_herself_nor_acts_as_another(world: World, user) -> None:  # type: ignore[no-untyped-def]
    made = user()
    with services.scoped(world.tokens["admin"]):
        with pytest.raises(services.PermissionMissing):
            offices.give(username="admin", role="data_steward", at=NOW)
        with pytest.raises(services.AccessNotFound, match="area"):
            services.add_user(username="x2", display_name="X", role="registrar", area_code="NOWHERE", at=NOW)
        with pytest.raises(services.NameTaken):
            services.add_user(username=made.username, display_name="X", role="registrar", at=NOW)
        with pytest.raises(RoleUnknown):
            services.add_user(username="x3", display_name="X", role="emperor", at=NOW)
        with pytest.raises(passwords.PasswordWeak):
            services.add_user(username="x4", display_name="X", role="analyst", password="short", at=NOW)
        listed = {u.username: u for u in selectors.list_users()}
    with services.scoped(world.tokens["admin"]), pytest.raises(services.PermissionMissing):  # she has had a session
        services.call("access_first_token", made.username, timedelta(days=1))
    assert not {"x1", "x2", "x3", "x4"} & set(listed)
    assert listed[made.username].has_second_factor and listed[made.username].grants[0].role == "registrar"


def test_grants_end_passwords_are_reset_users_are_closed(world: World, user) -> None:  # type: ignore[no-untyped-def]
    made = user(second_factor=False)
    with services.scoped(world.tokens["admin"]):
        second = offices.give(username=made.username, role="registrar", area_code="DB", at=NOW).grant
    with services.scoped(made.token):
        assert Household.objects.count() == 5
    with services.scoped(world.tokens["admin"]):
        services.end_grant(grant=second, at=NOW)
    with services.scoped(made.token):
        assert Household.objects.count() == 3
    with services.scoped(world.tokens["admin"]):
        new = services.reset_password(username=made.username, second_factor=False, first=False, at=NOW)
    with pytest.raises(services.NoSession), services.scoped(made.token):
        pass
    with pytest.raises(services.SignInRefused):
        services.sign_in(username=made.username, password=made.password)
    token = services.sign_in(username=made.username, password=new.password).token
    with services.scoped(world.tokens["admin"]):
        services.set_active(username=made.username, active=False, at=NOW)
    with pytest.raises(services.NoSession), services.scoped(token):
        pass
    with pytest.raises(services.SignInRefused):
        services.sign_in(username=made.username, password=new.password)


def test_a_token_of_ones_own_has_ones_own_scope_and_a_limit(world: World, root: psycopg.Connection) -> None:
    with services.scoped(world.tokens["registrar_b"]):
        token = services.make_token(ttl=timedelta(days=4000))
    with services.scoped(token):
        assert Household.objects.count() == 2
    (longest,) = root.execute("SELECT max(expires_at - opened_at) FROM access_session").fetchone()  # type: ignore[misc]
    assert longest <= timedelta(days=90)


def test_a_sign_in_inside_a_transaction_is_a_mistake(world: World) -> None:
    with services.scoped(world.tokens["admin"]), pytest.raises(RuntimeError):
        services.sign_in(username="admin", password="whatever it may be")


def test_the_worker_acts_for_who_asked_and_the_web_does_not(world: World, root: psycopg.Connection, as_role) -> None:  # type: ignore[no-untyped-def]
    from uuid import UUID

    from .world import IDS

    mine = UUID(f"00000000-0000-0000-0000-{IDS['m']:012d}")
    with pytest.raises(Exception, match="permission denied"):
        services.adopt_job(job=mine)
    as_role("worker")
    with services.scoped(services.adopt_job(job=mine)):
        assert selectors.me().username == "registrar_a" and Household.objects.count() == 3  # type: ignore[union-attr]
    root.execute("UPDATE platform_jobrun SET state = 'DONE' WHERE uuid = %s", [mine])
    with pytest.raises(services.AccessNotFound):
        services.adopt_job(job=mine)
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match="stays done"):  # nor does it wake it
        cursor.execute("UPDATE platform_jobrun SET state = 'QUEUED' WHERE uuid = %s", [mine])


def test_roles_in_the_database_are_those_of_the_file(root: psycopg.Connection, as_role) -> None:  # type: ignore[no-untyped-def]
    rows = root.execute("SELECT role, permission FROM access_rolepermission ORDER BY 1, 2").fetchall()
    assert rows == catalogue().rows()
    root.execute("DELETE FROM access_rolepermission WHERE role = 'analyst'")
    root.execute("INSERT INTO access_rolepermission (role, permission) VALUES ('analyst', 'registry.read')")
    as_role("owner")
    assert services.load_roles() == 1 + sum(role == "analyst" for role, _ in rows)
    assert root.execute("SELECT role, permission FROM access_rolepermission ORDER BY 1, 2").fetchall() == rows
    assert services.load_roles() == 0
