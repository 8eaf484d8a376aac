"""Scoring and rules on a snapshot, beside a bare DuckDB dot product over the same Parquet in the same run.

Size: households (of rules at most a million). Forty columns, two answers in a thousand missing in ten of them; the real scoring SELECT (policies, caps, rescaling, class, lists of what is missing)
from Parquet to Parquet against `sum of coefficient times column`, a NumPy product in memory beside; then one household at the
desk, the count of who satisfies a rule with six members to a household, and a fit on sixty thousand households with five folds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench._world import World, result

SIZE = 1_000_000
RULES = {
    "household facts": "score <= 32 and rooms < 3",
    "any member": "any_member(age >= 65 and sex = 'F')",
    "two aggregates": "count_members(age < 15) / count_members() > 0.5 and not any_member(worked) or score < 10",
}


def model() -> dict[str, Any]:
    """Return a model of forty variables: ten of each of four effects."""
    variables: list[dict[str, Any]] = []
    for n in range(10):
        variables += [
            {"code": f"d{n}", "dummy": 0.1 + n / 100, "missing": "lowest"},
            {"code": f"l{n}", "linear": {"coefficient": -0.05, "at_least": 0, "at_most": 12}, "missing": "lowest"},
            {"code": f"b{n}", "bands": {0: 0, 1: 0.2, 3: 0.5}, "missing": "reference", "reference": 1},
            {"code": f"c{n}", "levels": {"mud": 0, "brick": 0.3, "cement": 0.4}, "missing": "lowest"},
        ]
    return {
        "code": "BENCH", "version": 1, "valid_from": date(2026, 1, 1), "scale": [0, 100], "source": "none", "mark": "A",
        "intercept": 9.0, "link": "log", "rescale": {"kind": "linear", "minimum": 6, "maximum": 16},
        "classes": {"first": 30, "second": 60, "third": 100}, "unseen": "as_missing", "variables": variables,
    }  # fmt: skip


def run(size: int) -> dict[str, Any]:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.pmt.read import read_model
    from khana_methods.pmt.score import score, score_sql
    from khana_methods.rules.check import read_rule
    from khana_methods.rules.compile import compile_count

    w = World(Path(tempfile.gettempdir()))
    forty = read_model(model())
    with tempfile.TemporaryDirectory() as folder, Engine(memory_mib=3072) as engine:
        source, out = f"{folder}/features.parquet", f"{folder}/scores.parquet"
        columns = [
            {"d": f"random() < 0.5 AS d{n}", "l": f"CAST(random() * 15 AS INTEGER) AS l{n}"}.get(kind)
            or {"b": f"CAST(random() * 4 AS INTEGER) AS b{n}"}.get(kind)
            or f"CASE WHEN random() > 0.002 THEN ['mud', 'brick', 'cement'][1 + CAST(floor(random() * 3) AS INTEGER)] END AS c{n}"
            for n in range(10)
            for kind in "dlbc"
        ]
        engine.run(f"COPY (SELECT range AS household_id, {', '.join(columns)} FROM range({size})) TO '{source}'")
        dot = " + ".join(f"0.1 * CAST({k}{n} AS DOUBLE)" for n in range(10) for k in "dlb")
        dot += "".join(f" + 0.1 * COALESCE(length(c{n}), 0)" for n in range(10))
        with w.timed("limit: dot product, Parquet to Parquet"), _worked(w, "limit: dot product"):
            engine.run(f"COPY (SELECT household_id, {dot} AS raw FROM '{source}') TO '{out}'")
        with w.timed("score, Parquet to Parquet"), _worked(w, "score"):
            engine.run(f"""COPY ({score_sql(forty, f"'{source}'")}) TO '{out}'""")
        w.timings["NumPy product in memory, s"] = _product(size)
        one = engine.table(f"SELECT * FROM '{source}' LIMIT 1")
        w.timings["one household at the desk, ms"], w.timings["one household at the desk, processor, ms"] = _desk(
            score, one, forty, engine
        )
        people = min(size, 1_000_000)
        engine.run(
            f"""CREATE TABLE household AS SELECT range AS household_id, CAST(1 + random() * 5 AS INTEGER) AS rooms,
                       random() * 100 AS score FROM range({people})"""
        )
        engine.run(
            f"""CREATE TABLE member AS SELECT range // 6 AS household_id, range AS person_id, random() < 0.3 AS worked,
                       CAST(random() * 90 AS INTEGER) AS age, CASE WHEN random() < 0.5 THEN 'M' ELSE 'F' END AS sex
                FROM range({people * 6})"""
        )
        for name, text in RULES.items():
            with w.timed(f"rule count: {name}"), _worked(w, f"rule count: {name}"):
                engine.rows(compile_count(read_rule(text)))
    with w.timed("fit: 60 thousand households, 40 variables, five folds"):
        _fit()
    figure, limit = w.timings["score, Parquet to Parquet"], w.timings["limit: dot product, Parquet to Parquet"]
    return result(
        w, figure=figure, unit="s", limit=limit, limit_is="s for a bare dot product", ratio=figure / limit, size=size
    )  # fmt: skip


@contextmanager
def _worked(w: World, name: str) -> Iterator[None]:
    """Keep the processor time beside the time by the clock: on shared cores the clock counts what others do."""
    start = time.process_time()
    yield
    w.timings[f"{name}, processor, s"] = round(time.process_time() - start, 3)


def _desk(score: Any, one: pa.Table, forty: Any, engine: Any) -> tuple[float, float]:
    """Return the medians of twenty scores of one household, by the clock and of the processor, in milliseconds."""
    taken, worked = [], []
    for _ in range(20):
        start, busy = time.perf_counter(), time.process_time()
        score(one, forty, engine=engine)
        taken.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return round(sorted(taken)[10], 2), round(sorted(worked)[10], 2)


def _product(size: int) -> float:
    """Return the seconds that NumPy takes for as many rows times forty coefficients, block by block in memory."""
    import numpy as np

    block = np.random.default_rng(1).random((min(size, 1_000_000), 40))
    coefficients = np.arange(40.0)
    start = time.perf_counter()
    for _ in range(-(-size // len(block))):
        block @ coefficients
    return round(time.perf_counter() - start, 3)


def _fit() -> None:
    """Fit sixty thousand made-up households, thirty numbers and ten codes, with five folds over sampling units."""
    import numpy as np

    from khana_methods.pmt.fit import fit_model
    from khana_methods.pmt.spec import read_spec

    lot = np.random.default_rng(5)
    rows = 60_000
    numbers = {f"n{at}": lot.integers(0, 12, rows) for at in range(30)}
    codes = {f"c{at}": lot.choice(["mud", "brick", "cement"], rows) for at in range(10)}
    log = 8 + sum(0.01 * at * values for at, values in enumerate(numbers.values())) / 10 + lot.normal(0, 0.4, rows)
    unit = np.arange(rows) // 12
    frame = pa.table({"y": np.exp(log), "w": lot.uniform(50, 500, rows), "size": lot.integers(1, 12, rows),
                      "stratum": unit % 12, "unit": unit, **numbers, **codes})  # fmt: skip
    spec = {"welfare": "y", "weight": "w", "size": "size", "strata": "stratum", "psu": "unit", "method": "wls",
            "regressors": [*numbers, *codes]}  # fmt: skip
    fit_model(frame, read_spec(spec))
