"""The event log: whose name an event bears, that it is only added to, and that the chain holds."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from khana.access import mandates
from khana.access.services import scoped
from khana.audit import anchors, chain
from khana.audit import services as audit

from .world import World

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clean(world: World, root: psycopg.Connection, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """Begin with an empty log: the rows of the world are no chain."""
    root.execute("SET session_replication_role = replica")
    root.execute("TRUNCATE audit_seal, audit_event")
    root.execute("SET session_replication_role = origin")
    audit.checkpoint_file().unlink(missing_ok=True)
    as_role("web")
    yield


def _write(world: World, number: int = 5) -> None:
    with scoped(world.tokens["registrar_a"]):
        for place in range(number):
            audit.record(
                action="registry.household.read", subject=f"household:{place}", details={"b": 1, "a": "ü"}, at=NOW
            )


def test_the_actor_is_the_one_of_the_session(world: World, root: psycopg.Connection) -> None:
    _write(world, 1)
    row = root.execute("SELECT actor_id, actor_label, action, subject, at FROM audit_event").fetchone()
    assert row == (world.ids["registrar_a"], "registrar_a", "registry.household.read", "household:0", NOW)
    with pytest.raises(audit.NoActor):
        audit.record(action="a.b", subject="x", at=NOW)
    with pytest.raises(audit.ActionUnnamed):
        audit.record(action="Done!", subject="x", at=NOW)


def test_an_event_goes_with_its_transaction(world: World, root: psycopg.Connection) -> None:
    with pytest.raises(ZeroDivisionError), scoped(world.tokens["registrar_a"]):
        audit.record(action="a.b", subject="x", at=NOW)
        raise ZeroDivisionError
    assert root.execute("SELECT count(*) FROM audit_event").fetchone() == (0,)


@pytest.mark.parametrize("table", ["audit_event", "audit_seal"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET id = id"])
def test_even_the_owner_only_adds(world: World, connect, table: str, statement: str) -> None:  # type: ignore[no-untyped-def]
    _write(world)
    audit.seal_events()
    with connect("owner") as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.format(table))
    assert caught.value.sqlstate == "KH403"


def test_the_chain_holds_over_several_seals(world: World) -> None:
    _write(world, 7)
    assert [audit.seal_events(batch=3) for _ in range(4)] == [3, 3, 1, 0]
    _write(world, 2)
    with scoped(world.tokens["auditor"]):
        assert audit.write_checkpoint(at=NOW) is not None
        verdict = audit.Verdict(sealed=7, unsealed=2, checkpoints=1, broken_at=None, reason="")
        assert audit.verify() == audit.verify(slowly=True) == verdict
    with scoped(world.tokens["registrar_a"]):  # without audit.read she sees no chain, and it is said
        assert not audit.verify().holds


def test_the_sealer_passes_over_what_is_complete_and_misses_no_late_event(
    world: World, root: psycopg.Connection, connect
) -> None:  # type: ignore[no-untyped-def]
    def horizon() -> tuple[int, int | None, bool]:
        (found,) = root.execute(
            "SELECT done, next, next_transaction IS NOT NULL FROM khana_private.audit_horizon"
        ).fetchall()
        return found

    def wait() -> None:
        root.execute("UPDATE khana_private.audit_horizon SET noted_at = noted_at - interval '6 minutes'")

    root.execute(
        "UPDATE khana_private.audit_horizon SET done = 0, next = NULL, noted_at = NULL, next_transaction = NULL"
    )
    with connect("owner") as slow:
        slow.autocommit = False
        ((late,),) = slow.execute("SELECT khana_private.audit_record('late.written', 'none:1', '{}', now())").fetchall()
        _write(world, 3)
        assert audit.seal_events() == 3
        done, coming, _ = horizon()
        assert done == 0 and coming > late
        wait()
        assert audit.seal_events() == audit.seal_events() == 0
        assert horizon() == (0, coming, True), "a transaction stands open that drew a number below"
        slow.commit()
    assert audit.seal_events() == 1
    for _ in range(600):  # other databases of the server have transactions too
        if horizon()[1] is None:
            break
        time.sleep(0.1)
        audit.seal_events()
    assert horizon() == (coming, None, False)
    _write(world, 2)
    assert [audit.seal_events() for _ in range(2)] == [2, 0]
    with scoped(world.tokens["auditor"]):
        verdict = audit.verify()
        assert verdict.holds and verdict.unsealed == 0


@pytest.mark.parametrize(
    ("tamper", "reason"),
    [
        ("UPDATE audit_event SET subject = 'household:77' WHERE id = (SELECT max(id) - 2 FROM audit_event)", "changed"),
        ("UPDATE audit_event SET at = at + interval '1 us'", "changed"),
        ("DELETE FROM audit_event WHERE id = (SELECT min(id) + 1 FROM audit_event)", "gone"),
        ("DELETE FROM audit_seal WHERE id = (SELECT min(id) + 1 FROM audit_seal)", "does not follow"),
        ("DELETE FROM audit_seal WHERE id = (SELECT max(id) FROM audit_seal)", "shorter"),
    ],
)
def test_tampering_is_found(
    world: World, root: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, tamper: str, reason: str
) -> None:
    _write(world)
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        audit.write_checkpoint(at=NOW)
    root.execute("SET session_replication_role = replica")
    root.execute(tamper)  # type: ignore[arg-type]
    root.execute("SET session_replication_role = origin")
    with scoped(world.tokens["auditor"]):
        found = audit.verify()
        assert not found.holds and reason in found.reason
        assert audit.verify(slowly=True) == found
        monkeypatch.setattr(chain, "STEP", 2)  # several ranges, over connections of their own
        assert audit.verify() == found


ODD = ("", "'", '"\\', "\t\n\r\b\f\x01\x1f\x7f", "ش ক 🏠 \u2028", "</script>", "%s {} $1", " trailing ")


def test_the_fast_check_reads_every_event_as_the_sealer_wrote_it(
    world: World, root: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "STEP", 3)
    for place, text in enumerate(ODD):
        at = NOW.replace(microsecond=place * 123_457 % 1_000_000, year=1969 + 20 * place)
        with scoped(world.tokens["registrar_a"]):
            mandates.name(purpose="grievance" if place % 2 else "", request=text[:5])
            audit.record(action="a.b", subject=text, details={text or "n": [1, 1.50, None, {"ü": text}]}, at=at)
    root.execute("INSERT INTO audit_event (at, actor_id, actor_label, action, subject, details) VALUES"
                 " ('0044-03-15 BC', NULL, 'khana_worker', 'a.b', 'x', '{\"n\": 1e400, \"m\": -0.0}')")  # fmt: skip
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        fast = audit.verify()
        assert fast.holds and fast.sealed == len(ODD) + 1 and audit.verify(slowly=True) == fast
    root.execute("SET session_replication_role = replica")
    for place in range(len(ODD) + 1):  # whichever is changed is named, inside every range and at its edges
        ((seal, event),) = root.execute(
            "UPDATE audit_event e SET subject = e.subject || '!' FROM audit_seal s WHERE s.event_id = e.id"
            " AND s.id = (SELECT id FROM audit_seal ORDER BY id OFFSET %s LIMIT 1) RETURNING s.id, e.id",
            [place],
        ).fetchall()
        with scoped(world.tokens["auditor"]):
            found = audit.verify()
        assert (found.broken_at, found.event, found.sealed) == (seal, event, place)
        root.execute("UPDATE audit_event SET subject = left(subject, -1) WHERE id = %s", [event])
    root.execute("SET session_replication_role = origin")


def test_a_chain_rewritten_as_a_whole_is_found_by_its_checkpoint(world: World, root: psycopg.Connection) -> None:
    _write(world)
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        audit.write_checkpoint(at=NOW)
    root.execute("SET session_replication_role = replica")
    root.execute("UPDATE audit_event SET subject = 'nothing:1'")
    (first,) = root.execute("SELECT min(id) FROM audit_seal").fetchone()  # type: ignore[misc]
    root.execute("DELETE FROM audit_seal")
    root.execute("SELECT setval('audit_seal_id_seq', %s, false)", [first])
    root.execute("SET session_replication_role = origin")
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        assert "rewritten" in audit.verify().reason
    line = json.loads(audit.checkpoint_file().read_text())
    line["hash"] = "00" * 32
    audit.checkpoint_file().write_text(json.dumps(line) + "\n")
    with scoped(world.tokens["auditor"]):
        assert "not signed" in audit.verify().reason


def test_an_anchor_lodged_elsewhere_sees_a_chain_that_was_rewritten(
    world: World, root: psycopg.Connection, tmp_path: Path
) -> None:
    _write(world)
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        anchor = anchors.make(at=NOW)
    assert anchor is not None and anchor.is_signed()
    kept = anchors.write(anchor, tmp_path)
    _write(world, 3)
    audit.seal_events()

    def states(*files: Path, trusted: tuple[str, ...] = ()) -> list[str]:
        with scoped(world.tokens["auditor"]):
            return [one.state for one in anchors.hold(files, trusted)]

    assert states(kept) == ["fits"], "the chain went on and the old head is still in it"
    for name, change in (("hash", "00" * 32), ("seal", 1), ("at", "2020-01-01")):
        forged = tmp_path / f"{name}.json"
        forged.write_text(json.dumps({**json.loads(kept.read_text()), name: change}))
        assert states(forged) == ["forged"]
    assert states(kept, trusted=("00" * 32,)) == ["foreign_key"]
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(anchors.AnchorUnreadable):
        states(tmp_path / "no.json")
    # who holds the database and the key ring rewrites everything inside, checkpoints too: the chain holds again
    root.execute("SET session_replication_role = replica")
    root.execute("UPDATE audit_event SET actor_label = 'somebody else' WHERE subject = 'household:2'")
    root.execute("DELETE FROM audit_seal")
    root.execute("SET session_replication_role = origin")
    root.execute("ALTER SEQUENCE audit_seal_id_seq RESTART")
    audit.checkpoint_file().unlink(missing_ok=True)
    audit.seal_events()
    with scoped(world.tokens["auditor"]):
        assert audit.verify().holds
    assert states(kept) in (["rewritten"], ["gone"])


def test_a_thousand_at_once_make_one_chain(world: World, root: psycopg.Connection) -> None:
    from psycopg_pool import ConnectionPool

    from khana.platform import embedded

    name = root.info.dbname
    parameters = {**embedded.connection_parameters("web"), "dbname": name}
    token = world.tokens["registrar_a"]

    def one(number: int) -> None:
        with pool.connection() as connection:  # a transaction of its own, as a request has
            connection.execute("SELECT set_config('khana.token', %s, true)", [token])
            connection.execute(
                "SELECT khana_private.audit_record('registry.person.read', %s, '{}', now())", [f"person:{number}"]
            )
            if number % 7 == 0:  # the sealer runs all the while, two at once too
                connection.execute("SELECT khana_private.audit_seal(50)")

    with ConnectionPool(kwargs=parameters, min_size=12, max_size=12, timeout=120) as pool:
        threads = [threading.Thread(target=one, args=(number,)) for number in range(1000)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    while audit.seal_events():
        pass
    ((events, subjects, seals, links),) = root.execute(
        "SELECT (SELECT count(*) FROM audit_event), (SELECT count(DISTINCT subject) FROM audit_event),"
        " (SELECT count(*) FROM audit_seal), (SELECT count(DISTINCT previous_hash) FROM audit_seal)"
    ).fetchall()
    assert (events, subjects, seals, links) == (1000, 1000, 1000, 1000), "no two seals follow the same one"
    with scoped(world.tokens["auditor"]):
        verdict = audit.verify()
    assert verdict.holds and (verdict.sealed, verdict.unsealed) == (1000, 0)
