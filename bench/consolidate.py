"""Consolidation end to end, beside the time to read the same rows out of PostgreSQL once.

Size: households. The figure is the whole of `khana consolidate`: frames out, comparison, results
written. The limit is one plain COPY TO of every row that it has to read.
"""

from __future__ import annotations

from typing import Any

import psycopg

from bench._world import hashes, loaded_country, result, world

SIZE = 1_000_000
TABLES = (
    "beneficiaries_benefit", "registry_identifier", "registry_membership", "registry_personversion", "registry_household",
    "identity_nationalidrecord", "identity_simrecord", "assessment_score",
)  # fmt: skip


def run(size: int) -> dict[str, Any]:
    with world() as w:
        from khana.platform import embedded
        from khana.workflows import consolidate

        data = loaded_country(w, size)
        owner = psycopg.connect(**embedded.connection_parameters("owner"), autocommit=True)
        owner.execute("VACUUM ANALYZE")
        with w.timed("limit: COPY TO of every row read"):
            for table in TABLES:
                with owner.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:
                    for _part in copy:
                        pass
        with w.timed("consolidate"):
            done = consolidate.run(token=w.token, at=w.now())
        counts = {t: owner.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES}
        owner.close()
        figure, limit = w.timings["consolidate"], w.timings["limit: COPY TO of every row read"]
        return result(
            w, figure=figure, unit="s", limit=limit, limit_is="s to read the rows once", ratio=figure / limit, size=size,
            rows=counts, summary={k: done[k] for k in ("rows", "linked", "unmatched", "recipients", "over_cap", "unserved")},
            inputs=hashes(data / "sample.yaml", data / "persons.csv"),
        )  # fmt: skip
