"""Where things are on this machine: the var folder and what lives under it.

`KHANA_VAR` names the folder of one installation; a checkout uses `var/` beside `src/`. Two
folders are two installations that know nothing of each other.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path


def var() -> Path:
    """Return the absolute var folder of this installation; nothing is created."""
    named = os.environ.get("KHANA_VAR")
    if named:
        here = "" if named.startswith("/") else os.getcwd()  # noqa: PTH109 - asked at every look-up
        return _resolved(named, here)
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / "var"
    return Path.cwd() / "var"


@lru_cache(maxsize=8)
def _resolved(named: str, _here: str) -> Path:
    return Path(named).expanduser().resolve()


def folder(*names: str) -> Path:
    """Return a folder under var, made if absent and open to its owner only."""
    path = var().joinpath(*names)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path
