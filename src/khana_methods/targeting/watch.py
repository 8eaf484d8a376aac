"""Signs that answers were bent towards a cut-off: heaps under it, enumerators with low scores, answers changed.

Each asks for a look and accuses nobody. An enumerator is held against the households of her own districts, so that
working where people are poor is no sign; a heap against as many points over the cut-off.
"""

from __future__ import annotations

from typing import Any

from khana_methods.engine.duckdb import Engine

Rows = list[dict[str, Any]]


def heaps(engine: Engine, *, cut_off: float, width: float, fewest: int) -> Rows:
    """Count households just under and just over a cut-off, over all and by district.

    Args:
        engine: Holds the table `watched`: `household_id`, `district`, `enumerator`, `score`.
        cut_off: Highest score that is taken.
        width: Width of each window: (cut_off - width, cut_off] and (cut_off, cut_off + width].
        fewest: Districts with fewer households in both windows are left out.

    Returns:
        district ('' is the whole), below, above, ratio, z: by how many standard deviations the count below passes that
        of a fair coin; highest first, the whole before all.

    Source:
        Camacho and Conover 2011, Manipulation of Social Program Eligibility, AEJ: Economic Policy 3; the coin is a sign test.
    """
    found: Rows = engine.table(
        f"""WITH windows AS (
                SELECT coalesce(district, '') AS district, count(*) FILTER (WHERE score <= {cut_off!r}) AS below,
                       count(*) FILTER (WHERE score > {cut_off!r}) AS above
                FROM watched WHERE score > {cut_off - width!r} AND score <= {cut_off + width!r}
                GROUP BY GROUPING SETS ((district), ()))
            SELECT district, below, above, round(below / nullif(above, 0), 2) AS ratio,
                   round((below - above) / sqrt(below + above), 2) AS z
            FROM windows WHERE below + above >= {int(fewest)} ORDER BY district <> '', z DESC, district"""
    ).to_pylist()
    return found


def enumerators(engine: Engine, *, cut_off: float, fewest: int) -> Rows:
    """Hold the mean score of each enumerator against that of the districts where she worked.

    Args:
        engine: Holds the table `watched`.
        cut_off: Highest score that is taken.
        fewest: Enumerators with fewer households are left out.

    Returns:
        enumerator, households, mean, expected (the mean of her districts, by her own mix), z (difference over its
        standard error), under (share under the cut-off); only those with z below -3, lowest first.
    """
    found: Rows = engine.table(
        f"""WITH place AS (SELECT district, avg(score) AS mean, var_samp(score) AS variance FROM watched GROUP BY district),
                 each AS (SELECT w.enumerator, w.score, p.mean, coalesce(p.variance, 0) AS variance
                          FROM watched w JOIN place p USING (district) WHERE w.enumerator <> ''),
                 sums AS (SELECT enumerator, count(*) AS households, avg(score) AS mean, avg(mean) AS expected,
                                 sqrt(avg(variance) / count(*)) AS error, avg(CASE WHEN score <= {cut_off!r} THEN 1.0 ELSE 0 END) AS under
                          FROM each GROUP BY enumerator)
            SELECT enumerator, households, round(mean, 2) AS mean, round(expected, 2) AS expected,
                   round((mean - expected) / error, 2) AS z, round(under, 3) AS under
            FROM sums WHERE households >= {int(fewest)} AND error > 0 AND (mean - expected) / error < -3
            ORDER BY z, enumerator"""
    ).to_pylist()
    return found


def changed_answers(engine: Engine, *, cut_off: float, days: int) -> dict[str, int]:
    """Count households that were over a cut-off and, interviewed again soon after, under it; and the other way.

    Args:
        engine: Holds the table `second_score`: `first_score`, `first_date`, `second_score`, `second_date`.
        cut_off: Highest score that is taken.
        days: Second interviews later than that do not count.

    Returns:
        interviewed_twice, came_under, went_over. Many more that came under than went over ask for a look.
    """
    names = ("interviewed_twice", "came_under", "went_over")
    (found,) = engine.rows(
        f"""SELECT count(*), count(*) FILTER (WHERE first_score > {cut_off!r} AND second_score <= {cut_off!r}),
                   count(*) FILTER (WHERE first_score <= {cut_off!r} AND second_score > {cut_off!r})
            FROM second_score WHERE second_date - first_date <= {int(days)}"""
    )
    return dict(zip(names, map(int, found), strict=True))
