"""Load the areas of a country: levels in order, under one scheme of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.deliveries.contracts.manifest import AreaFile
from khana.geo import services as geo
from khana_country.load import area_names, load_pack


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
        named = area_names(country)
        rows = [_with_pack_names(row, named.get(row.code, {})) for row in rows]
        rows = _under_one_root(country, rows)
        geo.put_areas(country=country, scheme=scheme, valid_from=valid_from, rows=rows)
        audit.record(action="geo.areas.loaded", subject=f"scheme:{scheme}", details=counts, at=at)
    return counts


def _under_one_root(country: str, rows: list[geo.AreaRow]) -> list[geo.AreaRow]:
    """Put the country itself above areas that have none above them: every set has one area that holds all others."""
    if any(row.level == 0 for row in rows):
        return rows
    names = dict(load_pack(country).names)
    root = geo.AreaRow(code=country.upper(), name=names["en"], level=0, parent_code="", names=names)
    return [root, *(row if row.parent_code else replace(row, parent_code=root.code) for row in rows)]


def _with_pack_names(row: geo.AreaRow, named: Mapping[str, Any]) -> geo.AreaRow:
    """Add the pack's names in other languages and its other spellings; the file's own come first."""
    also = tuple(str(name) for name in named.get("also", ()))
    languages = {language: str(name) for language, name in named.items() if language not in ("also", "cut_from")}
    return replace(row, names={**languages, **row.names}, aliases=tuple(dict.fromkeys([*row.aliases, *also])))
