"""False positives: households that are registered and no longer there, by a sample of the registry that was visited.

A coverage study tells who is missing; this tells who should not be counted: the moved, the dead, those whom nobody knows.
The sample is drawn from the registry, so its weights add up to registered households.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import polars as pl
import pyarrow as pa

from khana_methods.coverage.study import Figure
from khana_methods.errors import InputError
from khana_methods.surveys.design import Design
from khana_methods.surveys.estimate import Estimate, estimate
from khana_methods.surveys.survey import Survey
from khana_methods.surveys.tables import texts

HERE = frozenset({"here", "found", "present", "in place", "same place", "0", "no", "living here"})
_GONE = "khana.gone"
KNOWN = {"moved": "moved", "migrated": "moved", "dead": "dead", "died": "dead", "deceased": "dead", "not found": "not_found",
         "not_found": "not_found", "unknown": "not_found"}  # fmt: skip


class NobodyVisited(InputError):
    """No household of the file was visited, or every answer says something that is not known."""

    code: ClassVar[str] = "coverage.nobody_visited"


def gone_figures(table: pa.Table, design: Design, column: str, *, level: float = 0.95) -> list[Figure]:
    """Estimate the share of registered households that are not there any more, and why.

    Args:
        table: n households; `column` is blank where none was visited.
        design: How they were drawn.
        column: `here` (found, present, no), `moved`, `dead`, `not found`, or another word, which counts as gone.
        level: Of the intervals.

    Returns:
        `false_positive_share` and `false_positives` (a total), and the share of each word: `moved`, `dead`, `not_found`.

    Raises:
        NobodyVisited: The column is blank everywhere.
    """
    words = pl.Series(texts(table, column)).str.strip_chars().str.to_lowercase()
    words = words.set(words == "", None) if (words == "").any() else words
    if words.drop_nulls().is_empty():
        raise NobodyVisited(f"No household of the file has an answer in {column}.", column=column)
    named = [None if one is None else "here" if one in HERE else KNOWN.get(one, one) for one in words.to_list()]
    gone = [None if one is None else float(one != "here") for one in named]
    kept = [at for at, one in enumerate(named) if one is not None]
    part = table.append_column(_GONE, pa.array(gone, pa.float64()))
    part = part.append_column(f"{_GONE}.word", pa.array(named, pa.string())).append_column(
        f"{_GONE}.asked", pa.array([1.0 if one is not None else 0.0 for one in named])
    )
    survey = Survey(part, replace(design, size=None))
    asked = [f"{_GONE}.asked=1"]
    made = [
        _figure(row, "false_positive_share")
        for row in estimate(survey, "proportion", [_GONE], where=asked, level=level)[0]
    ]
    made += [_figure(row, "false_positives") for row in estimate(survey, "total", [_GONE], where=asked, level=level)[0]]
    for word in sorted({named[at] for at in kept} - {"here"}, key=str):
        rows = estimate(survey, "proportion", [f"{_GONE}.word={word}"], where=asked, level=level)[0]
        made += [_figure(row, str(word)) for row in rows]
    return made


def _figure(row: Estimate, estimator: str) -> Figure:
    return Figure(
        "all", "all", estimator, "household", row.estimate, row.se, row.lower, row.upper, row.n,
        row.note or "of registered households visited",
    )  # fmt: skip
