"""Look a person up by number over HTTP: 20 clients at once, row security on, every look-up audited.

Size: households. The figure is p95 in milliseconds of `GET /api/v1/persons?number=`; the limit is p95
of the bare indexed row of the same number over a PostgreSQL connection, asked by as many clients.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench._served import numbers_of, served
from bench._world import World, hashes, loaded_country, result, world

SIZE = 1_000_000
CLIENTS = 20
EACH = 150


def run(size: int) -> dict[str, Any]:
    with world() as w:
        data = loaded_country(w, size)
        return _measure(w, data, size)


def _at_once(ask: Callable[[int], Callable[[str], None]], numbers: list[str]) -> list[float]:
    """Let CLIENTS ask EACH numbers at the same time; return milliseconds of every answer."""
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    ready = threading.Barrier(CLIENTS)
    faults: list[BaseException] = []

    def client(place: int) -> None:
        try:
            one = ask(place)
            ready.wait()
            for number in numbers[place * EACH : (place + 1) * EACH]:
                start = time.perf_counter()
                one(number)
                times[place].append((time.perf_counter() - start) * 1000)
        except BaseException as error:
            faults.append(error)
            ready.abort()

    threads = [threading.Thread(target=client, args=(place,)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return sorted(value for part in times for value in part)


def _measure(w: World, data: Path, size: int) -> dict[str, Any]:
    from khana.access import services as access
    from khana.platform import embedded, keys

    owner = psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True)
    owner.execute("VACUUM ANALYZE")
    numbers = numbers_of(data, CLIENTS * EACH)
    with access.scoped(w.token):
        tokens = [access.make_token(ttl=timedelta(hours=2)) for _ in range(CLIENTS)]
    with served() as port:

        def over_http(place: int) -> Callable[[str], None]:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

            def one(number: str) -> None:
                line.request(
                    "GET", f"/api/v1/persons?number={number}", headers={"Authorization": f"Bearer {tokens[place]}"}
                )
                answer = line.getresponse()
                body = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"status {answer.status}: {body[:200]!r}")

            return one

        _at_once(over_http, numbers)  # warm: workers loaded, pages in memory
        start = time.perf_counter()
        times = _at_once(over_http, numbers)
        seconds = time.perf_counter() - start
        audited = owner.execute("SELECT count(*) FROM audit_event WHERE action LIKE '%look%'").fetchone()
    held = {number: keys.token("PK", number) for number in numbers}

    def bare(_place: int) -> Callable[[str], None]:
        line = psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True)

        def one(number: str) -> None:
            line.execute("SELECT person_id FROM registry_identifier WHERE token = %s", [held[number]]).fetchall()

        return one

    raw = _at_once(bare, numbers)
    owner.close()
    figure, limit = times[int(len(times) * 0.95)], raw[int(len(raw) * 0.95)]
    return result(
        w, figure=figure, unit="ms at p95", limit=limit, limit_is="ms at p95 of the bare indexed row", ratio=figure / limit,
        size=size, clients=CLIENTS, requests=len(times), per_second=round(len(times) / seconds, 1), p50=times[len(times) // 2],
        audited=audited[0] if audited else 0, inputs=hashes(data / "persons.csv"),
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(SIZE)))
