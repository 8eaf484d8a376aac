"""How sure an error rate is: the linearised variance of a ratio under strata and primary sampling units.

A rate is a ratio of weighted totals; its variance is that of the totals of its residuals over the units of each
stratum, drawn with replacement. A stratum of one unit has no variance of its own: what is done then is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.targeting.population import Population

SINGLE = ("refuse", "certainty", "centre")


class SingleUnitStratum(InputError):
    """A stratum has one sampling unit only: its variance cannot be told, and is not passed over in silence."""

    code: ClassVar[str] = "targeting.design.single_unit_stratum"


class NothingToDivide(InputError):
    """The rate has no denominator: nobody is in the group that it is a share of."""

    code: ClassVar[str] = "targeting.design.no_denominator"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its standard error and a 95 % interval of the normal law, cut at 0 and 1."""

    value: float
    standard_error: float
    low: float
    high: float
    units: int
    strata: int


def exclusion_error(
    people: Population, *, line: float, strata: str | None = None, psu: str | None = None, single: str = "refuse"
) -> Estimate:
    """Estimate the exclusion error of whoever was chosen last by `select`, with its standard error.

    Args:
        people: With the columns of the design.
        line: The poor are at or under it.
        strata: Column of strata; None is one stratum.
        psu: Column of primary sampling units; None takes each household as one.
        single: For a stratum of one unit: `refuse`, `certainty` (it adds nothing), or `centre` (held against the
            mean of all units).

    Raises:
        SingleUnitStratum: There is one, under `refuse`.
        NothingToDivide: Nobody is poor.

    Source:
        Wolter 2007, Introduction to Variance Estimation, ch. 6; Lumley's R package survey for `single`.
    """
    return _ratio(people, "CASE WHEN x <= $line THEN 1 - share ELSE 0 END", "x <= $line", line, strata, psu, single)


def inclusion_error(
    people: Population, *, line: float, strata: str | None = None, psu: str | None = None, single: str = "refuse"
) -> Estimate:
    """Estimate the inclusion error of whoever was chosen last by `select`; arguments as in `exclusion_error`."""
    return _ratio(people, "CASE WHEN x > $line THEN share ELSE 0 END", "share", line, strata, psu, single)


def _ratio(
    people: Population, above: str, below: str, line: float, strata: str | None, psu: str | None, single: str
) -> Estimate:
    """Estimate the ratio of two weighted totals."""
    stratum = f"CAST({people.column(strata)} AS VARCHAR)" if strata else "''"
    unit = f"CAST({people.column(psu)} AS VARCHAR)" if psu else "CAST(people.id AS VARCHAR)"
    rows = people.engine.rows(
        f"""WITH each AS (SELECT {stratum} AS h, {unit} AS i, m, CAST({above} AS DOUBLE) AS a, CAST({below} AS DOUBLE) AS d
                          FROM people JOIN chosen ON chosen.id = people.id),
                 whole AS (SELECT sum(m * a) / nullif(sum(m * d), 0) AS r, sum(m * d) AS d FROM each),
                 units AS (SELECT h, i, sum(m * (a - r * each.d)) / any_value(whole.d) AS z, any_value(r) AS r
                           FROM each, whole WHERE $line IS NOT NULL GROUP BY h, i),
                 all_units AS (SELECT *, avg(z) OVER () AS middle FROM units)
            SELECT h, count(*), var_samp(z), any_value(r), sum((z - middle) ** 2) FROM all_units GROUP BY h""",
        {"line": line},
    )
    if not rows or rows[0][3] is None:
        raise NothingToDivide("Nobody is in the group that the rate is a share of.")
    alone = [row for row in rows if row[1] == 1]
    if alone and single == "refuse":
        raise SingleUnitStratum(
            f"{len(alone)} strata have one sampling unit. Join strata, or say 'certainty' or 'centre'.",
            strata=len(alone),
        )
    variance = sum(count * spread for _, count, spread, _, _ in rows if count > 1)
    if single == "centre":
        variance += sum(row[4] for row in alone)
    value, error = float(rows[0][3]), sqrt(variance)
    return Estimate(
        value=value,
        standard_error=error,
        low=max(0.0, value - 1.96 * error),
        high=min(1.0, value + 1.96 * error),
        units=sum(row[1] for row in rows),
        strata=len(rows),
    )
