"""Who gets what share: coverage and incidence by quantile, concentration, and the measures made of it.

People are ranked by welfare before the transfer (the ASPIRE convention), in quantiles of equal weight in force;
all who share one welfare share one quantile, unless ties are split at the bound. All members of a household that is paid are reached, directly or
indirectly. Only the targeting differential tells the effect on poverty (Ravallion 2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from khana_methods.errors import InputError
from khana_methods.targeting.population import Population


class NothingPaid(InputError):
    """Nobody is paid anything: shares of nothing have no meaning."""

    code: ClassVar[str] = "targeting.incidence.nothing_paid"


class ShareOutOfScale(InputError):
    """A share of the population lies over 0 and up to 1, and quantiles are two or more."""

    code: ClassVar[str] = "targeting.incidence.out_of_scale"


@dataclass(frozen=True, slots=True)
class Quantile:
    """One quantile, 1 the poorest: who is reached, what share of heads and of money it has, what it means to them.

    `adequacy` is the transfer over the welfare after it, of beneficiaries only; None where there are none.
    """

    quantile: int
    population: float
    coverage: float
    beneficiary_incidence: float | None
    benefit_incidence: float | None
    mean_transfer: float
    adequacy: float | None


QUANTILE_TIES = ("together", "split")


def by_quantile(people: Population, quantiles: int = 5, *, ties: str = "together") -> tuple[Quantile, ...]:
    """Return coverage, incidence and adequacy by quantile of welfare before the transfer.

    Args:
        people: Of these.
        quantiles: How many.
        ties: `together` puts all who share one welfare into the quantile of their middle; `split` shares them out at the
            bound, so that quantiles are equal to the person.

    Raises:
        ShareOutOfScale: Fewer than two quantiles, or another rule for ties.

    Source:
        World Bank ASPIRE, indicators of performance.

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 0.0, 1.0, 0.0]})
        >>> with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
        ...     [(q.coverage, q.benefit_incidence, q.adequacy) for q in by_quantile(people, 2)]
        [(0.5, 0.5, 0.5), (0.5, 0.5, 0.25)]
    """
    if quantiles < 2:
        raise ShareOutOfScale("There are two quantiles or more.", quantiles=quantiles)
    if ties not in QUANTILE_TIES:
        raise ShareOutOfScale(f"Ties of quantiles are {' or '.join(QUANTILE_TIES)}.", ties=ties)
    placed = "SELECT x, least($n, 1 + CAST(floor((upto - width / 2) * $n) AS INTEGER)) AS q, 1.0 AS part FROM ranked"
    if ties == "split":
        placed = """SELECT x, q, part FROM (
                        SELECT x, q, CASE WHEN width > 0
                            THEN (least(upto, q / $n) - greatest(upto - width, (q - 1) / $n)) / width ELSE 0 END AS part
                        FROM ranked, (SELECT CAST(unnest(range(1, $n + 1)) AS INTEGER) AS q))
                    WHERE part > 1e-12"""
    rows = people.engine.rows(
        f"""WITH tied AS (SELECT x, sum(m) AS m FROM people GROUP BY x),
                ranked AS (SELECT x, sum(m) OVER (ORDER BY x) / sum(m) OVER () AS upto, m / sum(m) OVER () AS width FROM tied),
                placed AS ({placed}),
                each AS (SELECT placed.q, m * part AS m, b, y FROM people JOIN placed ON placed.x = people.x)
           SELECT q, sum(m), COALESCE(sum(m) FILTER (WHERE b > 0), 0), sum(m * b),
                  sum(m * b) / nullif(sum(m * y) FILTER (WHERE b > 0), 0),
                  sum(sum(m) FILTER (WHERE b > 0)) OVER (), sum(sum(m * b)) OVER ()
           FROM each GROUP BY q ORDER BY q""",
        {"n": quantiles},
    )
    return tuple(
        Quantile(
            quantile=q,
            population=size,
            coverage=reached / size,
            beneficiary_incidence=reached / all_reached if all_reached else None,
            benefit_incidence=money / all_money if all_money else None,
            mean_transfer=money / size,
            adequacy=adequacy,
        )
        for q, size, reached, money, adequacy, all_reached, all_money in rows
    )


_CURVE = """WITH each AS (SELECT x, sum(m) AS m, sum(m * b) AS paid FROM people GROUP BY x),
                  curve AS (SELECT sum(m) OVER (ORDER BY x) / sum(m) OVER () AS p, m / sum(m) OVER () AS width,
                                   sum(paid) OVER (ORDER BY x) / nullif(sum(paid) OVER (), 0) AS c,
                                   paid / nullif(sum(paid) OVER (), 0) AS height FROM each)"""


def concentration_curve(people: Population) -> tuple[tuple[float, float], ...]:
    """Return the curve C(p): the share of all money that goes to the poorest p, from (0, 0) to (1, 1).

    One point for each level of welfare; draw it from a survey and not from a registry.

    Raises:
        NothingPaid: Nobody is paid.
    """
    rows = people.engine.rows(f"{_CURVE} SELECT p, c FROM curve ORDER BY p")
    if rows[-1][1] is None:
        raise NothingPaid("Nobody is paid anything.")
    return ((0.0, 0.0), *((float(p), float(c)) for p, c in rows))


def share_to_poorest(people: Population, share: float) -> float:
    """Return C(share), straight between the points of the curve.

    Raises:
        ShareOutOfScale: Not over 0 and up to 1.
        NothingPaid: Nobody is paid.
    """
    if not 0 < share <= 1:
        raise ShareOutOfScale("A share of the population lies over 0 and up to 1.", share=share)
    (found,) = people.figure(
        f"{_CURVE} SELECT sum(height * greatest(0, least(1, ($share - (p - width)) / width))) FROM curve", share=share
    )
    if found is None:
        raise NothingPaid("Nobody is paid anything.")
    return float(found)


def cgh(people: Population, share: float) -> float:
    """Return the Coady-Grosh-Hoddinott index: the share of money to the poorest `share`, over that share.

    Above 1 is progressive; the median of 122 programmes was 1.25, and a quarter were regressive.

    Source:
        Coady, Grosh and Hoddinott 2004, Targeting of Transfers in Developing Countries.

    Examples:
        >>> import pyarrow as pa
        >>> frame = pa.table({"y": [1.0, 2, 3, 4, 5], "b": [3.0, 3, 2, 1, 1]})
        >>> with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
        ...     round(cgh(people, 0.4), 6)
        1.5
    """
    return share_to_poorest(people, share) / share


@dataclass(frozen=True, slots=True)
class TargetingMeasures:
    """Ravallion's measures at one poverty line, in the letters of his paper.

    Attributes:
        headcount: H, the poor share.
        participation: P, the share of all who are paid.
        share_to_poor: S = C(H).
        normalised_share: NS = S / H.
        concentration_index: CI, twice the area under C less 1; 1 at best, 0 when spread evenly.
        coverage_of_poor: CR.
        targeting_differential: TD, coverage of the poor less coverage of the others.
        type_1: (1 - S) P / (1 - H), the non-poor who are paid, as their share.
        type_2: 1 - CR, the poor who are missed.
        normalised_differential: mean transfer of the poor less that of the others, over the mean of all.
    """

    headcount: float
    participation: float
    share_to_poor: float
    normalised_share: float
    concentration_index: float
    coverage_of_poor: float
    targeting_differential: float
    type_1: float
    type_2: float
    normalised_differential: float


def targeting_measures(people: Population, *, line: float) -> TargetingMeasures:
    """Return Ravallion's measures; the poor are at or under the line before the transfer.

    Raises:
        NothingPaid: Nobody is paid.
        ShareOutOfScale: Everybody or nobody is poor.

    Source:
        Ravallion 2009, How relevant is targeting to the success of an antipoverty program?, WBRO 24(2); Brown,
        Ravallion and van de Walle 2018 (normalised differential).

    Examples:
        City A: half are poor and the poorest fifth is paid. City B: a tenth are poor and the poorest two fifths are
        paid. A looks better targeted by shares, B reaches more of its poor.

        >>> import pyarrow as pa
        >>> def city(paid, line):
        ...     frame = pa.table({"y": [float(n) for n in range(1, 11)], "b": [1.0] * paid + [0.0] * (10 - paid)})
        ...     with Population(frame, welfare="y", transfer="b", welfare_is="before") as people:
        ...         return targeting_measures(people, line=line)
        >>> a, b = city(2, 5), city(4, 1)
        >>> [round(v, 4) for v in (a.share_to_poor, a.normalised_share, a.concentration_index, a.targeting_differential)]
        [1.0, 2.0, 0.8, 0.4]
        >>> [round(v, 4) for v in (b.share_to_poor, b.normalised_share, b.concentration_index, b.targeting_differential)]
        [0.25, 2.5, 0.6, 0.6667]
    """
    total, poor, paid, poor_paid, money, poor_money = people.figure(
        """SELECT sum(m), COALESCE(sum(m) FILTER (WHERE x <= $line), 0), COALESCE(sum(m) FILTER (WHERE b > 0), 0),
                  COALESCE(sum(m) FILTER (WHERE b > 0 AND x <= $line), 0), sum(m * b),
                  COALESCE(sum(m * b) FILTER (WHERE x <= $line), 0) FROM people""",
        line=line,
    )
    if not 0 < poor < total:
        raise ShareOutOfScale("Everybody or nobody is poor at that line.", line=line)
    (area,) = people.figure(f"{_CURVE} SELECT sum(width * (c - height / 2)) FROM curve")
    if area is None:
        raise NothingPaid("Nobody is paid anything.")
    headcount, share = poor / total, poor_money / money
    coverage, others = poor_paid / poor, (paid - poor_paid) / (total - poor)
    means = poor_money / poor - (money - poor_money) / (total - poor)
    return TargetingMeasures(
        headcount=headcount,
        participation=paid / total,
        share_to_poor=share,
        normalised_share=share / headcount,
        concentration_index=2 * area - 1,
        coverage_of_poor=coverage,
        targeting_differential=coverage - others,
        type_1=(1 - share) * (paid / total) / (1 - headcount),
        type_2=1 - coverage,
        normalised_differential=means / (money / total),
    )
