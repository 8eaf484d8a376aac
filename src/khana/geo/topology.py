"""Outlines as TopoJSON: each border between two areas is written once, as whole steps on a grid.

Neighbours that share a line share an *arc*; a file of districts is a fraction of the same as GeoJSON, and no gap can open
between two areas, because there is one line and not two. Read back by `static/js/figures.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import shapely

GRID = 10_000  # steps along each side of the box: about 150 m over Pakistan
Point = tuple[int, int]


def topology(shapes: Iterable[tuple[str, shapely.Geometry]], *, grid: int = GRID) -> dict[str, Any]:
    """Return areas as one TopoJSON topology with the object `areas`; each has its code as id and property.

    Args:
        shapes: Code and polygon of each area; lines between neighbours run through the same points.
        grid: Steps along each side of the box.

    Source:
        TopoJSON format specification 1.0 (Bostock and Metcalf 2013): quantised arcs, delta-encoded.

    Examples:
        >>> two = [("a", shapely.box(0, 0, 1, 1)), ("b", shapely.box(1, 0, 2, 1))]
        >>> made = topology(two, grid=3)
        >>> len(made["arcs"]), sorted(g["id"] for g in made["objects"]["areas"]["geometries"])
        (3, ['a', 'b'])
    """
    found = [(code, shape) for code, shape in shapes if not shape.is_empty]
    if not found:
        return {"type": "Topology", "objects": {"areas": {"type": "GeometryCollection", "geometries": []}}, "arcs": []}
    left, low, right, high = shapely.total_bounds([shape for _, shape in found])
    scale = ((right - left) / (grid - 1) or 1.0, (high - low) / (grid - 1) or 1.0)
    cut = _Arcs()
    rings: list[tuple[str, list[list[list[Point]]]]] = []
    for code, shape in found:
        parts = [
            [_on_grid(ring, (left, low), scale) for ring in (part.exterior, *part.interiors)]
            for part in _polygons(shape)
        ]
        kept = [[ring for ring in part if len(ring) >= 3] for part in parts if len(part[0]) >= 3]
        rings.append((code, kept))
        cut.know(ring for part in kept for ring in part)
    geometries = []
    for code, parts in rings:
        arcs = [[cut.arcs_of(ring) for ring in part] for part in parts]
        one = {"type": "MultiPolygon", "arcs": arcs} if len(arcs) != 1 else {"type": "Polygon", "arcs": arcs[0]}
        geometries.append({**one, "id": code, "properties": {"code": code}})
    return {
        "type": "Topology", "transform": {"scale": list(scale), "translate": [float(left), float(low)]},
        "objects": {"areas": {"type": "GeometryCollection", "geometries": geometries}}, "arcs": cut.written(),
    }  # fmt: skip


def _polygons(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]


def _on_grid(ring: shapely.LinearRing, origin: tuple[float, float], scale: tuple[float, float]) -> list[Point]:
    """Return the points of a ring on the grid, without the closing one and without steps of nothing."""
    made: list[Point] = []
    for x, y in shapely.get_coordinates(ring):
        point = (round((x - origin[0]) / scale[0]), round((y - origin[1]) / scale[1]))
        if not made or made[-1] != point:
            made.append(point)
    while len(made) > 1 and made[0] == made[-1]:
        made.pop()
    return made


class _Arcs:
    """The lines between junctions, each kept once, whichever way it is walked."""

    def __init__(self) -> None:
        self._beside: dict[Point, frozenset[Point]] = {}
        self._junctions: set[Point] = set()
        self._number: dict[tuple[Point, ...], int] = {}
        self._lines: list[Sequence[Point]] = []

    def know(self, rings: Iterable[list[Point]]) -> None:
        """Learn which points have other neighbours in another ring: there arcs end."""
        for ring in rings:
            for at, point in enumerate(ring):
                beside = frozenset((ring[at - 1], ring[(at + 1) % len(ring)]))
                if self._beside.setdefault(point, beside) != beside:
                    self._junctions.add(point)

    def arcs_of(self, ring: list[Point]) -> list[int]:
        """Return the arcs of a ring in its order; a reversed one as its complement."""
        ends = [at for at, point in enumerate(ring) if point in self._junctions]
        start = ends[0] if ends else ring.index(min(ring))
        turned = [*ring[start:], *ring[:start], ring[start]]
        made, line = [], [turned[0]]
        for at, point in enumerate(turned[1:], start=1):
            line.append(point)
            if point in self._junctions or at == len(turned) - 1:
                made.append(self._arc(tuple(line)))
                line = [point]
        return made

    def _arc(self, line: tuple[Point, ...]) -> int:
        if line in self._number:
            return self._number[line]
        if line[::-1] in self._number:
            return ~self._number[line[::-1]]
        self._number[line] = len(self._lines)
        self._lines.append(line)
        return self._number[line]

    def written(self) -> list[list[list[int]]]:
        """Return the arcs as steps from point to point."""
        made = []
        for line in self._lines:
            before, steps = (0, 0), []
            for point in line:
                steps.append([point[0] - before[0], point[1] - before[1]])
                before = point
            made.append(steps)
        return made


def features(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Read a topology back: the GeoJSON geometry of each area by its code."""
    scale, origin = (
        document.get("transform", {}).get("scale", (1, 1)),
        document.get("transform", {}).get("translate", (0, 0)),
    )
    lines = []
    for steps in document["arcs"]:
        x = y = 0
        line = []
        for dx, dy in steps:
            x, y = x + dx, y + dy
            line.append((x * scale[0] + origin[0], y * scale[1] + origin[1]))
        lines.append(line)

    def ring(arcs: Sequence[int]) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        for number in arcs:
            line = lines[number] if number >= 0 else lines[~number][::-1]
            points += line if not points else line[1:]
        return points

    made: dict[str, dict[str, Any]] = {}
    for one in document["objects"]["areas"]["geometries"]:
        parts = [one["arcs"]] if one["type"] == "Polygon" else one["arcs"]
        shaped = [[ring(arcs) for arcs in part] for part in parts]
        made[one["id"]] = {
            "type": one["type"], "coordinates": shaped[0] if one["type"] == "Polygon" else shaped,
        }  # fmt: skip
    return made
