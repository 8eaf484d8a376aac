"""What this installation is for: small settings that outlive a process, beside the database.

Kept as one JSON file under var (`country`, `world_date`, `parameters`), written whole and renamed.
"""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from khana.platform import places


def read() -> dict[str, Any]:
    """Return every setting; empty for a new installation.

    The file is read again only where it is another one than last time: it is replaced whole, never written in place.
    """
    path = str(places.var() / "installation.json")
    try:
        now = os.stat(path)  # noqa: PTH116 - asked at every look-up
    except FileNotFoundError:
        return {}
    return dict(_read(path, now.st_mtime_ns, now.st_ino))


@lru_cache(maxsize=4)
def _read(path: str, _changed: int, _file: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text())
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
