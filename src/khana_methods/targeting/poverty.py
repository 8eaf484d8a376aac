"""Poverty and inequality, before and after a transfer: FGT, Watts, Gini, mean log deviation.

The poor are strictly under the line here, as in the software that these are held against; it is a parameter of
the others. `when` says which welfare is measured: `after` the transfer or `before` it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.targeting.population import Population

WELFARE = {"after": "y", "before": "x"}


class LineNotPositive(InputError):
    """A poverty line is a positive amount of welfare."""

    code: ClassVar[str] = "targeting.poverty.line_not_positive"


class WelfareNotPositive(InputError):
    """A logarithm of welfare was asked for, and some welfare has none."""

    code: ClassVar[str] = "targeting.poverty.welfare_not_positive"


def fgt(people: Population, *, line: float, alpha: float, when: str = "after") -> float:
    """Return the Foster-Greer-Thorbecke index: 0 is the headcount, 1 the poverty gap, 2 the squared gap.

    Source:
        Foster, Greer and Thorbecke 1984, Econometrica 52(3).

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 2.0, 3.0, 4.0]})
        >>> with Population(frame, welfare="y") as people:
        ...     [round(fgt(people, line=4, alpha=alpha), 6) for alpha in (0, 1, 2)]
        [0.75, 0.375, 0.21875]
    """
    column = _welfare(line, when)
    return float(
        people.figure(
            f"""SELECT COALESCE(sum(m * pow(($line - {column}) / $line, $alpha)) FILTER (WHERE {column} < $line), 0) / sum(m)
                FROM people""",
            line=line,
            alpha=alpha,
        )[0]
    )


def watts(people: Population, *, line: float, when: str = "after") -> float:
    """Return the Watts index; households without positive welfare stand in the denominator only.

    Source:
        Watts 1968; the denominator as in the World Bank's wbpip.

    Examples:
        >>> import pyarrow as pa
        >>> with Population(pa.table({"y": [0.0, 1.0, 2.0, 5.0]}), welfare="y") as people:
        ...     round(watts(people, line=2.0), 6)
        0.173287
    """
    column = _welfare(line, when)
    return float(
        people.figure(
            f"""SELECT COALESCE(sum(m * ln($line / CASE WHEN {column} > 0 THEN {column} END)) FILTER (WHERE {column} < $line), 0)
                       / sum(m) FROM people""",
            line=line,
        )[0]
    )


def gini(people: Population, *, when: str = "after") -> float:
    """Return the weighted Gini coefficient: 1 less the sum over households of (L_k + L_(k-1)) times their share.

    Source:
        Lerman and Yitzhaki 1989; the trapezoid over the Lorenz curve.

    Examples:
        >>> import pyarrow as pa
        >>> with Population(pa.table({"y": [0.0, 0.0, 0.0, 1.0]}), welfare="y") as people:
        ...     gini(people)
        0.75
    """
    column = WELFARE[when]
    return float(
        people.figure(
            f"""WITH each AS (SELECT {column} AS v, sum(m) AS m FROM people GROUP BY 1),
                     lorenz AS (SELECT m / sum(m) OVER () AS share, m * v / sum(m * v) OVER () AS own,
                                       sum(m * v) OVER (ORDER BY v) / sum(m * v) OVER () AS l FROM each)
                SELECT 1 - sum((2 * l - own) * share) FROM lorenz"""
        )[0]
    )


def mean_log_deviation(people: Population, *, when: str = "after") -> float:
    """Return ln of the mean less the mean of ln.

    Raises:
        WelfareNotPositive: Some welfare is zero or less.

    Source:
        Theil 1967.

    Examples:
        >>> import pyarrow as pa
        >>> with Population(pa.table({"y": [1.0, 3.0]}), welfare="y") as people:
        ...     round(mean_log_deviation(people), 6)
        0.143841
    """
    column = WELFARE[when]
    (without,) = people.figure(f"SELECT count(*) FROM people WHERE {column} <= 0")
    if without:
        raise WelfareNotPositive(
            f"{without} households have no positive welfare and so no logarithm.", households=without
        )
    return float(
        people.figure(f"SELECT ln(sum(m * {column}) / sum(m)) - sum(m * ln({column})) / sum(m) FROM people")[0]
    )


@dataclass(frozen=True, slots=True)
class PovertyEffect:
    """What a transfer did: reductions as shares of what was, and the gap closed for each unit spent.

    A reduction is None where there was nothing to reduce.
    """

    headcount_before: float
    headcount_after: float
    gap_before: float
    gap_after: float
    gini_before: float
    gini_after: float
    headcount_reduction: float | None
    gap_reduction: float | None
    gini_reduction: float | None
    benefit_cost_ratio: float | None


def poverty_effect(people: Population, *, line: float) -> PovertyEffect:
    """Hold poverty and inequality before a transfer against after, without behavioural response.

    Source:
        World Bank ASPIRE, indicators of impact; benefit-cost ratio: gap closed in money over benefits spent.

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 3.0, 8.0], "b": [2.0, 2.0, 0.0]})
        >>> with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
        ...     effect = poverty_effect(people, line=4)
        >>> effect.benefit_cost_ratio, effect.gap_reduction, effect.headcount_reduction
        (0.75, 0.75, 0.5)
    """
    _welfare(line, "after")
    closed, spent = people.figure(
        "SELECT sum(m * (greatest($line - x, 0) - greatest($line - y, 0))), sum(m * b) FROM people", line=line
    )
    before = [fgt(people, line=line, alpha=alpha, when="before") for alpha in (0, 1)] + [gini(people, when="before")]
    after = [fgt(people, line=line, alpha=alpha) for alpha in (0, 1)] + [gini(people)]
    less = [(was - now) / was if was else None for was, now in zip(before, after, strict=True)]
    return PovertyEffect(
        headcount_before=before[0],
        headcount_after=after[0],
        gap_before=before[1],
        gap_after=after[1],
        gini_before=before[2],
        gini_after=after[2],
        headcount_reduction=less[0],
        gap_reduction=less[1],
        gini_reduction=less[2],
        benefit_cost_ratio=closed / spent if spent else None,
    )


def _welfare(line: float, when: str) -> str:
    """Return the column that is measured, and make sure of the line."""
    if not line > 0:
        raise LineNotPositive("A poverty line is a positive amount.", line=line)
    return WELFARE[when]
