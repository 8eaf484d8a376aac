"""What protects personal data: the register of breaches with its clocks and letters; what is over goes, what is held stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from khana.access import breaches, retention, services
from khana.audit import services as audit

from .world import IDS, World

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TODAY = datetime.now(UTC)
LONG_AGO = TODAY - timedelta(days=4000)


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


def open_one(world: World, **more: object) -> str:
    values: dict[str, object] = {
        "country": "PAK", "what": "A laptop with an export was stolen from a desk", "kinds": ["names", "numbers"],
        "person_count": 412, "risk": "HIGH", "aware_at": NOW, "measures": "The account was closed", "at": NOW + HOUR, **more,
    }  # fmt: skip
    with services.scoped(world.tokens["protector"]):
        return breaches.add(**values)  # type: ignore[arg-type]


def states(world: World, number: str, at: datetime) -> dict[str, str]:
    with services.scoped(world.tokens["protector"]):
        return {one.audience: one.state for one in breaches.clocks(breaches.get(number), at=at)}


def test_the_clocks_run_from_when_somebody_knew(world: World) -> None:
    number = open_one(world)
    assert states(world, number, NOW + 72 * HOUR) == {"authority": "runs", "persons": "runs"}
    assert states(world, number, NOW + 73 * HOUR) == {"authority": "over", "persons": "over"}
    with services.scoped(world.tokens["protector"]):
        breaches.tell(number=number, audience="authority", at=NOW + 50 * HOUR)
    with services.scoped(world.tokens["protector"]), pytest.raises(breaches.BreachMoved):
        breaches.tell(number=number, audience="authority", at=NOW + 51 * HOUR)
    with services.scoped(world.tokens["protector"]), pytest.raises(breaches.BreachMoved, match="persons"):
        breaches.close(number=number, lesson="exports are encrypted now", at=NOW + 60 * HOUR)
    with services.scoped(world.tokens["protector"]):
        breaches.tell(number=number, audience="persons", at=NOW + 80 * HOUR)
        assert [one.state for one in breaches.clocks(breaches.get(number), at=NOW)] == ["told", "told_late"]
        breaches.close(number=number, lesson="exports are encrypted now", at=NOW + 90 * HOUR)


def test_where_harm_is_unlikely_persons_need_not_be_told(world: World) -> None:
    number = open_one(world, risk="UNLIKELY", country="BGD")
    assert states(world, number, NOW + 100 * HOUR) == {"authority": "over", "persons": "not_needed"}


@pytest.mark.parametrize(("language", "word"), [("en", "Notice of a breach"), ("ur", "خلاف ورزی"), ("bn", "লঙ্ঘনের")])
def test_letters_are_ready_in_three_languages(world: World, language: str, word: str) -> None:
    number = open_one(world)
    with services.scoped(world.tokens["protector"]):
        text = breaches.letter(number=number, audience="authority", language=language, contact="dpo@example.gov")
        told = breaches.letter(number=number, audience="persons", language=language, contact="dpo@example.gov")
    assert word in text and number in text and "412" in text and "2026-11-20 12:00" in text and "{" not in text + told
    assert "/my-file" in told and number in told


@pytest.mark.parametrize(
    "wrong",
    [{"country": "XXX"}, {"country": "letters"}, {"what": "stolen"}, {"kinds": []}, {"kinds": ["souls"]}, {"risk": "NONE"},
     {"aware_at": NOW + 5 * HOUR}, {"person_count": -1}],
)  # fmt: skip
def test_what_is_not_said_well_is_refused(world: World, wrong: dict[str, object]) -> None:
    with pytest.raises(breaches.BreachWrong):
        open_one(world, **wrong)


def test_the_register_is_the_officers_and_what_happened_stays_written(world: World, connect) -> None:  # type: ignore[no-untyped-def]
    number = open_one(world)
    for user in ("steward", "admin", "registrar_a", "analyst"):
        with services.scoped(world.tokens[user]), pytest.raises((services.PermissionMissing, breaches.BreachNotFound)):
            breaches.get(number)
    with services.scoped(world.tokens["auditor"]):
        assert breaches.get(number).person_count == 412
    with services.scoped(world.tokens["auditor"]), pytest.raises(services.PermissionMissing):
        breaches.tell(number=number, audience="authority", at=NOW)
    web = connect("web")
    web.execute("SELECT set_config('khana.token', %s, false)", [world.tokens["protector"]])
    for statement in (
        "UPDATE access_breach SET what = 'nothing'",
        "UPDATE access_breach SET aware_at = now()",
        "DELETE FROM access_breach",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute(statement)
        web.rollback()
        web.execute("SELECT set_config('khana.token', %s, false)", [world.tokens["protector"]])


# --- what is over, and what is held -------------------------------------------------------------------------------------------


def left(root: psycopg.Connection) -> dict[str, set[int]]:
    asked = {
        "MESSAGES": "SELECT id FROM sharing_message WHERE request_ciphertext IS NOT NULL",
        "QUARANTINE": "SELECT id FROM deliveries_quarantinedrow",
        "RESIDENTS": "SELECT id FROM registry_resident",
    }
    return {rule: {row[0] for row in root.execute(statement).fetchall()} for rule, statement in asked.items()}  # type: ignore[arg-type]


def test_what_is_over_goes_and_what_is_held_stays(world: World, root: psycopg.Connection) -> None:
    a, b, c, d, _m = IDS.values()
    root.execute("SET session_replication_role = replica")
    root.execute("TRUNCATE access_legalhold, audit_event, audit_seal")
    audit.checkpoint_file().unlink(missing_ok=True)
    root.execute("UPDATE sharing_message SET received_at = %s WHERE id <> %s", [LONG_AGO, a])
    root.execute("UPDATE sharing_message SET received_at = %s WHERE id = %s", [TODAY - timedelta(days=29), a])
    root.execute(
        "UPDATE deliveries_quarantinedrow SET state = 'DISCARDED', changed_at = %s WHERE id <> %s", [LONG_AGO, a]
    )
    root.execute("UPDATE deliveries_quarantinedrow SET state = 'OPEN', changed_at = %s WHERE id = %s", [LONG_AGO, a])
    root.execute("UPDATE registry_resident SET superseded_at = %s WHERE id <> %s", [LONG_AGO, a])
    root.execute("SET session_replication_role = origin")
    with services.scoped(world.tokens["protector"]):
        audit.record(action="a.b", subject="x", at=TODAY)
        retention.hold(rule="MESSAGES", subject=f"partner:{b}", reason="an audit of partner b", at=TODAY)
        retention.hold(rule="QUARANTINE", subject=f"batch:{c}", reason="a court asked for it", at=TODAY)
        everything = retention.hold(rule="*", subject="area:PK.PA.DA.", reason="a court asked for it", at=TODAY)
    audit.seal_events()
    for user in ("steward", "admin", "auditor", "keeper"):
        with services.scoped(world.tokens[user]), pytest.raises(services.PermissionMissing):
            retention.run(at=TODAY)
    with services.scoped(world.tokens["protector"]):
        erased = retention.run(at=TODAY)
        assert {rule: rows for rule, rows in erased.items() if rows} == {"MESSAGES": 3, "QUARANTINE": 3, "RESIDENTS": 2}
        assert not any(retention.run(at=TODAY).values())
    remains = left(root)
    assert remains["MESSAGES"] == {a, b} and remains["QUARANTINE"] == {a, c}
    assert remains["RESIDENTS"] >= {a, d}, "held: her area, with everything below it"
    with services.scoped(world.tokens["protector"]):
        retention.release(number=everything, at=TODAY)
        with pytest.raises(retention.HoldNotFound):
            retention.release(number=everything, at=TODAY)
        assert retention.run(at=TODAY)["RESIDENTS"] >= 1
    assert left(root)["RESIDENTS"] == {a}, "the version in force stays"
    audit.seal_events()
    with services.scoped(world.tokens["auditor"]):
        verdict = audit.verify()
    assert verdict.holds and verdict.sealed >= 5
    ((events,),) = root.execute("SELECT count(*) FROM audit_event WHERE action = 'access.retention.erased'").fetchall()
    assert events == 4, "each step that erased something is in the log"


@pytest.mark.parametrize("wrong", [{"rule": "SOULS"}, {"subject": "soul:1"}, {"reason": "court"}])
def test_a_hold_says_what_and_why(world: World, wrong: dict[str, str]) -> None:
    with services.scoped(world.tokens["protector"]), pytest.raises(retention.RuleUnknown):
        retention.hold(**{"rule": "MESSAGES", "subject": "", "reason": "a court asked for it", "at": TODAY, **wrong})  # type: ignore[arg-type]
