"""Intervals of a proportion under a design: they stay inside 0 and 1, also where nobody, or everybody, has it.

The sample size is the effective one, p(1-p) over the variance, brought to the degrees of freedom of the design.
"""

from __future__ import annotations

from math import exp, log, sqrt

from scipy.special import stdtrit
from scipy.stats import beta

_END = 1e-12


def proportion_interval(
    value: float | None, se: float | None, df: int, n: int, method: str, level: float = 0.95
) -> tuple[float | None, float | None, str]:
    """Return both ends and which interval it is; None where the design has no degrees of freedom.

    Args:
        value: Proportion, 0 to 1.
        se: Its standard error.
        df: Units less strata.
        n: Rows.
        method: `logit`, `beta` (Korn-Graubard as R's svyciprop has it), `korn-graubard` (the effective size cut at n),
            `wilson`, or `t`. At exactly 0 or 1 each becomes korn-graubard with the effective size n.
        level: Share of samples whose interval holds the truth.

    Source:
        Lumley, R package survey, svyciprop; Korn and Graubard 1998, Survey Methodology 24(2); Parker et al. 2017, NCHS
        Vital Health Stat 2(175); Wilson 1927 with the effective size (Franco et al. 2019, JSSAM).

    Examples:
        >>> [round(end, 6) for end in proportion_interval(0.827948011, 0.024344780113, 197, 200, "logit")[:2]]
        [0.77454, 0.870815]
        >>> proportion_interval(0.0, 0.0, 20, 40, "logit")
        (0.0, 0.08809730287880237, 'korn-graubard')
    """
    if value is None or se is None or df <= 0:
        return None, None, "none"
    t = float(stdtrit(df, 0.5 + level / 2))
    if value <= _END or value >= 1 - _END:
        low, high = _clopper(round(value), float(n), level)
        return low, high, "korn-graubard"
    if se <= _END:
        return value, value, method
    if method == "t":
        return max(0.0, value - t * se), min(1.0, value + t * se), method
    if method == "logit":
        middle, half = log(value / (1 - value)), t * se / (value * (1 - value))
        return 1 / (1 + exp(half - middle)), 1 / (1 + exp(-half - middle)), method
    size = value * (1 - value) / se**2
    if n > 1:
        size *= (float(stdtrit(n - 1, 0.5 + level / 2)) / t) ** 2
    if method == "wilson":
        centre = value + t * t / (2 * size)
        half = t * sqrt(value * (1 - value) / size + t * t / (4 * size * size))
        return max(0.0, (centre - half) / (1 + t * t / size)), min(1.0, (centre + half) / (1 + t * t / size)), method
    low, high = _clopper(value, min(size, n) if method == "korn-graubard" else size, level)
    return low, high, method


def t_interval(
    value: float | None, se: float | None, df: int, level: float = 0.95
) -> tuple[float | None, float | None, str]:
    """Return both ends of the t interval with the degrees of freedom of the design; None where there are none.

    Examples:
        >>> [round(end, 4) for end in t_interval(10.0, 1.0, 20)[:2]]
        [7.914, 12.086]
    """
    if value is None or se is None or df <= 0:
        return None, None, "none"
    half = float(stdtrit(df, 0.5 + level / 2)) * se
    return value - half, value + half, "t"


def _clopper(value: float, size: float, level: float) -> tuple[float, float]:
    """Return the exact interval of Clopper and Pearson for a size that need not be whole."""
    tail, count = (1 - level) / 2, size * value
    low = 0.0 if value <= _END else float(beta.ppf(tail, count, size - count + 1))
    high = 1.0 if value >= 1 - _END else float(beta.ppf(1 - tail, count + 1, size - count))
    return low, high
