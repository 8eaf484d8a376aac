"""What to ask the reviewers, and what their answers say: precision and recall from a few hundred labels.

Pairs are drawn at random within strata of probability, most where the model is least sure and most pairs lie. Below a
cut-off nobody is asked: there thousands of pairs hold a handful of matches, which the model's own sum stands for. What
blocking never met is estimated from links met by their names only, by other facts only, and by both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.evaluate import Interval, LabelsMissing, Stratum, estimate
from khana_methods.matching.model import ModelCard
from khana_methods.matching.passes import NAME_PASSES, BlockingPass

CUT_OFF = 0.02  # no label is asked below; see the module
_LINKED = (0.95, 0.99, 0.999)
_LEFT = (0.05, 0.1, 0.2, 0.5)
_LEAST = 6
_LEAST_SPREAD = 0.07  # of an answer in a stratum of which the model is certain: models are sometimes wrong


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample to be labelled.

    `pairs`: `left_id`, `right_id`, `stratum`, one row a question, in random order. `sizes` and `linked`: pairs of each
    stratum, and whether they are linked. `unasked`: expected matches below the cut-off.
    """

    pairs: pa.Table
    sizes: dict[int, int]
    linked: dict[int, bool]
    unasked: float


def draw_labels(
    engine: Engine, *, weighed: str = "weighed", decided: str = "decision", labels: int = 400, seed: int = 1
) -> Drawn:
    """Choose which pairs to ask.

    Args:
        engine: Holds weighed pairs and decisions of `find_duplicates`.
        weighed: The pairs.
        decided: The decisions.
        labels: Most questions.
        seed: Of the draw: the same seed asks the same pairs.

    Source:
        Neyman (1934) for the allocation, with the model's probabilities for the spread; Särndal, Swensson & Wretman (1992),
        Model Assisted Survey Sampling, ch. 14, for the cut-off.
    """
    bounds = " ".join(f"WHEN is_linked AND probability < {top} THEN {place}" for place, top in enumerate(_LINKED))
    bounds += f" WHEN is_linked THEN {len(_LINKED)} "
    bounds += " ".join(f"WHEN probability < {top} THEN {place}" for place, top in enumerate(_LEFT, len(_LINKED) + 1))
    engine.run(
        "CREATE OR REPLACE TABLE label_frame AS WITH seen AS (SELECT w.left_id, w.right_id, w.probability, "
        f"coalesce(d.decision = 'LINK', false) AS is_linked FROM {weighed} w LEFT JOIN {decided} d USING (left_id, right_id) "
        "WHERE w.contradiction = '' OR d.decision = 'LINK') "
        f"SELECT *, CASE {bounds} ELSE {len(_LINKED) + len(_LEFT) + 1} END AS stratum FROM seen "
        f"WHERE is_linked OR probability >= {CUT_OFF}"
    )
    rows = engine.rows(
        "SELECT stratum, count(*), avg(probability), any_value(is_linked) FROM label_frame GROUP BY 1 ORDER BY 1"
    )
    sizes = {place: int(count) for place, count, *_ in rows}
    asked = _allocate({place: (int(count), float(mean)) for place, count, mean, _ in rows}, labels)
    pairs = engine.table(
        "WITH placed AS (SELECT left_id, right_id, stratum, row_number() OVER (PARTITION BY stratum "
        "ORDER BY hash(left_id, right_id, $seed), left_id, right_id) AS place FROM label_frame) "
        "SELECT left_id, right_id, stratum FROM placed WHERE place <= list_extract($asked, stratum + 1) "
        "ORDER BY hash(right_id, left_id, $seed), left_id, right_id",
        {"seed": seed, "asked": [asked.get(place, 0) for place in range(len(_LINKED) + len(_LEFT) + 2)]},
    )
    unasked = engine.value(
        f"SELECT sum(probability) FROM {weighed} w ANTI JOIN label_frame USING (left_id, right_id) WHERE w.contradiction = ''"
    )
    engine.drop("label_frame")
    return Drawn(pairs, sizes, {place: bool(is_linked) for place, *_, is_linked in rows}, float(unasked or 0.0))


def _allocate(strata: Mapping[int, tuple[int, float]], labels: int) -> dict[int, int]:
    """Part the labels by size times spread; every stratum gets a few, none more than it holds."""
    spread = {
        place: count * max(math.sqrt(mean * (1 - mean)), _LEAST_SPREAD) for place, (count, mean) in strata.items()
    }
    given = {place: min(count, _LEAST) for place, (count, _) in strata.items()}
    open_ = set(strata)
    while open_ and sum(given.values()) < labels:
        left = labels - sum(given.values())
        total = sum(spread[place] for place in open_)
        grown = {place: min(strata[place][0], given[place] + int(left * spread[place] / total)) for place in open_}
        if all(grown[place] == given[place] for place in open_):
            break
        given |= grown
        open_ = {place for place in open_ if given[place] < strata[place][0]}
    return given


def judge_by_labels(
    drawn: Drawn, answers: Mapping[tuple[int, int], bool], *, missed: float = 0.0
) -> tuple[Interval, Interval]:
    """Estimate precision and recall from the reviewers' answers.

    Args:
        drawn: What was asked.
        answers: Pair of ids to whether it is one person; what nobody answered is left out.
        missed: Matches that blocking never met, see `missed_by_blocking`.

    Returns:
        Precision and recall with 95 % design-based intervals; recall counts unasked and missed matches as expected.

    Raises:
        LabelsMissing: A stratum has no answer.
    """
    labelled = dict.fromkeys(drawn.sizes, 0)
    matches = dict.fromkeys(drawn.sizes, 0)
    for row in drawn.pairs.to_pylist():
        answer = answers.get((row["left_id"], row["right_id"]))
        if answer is not None:
            labelled[row["stratum"]] += 1
            matches[row["stratum"]] += answer
    if not drawn.sizes:
        raise LabelsMissing("There are no pairs to estimate from.")
    strata = [
        Stratum(size, labelled[place], matches[place], drawn.linked[place]) for place, size in drawn.sizes.items()
    ]
    return estimate(strata, beyond=drawn.unasked + missed)


def missed_by_blocking(
    engine: Engine, passes: tuple[BlockingPass, ...], *, weighed: str = "weighed", keys: str = "block_key"
) -> float:
    """Estimate how many matches no pass met, from how often the matches that were met were met.

    Each pair counts as much as it is expected to be a match. Two estimates, the larger counts: from pairs met by their names
    only, by other facts only, and by both; and from pairs met by one pass and by two. Both are lower bounds: who is
    misspelt may well have moved too.

    Args:
        engine: Holds weighed pairs and the keys that blocking left.
        passes: The passes that made the keys.
        weighed: The pairs, with their probability.
        keys: The table of keys.

    Source:
        Chapman (1951), Some properties of the hypergeometric distribution with applications to zoological sample censuses;
        Chao (1987), Estimating the population size for capture-recapture data with unequal catchability, Biometrics 43.
    """
    named = ", ".join(str(place) for place, one in enumerate(passes) if one.code in NAME_PASSES) or "NULL"
    by_name, otherwise, both, once, twice = engine.rows(
        f"WITH likely AS (SELECT left_id, right_id, probability FROM {weighed} WHERE contradiction = '' AND probability >= {CUT_OFF}), "
        f"met AS (SELECT left_id, right_id, probability AS p, bool_or(l.pass IN ({named})) AS by_name, "
        f"bool_or(l.pass NOT IN ({named})) AS otherwise, count(DISTINCT l.pass) AS passes "
        f"FROM likely JOIN {keys} l ON l.unique_id = left_id JOIN {keys} r ON r.unique_id = right_id AND r.pass = l.pass "
        "AND r.key = l.key GROUP BY ALL) SELECT coalesce(sum(p) FILTER (WHERE by_name AND NOT otherwise), 0), "
        "coalesce(sum(p) FILTER (WHERE otherwise AND NOT by_name), 0), coalesce(sum(p) FILTER (WHERE by_name AND otherwise), 0), "
        "coalesce(sum(p) FILTER (WHERE passes = 1), 0), coalesce(sum(p) FILTER (WHERE passes = 2), 0) FROM met"
    )[0]
    two_ways = by_name * otherwise / (both + 1)
    by_passes = max(once * (once - 1), 0.0) / (2 * (twice + 1))
    return float(max(two_ways, by_passes))


def with_estimate(card: ModelCard, precision: Interval, recall: Interval, *, labels: int) -> ModelCard:
    """Write an estimate from labels on the card; what it decides does not change."""
    return replace(card, precision=precision, recall=recall, estimate_from=f"{labels} labels")
