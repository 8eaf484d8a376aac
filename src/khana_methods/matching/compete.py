"""Rivals: a person has at most one other file in most registers, so what speaks for one candidate speaks against others.

The odds of a pair are held against the odds of every other candidate of either record. Candidates that may
themselves be one person with the record at the other end are no rivals: three files of one woman support each other.
Brothers, and the many called Muhammad Imran, drop here: none of several equal candidates is trusted.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine

_LEAST_BITS = -10.0  # candidates below are no rivals worth counting
_ALIKE_BITS = -2.0  # from here up two candidates may be one person: the review threshold in bits
_CONTROL = "two_verified_numbers"


def let_compete(engine: Engine, weighed: str, *, into: str) -> None:
    """Turn weights into probabilities that take rivals into account.

    Args:
        engine: Holds the weighed pairs.
        weighed: Pairs of `weigh`, within one register.
        into: Table made anew: the same with `probability` = odds / (1 + odds + odds of rivals), and `control`: for pairs
            that two different verified numbers keep apart, the probability had the numbers not been known (else null);
            `rivals`, their odds.

    Source:
        Jaro (1989), Advances in record-linkage methodology, JASA 84 (one-to-one assignment); here its soft form.
    """
    own = f"least(CASE WHEN contradiction = '{_CONTROL}' THEN match_weight - bits_number ELSE match_weight END, 200)"
    engine.run(
        f"CREATE OR REPLACE TABLE rival_odds AS WITH one AS (SELECT left_id AS a, right_id AS b, {own} AS bits, "
        f"contradiction <> '' AS apart FROM {weighed} WHERE contradiction IN ('', '{_CONTROL}')) "
        f"SELECT a, b, apart, pow(2.0, bits) AS odds FROM one WHERE bits > {_LEAST_BITS} "
        f"UNION ALL SELECT b, a, apart, pow(2.0, bits) FROM one WHERE bits > {_LEAST_BITS}"
    )
    # A control's right record stands for one without a number: all that its number would keep apart are its rivals then.
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS WITH asked AS (SELECT *, {own} AS own FROM {weighed}), "
        f"near AS (SELECT left_id, right_id, contradiction <> '' AS control FROM asked WHERE own > {_LEAST_BITS}), "
        "met AS (SELECT n.left_id, n.right_id, n.right_id AS other, s.b AS rival, s.odds FROM near n JOIN rival_odds s "
        "ON s.a = n.left_id AND s.b <> n.right_id WHERE NOT s.apart UNION ALL SELECT n.left_id, n.right_id, n.left_id, s.b, "
        "s.odds FROM near n JOIN rival_odds s ON s.a = n.right_id AND s.b <> n.left_id WHERE n.control OR NOT s.apart), "
        f"alike AS (SELECT a, b FROM rival_odds WHERE NOT apart AND odds > {2.0**_ALIKE_BITS!r}), "
        "against AS (SELECT left_id, right_id, sum(odds) AS odds FROM met ANTI JOIN alike ON alike.a = met.other "
        "AND alike.b = met.rival GROUP BY ALL), "
        "said AS (SELECT asked.*, pow(2.0, own) / (1 + pow(2.0, own) + coalesce(against.odds, 0)) AS shared, coalesce(against.odds, 0) AS rivals "
        "FROM asked LEFT JOIN against USING (left_id, right_id)) "
        "SELECT * EXCLUDE (own, shared) REPLACE (CASE WHEN contradiction = '' THEN shared ELSE probability END AS probability), "
        f"CASE WHEN contradiction = '{_CONTROL}' THEN shared END AS control FROM said"
    )
    engine.drop("rival_odds")
