"""A consolidation that counts persons, by a model in use, beside one that counts numbers.

Size: households. Rows without a usable number, and those whose number is another's by name, are looked for in the registry and
among each other. The figure is the whole of `khana consolidate` with a model in use, the limit the same without one. Beside it: how many
seats were looked for, how many lead to somebody, how many pairs of rows wait for a steward; and what a second run takes after answers were
given for a thousand pairs, which it follows.
"""

from __future__ import annotations

import os
from typing import Any

from bench._officers import put_model_in_use, superuser
from bench._world import loaded_country, result, world

SIZE = 210_000  # a little over a million persons
ANSWERED = 1_000


def run(size: int) -> dict[str, Any]:
    with world() as w:
        from khana.workflows import consolidate

        memory = int(os.environ.get("KHANA_BENCH_MEMORY", "4096"))
        loaded_country(w, size)
        root = superuser()
        root.execute("UPDATE linkage_matchingmodel SET state = 'RETIRED' WHERE state = 'ACTIVE'")  # of a kept world
        root.execute("VACUUM ANALYZE")
        with w.timed("limit: by numbers alone"):
            numbers = consolidate.run(token=w.token, at=w.now(), memory_mib=memory)
        put_model_in_use(w, memory_mib=memory)
        with w.timed("by the model in use"):
            persons = consolidate.run(token=w.token, at=w.now(), memory_mib=memory)
        root.execute(
            "UPDATE linkage_pair SET decision = 'REJECTED', decided_by = 0, decided_at = now() WHERE id IN (SELECT id FROM linkage_pair "
            "WHERE left_kind = 'ROW' AND decision = 'REVIEW' ORDER BY hashint8(id) LIMIT %s)",
            [ANSWERED],
        )
        with w.timed("after answers"):
            again = consolidate.run(token=w.token, at=w.now(), memory_mib=memory)
        figure, limit = w.timings["by the model in use"], w.timings["limit: by numbers alone"]
        counted = ("rows", "recipients", "over_cap")
        return result(
            w, figure=figure, unit="s", limit=limit, limit_is="s by numbers alone", ratio=figure / limit, size=size,
            numbers={name: numbers[name] for name in counted}, persons={name: persons[name] for name in counted},
            matching=persons["matching"], after_answers=again["matching"],
        )  # fmt: skip
