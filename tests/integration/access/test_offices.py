"""Grants with dates, a programme, a purpose and a second person; names locked; broken glass; alarms; idle users."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from khana.access import mandates, offices, selectors, services
from khana.access.functions import OfficeRefused
from khana.beneficiaries.models import Benefit
from khana.registry.models import Household

from .world import World

NOW = datetime.now(UTC)
PEOPLE = "registry.read"


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


@pytest.fixture
def newcomer(world: World):  # type: ignore[no-untyped-def]
    """Return a function that makes a user through the administrator; production's rules, no trial clearance."""

    def _make(role: str = "registrar", *, cleared: bool = True, **scope: str) -> services.NewUser:
        with services.scoped(world.tokens["admin"]):
            user = services.add_user(
                username=f"o{secrets.token_hex(4)}", display_name="O", role=role, trial=False, at=NOW, **scope
            )
            if cleared:
                offices.clear_for_trial(username=user.username, at=NOW)
        return user

    return _make


def may(token: str, permission: str, purpose: str = "") -> bool:
    with services.scoped(token):
        mandates.name(purpose=purpose)
        me = selectors.me()
        assert me is not None
        return me.may(permission)


def test_a_strong_grant_waits_for_a_second_person(world: World, newcomer, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made = newcomer("auditor")
    assert not may(made.token, "audit.read"), "given by one person alone"
    (grant,) = root.execute("SELECT id FROM access_grant WHERE user_id = %s", [made.id]).fetchone()  # type: ignore[misc]
    with services.scoped(world.tokens["admin"]), pytest.raises(services.PermissionMissing):
        offices.confirm(grant=grant, at=NOW)  # who gave it
    with services.scoped(world.tokens["steward"]), pytest.raises(services.PermissionMissing):
        offices.confirm(grant=grant, at=NOW)  # whose office it is not
    with services.scoped(world.tokens["protector"]):
        offices.confirm(grant=grant, at=NOW)
        with pytest.raises(services.AccessNotFound):
            offices.confirm(grant=grant, at=NOW)  # once
    assert may(made.token, "audit.read")


def test_a_role_that_shows_people_everywhere_is_strong_and_in_one_district_it_is_not(world: World, newcomer) -> None:  # type: ignore[no-untyped-def]
    assert not may(newcomer("registrar").token, PEOPLE)
    assert may(newcomer("registrar", area_code="DA").token, PEOPLE)
    assert may(newcomer("analyst").token, "results.read")


def test_nobody_confirms_her_own_and_a_trigger_says_so_to_the_owner_too(
    world: World, newcomer, root: psycopg.Connection
) -> None:  # type: ignore[no-untyped-def]
    made = newcomer("data_protection_officer")
    confirm = "UPDATE access_grant SET confirmed_at = now(), confirmed_by = %s WHERE user_id = %s"
    for who in (made.id, world.ids["admin"], None):
        with pytest.raises(psycopg.Error, match="second person") as refused:
            root.execute(confirm, [who, made.id])
        assert refused.value.sqlstate == "KH403"
    with pytest.raises(psycopg.Error, match="never changed"):
        root.execute("UPDATE access_grant SET area_path = 'PK.' WHERE user_id = %s", [made.id])


def test_names_are_locked_without_training_and_undertaking(world: World, newcomer) -> None:  # type: ignore[no-untyped-def]
    made, today = newcomer(area_code="DA", cleared=False), NOW.date()

    def sees() -> tuple[bool, bool, int]:
        with services.scoped(made.token):
            me = selectors.me()
            assert me is not None
            return me.may(PEOPLE), me.may("results.read"), Household.objects.count()

    def clear(kind: str, first: int, last: int) -> int:
        with services.scoped(world.tokens["admin"]):
            return offices.clear(
                username=made.username, kind=kind, title="course", completed_on=today + timedelta(first),
                expires_on=today + timedelta(last), paper=b"signed", at=NOW,
            )  # fmt: skip

    locked = (False, True, 0)
    assert sees() == locked
    clear("TRAINING", -400, -1)  # ran out yesterday
    clear("TRAINING", 1, 400)  # begins tomorrow
    clear("UNDERTAKING", -10, 400)
    assert sees() == locked, "one of the two is not enough, and one that ran out is none"
    last = clear("TRAINING", -10, 0)
    assert sees() == (True, True, 3), "the last day still counts"
    with services.scoped(made.token):
        assert {one.kind for one in offices.clearances() if one.is_in_force} == {"TRAINING", "UNDERTAKING"}
        with pytest.raises(services.PermissionMissing):
            offices.clear_for_trial(username="analyst", at=NOW)
    with services.scoped(world.tokens["admin"]), pytest.raises(services.PermissionMissing):  # nobody clears herself
        offices.clear(username="admin", kind="TRAINING", title="x", completed_on=today, expires_on=today, at=NOW)
    with services.scoped(world.tokens["admin"]):
        offices.withdraw_clearance(clearance=last, at=NOW)
    assert sees() == locked


def test_in_production_nobody_is_cleared_by_being_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KHANA_ENV", "production")
    with services.scoped(world.tokens["admin"]):
        made = services.add_user(username="p1", display_name="P", role="registrar", area_code="DA", at=NOW)
    assert not may(made.token, PEOPLE)


def test_a_grant_counts_between_its_dates(world: World, newcomer) -> None:  # type: ignore[no-untyped-def]
    made, day = newcomer("analyst"), timedelta(days=1)
    with services.scoped(world.tokens["admin"]):
        with pytest.raises(offices.DatesWrong):
            offices.give(username=made.username, role="registrar", area_code="DA", valid_to=NOW - day, at=NOW)
        for first, last in ((NOW + day, NOW + 2 * day), (NOW - 2 * day, NOW - day)):
            given = offices.give(
                username=made.username, role="registrar", area_code="DA", valid_from=first, valid_to=last, at=NOW
            )
            assert not given.waits
    assert not may(made.token, PEOPLE)
    with services.scoped(world.tokens["admin"]):
        offices.give(
            username=made.username, role="registrar", area_code="DA", valid_from=NOW - day, valid_to=NOW + day, at=NOW
        )
    assert may(made.token, PEOPLE)


def test_a_purpose_must_be_named_and_stands_in_the_log(world: World, newcomer, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made = newcomer("analyst")
    with services.scoped(world.tokens["admin"]):
        offices.give(username=made.username, role="registrar", area_code="DA", purpose="grievance", at=NOW)
    assert [may(made.token, PEOPLE, purpose) for purpose in ("", "payment", "grievance")] == [False, False, True]
    from khana.audit import services as audit

    with services.scoped(made.token):
        mandates.name(purpose="grievance")
        number = audit.record(action="registry.person.read", subject="person:1", at=NOW)
    assert root.execute("SELECT purpose FROM audit_event WHERE id = %s", [number]).fetchone() == ("grievance",)


def test_a_grant_of_one_programme_reaches_its_rows_alone(world: World, newcomer) -> None:  # type: ignore[no-untyped-def]
    made = newcomer("analyst")
    with services.scoped(world.tokens["admin"]):
        with pytest.raises(OfficeRefused):
            offices.give(username=made.username, role="programme_officer", programme="PX", at=NOW)  # without its agency
        offices.give(
            username=made.username, role="programme_officer", agency="X", programme="PX", area_code="DA", at=NOW
        )
    with services.scoped(made.token):
        assert [(row.programme, row.area_path) for row in Benefit.objects.all()] == [("PX", "PK.PA.DA.")]


def test_keys_and_data_have_different_owners(world: World, newcomer, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    keeper, registrar = newcomer("key_owner"), newcomer(area_code="DA")
    with services.scoped(world.tokens["admin"]):
        with pytest.raises(OfficeRefused, match="keeps keys"):
            offices.give(username=keeper.username, role="registrar", area_code="DA", at=NOW)
        with pytest.raises(OfficeRefused, match="keeps keys"):
            offices.give(username=registrar.username, role="key_owner", at=NOW)
        offices.give(username=keeper.username, role="analyst", at=NOW)  # figures are no data of people
    with pytest.raises(psycopg.Error, match="different owners"):  # nor past the functions
        root.execute(
            "INSERT INTO access_grant (user_id, role, area_path, agency, valid_from, needs_second)"
            " VALUES (%s, 'key_owner', '', '', now(), false)",
            [registrar.id],
        )


def test_a_user_without_sign_in_holds_a_machines_role(world: World) -> None:
    with services.scoped(world.tokens["admin"]), pytest.raises(OfficeRefused):
        services.add_user(username="robot", display_name="R", role="data_steward", kind="SYSTEM", at=NOW)


def test_broken_glass_opens_one_area_and_raises_an_alarm(world: World, newcomer) -> None:  # type: ignore[no-untyped-def]
    made = newcomer(area_code="DA")
    reason = "Flood in the other district, their desk is cut off"
    with services.scoped(made.token):
        before = Household.objects.count()
        with pytest.raises(offices.ReasonTooShort):
            offices.break_glass(area_code="DB", reason="flood", at=NOW)
        with pytest.raises(services.AccessNotFound):
            offices.break_glass(area_code="", reason=reason, at=NOW)
        broken = offices.break_glass(area_code="DB", reason=reason, hours=99, at=NOW)
        assert Household.objects.count() > before
        assert broken.until - datetime.now(UTC) < timedelta(hours=4, minutes=5)
        with pytest.raises(services.OutsideScope), services.scoped(made.token):
            Household.objects.create(number="x", area_path="PK.PA.DB.", created_at=NOW)  # reading alone
    with services.scoped(world.tokens["protector"]):
        (alarm,) = [row for row in offices.alarm_rows() if row["user_id"] == made.id]
        assert (alarm["kind"], alarm["details"]["area"]) == ("GLASS_BROKEN", "PK.PA.DB.")
        with pytest.raises(OfficeRefused):
            offices.close_alarm(alarm=alarm["id"], outcome="EXPLAINED", finding="ok", at=NOW)
        offices.close_alarm(alarm=alarm["id"], outcome="EXPLAINED", finding="the desk was under water", at=NOW)
    with services.scoped(made.token):
        assert offices.alarm_rows() == []  # she does not see what is said of her
        for _ in range(2):
            offices.break_glass(area_code="DB", reason=reason, at=NOW)
        with pytest.raises(OfficeRefused, match="three times"):
            offices.break_glass(area_code="DB", reason=reason, at=NOW)
    uncleared = newcomer(area_code="DA", cleared=False)
    with services.scoped(uncleared.token), pytest.raises(OfficeRefused):
        offices.break_glass(area_code="DB", reason=reason, at=NOW)
    with services.scoped(world.tokens["analyst"]), pytest.raises(services.PermissionMissing):
        offices.break_glass(area_code="DB", reason=reason, at=NOW)
    with services.scoped(world.tokens["admin"]), pytest.raises(OfficeRefused):
        offices.give(username=made.username, role="emergency_reader", area_code="DB", at=NOW)


def _reads(root: psycopg.Connection, actor: int, subjects: list[str], at: datetime) -> None:
    with root.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit_event (at, actor_id, actor_label, action, subject, details)"
            " VALUES (%s, %s, 'x', 'registry.person.read', %s, '{}')",
            [(at, actor, subject) for subject in subjects],
        )


def _zone(moment: datetime, hour: int) -> str:
    """Return the name of a zone in which it was a certain hour then."""
    return f"Etc/GMT{12 - (hour - moment.hour + 12) % 24:+d}"


def test_unusual_reading_raises_one_alarm_each(world: World, newcomer, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    many, night, counter, curious, good = (newcomer(area_code="DA").id for _ in range(5))
    hour = (NOW - timedelta(hours=2)).replace(minute=10)
    noon, night_time = _zone(hour, 12), _zone(hour, 2)
    _reads(root, many, [f"person:{number * 7}" for number in range(1000, 1070)], hour)
    _reads(root, counter, [f"person:{number}" for number in range(50, 59)], hour)
    _reads(root, curious, ["person:424242"], hour)
    _reads(root, good, [f"person:{number * number}" for number in range(300, 340)], hour)  # a busy morning
    with services.scoped(world.tokens["protector"]):
        from khana.access.models import WatchedSubject

        WatchedSubject.objects.create(subject="person:424242", kind="CELEBRITY", added_at=NOW)
        offices.watch(noon)
        assert offices.watch(noon) == 0, "one alarm for one thing"
        raised = {(row["user_id"], row["kind"]) for row in offices.alarm_rows()}
    assert {(many, "VOLUME"), (counter, "SEQUENCE"), (curious, "CELEBRITY")} <= raised
    assert not {user for user, _ in raised} & {good}
    _reads(root, night, [f"person:{number * number}" for number in range(500, 512)], hour)
    with services.scoped(world.tokens["protector"]):
        offices.watch(noon)
        assert (night, "HOUR") not in {(row["user_id"], row["kind"]) for row in offices.alarm_rows()}
        offices.watch(night_time)
        assert (night, "HOUR") in {(row["user_id"], row["kind"]) for row in offices.alarm_rows()}
    with services.scoped(world.tokens["registrar_a"]), pytest.raises(services.PermissionMissing):
        offices.watch()


def test_idle_staff_are_nobody_at_the_door_and_are_closed(world: World, newcomer, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made, active = newcomer("analyst"), newcomer("analyst")
    long_ago = NOW - timedelta(days=91)
    root.execute("UPDATE access_user SET created_at = %s WHERE id = %s", [long_ago, made.id])
    root.execute("UPDATE access_session SET opened_at = %s WHERE user_id = %s", [long_ago, made.id])
    root.execute("ALTER TABLE access_grant DISABLE TRIGGER USER")
    root.execute("UPDATE access_grant SET valid_from = %s WHERE user_id = %s", [long_ago, made.id])
    root.execute("ALTER TABLE access_grant ENABLE TRIGGER USER")
    with pytest.raises(services.SignInRefused):
        services.sign_in(username=made.username, password=made.password)
    with services.scoped(active.token), pytest.raises(services.PermissionMissing):
        offices.close_idle()
    with services.scoped(world.tokens["admin"]):
        assert offices.close_idle() >= 1
        listed = {user.username: user.is_active for user in selectors.list_users()}
        assert (listed[made.username], listed[active.username]) == (False, True)
        services.set_active(username=made.username, active=True, at=NOW)
        assert offices.close_idle() == 0, "who was opened again has ninety days"
    services.sign_in(username=made.username, password=made.password)
