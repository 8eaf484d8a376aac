"""What is over is erased, what is held stays, and the chain of the log holds before and after."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from khana.access import retention, services
from khana.audit import services as audit

from .world import IDS, World

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=4000)


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


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
    root.execute("UPDATE sharing_message SET received_at = %s WHERE id = %s", [NOW - timedelta(days=29), a])
    root.execute(
        "UPDATE deliveries_quarantinedrow SET state = 'DISCARDED', changed_at = %s WHERE id <> %s", [LONG_AGO, a]
    )
    root.execute("UPDATE deliveries_quarantinedrow SET state = 'OPEN', changed_at = %s WHERE id = %s", [LONG_AGO, a])
    root.execute("UPDATE registry_resident SET superseded_at = %s WHERE id <> %s", [LONG_AGO, a])
    root.execute("SET session_replication_role = origin")
    with services.scoped(world.tokens["protector"]):
        audit.record(action="a.b", subject="x", at=NOW)
        retention.hold(rule="MESSAGES", subject=f"partner:{b}", reason="an audit of partner b", at=NOW)
        retention.hold(rule="QUARANTINE", subject=f"batch:{c}", reason="a court asked for it", at=NOW)
        everything = retention.hold(rule="*", subject="area:PK.PA.DA.", reason="a court asked for it", at=NOW)
    audit.seal_events()
    for user in ("steward", "admin", "auditor", "keeper"):
        with services.scoped(world.tokens[user]), pytest.raises(services.PermissionMissing):
            retention.run(at=NOW)
    with services.scoped(world.tokens["protector"]):
        erased = retention.run(at=NOW)
        assert {rule: rows for rule, rows in erased.items() if rows} == {"MESSAGES": 3, "QUARANTINE": 3, "RESIDENTS": 2}
        assert not any(retention.run(at=NOW).values())
    remains = left(root)
    assert remains["MESSAGES"] == {a, b} and remains["QUARANTINE"] == {a, c}
    assert remains["RESIDENTS"] >= {a, d}, "held: her area, with everything below it"
    with services.scoped(world.tokens["protector"]):
        retention.release(number=everything, at=NOW)
        with pytest.raises(retention.HoldNotFound):
            retention.release(number=everything, at=NOW)
        assert retention.run(at=NOW)["RESIDENTS"] >= 1
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
        retention.hold(**{"rule": "MESSAGES", "subject": "", "reason": "a court asked for it", "at": NOW, **wrong})  # type: ignore[arg-type]
