"""Lot quality assurance: how many to check and how many faults to allow, from the risks that are asked for.

A *lot* is the work of one enumerator or office. `good` is the share of faulty interviews at which the lot should
pass, `bad` at which it should not; `producer` is the risk to fail a good lot, `consumer` to pass a bad one. Small
lots are counted exactly (hypergeometric), large ones as binomial.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import ClassVar

from scipy.stats import binom, hypergeom

from khana_methods.errors import InputError

MOST = 5000


class RisksImpossible(InputError):
    """The good share is not under the bad one, or a risk is no risk."""

    code: ClassVar[str] = "quality.lots.risks_impossible"


@dataclass(frozen=True, slots=True)
class Plan:
    """Check `n` of a lot, pass it with up to `d` faults; the risks that this really has.

    `can_tell` is false where the risks asked for cannot be kept; `warning` says so in words.
    """

    n: int
    d: int
    producer_risk: float
    consumer_risk: float
    can_tell: bool
    warning: str = ""


def chance_to_pass(n: int, d: int, share: float, lot: int | None = None) -> float:
    """Give the chance that a lot with this share of faults passes.

    Args:
        n: Checked.
        d: Faults allowed.
        share: True share of faults.
        lot: Units of the lot; None for a lot so large that it does not matter.

    Source:
        Binomial and hypergeometric distribution; Lemeshow and Taber 1991, World Health Statistics Quarterly 44.

    Examples:
        >>> round(chance_to_pass(19, 3, 0.05), 4), round(chance_to_pass(50, 3, 0.10), 4)
        (0.9868, 0.2503)
        >>> round(chance_to_pass(19, 3, 0.10, lot=20), 4)
        1.0
    """
    if lot is None:
        return float(binom.cdf(d, n, share))
    return float(hypergeom.cdf(d, lot, round(lot * share), n))


def plan_lot(
    good: float, bad: float, *, producer: float = 0.05, consumer: float = 0.10, lot: int | None = None, most: int = MOST
) -> Plan:
    """Find the fewest to check that keep both risks.

    Args:
        good: Share of faults at which a lot should pass.
        bad: Share of faults at which it should not.
        producer: Greatest risk to fail a good lot.
        consumer: Greatest risk to pass a bad lot.
        lot: Units of the lot, for small lots.
        most: Give up above so many.

    Returns:
        The plan. Where no n keeps both risks, all of the lot (or `most`) with `can_tell` false and a warning.

    Raises:
        RisksImpossible: The shares or risks cannot be.

    Source:
        Hald 1981, Statistical Theory of Sampling Inspection by Attributes; Lemeshow et al. 1990, WHO. 19 and 6 for 80
        against 50 per cent coverage is the plan of Valadez 1991, Assessing Child Survival Programs.

    Examples:
        >>> plan = plan_lot(0.20, 0.50, producer=0.10, consumer=0.10)
        >>> plan.n, plan.d
        (19, 6)
    """
    _check(good, bad, producer, consumer)
    highest = min(lot, most) if lot is not None else most
    d = 0
    for n in range(1, highest + 1):
        while _pass(n, d, good, lot, floor) < 1.0 - producer:
            d += 1
        if _pass(n, d, bad, lot, ceil) <= consumer:
            return _plan(n, d, good, bad, lot, can_tell=True)
    return _plan(
        highest, d, good, bad, lot, can_tell=False,
        warning=f"No sample up to {highest} tells {good:.0%} from {bad:.0%} with these risks; ask for a wider gap or larger risks.",
    )  # fmt: skip


def judge_plan(
    n: int, good: float, bad: float, *, producer: float = 0.05, consumer: float = 0.10, lot: int | None = None
) -> Plan:
    """Give the best number of faults to allow with a sample size that is fixed, and whether it can tell at all.

    Returns:
        The plan whose larger excess of risk is smallest.

    Raises:
        RisksImpossible: As `plan_lot`.

    Examples:
        >>> nineteen = judge_plan(19, 0.05, 0.10)
        >>> nineteen.can_tell, nineteen.d, round(nineteen.consumer_risk, 2)
        (False, 1, 0.42)
    """
    _check(good, bad, producer, consumer)
    size = min(n, lot) if lot is not None else n

    def excess(d: int) -> float:
        return max(1.0 - _pass(size, d, good, lot, floor) - producer, _pass(size, d, bad, lot, ceil) - consumer)

    d = min(range(size + 1), key=excess)
    tells = excess(d) <= 0
    enough = plan_lot(good, bad, producer=producer, consumer=consumer, lot=lot)
    warning = ""
    if not tells:
        needed = f"{enough.n} are needed" if enough.can_tell else "no sample does"
        warning = f"{size} checked interviews do not tell {good:.0%} from {bad:.0%} with these risks; {needed}."
    return _plan(size, d, good, bad, lot, can_tell=tells, warning=warning)


def _pass(n: int, d: int, share: float, lot: int | None, rounding: type[int] | object) -> float:
    """Give the chance to pass; a lot has whole faults, rounded to what is harder to tell."""
    if lot is None:
        return float(binom.cdf(d, n, share))
    faults = floor(lot * share + 1e-9) if rounding is floor else ceil(lot * share - 1e-9)
    return float(hypergeom.cdf(d, lot, faults, n))


def _plan(n: int, d: int, good: float, bad: float, lot: int | None, *, can_tell: bool, warning: str = "") -> Plan:
    producer, consumer = 1.0 - _pass(n, d, good, lot, floor), _pass(n, d, bad, lot, ceil)
    return Plan(n, d, max(producer, 0.0), consumer, can_tell, warning)


def _check(good: float, bad: float, producer: float, consumer: float) -> None:
    if not (0.0 <= good < bad <= 1.0 and 0.0 < producer < 1.0 and 0.0 < consumer < 1.0):
        raise RisksImpossible("Good must be under bad, both from 0 to 1, and both risks between 0 and 1.")
