"""Candidate pairs compared once, and weighed as often as parameters change.

*Comparing* writes the level that each question took (its place among the question's levels) and the share of
people who bear the shared name; *weighing* adds up bits. Both are plain SQL of the engine. A test holds the
weights equal to Splink's, which stays the reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import COMPARISONS, CONTRADICTIONS, NAME, RAREST, Comparison, sided
from khana_methods.matching.fellegi import Parameters

FREQUENCY_OF = tuple(dict.fromkeys(level.frequency_of for level in NAME.levels if level.frequency_of))
LEAST_KEPT = 0.0001  # least probability of a pair that is kept
Shares = Mapping[str, Mapping[str, float]]


def count_names(engine: Engine, table: str, prefix: str = "share") -> None:
    """Count the share of records that bear each name: tables `<prefix>_<column>` of `name` and `share`."""
    for column in FREQUENCY_OF:
        engine.run(
            f"CREATE OR REPLACE TABLE {prefix}_{column} AS SELECT {column} AS name, count(*) / sum(count(*)) OVER () AS share "
            f"FROM {table} WHERE {column} IS NOT NULL GROUP BY {column}"
        )


def level_sql(comparison: Comparison) -> str:
    """Write the place of the level that a pair of l and r takes."""
    cases = " ".join(
        f"ELSE {place}" if level.when == "ELSE" else f"WHEN {sided(level.when)} THEN {place}"
        for place, level in enumerate(comparison.levels)
    )
    return f"(CASE {cases} END)::UTINYINT"


def compare_pairs(
    engine: Engine, table: str, pairs: str, *, into: str = "compared", other: str = "", names_counted: bool = False
) -> None:
    """Compare candidate pairs.

    Args:
        engine: Holds records and pairs.
        table: Records of `prepare`.
        pairs: Candidates of `candidate_pairs`.
        into: Table made anew: `left_id`, `right_id`, `pass`, `level_<question>`, `share` (of the shared name; null where its
            frequency does not count), `contradiction` (empty, or its code).
        other: Records from which the right one is taken; `table` when empty.
        names_counted: Names were counted before, by a comparison of the same records.
    """
    if not names_counted:
        count_names(engine, table)
    levels = ", ".join(f"{level_sql(one)} AS level_{one.code}" for one in COMPARISONS)
    apart = " ".join(f"WHEN {sided(when)} THEN '{code}'" for code, when in CONTRADICTIONS.items())
    names = ", ".join(f"l.{column} AS l_{column}, r.{column} AS r_{column}" for column in FREQUENCY_OF)
    joins = " ".join(
        f"LEFT JOIN share_{column} {side}{place} ON level_name IN ({_places_of(column)}) AND {side}{place}.name = {side}_{column}"
        for place, column in enumerate(FREQUENCY_OF)
        for side in "lr"
    )
    shares = " ".join(
        f"WHEN level_name IN ({_places_of(column)}) THEN greatest(coalesce(l{place}.share, r{place}.share), coalesce(r{place}.share, l{place}.share))"
        for place, column in enumerate(FREQUENCY_OF)
    )
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS WITH seen AS (SELECT join_key_l AS left_id, join_key_r AS right_id, "
        f"match_key AS pass, {levels}, {names}, CASE {apart} ELSE '' END AS contradiction FROM {pairs} p "
        f"JOIN {table} l ON l.unique_id = p.join_key_l JOIN {other or table} r ON r.unique_id = p.join_key_r) "
        f"SELECT seen.* EXCLUDE ({', '.join(f'{side}_{column}' for column in FREQUENCY_OF for side in 'lr')}), "
        f"CASE {shares} END AS share FROM seen {joins}"
    )


def _places_of(column: str) -> str:
    return ", ".join(str(place) for place, level in enumerate(NAME.levels) if level.frequency_of == column)


def bits_sql(comparison: Comparison, m: Shares, u: Shares, level: str) -> str:
    """Write the bits of a level, given by its place."""
    cases = " ".join(
        f"WHEN {place} THEN {math.log2(m[comparison.code][one.code] / u[comparison.code][one.code])!r}"
        for place, one in enumerate(comparison.levels)
        if not one.is_null
    )
    return f"(CASE {level} {cases} ELSE 0.0 END)"


def rarity_sql(u: Shares, level: str = "level_name", share: str = "share") -> str:
    """Write the bits by which a rare name says more, and a common one less, than the level's average."""
    cases = " ".join(
        f"WHEN {place} THEN log2({u['name'][one.code]!r} / greatest({share}, {RAREST!r}))"
        for place, one in enumerate(NAME.levels)
        if one.frequency_of
    )
    return f"coalesce(CASE {level} {cases} END, 0.0)"


def weigh(
    engine: Engine,
    compared: str,
    *,
    prior: float,
    m: Shares,
    u: Shares,
    into: str,
    at_least: float | None = None,
) -> None:
    """Weigh compared pairs.

    Args:
        engine: Holds them.
        compared: Table of `compare_pairs`.
        prior: Probability that two random records of this use are one person.
        m: Shares of levels among matches.
        u: Shares of levels among the rest.
        into: Table made anew: what `compared` holds, and `match_weight` (bits), `probability`, one `bits_` column a
            question, `bits_frequency` (of the name).
        at_least: Least probability kept; None keeps all.

    Source:
        Fellegi & Sunter (1969); frequencies of values: Winkler (1989), as Splink has them.
    """
    bits = [f"bits_{one.code}" for one in COMPARISONS] + ["bits_frequency"]
    written = ", ".join(f"{bits_sql(one, m, u, f'level_{one.code}')} AS bits_{one.code}" for one in COMPARISONS)
    start = math.log2(prior / (1 - prior))
    least = -1e9 if at_least is None else math.log2(at_least / (1 - at_least))
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS WITH part AS (SELECT *, {written}, {rarity_sql(u)} AS bits_frequency FROM {compared}), "
        f"added AS (SELECT *, {start!r} + {' + '.join(bits)} AS match_weight FROM part) "
        "SELECT *, 1 / (1 + pow(2.0, -greatest(least(match_weight, 500), -500))) AS probability FROM added "
        f"WHERE match_weight - CASE contradiction WHEN 'two_verified_numbers' THEN bits_number ELSE 0 END >= {least!r}"
    )


def patterns(engine: Engine, compared: str, u: Parameters) -> pa.Table:
    """Count compared pairs by pattern: `level_<question>` (code, null for a null level), `rarity`, `contradicts`, `pairs`."""
    codes = ", ".join(
        f"CASE level_{one.code} "
        + " ".join(f"WHEN {place} THEN '{level.code}'" for place, level in enumerate(one.levels) if not level.is_null)
        + f" END AS level_{one.code}"
        for one in COMPARISONS
    )
    grouped = ", ".join(f"level_{one.code}" for one in COMPARISONS)
    return engine.table(
        f"SELECT {codes}, rarity, contradicts, pairs FROM (SELECT {grouped}, round({rarity_sql(u)}) AS rarity, "
        f"contradiction <> '' AS contradicts, count(*) AS pairs FROM {compared} GROUP BY ALL)"
    )
