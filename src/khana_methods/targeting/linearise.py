"""How sure a measure is: its influence function over households, summed by sampling unit within strata.

A measure that is smooth in the weights has for each household a value that says how much one more like her would move
it; the design variance of their weighted total is the variance of the measure. One function for each measure; the line
and the cut-off are taken as given. Held against R's survey and convey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from khana_methods.pmt.estimate import Design, total_covariance

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure with its standard error, an interval of the normal law, and the size of the design."""

    value: float
    standard_error: float
    low: float
    high: float
    units: int
    strata: int


def measured(value: float, influence: Numbers, mass: Numbers, design: Design) -> Measured:
    """Return a measure with its standard error under a design.

    Args:
        value: The measure.
        influence: n values of its influence function.
        mass: n weights in force.
        design: Strata and units of the n households.

    Raises:
        SingleUnitStratum: A stratum has one unit, under `refuse`.

    Source:
        Deville 1999, Variance estimation for complex statistics and estimators, Survey Methodology 25(2); Woodruff
        1971 for the ratio.
    """
    totals = np.bincount(design.unit, weights=mass * influence, minlength=design.units).astype(np.float64)[:, None]
    error = float(np.sqrt(max(0.0, float(total_covariance(totals, design)[0, 0]))))
    return Measured(value, error, value - 1.96 * error, value + 1.96 * error, design.units, design.strata)


def ratio(above: Numbers, below: Numbers, mass: Numbers) -> tuple[float, Numbers]:
    """Return the ratio of two weighted totals and its influence.

    Examples:
        >>> value, influence = ratio(np.array([1.0, 0.0]), np.ones(2), np.ones(2))
        >>> value, influence.tolist()
        (0.5, [0.25, -0.25])
    """
    whole = float((mass * below).sum())
    if whole == 0:
        return float("nan"), np.zeros_like(above)
    value = float((mass * above).sum()) / whole
    return value, (above - value * below) / whole


def difference(first: tuple[float, Numbers], second: tuple[float, Numbers]) -> tuple[float, Numbers]:
    """Return one measure less another, with its influence."""
    return first[0] - second[0], first[1] - second[1]


def quotient(first: tuple[float, Numbers], second: tuple[float, Numbers]) -> tuple[float, Numbers]:
    """Return one measure over another, with its influence."""
    if second[0] == 0:
        return float("nan"), np.zeros_like(first[1])
    value = first[0] / second[0]
    return value, (first[1] - value * second[1]) / second[0]


def fgt(welfare: Numbers, mass: Numbers, line: float, alpha: float) -> tuple[float, Numbers]:
    """Return the Foster-Greer-Thorbecke index with its influence; the poor are strictly under the line.

    Source:
        Berger and Skinner 2003, Variance estimation for a low income proportion, Applied Statistics 52(4), with a
        given line; R's convey::svyfgt with an absolute threshold.
    """
    poor = welfare < line
    gap = np.where(poor, np.abs((line - welfare) / line) ** alpha, 0.0) if alpha else poor.astype(float)
    return ratio(gap, np.ones_like(welfare), mass)


def watts(welfare: Numbers, mass: Numbers, line: float) -> tuple[float, Numbers]:
    """Return the Watts index with its influence; without positive welfare a household is in the denominator alone."""
    poor = (welfare < line) & (welfare > 0)
    logs = np.log(line / np.where(poor, welfare, line))
    return ratio(logs, np.ones_like(welfare), mass)


def mean_log_deviation(welfare: Numbers, mass: Numbers) -> tuple[float, Numbers]:
    """Return ln of the mean less the mean of ln, with its influence.

    Source:
        Biewen and Jenkins 2006, Variance estimation for generalized entropy and Atkinson indices, Oxford Bulletin 68(3).
    """
    whole = mass.sum()
    mean, mean_log = float((mass * welfare).sum() / whole), float((mass * np.log(welfare)).sum() / whole)
    value = float(np.log(mean)) - mean_log
    return value, ((welfare - mean) / mean - (np.log(welfare) - mean_log)) / whole


def concentration(amount: Numbers, rank_by: Numbers, mass: Numbers) -> tuple[float, Numbers]:
    """Return the concentration coefficient of an amount along a ranking, with its influence.

    Where the amount is what it is ranked by, this is the Gini coefficient. It is positive where the amount goes to the
    upper end.

    Source:
        Langel and Tillé 2013, Variance estimation of the Gini index, JRSS A 176(2), for an amount and ranks of ties at
        their middle; Kakwani, Wagstaff and van Doorslaer 1997 for the coefficient.

    Examples:
        >>> y = np.array([0.0, 0.0, 0.0, 1.0])
        >>> round(concentration(y, y, np.ones(4))[0], 6)
        0.75
    """
    different, place = np.unique(rank_by, return_inverse=True)
    own = np.bincount(place, weights=mass, minlength=len(different))
    paid = np.bincount(place, weights=mass * amount, minlength=len(different))
    whole, money = own.sum(), paid.sum()
    if money == 0:
        return float("nan"), np.zeros_like(amount)
    rank = ((np.cumsum(own) - own / 2) / whole)[place]
    above = (money - np.cumsum(paid) + paid / 2)[place]
    k = float((mass * amount * rank).sum())
    value = 2 * k / money - 1
    moved = amount * rank + (above - k) / whole
    return value, 2 * (moved / money - k * amount / money**2)


def area_under_roc(welfare: Numbers, score: Numbers, mass: Numbers, line: float) -> tuple[float, Numbers]:
    """Return the area under the ROC curve with its influence.

    Source:
        DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3): placements of each score among the others.
    """
    different, place = np.unique(score, return_inverse=True)
    poor = welfare <= line
    p = np.bincount(place, weights=mass * poor, minlength=len(different))
    q = np.bincount(place, weights=mass * ~poor, minlength=len(different))
    all_p, all_q = p.sum(), q.sum()
    if not all_p or not all_q:
        return float("nan"), np.zeros_like(welfare)
    over = ((all_q - np.cumsum(q) + q / 2) / all_q)[place]
    under = ((np.cumsum(p) - p / 2) / all_p)[place]
    value = float((mass * poor * over).sum() / all_p)
    return value, np.where(poor, (over - value) / all_p, (under - value) / all_q)


def share_to_poorest(amount: Numbers, rank_by: Numbers, mass: Numbers, share: float) -> tuple[float, Numbers]:
    """Return the share of an amount that goes to the poorest share of all, with its influence.

    The amount at the margin is the mean of the two hundredths of all on either side of it.

    Source:
        Beach and Davidson 1983, Distribution-free statistical inference with Lorenz curves, Review of Economic
        Studies 50(4); Kovačević and Binder 1997 for surveys.
    """
    different, place = np.unique(rank_by, return_inverse=True)
    own = np.bincount(place, weights=mass, minlength=len(different))
    paid = np.bincount(place, weights=mass * amount, minlength=len(different))
    whole, money = own.sum(), paid.sum()
    if money == 0:
        return float("nan"), np.zeros_like(amount)
    reached, width = np.cumsum(own) / whole, own / whole
    inside = np.clip(np.divide(share - (reached - width), width, out=np.zeros_like(width), where=width > 0), 0, 1)
    value = float((paid * inside).sum() / money)
    near = (np.abs(reached - width / 2 - share) <= np.maximum(0.02, width)) & (own > 0)
    margin = float(paid[near].sum() / own[near].sum())
    taken = inside[place]
    return value, ((amount - margin) * taken + share * margin - value * amount) / money
