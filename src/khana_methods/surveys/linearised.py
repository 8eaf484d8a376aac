"""The covariance of weighted totals under a design, for what the survey library has no name for.

Corrected shares, dual-system sizes, the second stage of a logit: each is a function of totals, and its variance is that
of its linearised values. Stage one is always there; stage two only where the design gives it a finite population.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from khana_methods.surveys.survey import Survey

Floats = npt.NDArray[np.float64]


def total_covariance(survey: Survey, values: Floats) -> Floats:
    """Return the k x k covariance of the weighted totals of k columns.

    Args:
        survey: Checked survey of n rows.
        values: n x k, not yet weighted; zero for rows outside the domain.

    Source:
        Lumley 2010, Complex Surveys, ch. 2 and 3 (recursive multistage variance, R's svyrecvar); the rule for lonely
        units as in `Design`.

    Examples:
        >>> import pyarrow as pa
        >>> from khana_methods.surveys.design import Design
        >>> table = pa.table({"w": [2.0, 2, 3, 3], "h": ["a", "a", "b", "b"]})
        >>> one = Survey(table, Design(weight="w", strata=("h",)))
        >>> total_covariance(one, np.array([[1.0], [3.0], [5.0], [9.0]])).tolist()
        [[160.0]]
    """
    frame = survey.frame
    weighted = values * frame["w"].to_numpy()[:, None]
    _, strata = np.unique(frame["h"].to_numpy(), return_inverse=True)
    _, own = np.unique(frame["i"].to_numpy(), return_inverse=True)
    _, units = np.unique(strata.astype(np.int64) * (own.max() + 1) + own, return_inverse=True)
    shares = _drawn(survey, "N1", "n1", strata)
    covariance = _stage(weighted, strata, units, 1 - shares, survey.rule)
    if len(survey.design.fpc) < 2:
        return covariance
    _, second = np.unique(frame["j"].to_numpy(), return_inverse=True)
    _, inner = np.unique(units.astype(np.int64) * (second.max() + 1) + second, return_inverse=True)
    first_share = np.zeros(units.max() + 1)
    first_share[units] = shares[strata]
    inner_share = _drawn(survey, "N2", "n2", units)
    # a unit of one second unit adds nothing where it was drawn whole, and nothing can be told where it was not
    return covariance + _stage(weighted, units, inner, first_share * (1 - inner_share), "skip")


def _drawn(survey: Survey, size: str, drawn: str, groups: npt.NDArray[np.intp]) -> Floats:
    """Return the share of units drawn in each group; zero without a finite population."""
    shares = np.zeros(groups.max() + 1)
    if size in survey.frame.columns:
        shares[groups] = survey.frame[drawn].to_numpy() / survey.frame[size].to_numpy()
    return shares


def _stage(
    weighted: Floats, groups: npt.NDArray[np.intp], units: npt.NDArray[np.intp], kept: Floats, rule: str | None
) -> Floats:
    """Return the variance of one stage: unit totals around the mean of their group."""
    count, width = units.max() + 1, weighted.shape[1]
    totals = np.stack([np.bincount(units, weighted[:, k], count) for k in range(width)], axis=1)
    group_of = np.zeros(count, dtype=np.intp)
    group_of[units] = groups
    size = np.bincount(group_of, minlength=groups.max() + 1)
    means = np.stack([np.bincount(group_of, totals[:, k], len(size)) for k in range(width)], axis=1) / size[:, None]
    middle = means[group_of]
    alone = size == 1
    if rule == "pool" and alone.sum() > 1:
        inside = alone[group_of]
        middle[inside] = totals[inside].mean(axis=0)
        size = np.where(alone, alone.sum(), size)
    elif rule == "center":
        middle[alone[group_of]] = totals.mean(axis=0)
    scale = kept * np.where(size > 1, size / np.maximum(size - 1, 1), 1.0 if rule == "center" else 0.0)
    gaps = totals - middle
    covariance: Floats = (gaps * scale[group_of][:, None]).T @ gaps
    if rule == "scale" and alone.any() and not alone.all():
        covariance = covariance * (len(alone) / (~alone).sum())
    return covariance
