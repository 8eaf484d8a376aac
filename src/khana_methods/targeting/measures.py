"""Every measure of targeting, poverty and inequality with its standard error under the survey's design.

The values are those of `errors`, `incidence` and `poverty`, which tests hold equal; here each comes with its influence
function, so that a figure never stands without saying how sure it is. The line and the cut-off are taken as given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from khana_methods.errors import InputError
from khana_methods.targeting.errors import MODES, ModeUnknown, NobodyPoor, TargetingErrors
from khana_methods.targeting.linearise import (
    Measured,
    area_under_roc,
    concentration,
    difference,
    fgt,
    mean_log_deviation,
    measured,
    quotient,
    ratio,
    share_to_poorest,
    watts,
)
from khana_methods.targeting.people import People
from khana_methods.targeting.poverty import LineNotPositive
from khana_methods.targeting.ranks import cells, choose, line_at

Numbers = npt.NDArray[np.float64]
Figure = tuple[float, Numbers]


class CutOffOutOfRange(InputError):
    """A cut-off or share lies where no household can be: it would take everybody or nobody without saying so."""

    code: ClassVar[str] = "targeting.measures.cut_off_out_of_range"


@dataclass(frozen=True, slots=True)
class CutOff:
    """What one cut-off does: who is chosen, the four cells, and every measure by its name."""

    line: float
    poor_share: float
    mode: str
    cut_off: float
    cells: TargetingErrors
    measures: dict[str, Measured]


def line_of(people: People, *, line: float | None = None, poor_share: float | None = None) -> float:
    """Return the poverty line: as told, or under or at which a share of all lies.

    Raises:
        LineNotPositive: Not over 0.
        CutOffOutOfRange: The share is not between 0 and 1.
    """
    if line is not None:
        if not line > 0:
            raise LineNotPositive("A poverty line is a positive amount.", line=line)
        return line
    if poor_share is None or not 0 < poor_share < 1:
        raise CutOffOutOfRange("A share of the poor lies between 0 and 1, as 0.2 for a fifth.", share=poor_share)
    return line_at(people.welfare, people.mass, poor_share)


def at_cut_off(
    people: People,
    *,
    line: float,
    cut_off: float,
    mode: str = "absolute",
    ties: str = "split",
    key: Numbers | None = None,
) -> CutOff:
    """Measure a cut-off of the score against a poverty line; the poor are at or under the line before the transfer.

    Args:
        people: With a score.
        line: In the unit of welfare.
        cut_off: A score under `absolute` (at or under it is chosen), a share of the population under `quantile`.
        mode: `absolute` or `quantile`.
        ties: Under `quantile`, how ties at the margin are settled: `split`, `all`, `none` or `key`.
        key: Under `key`, numbers in whose order tied households come.

    Raises:
        ModeUnknown: Another mode.
        TieRuleUnknown: Another rule for ties.
        CutOffOutOfRange: A cut-off under which nobody is, or a share that is none.
        NobodyPoor: Everybody or nobody is poor.

    Source:
        Brown, Ravallion and van de Walle 2018; IRIS's accuracy and BPAC: McBride and Nichols 2018; AUC: Wodon 1997.
    """
    if mode not in MODES:
        raise ModeUnknown(f"A cut-off is {' or '.join(MODES)}.", mode=mode)
    y, m = people.welfare, people.mass
    seen = people.score[np.isfinite(people.score) & (m > 0)]
    if not len(seen):
        raise CutOffOutOfRange("No household has a score.")
    if mode == "quantile" and not 0 < cut_off <= 1:
        raise CutOffOutOfRange(
            "A quantile cut-off is a share of the population, as 0.2 for the poorest fifth by score.", cut_off=cut_off
        )
    if mode == "absolute" and cut_off < seen.min():
        raise CutOffOutOfRange(
            f"Nobody has a score at or under {cut_off:g}; scores go from {seen.min():g} to {seen.max():g}.",
            cut_off=cut_off,
        )
    score = np.where(np.isfinite(people.score), people.score, np.inf)
    if mode == "quantile":
        chosen = choose(score, m, share=cut_off, ties=ties, key=key)
    else:
        chosen = choose(score, m, cut_off=cut_off)
    share = np.where(np.isfinite(score), chosen.share, 0.0)
    poor = y <= line
    if not 0 < float(m[poor].sum()) < float(m.sum()):
        raise NobodyPoor("Everybody or nobody is poor at that line.", line=line)
    figures = dict(_of_choice(y, m, score, share, poor, line))
    return CutOff(
        line, float(m[poor].sum() / m.sum()), mode, chosen.cut_off, cells(y, m, share, line),
        {name: measured(*figure, m, people.design) for name, figure in figures.items() if np.isfinite(figure[0])},
    )  # fmt: skip


def _of_choice(
    y: Numbers, m: Numbers, score: Numbers, share: Numbers, poor: npt.NDArray[np.bool_], line: float
) -> Iterator[tuple[str, Figure]]:
    """Yield each measure of a choice with its influence."""
    ones, in_need = np.ones_like(y), poor.astype(float)
    right, missed, wrong = poor * share, poor * (1 - share), ~poor * share
    exclusion, iris = ratio(missed, in_need, m), ratio(wrong, in_need, m)
    accuracy = ratio(right, in_need, m)
    yield "exclusion_error", exclusion
    yield "inclusion_error", ratio(wrong, share, m)
    yield "poor_share", ratio(in_need, ones, m)
    yield "coverage", ratio(share, ones, m)
    yield "leakage_iris", iris
    yield "total_accuracy", ratio(right + ~poor * (1 - share), ones, m)
    yield "poverty_accuracy", accuracy
    yield "poverty_incidence_error", ratio(share - in_need, ones, m)
    sign = 1.0 if exclusion[0] >= iris[0] else -1.0
    gap = difference(exclusion, iris)
    yield "bpac", (accuracy[0] - abs(gap[0]), accuracy[1] - sign * gap[1])
    yield "targeting_differential", difference(accuracy, ratio(wrong, (~poor).astype(float), m))
    yield "auc", area_under_roc(y, score, m * np.isfinite(score), line)


def of_programme(people: People, *, line: float) -> dict[str, Measured]:
    """Measure a programme as it is paid, whatever its score said.

    Returns:
        By name: errors by heads, leakage by amount, Ravallion's measures, the share of money to the poorest 10, 20 and
        40 % over that share (CGH), reductions of poverty and inequality, and the gap closed for each unit spent.

    Raises:
        NobodyPoor: Everybody or nobody is poor.

    Source:
        Ravallion 2009; Brown, Ravallion and van de Walle 2018 (normalised differential); Coady, Grosh and Hoddinott 2004;
        World Bank ASPIRE.
    """
    y, m, b = people.welfare, people.mass, people.transfer
    poor = y <= line
    if not 0 < float(m[poor].sum()) < float(m.sum()):
        raise NobodyPoor("Everybody or nobody is poor at that line.", line=line)
    return {
        name: measured(*figure, m, people.design)
        for name, figure in _of_money(y, m, b, poor, line)
        if np.isfinite(figure[0])
    }


def _of_money(
    y: Numbers, m: Numbers, b: Numbers, poor: npt.NDArray[np.bool_], line: float
) -> Iterator[tuple[str, Figure]]:
    """Yield each measure of a programme with its influence."""
    ones, in_need, paid = np.ones_like(y), poor.astype(float), (b > 0).astype(float)
    others = 1 - in_need
    reached = ratio(in_need * paid, in_need, m)
    yield "programme_exclusion_error", ratio(in_need * (1 - paid), in_need, m)
    yield "programme_inclusion_error", ratio(others * paid, paid, m)
    yield "leakage_by_amount", ratio(others * b, b, m)
    yield "participation", ratio(paid, ones, m)
    yield "share_to_poor", ratio(in_need * b, b, m)
    yield "programme_targeting_differential", difference(reached, ratio(others * paid, others, m))
    means = difference(ratio(in_need * b, in_need, m), ratio(others * b, others, m))
    yield "normalised_differential", quotient(means, ratio(b, ones, m))
    value, influence = concentration(b, y, m)
    yield "concentration_index", (-value, -influence)
    for share in (0.1, 0.2, 0.4):
        value, influence = share_to_poorest(b, y, m, share)
        yield f"cgh_{round(share * 100)}", (value / share, influence / share)
    after = y + b
    for alpha, name in ((0, "headcount"), (1, "poverty_gap"), (2, "squared_gap")):
        was = fgt(y, m, line, alpha)
        yield f"{name}_reduction", quotient(difference(was, fgt(after, m, line, alpha)), was)
    unequal = concentration(y, y, m)
    yield "gini_reduction", quotient(difference(unequal, concentration(after, after, m)), unequal)
    closed = np.maximum(line - y, 0) - np.maximum(line - after, 0)
    yield "benefit_cost_ratio", ratio(closed, b, m)


def poverty_indices(people: People, *, line: float, when: str = "after") -> dict[str, Measured]:
    """Measure poverty and inequality; the poor are strictly under the line.

    Args:
        people: Of these.
        line: In the unit of welfare.
        when: `after` the transfer, or `before` it.

    Returns:
        By name: headcount, poverty_gap, squared_gap, watts, gini, mean, and mean_log_deviation where all welfare is positive.

    Raises:
        LineNotPositive: Not over 0.
    """
    if not line > 0:
        raise LineNotPositive("A poverty line is a positive amount.", line=line)
    y, m = (people.after if when == "after" else people.welfare), people.mass
    figures: dict[str, Figure] = {
        "headcount": fgt(y, m, line, 0), "poverty_gap": fgt(y, m, line, 1), "squared_gap": fgt(y, m, line, 2),
        "watts": watts(y, m, line), "gini": concentration(y, y, m), "mean": ratio(y, np.ones_like(y), m),
    }  # fmt: skip
    if (y[m > 0] > 0).all():
        figures["mean_log_deviation"] = mean_log_deviation(np.where(m > 0, y, 1.0), m)
    return {name: measured(*figure, m, people.design) for name, figure in figures.items() if np.isfinite(figure[0])}
