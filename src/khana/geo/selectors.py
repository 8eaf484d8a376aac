"""Reads of areas: by code, by name, as GeoJSON for maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from shapely import make_valid, wkb
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.ops import unary_union

from khana.geo.models import Area
from khana_methods.errors import InputError, NotFound


class AreaUnknown(NotFound):
    """There is no area of that code."""

    code: ClassVar[str] = "geo.area.unknown"


@dataclass(frozen=True)
class NamedArea:
    """An area as name resolution needs it; what it was called and where it lay in sets of areas that ended."""

    code: str
    level: int
    parent_code: str
    names: tuple[str, ...]
    former_names: tuple[str, ...] = ()
    former_parents: tuple[str, ...] = ()


def list_areas(*, level: int | None = None, parent_code: str = "") -> QuerySet[Area]:
    """Return areas in force by name, of one level or under one parent."""
    found = Area.objects.filter(valid_to__isnull=True).order_by("name", "code")
    if level is not None:
        found = found.filter(level=level)
    if parent_code:
        found = found.filter(parent__code=parent_code)
    return found


def get_path(code: str) -> str:
    """Return the path of an area in force.

    Raises:
        AreaUnknown: There is none of that code.
    """
    path = Area.objects.filter(code=code).order_by("-valid_from").values_list("path", flat=True).first()
    if path is None:
        raise AreaUnknown(f"There is no area '{code}'. `khana areas list` shows the codes.", area=code)
    return path


def paths_of(codes: Iterable[str]) -> dict[str, str]:
    """Return the paths of areas by code; a code that no area has is absent."""
    rows = Area.objects.filter(code__in=list(codes)).order_by("code", "valid_from").values_list("code", "path")
    return dict(rows)


def list_named_areas() -> list[NamedArea]:
    """Return every area with all its names and aliases, upper levels first."""
    columns = ("code", "level", "parent__code", "name", "names", "aliases")
    rows = Area.objects.filter(valid_to__isnull=True).order_by("level", "code").values_list(*columns)
    once = Area.objects.filter(valid_to__isnull=False).order_by("-valid_from").values_list(*columns)
    called: dict[tuple[str, int], dict[str, None]] = {}
    lay_in: dict[tuple[str, int], dict[str, None]] = {}
    for code, level, parent, name, names, aliases in once:
        called.setdefault((code, level), {}).update(dict.fromkeys(_called(name, names, aliases)))
        lay_in.setdefault((code, level), {}).update(dict.fromkeys([parent] if parent else []))
    found = []
    for code, level, parent, name, names, aliases in rows:
        now = _called(name, names, aliases)
        found.append(
            NamedArea(
                code, level, parent or "", now,
                tuple(one for one in called.get((code, level), ()) if one not in now),
                tuple(one for one in lay_in.get((code, level), ()) if one != parent),
            )
        )  # fmt: skip
    return found


def _called(name: str, names: Mapping[str, str], aliases: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([name, *names.values(), *aliases]))


def get_outlines(*, level: int, within: str = "", tolerance: float = 0.01) -> dict[str, Any]:
    """Return areas of a level as a GeoJSON collection, simplified for a screen.

    Args:
        level: Which level.
        within: Code of an area they lie in; empty for the whole country.
        tolerance: Degrees that an outline may move.
    """
    areas = Area.objects.filter(level=level, boundary__isnull=False, valid_to__isnull=True)
    if within:
        areas = areas.filter(path__startswith=get_path(within))
    features = [
        {
            "type": "Feature",
            "id": area.code,
            "properties": {"code": area.code, "name": area.name, "names": area.names},
            "geometry": mapping(wkb.loads(bytes(area.boundary or b"")).simplify(tolerance, preserve_topology=True)),
        }
        for area in areas.order_by("code")
    ]
    return {"type": "FeatureCollection", "features": features}


class OutlineUnreadable(InputError):
    """An outline is no GeoJSON with surfaces."""

    code: ClassVar[str] = "geo.outline.unreadable"


def areas_under(outline: Mapping[str, Any], *, level: int, share: float = 0.05) -> list[str]:
    """Return the areas in force of a level of which an outline covers at least a share, by code.

    Args:
        outline: GeoJSON: a geometry, a feature or a collection, EPSG:4326.
        level: Of the areas.
        share: Least part of an area's surface, in degrees; a touch at the border is none.

    Raises:
        OutlineUnreadable: It is no GeoJSON with surfaces.
    """
    try:
        kind = outline.get("type")
        parts = (
            [one["geometry"] for one in outline["features"]]
            if kind == "FeatureCollection"
            else [outline.get("geometry", outline)]
        )
        covered = make_valid(unary_union([shape(part) for part in parts]))
    except (KeyError, TypeError, ValueError, AttributeError, ShapelyError) as error:
        raise OutlineUnreadable("The outline is no GeoJSON with surfaces.") from error
    if covered.is_empty or not covered.area:
        raise OutlineUnreadable("The outline covers nothing.")
    west, south, east, north = covered.bounds
    found = Area.objects.filter(
        level=level, boundary__isnull=False, valid_to__isnull=True, min_lon__lte=east, max_lon__gte=west, min_lat__lte=north,
        max_lat__gte=south,
    )  # fmt: skip
    codes = []
    for area in found.order_by("code"):
        own = make_valid(wkb.loads(bytes(area.boundary or b"")))
        if own.area and own.intersection(covered).area >= share * own.area:
            codes.append(area.code)
    return codes


def list_parents() -> dict[str, str]:
    """Return of every area in force the code of the one above it; empty at the top."""
    rows = Area.objects.filter(valid_to__isnull=True).order_by("code").values_list("code", "parent__code")
    return {code: parent or "" for code, parent in rows}


def list_area_names(language: str = "en") -> dict[str, str]:
    """Return of every area in force its name in a language, its own name where it has none in it."""
    rows = Area.objects.filter(valid_to__isnull=True).order_by("code").values_list("code", "name", "names")
    return {code: names.get(language) or name for code, name, names in rows}
