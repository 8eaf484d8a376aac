"""Do stated ages and numbers prefer round digits: Whipple, Myers, and the digits of amounts.

An index over a hundred interviews tells something, over ten nothing. High heaping means that ages were guessed,
by the household or by the enumerator; it does not say by whom.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

Numbers = Sequence[float] | npt.NDArray[np.float64]


def counts_by_age(ages: Numbers, most: int = 100) -> npt.NDArray[np.float64]:
    """Count completed ages from 0 to `most`; what is missing or beyond is left out.

    Examples:
        >>> counts_by_age([0, 2, 2, 130, float("nan")], most=3).tolist()
        [1.0, 0.0, 2.0, 0.0]
    """
    values = np.asarray(ages, dtype=np.float64)
    kept = values[np.isfinite(values) & (values >= 0) & (values <= most)].astype(np.int64)
    return np.bincount(kept, minlength=most + 1).astype(np.float64)


def whipple(counts: Numbers) -> float | None:
    """Give Whipple's index: 100 is no preference of 0 and 5, 500 is nothing but them.

    Args:
        counts: Persons by single year of age from 0; at least to 62.

    Returns:
        The index over ages 23 to 62, None without anybody of these ages.

    Source:
        United Nations 1955, Methods of Appraisal of Quality of Basic Data (Manual II); Shryock and Siegel 1976.

    Examples:
        >>> whipple([10.0] * 100)
        100.0
        >>> whipple([1.0 if age % 5 == 0 else 0.0 for age in range(100)])
        500.0
    """
    people = np.asarray(counts, dtype=np.float64)
    total = people[23:63].sum()
    return None if total == 0 else float(500.0 * people[25:61:5].sum() / total)


def myers(counts: Numbers) -> float | None:
    """Give Myers' blended index: 0 is no preferred last digit, 90 is one digit only.

    Args:
        counts: Persons by single year of age from 0; at least to 89.

    Returns:
        Half the sum of the deviations of the ten blended shares from ten per cent, None without anybody.

    Source:
        Myers 1940, Transactions of the Actuarial Society of America 41; Shryock and Siegel 1976: sums from
        ages 10 and 20, over seven tens each, so that each digit leads as often; ages 10 to 89.

    Examples:
        >>> myers([10.0] * 100)
        0.0
        >>> myers([1.0 if age % 10 == 0 else 0.0 for age in range(100)])
        90.0
    """
    people = np.asarray(counts, dtype=np.float64)[10:90].reshape(8, 10)
    digit = np.arange(10)
    blended = (digit + 1) * people[:-1].sum(axis=0) + (9 - digit) * people[1:].sum(axis=0)
    total = blended.sum()
    return None if total == 0 else float(np.abs(100.0 * blended / total - 10.0).sum() / 2.0)


def last_digits(values: Numbers) -> tuple[float, float] | None:
    """Test whether last digits of whole numbers are spread evenly.

    Returns:
        (chi-squared with 9 degrees of freedom, p), None without values. Only to rank: real numbers are often rounded.

    Source:
        Pearson's chi-squared against the uniform; Beber and Scacco 2012, Political Analysis 20.

    Examples:
        >>> statistic, p = last_digits(range(1000))
        >>> statistic, round(p, 6)
        (0.0, 1.0)
    """
    kept = _whole(values)
    if not len(kept):
        return None
    seen = np.bincount(kept % 10, minlength=10)
    return _chi_squared(seen, np.full(10, len(kept) / 10.0))


def first_digits(values: Numbers) -> tuple[float, float] | None:
    """Test first digits of positive whole numbers against Benford's law.

    Returns:
        (chi-squared with 8 degrees of freedom, p), None without values. Only to rank: Benford did not tell known
        falsifiers from others, and many honest questions do not follow it.

    Source:
        Benford 1938; Judge and Schechter 2009, Journal of Human Resources 44; Wang and Pedlow 2005 for the warning.

    Examples:
        >>> statistic, p = first_digits([2**n for n in range(50)])
        >>> p > 0.5
        True
    """
    kept = _whole(values)
    kept = kept[kept > 0]
    if not len(kept):
        return None
    first = kept // 10 ** np.floor(np.log10(kept.astype(np.float64))).astype(np.int64)
    seen = np.bincount(first, minlength=10)[1:10]
    return _chi_squared(seen, len(kept) * np.log10(1.0 + 1.0 / np.arange(1, 10)))


def _whole(values: Numbers) -> npt.NDArray[np.int64]:
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < 9e15)]
    whole: npt.NDArray[np.int64] = np.abs(numbers[numbers == np.floor(numbers)]).astype(np.int64)
    return whole


def _chi_squared(seen: npt.NDArray[np.int64], expected: npt.NDArray[np.float64]) -> tuple[float, float]:
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return statistic, float(chi2.sf(statistic, len(expected) - 1))
