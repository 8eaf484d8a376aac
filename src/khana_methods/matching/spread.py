"""Candidate pairs made and weighed on a cluster, by the same card and the same SQL as in one process.

Spark joins records by their keys; its workers compare and weigh each pair in the engine's own SQL, so that the pairs and
their weights are those of the default engine. What is kept, a few pairs a person, comes back to be decided.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.spark import Cluster
from khana_methods.matching.blocking import LARGEST_BLOCK, PassCount, finer_sql, keys_sql, refuse_poison
from khana_methods.matching.compare import COMPARISONS
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import MACROS
from khana_methods.matching.weights import LEAST_KEPT, compared_sql, count_names, shares_sql, weighed_sql

_SIGNED = "({}::HUGEINT - 9223372036854775808)::BIGINT"  # Spark knows no unsigned numbers
_LEVELS = ", ".join(f"level_{one.code}::INTEGER AS level_{one.code}" for one in COMPARISONS)
_BACK = ", ".join(f"level_{one.code}::UTINYINT AS level_{one.code}" for one in COMPARISONS)


def weigh_on_cluster(
    engine: Engine,
    cluster: Cluster,
    table: str,
    card: ModelCard,
    *,
    prior: float,
    into: str,
    max_block_pairs: int = 1_000_000,
    largest_block: int = LARGEST_BLOCK,
) -> list[PassCount]:
    """Make the candidate pairs of one register and weigh them, on a cluster.

    Args:
        engine: Holds the records; takes what is kept.
        cluster: Where the work is done.
        table: Records of `prepare`.
        card: The model.
        prior: Probability that two random records are one person.
        into: Table of the engine made anew, as `weigh` makes it; `candidate_count` gets the number of candidates.
        max_block_pairs: Most pairs that one key may make.
        largest_block: Records that may share a key before its pass's finer keys take its place.

    Returns:
        What each pass costs.

    Raises:
        BlockPoisoned: A key would make more pairs than allowed; nothing was compared.
    """
    count_names(engine, table)
    place = cluster.place("records")
    engine.run(
        f"COPY (SELECT * FROM {shares_sql(table)}) TO '{str(place).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
    )
    cluster.register_parquet("records", place)
    _make_keys(cluster, card, largest_block)
    counts = _count(cluster, card, max_block_pairs)
    refuse_poison(counts, max_block_pairs=max_block_pairs)
    cluster.run(
        "candidates",
        "SELECT CAST(min(l.pass) AS STRING) AS match_key, l.unique_id AS join_key_l, r.unique_id AS join_key_r "
        "FROM keys l JOIN keys r ON l.pass = r.pass AND l.key = r.key AND l.home <> r.home AND l.unique_id < r.unique_id "
        "GROUP BY l.unique_id, r.unique_id",
    )
    cluster.run(
        "sides",
        "SELECT match_key, join_key_l, join_key_r, l.record AS l, r.record AS r FROM candidates "
        "JOIN (SELECT unique_id, struct(*) AS record FROM records) l ON l.unique_id = join_key_l "
        "JOIN (SELECT unique_id, struct(*) AS record FROM records) r ON r.unique_id = join_key_r",
    )
    weighed = weighed_sql(f"({compared_sql('batch')})", prior=prior, m=card.m, u=card.u, at_least=LEAST_KEPT)
    cluster.run_rowwise("weighed", "sides", f"SELECT * REPLACE ({_LEVELS}) FROM ({weighed})", setup=MACROS)
    engine.register("arrived_pair", cluster.table("SELECT * FROM weighed"))
    engine.run(f"CREATE OR REPLACE TABLE {into} AS SELECT * REPLACE ({_BACK}) FROM arrived_pair")
    made = cluster.rows("SELECT count(*) FROM candidates")[0][0]
    engine.run(f"CREATE OR REPLACE TABLE candidate_count AS SELECT {int(made)}::BIGINT AS pairs")
    engine.drop("arrived_pair")
    cluster.forget()
    return counts


def _make_keys(cluster: Cluster, card: ModelCard, largest_block: int) -> None:
    """Make the keys of every pass, and the finer ones in the place of those that too many records share."""
    key, finer, home = (_SIGNED.format(one) for one in ("key", "finer", "home"))
    every = " UNION ALL ".join(f"({keys_sql('batch', one, place)})" for place, one in enumerate(card.passes))
    cut = [f"({finer_sql('batch', one, place)})" for place, one in enumerate(card.passes) if one.finer]
    columns = f"SELECT pass::INTEGER AS pass, {key} AS key, unique_id, {home} AS home"
    if not cut:
        cluster.run_rowwise("keys", "records", f"{columns} FROM ({every})", setup=MACROS)
        return
    cluster.run_rowwise("coarse_keys", "records", f"{columns} FROM ({every})", setup=MACROS)
    cluster.run_rowwise(
        "finer_keys", "records", f"{columns}, {finer} AS finer FROM ({' UNION ALL '.join(cut)})", setup=MACROS
    )
    passes = ", ".join(str(place) for place, one in enumerate(card.passes) if one.finer)
    cluster.run(
        "large_keys",
        f"SELECT pass, key FROM coarse_keys WHERE pass IN ({passes}) GROUP BY pass, key HAVING count(*) > {largest_block}",
    )
    cluster.run(
        "keys",
        "SELECT c.pass, c.key, c.unique_id, c.home FROM coarse_keys c LEFT ANTI JOIN large_keys USING (pass, key) "
        "UNION ALL SELECT DISTINCT f.pass, f.finer AS key, f.unique_id, f.home FROM finer_keys f "
        "LEFT SEMI JOIN large_keys USING (pass, key)",
    )


def _count(cluster: Cluster, card: ModelCard, most: int) -> list[PassCount]:
    rows = cluster.rows(
        f"SELECT pass, count(*), coalesce(sum(CASE WHEN pairs <= {most} THEN pairs END), 0), max(pairs), "
        f"sum(CASE WHEN pairs > {most} THEN 1 ELSE 0 END) FROM (SELECT pass, key, count(*) * (count(*) - 1) DIV 2 AS pairs "
        "FROM keys GROUP BY pass, key) GROUP BY pass ORDER BY pass"
    )
    return [PassCount(card.passes[place].code, *map(int, rest)) for place, *rest in rows]
