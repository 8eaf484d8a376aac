"""What a fitted model does to people: errors at every cut-off inside and outside the sample, by group, and beside others.

Inside the sample a model knows the answers; only the figures outside it (each household judged by a fit that never saw
her sampling unit) say what a registry will get. Both always stand side by side, with design-based standard errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from khana_methods.engine.duckdb import Engine
from khana_methods.pmt.benchmark import NAME, boosted
from khana_methods.pmt.features import column_types
from khana_methods.pmt.fit import Fitted, r2_of
from khana_methods.pmt.reference import score_of_raw
from khana_methods.pmt.sample import Sample, one_thread
from khana_methods.pmt.spec import METHODS, FitSpec
from khana_methods.pmt.survey import read_numbers, read_texts
from khana_methods.targeting.linearise import area_under_roc, measured, ratio
from khana_methods.targeting.ranks import cells, choose, line_at

Numbers = npt.NDArray[np.float64]
Row = dict[str, Any]
HEADLINE = (0.1, 0.2, 0.3)
SIZES = (500, 1000, 2000, 3000, 5000, 10_000, 20_000, 40_000)
DRAWS = 5
_SIZE_CLASSES = ((1, 2), (3, 4), (5, 6), (7, 8), (9, None))
_BY_NAME = {
    "sex of head": re.compile(r"head.*(female|fem|sex|gender|woman)|(female|fem|sex|gender).*head", re.I),
    "area": re.compile(r"^(region|province|state|division|district|area|urban|rural|milieu|zone|urbrur)(_|$)", re.I),
}


def error_table(fitted: Fitted) -> list[Row]:
    """Return the errors at every cut-off, both kinds of cut-off, inside and outside the sample.

    Returns:
        One row for each poor share (the SPEC's `cut_offs`, and its own share or line), sample and mode. `cut_off` is
        in log welfare as the model predicts it, `cut_off_score` the same as a score.

    Source:
        Brown, Ravallion and van de Walle 2018: both modes, and out of sample.
    """
    survey, spec = fitted.survey, fitted.spec
    mass = survey.mass(spec.basis)
    shares: list[tuple[float, float]] = [(share, line_at(survey.welfare, mass, share)) for share in spec.cut_offs]
    own = _own_line(fitted, mass)
    if not any(abs(share - own[0]) < 1e-9 for share, _ in shares):
        shares.append(own)
    rows = []
    for share, line in sorted(shares):
        for sample, predicted in (("in", fitted.inside), ("out", fitted.outside)):
            for mode in ("quantile", "absolute"):
                rows.append(_errors(fitted, predicted, mass, share, line, mode) | {"sample": sample})
    return rows


def _own_line(fitted: Fitted, mass: Numbers) -> tuple[float, float]:
    """Return the SPEC's own poor share and line."""
    spec, welfare = fitted.spec, fitted.survey.welfare
    if spec.line is not None:
        return float(mass[welfare <= spec.line].sum() / mass.sum()), spec.line
    return spec.poor_share, line_at(welfare, mass, spec.poor_share)


def _errors(fitted: Fitted, predicted: Numbers, mass: Numbers, share: float, line: float, mode: str) -> Row:
    """Return one row of the table of errors."""
    welfare = fitted.survey.welfare
    design = fitted.survey.design(fitted.spec.single, np.ones(len(welfare), dtype=np.bool_))
    chosen = (
        choose(predicted, mass, share=share, ties=fitted.spec.ties)
        if mode == "quantile"
        else choose(predicted, mass, cut_off=float(np.log(line)))
    )
    found = cells(welfare, mass, chosen.share, line)
    poor = welfare <= line
    exclusion = measured(*ratio(poor * (1 - chosen.share), poor.astype(float), mass), mass, design)
    inclusion = measured(*ratio(~poor * chosen.share, chosen.share, mass), mass, design) if found.chosen else None
    return {
        "poor_share": share, "line": line, "mode": mode, "cut_off": chosen.cut_off,
        "cut_off_score": None if fitted.model.parts else score_of_raw(chosen.cut_off, fitted.model),
        "coverage": found.chosen / found.total,
        "exclusion_error": found.exclusion_error, "exclusion_error_se": exclusion.standard_error,
        "inclusion_error": found.inclusion_error, "inclusion_error_se": inclusion.standard_error if inclusion else None,
        "leakage_iris": found.leakage_iris, "total_accuracy": found.total_accuracy, "bpac": found.bpac,
        "poverty_incidence_error": found.poverty_incidence_error,
        "auc": area_under_roc(welfare, predicted, mass, line)[0],
    }  # fmt: skip


def equity_table(fitted: Fitted) -> list[Row]:
    """Return errors outside the sample by sex of head, area and size, at the SPEC's own poor share by quantile.

    Groups are the columns of the SPEC's `equity`; where it names none, columns are looked for by name, and the row says
    `found_by_name`. Size classes are always there where the survey has members.
    """
    mass = fitted.survey.mass(fitted.spec.basis)
    share, line = _own_line(fitted, mass)
    chosen = choose(fitted.outside, mass, share=share, ties=fitted.spec.ties).share
    left = fitted.outside - np.log(fitted.survey.welfare)
    rows = []
    for name, column, by_name, values in _groups(fitted):
        for value in sorted({v for v in values if v is not None}, key=_place):
            own = values == value
            found = cells(fitted.survey.welfare[own], mass[own], chosen[own], line)
            rows.append(
                {
                    "by": name, "column": column, "found_by_name": by_name, "group": str(value),
                    "households": int(own.sum()), "population_share": float(mass[own].sum() / mass.sum()),
                    "poor_share": found.poor / found.total, "bias": float(np.average(left[own], weights=mass[own])),
                    "rmse": float(np.sqrt(np.average(left[own] ** 2, weights=mass[own]))),
                    "exclusion_error": found.exclusion_error, "inclusion_error": found.inclusion_error,
                    "coverage": found.chosen / found.total,
                }
            )  # fmt: skip
    return rows


def _groups(fitted: Fitted) -> Iterator[tuple[str, str, bool, npt.NDArray[np.object_]]]:
    """Yield the ways to split: their name, column, whether it was found by name, and the value of each row."""
    frame, spec = fitted.survey.frame, fitted.spec
    told = dict(spec.equity)
    found: dict[str, str] = {}
    if not told:
        taken = {spec.welfare, spec.weight, spec.size, spec.psu}
        for name, pattern in _BY_NAME.items():
            columns = [c for c in frame.schema.names if pattern.search(c) and c not in taken]
            if columns:
                found[name] = columns[0]
        area = spec.separate or spec.area_effects or found.get("area") or spec.strata
        if area:
            found["area"] = area
    with Engine(memory_mib=512, threads=1) as engine:
        engine.register("pmt_groups", frame)
        kinds = column_types(engine, "pmt_groups")
        for name, column in (told or found).items():
            values = read_texts(engine, "pmt_groups", column, kinds[column])
            if 1 < len({value for value in values if value is not None}) <= 60:
                yield name, column, not told, values
    if spec.size:
        size = fitted.survey.size
        labels = np.full(len(size), None, dtype=object)
        for low, high in _SIZE_CLASSES:
            labels[(size >= low) & (size < (np.inf if high is None else high + 1))] = (
                f"{low} or more" if high is None else f"{low} to {high}"
            )
        yield "members", spec.size, False, labels


def _place(value: str) -> tuple[float, str]:
    found = re.match(r"-?\d+(\.\d+)?", value)
    return (float(found[0]) if found else float("inf")), value


def comparison_table(fitted: Fitted) -> list[Row]:
    """Return the other methods and the learner that bends freely, on the same rows, folds and variables.

    Returns:
        One row for each method: R² and the error rate by quantile at 10, 20 and 30 %, inside and outside the sample.
    """
    with one_thread():
        return _compare(fitted)


def _compare(fitted: Fitted) -> list[Row]:
    rows = [_compared(fitted, fitted.spec.method, fitted.inside, fitted.outside) | {"is_fitted": True}]
    for method in METHODS:
        if method == fitted.spec.method or (method == "wls" and not fitted.spec.weight):
            continue
        spec = replace(fitted.spec, method=method, screening=replace(fitted.spec.screening, p_value=None, signs=False))
        inside, outside = _by_part(fitted, partial(_solved, spec))
        rows.append(_compared(fitted, method, inside, outside) | {"is_fitted": False})
    inside, outside = _by_part(fitted, lambda part, fold: boosted(part, fold, fitted.spec.folds, seed=fitted.spec.seed))
    return [*rows, _compared(fitted, NAME, inside, outside) | {"is_fitted": False}]


def _by_part(
    fitted: Fitted, predict: Callable[[Sample, npt.NDArray[np.int64]], tuple[Numbers, Numbers]]
) -> tuple[Numbers, Numbers]:
    """Predict each part for itself and put the rows together."""
    inside, outside = np.full(len(fitted.inside), np.nan), np.full(len(fitted.inside), np.nan)
    for part in fitted.parts:
        inside[part.rows], outside[part.rows] = predict(part.sample, fitted.fold[part.rows])
    return inside, outside


def _solved(spec: FitSpec, given: Sample, fold: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers]:
    """Predict by another method, inside the sample and outside each fold."""
    sample = Sample(given.survey, given.terms, spec)
    every = np.ones(sample.households, dtype=np.bool_)
    outside = np.full(sample.households, np.nan)
    for at in np.unique(fold):
        away = fold == at
        outside[away] = sample.predict(sample.solve(~away, screen=False))[away]
    return sample.predict(sample.solve(every, screen=False)), outside


def _compared(fitted: Fitted, method: str, inside: Numbers, outside: Numbers) -> Row:
    survey = fitted.survey
    mass = survey.mass(fitted.spec.basis)
    y = np.log(survey.welfare)
    row: Row = {"method": method, "r2_in": r2_of(y, inside, survey.weight), "r2_out": r2_of(y, outside, survey.weight)}
    for share in HEADLINE:
        line = line_at(survey.welfare, mass, share)
        for sample, predicted in (("in", inside), ("out", outside)):
            found = cells(survey.welfare, mass, choose(predicted, mass, share=share, ties=fitted.spec.ties).share, line)
            row[f"error_{round(share * 100)}_{sample}"] = found.exclusion_error
    return row


def robustness(fitted: Fitted) -> dict[str, Any]:
    """Return how the model does with fewer households, with one variable less, and on a later part of the survey.

    Returns:
        `households`: rows of mean and spread of errors outside the sample by households fitted on, five draws of whole
        sampling units each. `variables`: what leaving one out changes, worst first. `age`: errors on the later part of
        the survey by a fit on the earlier, or why it is not known.
    """
    with one_thread():
        return {"households": _fewer(fitted), "variables": _one_less(fitted), "age": _later(fitted)}


def _fewer(fitted: Fitted) -> list[Row]:
    """Fit on draws of sampling units and judge on all others."""
    survey = fitted.survey
    mass = survey.mass(fitted.spec.basis)
    share, line = _own_line(fitted, mass)
    lot = np.random.default_rng(fitted.spec.seed)
    if len(fitted.parts) > 1:
        return []
    sample = fitted.parts[0].sample
    per_unit = np.bincount(survey.unit)
    rows = []
    for size in (size for size in SIZES if size <= 0.8 * sample.households and size > 2 * sample.x.shape[1]):
        r2s, errors, used = [], [], []
        for _ in range(DRAWS):
            order = lot.permutation(len(per_unit))
            taken = order[: int(np.searchsorted(np.cumsum(per_unit[order]), size)) + 1]
            train = np.isin(survey.unit, taken)
            predicted, rest = sample.predict(sample.solve(train, screen=False)), ~train
            r2s.append(r2_of(sample.y[rest], predicted[rest], survey.weight[rest]))
            chosen = choose(predicted[rest], mass[rest], share=share, ties=fitted.spec.ties).share
            errors.append(cells(survey.welfare[rest], mass[rest], chosen, line).exclusion_error or 0.0)
            used.append(int(train.sum()))
        rows.append(
            {"households": round(float(np.mean(used))), "r2_out": float(np.mean(r2s)), "r2_out_spread": float(np.std(r2s, ddof=1)),
             "exclusion_error": float(np.mean(errors)), "exclusion_error_spread": float(np.std(errors, ddof=1))}
        )  # fmt: skip
    return rows


def _one_less(fitted: Fitted) -> list[Row]:
    """Leave out one variable after the other."""
    survey = fitted.survey
    mass = survey.mass(fitted.spec.basis)
    share, line = _own_line(fitted, mass)
    whole: dict[str, Numbers] = {}
    for part in fitted.parts:
        for code, predicted in part.sample.without_each(fitted.fold[part.rows], fitted.spec.folds):
            whole.setdefault(code, fitted.outside.copy() if code else np.full(len(fitted.outside), np.nan))
            whole[code][part.rows] = predicted
    rows, base = [], (0.0, 0.0)
    y = np.log(survey.welfare)
    for code, predicted in whole.items():
        found = cells(survey.welfare, mass, choose(predicted, mass, share=share, ties=fitted.spec.ties).share, line)
        now = r2_of(y, predicted, survey.weight), found.exclusion_error or 0.0
        if not code:
            base = now
            continue
        rows.append({"without": code, "r2_out": now[0], "r2_lost": base[0] - now[0], "exclusion_error": now[1],
                     "exclusion_error_added": now[1] - base[1]})  # fmt: skip
    return sorted(rows, key=lambda row: -row["r2_lost"])


def _later(fitted: Fitted) -> Row:
    """Fit on the earlier part of the survey and judge on the later, beside as many households drawn by lot."""
    spec, survey = fitted.spec, fitted.survey
    if not spec.survey_date:
        return {"measured": False, "why": "the SPEC names no survey_date, and one round alone cannot tell"}
    if len(fitted.parts) > 1:
        return {"measured": False, "why": "not measured for separate models"}
    with Engine(memory_mib=512, threads=1) as engine:
        engine.register("pmt_dates", survey.frame)
        kind = column_types(engine, "pmt_dates")[spec.survey_date]
        if kind.startswith(("DATE", "TIMESTAMP")):
            name = spec.survey_date.replace('"', '""')
            days = engine.table(f"""SELECT epoch(CAST("{name}" AS TIMESTAMP)) / 86400 AS v FROM pmt_dates""")
            when: Numbers = days.column("v").to_numpy(zero_copy_only=False).astype(float)
        else:
            when = read_numbers(engine, "pmt_dates", spec.survey_date, kind)
    known = np.isfinite(when)
    if len(np.unique(when[known])) < 2:
        return {"measured": False, "why": f"{spec.survey_date} has fewer than two different values"}
    middle = float(np.quantile(when[known], 2 / 3))
    early = known & (when < middle) if (when[known] < middle).any() else known & (when <= middle)
    late = known & ~early
    sample = fitted.parts[0].sample
    if min(early.sum(), late.sum()) < 2 * sample.x.shape[1]:
        return {"measured": False, "why": "the earlier or the later part has too few households"}
    mass = survey.mass(spec.basis)
    share, _ = _own_line(fitted, mass)
    line = line_at(survey.welfare[late], mass[late], share)

    def error(predicted: Numbers) -> float | None:
        return cells(
            survey.welfare[late],
            mass[late],
            choose(predicted[late], mass[late], share=share, ties=spec.ties).share,
            line,
        ).exclusion_error

    by_early = sample.predict(sample.solve(early, screen=False))
    return {
        "measured": True, "by": spec.survey_date, "households_earlier": int(early.sum()), "households_later": int(late.sum()),
        "exclusion_error_by_earlier": error(by_early), "exclusion_error_by_folds": error(fitted.outside),
        "bias_by_earlier": float(np.average(by_early[late] - sample.y[late], weights=mass[late])),
    }  # fmt: skip
