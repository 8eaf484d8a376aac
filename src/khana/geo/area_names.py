"""Reads of areas for people: names by language, the way down from the country, outlines for maps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely
from django.db.models import Q, QuerySet

from khana.geo import topology
from khana.geo.models import Area

_STEPS = {1: 0.02, 2: 0.01, 3: 0.003}
_DECIMALS = 3


@dataclass(frozen=True)
class AreaName:
    """One area, enough to name it and to go up or down from it."""

    code: str
    level: int
    path: str
    name: str
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, language: str) -> str:
        """Return the name in a language, else the name of the office."""
        return self.names.get(language) or self.name


def _named(row: Area) -> AreaName:
    return AreaName(row.code, row.level, row.path, row.name, dict(row.names))


def top() -> AreaName | None:
    """Return the area of the whole country, where the areas that are loaded have one."""
    row = Area.objects.filter(level=0, valid_to__isnull=True).defer("boundary").order_by("id").first()
    return _named(row) if row else None


def area(code: str) -> AreaName | None:
    """Return the area that has this code now."""
    row = Area.objects.filter(code=code, valid_to__isnull=True).defer("boundary").order_by("-id").first()
    return _named(row) if row else None


def children(code: str = "") -> list[AreaName]:
    """Return the areas right below one area, or the uppermost ones, by name; at most a thousand."""
    return [_named(row) for row in _below(code).defer("boundary").order_by("name", "code")[:1000]]


def _below(code: str) -> QuerySet[Area]:
    found = Area.objects.filter(valid_to__isnull=True)
    if not code:
        return found.filter(parent__isnull=True)
    return found.filter(parent__code=code, parent__valid_to__isnull=True)


def way_down(path: str) -> list[AreaName]:
    """Return the areas of a path from the country down."""
    found = areas(code for code in path.split(".") if code)
    return [found[code] for code in path.split(".") if code in found]


def areas(codes: Iterable[str]) -> dict[str, AreaName]:
    """Return areas by code."""
    rows = Area.objects.filter(code__in=list(set(codes)), valid_to__isnull=True).defer("boundary")
    return {row.code: _named(row) for row in rows}


def areas_down_to(level: int) -> dict[str, AreaName]:
    """Return every area in force down to a level, by code."""
    rows = Area.objects.filter(level__lte=level, valid_to__isnull=True).defer("boundary").order_by("path")
    return {row.code: _named(row) for row in rows}


def named(words: Iterable[str]) -> dict[str, AreaName]:
    """Return of words that are codes, names or aliases of exactly one area that area; upper levels before lower ones."""
    wanted = {word for word in words if word}
    if not wanted:
        return {}
    spelt: dict[str, list[Area]] = {}
    rows = Area.objects.filter(valid_to__isnull=True).defer("boundary").order_by("level", "code")
    for row in rows:
        for word in {row.code, row.name, *row.names.values(), *row.aliases} & wanted:
            spelt.setdefault(word, []).append(row)
    made = {}
    for word, found in spelt.items():
        own = [row for row in found if row.code == word] or [row for row in found if row.level == found[0].level]
        if len(own) == 1:
            made[word] = _named(own[0])
    return made


def find(text: str, limit: int = 20) -> list[AreaName]:
    """Return areas whose name or code starts with a text."""
    rows = Area.objects.filter(Q(name__istartswith=text) | Q(code__iexact=text), valid_to__isnull=True)
    return [_named(row) for row in rows.defer("boundary").order_by("level", "name", "id")[:limit]]


def newest_id() -> int:
    """Return the id of the area loaded last: changes when areas change."""
    return Area.objects.order_by("-id").values_list("id", flat=True).first() or 0


def topology_below(code: str) -> dict[str, Any]:
    """Return the outlines of the areas right below one area (empty: the uppermost) as TopoJSON, for a screen."""
    return topology.topology(_shapes_below(code))


def _shapes_below(code: str) -> list[tuple[str, shapely.Geometry]]:
    rows = _below(code).filter(boundary__isnull=False).order_by("code")
    found = [(row.code, row.level, shapely.from_wkb(bytes(row.boundary))) for row in rows[:1000] if row.boundary]
    if not found:
        return []
    step = _STEPS.get(found[0][1], 0.003)
    together = shapely.coverage_simplify([shape for _, _, shape in found], step)
    return [(code, thin if not thin.is_empty else full) for (code, _, full), thin in zip(found, together, strict=True)]


def outlines(code: str) -> str:
    """Return the outlines of the areas right below one area (empty: the uppermost) as GeoJSON, for a screen.

    Neighbours are simplified together, so that no gap opens between them. Degrees with three
    decimals (about 100 m). Each feature has the property `code`.
    """
    rows = _below(code).filter(boundary__isnull=False).order_by("code")
    found = [(row.code, row.level, shapely.from_wkb(bytes(row.boundary))) for row in rows[:1000] if row.boundary]
    if not found:
        return json.dumps({"type": "FeatureCollection", "features": []})
    shapes = _simplified([shape for _, _, shape in found], _STEPS.get(found[0][1], 0.003))
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": json.loads(shapely.to_geojson(shape))}
        for (code, _, _), shape in zip(found, shapes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))


def _simplified(shapes: Sequence[shapely.Geometry], step: float) -> list[shapely.Geometry]:
    together = shapely.coverage_simplify(list(shapes), step)
    kept = [thin if not thin.is_empty else full for thin, full in zip(together, shapes, strict=True)]
    return [shapely.transform(shape, lambda points: points.round(_DECIMALS)) for shape in kept]
