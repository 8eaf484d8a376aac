"""How true the registry still is: stored facts beside a re-interview, and how fast they grow old.

Words are held by agreement and by kappa (agreement beyond chance), numbers by bias and root mean square, scores by how
many change class at the cut-off. Decay is the share still true after each span of time, and the time after which half is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from khana_methods.errors import InputError

Floats = npt.NDArray[np.float64]


class NothingToCompare(InputError):
    """No household has the fact on both sides."""

    code: ClassVar[str] = "coverage.nothing_to_compare"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a stored fact of words agrees with what was found; weighted. `kappa` is None where only one word occurs."""

    n: int
    rate: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Deviation:
    """How a stored number differs from what was found: stored less found, weighted. `same` is within the tolerance."""

    n: int
    bias: float
    root_mean_square: float
    same: float


def agreement(stored: list[str], found: list[str], weights: Floats) -> Agreement:
    """Return agreement and kappa of two columns of words, weighted.

    Raises:
        NothingToCompare: They are empty.

    Source:
        Cohen 1960, Educational and Psychological Measurement 20(1).

    Examples:
        >>> found = agreement(["a", "a", "b", "b"], ["a", "b", "b", "b"], np.ones(4))
        >>> found.rate, round(found.kappa, 6)
        (0.75, 0.5)
    """
    if not stored:
        raise NothingToCompare("No household has this fact on both sides.")
    first, second = np.asarray(stored), np.asarray(found)
    total = weights.sum()
    rate = float(weights[first == second].sum() / total)
    chance = sum(
        float(weights[first == word].sum() / total) * float(weights[second == word].sum() / total)
        for word in np.union1d(first, second)
    )
    return Agreement(len(stored), rate, (rate - chance) / (1 - chance) if chance < 1 else None)


def deviation(stored: Floats, found: Floats, weights: Floats, *, tolerance: float = 0.0) -> Deviation:
    """Return bias and root mean square of two columns of numbers, weighted.

    Raises:
        NothingToCompare: They are empty.

    Examples:
        >>> deviation(np.array([2.0, 4.0]), np.array([2.0, 3.0]), np.ones(2))
        Deviation(n=2, bias=0.5, root_mean_square=0.7071067811865476, same=0.5)
    """
    if not len(stored):
        raise NothingToCompare("No household has this fact on both sides.")
    gap, total = stored - found, weights.sum()
    return Deviation(
        len(stored), float(weights @ gap / total), math.sqrt(float(weights @ gap**2 / total)),
        float(weights[np.abs(gap) <= tolerance].sum() / total),
    )  # fmt: skip


def flip_rate(stored: Floats, found: Floats, weights: Floats, *, cut_off: float) -> float:
    """Return the share of households whose class at the cut-off is another one now.

    Examples:
        >>> flip_rate(np.array([30.0, 40]), np.array([35.0, 41]), np.ones(2), cut_off=32)
        0.5
    """
    if not len(stored):
        raise NothingToCompare("No household has a score on both sides.")
    return float(weights[(stored <= cut_off) != (found <= cut_off)].sum() / weights.sum())


def half_life(years: Floats, still_true: Floats, weights: Floats) -> float | None:
    """Return after how many years half of a fact is no longer true, if it decays at one rate; None where it never does.

    Args:
        years: Time since the interview.
        still_true: 1 where the stored value was found again.
        weights: Of the households.

    Source:
        Likelihood of exponential decay, P(true after t) = exp(-t/k ln 2), maximised over k.

    Examples:
        >>> years = np.array([1.0, 1, 2, 2]); true = np.array([1.0, 1, 1, 0])
        >>> round(half_life(years, true, np.ones(4)), 3)
        3.419
    """
    if not len(years):
        raise NothingToCompare("No household has this fact on both sides.")
    if weights[still_true < 1].sum() == 0:
        return None
    from scipy.optimize import minimize_scalar

    def loss(log_rate: float) -> float:
        held = np.exp(-math.exp(log_rate) * years)
        return -float(weights @ (still_true * np.log(held + 1e-300) + (1 - still_true) * np.log1p(-held + 1e-12)))

    best = minimize_scalar(loss, bounds=(-12, 6), method="bounded", options={"xatol": 1e-10})
    return math.log(2) / math.exp(float(best.x))
