"""A coverage study of 60 thousand households against a registry file, indicators on a snapshot, and an outreach plan.

Size: registered households. The study matches a survey of 60,000 households by number with a file of that many households
and estimates by domain; all indicators of the Pakistani framework run over the same number of households and three list rows
for each; the plan is of 50 vans, 30 days and 6,000 unions. `KHANA_REPEATS=1000` draws so many surveys from `pk-sample` and
counts how many intervals hold the truth.
"""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench._world import peak_mib

SIZE = 200_000
SURVEY = 60_000


def study_seconds(size: int) -> float:
    from khana_methods.coverage.match_files import match_files
    from khana_methods.coverage.spec import study_of
    from khana_methods.coverage.study import study
    from khana_methods.engine.duckdb import Engine
    from khana_methods.surveys.design import Design

    random = np.random.default_rng(1)
    registry = pa.table({"cnic": np.char.add("61101", np.char.zfill(np.arange(size * 3).astype(str), 8))})
    survey = pa.table(
        {
            "cnic": np.char.add("61101", np.char.zfill(random.integers(0, int(size * 3 / 0.84), SURVEY).astype(str), 8)),
            "province": np.arange(SURVEY) % 5, "stratum": np.arange(SURVEY) % 40, "psu": np.arange(SURVEY) // 15,
            "w": random.uniform(300, 900, SURVEY), "size": random.integers(1, 12, SURVEY), "y": random.gamma(2, 2000, SURVEY),
        }
    )  # fmt: skip
    start = time.perf_counter()
    with Engine(memory_mib=1024) as engine:
        found = match_files(
            engine, survey, registry, survey_columns={"id_number": "cnic"}, registry_columns={"id_number": "cnic"},
            canonical=lambda column: column,
        )  # fmt: skip
    design = Design(weight="w", strata=("stratum",), psu=("psu",), size="size")
    study(
        found.table,
        design,
        study_of({"registered": "registered", "welfare": "y", "poor": {"share": 0.4}, "domains": ["province"]}),
    )
    return time.perf_counter() - start


def indicator_seconds(size: int) -> tuple[float, int]:
    from khana_country.load import pack_folder
    from khana_methods.coverage.framework import read_framework
    from khana_methods.coverage.indicators import compute
    from khana_methods.engine.duckdb import Engine

    framework = read_framework(pack_folder("pak") / "results_framework.yaml")
    place = "'PAK.PK' || (i % 7) || '.D' || (i % 140) || '.T' || (i % 560) || '.'"
    with Engine(memory_mib=1536) as engine:
        engine.run(
            f"""CREATE TABLE household AS SELECT i AS household_id, {place} AS area_path, 1 + i % 9 AS members,
                CASE WHEN i % 3 = 0 THEN 'urban' ELSE 'rural' END AS area_type, 'desk' AS survey_mode, true AS has_consent,
                true AS has_score, (i * 7919 % 10000) / 100 AS score, i % 60 AS months_since_interview, i % 5 > 0 AS has_verified_number,
                i % 9 = 0 AS is_woman_headed, i % 4 AS programmes, i % 4 AS max_cash_programmes, (i % 4) * 1000 AS amount,
                (i % 4) * 333 AS monthly, i % 3 AS enrolments, i % 2 AS waiting, 1 + i % 5 AS fifth
                FROM range({size}) t(i)"""
        )
        engine.run(
            f"""CREATE TABLE recipient AS SELECT i AS household_id, {place} AS area_path, i % 9 > 0 AS is_registered, i % 4 AS cash_programmes,
                i % 5 AS programmes, i % 97 = 0 AS is_over_cap, i % 20 = 0 AS is_well_off, (i % 100) AS score, 1000 AS amount
                FROM range({size}) t(i)"""
        )
        engine.run(
            f"""CREATE TABLE enrolment AS SELECT i AS household_id, 'P' || (i % 9) AS programme, 'A' || (i % 4) AS agency, {place} AS area_path,
                CASE WHEN i % 7 = 0 THEN 'WAITLISTED' ELSE 'ENROLLED' END AS state, i % 7 > 0 AS is_enrolled, false AS is_suspended,
                i % 7 = 0 AS is_waiting, false AS has_left, i % 5 > 0 AS is_paid, i % 60 AS days_to_enrol, i % 90 AS days_to_payment,
                i % 200 AS days_waiting FROM range({size * 3}) t(i)"""
        )
        engine.run(
            f"""CREATE TABLE grievance AS SELECT i AS household_id, 'CORRECTION' AS kind, 'P' || (i % 9) AS programme, 'A' || (i % 4) AS agency,
                {place} AS area_path, i % 3 > 0 AS is_decided, i % 2 = 0 AS is_upheld, i % 4 > 0 AS is_in_time, i % 3 = 0 AS is_overdue,
                i % 90 AS days_open FROM range({size // 10}) t(i)"""
        )
        start = time.perf_counter()
        engine.run(  # what PostgreSQL adds up over list rows, here over three rows a household
            f"""CREATE TABLE payment AS SELECT row_number() OVER () AS household_id, * FROM (
                SELECT 'P' || (i % 9) AS programme, 'A' || (i % 4) AS agency, '2026Q' || (1 + i % 4) AS period, {place} AS area_path,
                count(*) AS list_rows, count(*) FILTER (WHERE i % 11 > 0) AS rows_with_number, sum(1000) AS amount,
                count(*) AS rows_dated, count(*) FILTER (WHERE i % 3 > 0) AS rows_on_time, sum(i % 40) AS days_late
                FROM range({size * 3}) t(i) GROUP BY ALL)"""
        )
        values = compute(
            engine, framework, parameters={"cut_off": 32, "cap": 3, "poverty_line": 3000, "payment_days": 30}
        )
        return time.perf_counter() - start, len(values)


def plan_seconds() -> tuple[float, float]:
    from khana_methods.coverage.outreach import Base, Place, Terms, plan_outreach

    random = np.random.default_rng(1)
    places = [
        Place(
            f"u{k}",
            float(random.gamma(2, 60)),
            float(random.uniform(25, 34)),
            float(random.uniform(62, 75)),
            f"p{k % 5}",
        )
        for k in range(6000)
    ]
    bases = [Base(f"b{k}", float(random.uniform(25, 34)), float(random.uniform(62, 75)), 2) for k in range(25)]
    start = time.perf_counter()
    found = plan_outreach(places, bases, Terms(days=30, start=date(2026, 7, 1), floor=0.8))
    return time.perf_counter() - start, found.gap


def run(size: int) -> dict[str, Any]:
    studied = study_seconds(size)
    computed, values = indicator_seconds(size)
    planned, gap = plan_seconds()
    timings: dict[str, Any] = {
        f"study of {SURVEY:,} households, seconds (limit 120)": round(studied, 1),
        "all indicators, seconds (limit 60)": round(computed, 1),
        "values computed": values,
        "plan of 50 vans, 30 days, 6,000 unions, seconds (limit 300)": round(planned, 1),
        "gap of the plan to its bound": f"{gap:.4%}",
    }
    repeats = int(os.environ.get("KHANA_REPEATS", "0"))
    if repeats:
        timings |= repeated(repeats)
    return {
        "figure": studied, "unit": "s", "limit": 120.0, "limit_is": "seconds of a study", "ratio": studied / 120.0,
        "peak_mib": peak_mib(), "size": size, "timings": timings,
    }  # fmt: skip


def repeated(repeats: int) -> dict[str, str]:
    """Draw surveys and return how often each interval holds the truth."""
    from bench._coverage_draws import population
    from bench._coverage_draws import run as draw

    shared = Path(os.environ.get("KHANA_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    folder = shared / "data" / "pk-sample"
    if not folder.exists():
        return {"intervals": "shared data is absent"}
    counts = draw(population(folder), repeats)
    return {
        f"holds the truth: {part}{figure}, {weight}": f"{n / repeats:.1%}"
        for (part, figure, weight), n in counts.items()
    }
