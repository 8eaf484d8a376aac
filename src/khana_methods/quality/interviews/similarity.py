"""How much does one interview repeat another: the greatest share of equal answers, per submission.

Compared are submissions of one enumerator, over the questions that both answered. Whole duplicates are found
elsewhere; this finds the copied interview in which a few answers were changed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLOCK = 512


def most_alike(
    answers: npt.NDArray[np.int32], group: npt.NDArray[np.int64], *, least: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Find for each submission the one of its group that it agrees with most.

    Args:
        answers: n submissions by k questions, each answer a whole number, -1 where there is none.
        group: Group (enumerator) of each submission.
        least: Questions that both must have answered to be compared at all.

    Returns:
        For each submission the greatest share of equal answers, nan where nothing is comparable, and the
        row of that other submission, -1 where there is none. Time is quadratic in the size of a group.

    Source:
        Kuriakose and Robbins 2016, "Don't get duped: fraud through duplication in public opinion surveys",
        Statistical Journal of the IAOS 32(3): maximum percentage match.

    Examples:
        >>> share, other = most_alike(np.array([[1, 2, 3], [1, 2, 4], [9, 9, 9]], dtype=np.int32),
        ...                           np.array([0, 0, 0]), least=2)
        >>> share.round(2).tolist(), other.tolist()
        ([0.67, 0.67, 0.0], [1, 0, 0])
    """
    count = len(answers)
    best, other = np.full(count, np.nan), np.full(count, -1, dtype=np.int64)
    for name in np.unique(group):
        rows = np.flatnonzero(group == name)
        if len(rows) < 2:
            continue
        part = answers[rows]
        for start in range(0, len(rows), _BLOCK):
            shares = _shares(part[start : start + _BLOCK], part, least)
            own = np.arange(len(shares))
            shares[own, own + start] = -1.0
            top = shares.argmax(axis=1)
            value = shares[own, top]
            found = value >= 0
            best[rows[start : start + _BLOCK][found]] = value[found]
            other[rows[start : start + _BLOCK][found]] = rows[top[found]]
    return best, other


def _shares(left: npt.NDArray[np.int32], right: npt.NDArray[np.int32], least: int) -> npt.NDArray[np.float64]:
    """Give the share of equal answers of each pair; -1 where too few questions were answered by both."""
    equal = np.zeros((len(left), len(right)), dtype=np.int32)
    both = np.zeros_like(equal)
    for question in range(left.shape[1]):
        a, b = left[:, question, None], right[None, :, question]
        answered = (a >= 0) & (b >= 0)
        both += answered
        equal += answered & (a == b)
    return np.where(both >= max(least, 1), equal / np.maximum(both, 1), -1.0)
