"""Small areas: what a survey says of each, lent strength by what registry and census say of all.

The Fay-Herriot model at the level of areas: direct estimates with their known variance around a line of covariates. Areas
without a household in the survey get the line alone, and their doubt says so. Leaving each area out in turn shows what
the line is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from khana_methods.errors import InputError

Floats = npt.NDArray[np.float64]


class SmallAreasUnfit(InputError):
    """The model cannot be fitted: too few areas, a variance that is missing, or covariates that say the same."""

    code: ClassVar[str] = "coverage.small_areas_unfit"


@dataclass(frozen=True, slots=True)
class AreaEstimate:
    """One area: direct and modelled estimate with root mean square error; `weight` is the direct estimate's share."""

    area: str
    direct: float | None
    direct_se: float | None
    estimate: float
    rmse: float
    lower: float
    upper: float
    weight: float


@dataclass(frozen=True, slots=True)
class SmallAreas:
    """A fitted model.

    Attributes:
        areas: In the order given.
        coefficients: Constant first.
        between: Variance between areas that the line does not explain.
        cross_validated: Root mean square of direct estimate less prediction without it, each area left out in turn.
        without_model: The same of predicting each by the mean of the others.
        inside: Share of left-out direct estimates within their 95 % interval.
    """

    areas: tuple[AreaEstimate, ...]
    coefficients: tuple[float, ...]
    between: float
    cross_validated: float
    without_model: float
    inside: float


def fay_herriot(
    areas: Sequence[str], direct: Sequence[float | None], se: Sequence[float | None], covariates: Floats
) -> SmallAreas:
    """Fit the model and predict every area.

    Args:
        areas: m codes.
        direct: m direct estimates; None where the survey has nobody.
        se: m standard errors, positive where there is an estimate; of zero the median of the others is taken.
        covariates: m x k, known for every area.

    Raises:
        SmallAreasUnfit: Fewer areas with an estimate than covariates and four, or covariates that are not independent.

    Source:
        Fay and Herriot 1979, JASA 74; variance between areas by adjusted REML (Li and Lahiri 2010,
        which never gives nothing); mean square error by Prasad and Rao 1990 (with the
        term of Datta and Lahiri 2000 for REML); Rao and Molina 2015, Small Area Estimation, ch. 6.
    """
    x: Floats = np.column_stack([np.ones(len(areas)), covariates]).astype(np.float64)
    seen = np.array([d is not None and s is not None for d, s in zip(direct, se, strict=True)])
    if seen.sum() < x.shape[1] + 4:
        raise SmallAreasUnfit(
            f"{int(seen.sum())} areas have an estimate; {x.shape[1] + 4} are needed for these covariates."
        )
    y: Floats = np.array([float(d) for d, ok in zip(direct, seen, strict=True) if ok and d is not None])
    spread = np.array([float(s) for s, ok in zip(se, seen, strict=True) if ok and s is not None])
    if not np.isfinite(covariates).all() or np.linalg.matrix_rank(x[seen]) < x.shape[1]:
        raise SmallAreasUnfit("A covariate is missing somewhere, or two say the same.")
    if (spread <= 0).all():
        raise SmallAreasUnfit("No direct estimate has a standard error.")
    psi = np.where(spread > 0, spread, np.median(spread[spread > 0])) ** 2
    fit = _Fit(x[seen], y, psi)
    made, at = [], 0
    for number, area in enumerate(areas):
        row = x[number]
        line, doubt = float(row @ fit.beta), float(row @ fit.inverse @ row)
        if not seen[number]:
            rmse = math.sqrt(fit.between + doubt)
            made.append(_area(area, None, None, line, rmse, 0.0))
            continue
        share = fit.between / (fit.between + psi[at])
        g1, g2 = share * psi[at], (1 - share) ** 2 * doubt
        g3 = psi[at] ** 2 / (fit.between + psi[at]) ** 3 * fit.variance_of_between
        estimate = share * y[at] + (1 - share) * line
        made.append(_area(area, y[at], spread[at], estimate, math.sqrt(g1 + g2 + 2 * g3), share))
        at += 1
    errors, naive, inside = _leave_one_out(x[seen], y, psi)
    return SmallAreas(tuple(made), tuple(map(float, fit.beta)), fit.between, errors, naive, inside)


def _area(
    area: str, direct: float | None, se: float | None, estimate: float, rmse: float, weight: float
) -> AreaEstimate:
    return AreaEstimate(
        area, direct, se, float(estimate), rmse, estimate - 1.96 * rmse, estimate + 1.96 * rmse, float(weight)
    )


class _Fit:
    """The adjusted REML fit: variance between areas, coefficients and their covariance."""

    def __init__(self, x: Floats, y: Floats, psi: Floats) -> None:
        from scipy.optimize import minimize_scalar

        def loss(between: float) -> float:
            weight = 1 / (between + psi)
            inner = (x * weight[:, None]).T @ x
            beta = np.linalg.solve(inner, (x * weight[:, None]).T @ y)
            rest = y - x @ beta
            whole = np.log(between + psi).sum() + np.linalg.slogdet(inner)[1] + rest @ (weight * rest)
            return float(whole - 2 * math.log(between))  # never nothing: then no area would have anything of its own

        top = float(max(np.var(y) * 4, psi.max(), 1e-12))
        best = minimize_scalar(loss, bounds=(top * 1e-9, top), method="bounded", options={"xatol": top * 1e-9})
        self.between = float(best.x)
        weight = 1 / (self.between + psi)
        self.inverse: Floats = np.asarray(np.linalg.inv((x * weight[:, None]).T @ x), dtype=np.float64)
        self.beta: Floats = np.asarray(self.inverse @ ((x * weight[:, None]).T @ y), dtype=np.float64)
        self.variance_of_between = 2 / float((weight**2).sum())


def _leave_one_out(x: Floats, y: Floats, psi: Floats) -> tuple[float, float, float]:
    """Predict each area without its own estimate."""
    gaps, naive, inside = [], [], 0
    for left in range(len(y)):
        kept = np.arange(len(y)) != left
        fit = _Fit(x[kept], y[kept], psi[kept])
        gap = y[left] - float(x[left] @ fit.beta)
        doubt = math.sqrt(fit.between + psi[left] + float(x[left] @ fit.inverse @ x[left]))
        gaps.append(gap)
        naive.append(y[left] - float(np.average(y[kept], weights=1 / (psi[kept] + np.var(y)))))
        inside += abs(gap) <= 1.96 * doubt
    return float(np.sqrt(np.mean(np.square(gaps)))), float(np.sqrt(np.mean(np.square(naive)))), inside / len(y)
