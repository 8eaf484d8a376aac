"""How fast a kind of fact goes stale, from re-interviews: the share still true after so many days.

A re-interview tells only whether an answer was still true on its day, not when it changed (current-status data).
So the curve is the best falling step function through these yes-and-no's, and beside it the constant rate that
makes them likeliest, with its half-life.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """The share still true by age.

    Attributes:
        days: Ages at which re-interviews were made, rising.
        share: Share still true at each, never rising.
        compared: Re-interviews.
        rate: Changes a day under a constant rate; None where nothing or everything changed.
        half_life: Days until half has changed under that rate, with a 95 per cent interval.
    """

    days: tuple[float, ...]
    share: tuple[float, ...]
    compared: int
    rate: float | None
    half_life: float | None
    half_life_low: float | None
    half_life_high: float | None

    def at(self, days: float) -> float:
        """Give the share still true at an age; 1 before the first re-interview."""
        known = [share for day, share in zip(self.days, self.share, strict=True) if day <= days]
        return known[-1] if known else 1.0

    def best_before(self, keep: float) -> float | None:
        """Give the age in days at which the share falls under `keep`; None where it does not within what was seen."""
        return next((day for day, share in zip(self.days, self.share, strict=True) if share < keep), None)


def fit_curve(days: Floats, still_true: npt.NDArray[np.bool_]) -> Curve:
    """Fit the curve of one kind of fact.

    Args:
        days: Age of each answer when it was asked again; above 0.
        still_true: Whether the answer was the same.

    Source:
        Non-parametric: Groeneboom and Wellner 1992, Information Bounds and Nonparametric Maximum Likelihood
        Estimation (current-status data: isotonic regression). Constant rate: maximum likelihood of the same data.

    Examples:
        >>> curve = fit_curve(np.array([100.0, 200.0, 300.0, 300.0]), np.array([True, False, True, False]))
        >>> curve.days, curve.share
        ((100.0, 200.0, 300.0), (1.0, 0.3333333333333333, 0.3333333333333333))
        >>> curve.at(50), curve.best_before(0.8)
        (1.0, 200.0)
    """
    order = np.argsort(days, kind="stable")
    ages, weights = np.unique(days[order], return_counts=True)
    true = np.array([still_true[days == age].mean() for age in ages])
    rate = _rate(days, still_true)
    low, high = _rate_interval(days, still_true, rate)
    return Curve(
        days=tuple(float(age) for age in ages),
        share=tuple(float(s) for s in falling(true, weights.astype(np.float64))),
        compared=len(days),
        rate=rate,
        half_life=log(2) / rate if rate else None,
        half_life_low=log(2) / high if high and high != inf else None,
        half_life_high=log(2) / low if low else None,
    )


def falling(values: Floats, weights: Floats) -> Floats:
    """Give the falling step function nearest to the values: pool neighbours that rise.

    Source:
        Pool adjacent violators: Ayer et al. 1955, Annals of Mathematical Statistics 26.

    Examples:
        >>> falling(np.array([1.0, 0.5, 0.7, 0.2]), np.ones(4)).tolist()
        [1.0, 0.6, 0.6, 0.2]
    """
    blocks: list[list[float]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        blocks.append([value, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            last, before = blocks.pop(), blocks.pop()
            total = last[1] + before[1]
            blocks.append([(last[0] * last[1] + before[0] * before[1]) / total, total, last[2] + before[2]])
    return np.concatenate([np.full(int(count), value) for value, _w, count in blocks]) if blocks else np.zeros(0)


def _slope(rate: float, days: Floats, still_true: npt.NDArray[np.bool_]) -> float:
    """Give the slope of the log-likelihood in the rate: changed answers pull up, unchanged ones down."""
    changed = days[~still_true]
    return float((changed / np.expm1(np.minimum(rate * changed, 700.0))).sum() - days[still_true].sum())


def _rate(days: Floats, still_true: npt.NDArray[np.bool_]) -> float | None:
    if still_true.all() or not still_true.any():
        return None
    high = 1.0 / days.min()
    while _slope(high, days, still_true) > 0:
        high *= 2.0
    return float(brentq(_slope, 1e-12, high, args=(days, still_true)))


def _rate_interval(
    days: Floats, still_true: npt.NDArray[np.bool_], rate: float | None
) -> tuple[float | None, float | None]:
    """Give a 95 per cent interval of the rate, on the log scale from the observed information."""
    if rate is None:
        return None, None
    changed = days[~still_true]
    grown = np.exp(np.minimum(rate * changed, 300.0))
    information = float((changed**2 * grown / (grown - 1.0) ** 2).sum()) * rate**2
    half = 1.959963984540054 / np.sqrt(information) if information > 0 else inf
    return float(rate * np.exp(-half)), float(rate * np.exp(half))
