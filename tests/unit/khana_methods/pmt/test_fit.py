"""Fitting: what is scored is what was fitted, what cannot enter says why, and bad surveys are refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from tests.factories.little_survey import SCHOOL, rows, spec, survey

from khana_methods.errors import InputError
from khana_methods.pmt.fit import Fitted, fit_model
from khana_methods.pmt.read import read_model
from khana_methods.pmt.reference import score_one
from khana_methods.pmt.spec import SpecInvalid, load_spec, read_spec
from khana_methods.pmt.survey import SurveyColumnMissing, SurveyTooSmall, SurveyValueMissing


def fitted(table: pa.Table | None = None, **more: Any) -> Fitted:
    return fit_model(survey() if table is None else table, read_spec(spec(**more)))


def outcome(found: Fitted, variable: str) -> tuple[str, str]:
    return next((s.outcome, s.reason) for s in found.screened if s.variable == variable)


@pytest.mark.parametrize("method", ["ols", "wls", "quantile", "poverty_weighted"])
def test_what_was_fitted_is_what_is_scored(method: str) -> None:
    found = fitted(method=method)
    part = found.parts[0]
    assert np.abs(found.inside - part.sample.predict(part.solution)).max() < 1e-12
    document = json.loads(json.dumps(found.document, default=str))
    again = read_model(yaml.safe_load(yaml.safe_dump(document)))
    assert again == found.model
    for number, row in enumerate(rows()[:20]):
        slow = score_one(row, again)
        assert slow.raw == pytest.approx(found.inside[number], abs=1e-12)
    assert {c.variable for c in found.coefficients} == {"intercept", "size", "rooms_per_head", "wall", "school", "tv"}
    assert all(c.standard_error is not None and c.standard_error > 0 for c in found.coefficients)


def test_the_figures_outside_the_sample_come_from_fits_without_the_unit() -> None:
    found = fitted()
    folds = {unit: set(found.fold[found.survey.unit == unit]) for unit in range(40)}
    assert all(len(dealt) == 1 for dealt in folds.values())
    assert sorted(np.bincount(found.fold)) == [80] * 5
    part, away = found.parts[0], found.fold == 2
    by_hand = part.sample.predict(part.sample.solve(~away))
    assert np.array_equal(found.outside[away], by_hand[away])
    assert found.r2(found.outside) < found.r2(found.inside)


def test_what_cannot_enter_says_why() -> None:
    each = rows()
    table = survey(
        same=[1] * 400, empty=pa.array([None] * 400, pa.float64()), twice=[2.0 * r["size"] for r in each],
        name=[f"household {r['hh']}" for r in each], seldom=[1 if n < 40 else None for n in range(400)],
        brick=[r["wall"] == "brick" for r in each], cement=[int(r["wall"] == "cement") for r in each],
        day=pa.array([18000] * 400, pa.date32()),
    )  # fmt: skip
    asked = [
        "size",
        "twice",
        "same",
        "empty",
        "name",
        "seldom",
        "wall",
        "brick",
        "cement",
        "day",
        {"column": "rooms", "missing": "lowest"},
    ]
    found = fitted(table, regressors=asked)
    assert outcome(found, "twice") == ("dropped", "perfectly collinear: size determine it")
    assert outcome(found, "same")[1].startswith("constant")
    assert outcome(found, "empty")[1] == "no household has a value"
    assert "400 different texts" in outcome(found, "name")[1]
    assert outcome(found, "seldom")[1].startswith("90.0% of households have no value")
    assert outcome(found, "brick")[0] == outcome(found, "cement")[0] == "dropped"
    assert "date" in outcome(found, "day")[1]
    assert "write C(rooms)" in outcome(found, "rooms")[1]
    assert [v.code for v in found.model.variables] == ["size", "wall", "rooms"]


def test_the_screening_that_was_asked_for() -> None:
    lot = np.random.default_rng(3)
    table = survey(noise=lot.normal(size=400).tolist())
    asked = [*spec()["regressors"], "noise", {"code": "rooms_again", "column": "rooms", "sign": "-"}]
    found = fitted(table, regressors=asked, screening={"p_value": 0.05, "signs": True, "min_households": 5})
    assert outcome(found, "noise")[1].startswith("not significant: p = ")
    assert outcome(found, "rooms_again")[0] == "dropped"
    assert outcome(found, "size") == ("kept", "")


def test_codes_of_any_type_are_one_level() -> None:
    codes = [{"mud": 1, "brick": 2, "cement": 3}[r["wall"]] for r in rows()]
    raws = []
    for values in (codes, [float(c) for c in codes], [str(c) for c in codes], [f" {c}" for c in codes]):
        found = fitted(survey(wall=values), regressors=["C(wall)", "tv"])
        raws.append(found.inside)
        assert set(found.model.variables[0].effect.points) == {"1", "2", "3"}  # type: ignore[union-attr]
    assert all(np.array_equal(raws[0], other) for other in raws)


def test_welfare_by_head_by_adult_and_as_a_logarithm() -> None:
    each = rows()
    whole = survey(
        total=[r["pcc"] * r["size"] for r in each],
        log=[float(np.log(r["pcc"])) for r in each],
        kids=[r["size"] // 2 for r in each],
    )
    first = fitted().inside
    assert fitted(whole, welfare="total", welfare_is="household").inside == pytest.approx(first)
    assert fitted(whole, welfare="log", welfare_is="log_per_head").inside == pytest.approx(first)
    adult = fitted(
        whole, welfare="total", welfare_is="household", equivalence={"children": "kids", "child": 0.5, "theta": 0.9}
    )
    heads = [(r["size"] - 0.5 * (r["size"] // 2)) ** 0.9 for r in each]
    assert adult.survey.welfare == pytest.approx([r["pcc"] * r["size"] / h for r, h in zip(each, heads, strict=True)])


def test_one_formula_for_each_kind_of_place() -> None:
    found = fitted(separate="place")
    assert set(found.model.parts) == {"urban", "rural"}
    assert found.r2(found.inside) > fitted().r2(fitted().inside)
    odd = {**rows()[0], "place": "island"}
    assert score_one(odd, found.model).score is None
    assert score_one(odd, found.model).unseen == ("place",)
    assert score_one({**odd, "place": None}, found.model).missing == ("place",)


def test_area_effects_bands_caps_and_transforms() -> None:
    asked = [
        {"column": "size", "transform": "log"}, {"code": "size_bands", "column": "size", "bands": [1, 4, 7]},
        {"code": "size_square", "column": "size", "transform": "square"},
    ]  # fmt: skip
    found = fitted(regressors=asked, area_effects="stratum", rescale={"kind": "percentile"}, missing="lowest")
    assert [v.code for v in found.model.variables] == ["size", "size_bands", "size_square", "area_stratum"]
    part = found.parts[0]
    assert np.abs(found.inside - part.sample.predict(part.solution)).max() < 1e-12
    same = {"size": 6, "stratum": "s1"}
    assert score_one(same, found.model).raw is not None


def test_scores_spread_over_the_scale_and_classes() -> None:
    found = fitted(
        classes={"first": 33, "second": 66, "third": 100}, rescale={"kind": "linear", "minimum": 7, "maximum": 9}
    )
    low = score_one(dict(rows()[0], size=8, rooms=1, wall="mud", school="none", tv=False), found.model)
    assert low.score is not None and 0 < low.score < 40 and low.class_name in ("first", "second")
    assert read_model(fitted(rescale="identity").document).rescale.kind == "identity"


@pytest.mark.parametrize(
    ("columns", "more", "told"),
    [
        ({"weight": [None] + [1.0] * 399}, {}, "1 of 400 have no weight"),
        ({"weight": [-1.0] + [1.0] * 399}, {}, "or a negative one"),
        ({"size": [0] + [1] * 399}, {}, "have no members"),
        ({"stratum": [None] + ["a"] * 399}, {}, "have no stratum"),
        ({"psu": [None] + [1] * 399}, {}, "have no sampling unit"),
        ({"pcc": [0.0] + [1.0] * 399}, {"nonpositive": "refuse"}, "zero or negative welfare"),
    ],
)
def test_what_would_bias_in_silence_is_refused(columns: dict[str, list[Any]], more: dict[str, Any], told: str) -> None:
    with pytest.raises(SurveyValueMissing, match=told):
        fitted(survey(**columns), **more)


def test_what_has_no_logarithm_is_left_out_and_counted() -> None:
    pcc = [r["pcc"] for r in rows()]
    table = survey(pcc=[0.0, -5.0, None, *pcc[3:]], weight=[1.0] * 399 + [0.0])
    found = fitted(table)
    assert found.survey.left_out == (
        ("no welfare", 1), ("negative welfare has no logarithm", 1), ("zero welfare has no logarithm", 1), ("a weight of zero", 1),
    )  # fmt: skip
    assert len(found.inside) == 396


def test_a_stratum_of_one_unit_is_refused_or_settled_as_asked() -> None:
    strata = ["alone"] * 10 + [r["stratum"] for r in rows()[10:]]
    with pytest.raises(InputError, match="1 strata have one sampling unit"):
        fitted(survey(stratum=strata), single="refuse")
    errors = [
        fitted(survey(stratum=strata), single=single).coefficients[1].standard_error
        for single in ("certainty", "centre")
    ]
    assert errors[0] is not None and errors[1] is not None and errors[0] < errors[1]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"welfare": "pc"}, SurveyColumnMissing),
        ({"folds": 50, "psu": "stratum"}, SurveyTooSmall),
        ({"regressors": ["hh_name"]}, SurveyColumnMissing),
        ({"regressors": [{"column": "wall", "kind": "number"}]}, SurveyTooSmall),
    ],
)
def test_a_survey_that_does_not_suffice_is_refused(more: dict[str, Any], error: type[InputError]) -> None:
    with pytest.raises(error):
        fitted(**more)


def test_the_nearest_column_is_named() -> None:
    with pytest.raises(SurveyColumnMissing, match=r"romms \(is it rooms\?\)"):
        fitted(regressors=["romms"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"welfare": None}, "welfare names"),
        ({"regressors": []}, "regressors is a list"),
        ({"regressors": ["a", "A"]}, "stands twice"),
        ({"regressors": [{"column": "a", "kind": "colour"}]}, "kind is one of"),
        ({"regressors": [{"column": "a", "at_least": 3, "at_most": 2}]}, "not under"),
        ({"regressors": [{"column": "a", "size": 1}]}, "no key of a regressor"),
        ({"regressors": [{"column": "a", "kind": "cumulative"}]}, "order lists"),
        ({"regressors": [{"column": "a", "code": "b", "expression": "rooms"}]}, "of its own code"),
        ({"method": "lasso"}, "method is one of"),
        ({"method": "wls", "weight": None}, "wls needs a weight"),
        ({"colour": 1}, "no key of a SPEC"),
        ({"poor_share": 1.5}, "between 0 and 1"),
        ({"folds": 1}, "folds is a whole number"),
        ({"cut_offs": [20]}, "cut_offs are shares"),
        ({"rescale": {"kind": "linear", "minimum": 3, "maximum": 2}}, "not under its maximum"),
        ({"screening": {"vif": 2}}, "screening has the keys"),
        ({"equivalence": {"theta": 2}}, "equivalence names"),
        ({"equity": ["sex"]}, "equity names"),
        ({"valid_from": "soon"}, "valid_from is a day"),
        ({"welfare_is": "household", "size": None}, "needs a size"),
    ],
)
def test_a_spec_is_refused_with_its_mistakes(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecInvalid) as caught:
        read_spec(spec(**change))
    assert told in caught.value.message


def test_a_spec_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(yaml.safe_dump(spec(valid_from="2026-01-01")), encoding="utf-8")
    assert load_spec(file).regressors[3].order == tuple(SCHOOL)
    file.write_bytes(b"\xff\xfe\x00[")
    with pytest.raises(SpecInvalid, match="is not YAML"):
        load_spec(file)
    with pytest.raises(SpecInvalid, match="is a mapping"):
        read_spec([1])
