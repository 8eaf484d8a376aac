"""Splink behind one door: training by EM and the weights of candidate pairs. Nothing else imports it.

Our passes make the candidates and Splink weighs them, on the engine's own connection. u comes from random
pairs, and by count where blocking meets every pair of a level; m comes from EM on pairs that share a number
and on pairs that share name and birth. A level that the data never show keeps a cautious value.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import splink
from splink import DuckDBAPI, Linker, SettingsCreator

from khana_methods.engine.duckdb import Engine
from khana_methods.matching.compare import COMPARISONS, CONTRADICTIONS, FAMILY, RAREST, Comparison, sided
from khana_methods.matching.fellegi import Parameters, ordered
from khana_methods.matching.passes import BlockingPass

logging.getLogger("splink").setLevel(logging.ERROR)

LIBRARY = f"splink {splink.__version__}"
_APART = "(coalesce(l.household_id, '') = '' OR l.household_id <> r.household_id)"
_BY_NAME = (
    "l.name_key = r.name_key AND l.birth_year = r.birth_year AND l.birth_month = r.birth_month "
    f"AND l.birth_day = r.birth_day AND {_APART}"
)
_BY_NUMBER = f"l.known_number = r.stripped_number AND {_APART} AND l.unique_id <> r.unique_id - {{offset}}"
_FEWEST = 20
_TAUGHT = tuple(
    one for one in COMPARISONS if one is not FAMILY
)  # what lessons teach; the family is learned from candidates
_SHARED_IS_SAME = 0.9  # where EM starts for pairs of one number; it moves from there


def settings(
    prior: float,
    m: Mapping[str, Mapping[str, float]] | None = None,
    u: Mapping[str, Mapping[str, float]] | None = None,
    comparisons: Sequence[Comparison] = COMPARISONS,
) -> SettingsCreator:
    """Write the comparisons as Splink's settings."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=[_comparison(one, (m or {}).get(one.code), (u or {}).get(one.code)) for one in comparisons],
        blocking_rules_to_generate_predictions=[],
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
        max_iterations=30,
    )


def _comparison(comparison: Comparison, m: Mapping[str, float] | None, u: Mapping[str, float] | None) -> dict[str, Any]:
    levels = []
    for level in comparison.levels:
        written: dict[str, Any] = {"sql_condition": level.when, "label_for_charts": level.code}
        if level.is_null:
            written["is_null_level"] = True
        elif m and u:
            written |= {"m_probability": m[level.code], "u_probability": u[level.code]}
        if level.fixed_m is not None:
            written |= {"m_probability": level.fixed_m, "fix_m_probability": True}
        if level.frequency_of:
            written["tf_adjustment_column"] = level.frequency_of
            written["tf_minimum_u_value"] = RAREST
            written["disable_tf_exact_match_detection"] = True
        levels.append(written)
    return {"output_column_name": comparison.code, "comparison_levels": levels}


def _linker(engine: Engine, table: str, made: SettingsCreator) -> Linker:
    api = DuckDBAPI(connection=engine.native())
    return Linker(api.register(table), made, log_level=None, validate_settings=False)


def start_parameters(
    engine: Engine, table: str, plain: str, *, prior: float, max_pairs: float = 1e6, seed: int = 20260630
) -> tuple[Parameters, Parameters, dict[str, float]]:
    """Estimate u from random pairs and m by EM.

    m is learned on pairs that share a number, one of the two as it would be without it: its own number and all that
    the authority knew by it are taken away, so that agreement is not the echo of the number. Where numbers are few,
    pairs of one name and birth date teach instead; they always teach the number's own m.

    Args:
        engine: Holds the records.
        table: Records of `prepare`.
        plain: The same records without numbers' evidence, see `prepare`.
        prior: Probability that two random records are one person.
        max_pairs: Random pairs for u.
        seed: Of their draw.

    Returns:
        m and u by question and level of all questions but the family, and the pairs that taught m of each question: shares sums to 1 within a comparison, and better levels weigh no less.
    """
    linker = _linker(engine, table, settings(prior, comparisons=_TAUGHT))
    with _quiet():
        linker.training.estimate_u_using_random_sampling(max_pairs=max_pairs, seed=seed)
        u = _read(linker, "u_probability", pairs=max_pairs)
        named = _pairs_of(engine, table, _BY_NAME)
        if named >= _FEWEST:
            _expect(linker, _BY_NAME)
    m = _read(linker, "m_probability", pairs=max(named, _FEWEST))
    _forget(linker)
    taught, shared = _by_number(engine, table, plain, m, u)
    if taught:
        m = {code: m[code] if code == "number" else levels for code, levels in taught.items()}
    pairs = {code: float(named if code == "number" or not taught else shared) for code in m}
    return ordered(m, u), u, pairs


def _by_number(engine: Engine, table: str, plain: str, m: Parameters, u: Parameters) -> tuple[Parameters | None, int]:
    """Run EM on pairs that share a number, one side stripped of it; None where they are too few."""
    offset = int(engine.value(f"SELECT max(unique_id) FROM {table}"))
    session = _BY_NUMBER.format(offset=offset)
    engine.run(
        "CREATE OR REPLACE TABLE lesson AS WITH shared AS (SELECT number FROM "
        f"{plain} WHERE number IS NOT NULL GROUP BY number HAVING count(*) BETWEEN 2 AND 5), "
        f"those AS (SELECT unique_id, number AS lesson_number FROM {plain} SEMI JOIN shared USING (number)) "
        f"SELECT t.*, lesson_number AS known_number, NULL::VARCHAR AS stripped_number FROM {table} t JOIN those USING (unique_id) "
        f"UNION ALL SELECT p.* REPLACE (p.unique_id + {offset} AS unique_id, NULL::VARCHAR AS number), NULL, lesson_number "
        f"FROM {plain} p JOIN those USING (unique_id)"
    )
    pairs = _pairs_of(engine, "lesson", session)
    if pairs < _FEWEST:
        return None, 0
    linker = _linker(engine, "lesson", settings(_SHARED_IS_SAME, m, u, _TAUGHT))
    with _quiet():
        _expect(linker, session)
    taught = _read(linker, "m_probability", pairs=pairs)
    _forget(linker)
    engine.drop("lesson")
    return taught, pairs


def _pairs_of(engine: Engine, table: str, rule: str) -> int:
    return int(engine.value(f"SELECT count(*) FROM {table} l JOIN {table} r ON l.unique_id < r.unique_id AND {rule}"))


def _expect(linker: Linker, rule: str) -> None:
    linker.training.estimate_parameters_using_expectation_maximisation(
        rule, estimate_without_term_frequencies=True, fix_u_probabilities=True
    )


def _forget(linker: Linker) -> None:
    """Drop what Splink made on the way; the tables of others stay."""
    linker.table_management.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read(linker: Linker, which: str, *, pairs: float) -> Parameters:
    """Read m or u of every level as if each had been seen half a time more, so that nothing is impossible.

    A level that training looked for and did not see counts as none seen; a question that training did not ask
    keeps Splink's default.
    """
    found: Parameters = {}
    for comparison, one in zip(_TAUGHT, linker._settings_obj.core_model_settings.comparisons, strict=True):
        levels = dict(zip((level.code for level in comparison.levels), one.comparison_levels, strict=True))
        learned = {code: _learned(levels[code], which) for code in _asked(comparison)}
        if all(value is None for value in learned.values()):
            learned = {code: float(getattr(levels[code], which)) for code in learned}
        shares = {code: (value or 0.0) * pairs + 0.5 for code, value in learned.items()}
        if which == "m_probability":
            shares |= {lv.code: lv.fixed_m * pairs for lv in comparison.levels if lv.fixed_m is not None}
        total = sum(shares.values())
        found[comparison.code] = {code: share / total for code, share in shares.items()}
    return found


def _asked(comparison: Comparison) -> list[str]:
    return [level.code for level in comparison.levels if not level.is_null]


def _learned(level: Any, which: str) -> float | None:
    """Return the median of what the sessions learned; None where none saw the level."""
    name = "_trained_m_median" if which == "m_probability" else "_trained_u_median"
    value = getattr(level, name)
    return None if value is None else float(value)


def splink_weigh(
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
    """Weigh the candidate pairs as Splink does: the reference of `weights.weigh`.

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
    with _quiet():
        found = linker.inference.predict(threshold_match_probability=at_least, warning_mode="never")
    bits = ", ".join(f"p.mw_{one.code} AS bits_{one.code}" for one in COMPARISONS)
    apart = " ".join(f"WHEN {sided(when)} THEN '{code}'" for code, when in CONTRADICTIONS.items())
    engine.run(
        f"CREATE OR REPLACE TABLE {into} AS SELECT p.unique_id_l AS left_id, p.unique_id_r AS right_id, p.match_key AS pass, "
        f"p.match_weight, p.match_probability AS probability, {bits}, p.mw_tf_adj_name AS bits_frequency, CASE {apart} ELSE '' END AS contradiction "
        f"FROM {found.physical_name} p JOIN {table} l ON l.unique_id = p.unique_id_l "
        f"JOIN {table} r ON r.unique_id = p.unique_id_r"
    )
    _forget(linker)


def splink_alone(
    engine: Engine,
    table: str,
    passes: Sequence[BlockingPass],
    *,
    prior: float,
    m: Mapping[str, Mapping[str, float]],
    u: Mapping[str, Mapping[str, float]],
    at_least: float,
) -> tuple[int, float]:
    """Let Splink block by the same keys and weigh with the same parameters, by itself: the limit that benches print.

    Keys stand beside the records as lists (laid out before the clock starts) and Splink explodes and joins them.

    Returns:
        Pairs kept, and the seconds that Splink took.
    """
    lists = ", ".join(
        f"list_distinct(list_filter({one.keys}, lambda x: x IS NOT NULL AND x <> '')) AS keys_{place}"
        for place, one in enumerate(passes)
    )
    engine.run(f"CREATE OR REPLACE TABLE splink_record AS SELECT *, {lists} FROM {table}")
    made = settings(prior, m, u)
    made.blocking_rules_to_generate_predictions = [
        {"blocking_rule": f"l.keys_{place} = r.keys_{place} AND {_APART}", "arrays_to_explode": [f"keys_{place}"]}
        for place in range(len(passes))
    ]
    start = time.perf_counter()
    linker = _linker(engine, "splink_record", made)
    with _quiet():
        found = linker.inference.predict(threshold_match_probability=at_least, warning_mode="never")
    spent = time.perf_counter() - start
    kept = int(engine.value(f"SELECT count(*) FROM {found.physical_name}"))
    _forget(linker)
    engine.drop("splink_record")
    return kept, spent
