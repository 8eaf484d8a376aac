"""What goes with yes: a logit weighted by the design, with average marginal effects.

Coefficients are on the scale of log odds; a marginal effect is the change of the share, in points of one, for one unit
more (or for this value instead of the first), averaged over the people as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl
import svy
from scipy.special import stdtr

from khana_methods.errors import InputError
from khana_methods.surveys.estimate import in_part, outcome
from khana_methods.surveys.intervals import t_interval
from khana_methods.surveys.library import quiet
from khana_methods.surveys.linearised import Floats, total_covariance
from khana_methods.surveys.survey import Survey
from khana_methods.surveys.tables import numbers, texts

MOST_VALUES = 60


class LogitWrong(InputError):
    """The model cannot be fitted: no regressor, a constant one, all yes or all no, or one that settles the answer."""

    code: ClassVar[str] = "surveys.logit_wrong"


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One line of a logit.

    Attributes:
        term: Column, or `column=value` against the first value; `constant`.
        reference: The first value, for words; empty otherwise.
        estimate: Log odds.
        se: Standard error by the design.
        lower: Lower end, t interval.
        upper: Upper end.
        p_value: Two-sided.
        odds_ratio: exp(estimate).
        marginal_effect: Average change of the share; None for the constant.
        marginal_se: Its standard error (delta method).
        marginal_lower: Lower end.
        marginal_upper: Upper end.
    """

    term: str
    reference: str
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    odds_ratio: float | None
    marginal_effect: float | None
    marginal_se: float | None
    marginal_lower: float | None
    marginal_upper: float | None


@dataclass(frozen=True, slots=True)
class Logit:
    """A fitted logit: its lines, the rows used and left out, degrees of freedom, and the share of yes."""

    outcome: str
    coefficients: tuple[Coefficient, ...]
    n: int
    left_out: int
    df: int
    share: float


def fit_logit(
    survey: Survey, dependent: str, regressors: Sequence[str], *, where: Sequence[str] = (), level: float = 0.95
) -> Logit:
    """Fit a logit and its average marginal effects.

    Args:
        survey: Checked survey.
        dependent: Column of 0 and 1 (yes and no), or `column=value`.
        regressors: Columns; one of words, or written `C(column)` or `C(column, first)`, becomes a line per value.
        where: Conditions, as in `estimate`.
        level: Of the intervals.

    Raises:
        LogitWrong: No regressor, a constant one, an outcome without variation, or a regressor that settles it.
        ValuesWrong, ColumnMissing, MeasureUnknown: As in `estimate`.

    Source:
        Binder 1983, On the variances of asymptotically normal estimators from complex surveys; Lumley 2010, ch. 6.
    """
    if not regressors:
        raise LogitWrong("A logit needs at least one regressor after the outcome.")
    y, name, value = outcome(survey, dependent)
    columns, terms, labels = _terms(survey, regressors)
    frame = pl.DataFrame({"y": y, **columns})
    whole = frame.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    inside = in_part(survey, where)
    used = inside & whole
    _check(frame.filter(used), labels)
    first = {at: _first(frame.filter(used)[at], wanted) for at, wanted in terms.items() if wanted is not None}
    lines = _lines_of(frame.filter(used), terms, first)
    filled = {c: s.fill_null("" if s.dtype == pl.String else 0.0) for c, s in frame.to_dict().items()}
    for at in first:  # rows outside must not bring values of their own
        filled[at] = filled[at].zip_with(used, pl.Series([first[at]] * len(used)))
    specs: list[Any] = [svy.Cat(at, ref=first[at]) if at in first else at for at in terms]
    try:
        with quiet():
            sample = survey.sample(**filled, inside=used.cast(pl.Int8))
            model = sample.glm.fit(
                y="y",
                x=specs,
                family="binomial",
                where=svy.col("inside") == 1,
                alpha=1 - level,
                tol=1e-10,
                max_iter=200,
            )
        fitted = {row["term"]: row for row in model.to_polars().iter_rows(named=True)}
    except svy.errors.SvyError as error:
        code = getattr(error, "code", "") or type(error).__name__
        raise LogitWrong(f"This logit cannot be fitted ({code}).", reason=str(code)) from error
    for line in lines[1:]:
        if _finite(fitted[line.inner]["std_err"]) is None:
            raise LogitWrong(
                f"{labels[line.column]} settles the outcome by itself: no finite estimate exists.",
                column=labels[line.column],
            )
    parts = _Fit(survey, filled, used.to_numpy(), lines, np.array([fitted[line.inner]["estimate"] for line in lines]))
    weighing = survey.frame.filter(inside & (survey.frame["w"] > 0))
    df = weighing.select(pl.struct("h", "i").n_unique()).item() - weighing["h"].n_unique() - len(lines) + 1
    weights = survey.frame["w"].filter(used)
    return Logit(
        outcome=name if value is None else f"{name}={value}",
        coefficients=tuple(parts.coefficients(labels, first, df, level)),
        n=int(used.sum()),
        left_out=int((inside & ~whole).sum()),
        df=df,
        share=float((weights * frame["y"].filter(used)).sum()) / float(weights.sum()),
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """One column of the design matrix: the library's name, the column it came from, and its value for words."""

    inner: str
    column: str
    value: str | None


def _lines_of(used: pl.DataFrame, terms: dict[str, str | None], first: dict[str, str]) -> list[_Line]:
    """Return the columns of the design matrix, the constant first."""
    made = [_Line("_intercept_", "", None)]
    for at in terms:
        if at not in first:
            made.append(_Line(at, at, None))
            continue
        made += [_Line(f"{at}_{v}", at, v) for v in sorted(used[at].unique().to_list()) if v != first[at]]
    return made


class _Fit:
    """A fitted logit on all rows: its sandwich covariance over every stage, and marginal effects by the delta method."""

    def __init__(
        self,
        survey: Survey,
        filled: dict[str, pl.Series],
        used: npt.NDArray[np.bool_],
        lines: list[_Line],
        slopes: Floats,
    ) -> None:
        self.lines, self.slopes = lines, slopes
        columns = [np.ones(len(used))]
        for line in lines[1:]:
            series = filled[line.column]
            columns.append(
                (series == line.value).to_numpy().astype(float) if line.value is not None else series.to_numpy()
            )
        self.matrix = np.stack(columns, axis=1) * used[:, None]
        self.used = used
        self.weights = survey.frame["w"].to_numpy() * used
        share = self._share(self.matrix)
        scores = self.matrix * ((filled["y"].to_numpy() - share) * used)[:, None]
        inverse = np.linalg.inv((self.matrix * (self.weights * share * (1 - share))[:, None]).T @ self.matrix)
        self.covariance: Floats = inverse @ total_covariance(survey, scores) @ inverse

    def _share(self, matrix: Floats) -> Floats:
        made: Floats = 1 / (1 + np.exp(-np.clip(matrix @ self.slopes, -700, 700)))
        return made

    def effect(self, at: int) -> tuple[float, Floats]:
        """Return the average marginal effect of one line, and its gradient by the slopes."""
        line, total = self.lines[at], self.weights.sum()
        if line.value is None:
            share = self._share(self.matrix)
            slope = share * (1 - share)
            mean = float(self.weights @ slope / total)
            gradient = self.slopes[at] * ((self.weights * slope * (1 - 2 * share)) @ self.matrix) / total
            gradient[at] += mean
            return mean * self.slopes[at], gradient
        without = self.matrix.copy()
        without[:, [k for k, other in enumerate(self.lines) if other.column == line.column]] = 0.0
        having = without.copy()
        having[:, at] = self.used
        high, low = self._share(having), self._share(without)
        gradient = ((self.weights * high * (1 - high)) @ having - (self.weights * low * (1 - low)) @ without) / total
        return float(self.weights @ (high - low) / total), gradient

    def coefficients(self, labels: dict[str, str], first: dict[str, str], df: int, level: float) -> list[Coefficient]:
        """Return the lines under the names of the file."""
        made = []
        for at, line in enumerate(self.lines):
            slope, se = float(self.slopes[at]), math.sqrt(max(0.0, self.covariance[at, at]))
            lower, upper, _ = t_interval(slope, se, df, level)
            effect: float | None = None
            spread: float | None = None
            if at:
                effect, gradient = self.effect(at)
                spread = math.sqrt(max(0.0, float(gradient @ self.covariance @ gradient)))
            low, high, _ = t_interval(effect, spread, df, level)
            name = labels.get(line.column, "constant")
            made.append(
                Coefficient(
                    term=name if line.value is None else f"{name}={line.value}",
                    reference=first.get(line.column, ""),
                    estimate=slope,
                    se=se,
                    lower=lower,
                    upper=upper,
                    p_value=2 * float(stdtr(df, -abs(slope / se))) if se and df > 0 else None,
                    odds_ratio=math.exp(slope) if slope < 700 else None,
                    marginal_effect=effect,
                    marginal_se=spread,
                    marginal_lower=low,
                    marginal_upper=high,
                )
            )
        return made


def _terms(
    survey: Survey, regressors: Sequence[str]
) -> tuple[dict[str, pl.Series], dict[str, str | None], dict[str, str]]:
    """Return columns by inner name, the wanted first value of each that is words (None: numbers), and true names."""
    columns: dict[str, pl.Series] = {}
    terms: dict[str, str | None] = {}
    labels: dict[str, str] = {}
    for at, said in enumerate(regressors):
        inner, column, first, words = f"x{at}", said.strip(), "", False
        if column.startswith("C(") and column.endswith(")") and column not in survey.table.schema.names:
            column, _, first = column[2:-1].partition(",")
            column, first, words = column.strip(), first.strip().strip("'\""), True
        if not words:
            found = numbers(survey.table, column)
            words = found.unreadable > 0
        labels[inner] = column
        if words:
            columns[inner] = pl.Series(inner, texts(survey.table, column))
            terms[inner] = first
        else:
            columns[inner] = pl.Series(inner, found.values)
            terms[inner] = None
    return columns, terms, labels


def _check(used: pl.DataFrame, labels: dict[str, str]) -> None:
    """Refuse what has no answer, by the names of columns."""
    if not used.height:
        raise LogitWrong("No row has the outcome and every regressor.")
    if used["y"].n_unique() < 2:
        raise LogitWrong("The outcome is the same in every row: there is nothing to explain.")
    for inner, column in labels.items():
        values = used[inner].n_unique()
        if values < 2:
            raise LogitWrong(f"{column} is the same in every row. Leave it out.", column=column)
        if used[inner].dtype == pl.String and values > MOST_VALUES:
            raise LogitWrong(f"{column} has {values} different words: too many for a line each.", column=column)


def _first(column: pl.Series, wanted: str) -> str:
    values = sorted(column.unique().to_list())
    if wanted and wanted not in values:
        raise LogitWrong("The first value that was named is in no row.", values=len(values))
    return wanted or str(values[0])


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
