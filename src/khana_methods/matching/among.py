"""Rows of lists against each other: who stands on a list twice, or on two lists, whether she is registered or not.

Rows that lead to nobody are first held against rows whose person is known, then against each other. On lists, unlike
in a register, children of one mother stand beside each other as candidates: the telephone and the mother's number
that they share say nothing of which child it is. Such pairs are weighed by name, birth, sex and number alone, against
how often those agree among brothers and sisters of the registry, with a prior that is learned from the pairs themselves.
People of one list are alike too, infants all born within two years: what agrees says no more than it says of strangers there.

Pairs between the thresholds are given back for somebody to decide; what she said of a pair counts from the next time on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.blocking import candidate_pairs
from khana_methods.matching.cluster import fewest_questions
from khana_methods.matching.compare import BIRTH, COMPARISONS, FAMILY, NAME, SEX, TIES, Comparison
from khana_methods.matching.decide import decide_duplicates, decide_list
from khana_methods.matching.model import ModelCard
from khana_methods.matching.weights import (
    LEAST_KEPT,
    Shares,
    bits_sql,
    compare_pairs,
    level_sql,
    probability_sql,
    weigh,
    weighed_sql,
)

_ALIKE = (BIRTH, SEX)  # in what people of one list are alike, because the list is for such people
_DRAWN = 300  # rows of each list from which strangers are taken
_TRUST = 1000  # pairs of strangers that the registry's share counts for, beside those that were drawn from two lists
_OWN = (NAME, BIRTH, SEX)  # what tells a child from its brothers and sisters, beside its number
_TIED = ", ".join(str(place) for place, level in enumerate(FAMILY.levels) if level.code in TIES)
_SIBLINGS = 100_000  # records of the registry from whose households brothers and sisters are taken
_EXPECTED_SHARE = 0.5  # of rows that lead to nobody, who stand on some list under a known name or number
_ROUNDS = 12
_LEAST_SHARE, _MOST_SHARE = 1e-5, 0.9
_PAIR = pa.schema([pa.field("left_id", pa.int64()), pa.field("right_id", pa.int64())])
_SAID_WEIGHT = 200.0  # bits of a pair that somebody said is one person: as much as any pair may have


def link_among(
    engine: Engine,
    table: str,
    card: ModelCard,
    *,
    person_of: str,
    about: str,
    registry: str,
    into: str,
    unsure: str,
    said: str | None = None,
    max_block_pairs: int = 1_000_000,
) -> int:
    """Find for rows that lead to nobody another row of the same person.

    Args:
        engine: Holds the records.
        table: Records of `prepare`: side LIST leads to nobody, side REGISTRY is a row whose person is known.
        card: The model.
        person_of: Table of `unique_id` and `cluster`: the person of each known row, as a number.
        about: Table of `unique_id`, `listed` (the list and role that a row stands in) and `payee` (the person who is paid for
            her, where it is another and known): rows under two payees are two people.
        registry: Records of `prepare` of the registry, where brothers and sisters stand in households.
        into: Table made anew: `unique_id` of a row that was found, and either `cluster`, the person of a known row, or
            `grouped`, the smallest row of those that are one person of whom nothing else is known.
        unsure: Table made anew of pairs that somebody should look at: `left_id`, `right_id`, `match_weight`, `probability`,
            `contradiction` and the bits of each question. Of a row and known rows the best alone; of rows that may all be
            one person as many as join them.
        said: Table of `left_id`, `right_id`, `is_same`: pairs of `table`, in either order, of which somebody said whether they
            are one person. What she said of a known row holds for all rows of that person.
        max_block_pairs: Most pairs that one key may make; larger keys are left out.

    Returns:
        How many rows were found.
    """
    siblings = sibling_shares(engine, registry, card.u)
    count_lists(engine, table, person_of=person_of, about=about, u=card.u)
    candidate_pairs(
        engine, table, card.passes, keys="among_key", pairs="among_pair", across=True, max_block_pairs=max_block_pairs,
        refuse_poisoned=False,
    )  # fmt: skip
    known = int(engine.value(f"SELECT count(DISTINCT cluster) FROM {person_of}"))
    _read_said(engine, said, person_of)
    _compare(engine, table, about)
    weigh_rows(engine, "among_compared", card, siblings, prior=_EXPECTED_SHARE / max(known, 2), into="among_weighed")
    _follow_said(engine, table, across=True)
    decide_list(engine, "among_weighed", card.thresholds, into="among_known", person_of=person_of)
    _lead_along(engine)
    _part_known(engine, person_of)
    _keep_unsure(engine, "among_known", into=unsure, anew=True)
    engine.run(f"""CREATE OR REPLACE TABLE among_left AS SELECT * FROM {table} WHERE side <> 'REGISTRY'
        AND unique_id NOT IN (SELECT left_id FROM among_known WHERE decision = 'LINK')""")
    candidate_pairs(
        engine, "among_left", card.passes, keys="among_key", pairs="among_pair", max_block_pairs=max_block_pairs,
        refuse_poisoned=False,
    )  # fmt: skip
    left = int(engine.value("SELECT count(*) FROM among_left"))
    prior = min(card.pairs_per_record * 2 / max(left - 1, 1), 0.5)
    _compare(engine, table, about, names_counted=True)
    weigh_rows(engine, "among_compared", card, siblings, prior=prior, into="among_weighed")
    _follow_said(engine, "among_left", across=False)
    decide_duplicates(engine, "among_left", "among_weighed", card.thresholds, into="among_each_other")
    _part_groups(engine)
    _ask_little(engine)
    _keep_unsure(engine, "among_each_other", into=unsure)
    engine.run(f"""
        CREATE OR REPLACE TABLE {into} AS
        SELECT k.left_id AS unique_id, p.cluster, NULL::BIGINT AS grouped
        FROM among_known k JOIN {person_of} p ON p.unique_id = k.right_id WHERE k.decision = 'LINK'
        UNION ALL SELECT unique_id, NULL, min(cluster) FROM (
            SELECT left_id AS unique_id, cluster FROM among_each_other WHERE cluster IS NOT NULL
            UNION ALL SELECT right_id, cluster FROM among_each_other WHERE cluster IS NOT NULL) GROUP BY unique_id
        """)
    engine.drop(
        "among_key", "among_pair", "among_compared", "among_weighed", "among_known", "among_left", "among_each_other", "among_said"
    )  # fmt: skip
    return int(engine.value(f"SELECT count(*) FROM {into}"))


def _read_said(engine: Engine, said: str | None, person_of: str) -> None:
    """Write `among_said` (left_id, right_id, is_same): what was said of a known row, said of every row of that person."""
    if said is None:
        engine.run("CREATE OR REPLACE TABLE among_said (left_id BIGINT, right_id BIGINT, is_same BOOLEAN)")
        return
    engine.run(f"""
        CREATE OR REPLACE TABLE among_said AS
        WITH either AS (SELECT left_id AS one, right_id AS other, is_same FROM {said}
                        UNION ALL SELECT right_id, left_id, is_same FROM {said})
        SELECT DISTINCT e.one AS left_id, coalesce(w.unique_id, e.other) AS right_id, e.is_same
        FROM either e LEFT JOIN {person_of} k ON k.unique_id = e.other LEFT JOIN {person_of} w ON w.cluster = k.cluster
        """)


def _follow_said(engine: Engine, table: str, *, across: bool) -> None:
    """Let `among_weighed` say of pairs of these rows what somebody said of them."""
    right = "r.side = 'REGISTRY'" if across else "s.left_id < s.right_id"
    engine.run(f"""
        CREATE OR REPLACE TABLE among_told AS
        SELECT s.* FROM among_said s JOIN {table} l ON l.unique_id = s.left_id JOIN {table} r ON r.unique_id = s.right_id
        WHERE l.side <> 'REGISTRY' AND {right}
        """)
    engine.run(
        "DELETE FROM among_weighed USING among_told t WHERE t.left_id = among_weighed.left_id AND t.right_id = among_weighed.right_id"
    )
    engine.run(f"""
        INSERT INTO among_weighed BY NAME
        SELECT left_id, right_id, {_SAID_WEIGHT} AS match_weight, 1.0 AS probability, '' AS contradiction FROM among_told WHERE is_same
        """)
    engine.drop("among_told")


def _lead_along(engine: Engine) -> None:
    """Let a row of which somebody said that it is one person with a row just found lead to whom that one leads."""
    engine.run("""
        CREATE OR REPLACE TABLE among_led AS
        SELECT s.left_id, min(k.right_id) AS right_id FROM among_said s
        JOIN among_known k ON k.left_id = s.right_id AND k.decision = 'LINK'
        ANTI JOIN (FROM among_known WHERE decision = 'LINK') f ON f.left_id = s.left_id
        WHERE s.is_same GROUP BY s.left_id HAVING count(DISTINCT k.right_id) = 1
        """)
    engine.run("DELETE FROM among_known WHERE left_id IN (SELECT left_id FROM among_led)")
    engine.run(f"""
        INSERT INTO among_known BY NAME
        SELECT *, {_SAID_WEIGHT} AS match_weight, 1.0 AS probability, '' AS contradiction, 'LINK' AS decision FROM among_led
        """)
    engine.drop("among_led")


def _part_known(engine: Engine, person_of: str) -> None:
    """Let the weaker of two rows that somebody said are two people lead to nobody, where both lead to one person."""
    engine.run(f"""
        UPDATE among_known SET decision = 'REVIEW' WHERE decision = 'LINK' AND left_id IN (
            WITH led AS (SELECT k.left_id, k.match_weight, p.cluster FROM among_known k
                         JOIN {person_of} p ON p.unique_id = k.right_id WHERE k.decision = 'LINK')
            SELECT a.left_id FROM among_said s JOIN led a ON a.left_id = s.left_id
            JOIN led b ON b.left_id = s.right_id AND b.cluster = a.cluster
            WHERE NOT s.is_same AND (a.match_weight, -a.left_id) < (b.match_weight, -b.left_id))
        """)


def _part_groups(engine: Engine) -> None:
    """Ask anew of all pairs of a group in which two rows stand that somebody said are two people."""
    engine.run("""
        UPDATE among_each_other SET cluster = NULL, decision = 'REVIEW'
        WHERE cluster IN (
            WITH held AS (SELECT left_id AS unique_id, cluster FROM among_each_other UNION SELECT right_id, cluster FROM among_each_other)
            SELECT a.cluster FROM among_said s JOIN held a ON a.unique_id = s.left_id
            JOIN held b ON b.unique_id = s.right_id AND b.cluster = a.cluster WHERE NOT s.is_same)
        AND NOT EXISTS (FROM among_said t WHERE t.is_same AND t.left_id = among_each_other.left_id
                        AND t.right_id = among_each_other.right_id)
        """)


def _ask_little(engine: Engine) -> None:
    """Leave of the unsure pairs of rows that may all be one person as many as join them: the next time asks on."""
    pairs = engine.rows(
        "SELECT left_id, right_id FROM among_each_other WHERE decision = 'REVIEW' ORDER BY probability DESC, left_id, right_id"
    )
    of = dict(
        engine.rows("SELECT unnest([left_id, right_id]), cluster FROM among_each_other WHERE cluster IS NOT NULL")
    )
    apart = engine.rows("SELECT left_id, right_id FROM among_said WHERE NOT is_same")
    asked = pa.Table.from_pylist(
        [{"left_id": left, "right_id": right} for left, right in fewest_questions(pairs, of, apart)], schema=_PAIR
    )
    engine.register("among_asked", asked)
    engine.run("""
        DELETE FROM among_each_other WHERE decision = 'REVIEW' AND NOT EXISTS (
            FROM among_asked a WHERE a.left_id = among_each_other.left_id AND a.right_id = among_each_other.right_id)
        """)
    engine.drop("among_asked")


def _keep_unsure(engine: Engine, decided: str, *, into: str, anew: bool = False) -> None:
    bits = ", ".join(f"w.bits_{one.code}" for one in COMPARISONS)
    made = (
        "SELECT d.left_id, d.right_id, d.match_weight, d.probability, d.contradiction, "
        f"{bits}, w.bits_frequency FROM {decided} d "
        "JOIN among_weighed w ON w.left_id = d.left_id AND w.right_id = d.right_id WHERE d.decision = 'REVIEW'"
    )
    engine.run(f"CREATE OR REPLACE TABLE {into} AS {made}" if anew else f"INSERT INTO {into} {made}")


def _compare(engine: Engine, table: str, about: str, *, names_counted: bool = False) -> None:
    compare_pairs(engine, table, "among_pair", into="among_raw", names_counted=names_counted)
    engine.run(f"""
        CREATE OR REPLACE TABLE among_compared AS
        SELECT c.*, least(l.listed, r.listed) AS one_list, greatest(l.listed, r.listed) AS other_list
        FROM among_raw c JOIN {about} l ON l.unique_id = c.left_id JOIN {about} r ON r.unique_id = c.right_id
        WHERE coalesce(l.payee = r.payee, true)
        """)
    engine.drop("among_raw")


def count_lists(engine: Engine, table: str, *, person_of: str, about: str, u: Shares) -> None:
    """Write `among_luck` (one_list, other_list, question, level, bits): how much less an agreement says between two lists.

    Birth and sex are counted on pairs of strangers, drawn from each two lists; `bits` is nought or below: where strangers of
    two lists agree less often than those of the registry (`u`), the registry's share stands.
    """
    engine.run(f"""
        CREATE OR REPLACE TABLE among_drawn AS
        SELECT t.*, a.listed, coalesce(p.cluster, -t.unique_id) AS person
        FROM {table} t JOIN {about} a USING (unique_id) LEFT JOIN {person_of} p USING (unique_id)
        QUALIFY row_number() OVER (PARTITION BY a.listed ORDER BY md5(t.record_id)) <= {_DRAWN}
        """)
    engine.run(
        "CREATE OR REPLACE TABLE among_luck (one_list VARCHAR, other_list VARCHAR, question VARCHAR, level UTINYINT, bits DOUBLE)"
    )
    for question in _ALIKE:
        places = {place: level.code for place, level in enumerate(question.levels) if not level.is_null}
        known = ", ".join(f"({place}, {u[question.code][code]!r}::DOUBLE)" for place, code in places.items())
        engine.run(f"""
            INSERT INTO among_luck
            WITH met AS (
                SELECT l.listed AS one_list, r.listed AS other_list, {level_sql(question)} AS level, count(*) AS pairs
                FROM among_drawn l JOIN among_drawn r ON l.person <> r.person
                    AND (l.listed < r.listed OR (l.listed = r.listed AND l.unique_id < r.unique_id)) GROUP BY ALL),
            known (level, share) AS (VALUES {known})
            SELECT one_list, other_list, '{question.code}', level, least(0.0, log2(k.share * (total + {_TRUST}) / (pairs + {_TRUST} * k.share)))
            FROM (SELECT m.*, sum(pairs) OVER (PARTITION BY one_list, other_list) AS total
                  FROM met m WHERE level IN ({", ".join(map(str, places))})) JOIN known k USING (level)
            """)
    engine.drop("among_drawn")


def sibling_shares(engine: Engine, registry: str, u: Shares) -> Shares:
    """Count how often name, birth and sex agree between two people of one household who name the same guardian.

    Args:
        engine: Holds the records.
        registry: Records of `prepare` with households.
        u: Shares among strangers, which stand where there are no brothers and sisters to count.

    Returns:
        Shares of levels, add-one smoothed, for the three questions.
    """
    many = max(math.ceil(int(engine.value(f"SELECT count(*) FROM {registry}")) / _SIBLINGS), 1)
    engine.run(
        f"""CREATE OR REPLACE TABLE sibling_pair AS
            WITH held AS (SELECT unique_id, household_id, guardians FROM {registry}
                          WHERE household_id <> '' AND md5_number_lower(household_id) % $many = 0)
            SELECT '0' AS match_key, l.unique_id AS join_key_l, r.unique_id AS join_key_r FROM held l JOIN held r
            ON l.household_id = r.household_id AND l.unique_id < r.unique_id AND list_has_any(l.guardians, r.guardians)""",
        {"many": many},
    )
    compare_pairs(engine, registry, "sibling_pair", into="sibling_compared")
    found = {one.code: _counted(engine, one) or u[one.code] for one in _OWN}
    engine.drop("sibling_pair", "sibling_compared")
    return found


def _counted(engine: Engine, question: Comparison) -> Mapping[str, float]:
    counts = dict(engine.rows(f"SELECT level_{question.code}, count(*) FROM sibling_compared GROUP BY ALL ORDER BY 1"))
    places = [place for place, level in enumerate(question.levels) if not level.is_null]
    pairs = sum(counts.get(place, 0) for place in places)
    return {question.levels[p].code: (counts.get(p, 0) + 1) / (pairs + len(places)) for p in places} if pairs else {}


def weigh_rows(engine: Engine, compared: str, card: ModelCard, siblings: Shares, *, prior: float, into: str) -> float:
    """Weigh pairs of rows: strangers as the model does, rows of one family by what is their own.

    Args:
        engine: Holds the compared pairs.
        compared: Table of `compare_pairs`, with `one_list` and `other_list` of each pair.
        card: The model.
        siblings: Shares of `sibling_shares`.
        prior: Probability that two rows of no common family are one person.
        into: Table made anew, as `weigh` makes it.

    Returns:
        The share of pairs of one family that are one person, as learned from the pairs (EM over one share with the
        evidence held fixed; Fellegi & Sunter 1969, Winkler 1988).
    """
    strangers = f"(SELECT * FROM {compared} WHERE level_family NOT IN ({_TIED}))"
    weigh(engine, strangers, prior=prior, m=card.m, u=card.u, into="among_met", at_least=LEAST_KEPT)
    joins = " ".join(
        f"LEFT JOIN among_luck {one.code} ON {one.code}.one_list = w.one_list AND {one.code}.other_list = w.other_list "
        f"AND {one.code}.question = '{one.code}' AND {one.code}.level = w.level_{one.code}"
        for one in _ALIKE
    )
    luck = " + ".join(f"coalesce({one.code}.bits, 0)" for one in _ALIKE)
    engine.run(f"""
        CREATE OR REPLACE TABLE {into} AS
        WITH lessened AS (SELECT w.* REPLACE (w.match_weight + {luck} AS match_weight) FROM among_met w {joins})
        SELECT * REPLACE ({probability_sql("match_weight")} AS probability) FROM lessened
        """)
    tied = weighed_sql(f"(SELECT * FROM {compared} WHERE level_family IN ({_TIED}))", prior=0.5, m=card.m, u=card.u)
    own = " + ".join(bits_sql(one, card.m, siblings, f"level_{one.code}") for one in _OWN)
    engine.run(f"CREATE OR REPLACE TABLE among_tied AS SELECT *, {own} + bits_number AS own_bits FROM ({tied})")
    share = 0.05
    if engine.value("SELECT count(*) FROM among_tied"):
        for _ in range(_ROUNDS):
            found = float(engine.value(f"SELECT avg({_posterior('$share')}) FROM among_tied", {"share": share}))
            share = min(max(found, _LEAST_SHARE), _MOST_SHARE)
    engine.run(
        f"""INSERT INTO {into} BY NAME SELECT * EXCLUDE (own_bits) REPLACE (
                log2($share / (1 - $share)) + own_bits AS match_weight, {_posterior("$share")} AS probability,
                0.0 AS bits_family, 0.0 AS bits_company, 0.0 AS bits_frequency)
            FROM among_tied WHERE {_posterior("$share")} >= {LEAST_KEPT}""",
        {"share": share},
    )
    engine.drop("among_tied", "among_met")
    return share


def _posterior(share: str) -> str:
    return f"1 / (1 + power(2, -least(greatest(own_bits, -500), 500)) * (1 - {share}) / {share})"
