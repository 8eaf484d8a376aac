"""Public scorecards and a formula, on households scored by hand: the slow scorer, the set operation, the sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.model import Bands, Dummy, Levels, PmtModel
from khana_methods.pmt.read import load_model
from khana_methods.pmt.reference import score_one
from khana_methods.pmt.score import score

FOLDER = Path(__file__).parent
MODELS = {file.name: load_model(file) for file in FOLDER.glob("*-*.yaml")}
CASES = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))


def features_of(case: dict[str, Any], model: PmtModel) -> dict[str, Any]:
    """Return the answers of a case, None where not answered."""
    columns = {column for variable in model.variables for column in variable.columns()}
    told = {name: None if value == "?" else value for name, value in case["features"].items()}
    return {column: told.get(column) for column in sorted(columns)}


def named(case: dict[str, Any]) -> str:
    return f"{case['model']}: {case['case']}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_household_scored_by_hand(case: dict[str, Any]) -> None:
    model = MODELS[case["model"]]
    features = features_of(case, model)
    slow = score_one(features, model)
    expected = None if case["score"] == "none" else case["score"]
    assert slow.score == expected
    if case["sum"]:
        assert slow.score == pytest.approx(eval(case["sum"], {}), abs=0.005)
    assert slow.class_name == case.get("class", slow.class_name)
    for line, percent in case.get("likelihood", {}).items():
        assert model.likelihood(line, slow.score or 0) == percent
    schema = pa.schema({"household_id": pa.int64()} | {c: _type(model, c) for c in features})
    (fast,) = score(pa.Table.from_pylist([{"household_id": 1, **features}], schema=schema), model).to_pylist()
    assert fast["score"] == slow.score
    assert (tuple(fast["missing"]), tuple(fast["unseen"]), fast["class"]) == (
        slow.missing,
        slow.unseen,
        slow.class_name,
    )


def _type(model: PmtModel, column: str) -> pa.DataType:
    effect = next((variable.effect for variable in model.variables if variable.code == column), None)
    if isinstance(effect, Dummy):
        return pa.bool_()
    return pa.string() if isinstance(effect, Levels) or column == "head_education" else pa.float64()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "linear-test.yaml"])
def test_the_points_of_a_scorecard_end_at_a_hundred(name: str) -> None:
    ends = [variable.effect.extremes() for variable in MODELS[name].variables]
    assert sum(end[0] for end in ends if end) == 0
    assert sum(end[1] for end in ends if end) == 100


def test_variables_are_made_from_facts_by_their_expressions() -> None:
    from khana_methods.pmt.score import features_sql

    model = MODELS["pak-2009.yaml"]
    wanted = {variable.code for variable in model.variables if variable.expression}
    with Engine(memory_mib=256, threads=1) as engine:
        facts = {"has_fridge": False, "has_freezer": True, "has_tv": None, "has_motorcycle": False, "has_car": None}
        engine.register(
            "household", pa.table({"household_id": [1], **{name: [value] for name, value in facts.items()}})
        )
        engine.register("member", pa.table({"household_id": [1, 1], "person_id": [1, 2], "age": [13, 14]}))
        (row,) = engine.table(features_sql(model)).to_pylist()
    assert set(row) == wanted | {"household_id"}
    assert row == {
        "household_id": 1,
        "members_to_13": 1.0,
        "has_fridge_or_freezer": True,
        "has_television": None,
        "has_vehicle": None,
    }
    assert isinstance(model.variables[1].effect, Bands)
