"""Two lists of one population: how many stand on neither.

Chapman's estimate is nearly without bias in small samples. It rests on a closed population, lists that are made
independently, and matching without error; within post-strata the second is easier to believe. Where the second list is
a survey with weights, the registry's count is divided by the share of the survey that it holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import ClassVar

from khana_methods.errors import InputError


class ListsImpossible(InputError):
    """More matches than one of the lists holds, or nobody on one of them."""

    code: ClassVar[str] = "coverage.lists_impossible"


@dataclass(frozen=True, slots=True)
class PopulationSize:
    """Estimated size with its standard error and an interval that does not go under what was seen."""

    estimate: float
    se: float
    lower: float
    upper: float
    seen: int


def chapman(registry: int, survey: int, matched: int, *, z: float = 1.959963984540054) -> PopulationSize:
    """Estimate the size of a population from two lists.

    Args:
        registry: On the first list.
        survey: On the second.
        matched: On both.
        z: Quantile of the normal law for the interval.

    Returns:
        N = (n1+1)(n2+1)/(m+1) - 1; the interval is of the logarithm of who was not seen.

    Raises:
        ListsImpossible: More matches than people, or an empty list.

    Source:
        Chapman 1951; Seber 1970 (variance); Chao 1987, Biometrics 43 (interval).

    Examples:
        >>> found = chapman(1000, 800, 600)
        >>> round(found.estimate, 5), round(found.se, 5)
        (1333.11148, 17.17535)
    """
    if registry <= 0 or survey <= 0 or not 0 <= matched <= min(registry, survey):
        raise ListsImpossible("Both lists hold somebody, and no more are matched than the shorter holds.")
    size = (registry + 1) * (survey + 1) / (matched + 1) - 1
    variance = (
        (registry + 1) * (survey + 1) * (registry - matched) * (survey - matched)
        / ((matched + 1) ** 2 * (matched + 2))
    )  # fmt: skip
    return _around(size, variance, registry + survey - matched, z)


def post_stratified(strata: Iterable[tuple[int, int, int]], *, z: float = 1.959963984540054) -> PopulationSize:
    """Add Chapman's estimates of strata: (registry, survey, matched) of each, such as province by town and country.

    Raises:
        ListsImpossible: In any stratum.

    Source:
        Sekar and Deming 1949, Journal of the American Statistical Association 44.

    Examples:
        >>> round(post_stratified([(1000, 800, 600), (1000, 800, 600)]).se, 4)
        24.2896
    """
    parts = [chapman(*one, z=z) for one in strata]
    if not parts:
        raise ListsImpossible("There is no stratum.")
    return _around(sum(p.estimate for p in parts), sum(p.se**2 for p in parts), sum(p.seen for p in parts), z)


def _around(size: float, variance: float, seen: int, z: float) -> PopulationSize:
    unseen = size - seen
    if unseen <= 0 or variance <= 0:
        return PopulationSize(size, sqrt(max(0.0, variance)), float(min(seen, size)), size, seen)
    factor = exp(z * sqrt(log(1 + variance / unseen**2)))
    return PopulationSize(size, sqrt(variance), seen + unseen / factor, seen + unseen * factor, seen)
