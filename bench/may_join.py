"""May this number join that programme? Asked over HTTP a hundred times a second, row security on, every answer kept.

Size: households of a made-up country, consolidated; the country's rules and the programme's eight exclusion filters are weighed.
Twenty clients ask five times a second each, on a clock of their own, so that a slow answer delays nobody's next question. The
figure is p95 in milliseconds from the moment when a question was due; the
limit is p95 of the bare indexed row of the same number, asked in the same beat.
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

SIZE = 100_000
CLIENTS, PER_SECOND, SECONDS = 20, 100, 20


def run(size: int) -> dict[str, Any]:
    with world() as w:
        data = loaded_country(w, size)
        from khana.workflows import consolidate, load_catalogue

        with w.timed("consolidate"):
            consolidate.run(token=w.token, at=w.now(), memory_mib=2048)
        load_catalogue.run(token=w.token, country="pak", at=w.now())  # the rules as written, and the exclusion filters
        return _measure(w, data, size)


def _paced(ask: Callable[[int], Callable[[str], None]], numbers: list[str]) -> list[float]:
    """Let clients ask in a steady beat; return milliseconds from when each question was due to its answer."""
    each = len(numbers) // CLIENTS
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    faults: list[BaseException] = []
    begin = time.perf_counter() + 0.5

    def client(place: int) -> None:
        try:
            one = ask(place)
            for turn in range(each):
                due = begin + (turn * CLIENTS + place) / PER_SECOND
                time.sleep(max(0.0, due - time.perf_counter()))
                one(numbers[place * each + turn])
                times[place].append((time.perf_counter() - due) * 1000)
        except BaseException as error:
            faults.append(error)

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
    numbers = numbers_of(data, PER_SECOND * SECONDS)
    with access.scoped(w.token):
        tokens = [access.make_token(ttl=timedelta(hours=2)) for _ in range(CLIENTS)]
    answers: dict[str, int] = {}
    with served() as port:

        def over_http(place: int) -> Callable[[str], None]:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            headers = {"Authorization": f"Bearer {tokens[place]}", "Content-Type": "application/json"}

            def one(number: str) -> None:
                body = json.dumps({"number": number, "programme": "KFL"})
                line.request("POST", "/api/v1/enrolments/may-join", body=body, headers=headers)
                answer = line.getresponse()
                said = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"status {answer.status}: {said[:200]!r}")
                word = json.loads(said)["answer"]
                answers[word] = answers.get(word, 0) + 1

            return one

        _paced(over_http, numbers)  # warm: workers loaded, pages in memory
        answers.clear()
        times = _paced(over_http, numbers)
    held = {number: keys.token("PK", number) for number in numbers}

    def bare(_place: int) -> Callable[[str], None]:
        line = psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True)

        def one(number: str) -> None:
            line.execute("SELECT person_id FROM registry_identifier WHERE token = %s", [held[number]]).fetchall()

        return one

    raw = _paced(bare, numbers)
    owner.close()
    figure, limit = times[int(len(times) * 0.95)], raw[int(len(raw) * 0.95)]
    return result(
        w, figure=figure, unit="ms at p95", limit=limit, limit_is="ms at p95 of the bare indexed row", ratio=figure / limit,
        size=size, clients=CLIENTS, per_second=PER_SECOND, requests=len(times), p50=times[len(times) // 2], answers=answers,
        inputs=hashes(data / "persons.csv"),
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(SIZE)))
