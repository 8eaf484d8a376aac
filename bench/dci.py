"""Signed sync searches of a partner over HTTP: by identifier at a steady pace, and a thousand identifiers in one request.

Size: households. A partner with an agreement over the whole country asks `POST /dci/sr/v1.0.0/registry/sync/search` a hundred
times a second whatever the answers take (open loop), each message signed by its own key, checked, answered with a signature and
audited person by person. The figure is p95 in milliseconds from the moment at which a request was due; the limit is 50. Beside
it: seconds of one request with a thousand items, and of one item that asks for a thousand identifiers.
"""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jws
from joserfc.jwk import OKPKey

from bench._officers import officers, superuser
from bench._served import numbers_of, served
from bench._world import World, hashes, loaded_country, result, world

SIZE = 1_000_000
PER_SECOND = 100
SECONDS = 30
WARM_SECONDS = 10
LINES = 48  # connections: enough that a request waits for its time and not for a line
MANY = 1_000
PATH = "/dci/sr/v1.0.0/registry/sync/search"
FIELDS = ("identifier", "name", "sex", "birth_date", "relation", "registered", "household_number", "district", "group_size",
          "poverty_score")  # fmt: skip


def run(size: int) -> dict[str, Any]:
    with world() as w:
        data = loaded_country(w, size)
        root = superuser()
        root.execute("VACUUM ANALYZE")
        numbers = numbers_of(data, PER_SECOND * (SECONDS + WARM_SECONDS))
        partner = _Partner(w)
        with served() as port:
            partner.searches(port, numbers[: PER_SECOND * WARM_SECONDS])
            before = _events(root)
            times = sorted(partner.searches(port, numbers[PER_SECOND * WARM_SECONDS :]))
            audited = _events(root) - before
            together = [partner.many(port, numbers[:MANY]) for _ in range(3)]
            listed = [partner.listed(port, numbers[:MANY]) for _ in range(3)]
        root.close()
        p95 = times[int(len(times) * 0.95)]
        return result(
            w, figure=p95, unit=f"ms at p95, {PER_SECOND} signed searches a second", limit=50.0, limit_is="ms at p95, as asked",
            ratio=p95 / 50.0, size=size, requests=len(times), p50=times[len(times) // 2], p99=times[int(len(times) * 0.99)],
            audited=audited, thousand_items_s=round(statistics.median(together), 3),
            thousand_in_one_item_s=round(statistics.median(listed), 3), thousand_limit_s=1.0, inputs=hashes(data / "persons.csv"),
        )  # fmt: skip


def _events(root: Any) -> int:
    found = root.execute("SELECT count(*) FROM audit_event WHERE action = 'sharing.person_disclosed'").fetchone()
    return int(found[0])


class _Partner:
    """A partner's system with its key, its token and an agreement in force."""

    def __init__(self, w: World) -> None:
        from khana.access import services as access
        from khana.sharing.services import agreements, partners

        who = officers("administrator", "data_protection_officer", "data_steward")
        self._code, at = f"bench-{uuid.uuid4().hex[:8]}", w.now()
        self._key = OKPKey.generate_key("Ed25519", private=True)
        public = {**self._key.as_dict(private=False), "use": "sig", "kid": "s"}
        with access.scoped(who["administrator"]):
            made = partners.add(
                code=self._code, name="bench", profile="jws-compact", jwks={"keys": [public]}, per_second=10_000,
                daily_calls=10_000_000, at=at,
            )  # fmt: skip
        terms = agreements.Terms(
            number=self._code.upper(), partner=self._code, title="bench", level="RECORD", purpose="eligibility", legal_basis="Act",
            fields=FIELDS, valid_from=at - timedelta(days=1), valid_to=at + timedelta(days=30), retention_days=30, max_rows=10_000,
        )  # fmt: skip
        with access.scoped(who["data_steward"]):
            agreements.draft(terms=terms, at=at)
        for role in ("administrator", "data_protection_officer"):
            with access.scoped(who[role]):
                agreements.approve(number=self._code.upper(), at=at)
        self._headers = {"Authorization": f"Bearer {made.access_token}", "Content-Type": "application/json"}

    def _signed(self, criteria: list[dict[str, Any]]) -> bytes:
        now = datetime.now(UTC).isoformat()
        items = [
            {"reference_id": str(place), "timestamp": now, "search_criteria": one, "locale": "eng"}
            for place, one in enumerate(criteria)
        ]
        header = {
            "version": "1.0.0", "message_id": str(uuid.uuid4()), "message_ts": now, "action": "search", "sender_id": self._code,
            "receiver_id": "khana", "total_count": len(items),
        }  # fmt: skip
        whole = {"header": header, "message": {"transaction_id": str(uuid.uuid4()), "search_request": items}}
        text = json.dumps(whole, separators=(",", ":"))
        signature = jws.serialize_compact({"alg": "EdDSA", "kid": "s"}, text.encode(), self._key, algorithms=["EdDSA"])
        return json.dumps({"signature": signature, **whole}).encode()

    def _ask(self, line: http.client.HTTPConnection, body: bytes) -> dict[str, Any]:
        line.request("POST", PATH, body, self._headers)
        answer = line.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}: {text[:300]!r}")
        found: dict[str, Any] = json.loads(text)
        return found

    def searches(self, port: int, numbers: list[str]) -> list[float]:
        """Ask for one number after the other at the pace; return milliseconds from when each was due."""
        bodies = [self._signed([_by_number(number)]) for number in numbers]
        times, faults, taken = [0.0] * len(bodies), list[BaseException](), iter(range(len(bodies)))
        lock, start = threading.Lock(), time.perf_counter() + 0.5

        def line_of() -> None:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                while not faults:
                    with lock:
                        place = next(taken, None)
                    if place is None:
                        return
                    due = start + place / PER_SECOND
                    time.sleep(max(0.0, due - time.perf_counter()))
                    found = self._ask(line, bodies[place])
                    times[place] = (time.perf_counter() - due) * 1000
                    _hold(found, 1)
            except BaseException as error:
                faults.append(error)

        threads = [threading.Thread(target=line_of) for _ in range(LINES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if faults:
            raise faults[0]
        return times

    def many(self, port: int, numbers: list[str]) -> float:
        """Ask for many numbers as as many items of one message; return seconds."""
        return self._timed(port, [_by_number(number) for number in numbers], lambda found: _hold(found, len(numbers)))

    def listed(self, port: int, numbers: list[str]) -> float:
        """Ask for many numbers in one item; return seconds."""
        query = {"identifier_value": {"$in": numbers}}
        criteria = {
            "query_type": "expression", "query": {"value": {"expression": {"query": query}}},
            "pagination": {"page_size": len(numbers), "page_number": 1},
        }  # fmt: skip

        def hold(found: dict[str, Any]) -> None:
            (item,) = found["message"]["search_response"]
            if len(item["data"]["reg_records"]) < len(numbers) * 0.95:  # some numbers stand twice
                raise RuntimeError(f"only {len(item['data']['reg_records'])} records came")

        return self._timed(port, [criteria], hold)

    def _timed(self, port: int, criteria: list[dict[str, Any]], hold: Callable[[dict[str, Any]], None]) -> float:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        body = self._signed(criteria)
        start = time.perf_counter()
        found = self._ask(line, body)
        seconds = time.perf_counter() - start
        hold(found)
        line.close()
        return seconds


def _by_number(number: str) -> dict[str, Any]:
    return {"query_type": "idtype-value", "query": {"type": "CNIC", "value": number}}


def _hold(found: dict[str, Any], many: int) -> None:
    items = found["message"].get("search_response", [found["message"]])
    if len(items) != many or any(one.get("status") != "succ" or not one["data"]["reg_records"] for one in items):
        raise RuntimeError(f"not everybody was found: {json.dumps(items)[:300]}")


if __name__ == "__main__":
    print(json.dumps(run(SIZE)))
