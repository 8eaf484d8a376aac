"""What interviews say of a questionnaire: how often each question is left empty, how long it takes, what its versions change.

A question counts as asked where the form holds it: telephones leave out what was not to be asked. Two versions of one question
asked of halves of the sample are a split ballot: their answers are compared, with the chance that the difference is chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from scipy import stats

from khana_methods.engine.duckdb import Engine

# One row per answer of one submission: `answer` null where it was asked and left empty; `seconds` null where no log came.
answer_frame = pa.schema(
    [
        ("submission", pa.string()),
        ("version", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("seconds", pa.float64()),
    ]
)
_OTHER = "'other', 'others', 'other_specify', '96', '97'"
FEWEST = 10


def evidence(engine: Engine, answers: pa.Table) -> pa.Table:
    """Measure each question of each version.

    Args:
        engine: Gets the table `answer`.
        answers: Of `answer_frame`.

    Returns:
        One row per version and question: version, question, asked, missing, missing_share, other_share, distinct, timed,
        seconds_median, seconds_p90; in the order of version and question.
    """
    engine.register("answer", answers.cast(answer_frame))
    return engine.table(
        f"""SELECT version, question, count(DISTINCT submission) AS asked,
                   count(DISTINCT submission) FILTER (answer IS NULL) AS missing,
                   count(*) FILTER (answer IS NULL) / count(*) AS missing_share,
                   count(*) FILTER (lower(answer) IN ({_OTHER})) / nullif(count(answer), 0) AS other_share,
                   count(DISTINCT answer) AS "distinct", count(DISTINCT submission) FILTER (seconds IS NOT NULL) AS timed,
                   median(seconds) AS seconds_median, quantile_cont(seconds, 0.9) AS seconds_p90
            FROM answer GROUP BY version, question ORDER BY version, question"""
    )


def compare_ballots(answers: pa.Table, first: str, second: str) -> list[dict[str, object]]:
    """Compare the answers of two versions, question by question.

    Args:
        answers: Of `answer_frame`; one row per answer.
        first: One version.
        second: The other one.

    Returns:
        One entry per question that both ask, the smallest adjusted p first: question, kind (number or choice), n_first,
        n_second, missing_first, missing_second, value_first and value_second (mean, or the share of the commonest answer),
        test, p, p_adjusted (Holm), seconds_first, seconds_second.

    Source:
        Welch 1947 for means; Pearson's chi-squared for answers of a list, Fisher's exact test where a cell of a two by two
        table is expected under five; Holm 1979 over all questions.

    Examples:
        >>> rows = [(f"a{n}", "A", "fridge", "yes" if n < 30 else "no", None) for n in range(60)]
        >>> rows += [(f"b{n}", "B", "fridge", "yes" if n < 12 else "no", None) for n in range(60)]
        >>> table = pa.Table.from_pylist([dict(zip(answer_frame.names, row)) for row in rows], schema=answer_frame)
        >>> (one,) = compare_ballots(table, "A", "B")
        >>> one["test"], one["value_first"], one["value_second"], round(one["p"], 4)
        ('chi_squared', 0.5, 0.8, 0.0006)
    """
    sides = {first: _by_question(answers, first), second: _by_question(answers, second)}
    found = []
    for question in sides[first]:
        if question in sides[second]:
            found.append(_compared(question, sides[first][question], sides[second][question]))
    _adjust(found)
    return sorted(found, key=lambda row: (row["p_adjusted"] is None, row["p_adjusted"] or 0.0, str(row["question"])))


def _by_question(answers: pa.Table, version: str) -> dict[str, list[tuple[str | None, float | None]]]:
    found: dict[str, list[tuple[str | None, float | None]]] = {}
    for row in answers.to_pylist():
        if row["version"] == version:
            found.setdefault(row["question"], []).append((row["answer"], row["seconds"]))
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compared(
    question: str, one: Sequence[tuple[str | None, float | None]], other: Sequence[tuple[str | None, float | None]]
) -> dict[str, object]:
    sides = [[answer for answer, _s in side if answer is not None] for side in (one, other)]
    numbers = [[_number(answer) for answer in side] for side in sides]
    is_number = all(value is not None for side in numbers for value in side) and len({*sides[0], *sides[1]}) > 5
    row: dict[str, object] = {
        "question": question, "kind": "number" if is_number else "choice", "n_first": len(sides[0]), "n_second": len(sides[1]),
        "missing_first": 1 - len(sides[0]) / len(one), "missing_second": 1 - len(sides[1]) / len(other), "value_first": None,
        "value_second": None, "test": None, "p": None, "p_adjusted": None,
        "seconds_first": _median(one), "seconds_second": _median(other),
    }  # fmt: skip
    if min(len(sides[0]), len(sides[1])) < FEWEST:
        return row
    if is_number:
        left, right = (np.array(side, dtype=float) for side in numbers)
        row |= {"value_first": float(left.mean()), "value_second": float(right.mean()), "test": "welch"}
        if left.var() or right.var():
            row["p"] = float(stats.ttest_ind(left, right, equal_var=False).pvalue)
        return row
    names = sorted({*sides[0], *sides[1]})
    counts = np.array([[side.count(name) for name in names] for side in sides])
    commonest = int(counts[0].argmax())
    row |= {
        "value_first": float(counts[0][commonest]) / len(sides[0]),
        "value_second": float(counts[1][commonest]) / len(sides[1]),
    }
    if len(names) == 2 and stats.contingency.expected_freq(counts).min() < 5:
        row |= {"test": "fisher", "p": float(stats.fisher_exact(counts)[1])}
    elif len(names) > 1 and len(names) <= 50:
        row |= {"test": "chi_squared", "p": float(stats.chi2_contingency(counts, correction=False)[1])}
    return row


def _median(side: Sequence[tuple[str | None, float | None]]) -> float | None:
    seconds = [value for _answer, value in side if value is not None]
    return float(np.median(seconds)) if seconds else None


def _adjust(rows: Sequence[dict[str, object]]) -> None:
    """Write Holm's adjusted p into rows that have one."""
    tested = sorted((row for row in rows if row["p"] is not None), key=lambda row: float(str(row["p"])))
    highest = 0.0
    for place, row in enumerate(tested):
        highest = max(highest, min(1.0, float(str(row["p"])) * (len(tested) - place)))
        row["p_adjusted"] = highest


def as_rows(
    answers: Mapping[str, str | None], seconds: Mapping[str, float], submission: str, version: str
) -> list[dict[str, object]]:
    """Return the rows of one submission in `answer_frame`."""
    return [
        {"submission": submission, "version": version, "question": name, "answer": answer, "seconds": seconds.get(name)}
        for name, answer in answers.items()
    ]
