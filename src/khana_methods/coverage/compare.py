"""Accuracy of what is stored, fact by fact: the registry's row beside the survey's answer of the same household.

Only households found by number are compared: those found by likeness agree because they were chosen to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from khana_methods.coverage.accuracy import agreement, deviation, half_life
from khana_methods.coverage.study import Figure
from khana_methods.surveys.tables import numbers, require_columns, texts


def accuracy_figures(
    survey: pa.Table, registry: pa.Table, rows: Sequence[int | None], compare: Mapping[str, str], weights: np.ndarray,
    *, years: str = "",
) -> list[Figure]:  # fmt: skip
    """Compare stored facts with found ones.

    Args:
        survey: n households.
        registry: Rows of the registry.
        rows: n row numbers of the registry; None where the household was not found by number.
        compare: Column of the registry to column of the survey.
        weights: n weights.
        years: Column of the survey or of the registry: years since the stored interview; gives the half-life of each fact.

    Returns:
        Of words `accuracy: agreement` and `accuracy: kappa`; of numbers `accuracy: bias` (stored less found),
        `accuracy: root mean square` and `accuracy: same`; domain `fact`, level its column in the registry. With `years`
        also `accuracy: half-life in years` (none where nothing has changed) and `accuracy: still true after a year`.
    """
    require_columns(registry, list(compare))
    require_columns(survey, list(compare.values()))
    here = np.array([at for at, row in enumerate(rows) if row is not None], dtype=np.int64)
    there = pa.array([row for row in rows if row is not None], pa.int64())
    made: list[Figure] = []
    ages = _ages(survey, registry, years, here, there)
    for stored_name, found_name in compare.items():
        ours, theirs = survey.take(pa.array(here)), registry.take(there)
        stored, found = numbers(theirs, stored_name), numbers(ours, found_name)
        if stored.unreadable == 0 and found.unreadable == 0:
            a = np.array(stored.values.to_pylist(), dtype=float)
            b = np.array(found.values.to_pylist(), dtype=float)
            both = np.isfinite(a) & np.isfinite(b)
            if not both.any():
                continue
            gap = deviation(a[both], b[both], weights[here][both])
            parts = {"bias": gap.bias, "root mean square": gap.root_mean_square, "same": gap.same}
            n = gap.n
            held = (a[both] == b[both]).astype(float)
            parts |= _decay(ages, np.flatnonzero(both), held, weights[here])
        else:
            words = [
                (x, y)
                for x, y in zip(
                    texts(theirs, stored_name).to_pylist(), texts(ours, found_name).to_pylist(), strict=True
                )
            ]
            kept = [at for at, (x, y) in enumerate(words) if x is not None and y is not None]
            if not kept:
                continue
            same = agreement([words[k][0] for k in kept], [words[k][1] for k in kept], weights[here][kept])
            parts = {"agreement": same.rate, **({"kappa": same.kappa} if same.kappa is not None else {})}
            n = same.n
            parts |= _decay(
                ages, np.array(kept), np.array([float(words[k][0] == words[k][1]) for k in kept]), weights[here]
            )
        made += [
            Figure(
                "fact",
                stored_name,
                f"accuracy: {name}",
                "household",
                value,
                None,
                None,
                None,
                n,
                "found by number only",
            )
            for name, value in parts.items()
        ]
    return made


def _ages(survey: pa.Table, registry: pa.Table, column: str, here: np.ndarray, there: pa.Array) -> np.ndarray | None:
    """Return the years since the interview of each compared household; none where no column says so."""
    if not column:
        return None
    if column not in survey.schema.names:
        require_columns(registry, [column])
        return np.array(numbers(registry.take(there), column).values.to_pylist(), dtype=float)
    return np.array(numbers(survey.take(pa.array(here)), column).values.to_pylist(), dtype=float)


def _decay(ages: np.ndarray | None, rows: np.ndarray, still_true: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Return half-life and the share still true after a year of one fact, where ages are known."""
    if ages is None:
        return {}
    years = ages[rows]
    known = np.isfinite(years) & (years > 0)
    if not known.any():
        return {}
    half = half_life(years[known], still_true[known], weights[rows][known])
    if half is None:
        return {"still true after a year": 1.0}
    return {"half-life in years": half, "still true after a year": 0.5 ** (1 / half)}
