"""Accuracy of what is stored, fact by fact: the registry's row beside the survey's answer of the same household.

Only households found by number are compared: those found by likeness agree because they were chosen to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from khana_methods.coverage.accuracy import agreement, deviation
from khana_methods.coverage.study import Figure
from khana_methods.surveys.tables import numbers, require_columns, texts


def accuracy_figures(
    survey: pa.Table, registry: pa.Table, rows: Sequence[int | None], compare: Mapping[str, str], weights: np.ndarray
) -> list[Figure]:
    """Compare stored facts with found ones.

    Args:
        survey: n households.
        registry: Rows of the registry.
        rows: n row numbers of the registry; None where the household was not found by number.
        compare: Column of the registry to column of the survey.
        weights: n weights.

    Returns:
        Of words `accuracy: agreement` and `accuracy: kappa`; of numbers `accuracy: bias` (stored less found),
        `accuracy: root mean square` and `accuracy: same`; domain `fact`, level its column in the registry.
    """
    require_columns(registry, list(compare))
    require_columns(survey, list(compare.values()))
    here = np.array([at for at, row in enumerate(rows) if row is not None], dtype=np.int64)
    there = pa.array([row for row in rows if row is not None], pa.int64())
    made: list[Figure] = []
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
