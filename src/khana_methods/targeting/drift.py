"""Does a model still tell what it told: its errors, its fit and its weights on a newer survey, beside those of its card.

A formula ages: prices move, everybody gets a telephone, a variable tells nothing any more. The model is applied to a
survey that it never saw, as it would score the registry, and held against the errors outside the sample that its card
promised. What is reported asks for a look; whether to fit anew is for people to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.pmt.estimate import total_covariance
from khana_methods.pmt.features import column_types, prepared_sql
from khana_methods.pmt.model import PmtModel
from khana_methods.pmt.score import FeatureMissing, score_sql
from khana_methods.surveys.tables import numbers
from khana_methods.targeting.measures import at_cut_off, line_of
from khana_methods.targeting.people import People, read_people

Numbers = npt.NDArray[np.float64]
SHARES = (0.1, 0.2, 0.3)
WORSE_BY = 0.03  # points of an error rate under which nobody is called to look
MOVED_BY = 0.5  # half the weight that the model gives a variable


class NothingScored(InputError):
    """No household of the survey gets a score by the model: nothing can be held against anything."""

    code: ClassVar[str] = "targeting.drift.nothing_scored"


@dataclass(frozen=True, slots=True)
class Promise:
    """What a model's card says of it, outside the sample: exclusion error and its standard error by poor share, and R².

    `r2_is_weighted` says whether households counted by their weights in that R²; that of a poverty-weighted fit is of no
    survey and is not compared.
    """

    errors: Mapping[float, tuple[float, float | None]]
    r2: float | None
    r2_is_weighted: bool = True

    @classmethod
    def of(cls, card: Mapping[str, Any] | None, model: PmtModel) -> Promise:
        """Read the promise of a card of `targeting.card`; of a model that came without one its R² alone."""
        rows = [r for r in (card or {}).get("errors") or () if r.get("sample") == "out" and r.get("mode") == "quantile"]
        found = {
            round(float(r["poor_share"]), 6): (float(r["exclusion_error"]), r.get("exclusion_error_se"))
            for r in rows
            if r.get("exclusion_error") is not None
        }
        method = str((card or {}).get("method", ""))
        promised = (card or {}).get("r2_out_of_sample", model.calibration.r2)
        if method.startswith("least squares on the poor"):
            promised = None
        return cls(found, None if promised is None else float(promised), not method.startswith("ordinary"))


@dataclass(frozen=True, slots=True)
class Scored:
    """A survey as a model scores it: raw figure (not a number where refused) and what each variable added."""

    raw: Numbers
    contributions: Mapping[str, Numbers]
    missing: Mapping[str, int]
    unseen: Mapping[str, int]


def score_survey(table: pa.Table, model: PmtModel) -> Scored:
    """Score every row of a survey, in its order, under the model's own policies.

    Raises:
        FeatureMissing: A column of the model is not there.
    """
    absent = [name for name in model.columns() if name not in table.schema.names]
    if absent:
        raise FeatureMissing(f"The survey has no column {', '.join(absent)}.", columns=absent)
    codes = [] if model.parts else [variable.code for variable in model.variables]
    with Engine(memory_mib=1024) as engine:
        engine.register("newer", table)
        prepared = prepared_sql(model, "newer", column_types(engine, "newer"), key=None)
        engine.run(f"CREATE TABLE judged AS {score_sql(model, f'({prepared})', contributions=bool(codes))}")
        found = engine.table("SELECT * FROM judged ORDER BY household_id")
        tallies = [
            dict(engine.rows(f"SELECT v, count(*) FROM (SELECT unnest({name}) AS v FROM judged) GROUP BY v ORDER BY v"))
            for name in ("missing", "unseen")
        ]
    refused = found["score"].is_null().to_numpy(zero_copy_only=False)
    raw = np.where(refused, np.nan, _numbers(found, "raw"))
    return Scored(raw, {code: _numbers(found, f"c_{code}") for code in codes}, *tallies)


def _numbers(table: pa.Table, name: str) -> Numbers:
    made: Numbers = table[name].to_numpy().astype(np.float64)
    return made


def measure_drift(
    table: pa.Table,
    model: PmtModel,
    *,
    card: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any],
    shares: Sequence[float] = SHARES,
    deflator: float = 1.0,
) -> dict[str, Any]:
    """Hold a model against a newer survey.

    Args:
        table: n rows, one per household, with the columns of the model.
        model: The model.
        card: Its card, as `khana models fit` writes it; without one there is nothing to compare errors with.
        columns: Keywords of `people.read_people`: welfare, weight, size, strata, psu, welfare_of, basis, single.
        shares: Poor shares at which errors are measured, each by the line of this survey.
        deflator: Prices of this survey over those of the model's; welfare is divided by it before amounts are compared.

    Returns:
        `households`, `scored`, `errors` (a row per share: then, now, change, standard error, worse), `fit` (R² then and
        now, and for a log link bias and slope), `variables` (weight of each in this survey over the model's: 1 is
        unchanged, 0 tells nothing), `missing` and `unseen` by variable, `signs` in sentences, `is_drifting`.

    Raises:
        NothingScored: Every household is refused.
        FeatureMissing, ColumnMissing, ValueMissing: The survey cannot be read so.

    Source:
        Errors outside the sample: Brown, Ravallion and van de Walle 2018. Recalibration by a regression of the outcome
        on the prediction: Cox 1958, Two further applications of a model for binary regression, Biometrika 45, for the
        linear case Mincer and Zarnowitz 1969, The evaluation of economic forecasts.
    """
    people, rows = read_people(table, **columns)
    scored = score_survey(table, model)
    raw = scored.raw[rows]
    known = np.isfinite(raw) & (people.welfare > 0)
    if not known.any():
        raise NothingScored("No household of the survey gets a score by this model.", households=len(raw))
    promise = Promise.of(card, model)
    judged = replace(people, score=raw)
    errors = [_error_row(judged, share, promise) for share in sorted(shares)]
    log_welfare = np.log(np.where(known, people.welfare, 1.0) / deflator)
    weight = (
        numbers(table, columns["weight"]).values.to_numpy(zero_copy_only=False)[rows] if columns.get("weight") else None
    )
    counted = weight if weight is not None and promise.r2_is_weighted else np.ones(len(raw))
    fit = _fit(log_welfare, raw, known, people, promise, model) | {
        "r2_now": _squared_correlation(log_welfare[known], raw[known], counted[known])
    }
    parts = {code: values[rows] for code, values in scored.contributions.items()}
    variables = _weights(log_welfare, parts, known, people, fit["slope"])
    signs = [*_signs(errors, fit, variables, scored, len(raw))]
    return {
        "model": f"{model.code}/{model.version}", "households": len(raw), "scored": int(np.isfinite(raw).sum()),
        "errors": errors, "fit": fit, "variables": variables, "missing": dict(scored.missing),
        "unseen": dict(scored.unseen), "signs": signs, "is_drifting": bool(signs), "notes": list(people.notes),
    }  # fmt: skip


def _error_row(people: People, share: float, promise: Promise) -> dict[str, Any]:
    """Return the errors at one poor share, then and now."""
    line = line_of(people, poor_share=share)
    poor = float(people.mass[people.welfare <= line].sum() / people.mass.sum())
    found = at_cut_off(people, line=line, cut_off=poor, mode="quantile").measures
    now = found["exclusion_error"]
    then, then_se = promise.errors.get(round(share, 6), (None, None))
    row: dict[str, Any] = {
        "poor_share": share, "line": line, "then": then, "now": now.value, "standard_error": now.standard_error,
        "change": None, "change_se": None, "is_worse": False, "auc": found["auc"].value if "auc" in found else None,
    }  # fmt: skip
    if then is not None:
        spread = float(np.hypot(now.standard_error, then_se or 0.0))
        row |= {"change": now.value - then, "change_se": spread}
        row["is_worse"] = bool(row["change"] > max(WORSE_BY, 1.96 * spread))
    return row


def _fit(
    y: Numbers, raw: Numbers, known: npt.NDArray[np.bool_], people: People, promise: Promise, model: PmtModel
) -> dict[str, Any]:
    """Return R² then, and the line of log welfare on the raw figure with standard errors under the design."""
    x = np.where(known, raw, 0.0)
    mass = np.where(known, people.mass, 0.0)
    (_, slope), (_, slope_se) = _regression(y, np.column_stack([np.ones_like(x), x]), mass, people)
    row: dict[str, Any] = {"r2_then": promise.r2, "slope": float(slope), "slope_se": float(slope_se)}
    if model.link == "log":
        row["bias"] = float(np.average(x - y, weights=mass))
    return row


def _squared_correlation(y: Numbers, x: Numbers, weight: Numbers) -> float:
    """Return how much of the variance of log welfare a straight line in the raw figure tells."""
    dx, dy = x - np.average(x, weights=weight), y - np.average(y, weights=weight)
    spread = float((weight * dx**2).sum() * (weight * dy**2).sum())
    return float((weight * dx * dy).sum()) ** 2 / spread if spread else 0.0


def _weights(
    y: Numbers, parts: Mapping[str, Numbers], known: npt.NDArray[np.bool_], people: People, slope: float
) -> list[dict[str, Any]]:
    """Return what each variable weighs in this survey, over what the model gives it; those that moved most first."""
    mass = np.where(known, people.mass, 0.0)
    codes = [code for code, values in parts.items() if np.ptp(np.nan_to_num(values[mass > 0])) > 1e-12]
    if not codes or abs(slope) < 1e-12:
        return []
    columns = np.column_stack([np.ones_like(y), *(np.where(known, np.nan_to_num(parts[c]), 0.0) for c in codes)])
    found, errors = _regression(y, columns, mass, people)
    rows = [
        {"variable": code, "weight": float(value / slope), "standard_error": float(error / abs(slope)),
         "has_moved": bool(abs(value / slope - 1) > max(MOVED_BY, 1.96 * error / abs(slope)))}
        for code, value, error in zip(codes, found[1:], errors[1:], strict=True)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -abs(row["weight"] - 1))


def _regression(y: Numbers, x: Numbers, mass: Numbers, people: People) -> tuple[Numbers, Numbers]:
    """Return weighted least squares and its standard errors under the design.

    Source:
        Binder 1983, On the variances of asymptotically normal estimators from complex surveys, ISR 51.
    """
    inverse = np.linalg.pinv((x * mass[:, None]).T @ x)
    found: Numbers = inverse @ (x * mass[:, None]).T @ y
    scores = x * (mass * (y - x @ found))[:, None]
    totals = np.column_stack(
        [np.bincount(people.design.unit, weights=column, minlength=people.design.units) for column in scores.T]
    )
    covariance = inverse @ total_covariance(totals.astype(np.float64), people.design) @ inverse
    return found, np.sqrt(np.maximum(np.diag(covariance), 0.0))


def _signs(
    errors: Sequence[Mapping[str, Any]], fit: Mapping[str, Any], variables: Sequence[Mapping[str, Any]], scored: Scored,
    households: int,
) -> list[str]:  # fmt: skip
    """Return what asks for a look, in sentences."""
    told = [
        f"Of the poorest {row['poor_share']:.0%}, {row['now']:.1%} are missed now; the card promised {row['then']:.1%}."
        for row in errors
        if row["is_worse"]
    ]
    if fit["r2_then"] is not None and fit["r2_now"] < fit["r2_then"] - 0.05:
        told.append(f"R² is {fit['r2_now']:.2f} now and was {fit['r2_then']:.2f}.")
    told += [
        f"{row['variable']} weighs {row['weight']:.2f} times what the model gives it."
        for row in variables
        if row["has_moved"]
    ]
    told += [
        f"{count:,} of {households:,} households have an answer to {name} that the model never saw."
        for name, count in scored.unseen.items()
        if count > 0.01 * households
    ]
    return told


def stability(then: Sequence[float], now: Sequence[float]) -> float | None:
    """Return the population stability index of two scorings, from their scores at 0, 1, … 100 per cent.

    Under 0.1 little has moved, over 0.25 much has; None where either has no spread. Tenths of the first are asked how much
    of the second they hold.

    Args:
        then: 101 scores, not falling.
        now: 101 scores, not falling.

    Source:
        Siddiqi 2006, Credit Risk Scorecards, ch. 6 (system stability report).

    Examples:
        >>> same = [float(n) for n in range(101)]
        >>> stability(same, same), round(stability(same, [n / 2 for n in same]), 2)
        (0.0, 3.8)
    """
    first, second = np.asarray(then, dtype=float), np.asarray(now, dtype=float)
    if len(first) != 101 or len(second) != 101 or np.ptp(first) <= 0:
        return None
    bounds = np.unique(first[10:100:10])
    share = np.linspace(0, 1, 101)
    old, new = (np.diff([0.0, *(float(share[max(0, np.searchsorted(q, b, "right") - 1)]) for b in bounds), 1.0])
                for q in (first, second))  # fmt: skip
    old, new = np.maximum(old, 1e-4), np.maximum(new, 1e-4)
    return float(abs(np.sum((new - old) * np.log(new / old))))
