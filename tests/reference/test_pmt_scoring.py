"""The set operation and the slow scorer agree on every model and household."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.read import read_model
from khana_methods.pmt.reference import score_one
from khana_methods.pmt.score import score

_points = st.integers(-8, 30).map(lambda n: n / 4)
_policy = st.sampled_from(["reject", "lowest", "highest", "reference"])
TYPES = {
    "levels": pa.string(),
    "bands": pa.float64(),
    "dummy": pa.bool_(),
    "linear": pa.float64(),
    "cumulative": pa.string(),
}


@st.composite
def variables(draw: st.DrawFn, number: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(TYPES)))
    entry: dict[str, Any] = {"code": f"{kind}_{number}", "missing": draw(_policy)}
    if kind == "dummy":
        return entry | {"dummy": draw(_points), "reference": draw(st.booleans())}
    if kind == "bands":
        starts = draw(st.lists(st.integers(0, 5), min_size=1, unique=True))
        return entry | {
            "bands": {start: draw(_points) for start in starts},
            "reference": draw(st.integers(min(starts), 6)),
        }
    if kind == "linear":
        ratio = {"of": f"of_{number}", "to": f"to_{number}"} if draw(st.booleans()) else {}
        told = {"coefficient": draw(_points), "at_least": -1, "at_most": draw(st.integers(-1, 4)), **ratio}
        return entry | {"linear": told, "reference": draw(_points)}
    steps = {level: draw(_points) for level in draw(st.lists(st.sampled_from("abcd"), min_size=1, unique=True))}
    known = [*steps, *("z" if kind == "cumulative" else "")]
    return entry | {kind: steps, "base": "z", "reference": draw(st.sampled_from(known))}


@st.composite
def models(draw: st.DrawFn) -> PmtModel:
    rescale = draw(
        st.sampled_from(
            [
                {"kind": "identity"},
                {"kind": "linear", "minimum": -2, "maximum": 9},
                {"kind": "percentile", "breakpoints": [-1, 0.5, 2, 7.25]},
            ]
        )
    )
    return read_model(
        {
            "code": "M",
            "version": 2,
            "valid_from": date(2026, 1, 1),
            "scale": [0, 100],
            "source": "drawn",
            "mark": "A",
            "intercept": draw(_points),
            "link": draw(st.sampled_from(["identity", "log"])),
            "unseen": draw(st.sampled_from(["reject", "as_missing"])),
            "rescale": rescale,
            "decimals": draw(st.integers(0, 2)),
            "classes": {"low": 3, "high": 50},
            "variables": [draw(variables(number)) for number in range(draw(st.integers(1, 4)))],
        }
    )


def _column(name: str) -> tuple[pa.DataType, st.SearchStrategy[Any]]:
    kind = TYPES.get(name.split("_")[0], pa.float64())
    known = st.booleans() if kind == pa.bool_() else st.sampled_from("abcdzq") if kind == pa.string() else _points
    return kind, st.none() | known


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(memory_mib=256, threads=1) as opened:
        yield opened


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(model=models(), data=st.data())
def test_every_household_is_scored_alike(engine: Engine, model: PmtModel, data: st.DataObject) -> None:
    columns = {name: _column(name) for variable in model.variables for name in variable.columns()}
    rows = data.draw(
        st.lists(st.fixed_dictionaries({n: values for n, (_, values) in columns.items()}), min_size=1, max_size=5)
    )
    schema = pa.schema({"household_id": pa.int64()} | {name: kind for name, (kind, _) in columns.items()})
    frame = pa.Table.from_pylist([{"household_id": i, **row} for i, row in enumerate(rows)], schema=schema)
    fast = sorted(
        score(frame, model, contributions=True, engine=engine).to_pylist(), key=lambda row: row["household_id"]
    )
    for got, features in zip(fast, rows, strict=True):
        slow = score_one(features, model)
        assert got["model"] == slow.model
        assert (got["raw"], got["score"], got["class"]) == (slow.raw, slow.score, slow.class_name)
        assert got["welfare"] == (None if slow.welfare is None else pytest.approx(slow.welfare))
        assert (tuple(got["missing"]), tuple(got["unseen"])) == (slow.missing, slow.unseen)
        for part in slow.contributions:
            assert got[f"c_{part.variable}"] == part.points
