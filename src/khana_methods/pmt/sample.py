"""The complete rows of a survey as a regression problem that can be solved again and again: on folds, on parts, with less.

Every estimate of the laboratory (the whole fit, each fold, fewer households, one variable less) is a `solve` here, so
that what is tested is what is fitted: the same method, the same weights, the same screening.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from khana_methods.pmt.estimate import (
    Design,
    covariance,
    density_at_zero,
    dependent_columns,
    least_squares,
    quantile_regression,
)
from khana_methods.pmt.screen import design_of
from khana_methods.pmt.spec import FitSpec
from khana_methods.pmt.survey import Survey
from khana_methods.pmt.terms import Numbers, Term

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Solution:
    """Coefficients of every column of the design matrix, zero where it is out, with their covariance.

    `dependents` are columns that others determine, `screened` the terms that the SPEC's screening took out and why.
    """

    coefficients: Numbers
    covariance: Numbers
    dependents: dict[int, tuple[int, ...]]
    screened: tuple[tuple[str, str], ...]
    degrees: int


class Sample:
    """A regression problem: log welfare, a design matrix in terms, weights and design."""

    def __init__(self, survey: Survey, terms: Sequence[Term], spec: FitSpec) -> None:
        self.survey, self.terms, self.spec = survey, tuple(terms), spec
        self.x, self.places = design_of(self.terms)
        self.y = np.log(survey.welfare)
        self.mass = survey.mass(spec.basis)

    @property
    def households(self) -> int:
        """How many rows there are."""
        return len(self.y)

    def quantile(self) -> float:
        """Return the quantile of a quantile regression: the SPEC's, else the share of the poor."""
        return self.spec.quantile if self.spec.quantile is not None else self.poor_share()

    def poor_share(self) -> float:
        """Return the share of the poor: under the SPEC's line, else as it says."""
        if self.spec.line is None:
            return self.spec.poor_share
        return float(self.mass[self.survey.welfare <= self.spec.line].sum() / self.mass.sum())

    def weights(self, rows: Rows) -> Numbers:
        """Return what each row weighs in the estimate, zero where it is out."""
        spec, base = self.spec, self.survey.weight
        if spec.method == "ols":
            return rows.astype(float)
        if spec.method != "poverty_weighted":
            return base * rows
        place = rank_shares(self.survey.welfare, self.mass * rows)
        over = np.clip((place - self.poor_share()) / spec.fade, 0, 1) if spec.fade else place > self.poor_share()
        return base * rows * (1 - over)

    def solve(self, rows: Rows, *, screen: bool = True, spread: bool = False) -> Solution:
        """Estimate on some rows.

        Args:
            rows: Truth value by row.
            screen: Apply the SPEC's significance and signs.
            spread: Estimate the covariance too; it is what takes time, and folds do not need it.
        """
        weights = self.weights(rows)
        used = weights > 0
        x, y, w = self.x[used], self.y[used], weights[used]
        columns = list(range(self.x.shape[1]))
        found = dependent_columns(x[:, columns], w)
        dependents = {columns[at]: tuple(columns[other] for other in others) for at, others in found.items()}
        columns = [at for at in columns if at not in dependents]
        design = self.survey.design(self.spec.single, used)
        screened: list[tuple[str, str]] = []
        asks = screen and (self.spec.screening.p_value is not None or self.spec.screening.signs)
        while True:
            beta = self._coefficients(x[:, columns], y, w)
            known = self._covariance(x[:, columns], y, w, beta, design) if spread or asks else None
            worst = self._worst(columns, beta, known, design) if asks and known is not None else None
            if worst is None:
                break
            screened.append(worst[1:])
            place = self.places[worst[0]]
            columns = [at for at in columns if not place.start <= at < place.stop]
        whole = np.zeros(self.x.shape[1])
        whole[columns] = beta
        full = np.full((self.x.shape[1], self.x.shape[1]), np.nan)
        if known is not None:
            full[np.ix_(columns, columns)] = known
        return Solution(whole, full, dependents, tuple(screened), design.degrees)

    def predict(self, solution: Solution) -> Numbers:
        """Return log welfare as a solution has it, for every row."""
        made: Numbers = self.x @ solution.coefficients
        return made

    def without_each(self, fold: npt.NDArray[np.int64], folds: int) -> Iterator[tuple[str, Numbers]]:
        """Predict each row by least squares on the other folds, leaving out one term after the other.

        The cross-products of each fold are made once; so fifty variables cost little more than one.

        Args:
            fold: Fold of each row.
            folds: How many.

        Yields:
            Nothing left out first (an empty code), then the code of each term and the predictions without it.
        """
        scale = np.sqrt(np.mean(self.x**2, axis=0))
        x = self.x / np.where(scale > 0, scale, 1.0)
        every = np.ones(self.households, dtype=np.bool_)
        weights = self.weights(every)
        products = []
        for at in range(folds):
            rows = fold == at
            weighted = x[rows] * weights[rows][:, None]
            products.append((weighted.T @ x[rows], weighted.T @ self.y[rows]))
        whole = np.sum([xx for xx, _ in products], axis=0), np.sum([xy for _, xy in products], axis=0)
        for code, place in [("", slice(0, 0)), *zip((t.code for t in self.terms), self.places, strict=True)]:
            columns = [at for at in range(x.shape[1]) if not place.start <= at < place.stop]
            made = np.full(self.households, np.nan)
            for at, (xx, xy) in enumerate(products):
                rest = (whole[0] - xx)[np.ix_(columns, columns)]
                solved = np.linalg.lstsq(rest, (whole[1] - xy)[columns], rcond=1e-11)[0]
                made[fold == at] = x[fold == at][:, columns] @ solved
            yield code, made

    def _coefficients(self, x: Numbers, y: Numbers, w: Numbers) -> Numbers:
        if self.spec.method == "quantile":
            return quantile_regression(x, y, w, self.quantile())
        return least_squares(x, y, w)

    def _covariance(self, x: Numbers, y: Numbers, w: Numbers, beta: Numbers, design: Design) -> Numbers:
        left = y - x @ beta
        if self.spec.method != "quantile":
            bread = np.linalg.inv(x.T @ (x * w[:, None])).astype(np.float64)
            return covariance(x, w * left, bread, design)
        tau = self.quantile()
        _, dense = density_at_zero(left, w, tau)
        bread = np.linalg.pinv(x.T @ (x * dense[:, None])).astype(np.float64)
        return covariance(x, w * (tau - (left < 0)), bread, design)

    def _worst(self, columns: list[int], beta: Numbers, spread: Numbers, design: Design) -> tuple[int, str, str] | None:
        """Return the term that the screening takes out next, with its reason; None where all may stay."""
        screening = self.spec.screening
        found: list[tuple[float, int, str]] = []
        for number, (term, place) in enumerate(zip(self.terms, self.places, strict=True)):
            own = [at for at, column in enumerate(columns) if place.start <= column < place.stop]
            if not own:
                continue
            told = beta[own]
            sign = term.regressor.sign
            if screening.signs and sign and len(own) == 1 and (told[0] > 0) != (sign == "+"):
                found.append((2.0, number, f"its coefficient {told[0]:+.4f} contradicts the expected sign {sign}"))
            p = joint_p(told, spread[np.ix_(own, own)], design.degrees)
            if screening.p_value is not None and p > screening.p_value:
                found.append((p, number, f"not significant: p = {p:.3f} over {screening.p_value:g}"))
        if not found:
            return None
        _, number, reason = max(found)
        return number, self.terms[number].code, reason


def joint_p(coefficients: Numbers, spread: Numbers, degrees: int) -> float:
    """Return the p-value of coefficients being all zero, by Wald's F under a design.

    Source:
        Korn and Graubard 1990, The American Statistician 44(4), adjusted Wald test.
    """
    from scipy.stats import f

    count = len(coefficients)
    free = max(1, degrees - count + 1)
    statistic = float(coefficients @ np.linalg.pinv(spread) @ coefficients) * free / (degrees * count)
    return float(f.sf(statistic, count, free))


def rank_shares(values: Numbers, mass: Numbers) -> Numbers:
    """Return for each row the share of all mass at or under its value, ties together.

    Examples:
        >>> rank_shares(np.array([3.0, 1.0, 1.0, 5.0]), np.array([1.0, 1, 1, 1])).tolist()
        [0.75, 0.5, 0.5, 1.0]
    """
    different, place = np.unique(values, return_inverse=True)
    reached = np.cumsum(np.bincount(place, weights=mass, minlength=len(different)))
    shares: Numbers = (reached / reached[-1])[place]
    return shares


def deal_folds(survey: Survey, folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Deal sampling units to folds by lot, stratum by stratum, so that a unit is never on both sides.

    Args:
        survey: n rows.
        folds: How many.
        seed: Of the lot.

    Returns:
        Fold of each row, from 0.
    """
    lot = np.random.default_rng(seed)
    stratum_of = np.zeros(int(survey.unit.max()) + 1, dtype=np.int64)
    stratum_of[survey.unit] = survey.stratum
    shuffled = lot.permutation(len(stratum_of))
    order = shuffled[np.argsort(stratum_of[shuffled], kind="stable")]
    fold_of = np.empty(len(stratum_of), dtype=np.int64)
    fold_of[order] = np.arange(len(order)) % folds
    return fold_of[survey.unit]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep linear algebra and learners on one thread: on these sizes a second one waits more than it works."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield
