"""Households against households: members who match together, splits of one household, one registered by two offices.

Where two households share a person beyond doubt, the others in them are looked at again: place and family are
settled, so that name, birth, sex and number decide, with a prior learned from how often people of such households match.
Within a pair of households everybody has at most one partner. What comes out of it is a table of household pairs
with their evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.model import ModelCard
from khana_methods.matching.weights import compare_pairs, weigh

_LARGEST = 60  # members; a larger "household" is an institution and no context
_ROUNDS = 40
_START = (
    0.02,
    0.3,
    0.6,
)  # share of matches among members of households that share one, two, three and more: EM moves it
# Place and family speak for nobody in particular between households that share people; against somebody they still count.
_OWN = (
    "bits_name + bits_frequency + bits_birth + bits_sex + bits_number + least(bits_family, 0) + least(bits_company, 0)"
)
_REMEMBERED = 20.0
SAME = "SAME_HOUSEHOLD"
SPLIT = "SPLIT"
PERSON = "SHARED_PERSON"


@dataclass(frozen=True, slots=True)
class Lifted:
    """What the second look did: household pairs that share somebody, members compared again, links it adds, priors learned."""

    households: int
    members: int
    links: int
    priors: tuple[float, float, float]


def lift_members(
    engine: Engine,
    table: str,
    weighed: str,
    card: ModelCard,
    *,
    prior: float,
    at: float,
    priors: tuple[float, float, float] | None = None,
) -> Lifted:
    """Let households that share a person beyond doubt speak for their other members; `weighed` is changed in place.

    Args:
        engine: Holds records and weighed pairs.
        table: Records of `prepare`.
        weighed: Pairs of `let_compete`; gains `bits_context` (0 where households say nothing) and pairs that no blocking met.
        card: The model.
        prior: Of this use, as pairs were weighed with.
        at: Probability from which a pair is beyond doubt.
        priors: Learned on the whole register before, where only a part of it is looked at; learned here where None.

    Returns:
        What was done.

    Source:
        Fu, Christen & Zhou (2014), A graph matching method for historical census household linkage, PAKDD; one-to-one within
        households as in Jaro (1989).
    """
    engine.run(f"ALTER TABLE {weighed} ADD COLUMN bits_context DOUBLE DEFAULT 0.0")
    engine.run(
        "CREATE OR REPLACE TABLE shared_person AS SELECT least(l.household_id, r.household_id) AS one, "
        "greatest(l.household_id, r.household_id) AS other, left_id, right_id "
        f"FROM {weighed} JOIN {table} l ON l.unique_id = left_id JOIN {table} r ON r.unique_id = right_id "
        "WHERE contradiction = '' AND probability >= $at AND l.household_id <> '' AND r.household_id <> ''",
        {"at": at},
    )
    engine.run(
        "CREATE OR REPLACE TABLE member_pair AS WITH pair AS (SELECT one, other, least(count(*), 3) AS shared "
        "FROM shared_person GROUP BY ALL), "
        "taken AS (SELECT one, other, left_id AS unique_id FROM shared_person UNION SELECT one, other, right_id FROM shared_person), "
        f"small AS (SELECT household_id FROM {table} GROUP BY household_id HAVING count(*) <= {_LARGEST}), "
        "sided AS (SELECT *, unnest([one, other]) AS household_id FROM pair), "
        f"free AS (SELECT s.*, t.unique_id, t.household_id = s.one AS is_one FROM sided s JOIN {table} t USING (household_id) "
        "SEMI JOIN small USING (household_id) ANTI JOIN taken ON taken.one = s.one "
        "AND taken.other = s.other AND taken.unique_id = t.unique_id) "
        "SELECT a.one, a.other, a.shared, least(a.unique_id, b.unique_id) AS join_key_l, greatest(a.unique_id, b.unique_id) "
        "AS join_key_r, 'household' AS match_key FROM free a JOIN free b USING (one, other) WHERE a.is_one AND NOT b.is_one"
    )
    compare_pairs(engine, table, "member_pair", into="member_compared", names_counted=True)
    weigh(engine, "member_compared", prior=prior, m=card.m, u=card.u, into="member_weighed")
    priors = priors or _learn(engine)
    links = _replace(engine, weighed, priors, at)
    counts = engine.rows(
        "SELECT (SELECT count(*) FROM (SELECT DISTINCT one, other FROM shared_person)), count(*) FROM member_pair"
    )[0]
    engine.drop("shared_person", "member_pair", "member_compared", "member_weighed")
    return Lifted(int(counts[0]), int(counts[1]), links, priors)


def _learn(engine: Engine) -> tuple[float, float, float]:
    """Run EM for the share of matches among members of households that share one, two, or three and more people."""
    found = engine.table(
        f"SELECT p.shared, {_OWN} AS bits FROM member_weighed w JOIN member_pair p "
        "ON p.join_key_l = w.left_id AND p.join_key_r = w.right_id WHERE contradiction = ''"
    )
    shared, bits = np.asarray(found.column("shared")), np.asarray(found.column("bits"), float)
    learned = []
    for number, start in enumerate(_START, 1):
        own = np.exp2(np.clip(bits[shared == number], -200, 200))
        prior = start
        for _ in range(_ROUNDS):
            odds = prior / (1 - prior) * own
            prior = (float((odds / (1 + odds)).sum()) + _REMEMBERED * start) / (len(own) + _REMEMBERED)
        learned.append(min(max(prior, 1e-6), 0.95))
    return learned[0], learned[1], learned[2]


def _replace(engine: Engine, weighed: str, priors: tuple[float, float, float], at: float) -> int:
    """Put pairs for which their households speak in the place of what they were, or beside the others."""
    started = " ".join(
        f"WHEN {number} THEN {math.log2(prior / (1 - prior))!r}" for number, prior in enumerate(priors, 1)
    )
    engine.run(
        "CREATE OR REPLACE TABLE lifted AS WITH seen AS (SELECT w.*, p.one, p.other, least(CASE p.shared "
        f"{started} END + {_OWN}, 200) AS bits FROM member_weighed w JOIN member_pair p "
        "ON p.join_key_l = w.left_id AND p.join_key_r = w.right_id WHERE contradiction = ''), "
        "held AS (SELECT *, pow(2.0, bits) / (1 + sum(pow(2.0, bits)) OVER (PARTITION BY one, other, left_id) "
        "+ sum(pow(2.0, bits)) OVER (PARTITION BY one, other, right_id) - pow(2.0, bits)) AS shown FROM seen) "
        "SELECT left_id, right_id, max(shown) AS shown FROM held WHERE shown > 0.01 GROUP BY ALL"
    )
    engine.run(
        f"INSERT INTO {weighed} BY NAME SELECT *, 0.0 AS rivals, 0.0 AS bits_context FROM member_weighed m "
        f"SEMI JOIN lifted USING (left_id, right_id) ANTI JOIN {weighed} w USING (left_id, right_id)"
    )
    links = engine.value(
        f"SELECT count(*) FROM {weighed} w JOIN lifted USING (left_id, right_id) WHERE probability < $at AND shown >= $at",
        {"at": at},
    )
    engine.run(
        f"UPDATE {weighed} w SET probability = shown, bits_context = log2(shown / (1 - least(shown, 1 - 1e-12))) - match_weight, "
        "match_weight = log2(shown / (1 - least(shown, 1 - 1e-12))) FROM lifted f "
        "WHERE f.left_id = w.left_id AND f.right_id = w.right_id AND w.probability < shown"
    )
    engine.drop("lifted")
    return int(links)


def household_pairs(engine: Engine, table: str, decided: str, *, into: str) -> int:
    """Tell which households hold the same people: candidates for one household registered twice, or split.

    Args:
        engine: Holds records and decisions.
        table: Records of `prepare`.
        decided: Decisions of `decide_duplicates`.
        into: Table made anew, one row a pair of households with a linked person: `left_household`, `right_household`,
            `left_members`, `right_members`, `linked`, `queued` (pairs to be reviewed), `expected` (sum of probabilities),
            `same_place` (tehsil), `shares_mobile`, `kind`: SAME_HOUSEHOLD (two people or more, at least half of both), SPLIT (two or
            more, at least half of the smaller), SHARED_PERSON.

    Returns:
        Its rows.
    """
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS WITH size AS (SELECT household_id, count(*) AS members FROM {table} "
        "WHERE household_id <> '' GROUP BY household_id), "
        "met AS (SELECT least(l.household_id, r.household_id) AS left_household, greatest(l.household_id, r.household_id) "
        "AS right_household, decision, probability, coalesce(l.tehsil_code = r.tehsil_code, false) AS same_place, "
        f"list_has_any(list_filter(l.ties, lambda x: x LIKE '+%'), r.ties) AS shares_mobile FROM {decided} "
        f"JOIN {table} l ON l.unique_id = left_id JOIN {table} r ON r.unique_id = right_id "
        "WHERE l.household_id <> '' AND r.household_id <> ''), "
        "summed AS (SELECT left_household, right_household, count(*) FILTER (WHERE decision = 'LINK') AS linked, "
        "count(*) FILTER (WHERE decision = 'REVIEW') AS queued, sum(probability) AS expected, bool_or(same_place) AS same_place, "
        "bool_or(shares_mobile) AS shares_mobile FROM met GROUP BY ALL HAVING linked > 0) "
        "SELECT s.*, a.members AS left_members, b.members AS right_members, CASE "
        f"WHEN linked >= 2 AND linked * 2 >= greatest(a.members, b.members) THEN '{SAME}' "
        f"WHEN linked >= 2 AND linked * 2 >= least(a.members, b.members) THEN '{SPLIT}' ELSE '{PERSON}' END AS kind "
        "FROM summed s JOIN size a ON a.household_id = left_household JOIN size b ON b.household_id = right_household"
    )
    return int(engine.value(f"SELECT count(*) FROM {into}"))
