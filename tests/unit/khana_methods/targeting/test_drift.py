"""Drift: a model on its own survey keeps its promise; where a variable stops telling anything, that one is named."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import statsmodels.api as sm
from tests.factories.little_survey import rows, spec, survey

from khana_methods.pmt.fit import Fitted, fit_model
from khana_methods.pmt.score import FeatureMissing
from khana_methods.pmt.spec import read_spec
from khana_methods.targeting.card import make_card
from khana_methods.targeting.drift import measure_drift, score_survey, stability

COLUMNS: dict[str, Any] = {"welfare": "pcc", "size": "size", "weight": "weight", "strata": "stratum", "psu": "psu"}


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return fit_model(survey(2000), read_spec(spec()))


@pytest.fixture(scope="module")
def card(fitted: Fitted) -> dict[str, Any]:
    return make_card(fitted)


def newer(households: int = 2000, *, tv_tells: bool = True, seed: int = 99) -> pa.Table:
    """Return another survey of the same country; where television tells nothing, everybody has one by lot."""
    lot = random.Random(1)
    made = rows(households, seed)
    for row in made:
        if not tv_tells:
            row["pcc"] /= math.exp(0.25 * row["tv"])
            row["tv"] = lot.random() < 0.5
    return pa.Table.from_pylist(made)


def test_another_survey_of_the_same_country_shows_no_drift(fitted: Fitted, card: dict[str, Any]) -> None:
    found = measure_drift(newer(), fitted.model, card=card, columns=COLUMNS)
    assert found["is_drifting"] is False and found["signs"] == []
    assert found["fit"]["r2_now"] == pytest.approx(found["fit"]["r2_then"], abs=0.05)
    assert abs(found["fit"]["slope"] - 1) < 3 * found["fit"]["slope_se"]
    assert [row["then"] is not None for row in found["errors"]] == [True] * 3
    assert {row["variable"] for row in found["variables"]} == {v.code for v in fitted.model.variables}


def test_a_variable_that_tells_nothing_any_more_is_named(fitted: Fitted, card: dict[str, Any]) -> None:
    found = measure_drift(newer(tv_tells=False), fitted.model, card=card, columns=COLUMNS)
    moved = [row for row in found["variables"] if row["has_moved"]]
    assert [row["variable"] for row in moved] == ["tv"] and abs(moved[0]["weight"]) < 0.3
    assert found["is_drifting"] and any(line.startswith("tv weighs") for line in found["signs"])


def test_higher_prices_are_a_bias_and_no_error_and_a_deflator_takes_them_away(fitted: Fitted) -> None:
    table = newer()
    dear = table.set_column(
        table.schema.get_field_index("pcc"), "pcc", pa.array([v * 1.5 for v in table["pcc"].to_pylist()])
    )
    plain, found = (measure_drift(t, fitted.model, columns=COLUMNS) for t in (table, dear))
    same = measure_drift(dear, fitted.model, columns=COLUMNS, deflator=1.5)
    assert [r["now"] for r in found["errors"]] == pytest.approx([r["now"] for r in plain["errors"]])
    assert found["fit"]["bias"] - plain["fit"]["bias"] == pytest.approx(-math.log(1.5))
    assert same["fit"]["bias"] == pytest.approx(plain["fit"]["bias"])
    assert found["errors"][0]["then"] is None and found["errors"][0]["is_worse"] is False


def test_weights_are_those_of_statsmodels(fitted: Fitted) -> None:
    table = newer(600)
    found = measure_drift(table, fitted.model, columns=COLUMNS)
    parts = score_survey(table, fitted.model).contributions
    mass = np.array(table["weight"].to_pylist()) * np.array(table["size"].to_pylist())
    other = sm.WLS(
        np.log(table["pcc"].to_numpy()), sm.add_constant(np.column_stack(list(parts.values()))), weights=mass
    ).fit()
    by_name = dict(zip(parts, other.params[1:] / found["fit"]["slope"], strict=True))
    assert {row["variable"]: row["weight"] for row in found["variables"]} == pytest.approx(by_name)


def test_a_survey_without_the_models_columns_is_refused(fitted: Fitted) -> None:
    with pytest.raises(FeatureMissing, match="wall"):
        measure_drift(newer().drop_columns(["wall"]), fitted.model, columns=COLUMNS)


def test_stability_of_two_scorings() -> None:
    then = [float(n) for n in range(101)]
    assert stability(then, [n + 0.5 for n in then]) == pytest.approx(0, abs=0.02)
    assert (stability(then, [n**2 / 100 for n in then]) or 0) > 0.1
    assert stability([5.0] * 101, then) is None
