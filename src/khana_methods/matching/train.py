"""Make a model card from the data: no labels, no truth, the same defaults for every register.

Splink starts with u from random pairs and m from EM. Levels that blocking meets in full (same number, shared
relatives) are too rare for any sample: their u, and the share of true pairs, are then settled by EM over the
patterns of all candidates.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, ClassVar

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching import backends
from khana_methods.matching.blocking import PASSES, BlockingPass, PassCount, candidate_pairs
from khana_methods.matching.compare import COMPARISONS
from khana_methods.matching.evaluate import Interval
from khana_methods.matching.model import ModelCard, Thresholds

_ROUNDS = 8
_LEAST_LINK = 0.5


class TooFewRecords(InputError):
    """A model needs people to learn from."""

    code: ClassVar[str] = "matching.too_few_records"


@dataclass(frozen=True, slots=True)
class Training:
    """A card as trained, and what its blocking passes cost."""

    card: ModelCard
    counts: tuple[PassCount, ...]
    candidates: int


def snapshot_hash(engine: Engine, table: str) -> str:
    """Return SHA-256 over the records, in any order of rows."""
    row = engine.rows(f"SELECT count(*), sum(hash(r)::HUGEINT), bit_xor(hash(r)) FROM {table} r")[0]
    return hashlib.sha256("|".join(map(str, row)).encode()).hexdigest()


def train(
    engine: Engine,
    table: str,
    plain: str,
    *,
    version: str,
    passes: tuple[BlockingPass, ...] = PASSES,
    thresholds: Thresholds | None = None,
    target_precision: float = 0.99,
    max_pairs: float = 3e6,
    max_block_pairs: int = 1_000_000,
) -> Training:
    """Estimate a draft card on the records of one register.

    Args:
        engine: Holds the records.
        table: Records of `prepare`, all of one side; candidates are left behind in table `candidate`.
        plain: The same without the evidence of numbers, see `prepare`.
        version: Name of the card.
        passes: Blocking passes.
        thresholds: Thresholds of the card; None finds the link threshold from the target.
        target_precision: The link threshold is the lowest above which the model itself expects this precision.
        max_pairs: Random pairs for u.
        max_block_pairs: Most pairs that one key may make.

    Raises:
        TooFewRecords: Fewer than a hundred records.
        BlockPoisoned: A key would make too many pairs.

    Source:
        Fellegi & Sunter (1969), A theory for record linkage, JASA 64; Winkler (1988) for EM.
    """
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    if records < 100:
        raise TooFewRecords("A matching model needs at least 100 records to learn from.", records=records)
    counts = candidate_pairs(engine, table, passes, max_block_pairs=max_block_pairs)
    possible = records * (records - 1) / 2
    prior = 0.01 * records / possible
    m, u = backends.start_parameters(engine, table, plain, prior=prior, max_pairs=max_pairs)
    backends.weigh(engine, table, "candidate", prior=prior, m=m, u=u, into="weighed")
    found = backends.patterns(engine, "weighed").to_pylist()
    prior = _settle(found, m, u, prior, possible)
    backends.weigh(engine, table, "candidate", prior=prior, m=m, u=u, into="weighed")
    limits = thresholds or Thresholds(link=_link_threshold(engine, table, target_precision))
    precision, recall = _expected(engine, limits.link)
    card = ModelCard(
        version=version,
        m=m,
        u=u,
        pairs_per_record=prior * possible / records,
        snapshot=snapshot_hash(engine, table),
        trained_records=records,
        library=backends.LIBRARY,
        thresholds=limits,
        passes=passes,
        precision=precision,
        recall=recall,
        estimate_from="model",
    )
    return Training(card, tuple(counts), int(sum(row["pairs"] for row in found)))


def _link_threshold(engine: Engine, table: str, target: float) -> float:
    """Find the lowest probability above which links may be trusted, by two witnesses; the stricter one counts.

    The model's own expectation is one. The other is a control: pairs with two different verified numbers are two
    people, so those that would be linked but for their numbers show how often people without a number are mistaken.
    """
    found = engine.value(
        "SELECT min(probability) FROM (SELECT probability, avg(probability) OVER (ORDER BY probability DESC) AS expected "
        "FROM weighed WHERE contradiction = '' AND probability >= $least) WHERE expected >= $target",
        {"target": target, "least": _LEAST_LINK},
    )
    expected = float(found) if found is not None else target
    verified = float(engine.value(f"SELECT avg(is_verified::INT) FROM {table}"))
    if not verified:
        return expected
    weight = engine.value(
        "WITH shown AS (SELECT match_weight AS weight, 0 AS control FROM weighed WHERE contradiction = '' UNION ALL "
        "SELECT match_weight - bits_number, 1 FROM weighed WHERE contradiction = 'two_verified_numbers'), "
        "summed AS (SELECT weight, sum(control) OVER o AS controls, sum(1 - control) OVER o AS links FROM shown "
        "WHERE weight >= 0 WINDOW o AS (ORDER BY weight DESC)) "
        "SELECT min(weight) FROM summed WHERE controls * $scale <= (1 - $target) * links",
        {"scale": (1 - verified**2) / verified**2, "target": target},
    )
    return expected if weight is None else max(expected, 1 / (1 + 2.0**-weight))


def _expected(engine: Engine, link: float) -> tuple[Interval, Interval]:
    """Give the precision and recall that the model expects of itself, among candidates; no interval is known yet."""
    linked, right, every = engine.rows(
        "SELECT count(*) FILTER (WHERE probability >= $link), sum(probability) FILTER (WHERE probability >= $link), "
        "sum(probability) FROM weighed WHERE contradiction = ''",
        {"link": link},
    )[0]
    precision = float(right or 0) / linked if linked else 0.0
    recall = float(right or 0) / float(every) if every else 0.0
    return Interval(precision, 0.0, 1.0), Interval(recall, 0.0, 1.0)


def _settle(
    found: list[dict[str, Any]], m: backends.Parameters, u: backends.Parameters, prior: float, possible: float
) -> float:
    """Run EM over the patterns: prior and the u of covered levels move, in place; m stays."""
    covered = {(c.code, level.code) for c in COMPARISONS for level in c.levels if level.covered}
    seen = [(row["pairs"], _levels(row, m, u)) for row in found]
    for _ in range(_ROUNDS):
        expected = 0.0
        others = dict.fromkeys(covered, 0.0)
        for pairs, levels in seen:
            odds = math.log(prior / (1 - prior)) + sum(math.log(m[name][code] / u[name][code]) for name, code in levels)
            probability = 1 / (1 + math.exp(-max(min(odds, 500), -500)))
            expected += pairs * probability
            for level in covered.intersection(levels):
                others[level] += pairs * (1 - probability)
        prior = max(expected, 1.0) / possible
        for (name, code), count in others.items():
            u[name][code] = max(count, 0.5) / possible
        for name in {name for name, _ in covered}:
            total = sum(u[name].values())
            u[name] = {code: value / total for code, value in u[name].items()}
    return prior


def _levels(row: dict[str, Any], m: backends.Parameters, u: backends.Parameters) -> list[tuple[str, str]]:
    """Read back which level each comparison took from its bits; 0 bits is a null."""
    levels = []
    for name, codes in m.items():
        bits = row[f"bits_{name}"]
        if bits:
            nearest = min(codes, key=lambda code: abs(math.log2(m[name][code] / u[name][code]) - bits))
            levels.append((name, nearest))
    return levels
