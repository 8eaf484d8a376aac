"""The assignment of programmes to persons, beside reading the same files and counting who is eligible.

Size: persons; ten programmes, 500 areas, places for about half of the demand, one exclusion, a cap of three.
The figure is `khana assign`'s own function, files and greedy practice included; the limit is reading the
four files once. `gap` is what the solver left unproved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench._world import World, hashes, peak_mib

SIZE = 1_000_000
AREAS, PROGRAMMES = 500, 10


def run(size: int) -> dict[str, Any]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="khb-") as name:
        folder = Path(name)
        w = World(folder)
        with w.timed("make the files"):
            _make(folder, size)
        from khana_methods.engine.duckdb import Engine
        from khana_methods.engine.files import read_texts
        from khana_methods.overlap.assign import assign

        files = {part: folder / f"{part}.parquet" for part in ("persons", "programmes", "eligibility", "quotas")}
        with w.timed("limit: read the files"):
            for path in files.values():
                read_texts(path)
        with w.timed("assign"), Engine(memory_mib=2048) as engine:
            done = assign(engine, **{part: read_texts(path) for part, path in files.items()}, cap=3)
        kept = ("eligible", "served", "served_bound", "greedy_served", "more_served_than_greedy", "value", "value_bound", "gap",
                "is_proved_best", "benefits")  # fmt: skip
        figure, limit = w.timings["assign"], w.timings["limit: read the files"]
        return {
            "figure": figure, "unit": "s", "limit": limit, "limit_is": "s to read the files", "ratio": figure / limit,
            "size": size, "areas": AREAS, "programmes": PROGRAMMES, **{key: done.summary[key] for key in kept},
            "inputs": hashes(*files.values()), "peak_mib": round(peak_mib(), 1), "timings": w.timings,
        }  # fmt: skip


def _make(folder: Path, size: int) -> None:
    pick = np.random.default_rng(9)
    person = pa.array([f"3{n:012d}" for n in range(size)])
    area = pick.integers(0, AREAS, size)
    codes = [f"PROG{n}" for n in range(PROGRAMMES)]
    share = np.linspace(0.08, 0.4, PROGRAMMES)
    eligible = [np.flatnonzero(pick.random(size) < part) for part in share]
    pq.write_table(
        pa.table({
            "person": person, "area": pa.array([f"A{a:03d}" for a in range(AREAS)]).take(pa.array(area)),
            "score": pa.array(pick.integers(0, 100, size)),
        }), folder / "persons.parquet",
    )  # fmt: skip
    pq.write_table(
        pa.table({
            "programme": codes, "value": [1000 * (n + 2) for n in range(PROGRAMMES)],
            "kind": ["in_kind" if n % 5 == 4 else "cash" for n in range(PROGRAMMES)],
            "excludes": ["PROG1" if n == 0 else "" for n in range(PROGRAMMES)],
        }), folder / "programmes.parquet",
    )  # fmt: skip
    who = pa.chunked_array([person.take(pa.array(rows)) for rows in eligible])
    what = pa.chunked_array([pa.array([code] * len(rows)) for code, rows in zip(codes, eligible, strict=True)])
    pq.write_table(pa.table({"person": who, "programme": what}), folder / "eligibility.parquet")
    places = [int(size / AREAS * part * pick.uniform(0.2, 0.8)) for part in share for _ in range(AREAS)]
    pq.write_table(
        pa.table({
            "programme": [code for code in codes for _ in range(AREAS)],
            "area": [f"A{a:03d}" for _ in codes for a in range(AREAS)], "quota": places,
        }), folder / "quotas.parquet",
    )  # fmt: skip
