"""Candidate pairs made and weighed on a cluster, by the same card and the same SQL as in one process.

Spark joins records by their keys; its workers compare and weigh each pair in the engine's own SQL, so that the pairs and
their weights are those of the default engine. What is kept, a few pairs a person, comes back to be decided.
"""

from __future__ import annotations

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.spark import Cluster
from khana_methods.matching.blocking import (
    CUTTING,
    Cutting,
    PassCount,
    blocks_sql,
    counts_sql,
    in_force,
    keys_sql,
    pairs_by_size,
    refuse_poison,
)
from khana_methods.matching.compare import COMPARISONS
from khana_methods.matching.model import ModelCard
from khana_methods.matching.prepare import MACROS
from khana_methods.matching.weights import LEAST_KEPT, compared_sql, count_names, shares_sql, weighed_sql

_SIGNED = "({}::HUGEINT - 9223372036854775808)::BIGINT"  # Spark knows no unsigned numbers
_COLUMNS = (
    "pass::INTEGER AS pass, level::INTEGER AS level, "
    + ", ".join(f"{_SIGNED.format(one)} AS {one}" for one in ("parent", "key", "home"))
    + ", unique_id"
)
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
    cutting: Cutting = CUTTING,
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
        cutting: From how many records on a block is cut.

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
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    counts = _lay_blocks(cluster, card, records=records, max_block_pairs=max_block_pairs, cutting=cutting)
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


def _lay_blocks(
    cluster: Cluster, card: ModelCard, *, records: int, max_block_pairs: int, cutting: Cutting
) -> list[PassCount]:
    """Make the keys of every pass, choose from which size on each is cut, and keep the keys that are shared."""
    levels = range(1 + max(len(one.cuts) for one in card.passes))
    every = " UNION ALL ".join(
        f"({keys_sql('batch', one, place, level)})"
        for place, one in enumerate(card.passes)
        for level in levels[: 1 + len(one.cuts)]
    )
    cluster.run_rowwise("every_key", "records", f"SELECT {_COLUMNS} FROM ({every})", setup=MACROS)
    for level in levels:
        further = [str(place) for place, one in enumerate(card.passes) if len(one.cuts) > level]
        cut = f"pass IN ({', '.join(further)})" if further else "false"
        of_level = f"(SELECT * FROM every_key WHERE level = {level})"
        cluster.run(f"blocks_{level}", blocks_sql(of_level, cut=cut, blocks=f"blocks_{level - 1}" if level else ""))
    cluster.run("every_block", " UNION ALL ".join(f"SELECT * FROM blocks_{level}" for level in levels))
    made = {
        int(place): (uncut, pairs) for place, uncut, *pairs in cluster.rows(pairs_by_size("every_block", cutting.sizes))
    }
    chosen = " OR ".join(
        f"(pass = {place} AND {in_force(cutting.choose(uncut, pairs, records))})"
        for place, (uncut, pairs) in made.items()
    )
    cluster.run("met_block", f"SELECT * FROM every_block WHERE {chosen or 'false'}")
    cluster.run(
        "keys", "SELECT pass, key, unique_id, home FROM every_key LEFT SEMI JOIN met_block USING (pass, level, key)"
    )
    rows = cluster.rows(counts_sql("met_block", max_block_pairs))
    return [PassCount(card.passes[place].code, *map(int, rest)) for place, *rest in rows]
