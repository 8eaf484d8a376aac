"""Splink behind one door: training by EM and the weights of candidate pairs. Nothing else imports it.

Our passes make the candidates and Splink weighs them, on the engine's own connection. u comes from random
pairs, and by count where blocking meets every pair of a level; m comes from EM on pairs that share a number
and on pairs that share name and birth. A level that the data never show keeps a cautious value.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import splink
from splink import DuckDBAPI, Linker, SettingsCreator

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import COMPARISONS, CONTRADICTIONS, Comparison

logging.getLogger("splink").setLevel(logging.ERROR)

LIBRARY = f"splink {splink.__version__}"
Parameters = dict[str, dict[str, float]]
_FLOOR = 1e-9
_APART = "(l.household_id IS NULL OR l.household_id = '' OR l.household_id <> r.household_id)"
SESSIONS = (
    f"l.number = r.number AND {_APART}",
    f"l.name_key = r.name_key AND l.birth_year = r.birth_year AND l.birth_month = r.birth_month "
    f"AND l.birth_day = r.birth_day AND {_APART}",
)


def settings(
    prior: float, m: Mapping[str, Mapping[str, float]] | None = None, u: Mapping[str, Mapping[str, float]] | None = None
) -> SettingsCreator:
    """Write the comparisons as Splink's settings."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=[_comparison(one, (m or {}).get(one.code), (u or {}).get(one.code)) for one in COMPARISONS],
        blocking_rules_to_generate_predictions=[],
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
        max_iterations=30,
    )


def _comparison(
    comparison: Comparison, m: Mapping[str, float] | None, u: Mapping[str, float] | None
) -> dict[str, Any]:
    levels = []
    for level in comparison.levels:
        written: dict[str, Any] = {"sql_condition": level.when, "label_for_charts": level.code}
        if level.is_null:
            written["is_null_level"] = True
        elif m and u:
            written |= {"m_probability": m[level.code], "u_probability": u[level.code]}
        if level.frequency_of:
            written["tf_adjustment_column"] = level.frequency_of
            written["tf_minimum_u_value"] = 1e-6
        levels.append(written)
    return {"output_column_name": comparison.code, "comparison_levels": levels}


def _linker(engine: Engine, table: str, made: SettingsCreator) -> Linker:
    api = DuckDBAPI(connection=engine.native())
    return Linker(api.register(table), made, log_level=None, validate_settings=False)


def start_parameters(
    engine: Engine, table: str, *, prior: float, max_pairs: float = 3e6, seed: int = 20260630
) -> tuple[Parameters, Parameters]:
    """Estimate u from random pairs and m by EM in the training sessions.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        prior: Probability that two random records are one person.
        max_pairs: Random pairs for u.
        seed: Of their draw.

    Returns:
        m and u by comparison and level, each summing to 1 within a comparison.
    """
    linker = _linker(engine, table, settings(prior))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker.training.estimate_u_using_random_sampling(max_pairs=max_pairs, seed=seed)
        for session in SESSIONS:
            if int(engine.value(f"SELECT count(*) FROM {table} l JOIN {table} r ON l.unique_id < r.unique_id AND {session}")) < 20:
                continue
            linker.training.estimate_parameters_using_expectation_maximisation(
                session, estimate_without_term_frequencies=True, fix_u_probabilities=True
            )
    saved: dict[str, Any] = linker.misc.save_model_to_json()
    linker.table_management.delete_tables_created_by_splink_from_db()
    m: Parameters = {}
    u: Parameters = {}
    for comparison, written in zip(COMPARISONS, saved["comparisons"], strict=True):
        m[comparison.code] = _cautious(comparison, written["comparison_levels"], "m_probability")
        u[comparison.code] = _cautious(comparison, written["comparison_levels"], "u_probability")
    return m, u


def _cautious(comparison: Comparison, levels: Sequence[Mapping[str, Any]], which: str) -> dict[str, float]:
    """Fill what the data did not show with a small value, and make the levels sum to 1."""
    found = {}
    for level, written in zip(comparison.levels, levels, strict=True):
        if not level.is_null:
            value = written.get(which)
            usable = isinstance(value, int | float) and value > 0
            found[level.code] = max(float(value), _FLOOR) if usable and value is not None else 1e-4 if which == "m_probability" else 1e-7
    total = sum(found.values())
    return {code: value / total for code, value in found.items()}


def weigh(
    engine: Engine,
    table: str,
    pairs: str,
    *,
    prior: float,
    m: Mapping[str, Mapping[str, float]],
    u: Mapping[str, Mapping[str, float]],
    into: str,
    at_least: float | None = None,
) -> None:
    """Weigh the candidate pairs.

    Args:
        engine: Holds records and pairs.
        table: Records of `prepare`.
        pairs: Candidates of `candidate_pairs`.
        prior: Probability that two random records of this use are one person.
        m: Shares of levels among matches.
        u: Shares of levels among the rest.
        into: Table made anew: `left_id`, `right_id`, `pass`, `match_weight` (bits), `probability`, one `bits_`
            column a comparison, `bits_frequency` (of the name), `contradiction` (empty, or its code).
        at_least: Least probability kept; None keeps all.
    """
    linker = _linker(engine, table, settings(prior, m, u))
    registered = linker._db_api.register(pairs)
    linker.table_management.register_blocked_pairs_for_predict(registered)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = linker.inference.predict(threshold_match_probability=at_least, warning_mode="never")
    bits = ", ".join(f"p.mw_{comparison.code} AS bits_{comparison.code}" for comparison in COMPARISONS)
    apart = " ".join(f"WHEN {_sided(when)} THEN '{code}'" for code, when in CONTRADICTIONS.items())
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT p.unique_id_l AS left_id, p.unique_id_r AS right_id, p.match_key AS pass, "
        f"p.match_weight, p.match_probability AS probability, {bits}, p.mw_tf_adj_name AS bits_frequency, CASE {apart} ELSE '' END AS contradiction "
        f"FROM {found.physical_name} p JOIN {table} l ON l.unique_id = p.unique_id_l "
        f"JOIN {table} r ON r.unique_id = p.unique_id_r"
    )
    linker.table_management.delete_tables_created_by_splink_from_db()


def _sided(when: str) -> str:
    """Turn name_l into l.name, as a join of two records has them."""
    words = []
    for word in when.replace("(", "( ").replace(")", " )").split(" "):
        for side in ("l", "r"):
            if word.rstrip(",").endswith(f"_{side}") and "(" not in word:
                word = f"{side}.{word[:-2]}"
                break
        words.append(word)
    return " ".join(words)


def patterns(engine: Engine, weighed: str) -> pa.Table:
    """Count weighed pairs by pattern: `bits_…` of each comparison, `pairs`, `matches` (expected)."""
    bits = ", ".join(f"bits_{comparison.code}" for comparison in COMPARISONS)
    return engine.table(f"SELECT {bits}, count(*) AS pairs, sum(probability) AS matches FROM {weighed} GROUP BY ALL")
