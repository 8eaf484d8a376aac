"""What becomes of a weighed pair: LINK, REVIEW or APART, and why.

LINK needs the upper threshold and no contradiction. A pair with a contradiction, or one that loses to a better
partner by a hair, goes to a steward: REVIEW. For a row of a list the best person must lead the next one by a
margin, since two brothers may both look like it.
"""

from __future__ import annotations

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.cluster import Clusters, Edge, cluster
from khana_methods.matching.model import Thresholds

LINK = "LINK"
REVIEW = "REVIEW"
APART = "APART"
_CLUSTER = pa.schema([pa.field("unique_id", pa.int64()), pa.field("cluster", pa.int64())])


def decide_duplicates(engine: Engine, table: str, weighed: str, thresholds: Thresholds, *, into: str) -> Clusters:
    """Decide the pairs within one register, and cluster those that are linked.

    Args:
        engine: Holds records and weighed pairs.
        table: Records of `prepare`.
        weighed: Pairs of `weigh`.
        thresholds: Of the model card.
        into: Table made anew: `left_id`, `right_id`, `match_weight`, `probability`, `contradiction`, `decision`,
            `cluster` (smallest id of the person's records, null unless linked), one row a pair of LINK or REVIEW.

    Returns:
        The clusters.
    """
    rows = engine.rows(
        f"SELECT left_id, right_id, match_weight, probability, contradiction FROM {weighed} WHERE probability >= $review",
        {"review": thresholds.review},
    )
    homes = dict(
        engine.rows(
            f"SELECT unique_id, coalesce(household_id, '') FROM {table} WHERE unique_id IN "
            f"(SELECT left_id FROM {weighed} WHERE probability >= $review UNION SELECT right_id FROM {weighed} "
            "WHERE probability >= $review)",
            {"review": thresholds.review},
        )
    )
    edges = [
        Edge(left, right, weight, p >= thresholds.link, contradiction != "")
        for left, right, weight, p, contradiction in rows
    ]
    clusters = cluster(edges, homes)
    of = {"unique_id": list(clusters.of), "cluster": list(clusters.of.values())}
    engine.register("link_cluster", pa.table(of, schema=_CLUSTER))
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT w.left_id, w.right_id, w.match_weight, w.probability, w.contradiction, "
        f"CASE WHEN a.cluster = b.cluster THEN '{LINK}' ELSE '{REVIEW}' END AS decision, "
        "CASE WHEN a.cluster = b.cluster THEN a.cluster END AS cluster "
        f"FROM {weighed} w LEFT JOIN link_cluster a ON a.unique_id = w.left_id "
        "LEFT JOIN link_cluster b ON b.unique_id = w.right_id WHERE w.probability >= $review",
        {"review": thresholds.review},
    )
    engine.drop("link_cluster")
    return clusters


def decide_list(
    engine: Engine, weighed: str, thresholds: Thresholds, *, into: str, person_of: str | None = None
) -> None:
    """Decide the rows of a list against the registry: the best candidate of each row, held against its rivals.

    Args:
        engine: Holds the weighed pairs; `left_id` is the row, `right_id` the registered record.
        weighed: Pairs of `weigh`.
        thresholds: Of the model card.
        into: Table made anew: one row a list row that has a candidate: `left_id`, `right_id`, `match_weight`,
            `probability` (odds / (1 + odds of all persons met)), `lead` (bits before the next person), `contradiction`,
            `decision`.
        person_of: Table of `unique_id` and `cluster` of records already known to be one person; they do not compete.
    """
    person = "coalesce(c.cluster, w.right_id)" if person_of else "w.right_id"
    join = f"LEFT JOIN {person_of} c ON c.unique_id = w.right_id" if person_of else ""
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS WITH best AS ("
        f"SELECT w.left_id, {person} AS person, arg_max(w.right_id, w.match_weight) AS right_id, "
        "max(least(w.match_weight, 200)) AS match_weight, arg_max(w.contradiction, w.match_weight) AS contradiction "
        f"FROM {weighed} w {join} GROUP BY ALL), "
        "ranked AS (SELECT *, row_number() OVER o AS place, match_weight - lead(match_weight) OVER o AS lead, "
        "pow(2.0, match_weight) / (1 + sum(pow(2.0, match_weight)) OVER (PARTITION BY left_id)) AS probability "
        "FROM best WINDOW o AS (PARTITION BY left_id ORDER BY match_weight DESC, right_id)) "
        "SELECT left_id, right_id, match_weight, probability, lead, contradiction, CASE "
        f"WHEN probability >= $link AND contradiction = '' AND coalesce(lead, 999) >= $margin THEN '{LINK}' "
        f"WHEN probability >= $review THEN '{REVIEW}' ELSE '{APART}' END AS decision FROM ranked WHERE place = 1",
        {"link": thresholds.link, "review": thresholds.review, "margin": thresholds.margin},
    )
