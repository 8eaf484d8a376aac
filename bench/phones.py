"""Two hundred telephones post at once: three forms of 20 kB and one picture of 1 MB each over sixty seconds, the journey behind.

Size: telephones. The figure is p95 of the acknowledgement in milliseconds; the limit is what is asked, 500 ms. Nothing may be lost
or doubled: every instance id is counted in the registry of submissions afterwards, and the reconciliation is run.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from typing import Any

import requests

from bench._field import Field, field_of, served
from bench._world import World, result, world

SIZE = 200
SECONDS = 60.0
FORM_BYTES, PICTURE_BYTES = 20_000, 1_000_000
LIMIT_MS = 500.0


def run(size: int) -> dict[str, Any]:
    with world() as w:
        return _measure(w, size)


def _measure(w: World, size: int) -> dict[str, Any]:
    from khana.access import services as access
    from khana.intake import reconcile
    from khana.intake.selectors import count_by_state

    field = field_of(w, enumerators=20)
    with served(worker=True) as address:
        with w.timed("posting"):
            sent = _post(field, address, size)
        behind = time.perf_counter()
        while time.perf_counter() - behind < 600:
            with access.scoped(w.token):
                states = count_by_state()
            if not sum(states[name] for name in ("RECEIVED", "CHECKED", "VERIFIED", "MATCHED")):
                break
            time.sleep(1)
        w.timings["journey behind"] = round(time.perf_counter() - behind, 1)
    with access.scoped(w.token):
        balance = reconcile.run()
    wanted, times, faults = sent["ids"], sorted(sent["times"]), sent["faults"]
    return result(
        w, figure=times[int(len(times) * 0.95)], unit="ms at p95", limit=LIMIT_MS, limit_is="ms, as asked", size=size,
        ratio=times[int(len(times) * 0.95)] / LIMIT_MS, posts=len(times), refused=len(faults), p50=round(times[len(times) // 2], 1),
        worst=round(times[-1], 1), forms=len(wanted), received=balance["received"], lost=len(wanted) - balance["received"],
        registered=balance["registered"], balanced=balance["balanced"],
    )  # fmt: skip


def _post(field: Field, address: str, size: int) -> dict[str, Any]:
    times: list[float] = []
    faults: list[str] = []
    ids: set[str] = set()
    lock = threading.Lock()
    picture = os.urandom(PICTURE_BYTES)
    ready = threading.Barrier(size)

    def phone(place: int) -> None:
        pick = random.Random(place)
        line = requests.Session()
        where = f"{address}/api/odk/v1/key/{field.enumerators[place % len(field.enumerators)].key}/projects/1/submission?deviceID=d{place}"
        forms = []
        for one in range(3):
            name = f"{uuid.UUID(int=pick.getrandbits(128))}.jpg" if one == 2 else ""
            forms.append((field.form_of(place * 3 + one, photo=name, pad=FORM_BYTES), name))
        moments = sorted(pick.uniform(0, SECONDS) for _ in range(3))
        ready.wait()
        begin = time.perf_counter()
        for (xml, name), moment in zip(forms, moments, strict=True):
            time.sleep(max(0.0, begin + moment - time.perf_counter()))
            parts: dict[str, Any] = {"xml_submission_file": ("submission.xml", xml, "text/xml")}
            if name:
                parts[name] = (name, picture, "image/jpeg")
            start = time.perf_counter()
            try:
                answer = line.post(where, files=parts, timeout=60)
                status = answer.status_code
            except requests.RequestException as error:
                status, answer = 0, error  # type: ignore[assignment]
            with lock:
                times.append((time.perf_counter() - start) * 1000)
                if status == 201:
                    ids.add(xml.split(b"<instanceID>")[1].split(b"<")[0].decode())
                else:
                    faults.append(f"{status}: {answer!r}")

    threads = [threading.Thread(target=phone, args=(place,)) for place in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"times": times, "faults": faults, "ids": ids}
