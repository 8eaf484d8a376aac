"""The three uses of one model: inside the registry, a list against it, one person at the desk against everyone.

Each takes a card and prepared records and leaves a table of decisions. The prior differs by use: what share of
a list is registered, how many of a register are there twice; m, u, passes and thresholds are the card's.
"""

from __future__ import annotations

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.blocking import PassCount, candidate_pairs
from khana_methods.matching.cluster import Clusters
from khana_methods.matching.compete import let_compete
from khana_methods.matching.decide import decide_duplicates, decide_list
from khana_methods.matching.households import lift_members
from khana_methods.matching.model import ModelCard
from khana_methods.matching.weights import LEAST_KEPT, compare_pairs, weigh

_BEYOND_DOUBT = 0.9  # probability from which a shared person speaks for the rest of two households
_EXPECTED_SHARE = (
    0.5  # of a list's rows, and of people at a desk, who are in the registry; EM would need the whole list
)


def find_duplicates(
    engine: Engine, table: str, card: ModelCard, *, into: str = "decision", max_block_pairs: int = 1_000_000
) -> tuple[Clusters, list[PassCount]]:
    """Find people who stand in one register more than once.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        card: The model.
        into: Table of decisions, as `decide_duplicates` makes it.
        max_block_pairs: Most pairs that one key may make.

    Returns:
        Clusters and the cost of each pass. Tables `candidate` and `weighed` stay for explanation; `bits_context` is what
        two households that share somebody say for a pair (`matching/households.py`).
    """
    counts = candidate_pairs(engine, table, card.passes, max_block_pairs=max_block_pairs)
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    prior = card.pairs_per_record * records / (records * (records - 1) / 2)
    compare_pairs(engine, table, "candidate")
    weigh(engine, "compared", prior=prior, m=card.m, u=card.u, into="raw", at_least=LEAST_KEPT)
    let_compete(engine, "raw", into="weighed")
    engine.drop("raw")
    lift_members(engine, table, "weighed", card, prior=prior, at=_BEYOND_DOUBT)
    return decide_duplicates(engine, table, "weighed", card.thresholds, into=into), counts


def link_list(
    engine: Engine,
    table: str,
    card: ModelCard,
    *,
    into: str = "decision",
    person_of: str | None = None,
    max_block_pairs: int = 1_000_000,
) -> list[PassCount]:
    """Link the rows of a list (side LIST or DESK) to the registry (side REGISTRY) in one table of records.

    Args:
        engine: Holds the records.
        table: Records of both sides, prepared together.
        card: The model.
        into: Table of decisions, as `decide_list` makes it.
        person_of: Records already known to be one person, see `decide_list`.
        max_block_pairs: Most pairs that one key may make.

    Returns:
        The cost of each pass.
    """
    counts = candidate_pairs(
        engine, table, card.passes, across=True, max_block_pairs=max_block_pairs, refuse_poisoned=False
    )
    registered = int(engine.value(f"SELECT count(*) FROM {table} WHERE side = 'REGISTRY'"))
    prior = _EXPECTED_SHARE / max(registered, 2)
    compare_pairs(engine, table, "candidate")
    weigh(engine, "compared", prior=prior, m=card.m, u=card.u, into="weighed", at_least=LEAST_KEPT)
    decide_list(engine, "weighed", card.thresholds, into=into, person_of=person_of)
    return counts


def decisions(engine: Engine, table: str, decided: str = "decision") -> pa.Table:
    """Return decisions with the records' own ids: `left`, `right`, `match_weight`, `probability`, `decision`."""
    return engine.table(
        f"SELECT l.record_id AS left, r.record_id AS right, d.match_weight, d.probability, d.contradiction, d.decision "
        f"FROM {decided} d JOIN {table} l ON l.unique_id = d.left_id JOIN {table} r ON r.unique_id = d.right_id ORDER BY 1, 2"
    )
