"""Candidate pairs compared once, and weighed as often as parameters change.

*Comparing* writes the level that each question took (its place among the question's levels) and the share of
people who bear the shared name; *weighing* adds up bits. Both are plain SQL of the engine. A test holds the
weights equal to Splink's, which stays the reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import (
    COMPARISONS,
    CONTRADICTIONS,
    FAMILY,
    FAMILY_PLACES,
    FAMILY_STATES,
    FAMILY_TIES,
    NAME,
    RAREST,
    Comparison,
    Level,
    sided,
)
from khana_methods.matching.fellegi import Parameters

FREQUENCY_OF = tuple(dict.fromkeys(level.frequency_of for level in NAME.levels if level.frequency_of))
_MANY = 12  # levels from which on bits are looked up in a list
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
    """Write the place of the level that a pair of l and r takes.

    The family question asks for the state and for the place once each: its levels are their product.
    """
    if comparison is not FAMILY:
        return f"(CASE {_cases(comparison.levels)} END)::UTINYINT"
    ties = " ".join(f"WHEN {sided(level.when)} THEN {place}" for place, level in enumerate(FAMILY_TIES))
    state, there = (_first(conditions) for conditions in (FAMILY_STATES, FAMILY_PLACES))
    return f"(CASE {ties} ELSE {len(FAMILY_TIES)} + {len(FAMILY_PLACES)} * {state} + {there} END)::UTINYINT"


def _cases(levels: Sequence[Level]) -> str:
    return " ".join(
        f"ELSE {place}" if level.when == "ELSE" else f"WHEN {sided(level.when)} THEN {place}"
        for place, level in enumerate(levels)
    )


def _first(conditions: Sequence[str]) -> str:
    """Write the place of the first condition that holds."""
    cases = " ".join(
        f"ELSE {place}" if one == "ELSE" else f"WHEN {sided(one)} THEN {place}" for place, one in enumerate(conditions)
    )
    return f"(CASE {cases} END)"


def shares_sql(table: str, prefix: str = "share") -> str:
    """Write a source of records with the shares of people who bear each name: columns `share_<column>`."""
    shares = "".join(f", n{place}.share AS share_{column}" for place, column in enumerate(FREQUENCY_OF))
    joins = " ".join(
        f"LEFT JOIN {prefix}_{column} n{place} ON n{place}.name = t.{column}"
        for place, column in enumerate(FREQUENCY_OF)
    )
    return f"(SELECT t.*{shares} FROM {table} t {joins})"


def compared_sql(source: str) -> str:
    """Write how pairs are compared: over a source of `join_key_l`, `join_key_r`, `match_key` and the records l and r.

    l and r are tables or structs with the columns of `prepare` and the shares of `shares_sql`.
    """
    levels = ", ".join(f"{level_sql(one)} AS level_{one.code}" for one in COMPARISONS)
    apart = " ".join(f"WHEN {sided(when)} THEN '{code}'" for code, when in CONTRADICTIONS.items())
    names = ", ".join(f"{side}.share_{column} AS {side}_{column}" for column in FREQUENCY_OF for side in "lr")
    shares = " ".join(
        f"WHEN level_name IN ({_places_of(column)}) THEN "
        f"greatest(coalesce(l_{column}, r_{column}), coalesce(r_{column}, l_{column}))"
        for column in FREQUENCY_OF
    )
    dropped = ", ".join(f"{side}_{column}" for column in FREQUENCY_OF for side in "lr")
    return (
        "WITH seen AS (SELECT join_key_l AS left_id, join_key_r AS right_id, match_key AS pass, "
        f"{levels}, {names}, CASE {apart} ELSE '' END AS contradiction FROM {source}) "
        f"SELECT * EXCLUDE ({dropped}), CASE {shares} END AS share FROM seen"
    )


def compare_pairs(
    engine: Engine,
    table: str,
    pairs: str,
    *,
    into: str = "compared",
    other: str = "",
    names_counted: bool = False,
    once: bool = False,
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
        once: The pairs are weighed once only: `into` is made a view, and nothing is written between.
    """
    if not names_counted:
        count_names(engine, table)
    source = (
        f"{pairs} p JOIN {shares_sql(table)} l ON l.unique_id = p.join_key_l "
        f"JOIN {shares_sql(other or table)} r ON r.unique_id = p.join_key_r"
    )
    engine.run(f"CREATE OR REPLACE {'VIEW' if once else 'TABLE'} {into} AS {compared_sql(source)}")


def _places_of(column: str) -> str:
    return ", ".join(str(place) for place, level in enumerate(NAME.levels) if level.frequency_of == column)


def bits_sql(comparison: Comparison, m: Shares, u: Shares, level: str) -> str:
    """Write the bits of a level, given by its place."""
    if len(comparison.levels) > _MANY:
        bits = ", ".join(
            "0.0" if one.is_null else repr(math.log2(m[comparison.code][one.code] / u[comparison.code][one.code]))
            for one in comparison.levels
        )
        return f"list_extract([{bits}]::DOUBLE[], {level} + 1)"
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
    made = weighed_sql(compared, prior=prior, m=m, u=u, at_least=at_least)
    engine.run(f"CREATE OR REPLACE TABLE {into} AS {made}")


def probability_sql(bits: str) -> str:
    """Write the probability that so many bits amount to; the bits are bounded, so that nothing overflows."""
    return f"1 / (1 + pow(2.0, -greatest(least({bits}, 500), -500)))"


def weighed_sql(compared: str, *, prior: float, m: Shares, u: Shares, at_least: float | None = None) -> str:
    """Write how compared pairs are weighed, see `weigh`; `compared` is a table or a query in brackets."""
    bits = [f"bits_{one.code}" for one in COMPARISONS] + ["bits_frequency"]
    written = ", ".join(f"{bits_sql(one, m, u, f'level_{one.code}')} AS bits_{one.code}" for one in COMPARISONS)
    start = math.log2(prior / (1 - prior))
    least = -1e9 if at_least is None else math.log2(at_least / (1 - at_least))
    return (
        f"WITH part AS (SELECT *, {written}, {rarity_sql(u)} AS bits_frequency FROM {compared}), "
        f"added AS (SELECT *, {start!r} + {' + '.join(bits)} AS match_weight FROM part) "
        f"SELECT *, {probability_sql('match_weight')} AS probability FROM added "
        f"WHERE match_weight - CASE contradiction WHEN 'two_verified_numbers' THEN bits_number ELSE 0 END >= {least!r}"
    )


def patterns(engine: Engine, compared: str, u: Parameters, *, labels: str = "", said: bool = False) -> pa.Table:
    """Count compared pairs by pattern: `level_<question>` (code, null for a null level), `rarity`, `contradicts`, `pairs`.

    Args:
        engine: Holds them.
        compared: Table of `compare_pairs`.
        u: Shares of levels among the rest.
        labels: Table of `left_id`, `right_id`, `is_same`, `stands_for`: pairs that people decided; none where empty.
        said: Count labelled pairs only, with `is_same`, each as many times as it stands for; else the others only.
    """
    codes = ", ".join(
        f"CASE level_{one.code} "
        + " ".join(f"WHEN {place} THEN '{level.code}'" for place, level in enumerate(one.levels) if not level.is_null)
        + f" END AS level_{one.code}"
        for one in COMPARISONS
    )
    grouped = ", ".join(f"level_{one.code}" for one in COMPARISONS)
    source = f"FROM {compared}"
    if labels:
        source += f" {'JOIN' if said else 'ANTI JOIN'} {labels} USING (left_id, right_id)"
    counted = "sum(stands_for)" if said else "count(*)"
    extra = ", is_same" if said else ""
    return engine.table(
        f"SELECT {codes}, rarity, contradicts, pairs::DOUBLE AS pairs{extra} FROM (SELECT {grouped}, "
        f"round({rarity_sql(u)}) AS rarity, contradiction <> '' AS contradicts, {counted} AS pairs{extra} {source} GROUP BY ALL)"
    )
