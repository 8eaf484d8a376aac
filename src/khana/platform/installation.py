"""What this installation is for: small settings that outlive a process, beside the database.

Kept as one JSON file under var (`country`, `world_date`, `parameters`), written whole and renamed.
"""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from typing import Any

from khana.platform import places


def read() -> dict[str, Any]:
    """Return every setting; empty for a new installation."""
    path = places.var() / "installation.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found


def put(**settings: Any) -> None:
    """Set some settings; the others stay."""
    path = places.folder() / "installation.json"
    temporary = path.with_suffix(f".{os.getpid()}.new")
    with temporary.open("w") as handle:
        json.dump({**read(), **settings}, handle, indent=1, sort_keys=True)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.rename(path)


def today(at: datetime) -> date:
    """Return the day that 'today' stands for in this installation: its world date, else the day of a moment."""
    settings = read()
    return date.fromisoformat(settings["world_date"]) if "world_date" in settings else at.date()
