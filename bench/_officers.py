"""Users of any role in a benchmark's world, and a connection past all policies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from bench._world import World

_MAKE = """import sys, time, django
django.setup()
from datetime import UTC, datetime
from khana.access import services as access
for role in sys.argv[1:]:
    made = access.add_user(username=f"bench-{role}-{time.time_ns()}", display_name=role, role=role, second_factor=False, at=datetime.now(UTC))
    print(role, made.token)"""


def officers(*roles: str) -> dict[str, str]:
    """Make one user of each role over the whole country; return role -> token."""
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "KHANA_DB_ROLE": "owner"}
    done = subprocess.run(
        [sys.executable, "-c", _MAKE, *roles], check=True, capture_output=True, text=True, env=environment
    )
    return dict(line.split() for line in done.stdout.strip().splitlines() if line.split()[0] in roles)


def superuser() -> psycopg.Connection[Any]:
    """Connect past all policies, each statement by itself."""
    from khana.platform import embedded
    from khana.platform.secrets_store import get_secret

    owner = embedded.connection_parameters("owner")
    return psycopg.connect(**{**owner, "user": "postgres", "password": get_secret("db_superuser")}, autocommit=True)


def put_model_in_use(w: World, *, memory_mib: int) -> None:
    """Train a model of matching on the loaded registry and put it in use."""
    from khana.access import services as access
    from khana.linkage.services import keep_models
    from khana.workflows import match_registry

    with w.timed("train"):
        trained = match_registry.train(
            token=w.token, version=f"bench-{time.time():.0f}", at=w.now(), memory_mib=memory_mib
        )
    superuser().execute(  # the second person, whom a bench does not have
        "INSERT INTO linkage_approval (model_id, approved_by, approved_at) SELECT id, 0, now() FROM linkage_matchingmodel WHERE version = %s",
        [trained["version"]],
    )
    with access.scoped(w.token):
        keep_models.approve_model(version=trained["version"], at=w.now())
