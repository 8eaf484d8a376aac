"""Make a model card from the data: no labels, no truth, the same defaults for every register.

Splink starts with u from random pairs and m from EM. Levels that blocking meets in full (same number, shared
relatives) are too rare for any sample: their u, and the share of true pairs, are then settled by EM over the
patterns of all candidates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.errors import InputError
from khana_methods.matching import backends
from khana_methods.matching.blocking import PassCount, candidate_pairs
from khana_methods.matching.compare import ALIKE_CLASSES, GUARDIAN_CLASSES
from khana_methods.matching.compete import let_compete
from khana_methods.matching.em import joined, learn
from khana_methods.matching.evaluate import Interval
from khana_methods.matching.families import family_u
from khana_methods.matching.fellegi import Parameters
from khana_methods.matching.model import ModelCard, Thresholds
from khana_methods.matching.passes import PASSES, BlockingPass
from khana_methods.matching.weights import LEAST_KEPT, compare_pairs, patterns, weigh

# Where EM starts: what two records of one person agree on in a family; it moves from there.
_STATES = {
    "tied_guardian": 0.2, "tied": 0.03, "near": 0.05, "call": 0.03, "changed": 0.03, "other": 0.04,
}  # fmt: skip
_SAME_GUARDIAN = 0.54
_ALIKE_GUARDIAN = 0.08
_PLACES = {"tehsil": 0.5, "district": 0.3, "far": 0.2}
FEWEST = 100  # records of a register: a model of fewer would be put in use for everybody
_LEAST_LINK = 0.5
_ENOUGH_LABELS = 100  # from here on labels, not the model's own expectation, say where its links can be trusted

# Pairs that people decided, by the records' own ids. `stands_for`: pairs of its stratum that a drawn label speaks for.
label_frame = pa.schema(
    [
        pa.field("left_record", pa.string()),
        pa.field("right_record", pa.string()),
        pa.field("is_same", pa.bool_()),
        pa.field("stands_for", pa.float64()),
    ]
)


class TooFewRecords(InputError):
    """A model needs people to learn from."""

    code: ClassVar[str] = "matching.too_few_records"


@dataclass(frozen=True, slots=True)
class Training:
    """A card as trained, what its blocking passes cost, and how many labels it learned from."""

    card: ModelCard
    counts: tuple[PassCount, ...]
    candidates: int
    labels: int = 0


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
    target_precision: float = 0.98,
    max_pairs: float = 1e6,
    max_block_pairs: int = 1_000_000,
    labels: pa.Table | None = None,
    fewest: int = FEWEST,
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
        labels: Pairs that people decided (`label_frame`); EM keeps to what they said, and the link threshold too where there
            are a hundred of them.
        fewest: Records without which nothing is learned.

    Raises:
        TooFewRecords: Fewer than `fewest` records.
        BlockPoisoned: A key would make too many pairs.

    Source:
        Fellegi & Sunter (1969), A theory for record linkage, JASA 64; Winkler (1988) for EM.
    """
    records = int(engine.value(f"SELECT count(*) FROM {table}"))
    if records < fewest:
        raise TooFewRecords(f"A matching model needs at least {fewest} records to learn from.", records=records)
    counts = candidate_pairs(engine, table, passes, max_block_pairs=max_block_pairs)
    possible = records * (records - 1) / 2
    prior = 0.01 * records / possible
    m, u, taught = backends.start_parameters(engine, table, plain, prior=prior, max_pairs=max_pairs)
    u["family"], classes = family_u(engine, table)
    begun = {one: _SAME_GUARDIAN * classes[one] for one in GUARDIAN_CLASSES}
    begun |= {one: _ALIKE_GUARDIAN * classes[one] for one in ALIKE_CLASSES}
    m["family"] = joined(_STATES | begun, _PLACES)
    compare_pairs(engine, table, "candidate")
    told = _lay_labels(engine, table, labels)
    found = patterns(engine, "compared", u, labels="label_said")
    said = patterns(engine, "compared", u, labels="label_said", said=True) if told else None
    learned = learn(found, m, u, prior=prior, possible=possible, taught=taught, labelled=said)
    m, u, prior = learned.m, learned.u, learned.prior
    weigh(engine, "compared", prior=prior, m=m, u=u, into="raw", at_least=LEAST_KEPT)
    let_compete(engine, "raw", into="weighed")
    _make_controls(engine, table, plain, prior, m, u)
    limits = thresholds or Thresholds(link=_link_threshold(engine, target_precision))
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
        estimate_from=f"model and {told} labels" if told else "model",
    )
    return Training(card, tuple(counts), int(pc.sum(found.column("pairs")).as_py() or 0) + told, told)


def _lay_labels(engine: Engine, table: str, labels: pa.Table | None) -> int:
    """Write `label_said`: the candidates that people decided, by the ids of this run; return how many."""
    engine.register("label_arrived", label_frame.empty_table() if labels is None else labels, schema=label_frame)
    engine.run(
        "CREATE OR REPLACE TABLE label_said AS SELECT c.left_id, c.right_id, bool_and(is_same) AS is_same, "
        "max(stands_for) AS stands_for FROM label_arrived "
        f"JOIN {table} a ON a.record_id = label_arrived.left_record JOIN {table} b ON b.record_id = label_arrived.right_record "
        "JOIN compared c ON c.left_id = least(a.unique_id, b.unique_id) AND c.right_id = greatest(a.unique_id, b.unique_id) "
        "GROUP BY ALL"
    )
    engine.drop("label_arrived")
    return int(engine.value("SELECT count(*) FROM label_said"))


def _link_threshold(engine: Engine, target: float) -> float:
    """Find the lowest probability above which links may be trusted, by two witnesses; the stricter one counts.

    The model's own expectation, or what people said of enough pairs, is one. The other is a control: pairs with two different verified numbers are two
    people, so those that would be linked but for their numbers show how often people without a number are mistaken.
    """
    found = engine.value(
        "SELECT min(probability) FROM (SELECT probability, avg(probability) OVER (ORDER BY probability DESC) AS expected "
        "FROM weighed WHERE contradiction = '' AND probability >= $least) WHERE expected >= $target",
        {"target": target, "least": _LEAST_LINK},
    )
    expected = float(found) if found is not None else target
    shown = _labelled_threshold(engine, target)
    expected = expected if shown is None else shown
    seen = engine.value(
        "WITH shown AS (SELECT probability, 0.0 AS control, 1 AS link FROM weighed WHERE contradiction = '' UNION ALL "
        "SELECT probability, scale, 0 FROM control), "
        "summed AS (SELECT probability, sum(control) OVER o AS controls, sum(link) OVER o AS links FROM shown "
        "WHERE probability >= $least WINDOW o AS (ORDER BY probability DESC)) "
        "SELECT min(probability) FROM summed WHERE controls <= (1 - $target) * links",
        {"target": target, "least": _LEAST_LINK},
    )
    return expected if seen is None else max(expected, float(seen))


def _labelled_threshold(engine: Engine, target: float) -> float | None:
    """Find the lowest probability above which people agreed with the target; None with too few labels to tell."""
    if int(engine.value("SELECT count(*) FROM label_said")) < _ENOUGH_LABELS:
        return None
    found = engine.value(
        "WITH one AS (SELECT probability, is_same::INT * stands_for AS same, stands_for FROM weighed "
        "JOIN label_said USING (left_id, right_id) WHERE contradiction = '' AND probability >= $least), "
        "summed AS (SELECT probability, sum(same) OVER o AS same, sum(stands_for) OVER o AS every FROM one "
        "WINDOW o AS (ORDER BY probability DESC)) SELECT min(probability) FROM summed WHERE same >= $target * every",
        {"target": target, "least": _LEAST_LINK},
    )
    return None if found is None else float(found)


def _make_controls(engine: Engine, table: str, plain: str, prior: float, m: Parameters, u: Parameters) -> None:
    """Weigh pairs of two different verified numbers as if one of the two had none: table `control`.

    `scale` says for how many pairs that no two numbers settle each stands: people of that age without a verified number.
    """
    engine.run(
        "CREATE OR REPLACE TABLE control_pair AS SELECT left_id AS join_key_l, right_id AS join_key_r, pass AS match_key "
        "FROM weighed WHERE control IS NOT NULL"
    )
    compare_pairs(engine, table, "control_pair", into="control_compared", other=plain)
    weigh(engine, "control_compared", prior=prior, m=m, u=u, into="control_weighed")
    engine.run(
        f"CREATE OR REPLACE TABLE control AS WITH aged AS (SELECT unique_id, is_verified, birth_year // 10 AS age FROM {table}), "
        "share AS (SELECT age, avg(is_verified::INT) AS verified FROM aged GROUP BY age), "
        "one AS (SELECT left_id, right_id, least(match_weight - bits_number, 200) AS bits FROM control_weighed) "
        "SELECT 1 / (1 + pow(2.0, -bits) + coalesce(w.rivals, 0) * pow(2.0, -bits)) AS probability, "
        "1 / (a.verified * b.verified) - 1 AS scale FROM one JOIN weighed w USING (left_id, right_id) "
        "JOIN aged l ON l.unique_id = left_id JOIN share a ON a.age IS NOT DISTINCT FROM l.age "
        "JOIN aged r ON r.unique_id = right_id JOIN share b ON b.age IS NOT DISTINCT FROM r.age"
    )
    engine.drop("control_pair", "control_compared", "control_weighed")


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
