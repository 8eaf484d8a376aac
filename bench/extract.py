"""An extract under an agreement, as the worker makes it: read in the partner's scope, suppressed, marked, sealed, kept.

Size: rows. De-identified microdata of every person leave: coarsened, rows that stand out left out (5-anonymity), each row
with the mark of its recipient, sealed to the partner's key and kept encrypted. The figure is seconds; the limit is the
seconds in which the database alone gives the same people, thrown away. Memory is that of a process of its own since it began (its
`VmHWM`: the figure of `getrusage` counts the parent too), for the whole and for a share of the same people: flat means that the two
are alike.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey, RSAKey

from bench._officers import officers, superuser
from bench._world import World, loaded_country, result, world

SIZE = 1_000_000
CODE = f"bench-{uuid.uuid4().hex[:8]}"  # another each time, so that a kept world can be asked again
MEMBERS = 4.6  # members of a household of the made-up country, rounded down, so that there are rows enough
_MAKE = """import json, re, sys, time, django
django.setup()
from datetime import UTC, datetime
from khana.sharing.services import extracts
start = time.perf_counter()
made = extracts.make(token=sys.argv[1], extract=sys.argv[2], at=datetime.now(UTC))
made |= {"seconds": time.perf_counter() - start, "mib": int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024}
print(json.dumps(made))"""


def run(size: int) -> dict[str, Any]:
    with world() as w:
        loaded_country(w, math.ceil(size / MEMBERS))
        root = superuser()
        root.execute("VACUUM ANALYZE")
        who = officers("administrator", "data_protection_officer", "data_steward")
        fields = ["district", "sex", "age"] + (["group_size"] if size >= 500_000 else [])
        _agreement(w, who, fields)
        share = _made(w, who, "a share", rule="age < 6")
        whole = _made(w, who, "the whole")
        return _told(w, size, fields, share, whole)


def _told(w: World, size: int, fields: list[str], share: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    if whole["rows"] + whole["suppressed"] < size:
        raise RuntimeError(f"only {whole['rows'] + whole['suppressed']} people are there, {size} were asked")
    limit = _read_alone(w, fields)
    return result(
        w, figure=whole["seconds"], unit="seconds for the whole extract", limit=limit, limit_is="seconds in which the database gives the rows",
        ratio=whole["seconds"] / limit, size=size, fields=fields, rows=whole["rows"], suppressed=whole["suppressed"],
        mib=round(whole["mib"]), share={"rows": share["rows"], "mib": round(share["mib"]), "seconds": round(share["seconds"], 2)},
        asked=120.0,
    )  # fmt: skip


def _agreement(w: World, who: dict[str, str], fields: list[str]) -> None:
    """Connect a partner with keys and bring an agreement about microdata into force by two people."""
    from khana.access import services as access
    from khana.sharing.services import agreements, partners

    signing = OKPKey.generate_key("Ed25519", private=True).as_dict(private=False)
    sealing = RSAKey.generate_key(3072, private=True).as_dict(private=False)
    jwks = {"keys": [{**signing, "use": "sig", "kid": "s"}, {**sealing, "use": "enc", "kid": "e"}]}
    at = w.now()
    with access.scoped(who["administrator"]):
        partners.add(code=CODE, name="bench", profile="jws-compact", jwks=jwks, at=at)
    terms = agreements.Terms(
        number=CODE.upper(), partner=CODE, title="bench", level="MICRODATA", purpose="research", legal_basis="Act", fields=fields,
        valid_from=at - timedelta(days=1), valid_to=at + timedelta(days=30), retention_days=30, max_rows=50_000_000,
    )  # fmt: skip
    with access.scoped(who["data_steward"]):
        agreements.draft(terms=terms, at=at)
    for role in ("administrator", "data_protection_officer"):
        with access.scoped(who[role]):
            agreements.approve(number=CODE.upper(), at=at)


def _made(w: World, who: dict[str, str], name: str, rule: str = "") -> dict[str, Any]:
    """Ask for an extract, approve it by two, and make it in a process of its own, as the worker is one."""
    from khana.access import services as access
    from khana.sharing.services import extracts

    with access.scoped(who["data_steward"]):
        number = extracts.draft(agreement=CODE.upper(), rule=rule, reason="bench", at=w.now()).number
    for role in ("administrator", "data_protection_officer"):
        with access.scoped(who[role]):
            extracts.approve(number=number, at=w.now())
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src")}
    with w.timed(name):
        done = subprocess.run(
            [sys.executable, "-c", _MAKE, who["administrator"], number], stdout=subprocess.PIPE, text=True, env=environment
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError("the extract was not made")
    made: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return made


def _read_alone(w: World, fields: list[str]) -> float:
    """Read the same people over the same statement, past policies, and throw them away."""
    from khana.sharing import searches

    statement = searches.people_statement(fields, [], needs_consent=False)
    values = {"partner": CODE, "today": w.now().date(), "area": ""}
    root = superuser()
    with w.timed("read alone"), root.transaction(), root.cursor("alone") as cursor:
        start = time.perf_counter()
        cursor.itersize = 5000
        for _ in cursor.execute(statement, values):
            pass
        return time.perf_counter() - start
