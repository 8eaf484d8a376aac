"""Fit a poverty model on a survey: one model object, its coefficients, and predictions inside and outside the sample.

`fit_model` is the whole of it: candidates are screened with reasons, the formula is estimated under the survey's
design, and every household is predicted by a fit that never saw its sampling unit. What is scored afterwards is the
`PmtModel` of this result, so that fitted and scored are equal to the digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.features import column_types, prepared_sql
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.read import read_model
from khana_methods.pmt.sample import Sample, Solution, deal_folds, one_thread
from khana_methods.pmt.score import score
from khana_methods.pmt.screen import Screened, complete_rows, make_terms, only_rows, without_dependents
from khana_methods.pmt.spec import FitSpec
from khana_methods.pmt.survey import Survey, SurveyTooSmall, read_survey, read_texts
from khana_methods.pmt.terms import Numbers, Term, names_of, variable_document

Tell = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One number of the formula; `part` is the kind of place where there is a formula for each.

    Standard error, t and p are None for a level that counts as the reference.
    """

    part: str
    variable: str
    level: str
    value: float
    standard_error: float | None
    t: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """One estimated formula: of the whole survey, or of one kind of place. `rows` is where it holds."""

    name: str
    sample: Sample
    solution: Solution
    rows: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model and all that its card is made of.

    Attributes:
        spec: What was asked.
        model: The model that scores.
        document: The model as a file holds it; `pmt.read.read_model` makes the model of it.
        survey: The rows that were fitted on.
        coefficients: Constant and terms, part by part.
        screened: What became of each candidate.
        inside: Log welfare of each row as the model scores it.
        outside: Log welfare of each row by a fit without its fold.
        fold: Fold of each row.
        weights: What each row weighs in the estimate.
        parts: The estimated formulas.
    """

    spec: FitSpec
    model: PmtModel
    document: dict[str, Any]
    survey: Survey
    coefficients: tuple[Coefficient, ...]
    screened: tuple[Screened, ...]
    inside: Numbers
    outside: Numbers
    fold: npt.NDArray[np.int64]
    weights: Numbers
    parts: tuple[Part, ...]

    def r2(self, predicted: Numbers) -> float:
        """Return 1 less the share of the variance of log welfare that is left, by the weights of the estimate."""
        return r2_of(np.log(self.survey.welfare), predicted, self.weights)


def fit_model(frame: pa.Table, spec: FitSpec, *, engine: Engine | None = None, tell: Tell | None = None) -> Fitted:
    """Fit a model on a survey.

    Args:
        frame: n rows, one per household.
        spec: What to fit.
        engine: Where columns are read; a small one of its own by default.
        tell: Told of progress: done, total, what.

    Returns:
        The fitted model; its raw figure is log welfare per head, a lower one poorer.

    Raises:
        SurveyColumnMissing: A column that the SPEC names is not there.
        SurveyValueMissing: Weights, sizes, strata or units cannot be used.
        SurveyTooSmall: Too few households, units or variables are left.

    Source:
        Grosh and Baker 1995, Proxy Means Tests for Targeting Social Programs, LSMS WP 118; folds over sampling
        units: Brown, Ravallion and van de Walle 2018, Journal of Development Economics 134.

    Examples:
        >>> from khana_methods.pmt.spec import read_spec
        >>> frame = pa.table({"y": [math.exp(1 + 0.5 * (n % 7) + 0.1 * (n % 3)) for n in range(60)],
        ...                   "rooms": [n % 7 for n in range(60)]})
        >>> found = fit_model(frame, read_spec({"welfare": "y", "regressors": ["rooms"]}))
        >>> [(c.variable, round(c.value, 1)) for c in found.coefficients], round(found.r2(found.inside), 2)
        ([('intercept', 1.1), ('rooms', 0.5)], 0.99)
    """
    if engine is None:
        with Engine(memory_mib=1024, threads=1) as own:
            return fit_model(frame, spec, engine=own, tell=tell)
    tell = tell or (lambda _done, _total, _what: None)
    survey = read_survey(frame, spec, engine)
    terms, screened = make_terms(survey, spec, engine)
    if not terms:
        raise SurveyTooSmall("No variable of the SPEC is left to fit on: " + _reasons(screened), variables=0)
    rows = complete_rows(terms, len(survey.welfare))
    by = _kinds_of_place(survey, spec, engine)
    rows &= np.array([value is not None for value in by])
    survey = survey.only(rows, "a variable of the model has no value")
    terms, by = only_rows(terms, rows), by[rows]
    fold = deal_folds(survey, spec.folds, spec.seed)
    _check_size(survey, spec, terms)
    with one_thread():
        parts, inside, outside, weights = _solve_parts(survey, terms, by, fold, spec, tell)
    for part in parts:
        screened += [replace(s, reason=_of(part, s.reason)) for s in _after(part)]
    document = _document(spec, parts, inside, survey)
    model = read_model(document)
    return Fitted(
        spec, model, document, survey, tuple(c for part in parts for c in _coefficients(part)), _merged(screened),
        _scored(survey, model, engine), outside, fold, weights, parts,
    )  # fmt: skip


def r2_of(actual: Numbers, predicted: Numbers, weights: Numbers) -> float:
    """Return 1 less the weighted share of the variance that is left.

    Examples:
        >>> round(r2_of(np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), np.ones(3)), 3)
        0.5
    """
    middle = np.average(actual, weights=weights)
    return float(1 - np.sum(weights * (actual - predicted) ** 2) / np.sum(weights * (actual - middle) ** 2))


def _reasons(screened: Sequence[Screened]) -> str:
    return "; ".join(f"{s.variable}: {s.reason}" for s in screened if s.outcome == "dropped") + "."


def _kinds_of_place(survey: Survey, spec: FitSpec, engine: Engine) -> npt.NDArray[np.object_]:
    """Return the kind of place of each row where there is a formula for each; one kind otherwise."""
    if not spec.separate:
        return np.full(len(survey.welfare), "", dtype=object)
    engine.register("pmt_survey", survey.frame)
    return read_texts(engine, "pmt_survey", spec.separate, column_types(engine, "pmt_survey")[spec.separate])


def _check_size(survey: Survey, spec: FitSpec, terms: Sequence[Term]) -> None:
    columns = 1 + sum(len(term.labels) for term in terms)
    units = len(np.unique(survey.unit))
    if len(survey.welfare) < columns + 2:
        raise SurveyTooSmall(
            f"{len(survey.welfare)} complete households are too few for {columns} columns.",
            households=len(survey.welfare),
        )
    if units < spec.folds:
        raise SurveyTooSmall(f"{units} sampling units are too few for {spec.folds} folds.", units=units)


def _solve_parts(
    survey: Survey, terms: Sequence[Term], by: npt.NDArray[np.object_], fold: npt.NDArray[np.int64], spec: FitSpec, tell: Tell
) -> tuple[tuple[Part, ...], Numbers, Numbers, Numbers]:  # fmt: skip
    """Estimate each formula on all its rows and on all folds but one."""
    inside, outside, weights = (np.full(len(by), np.nan) for _ in range(3))
    parts = []
    names = sorted({str(value) for value in by})
    total = len(names) * (spec.folds + 1)
    for number, name in enumerate(names):
        rows = by == name
        own = [term for term in only_rows(terms, rows) if term.labels] if spec.separate else list(terms)
        sample = Sample(survey.only(rows), own, spec)
        if sample.households < sample.x.shape[1] + 2:
            raise SurveyTooSmall(
                f"The part '{name}' has too few households for its columns.", households=sample.households
            )
        every = np.ones(sample.households, dtype=np.bool_)
        solution = sample.solve(every, spread=True)
        tell(number * (spec.folds + 1) + 1, total, "fitting")
        parts.append(Part(name, sample, solution, rows))
        inside[rows], weights[rows] = sample.predict(solution), sample.weights(every)
        done = partial(_tell_fold, tell, number * (spec.folds + 1) + 2, total)
        outside[rows] = _without_own_fold(sample, fold[rows], spec.folds, done)
    return tuple(parts), inside, outside, weights


def _tell_fold(tell: Tell, before: int, total: int, at: int) -> None:
    tell(before + at, total, "fitting")


def _without_own_fold(sample: Sample, fold: npt.NDArray[np.int64], folds: int, done: Callable[[int], None]) -> Numbers:
    """Predict each row by a fit on the other folds."""
    made = np.full(sample.households, np.nan)
    for at in range(folds):
        away = fold == at
        if away.any():
            made[away] = sample.predict(sample.solve(~away))[away]
        done(at)
    return made


def _after(part: Part) -> list[Screened]:
    """Say what the estimate itself took out."""
    dropped = [Screened(code, "dropped", reason) for code, reason in part.solution.screened]
    return [*without_dependents(part.sample.terms, part.solution.dependents), *dropped]


def _of(part: Part, reason: str) -> str:
    return f"{part.name}: {reason}" if part.name else reason


def _merged(screened: Sequence[Screened]) -> tuple[Screened, ...]:
    """Return one line per candidate, what came last deciding, all reasons kept."""
    found: dict[str, Screened] = {}
    for each in screened:
        before = found.get(each.variable)
        reason = "; ".join(filter(None, [before.reason if before else "", each.reason]))
        found[each.variable] = Screened(each.variable, each.outcome, reason)
    return tuple(found.values())


def _coefficients(part: Part) -> list[Coefficient]:
    """Return the constant and the terms of one formula with their standard errors."""
    from scipy.stats import t as student

    solution = part.solution
    made = []
    for at, (variable, level) in enumerate([("intercept", ""), *names_of(part.sample.terms)]):
        variance = float(solution.covariance[at, at])
        value, error = float(solution.coefficients[at]), math.sqrt(variance) if variance >= 0 else None
        ratio = value / error if error else None
        p = None if ratio is None else float(2 * student.sf(abs(ratio), solution.degrees))
        made.append(Coefficient(part.name, variable, level, value, error, ratio, p))
    return made


def _document(spec: FitSpec, parts: Sequence[Part], inside: Numbers, survey: Survey) -> dict[str, Any]:
    """Write the fitted model as a file holds it."""
    low, high = float(inside.min()), float(inside.max())
    rescale, scale = _rescale(spec, inside, survey.mass(spec.basis), low, high)
    made: dict[str, Any] = {
        "code": spec.code, "version": spec.version, "valid_from": spec.valid_from, "valid_to": spec.valid_to,
        "link": "log", "rescale": rescale, "scale": scale, "decimals": spec.decimals,
        "missing": spec.missing, "unseen": spec.unseen, "classes": dict(spec.classes),
        "source": spec.source, "mark": spec.mark,
        "calibration": {
            "data": spec.data, "welfare": f"log of {spec.welfare}", "households": len(inside),
            "r2": r2_of(np.log(survey.welfare), inside, _weights_of(parts, len(inside))),
            "currency": spec.currency, "price_year": str(spec.price_year),
        },
    }  # fmt: skip
    if made["valid_to"] is None:
        del made["valid_to"]
    told = {part.name: _formula(part, spec) for part in parts}
    if not spec.separate:
        return made | next(iter(told.values()))
    return made | {"by": spec.separate, "models": told}


def _weights_of(parts: Sequence[Part], rows: int) -> Numbers:
    made = np.zeros(rows)
    for part in parts:
        made[part.rows] = part.sample.weights(np.ones(part.sample.households, dtype=np.bool_))
    return made


def _formula(part: Part, spec: FitSpec) -> dict[str, Any]:
    """Write the intercept and the variables of one formula; a variable that was taken out is not in it."""
    told = part.solution.coefficients
    out = {code for code, _ in part.solution.screened}
    variables = []
    for term, place in zip(part.sample.terms, part.sample.places, strict=True):
        all_lost = all(at in part.solution.dependents for at in range(place.start, place.stop))
        if term.code not in out and not all_lost:
            variables.append(variable_document(term, told[place].tolist(), spec.missing))
    return {"intercept": float(told[0]), "variables": variables}


def _rescale(
    spec: FitSpec, inside: Numbers, mass: Numbers, low: float, high: float
) -> tuple[dict[str, Any], list[float]]:
    """Return the rescaling with its ends, and the scale that it leads to."""
    kind = spec.rescale["kind"]
    if kind == "percentile":
        order = np.argsort(inside, kind="stable")
        reached = np.cumsum(mass[order]) / mass.sum()
        places = np.minimum(np.searchsorted(reached, np.arange(1, 100) / 100), len(order) - 1)
        points = inside[order][places].tolist()
        return {"kind": "percentile", "breakpoints": sorted(set(points))}, [0.0, 100.0]
    if kind == "identity":
        return {"kind": "identity"}, [math.floor(low) - 5.0, math.ceil(high) + 5.0]
    ends = {
        "minimum": float(spec.rescale.get("minimum", math.floor(low * 100) / 100)),
        "maximum": float(spec.rescale.get("maximum", math.ceil(high * 100) / 100)),
    }
    if ends["minimum"] >= ends["maximum"]:
        ends["maximum"] = ends["minimum"] + 1
    return {"kind": "linear", **ends}, [0.0, 100.0]


def _scored(survey: Survey, model: PmtModel, engine: Engine) -> Numbers:
    """Return the raw figure of each row by the model itself: what is reported is what is scored."""
    engine.register("pmt_survey", survey.frame.append_column("khana_row", pa.array(range(survey.frame.num_rows))))
    kinds = column_types(engine, "pmt_survey")
    features = engine.table(prepared_sql(model, "pmt_survey", kinds, key="khana_row"))
    engine.drop("pmt_survey")
    scores = score(features, model, engine=engine).sort_by("household_id")
    raw: Numbers = scores.column("raw").to_numpy(zero_copy_only=False).astype(float)
    return raw
