"""Collections of one publication: areas by level, and figures of the areas of that level, as GeoJSON features.

Outlines come from the publication's own TopoJSON; a collection is laid out once and kept in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import shapely

from khana.geo.topology import features as unfolded
from khana.monitoring import publications


@dataclass(frozen=True)
class Collection:
    """One collection: its features in order, the box of each, and the box of all."""

    id: str
    title: str
    description: str
    features: Sequence[Mapping[str, Any]]
    boxes: Sequence[tuple[float, float, float, float] | None]
    by_id: Mapping[str, int]
    as_of: str

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Return the box of all features; the whole world where none has an outline."""
        known = [box for box in self.boxes if box is not None]
        if not known:
            return (-180.0, -90.0, 180.0, 90.0)
        return (min(b[0] for b in known), min(b[1] for b in known), max(b[2] for b in known), max(b[3] for b in known))

    @property
    def queryables(self) -> dict[str, str]:
        """Return the properties that may be asked for equality: name to JSON type."""
        first: Mapping[str, Any] = self.features[0]["properties"] if self.features else {}
        return {
            name: "integer" if name == "level" else "string"
            for name in ("code", "parent", "name", "level")
            if name in first
        }


@lru_cache(maxsize=2)
def collections_of(number: int) -> dict[str, Collection]:
    """Return the collections of an open publication by id, such as `pak_adm2` and `pak_adm2_figures`.

    Raises:
        NothingMeasured: There is no open one of that number.
    """
    body, outlines = publications.contents(number)
    shapes: dict[str, dict[str, Any]] = {}
    for document in outlines.values():
        shapes |= unfolded(document)
    names = {one["code"]: one["names"].get("en", one["code"]) for one in body["indicators"]}
    told: dict[str, dict[str, Any]] = {}
    for indicator, area, _level, group, _value, above, below, value, hidden in body["values"]:
        if group:
            continue
        made = told.setdefault(area, {})
        made |= {f"{indicator}": value, f"{indicator}_numerator": above, f"{indicator}_denominator": below, f"{indicator}_hidden": hidden or None}  # fmt: skip
    made_of: dict[str, Collection] = {}
    for level in sorted({a["level"] for a in body["areas"]}):
        areas = [a for a in body["areas"] if a["level"] == level]
        prefix = f"{body['country']}_adm{level}"
        made_of[prefix] = _collection(
            prefix, f"Areas of level {level}", "Areas with their codes, names and outlines.", areas, shapes, {}, body
        )
        columns = [f"{code}{part}" for code in names for part in ("", "_numerator", "_denominator", "_hidden")]
        figures = {a["code"]: {name: told.get(a["code"], {}).get(name) for name in columns} for a in areas}
        described = (
            "Published figures by area, one property an indicator; hidden ones are null and say why. "
            + _protected(body["privacy"])
        )
        made_of[f"{prefix}_figures"] = _collection(f"{prefix}_figures", f"Figures of areas of level {level}", described, areas, shapes, figures, body)  # fmt: skip
    return made_of


def _protected(privacy: Mapping[str, Any]) -> str:
    if privacy.get("kind") == "noise":
        return f"Differential privacy: epsilon {privacy['spent']:g} spent over {privacy['tables']} tables by OpenDP."
    return f"Counts under {privacy.get('threshold')} and what would give them away are hidden."


def _collection(
    name: str, title: str, description: str, areas: Sequence[Mapping[str, Any]], shapes: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, Mapping[str, Any]], body: Mapping[str, Any],
) -> Collection:  # fmt: skip
    made, boxes = [], []
    for area in areas:
        above = [code for code in area["path"].split(".") if code][:-1]
        shape = shapes.get(area["code"])
        properties = {
            "code": area["code"], "name": area["name"], **{f"name_{k}": area["names"].get(k) for k in ("en", "ur", "bn")},
            "level": area["level"], "parent": above[-1] if above else None, "as_of": body["as_of"], **figures.get(area["code"], {}),
        }  # fmt: skip
        made.append({"type": "Feature", "id": area["code"], "geometry": shape, "properties": properties})
        boxes.append(_box(shape))
    by_id = {str(one["id"]): at for at, one in enumerate(made)}
    return Collection(name, f"{title}: {body['names'].get('en', '')}", description, made, boxes, by_id, body["as_of"])


def _box(shape: Mapping[str, Any] | None) -> tuple[float, float, float, float] | None:
    if shape is None:
        return None
    left, low, right, high = shapely.geometry.shape(shape).bounds
    return (float(left), float(low), float(right), float(high))
