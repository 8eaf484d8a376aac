"""Results of an outreach come back: what was registered beside what was planned corrects take-up and the map of the missing.

How far all places together fell short of the plan tells of take-up; how far one place lies from all of them tells of its own
estimate. A place with a small target says little by itself and is drawn towards the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from khana_methods.errors import InputError


class NothingPlanned(InputError):
    """No place of the plan had a target."""

    code: ClassVar[str] = "coverage.nothing_planned"


@dataclass(frozen=True, slots=True)
class Result:
    """One place: the estimate it was planned with, its target, and what was registered."""

    place: str
    missing: float
    target: float
    registered: float


@dataclass(frozen=True, slots=True)
class CorrectedPlace:
    """One place after its results: `ratio` is registered over target, drawn towards all; `missing` is what is still left."""

    place: str
    target: float
    registered: float
    ratio: float
    before: float
    missing: float


@dataclass(frozen=True, slots=True)
class Corrected:
    """All places, and how take-up is to be read next time: the old one times `take_up_factor`."""

    places: tuple[CorrectedPlace, ...]
    take_up_factor: float


def correct(results: Sequence[Result]) -> Corrected:
    """Correct take-up and the missing of each place by what was registered.

    Args:
        results: n places; registered are counts of the same span as the target.

    Returns:
        In the order given: the ratio of each place by empirical Bayes, and what is still missing there: the old estimate times
        its ratio over that of all, less what was registered; never below nought.

    Raises:
        NothingPlanned: No target is above nought.

    Source:
        Clayton and Kaldor 1987 (Biometrics 43), ratios shrunk to their mean; moments by Marshall 1991 (Applied Statistics 40).

    Examples:
        >>> made = correct([Result("a", 200, 100, 50), Result("b", 200, 100, 55), Result("c", 200, 100, 45), Result("d", 20, 4, 4)])
        >>> round(made.take_up_factor, 4), [round(one.ratio, 3) for one in made.places]
        (0.5066, [0.507, 0.507, 0.507, 0.507])
        >>> [round(one.missing, 1) for one in made.places]
        [150.0, 145.0, 155.0, 16.0]
    """
    target = np.array([one.target for one in results], dtype=float)
    got = np.array([one.registered for one in results], dtype=float)
    has = target > 0
    if not has.any():
        raise NothingPlanned("No place of the plan has a target to hold its results against.")
    mean = float(got[has].sum() / target[has].sum())
    spread = float((target[has] * (got[has] / target[has] - mean) ** 2).sum() / target[has].sum()) - mean / float(
        target[has].mean()
    )
    between = max(0.0, spread)
    made = []
    for one in results:
        ratio = mean
        if one.target > 0 and mean > 0:
            trust = between / (between + mean / one.target) if between else 0.0
            ratio = mean + trust * (one.registered / one.target - mean)
        left = one.missing * (ratio / mean if mean else 1.0) - one.registered
        made.append(CorrectedPlace(one.place, one.target, one.registered, ratio, one.missing, max(0.0, left)))
    return Corrected(tuple(made), mean)
