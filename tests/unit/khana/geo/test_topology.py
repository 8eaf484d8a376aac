"""Outlines as TopoJSON: shared lines once, areas the same when read back, of made-up and of real boundaries."""

from __future__ import annotations

import json

import pytest
import shapely
from tests.conftest import shared_data

from khana.geo.topology import features, topology


def test_neighbours_share_their_border_and_islands_and_holes_stay() -> None:
    hole = shapely.box(4, 4, 5, 5)
    big = shapely.box(0, 0, 10, 10).difference(hole)
    isles = shapely.MultiPolygon([shapely.box(10, 0, 12, 10), shapely.box(20, 20, 22, 22)])
    made = topology([("big", big), ("hole", hole), ("isles", isles)], grid=23)
    back = {code: shapely.geometry.shape(one) for code, one in features(made).items()}
    assert {code: shape.area for code, shape in back.items()} == pytest.approx(
        {"big": 99.0, "hole": 1.0, "isles": 24.0}
    )
    assert back["isles"].geom_type == "MultiPolygon" and len(back["big"].interiors) == 1
    assert all(shape.is_valid for shape in back.values())
    # big's outside is cut at the two corners it shares with the isle: two arcs; the hole is one arc for both
    assert len(made["arcs"]) == 5


def test_nothing_gives_an_empty_topology() -> None:
    assert features(topology([])) == {}


@pytest.mark.parametrize(
    ("file", "code", "count"),
    [("pak/pak_adm2.geojson", "district_code", 160), ("bgd/bgd_adm2_simplified.geojson", "adm2_pcode", 64)],
)
def test_real_boundaries_are_small_and_true(file: str, code: str, count: int) -> None:
    path = shared_data() / "boundaries" / file
    if not path.exists():
        pytest.skip(f"shared data is absent: {path} does not exist")
    read = json.loads(path.read_text())["features"]
    shapes = [shapely.geometry.shape(one["geometry"]) for one in read]
    thin = list(shapely.coverage_simplify(shapes, 0.003))
    named = [(one["properties"][code], shape) for one, shape in zip(read, thin, strict=True)]
    made = topology(named)
    back = features(made)
    assert len(back) == count
    assert sum(shapely.geometry.shape(one).area for one in back.values()) == pytest.approx(
        sum(shape.area for shape in thin), rel=1e-3
    )
    assert len(json.dumps(made, separators=(",", ":"))) < len(json.dumps([one["geometry"] for one in read])) / 2
