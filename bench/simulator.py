"""One move of the simulator on a registry of a million households and a survey of sixty thousand, on any machine.

Size: households. The cube is counted as a scoring run counts it; the limit is 500 ms for one move, survey and floors
included. Printed beside: counting the rows themselves once, which is what a page must never do.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench._world import World, result

SIZE = 1_000_000
LIMIT = 500.0


def run(size: int) -> dict[str, Any]:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.targeting.simulate import STEP, Cube, Policy, Survey, cube_frame, move, survey_frame

    w = World(Path(tempfile.gettempdir()))
    with Engine(memory_mib=2048) as engine:
        engine.run(
            f"""CREATE TABLE registered AS SELECT 'P' || CAST(range % 160 % 7 AS VARCHAR) AS province,
                       'D' || CAST(range % 160 AS VARCHAR) AS district, random() * 100 AS score, random() < 0.1 AS female_head,
                       random() < 0.05 AS disability, CAST(floor(random() * 4) AS INTEGER) AS cash, 1 + range % 9 AS members
                FROM range({size})"""
        )
        with w.timed("the cube, once a scoring run, s"):
            cells = engine.table(
                f"""SELECT province, district, CAST(ceil(score * {STEP} - 1e-9) AS INTEGER) AS bin, female_head, disability,
                           cash, count(*) AS households, sum(members)::BIGINT AS persons FROM registered GROUP BY ALL"""
            ).cast(cube_frame)
        start = time.perf_counter()
        engine.rows("SELECT province, count(*), sum(members) FROM registered WHERE score <= 32 GROUP BY province")
        w.timings["the rows themselves, ms"] = round((time.perf_counter() - start) * 1000, 1)
    start = time.perf_counter()
    cube, survey = Cube.of(cells), Survey.of(_survey(survey_frame))
    w.timings["opened by a process once, ms"] = round((time.perf_counter() - start) * 1000, 1)
    taken = []
    for n in range(20):
        policy = Policy(
            20 + n, benefit=4500, quota=size // 4, floor=0.05, cap=3, disability_points=5, female_head_points=2
        )
        start = time.perf_counter()
        move(cube, policy, survey=survey, line=30_000.0)
        taken.append((time.perf_counter() - start) * 1000)
    figure = round(sorted(taken)[10], 1)
    w.timings["cells"] = cells.num_rows
    w.timings["slowest of twenty moves, ms"] = round(max(taken), 1)
    return result(
        w, figure=figure, unit="ms for one move", limit=LIMIT, limit_is="ms asked for", ratio=figure / LIMIT, size=size
    )


def _survey(schema: pa.Schema) -> pa.Table:
    chance, size = np.random.default_rng(1), 60_000
    return pa.table(
        {
            "score": chance.random(size) * 100, "welfare": np.exp(chance.normal(10.3, 0.6, size)), "weight": np.ones(size),
            "size": chance.integers(1, 10, size).astype(float), "province": [f"P{n % 7}" for n in range(size)],
            "female_head": chance.random(size) < 0.1, "disability": chance.random(size) < 0.05,
        },
        schema=schema,
    )  # fmt: skip
