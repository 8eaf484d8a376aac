"""Load areas: codes, names, parents and outlines of one scheme, from GeoJSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from django.db.models import OuterRef, Subquery
from shapely import wkb
from shapely.geometry import shape

from khana.geo.models import Area
from khana_methods.errors import InputError


class AreasInvalid(InputError):
    """The file of areas cannot be read as it was described."""

    code: ClassVar[str] = "geo.areas.invalid"


@dataclass(frozen=True)
class AreaRow:
    """One area as a file states it."""

    code: str
    name: str
    level: int
    parent_code: str
    names: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    outline: bytes | None = None
    box: tuple[float, float, float, float] | None = None


def read_areas(
    path: Path,
    *,
    level: int,
    code: str,
    name: str,
    parent: str = "",
    parent_prefix: int | None = None,
    names: Mapping[str, str] | None = None,
    aliases: str = "",
) -> list[AreaRow]:
    """Read one level of areas from GeoJSON (with outlines) or CSV (without).

    Raises:
        AreasInvalid: A property or column is missing, or an outline is no polygon.
    """
    rows = []
    try:
        items: Iterable[tuple[Mapping[str, Any], Any]]
        if path.suffix.lower() in (".geojson", ".json"):
            features = json.loads(path.read_text(encoding="utf-8"))["features"]
            items = [(feature["properties"], feature.get("geometry")) for feature in features]
        else:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                items = [
                    (row, None) for row in csv.DictReader(handle) if not row.get("level") or row["level"] == str(level)
                ]
        for properties, geometry in items:
            own = str(properties[code]).strip()
            above = str(properties[parent]).strip() if parent else (own[:parent_prefix] if parent_prefix else "")
            outline = shape(geometry) if geometry else None
            rows.append(
                AreaRow(
                    code=own,
                    name=str(properties[name]).strip(),
                    level=level,
                    parent_code=above,
                    names={k: str(properties[v]).strip() for k, v in (names or {}).items() if properties.get(v)},
                    aliases=tuple(a.strip() for a in str(properties.get(aliases) or "").split(";") if a.strip())
                    if aliases
                    else (),
                    outline=wkb.dumps(outline) if outline is not None else None,
                    box=outline.bounds if outline is not None else None,
                )
            )
    except (KeyError, json.JSONDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise AreasInvalid(
            f"{path.name} cannot be read as areas of level {level}: {type(error).__name__} at {error}. "
            "Check the names of its properties in the manifest."
        ) from error
    return rows


def put_areas(*, country: str, scheme: str, valid_from: date, rows: Iterable[AreaRow]) -> int:
    """Write areas of one scheme; the same ones again change nothing but names and outlines.

    A set that begins later ends the areas of an earlier one on the levels that it covers, and a set
    that is loaded late ends where the next one begins: on any day one set holds.

    The caller (a workflow) has asked for the permission `areas.load` and records the event: this
    room does not know actors.

    Raises:
        AreasInvalid: A parent is not among the areas.
    """
    known = {a.code: a for a in Area.objects.filter(scheme=scheme, valid_from=valid_from)}
    written = 0
    by_level: dict[int, list[AreaRow]] = {}
    for row in rows:
        by_level.setdefault(row.level, []).append(row)
    for level in sorted(by_level):
        fresh = []
        for row in by_level[level]:
            parent = known.get(row.parent_code) if row.parent_code else None
            if row.parent_code and parent is None and known:
                raise AreasInvalid(
                    f"Area {row.code} names the parent {row.parent_code}, which is not there. Load upper levels first.",
                    area=row.code,
                )
            box = row.box or (None, None, None, None)
            values = {
                "country": country, "level": level, "parent": parent, "name": row.name, "names": dict(row.names),
                "path": f"{parent.path if parent else ''}{row.code}.", "aliases": list(row.aliases),
            }  # fmt: skip
            if row.outline is not None:
                values |= {
                    "boundary": row.outline,
                    "min_lon": box[0],
                    "min_lat": box[1],
                    "max_lon": box[2],
                    "max_lat": box[3],
                }
            if row.code in known:
                Area.objects.filter(pk=known[row.code].pk).update(**values)
            else:
                fresh.append(Area(scheme=scheme, code=row.code, valid_from=valid_from, **values))
        for area in Area.objects.bulk_create(fresh):
            known[area.code] = area
        written += len(by_level[level])
    _set_last_days(country, sorted(by_level))
    return written


def _set_last_days(country: str, levels: list[int]) -> None:
    """End each area of these levels on the day on which the next set of its country and level begins."""
    following = (
        Area.objects.filter(country=country, level=OuterRef("level"), valid_from__gt=OuterRef("valid_from"))
        .order_by("valid_from")
        .values("valid_from")[:1]
    )
    Area.objects.filter(country=country, level__in=levels).update(valid_to=Subquery(following))
