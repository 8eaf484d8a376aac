"""What the answers of submissions show: missing, "other", far-out numbers, repeated interviews.

Questions are judged by their own answers: one is a number if nearly all its answers are, and is looked at for
outliers only then. A long answer that repeats is no mistake in itself; a whole interview that repeats asks for a look.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.quality.interviews.heaping import last_digits
from khana_methods.quality.interviews.similarity import most_alike
from khana_methods.quality.interviews.submissions import Layout

OTHER = ("other", "others", "other specify", "others specify", "other (specify)", "others (specify)", "others(specify)",
         "دیگر", "অন্যান্য")  # fmt: skip
_NUMERIC_SHARE = 0.95


def question_table(engine: Engine, layout: Layout, limits: Mapping[str, float]) -> pa.Table:
    """Measure each question; write its outliers into `hfc_finding`.

    Returns:
        One row per answer column: `variable`, `answered`, `missing_share`, `distinct`, `other_share`, `is_number`,
        `median`, `low_fence`, `high_fence`, `outliers`, `last_digit_chi2`.

    Source:
        Fences: Tukey 1977, quartiles less and plus the limit times the interquartile range.
    """
    rows = []
    total = engine.value("SELECT count(*) FROM submission")
    words = ", ".join("'" + word + "'" for word in OTHER)
    for number, name in enumerate(layout.answers):
        cell, value = f"a{number}", f"try_cast(a{number} AS DOUBLE)"
        answered, distinct, others, numbers, quarter, half, three = engine.rows(
            f"""SELECT count({cell}), count(DISTINCT {cell}), count(*) FILTER (lower({cell}) IN ({words})),
                    count({value}), quantile_cont({value}, 0.25), quantile_cont({value}, 0.5), quantile_cont({value}, 0.75)
                FROM submission"""
        )[0]
        is_number = answered > 0 and numbers >= _NUMERIC_SHARE * answered and distinct > 10
        row = {
            "variable": name,
            "answered": answered,
            "missing_share": round(1 - answered / total, 4) if total else None,
            "distinct": distinct,
            "other_share": round(others / answered, 4) if answered else None,
            "is_number": is_number,
            "median": half if is_number else None,
        }
        rows.append(row | _fences(engine, name, value, (quarter, three) if is_number else None, limits))
    kinds = {"variable": pa.string(), "answered": pa.int64(), "missing_share": pa.float64(), "distinct": pa.int64(),
             "other_share": pa.float64(), "is_number": pa.bool_(), "median": pa.float64(), "low_fence": pa.float64(),
             "high_fence": pa.float64(), "outliers": pa.int64(), "last_digit_chi2": pa.float64()}  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def _fences(
    engine: Engine, name: str, value: str, quartiles: tuple[float, float] | None, limits: Mapping[str, float]
) -> dict[str, float | int | None]:
    """Find the far-out answers of one numeric question, and how its last digits are spread."""
    nothing: dict[str, float | int | None] = {
        "low_fence": None,
        "high_fence": None,
        "outliers": None,
        "last_digit_chi2": None,
    }
    if quartiles is None:
        return nothing
    numbers = np.array([row[0] for row in engine.rows(f"SELECT {value} FROM submission WHERE {value} IS NOT NULL")])
    digits = last_digits(numbers) if len(numbers) >= limits["digits_least"] else None
    width = (quartiles[1] - quartiles[0]) * limits["outlier_fences"]
    if width == 0:  # nearly everybody says the same: everything else would be far out
        return nothing | {"last_digit_chi2": round(digits[0], 2) if digits else None}
    low, high = quartiles[0] - width, quartiles[1] + width
    engine.run(
        f"INSERT INTO hfc_finding SELECT k, 'OUTLIER', $name, {value} FROM submission WHERE {value} NOT BETWEEN {low} AND {high}",
        {"name": name},
    )
    outside = int(((numbers < low) | (numbers > high)).sum())
    chi = round(digits[0], 2) if digits else None
    return {"low_fence": low, "high_fence": high, "outliers": outside, "last_digit_chi2": chi}


def find_alike(engine: Engine, layout: Layout, limits: Mapping[str, float]) -> pa.Table:
    """Write whole and near duplicates into `hfc_finding`.

    Returns:
        One row per submission: `k`, `alike` (greatest share of equal answers with another of the same enumerator, or null).
    """
    if not layout.answers:
        return pa.table({"k": pa.array([], pa.int64()), "alike": pa.array([], pa.float64())})
    cells = ", ".join(f"a{number}" for number in range(len(layout.answers)))
    engine.run(
        f"""INSERT INTO hfc_finding SELECT k, 'ANSWERS_TWICE', 'answers', count(*) OVER (PARTITION BY {cells}) FROM submission
            WHERE len(list_filter([{cells}], lambda x: x IS NOT NULL)) >= {limits["alike_answers_least"]}
            QUALIFY count(*) OVER (PARTITION BY {cells}) > 1"""
    )
    codes = ", ".join(
        f"CASE WHEN a{n} IS NULL THEN -1 ELSE dense_rank() OVER (ORDER BY a{n}) END AS a{n}"
        for n in range(len(layout.answers))
    )
    coded = engine.table(
        f"SELECT k, dense_rank() OVER (ORDER BY enumerator) AS who, {codes} FROM submission ORDER BY k"
    )
    answers = np.column_stack([coded.column(f"a{n}").to_numpy() for n in range(len(layout.answers))]).astype(np.int32)
    # what is the same for all, or different for all, says nothing about copying
    spread = [len(np.unique(answers[:, n])) for n in range(answers.shape[1])]
    telling = [n for n, count in enumerate(spread) if 1 < count <= max(0.5 * len(answers), 20)]
    share, _other = most_alike(
        answers[:, telling], coded.column("who").to_numpy(), least=int(limits["alike_answers_least"])
    )
    found = pa.table(
        {"k": coded.column("k").cast(pa.int64()), "alike": pa.array(share, pa.float64(), from_pandas=True)}
    )
    engine.register("alike", found)
    engine.run(
        f"""INSERT INTO hfc_finding SELECT k, 'ANSWERS_ALIKE', 'answers', round(alike, 4) FROM alike
            WHERE alike >= {limits["alike_share"]} AND k NOT IN (SELECT k FROM hfc_finding WHERE code = 'ANSWERS_TWICE')"""
    )
    return found
