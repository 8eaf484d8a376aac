"""The errors of a cut-off on arrays, many times over: for folds, groups and growing samples of the laboratory.

The same definitions as `errors`, which works on a table and is the one to read; tests hold the two equal. A survey is
measured some hundred times for one model card, and a table for each would be most of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from khana_methods.targeting.errors import TargetingErrors
from khana_methods.targeting.select import check_ties

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is chosen at a cut-off of the score: the share of each household in [0, 1], and the cut-off itself."""

    share: Numbers
    cut_off: float


def line_at(welfare: Numbers, mass: Numbers, share: float) -> float:
    """Return the smallest welfare at or under which a share of all mass lies, as `population.poverty_line`.

    Examples:
        >>> line_at(np.array([5.0, 1, 2, 4, 3]), np.ones(5), 0.4)
        2.0
    """
    order = np.argsort(welfare, kind="stable")
    reached = np.cumsum(mass[order]) / mass.sum()
    return float(welfare[order][min(int(np.searchsorted(reached, share - 1e-12)), len(order) - 1)])


def choose(
    score: Numbers, mass: Numbers, *, cut_off: float | None = None, share: float | None = None, ties: str = "split",
    key: Numbers | None = None,
) -> Chosen:  # fmt: skip
    """Choose all at or under a cut-off, or the poorest share by score.

    Args:
        score: Lower is poorer.
        mass: Weight in force.
        cut_off: A score; or
        share: of all mass.
        ties: How ties at the margin of a share are settled, as in `select`: `all`, `none`, `split` or `key`.
        key: Under `key`, numbers by whose order tied households come, lowest first.

    Raises:
        TieRuleUnknown: Not a rule for ties, or `key` without an order.

    Examples:
        >>> score, mass = np.array([1.0, 2, 2, 3]), np.ones(4)
        >>> {ties: choose(score, mass, share=0.5, ties=ties).share.tolist() for ties in ("split", "all", "none")}
        {'split': [1.0, 0.5, 0.5, 0.0], 'all': [1.0, 1.0, 1.0, 0.0], 'none': [1.0, 0.0, 0.0, 0.0]}
        >>> choose(score, mass, share=0.5, ties="key", key=np.array([4.0, 3, 2, 1])).share.tolist()
        [1.0, 0.0, 1.0, 0.0]
    """
    if cut_off is not None:
        return Chosen((score <= cut_off).astype(float), cut_off)
    check_ties(ties, has_key=key is not None)
    if key is None:
        different, place = np.unique(score, return_inverse=True)
    else:
        pairs, place = np.unique(np.column_stack([score, key]), axis=0, return_inverse=True)
        different, place = pairs[:, 0], place.reshape(-1)
    own = np.bincount(place, weights=mass, minlength=len(different))
    before = np.cumsum(own) - own
    room = (share or 0.0) * mass.sum()
    slack = 1e-9 * (1 + abs(room))
    if ties == "split":
        taken = np.clip(np.divide(room - before, own, out=np.zeros_like(own), where=own > 0), 0.0, 1.0)
        taken[np.abs(taken - 1) < 1e-9] = 1.0
    elif ties == "all":
        taken = (before < room - slack).astype(float)
    else:
        taken = (before + own <= room + slack).astype(float)
    reached = np.flatnonzero((taken > 0) & (own > 0))
    at = int(reached[-1]) if len(reached) else 0
    return Chosen(taken[place], float(different[at]))


def cells(welfare: Numbers, mass: Numbers, chosen: Numbers, line: float) -> TargetingErrors:
    """Return the four cells of a choice; the poor are at or under the line."""
    poor = welfare <= line
    return TargetingErrors(
        poor_chosen=float((mass * chosen)[poor].sum()),
        poor_left_out=float((mass * (1 - chosen))[poor].sum()),
        other_chosen=float((mass * chosen)[~poor].sum()),
        other_left_out=float((mass * (1 - chosen))[~poor].sum()),
    )


def area_under_roc(welfare: Numbers, score: Numbers, mass: Numbers, line: float) -> float | None:
    """Return the weighted chance that a poor score is under a non-poor one's, ties half; None where nobody is poor."""
    different, place = np.unique(score, return_inverse=True)
    poor = welfare <= line
    p = np.bincount(place, weights=mass * poor, minlength=len(different))
    q = np.bincount(place, weights=mass * ~poor, minlength=len(different))
    if not p.sum() or not q.sum():
        return None
    return float((q * (np.cumsum(p) - p / 2)).sum() / (p.sum() * q.sum()))
