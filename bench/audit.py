"""The chain of the event log walked from end to end, and one changed byte found in it.

Size: events. They are written by one statement and sealed here, with the hashes that the sealer would have taken; the last
ten thousand the product seals itself, which also shows that both seal alike. Then the chain is verified as an auditor does,
one byte of one event is changed, and it is verified again: the place must be named. The figure is seconds of the walk over
the whole chain; the limit is the seconds in which the same rows are read once and thrown away.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

import psycopg

from bench._officers import officers, superuser
from bench._world import World, result, world

SIZE = 10_000_000
BY_PRODUCT = 10_000
SLOWLY_UP_TO = 1_000_000
PART = 1_000_000
_EVENTS = """INSERT INTO audit_event (at, actor_id, actor_label, action, subject, details, purpose, agreement, request)
SELECT now() - (%(until)s - n) * interval '1 second', n %% 600, 'registrar_' || n %% 600,
    (ARRAY['registry.person.read', 'beneficiaries.number.looked_up', 'registry.household.registered'])[1 + n %% 3],
    'person:' || (n::bigint * 7919) %% 260000000, jsonb_build_object('fields', 11, 'rows', n %% 9, 'area', 'PK.PK' || n %% 150),
    CASE WHEN n %% 4 = 0 THEN 'eligibility' ELSE '' END, CASE WHEN n %% 8 = 0 THEN 'A-2026-07' ELSE '' END, ''
FROM generate_series(%(after)s + 1, %(until)s) n"""
_READ = "COPY (SELECT e.id, khana_private.audit_payload(e) FROM audit_event e ORDER BY e.id) TO STDOUT (FORMAT binary)"
_WRITE = "COPY audit_seal (event_id, previous_hash, hash) FROM STDIN (FORMAT binary)"
_ROWS = "COPY (SELECT s.*, e.* FROM audit_seal s JOIN audit_event e ON e.id = s.event_id) TO STDOUT (FORMAT binary)"
_CHANGE = "UPDATE audit_event SET details = jsonb_set(details, '{rows}', to_jsonb(%s)) WHERE id = %s"


def run(size: int) -> dict[str, Any]:
    with world() as w:
        auditor = officers("auditor")["auditor"]
        root = superuser()
        _fill(w, root, size)
        return _measure(w, root, auditor, size)


def _fill(w: World, root: psycopg.Connection[Any], size: int) -> None:
    from khana.audit import services as audit

    while audit.seal_events():  # what making the world wrote
        pass
    bulk = size - min(BY_PRODUCT, size // 10)
    with w.timed("write events"):
        for after in range(0, bulk, PART):
            root.execute(_EVENTS, {"after": after, "until": min(after + PART, bulk)})
    root.execute("ANALYZE audit_event")
    with w.timed("seal them here"):
        _seal(root)
    root.execute(_EVENTS, {"after": bulk, "until": size})
    with w.timed(f"seal the last {size - bulk} by the product"):
        while audit.seal_events():
            pass
    root.execute("VACUUM ANALYZE audit_event, audit_seal")


def _seal(root: psycopg.Connection[Any]) -> None:
    """Chain every event that has no seal: read over one connection, hashed here, written over another."""
    ((last, sealed),) = root.execute(
        "SELECT s.hash, s.event_id FROM audit_seal s ORDER BY s.id DESC LIMIT 1"
    ).fetchall() or ((bytes(32), 0),)
    last = bytes(last)
    writer = superuser()
    writer.execute("SET session_replication_role = replica")  # no key is checked: each event is there
    with root.cursor().copy(_READ) as source, writer.cursor().copy(_WRITE) as target:
        source.set_types(["int8", "text"])
        target.set_types(["int8", "bytea", "bytea"])
        for event, text in source.rows():
            if event <= sealed:
                continue
            digest = hashlib.sha256(last + text.encode()).digest()
            target.write_row((event, last, digest))
            last = digest
    writer.close()


def _measure(w: World, root: psycopg.Connection[Any], auditor: str, size: int) -> dict[str, Any]:
    from khana.access import services as access
    from khana.audit import services as audit

    with access.scoped(auditor):
        audit.write_checkpoint(at=w.now())
    walked = _verified(w, "walk the whole chain", auditor)
    if not walked[1].holds or walked[1].sealed < size:
        raise RuntimeError(f"the chain does not hold: {walked[1]}")
    times = {}
    for name, part in (("first", 0.0), ("middle", 0.5), ("last", 1.0)):
        times[name] = _one_byte(w, root, auditor, part, name)
    slowly = None
    if size <= SLOWLY_UP_TO:
        slowly = _verified(w, "walk it slowly", auditor, slowly=True)[0]
    with w.timed("read the same rows once"):
        start = time.perf_counter()
        with root.cursor().copy(_ROWS) as source:
            read = sum(len(part) for part in source)
        limit = time.perf_counter() - start
    return result(
        w, figure=walked[0], unit="seconds to verify the whole chain", limit=limit, limit_is="seconds to read the same rows once",
        ratio=walked[0] / limit, size=size, seals_per_second=round(walked[1].sealed / walked[0]), found_in=times,
        slowly=slowly, mib=round(read / 2**20), asked=60.0,
    )  # fmt: skip


def _verified(w: World, name: str, auditor: str, *, slowly: bool = False) -> tuple[float, Any]:
    from khana.access import services as access
    from khana.audit import services as audit

    with w.timed(name):
        start = time.perf_counter()
        with access.scoped(auditor):
            verdict = audit.verify(slowly=slowly)
        return time.perf_counter() - start, verdict


def _one_byte(w: World, root: psycopg.Connection[Any], auditor: str, part: float, name: str) -> float:
    """Change one figure of one event, verify, and put it back; the very seal must be named."""
    ((low, high),) = root.execute("SELECT min(event_id), max(event_id) FROM audit_seal").fetchall()
    wanted = int(low + (high - low) * part)
    ((seal, event, was),) = root.execute(
        "SELECT s.id, e.id, coalesce((e.details->>'rows')::int, 0) FROM audit_seal s JOIN audit_event e ON e.id = s.event_id"
        " WHERE e.id >= least(%s, (SELECT max(id) FROM audit_event WHERE details ? 'rows')) AND e.details ? 'rows' ORDER BY e.id LIMIT 1",
        [wanted],
    ).fetchall()
    root.execute("SET session_replication_role = replica")  # past the trigger that lets nobody change an event
    root.execute(_CHANGE, [(was + 1) % 10, event])
    seconds, verdict = _verified(w, f"find one changed byte: {name}", auditor)
    root.execute(_CHANGE, [was, event])
    root.execute("SET session_replication_role = origin")
    if (verdict.broken_at, verdict.event) != (seal, event):
        raise RuntimeError(f"changed was event {event} under seal {seal}, found was {verdict}")
    return round(seconds, 3)
