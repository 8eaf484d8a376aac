#!/usr/bin/env python3
"""Hold every pinned package against advisories, without a network.

Always: each package of requirements/*.txt is pinned exactly and by hash, and each of package-lock.json by integrity. Then
every pin is held against `requirements/advisories.yaml`: what its keepers have read about what is used here, with the first
good version. With KHANA_ADVISORIES (a folder of OSV documents, such as an unpacked export of the open vulnerability database
for PyPI) every pin is held against all of those too. Ends with 1 and names package, version and advisory.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==([^\s;\\]+)[^\n]*\\?\n((?:\s+(?:--hash|#)[^\n]*\n)*)", re.M)


def pins(text: str) -> dict[str, tuple[str, bool]]:
    """Return name -> (version, whether it has a hash) of a locked requirements file."""
    return {str(canonicalize_name(m[1])): (m[2], "--hash=sha256:" in m[3]) for m in _PIN.finditer(text)}


def is_hit(version: str, affected: dict[str, Any]) -> bool:
    """Say whether a version lies in what an OSV document calls affected."""
    if version in affected.get("versions", ()):
        return True
    mine = Version(version)
    for one in affected.get("ranges", ()):
        if one.get("type") not in ("ECOSYSTEM", "SEMVER"):
            continue
        inside = False
        for event in one["events"]:
            try:
                if "introduced" in event and (event["introduced"] == "0" or Version(event["introduced"]) <= mine):
                    inside = True
                if "fixed" in event and Version(event["fixed"]) <= mine:
                    inside = False
                if "last_affected" in event and Version(event["last_affected"]) < mine:
                    inside = False
            except InvalidVersion:
                continue
        if inside:
            return True
    return False


def documents() -> list[dict[str, Any]]:
    """Return OSV documents: our own reading, and the export that KHANA_ADVISORIES names."""
    found: list[dict[str, Any]] = list(yaml.safe_load((ROOT / "requirements" / "advisories.yaml").read_text()) or [])
    named = os.environ.get("KHANA_ADVISORIES")
    if named:
        exported = sorted(Path(named).rglob("*.json"))
        if not exported:
            raise SystemExit(f"KHANA_ADVISORIES names {named}, and no document is there.")
        found += [json.loads(path.read_text()) for path in exported]
    return found


def main() -> int:
    """Audit; print what is wrong."""
    wrong = []
    held: dict[str, str] = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        locked = pins(path.read_text())
        wrong += [f"{path.name}: {name} has no hash" for name, (_, hashed) in locked.items() if not hashed]
        wrong += [
            f"{path.name}: '{line}' is not pinned"
            for line in path.read_text().splitlines()
            if re.match(r"^[A-Za-z]", line) and "==" not in line
        ]
        held |= {name: version for name, (version, _) in locked.items()}
    lock = json.loads((ROOT / "package-lock.json").read_text())
    for name, one in lock.get("packages", {}).items():
        if name and not one.get("link") and not one.get("integrity"):
            wrong.append(f"package-lock.json: {name} has no integrity")
    if len(held) < 20:
        wrong.append("no lock was read")
    for one in documents():
        for affected in one.get("affected", ()):
            package = affected.get("package", {})
            name = str(canonicalize_name(package.get("name", "")))
            if package.get("ecosystem") == "PyPI" and name in held and is_hit(held[name], affected):
                wrong.append(f"{name} {held[name]}: {one['id']} {one.get('summary', '')}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
