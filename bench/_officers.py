"""Users of any role in a benchmark's world, and a connection past all policies."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

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
