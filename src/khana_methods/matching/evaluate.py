"""How good the links are: precision, recall and F1 with intervals, against truth or from few labels.

Against a full truth the intervals are Wilson's. From labels drawn by strata of match probability, totals are
estimated by stratum, and intervals take the design into account; a stratum without a label is said, not
guessed. Kappa says how far two reviewers agree beyond chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from khana_methods.errors import InputError

_Z = 1.959963984540054


class LabelsMissing(InputError):
    """A stratum that holds pairs has no label: nothing can be said about it."""

    code: ClassVar[str] = "matching.labels_missing"


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Precision, recall and F1 of a set of links, with the counts that they come from."""

    linked: int
    true: int
    found: int
    precision: Interval
    recall: Interval
    f1: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """Pairs of like probability: how many there are, how many were labelled, how many of those are matches.

    `is_linked`: the pairs of this stratum were linked.
    """

    pairs: int
    labelled: int
    matches: int
    is_linked: bool


def wilson(successes: int, trials: int) -> Interval:
    """Estimate a share with Wilson's 95 % interval; without a trial, 0 to 1.

    Source:
        Wilson (1927), Probable inference, JASA 22.

    Examples:
        >>> interval = wilson(90, 100)
        >>> round(interval.value, 2), round(interval.low, 3), round(interval.high, 3)
        (0.9, 0.826, 0.945)
        >>> wilson(0, 0)
        Interval(value=0.0, low=0.0, high=1.0)
    """
    if trials == 0:
        return Interval(0.0, 0.0, 1.0)
    share = successes / trials
    middle = (share + _Z * _Z / (2 * trials)) / (1 + _Z * _Z / trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + _Z * _Z / (4 * trials * trials)) / (1 + _Z * _Z / trials)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def quality(links: Iterable[tuple[str, str]], truth: Iterable[tuple[str, str]]) -> Quality:
    """Hold pairs that were linked against pairs that truly are one person.

    Args:
        links: Pairs of record ids, in either order; repeated pairs count once.
        truth: The true pairs.

    Examples:
        >>> found = quality([("a", "b"), ("c", "d")], [("b", "a"), ("e", "f")])
        >>> found.precision.value, found.recall.value, found.f1
        (0.5, 0.5, 0.5)
    """
    linked = {(min(pair), max(pair)) for pair in links}
    true = {(min(pair), max(pair)) for pair in truth}
    both = len(linked & true)
    f1 = 2 * both / (len(linked) + len(true)) if linked or true else 0.0
    return Quality(len(linked), len(true), both, wilson(both, len(linked)), wilson(both, len(true)), f1)


def estimate(strata: Sequence[Stratum], *, beyond: float = 0.0) -> tuple[Interval, Interval]:
    """Estimate precision and recall from labels drawn at random within strata.

    Precision is over the linked strata; recall is the share of all estimated matches among candidates that lies in
    linked strata: what blocking never met is not in it.

    Args:
        strata: One a class of match probability.
        beyond: Matches expected outside all strata: they count against recall.

    Returns:
        Precision and recall with 95 % intervals (linearised, finite population corrected).

    Raises:
        LabelsMissing: A stratum with pairs has no label.

    Source:
        Cochran (1977), Sampling Techniques, ch. 5 and 6: stratified totals and combined ratio.

    Examples:
        >>> precision, recall = estimate([Stratum(1000, 100, 99, True), Stratum(200, 100, 10, False)])
        >>> round(precision.value, 3), round(recall.value, 3)
        (0.99, 0.98)
        >>> precision.low < 0.99 < precision.high
        True
    """
    held = [stratum for stratum in strata if stratum.pairs]
    if any(stratum.labelled == 0 for stratum in held):
        raise LabelsMissing("Some strata have pairs and no label; label at least one pair of each.")
    linked_pairs = sum(stratum.pairs for stratum in held if stratum.is_linked)
    shares = [stratum.matches / stratum.labelled for stratum in held]
    linked_matches = sum(s.pairs * share for s, share in zip(held, shares, strict=True) if s.is_linked)
    all_matches = sum(s.pairs * share for s, share in zip(held, shares, strict=True)) + beyond
    precision = linked_matches / linked_pairs if linked_pairs else 0.0
    recall = linked_matches / all_matches if all_matches else 0.0
    spread_precision = spread_recall = 0.0
    for stratum in held:
        # add one success and one failure to the spread only, so that a stratum of agreeing labels is not certain
        smooth = (stratum.matches + 1) / (stratum.labelled + 2)
        corrected = 1 - stratum.labelled / stratum.pairs
        spread = stratum.pairs**2 * smooth * (1 - smooth) / stratum.labelled * max(corrected, 0.0)
        if stratum.is_linked and linked_pairs:
            spread_precision += spread / linked_pairs**2
        if all_matches:
            spread_recall += spread * ((1 if stratum.is_linked else 0) - recall) ** 2 / all_matches**2
    return _around(precision, spread_precision), _around(recall, spread_recall)


def _around(value: float, variance: float) -> Interval:
    half = _Z * math.sqrt(variance)
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Cohen's kappa of two reviewers' outcomes on the same pairs; 1 when both always gave one outcome alike.

    Source:
        Cohen (1960), A coefficient of agreement for nominal scales.

    Examples:
        >>> round(kappa(["same", "same", "other", "other"], ["same", "same", "other", "same"]), 2)
        0.5
    """
    count = len(first)
    if count == 0 or count != len(second):
        raise LabelsMissing("Agreement needs two outcomes for each pair.")
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    by_chance = sum((first.count(c) / count) * (second.count(c) / count) for c in set(first) | set(second))
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)
