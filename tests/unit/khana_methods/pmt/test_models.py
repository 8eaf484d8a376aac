"""Models are read whole or refused with every mistake; scores are explained; cut-offs stay on the scale."""

from __future__ import annotations

import doctest
import importlib
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from khana_methods.pmt.evaluate import NothingToEvaluate, fit, heaping
from khana_methods.pmt.model import CutOffOutsideScale, LikelihoodUnknown, ModelNotInForce
from khana_methods.pmt.read import ModelInvalid, load_model, read_model
from khana_methods.pmt.reference import explain_score, score_one
from khana_methods.pmt.score import FeatureMissing, score

GOOD: dict[str, Any] = {
    "code": "M",
    "version": 1,
    "valid_from": date(2026, 1, 1),
    "valid_to": date(2027, 1, 1),
    "scale": [0, 100],
    "source": "made up",
    "mark": "A",
    "variables": [{"code": "tv", "label": "Television", "dummy": 7}],
    "likelihood": {
        "line": {"kind": "band", "percent": {0: 95.4, 5: 95.0, 95: 0}},
        "other": {"kind": "point", "percent": {0: 90}},
    },
}


@pytest.mark.parametrize("name", ["model", "read", "score", "reference", "evaluate"])
def test_examples_in_the_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"khana_methods.pmt.{name}")).failed == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": ""}, "source is missing"),
        ({"colour": "red"}, "'colour' is no key of a model"),
        ({"valid_from": "soon"}, "are days"),
        ({"scale": [100, 0]}, "scale is two numbers"),
        ({"link": "probit"}, "link is one of"),
        ({"missing": "guess"}, "missing is one of"),
        ({"rescale": {"kind": "cube"}}, "rescale is one of"),
        ({"rescale": {"kind": "linear", "minimum": 2, "maximum": 1}}, "minimum below its maximum"),
        ({"rescale": {"kind": "percentile", "breakpoints": [2, 1]}}, "breakpoints that rise"),
        ({"variables": ["tv"]}, "has no code"),
        ({"variables": [{"code": "tv"}]}, "has one of levels"),
        ({"variables": [{"code": "tv", "dummy": 1, "levels": {"a": 1}}]}, "has one of levels"),
        ({"variables": [{"code": "tv", "dummy": "much"}]}, "are not in order"),
        ({"variables": [{"code": "tv", "dummy": 1, "size": 2}]}, "is no key of a variable"),
        ({"variables": [{"code": "tv", "dummy": 1}, {"code": "tv", "dummy": 2}]}, "stands twice"),
        ({"variables": [{"code": "tv", "dummy": 1, "missing": "reference"}]}, "needs a reference"),
        ({"variables": [{"code": "tv", "dummy": 1, "missing": "guess"}]}, "missing is one of"),
        ({"variables": [{"code": "n", "linear": {"coefficient": 1}, "missing": "lowest"}]}, "needs both caps"),
        ({"variables": [{"code": "n", "linear": {"coefficient": 1, "of": "a"}}]}, "of with to"),
        ({"variables": [{"code": "n", "linear": {"coefficient": 1, "at_least": 2, "at_most": 1}}]}, "over at_most"),
        ({"variables": [{"code": "n", "linear": {"coefficient": 1, "of": 3, "to": "c"}}]}, "names of columns"),
        ({"variables": [{"code": "n", "linear": {"coefficient": 1, "at_most": "9"}}]}, "are numbers"),
        ({"version": "one"}, "version is a whole number"),
        ({"intercept": "much"}, "intercept is a number"),
        ({"rescale": "linear"}, "rescale is one of"),
        ({"variables": {"tv": 1}}, "variables is a list"),
        ({"classes": {"poor": "low"}}, "classes give"),
        ({"classes": ["poor"]}, "classes is a mapping"),
        ({"calibration": {"colour": "red"}}, "no key of calibration"),
        ({"likelihood": {"line": {"kind": "curve"}}}, "point or band"),
        ({"likelihood": {"line": {"kind": "point", "percent": {0: "all"}}}}, "by whole score"),
        ({"variables": [{"code": "w", "levels": {"a": 1}, "missing": "reference", "reference": "b"}]}, "no value that"),
        ({"variables": [{"code": "w", "dummy": 1, "missing": "reference", "reference": "b"}]}, "no value that"),
        ({"variables": [{"code": "w", "bands": {2: 1}, "missing": "reference", "reference": 1}]}, "no value that"),
        ({"variables": [{"code": "e", "cumulative": {"a": 1}}]}, "need a base"),
        ({"variables": [{"code": "tv", "dummy": 1, "expression": "has_telly"}]}, "There is no fact 'has_telly'"),
    ],
)
def test_a_model_is_refused_with_its_mistakes(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelInvalid) as caught:
        read_model(GOOD | change)
    assert told in caught.value.message


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelInvalid):
        read_model([1, 2])
    file = tmp_path / "model.yaml"
    for content in (b"code: [", b"\xff\xfe\x00"):
        file.write_bytes(content)
        with pytest.raises(ModelInvalid, match=r"is not YAML"):
            load_model(file)


def test_a_model_holds_between_its_days_and_on_its_scale() -> None:
    model = read_model(GOOD)
    model.check_in_force(date(2026, 6, 1))
    for day in (date(2025, 12, 31), date(2027, 1, 1)):
        with pytest.raises(ModelNotInForce):
            model.check_in_force(day)
    model.check_cut_off(100)
    with pytest.raises(CutOffOutsideScale):
        model.check_cut_off(101)


def test_a_likelihood_is_looked_up_and_never_invented() -> None:
    model = read_model(GOOD)
    assert model.likelihood("line", 7) == 95.0
    assert model.likelihood("line", 100) == 0
    for line, at in (("line", 12), ("other", 3), ("other", 0.5), ("none", 0)):
        with pytest.raises(LikelihoodUnknown):
            model.likelihood(line, at)


def test_a_score_is_explained_variable_by_variable() -> None:
    model = read_model(GOOD)
    assert explain_score(score_one({"tv": True}, model)) == "Television: True: +7 of at most 7\nScore 7 by M/1."
    refused = score_one({}, model)
    assert (refused.score, refused.missing, refused.unseen) == (None, ("tv",), ())
    assert explain_score(refused) == "Television: not answered: no score is possible\nNo score."
    levels = read_model(GOOD | {"variables": [{"code": "wall", "levels": {"mud": 1}}]})
    assert "(not known to the model)" in explain_score(score_one({"wall": "gold"}, levels))


def test_a_frame_without_a_column_is_refused() -> None:
    with pytest.raises(FeatureMissing) as caught:
        score(pa.table({"household_id": [1]}), read_model(GOOD))
    assert caught.value.details["columns"] == ["tv"]


def test_fit_is_told_by_group_and_weighted() -> None:
    frame = pa.table(
        {"p": [1.0, 2.0, 4.0, 9.0], "y": [1.0, 3.0, 5.0, None], "w": [1, 1, 2, 1], "g": ["a", "a", "b", "b"]}
    )
    whole, a, b = fit(frame, predicted="p", actual="y", weight="w", group="g")
    assert (whole.group, whole.households, a.households, b.households) == ("", 3, 2, 1)
    assert whole.bias == pytest.approx(-0.75)
    assert whole.r2 == pytest.approx(1 - 3 / 11)
    assert b.r2 is None
    with pytest.raises(NothingToEvaluate):
        fit(frame.slice(3), predicted="p", actual="y")


def test_heaping_without_anybody_above_has_no_ratio() -> None:
    assert heaping(pa.table({"s": [31.0]}), score="s", cut_off=31).ratio is None
