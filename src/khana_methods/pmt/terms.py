"""From regressors to the columns of a design matrix, and back from coefficients to a model's variables.

Numbers enter with caps, ratios and transforms; codes as one column for each level but the reference; ordered codes as
steps that add up; bands by where they begin. Which is which is told by the SPEC, else read from the survey.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from khana_methods.pmt.model import transformed
from khana_methods.pmt.spec import Regressor, level_text

Numbers: TypeAlias = npt.NDArray[np.float64]
Texts: TypeAlias = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Term:
    """One variable in the design matrix.

    Attributes:
        regressor: What was asked for, its kind now known.
        labels: What each of its columns is, in order: a level, a band or nothing for a number.
        columns: n rows, one column per label; rows that are not known hold zeros.
        known: n truth values: the variable is known there.
        levels: Levels by number of households, for codes.
        stand_in: What stands in where it is missing at scoring: a mean, a level or a truth value.
        notes: What was done to it that a reader should know.
        ends: The least and the greatest value of a number in the survey, capped and not yet transformed.
    """

    regressor: Regressor
    labels: tuple[str, ...]
    columns: Numbers
    known: npt.NDArray[np.bool_]
    stand_in: str | float | bool | None
    levels: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ends: tuple[float, float] | None = None

    @property
    def code(self) -> str:
        """Its code in the model."""
        return self.regressor.code


def number_term(regressor: Regressor, values: Numbers, below: Numbers | None, weights: Numbers) -> Term:
    """Make the term of a number; `below` divides it where it is a ratio.

    Rows without a value, a division by zero and a number that has no transform are not known.
    """
    made = values.copy()
    if below is not None:
        made = np.divide(values, below, out=np.full_like(values, np.nan), where=np.isfinite(below) & (below != 0))
    mean_of = made[np.isfinite(made)]
    stand_in = float(np.average(mean_of, weights=weights[np.isfinite(made)])) if len(mean_of) else None
    if regressor.at_least is not None:
        made = np.maximum(made, regressor.at_least)
    if regressor.at_most is not None:
        made = np.minimum(made, regressor.at_most)
    capped, made = made, _transformed(made, regressor.transform)
    known = np.isfinite(made)
    ends = (float(capped[known].min()), float(capped[known].max())) if known.any() else None
    if stand_in is not None and transformed(stand_in, regressor.transform) is None:
        stand_in = float(np.median(mean_of))
    return Term(regressor, ("",), np.where(known, made, 0.0)[:, None], known, stand_in, ends=ends)


def flag_term(regressor: Regressor, values: Numbers) -> Term:
    """Make the term of a truth value, given as 1, 0 and not a number."""
    known = np.isfinite(values)
    return Term(
        regressor, ("",), np.where(known, values, 0.0)[:, None], known, bool(np.nanmean(values) > 0.5) if known.any() else None
    )  # fmt: skip


def code_term(regressor: Regressor, values: Texts, *, min_households: int = 0) -> Term:
    """Make the term of a code: a column for each level but the reference.

    The reference is the one that the SPEC names, else the most frequent level. A level of fewer households than
    `min_households` gets no column of its own: it counts as the reference, and this is noted.
    """
    known = np.array([value is not None for value in values])
    names, counts = (
        np.unique(values[known].astype(str), return_counts=True) if known.any() else (np.array([]), np.array([]))
    )
    levels = {str(name): int(count) for name, count in zip(names, counts, strict=True)}
    notes = []
    reference = level_text(regressor.reference) if regressor.reference is not None else ""
    if reference and reference not in levels:
        notes.append(f"its reference '{reference}' is no level of the survey; the most frequent stands for it")
        reference = ""
    if not reference and levels:
        reference = max(sorted(levels), key=lambda name: levels[name])
    few = [name for name, count in levels.items() if count < min_households and name != reference]
    if few:
        notes.append(f"{len(few)} levels of under {min_households} households joined the reference '{reference}'")
    labels = tuple(sorted((name for name in levels if name != reference and name not in few), key=_order))
    columns = (
        np.column_stack([values == label for label in labels]).astype(float) if labels else np.zeros((len(values), 0))
    )
    return Term(regressor, labels, columns, known, reference or None, levels, tuple(notes))


def step_term(regressor: Regressor, values: Texts) -> Term:
    """Make the term of an ordered code: one column for each step, on where the level has reached it.

    A level outside the order is not known.
    """
    place = {level: at for at, level in enumerate(regressor.order)}
    at = np.array([place.get(value, -1) for value in values])
    known = at >= 0
    odd = len({value for value in values if value is not None and value not in place})
    notes = (f"{odd} levels stand outside its order and count as missing",) if odd else ()
    columns = np.column_stack([at >= step for step in range(1, len(regressor.order))]).astype(float)
    levels = {level: int((at == number).sum()) for level, number in place.items()}
    stand_in = max(levels, key=lambda name: levels[name]) if known.any() else None
    return Term(regressor, regressor.order[1:], columns, known, stand_in, levels, notes)


def band_term(regressor: Regressor, values: Numbers) -> Term:
    """Make the term of a number in bands: a column for each band but the first; a number under the first is not known."""
    starts = np.array(regressor.bands)
    at = np.where(np.isfinite(values), np.searchsorted(starts, values, side="right") - 1, -1)
    known = at >= 0
    columns = np.column_stack([at == band for band in range(1, len(starts))]).astype(float)
    levels = {f"{start:g}": int((at == band).sum()) for band, start in enumerate(starts)}
    stand_in = float(np.median(values[known])) if known.any() else None
    return Term(regressor, tuple(f"{start:g}" for start in starts[1:]), columns, known, stand_in, levels)


def matrix_of(terms: Sequence[Term], rows: npt.NDArray[np.bool_] | None = None) -> Numbers:
    """Return the design matrix: a column of ones, then the columns of each term in order."""
    height = len(terms[0].known) if terms else 0
    whole = np.column_stack([np.ones(height), *(term.columns for term in terms)])
    return whole if rows is None else whole[rows]


def names_of(terms: Sequence[Term]) -> list[tuple[str, str]]:
    """Return variable and label for each column of the design matrix after the first."""
    return [(term.code, label) for term in terms for label in term.labels]


def variable_document(term: Term, coefficients: Sequence[float], policy: str) -> dict[str, Any]:
    """Write a term with its coefficients as a variable of a model's file.

    Args:
        term: The term.
        coefficients: One for each of its labels.
        policy: For a missing value, where the SPEC gives the variable none of its own.
    """
    regressor = term.regressor
    missing = regressor.missing or policy
    made: dict[str, Any] = {"code": regressor.code, "label": regressor.label, "missing": missing}
    if missing == "reference":
        made["reference"] = term.stand_in
    if regressor.column != regressor.code and not regressor.per:
        made["column"] = regressor.column
    if regressor.expression:
        made["expression"] = regressor.expression
    told = [float(value) for value in coefficients]
    if regressor.kind == "dummy":
        return made | {"dummy": told[0]}
    if regressor.kind == "number":
        low, high = _ends(term, missing)
        linear = {"coefficient": told[0], "at_least": low, "at_most": high, "transform": regressor.transform}
        if regressor.per:
            linear |= {"of": regressor.column, "to": regressor.per}
        return made | {"linear": {key: value for key, value in linear.items() if value not in (None, "")}}
    if regressor.kind == "bands":
        return made | {"bands": dict(zip(regressor.bands, [0.0, *told], strict=True))}
    if regressor.kind == "cumulative":
        return made | {"base": regressor.order[0], "cumulative": dict(zip(regressor.order[1:], told, strict=True))}
    points = dict(zip(term.labels, told, strict=True))
    return made | {"levels": {level: points.get(level, 0.0) for level in sorted(term.levels, key=_order)}}


def _ends(term: Term, missing: str) -> tuple[float | None, float | None]:
    """Return the caps of a number; those of the survey where a policy needs ends and the SPEC gives none."""
    regressor = term.regressor
    low, high = regressor.at_least, regressor.at_most
    if missing in ("lowest", "highest") and term.ends is not None:
        low, high = term.ends[0] if low is None else low, term.ends[1] if high is None else high
    return low, high


def _transformed(values: Numbers, transform: str) -> Numbers:
    """Transform numbers as a model does, one by one, so that the last digit is the same."""
    if not transform:
        return values
    made = [transformed(float(value), transform) if np.isfinite(value) else None for value in values]
    return np.array([np.nan if value is None else value for value in made])


def _order(level: str) -> tuple[int, float, str]:
    """Order levels as people do: numbers by size, then words."""
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level
