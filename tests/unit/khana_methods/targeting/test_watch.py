"""The watch over scores finds what was planted and is silent where nothing was."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from khana_methods.engine.duckdb import Engine
from khana_methods.targeting.watch import changed_answers, enumerators, heaps


def watched(score: list[float], district: list[str], enumerator: list[str]) -> pa.Table:
    return pa.table({"household_id": range(len(score)), "district": district, "enumerator": enumerator, "score": score})


def test_a_planted_heap_and_a_planted_enumerator_are_found() -> None:
    chance = np.random.default_rng(1)
    score = list(chance.uniform(0, 100, 4000))
    district = ["A" if n % 2 else "B" for n in range(4000)]
    enumerator = [f"E{n % 40}" for n in range(4000)]
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("watched", watched(score, district, enumerator))
        honest = heaps(engine, cut_off=32.0, width=3.0, fewest=20)
        assert honest[0]["district"] == "" and all(abs(row["z"]) < 3.5 for row in honest)
        assert enumerators(engine, cut_off=32.0, fewest=20) == []
        bent = [31.9 if d == "A" and 32 < s < 34 else s for s, d in zip(score, district, strict=True)]
        low = [s / 3 if e == "E7" else s for s, e in zip(bent, enumerator, strict=True)]
        engine.register("watched", watched(low, district, enumerator))
        found = {row["district"]: row for row in heaps(engine, cut_off=32.0, width=3.0, fewest=20)}
        assert found["A"]["z"] > 4 and found["A"]["z"] > found["B"]["z"]
        assert [row["enumerator"] for row in enumerators(engine, cut_off=32.0, fewest=20)] == ["E7"]


def test_a_poor_district_is_no_sign() -> None:
    chance = np.random.default_rng(2)
    score = [*chance.uniform(0, 40, 300), *chance.uniform(40, 100, 300)]
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("watched", watched(score, ["A"] * 300 + ["B"] * 300, ["EA"] * 300 + ["EB"] * 300))
        assert enumerators(engine, cut_off=32.0, fewest=20) == []


def test_answers_changed_within_the_days_are_counted() -> None:
    first = date(2026, 1, 1)
    rows = {"first_score": [40.0, 40.0, 20.0, 40.0], "second_score": [30.0, 30.0, 50.0, 45.0], "first_date": [first] * 4,
            "second_date": [first + timedelta(days=d) for d in (30, 900, 60, 10)]}  # fmt: skip
    with Engine(memory_mib=256, threads=1) as engine:
        engine.register("second_score", pa.table(rows))
        assert changed_answers(engine, cut_off=32.0, days=365) == {
            "interviewed_twice": 3,
            "came_under": 1,
            "went_over": 1,
        }
