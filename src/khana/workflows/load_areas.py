"""Load the areas of a country: levels in order, under one scheme of codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.deliveries.contracts.manifest import AreaFile
from khana.geo import services as geo


def run(
    *, token: str, country: str, scheme: str, valid_from: date, files: Sequence[AreaFile], data: Path, at: datetime
) -> dict[str, Any]:
    """Load every level of areas in one transaction; return how many by level."""
    with access.scoped(token):
        access.require("areas.load")
        rows = []
        counts: dict[str, int] = {}
        for entry in sorted(files, key=lambda item: item.level):
            found = geo.read_areas(
                data / entry.file,
                level=entry.level,
                code=entry.code,
                name=entry.name,
                parent=entry.parent,
                parent_prefix=entry.parent_prefix,
                names=entry.names,
                aliases=entry.aliases,
            )
            rows += found
            counts[f"level_{entry.level}"] = counts.get(f"level_{entry.level}", 0) + len(found)
        geo.put_areas(country=country, scheme=scheme, valid_from=valid_from, rows=rows)
        audit.record(action="geo.areas.loaded", subject=f"scheme:{scheme}", details=counts, at=at)
    return counts
