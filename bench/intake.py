"""Ten thousand filled forms worked off; then an enumerator's form list and a desk that searches and opens a form.

Size: submissions, each a new household of five. The figure is households registered per second by the journey, one worker;
the limit is the same bytes kept and rows written with no journey behind (received per second). Times of the form list of an
enumerator with 2,000 households and of a desk from search to form are given beside it, over HTTP.
"""

from __future__ import annotations

import re
import time
from datetime import date
from typing import Any

import requests

from bench._field import Field, field_of, served
from bench._world import World, result, world

SIZE = 10_000
LISTED = 2_000
TRIES = 20


def run(size: int) -> dict[str, Any]:
    with world() as w:
        return _measure(w, size)


def _measure(w: World, size: int) -> dict[str, Any]:
    from khana.access import services as access
    from khana.intake import reconcile
    from khana.intake.services import entities
    from khana.workflows import register_household

    field = field_of(w, enumerators=1)
    who = field.enumerators[0]
    start = time.perf_counter()
    with w.timed("receive"):
        _send(field, who.token, size, w)
    received = size / (time.perf_counter() - start)
    start = time.perf_counter()
    with w.timed("journey"):
        counts = register_household.run(token=who.token, at=w.now())
    worked = counts.get("REGISTERED", 0) / (time.perf_counter() - start)
    with access.scoped(w.token):
        balance = reconcile.run()
        entities.assign(
            username=who.username, area_code="PK10101", valid_from=date(2026, 1, 1), valid_to=None, at=w.now()
        )
    with served() as address:
        lists = _form_list(f"{address}/api/odk/v1/key/{who.key}/projects/1")
        desk = _desk(address, field)
    return result(
        w, figure=worked, unit="households registered per second", limit=received, limit_is="the same forms received and kept per second",
        ratio=worked / received, size=size, registered=counts.get("REGISTERED", 0), set_apart=counts.get("set_apart", 0),
        balanced=balance["balanced"], listed=lists["rows"], form_list_ms=lists["ms"], desk_ms=desk["ms"], desk_parts=desk["parts"],
    )  # fmt: skip


def _send(field: Field, token: str, size: int, w: World) -> None:
    from khana.access import services as access
    from khana.intake.services import receive

    for begin in range(0, size, 200):
        with access.scoped(token):
            for number in range(begin, min(size, begin + 200)):
                receive.receive(xml=field.form_of(number), attachments=[], device_id=f"d{number % 200}", at=w.now())


def _form_list(phone: str) -> dict[str, Any]:
    """Return the milliseconds of what a telephone asks when it updates its forms: list, manifest, and the households."""
    times, rows = [], 0
    for _ in range(TRIES):
        start = time.perf_counter()
        listed = requests.get(f"{phone}/formList?deviceID=d1", timeout=60)
        manifest = requests.get(re.findall(r"<manifestUrl>([^<]+)", listed.text)[0], timeout=60)
        for link in re.findall(r"<downloadUrl>([^<]+)", manifest.text):
            body = requests.get(link, timeout=60)
            if "households.csv" in link:
                rows = len(body.text.splitlines()) - 1
        times.append((time.perf_counter() - start) * 1000)
    return {"ms": round(sorted(times)[int(len(times) * 0.95)], 1), "rows": rows}


def _desk(address: str, field: Field) -> dict[str, Any]:
    """Return the milliseconds from a typed number to everything that the form in the browser asks of the server."""
    line = requests.Session()
    line.headers["Referer"] = address
    page = line.get(f"{address}/sign-in", timeout=60)
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[0]
    line.post(
        f"{address}/sign-in",
        data={"csrfmiddlewaretoken": token, "username": "desk", "password": field.password},
        timeout=60,
    )
    times: list[float] = []
    parts: dict[str, list[float]] = {}
    for number in range(TRIES):
        start = time.perf_counter()

        def timed(name: str, ask: Any, *words: Any, **more: Any) -> requests.Response:
            before = time.perf_counter()
            answer: requests.Response = ask(*words, timeout=60, **more)
            parts.setdefault(name, []).append((time.perf_counter() - before) * 1000)
            answer.raise_for_status()
            return answer

        found = timed("search", line.get, f"{address}/intake/desk", params={"q": field.number_of(number)})
        household = re.findall(r'name="household" value="([^"]+)"', found.text)[0]
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', found.text)[0]
        opened = timed(
            "open",
            line.post,
            f"{address}/intake/desk/{field.form.form_id}/open",
            data={"csrfmiddlewaretoken": token, "household": household},
        )
        uid = opened.url.partition("household=")[2].partition("&")[0]
        timed("xform", line.get, f"{address}/intake/desk/{field.form.form_id}/xform")
        timed("known", line.get, f"{address}/intake/desk/{field.form.form_id}/known/{uid}")
        times.append((time.perf_counter() - start) * 1000)
    return {
        "ms": round(sorted(times)[int(len(times) * 0.95)], 1),
        "parts": {name: round(sorted(values)[len(values) // 2], 1) for name, values in parts.items()},
    }
