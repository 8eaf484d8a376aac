"""The three uses of one model: inside the registry, a list against it, one person at the desk against everyone.

Each takes a card and prepared records and leaves a table of decisions. The prior differs by use: what share of
a list is registered, how many of a register are there twice; m, u, passes and thresholds are the card's.
"""

from __future__ import annotations

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.spark import Cluster
from khana_methods.matching.blocking import CUTTING, PAIRS_AT_ONCE, RECORDS_AT_ONCE, Cutting, PassCount, candidate_pairs
from khana_methods.matching.cluster import Clusters
from khana_methods.matching.compete import let_compete
from khana_methods.matching.decide import decide_duplicates, decide_list
from khana_methods.matching.households import lift_members
from khana_methods.matching.model import ModelCard
from khana_methods.matching.spread import weigh_on_cluster
from khana_methods.matching.weights import LEAST_KEPT, compare_pairs, weigh

_BEYOND_DOUBT = 0.9  # probability from which a shared person speaks for the rest of two households
_EXPECTED_SHARE = (
    0.5  # of a list's rows, and of people at a desk, who are in the registry; EM would need the whole list
)


def find_duplicates(
    engine: Engine,
    table: str,
    card: ModelCard,
    *,
    into: str = "decision",
    max_block_pairs: int = 1_000_000,
    cutting: Cutting = CUTTING,
    cluster: Cluster | None = None,
) -> tuple[Clusters, list[PassCount]]:
    """Find people who stand in one register more than once.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        card: The model.
        into: Table of decisions, as `decide_duplicates` makes it.
        max_block_pairs: Most pairs that one key may make.
        cutting: From how many records on a block is cut.
        cluster: Where candidates are made and weighed; in this process where None. Both give the same pairs.

    Returns:
        Clusters and the cost of each pass. Tables `candidate` (not on a cluster), `candidate_count` and `weighed` stay for explanation; `bits_context` is what
        two households that share somebody say for a pair (`matching/households.py`).
    """
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    prior = card.pairs_per_record * records / (records * (records - 1) / 2)
    if cluster is not None:
        counts = weigh_on_cluster(
            engine,
            cluster,
            table,
            card,
            prior=prior,
            into="raw",
            max_block_pairs=max_block_pairs,
            cutting=cutting,
        )
    else:
        counts = candidate_pairs(engine, table, card.passes, max_block_pairs=max_block_pairs, cutting=cutting)
        engine.run("CREATE OR REPLACE TABLE candidate_count AS SELECT count(*) AS pairs FROM candidate")
        _weigh_in_parts(engine, table, card, prior=prior)
    let_compete(engine, "raw", into="weighed")
    engine.drop("raw")
    lifted = lift_members(engine, table, "weighed", card, prior=prior, at=_BEYOND_DOUBT)
    listed = ", ".join(repr(float(one)) for one in lifted.priors)
    engine.run(f"CREATE OR REPLACE TABLE lift_prior AS SELECT unnest([{listed}]::DOUBLE[]) AS prior")
    return decide_duplicates(engine, table, "weighed", card.thresholds, into=into), counts


def _weigh_in_parts(engine: Engine, table: str, card: ModelCard, *, prior: float) -> None:
    """Weigh all of `candidate` into `raw`, those of some right records at a time: these and their pairs stay in memory."""
    pairs, records = engine.rows(f"SELECT pairs, (SELECT count(*) FROM {table}) FROM candidate_count")[0]
    parts = 1 + max(int(pairs) // PAIRS_AT_ONCE, int(records) // RECORDS_AT_ONCE)
    for part in range(parts):
        some, other = "candidate", ""
        if parts > 1:  # tables, not filters: the engine then knows how many there are and joins the right way round
            some, other = "candidate_part", "right_part"
            engine.run(f"CREATE OR REPLACE TABLE {some} AS SELECT * FROM candidate WHERE join_key_r % {parts} = {part}")
            engine.run(f"CREATE OR REPLACE TABLE {other} AS SELECT * FROM {table} WHERE unique_id % {parts} = {part}")
        compare_pairs(engine, table, some, other=other, into="compared_once", once=True, names_counted=part > 0)
        into = "raw_part" if part else "raw"
        weigh(engine, "compared_once", prior=prior, m=card.m, u=card.u, into=into, at_least=LEAST_KEPT)
        if part:
            engine.run("INSERT INTO raw SELECT * FROM raw_part")
            engine.drop("raw_part")
    engine.drop("candidate_part", "right_part")


def decide_part(
    engine: Engine,
    table: str,
    pairs: str,
    card: ModelCard,
    *,
    registered: int,
    priors: tuple[float, float, float],
    into: str = "decision",
) -> Clusters:
    """Decide given pairs of a register of which only a part is laid out: the whole run's weights at the cost of the part.

    Args:
        engine: Holds the records, the pairs, and `share_<column>` with the shares that names have in the whole register.
        table: Records of `prepare`: both ends of every pair, and whoever lives with them.
        pairs: Candidates; of each end that matters all of its candidates, since rivals count.
        card: The model.
        registered: Records of the whole register.
        priors: Of households that share people, as the whole run learned them (`lift_prior`).
        into: Table of decisions, as `decide_duplicates` makes it; table `weighed` stays.

    Returns:
        The clusters among them.
    """
    prior = card.pairs_per_record * registered / (registered * (registered - 1) / 2)
    weigh_part(engine, table, pairs, card, registered=registered, into="raw")
    let_compete(engine, "raw", into="weighed")
    engine.drop("raw")
    lift_members(engine, table, "weighed", card, prior=prior, at=_BEYOND_DOUBT, priors=priors)
    return decide_duplicates(engine, table, "weighed", card.thresholds, into=into)


def weigh_part(
    engine: Engine,
    table: str,
    pairs: str,
    card: ModelCard,
    *,
    registered: int,
    into: str,
    least: float | None = LEAST_KEPT,
) -> None:
    """Weigh given pairs of a register of which only a part is laid out, see `decide_part`; rivals do not count yet."""
    prior = card.pairs_per_record * registered / (registered * (registered - 1) / 2)
    compare_pairs(engine, table, pairs, into="compared_once", names_counted=True, once=True)
    weigh(engine, "compared_once", prior=prior, m=card.m, u=card.u, into=into, at_least=least)


def link_list(
    engine: Engine,
    table: str,
    card: ModelCard,
    *,
    into: str = "decision",
    person_of: str | None = None,
    apart: str | None = None,
    max_block_pairs: int = 1_000_000,
) -> list[PassCount]:
    """Link the rows of a list (side LIST or DESK) to the registry (side REGISTRY) in one table of records.

    Args:
        engine: Holds the records.
        table: Records of both sides, prepared together.
        card: The model.
        into: Table of decisions, as `decide_list` makes it.
        person_of: Records already known to be one person, see `decide_list`.
        apart: Table of `left_id` (a row) and `right_id` (a record) of which somebody said that they are two people: the next best
            person is decided upon.
        max_block_pairs: Most pairs that one key may make.

    Returns:
        The cost of each pass.
    """
    counts = candidate_pairs(
        engine, table, card.passes, across=True, max_block_pairs=max_block_pairs, refuse_poisoned=False
    )
    registered = int(engine.value(f"SELECT count(*) FROM {table} WHERE side = 'REGISTRY'"))
    prior = _EXPECTED_SHARE / max(registered, 2)
    compare_pairs(engine, table, "candidate", into="compared_once", once=True)
    weigh(engine, "compared_once", prior=prior, m=card.m, u=card.u, into="weighed", at_least=LEAST_KEPT)
    if apart is not None:
        engine.run(
            f"DELETE FROM weighed USING {apart} a WHERE a.left_id = weighed.left_id AND a.right_id = weighed.right_id"
        )
    decide_list(engine, "weighed", card.thresholds, into=into, person_of=person_of)
    return counts


def decisions(engine: Engine, table: str, decided: str = "decision") -> pa.Table:
    """Return decisions with the records' own ids: `left`, `right`, `match_weight`, `probability`, `decision`."""
    return engine.table(
        f"SELECT l.record_id AS left, r.record_id AS right, d.match_weight, d.probability, d.contradiction, d.decision "
        f"FROM {decided} d JOIN {table} l ON l.unique_id = d.left_id JOIN {table} r ON r.unique_id = d.right_id ORDER BY 1, 2"
    )
