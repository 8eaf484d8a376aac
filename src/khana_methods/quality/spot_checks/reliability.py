"""How far do two interviews of one household agree: simple response variance, reliability, kappa, flips.

The second interview stands for the truth in the sense of the source only: it too has errors, and what changed
between the two visits looks like one. Bootstrap intervals draw households, with a seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Floats = npt.NDArray[np.float64]
DRAWS = 1500


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; all None where too little was compared."""

    value: float | None
    low: float | None
    high: float | None


def response_variance(survey: Floats, again: Floats) -> float | None:
    """Give the simple response variance: half the variance of the difference of two interviews.

    Source:
        Hansen, Hurwitz and Pritzker 1964; SRV = Var(survey - back-check) / 2, as bcstats and ipabcstats compute it.

    Examples:
        >>> response_variance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 4.0]))
        0.125
    """
    return float(np.var(survey - again, ddof=1) / 2.0) if len(survey) > 1 else None


def reliability_ratio(survey: Floats, again: Floats) -> float | None:
    """Give 1 less the response variance over the variance of the back-check; negative where answers are mere noise.

    Source:
        As `response_variance`; the variance of the back-check (n - 1) stands below the line.

    Examples:
        >>> round(reliability_ratio(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.0, 4.0, 4.0])), 4)
        0.9444
    """
    if len(again) < 2 or np.var(again, ddof=1) == 0:
        return None
    return float(1.0 - np.var(survey - again, ddof=1) / 2.0 / np.var(again, ddof=1))


def kappa(survey: Sequence[object], again: Sequence[object]) -> float | None:
    """Give Cohen's kappa: agreement beyond what chance alone would give; None where both always say one thing.

    Source:
        Cohen 1960, Educational and Psychological Measurement 20.

    Examples:
        The usual example of two readers of fifty proposals: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no.

        >>> round(kappa(["y"] * 25 + ["n"] * 25, ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15), 4)
        0.4
    """
    if not len(survey):
        return None
    left, right = np.array([str(v) for v in survey]), np.array([str(v) for v in again])
    agree = float((left == right).mean())
    names = np.unique(np.concatenate([left, right]))
    chance = float(sum((left == name).mean() * (right == name).mean() for name in names))
    return None if chance >= 1.0 else (agree - chance) / (1.0 - chance)


def bootstrap(
    function: Callable[[Floats, Floats], float | None], survey: Floats, again: Floats, *, seed: int = 1, draws: int = DRAWS,
    level: float = 0.95,
) -> Estimate:  # fmt: skip
    """Estimate with a percentile interval over households drawn again and again.

    Returns:
        The figure of the data with the interval; draws in which it cannot be computed are left out.

    Source:
        Efron 1979, Annals of Statistics 7; 1,500 draws and percentiles as ipabcstats.

    Examples:
        >>> same = np.array([1.0, 2.0, 3.0, 4.0])
        >>> bootstrap(response_variance, same, same)
        Estimate(value=0.0, low=0.0, high=0.0)
    """
    value = function(survey, again)
    if value is None:
        return Estimate(None, None, None)
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        rows = chance.integers(0, len(survey), len(survey))
        drawn = function(survey[rows], again[rows])
        if drawn is not None:
            found.append(drawn)
    tail = 100.0 * (1.0 - level) / 2.0
    low, high = np.percentile(found, [tail, 100.0 - tail])
    return Estimate(value, float(low), float(high))


def wilson(hits: int, of: int, *, level: float = 0.95) -> Estimate:
    """Give a share with Wilson's interval.

    Source:
        Wilson 1927, Journal of the American Statistical Association 22.

    Examples:
        >>> share = wilson(5, 50)
        >>> share.value, round(share.low, 4), round(share.high, 4)
        (0.1, 0.0435, 0.2136)
    """
    if not of:
        return Estimate(None, None, None)
    z = float(norm.ppf(0.5 + level / 2.0))
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * float(np.sqrt(share * (1 - share) / of + z * z / (4 * of * of)))
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))


@dataclass(frozen=True, slots=True)
class Flips:
    """How often the side of a cut-off changed between two interviews.

    `flip` is the share of all, `lost` of those under by the first who are over by the second, `gained` the reverse.
    """

    compared: int
    flip: Estimate
    lost: Estimate
    gained: Estimate


def flips(survey: Floats, again: Floats, cut_off: float) -> Flips:
    """Count households whose side of a cut-off changed; at or under it is eligible.

    Examples:
        >>> found = flips(np.array([30.0, 31.0, 33.0, 40.0]), np.array([30.0, 34.0, 31.0, 41.0]), 32.0)
        >>> found.flip.value, found.lost.value, found.gained.value
        (0.5, 0.5, 0.5)

    Source:
        Domain report 4.4: classification flip rate at the cut-off.
    """
    first, second = survey <= cut_off, again <= cut_off
    under, over = int(first.sum()), int((~first).sum())
    lost, gained = int((first & ~second).sum()), int((~first & second).sum())
    return Flips(len(first), wilson(lost + gained, len(first)), wilson(lost, under), wilson(gained, over))
