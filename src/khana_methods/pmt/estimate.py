"""Estimators of a linear formula: least squares with weights, quantile regression, and their covariance under a design.

Least squares by an orthogonal decomposition, quantile regression by an interior-point method; columns that others
determine are found first. The covariance is that of estimating equations over strata and primary sampling units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from khana_methods.errors import InputError
from khana_methods.pmt.terms import Numbers

_DEPENDENT = 1e-9


class QuantileUnsolved(InputError):
    """The quantile regression did not come to an end: the data have too few different values for so many columns."""

    code: ClassVar[str] = "pmt.estimate.quantile_unsolved"


class SingleUnitStratum(InputError):
    """A stratum has one sampling unit only: its variance cannot be told, and is not passed over in silence."""

    code: ClassVar[str] = "pmt.estimate.single_unit_stratum"


@dataclass(frozen=True, slots=True)
class Design:
    """The sampling design of the rows that are fitted: stratum and unit as numbers from 0, units within strata."""

    stratum: npt.NDArray[np.int64]
    unit: npt.NDArray[np.int64]
    single: str = "centre"

    @property
    def units(self) -> int:
        """How many primary sampling units there are."""
        return int(self.unit.max()) + 1 if len(self.unit) else 0

    @property
    def strata(self) -> int:
        """How many strata there are."""
        return len(np.unique(self.stratum))

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the design: units less strata."""
        return max(1, self.units - self.strata)


def dependent_columns(x: Numbers, weights: Numbers) -> dict[int, tuple[int, ...]]:
    """Find columns that those before them determine, and which of those do.

    Returns:
        Index of each such column, with the indices that it is a sum of multiples of.

    Examples:
        >>> x = np.array([[1.0, 0, 1, 2], [1, 1, 0, 0], [1, 0, 1, 5], [1, 1, 0, 1]])
        >>> dependent_columns(x, np.ones(4))
        {2: (0, 1)}
    """
    scaled = x * np.sqrt(weights)[:, None]
    norms = np.linalg.norm(scaled, axis=0)
    norms[norms == 0] = 1.0
    scaled = scaled / norms
    r: Numbers = np.asarray(np.linalg.qr(scaled, mode="r"))
    kept: list[int] = []
    found: dict[int, tuple[int, ...]] = {}
    # The triangle has the inner products of the columns and no more rows than columns: each step is small.
    for at in range(x.shape[1]):
        column = r[:, at]
        if kept:
            solved = np.linalg.lstsq(r[:, kept], column, rcond=None)[0]
            left = column - r[:, kept] @ solved
        else:
            solved, left = np.zeros(0), column
        if np.linalg.norm(left) < _DEPENDENT * max(1.0, float(np.linalg.norm(column))) or not column.any():
            found[at] = tuple(index for index, share in zip(kept, solved, strict=True) if abs(share) > 1e-7)
        else:
            kept.append(at)
    return found


def least_squares(x: Numbers, y: Numbers, weights: Numbers) -> Numbers:
    """Return the coefficients of weighted least squares; columns must be independent.

    Source:
        Golub and Van Loan 2013, Matrix Computations, ch. 5 (orthogonal decomposition).

    Examples:
        >>> least_squares(np.array([[1.0, 0], [1, 1], [1, 2]]), np.array([1.0, 3, 5]), np.ones(3)).round(9).tolist()
        [1.0, 2.0]
    """
    root = np.sqrt(weights)
    q, r = np.linalg.qr(x * root[:, None])
    solved: Numbers = np.linalg.solve(r, q.T @ (y * root))
    return solved


def quantile_regression(x: Numbers, y: Numbers, weights: Numbers, quantile: float) -> Numbers:
    """Return the coefficients that least absolute, tilted and weighted residuals give.

    Args:
        x: n rows of k independent columns.
        y: n figures.
        weights: n positive weights.
        quantile: Over 0 and under 1.

    Raises:
        QuantileUnsolved: No end within a hundred steps.

    Source:
        Portnoy and Koenker 1997, The Gaussian hare and the Laplacian tortoise, Statistical Science 12(4): the
        Frisch-Newton method with Mehrotra's correction, on the bounded dual.

    Examples:
        >>> x = np.column_stack([np.ones(5)])
        >>> quantile_regression(x, np.array([1.0, 2, 3, 4, 50]), np.ones(5), 0.5).round(6).tolist()
        [3.0]
    """
    scale = weights / weights.mean()
    length = np.sqrt(np.mean(x**2, axis=0))
    length[length == 0] = 1.0
    a, c = (x / length * scale[:, None]), -(y * scale)
    p = np.full(len(y), 1 - quantile)
    s, b = 1 - p, a.T @ p
    dual = np.linalg.lstsq(a, c, rcond=None)[0]
    r = c - a @ dual
    r[r == 0] = 1e-3
    z = np.where(r > 0, r, 0.0) + 1e-3
    w = z - r
    size = max(1.0, float(np.abs(y * scale).sum()))
    best, found = np.inf, dual
    for _ in range(100):
        gap = float(c @ p - b @ dual + w.sum())
        if not np.isfinite(gap) or gap > 1e3 * best:
            break  # as far as the digits go
        if gap < best:
            best, found = gap, dual
        if gap < 1e-11 * size:
            break
        q = 1 / (z / p + w / s)
        r = z - w
        aq = a * q[:, None]
        normal = aq.T @ a
        if not np.isfinite(normal).all():
            break
        dy = np.linalg.lstsq(normal, aq.T @ r, rcond=None)[0]
        dp = q * (a @ dy - r)
        dz, dw = -z * (1 + dp / p), -w * (1 - dp / s)
        fp, fd = min(_step(p, dp), _step(s, -dp)), min(_step(z, dz), _step(w, dw))
        if min(fp, fd) < 1:
            mu = float(z @ p + w @ s)
            ahead = float((z + fd * dz) @ (p + fp * dp) + (w + fd * dw) @ (s - fp * dp))
            mu = mu * (ahead / mu) ** 3 / (2 * len(y))
            second_z, second_w = dp * dz / p, -dp * dw / s
            xi = mu * (1 / p - 1 / s)
            dy = np.linalg.lstsq(normal, aq.T @ (r + second_z - second_w - xi), rcond=None)[0]
            dp = q * (a @ dy + xi - r - second_z + second_w)
            dz = mu / p - z - z * dp / p - second_z
            dw = mu / s - w + w * dp / s - second_w
            fp, fd = min(_step(p, dp), _step(s, -dp)), min(_step(z, dz), _step(w, dw))
        p, s, dual = np.maximum(p + fp * dp, 1e-250), np.maximum(s - fp * dp, 1e-250), dual + fd * dy
        z, w = np.maximum(z + fd * dz, 1e-250), np.maximum(w + fd * dw, 1e-250)
    if best < 1e-7 * size:
        solved: Numbers = -found / length
        return solved
    raise QuantileUnsolved("The quantile regression found no end. Use fewer variables, or ols.")


def _step(values: Numbers, direction: Numbers) -> float:
    """Return how far one may go before a value is no longer positive, at most 1."""
    down = direction < 0
    return min(1.0, 0.99995 * float(np.min(-values[down] / direction[down]))) if down.any() else 1.0


def covariance(x: Numbers, score: Numbers, bread: Numbers, design: Design) -> Numbers:
    """Return the covariance of coefficients under a design.

    Args:
        x: n rows of k columns.
        score: n figures whose product with the rows of `x` sums to nothing at the solution (weight times residual).
        bread: k x k, the inverse of the derivative of that sum.
        design: Strata and units of the rows.

    Raises:
        SingleUnitStratum: A stratum has one unit, under `refuse`.

    Source:
        Binder 1983, On the variances of asymptotically normal estimators from complex surveys, International
        Statistical Review 51(3); as R's survey::svyglm has it.
    """
    columns = [np.bincount(design.unit, weights=x[:, at] * score, minlength=design.units) for at in range(x.shape[1])]
    totals = np.column_stack(columns).astype(np.float64)
    meat = total_covariance(totals, design)
    found: Numbers = bread @ meat @ bread.T
    return found


def total_covariance(totals: Numbers, design: Design) -> Numbers:
    """Return the covariance of the sums of unit totals, units drawn with replacement within strata."""
    stratum_of = np.zeros(design.units, dtype=np.int64)
    stratum_of[design.unit] = design.stratum
    middle = totals.mean(axis=0)
    meat = np.zeros((totals.shape[1], totals.shape[1]))
    counts = np.bincount(stratum_of)
    alone = int((counts == 1).sum())
    if alone and design.single == "refuse":
        raise SingleUnitStratum(
            f"{alone} strata have one sampling unit. Join strata, or say single: certainty or centre.", strata=alone
        )
    order = np.argsort(stratum_of, kind="stable")
    for rows in np.split(order, np.cumsum(counts)[:-1]):
        if len(rows) > 1:
            off = totals[rows] - totals[rows].mean(axis=0)
            meat += len(rows) / (len(rows) - 1) * off.T @ off
        elif len(rows) == 1 and design.single == "centre":
            off = totals[rows] - middle
            meat += off.T @ off
    return meat


def density_at_zero(residuals: Numbers, weights: Numbers, quantile: float) -> tuple[float, Numbers]:
    """Return a bandwidth and the kernel weight of each residual for the covariance of a quantile regression.

    Source:
        Powell 1991, with the bandwidth of Hall and Sheather 1988 on the residuals' robust spread, as Koenker 2005,
        Quantile Regression, section 3.4.2, has it.
    """
    from scipy.stats import norm

    n = len(residuals)
    at = float(norm.ppf(quantile))
    thickness = float(norm.pdf(at))
    band = n ** (-1 / 3) * float(norm.ppf(0.975)) ** (2 / 3) * (1.5 * thickness**2 / (2 * at**2 + 1)) ** (1 / 3)
    band = min(band, 0.99 * min(quantile, 1 - quantile))
    q75, q25 = np.quantile(residuals, [0.75, 0.25])
    spread = min(float(np.std(residuals)), float(q75 - q25) / 1.34) or float(np.std(residuals)) or 1.0
    width = (float(norm.ppf(quantile + band)) - float(norm.ppf(quantile - band))) * spread
    return width, weights * norm.pdf(residuals / width) / width
