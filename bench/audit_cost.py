"""What the event log adds to a write: the same forms received and registered with it, and with it compiled out.

Size: forms of one run; five runs each way, in turns. Compiled out means that the function of the database that writes an
event, and the one of the program that calls it, do nothing; nothing else differs. Two writes are timed: the receipt of one
form, each in a transaction of its own (the dearest case: one event beside one row), and the journey of the forms into the
registry. The figure is the greater of the two shares added, in per cent, by medians; the limit is 15. Sealing, which the
worker does afterwards, stands beside it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from bench._field import Field, field_of
from bench._officers import superuser
from bench._world import World, result, world

SIZE = 400
RUNS = 5
_OUT = {
    "audit_write(bigint, text, text, jsonb, timestamptz)": "SELECT 0::bigint",
    "audit_record(text, text, jsonb, timestamptz)": "SELECT 0::bigint",
}


def run(size: int) -> dict[str, Any]:
    with world() as w:
        field, root = field_of(w, enumerators=1), superuser()
        _turn(w, field, 0, 20)  # plans, caches and the journey's own user are there before anything is timed
        taken: dict[str, list[tuple[float, float]]] = {"with": [], "without": []}
        number = 20
        before = root.execute("SELECT count(*) FROM audit_event").fetchall()[0][0]
        for turn in range(RUNS * 2):
            name = ("with", "without")[(turn + turn // 2) % 2]  # with, without, without, with, …: growth falls on both
            if name == "with":
                taken[name].append(_turn(w, field, number, size))
            else:
                with compiled_out(root):
                    taken[name].append(_turn(w, field, number, size))
            number += size
        events = root.execute("SELECT count(*) FROM audit_event").fetchall()[0][0] - before
        return _told(w, taken, events, size, _sealing())


def _told(
    w: World, taken: dict[str, list[tuple[float, float]]], events: int, size: int, sealing: float
) -> dict[str, Any]:
    medians = {name: [statistics.median(run[part] for run in runs) for part in (0, 1)] for name, runs in taken.items()}
    shares = [100 * (medians["with"][part] / medians["without"][part] - 1) for part in (0, 1)]
    return result(
        w, figure=max(shares), unit="per cent added to the write", limit=15.0, limit_is="per cent, as asked", ratio=max(shares) / 15.0,
        size=size, runs=RUNS, receipt_per_cent=round(shares[0], 2), journey_per_cent=round(shares[1], 2),
        events_per_form=round(events / size / RUNS, 2), seconds={name: [[round(x, 3) for x in run] for run in runs] for name, runs in taken.items()},
        sealing_us_per_event=round(sealing, 1),
    )  # fmt: skip


def _turn(w: World, field: Field, begin: int, size: int) -> tuple[float, float]:
    """Receive and register so many forms; return the seconds of each part."""
    from khana.access import services as access
    from khana.intake.services import receive
    from khana.workflows import register_household

    who = field.enumerators[0]
    forms = [field.form_of(number) for number in range(begin, begin + size)]
    start = time.perf_counter()
    for place, xml in enumerate(forms):
        with access.scoped(who.token):
            receive.receive(xml=xml, attachments=[], device_id=f"d{place % 200}", at=w.now())
    received = time.perf_counter() - start
    start = time.perf_counter()
    counts = register_household.run(token=who.token, at=w.now())
    if counts.get("REGISTERED", 0) != size:
        raise RuntimeError(f"of {size} forms {counts}")
    return received, time.perf_counter() - start


@contextmanager
def compiled_out(root: psycopg.Connection[Any]) -> Iterator[None]:
    """Take auditing out of the database and of the program for a while."""
    from khana.audit import services as audit

    kept = [
        (name, root.execute("SELECT pg_get_functiondef(%s::regprocedure)", [f"khana_private.{name}"]).fetchall()[0][0])
        for name in _OUT
    ]
    record = audit.record
    for (name, text), body in zip(kept, _OUT.values(), strict=True):
        head = text.split("LANGUAGE")[0].rstrip()
        if name.split("(")[0] not in head:
            raise RuntimeError(f"{name} is not what it was")
        root.execute(
            f"{head} LANGUAGE sql SECURITY DEFINER SET search_path TO 'pg_catalog', 'pg_temp' AS $out$ {body} $out$"
        )
    audit.record = lambda **_: 0
    try:
        yield
    finally:
        audit.record = record
        for _, text in kept:
            root.execute(text)


def _sealing() -> float:
    """Return the microseconds that sealing one event takes."""
    from khana.audit import services as audit

    start, sealed = time.perf_counter(), 0
    while step := audit.seal_events():
        sealed += step
    return (time.perf_counter() - start) / max(1, sealed) * 1e6
