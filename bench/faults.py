"""kill -9 at random moments of `khana sample load` and `khana consolidate`, again and again, until both are done.

Size: households. The figure is the wall time of the killed commands until the set is loaded and
consolidated, the limit that of the same commands left in peace; both databases must end alike, to
the row, or the benchmark fails. `KHANA_BENCH_SEED` repeats a run.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from bench._world import World, hashes, result, synthesise, world

SIZE = 20_000
LOAD_KILLS, CONSOLIDATE_KILLS = 40, 15
_APART = ("procrastinate", "django_", "access_session", "audit_seal", "beneficiaries_run", "audit_event")


class EndsDiffer(AssertionError):
    """The killed database does not hold what the other one holds."""


def run(size: int) -> dict[str, Any]:
    seed = int(os.environ.get("KHANA_BENCH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
    chance = random.Random(seed)
    with world() as w:
        from khana.platform import embedded

        data = synthesise(w, size)
        with embedded._superuser() as root:
            root.execute("CREATE DATABASE khana_calm TEMPLATE khana OWNER khana_owner")
            root.execute("GRANT CONNECT, TEMPORARY ON DATABASE khana_calm TO khana_web, khana_worker")
        load = ["sample", "load", str(data / "sample.yaml"), "--data", str(data), "--json"]
        timed = {}
        for name, words in (("load", load), ("consolidate", ["consolidate", "--json"])):
            start = time.perf_counter()
            assert _end(_start(w, "khana_calm", words)) == 0
            timed[name] = time.perf_counter() - start
        w.timings["limit: left in peace"] = round(sum(timed.values()), 3)
        kills = {"load": 0, "consolidate": 0}
        with w.timed("killed again and again"):
            for name, words, most in (
                ("load", load, LOAD_KILLS),
                ("consolidate", ["consolidate", "--json"], CONSOLIDATE_KILLS),
            ):
                kills[name] = _until_done(w, words, chance, timed[name], most)
        calm, killed = _state("khana_calm"), _state("khana")
        unlike = {table: (calm[table], killed[table]) for table in calm if calm[table] != killed[table]}
        if unlike:
            raise EndsDiffer(f"seed {seed}: {unlike}")
        figure, limit = w.timings["killed again and again"], w.timings["limit: left in peace"]
        return result(
            w, figure=figure, unit="s", limit=limit, limit_is="s left in peace", ratio=figure / limit, size=size, seed=seed,
            kills=kills, tables_alike=len(calm), inputs=hashes(data / "sample.yaml", data / "persons.csv"),
        )  # fmt: skip


def _start(w: World, database: str, words: list[str]) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "KHANA_TOKEN": w.token, "KHANA_DATABASE_NAME": database}
    return subprocess.Popen([sys.executable, "-m", "khana", *words], env=environment, stdout=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes], after: float | None = None) -> int:
    """Wait for a command, or kill it after some seconds; return its exit code."""
    try:
        return process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait()


def _until_done(w: World, words: list[str], chance: random.Random, usual: float, most: int) -> int:
    """Type a command again after each kill until it ends by itself; return how often it was killed."""
    for kills in range(most):
        code = _end(_start(w, "khana", words), chance.uniform(0.3, usual))
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, code
    assert _end(_start(w, "khana", words)) == 0
    return most


def _state(database: str) -> dict[str, tuple[int, str]]:
    """Return table -> rows and a hash over what no sequence, clock or cipher gave."""
    from khana.platform import embedded

    out = {}
    with psycopg.connect(**{**embedded.connection_parameters("owner"), "dbname": database}) as owner:
        columns: dict[str, list[str]] = {}
        for table, column, kind in owner.execute(
            "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c JOIN pg_tables t"
            " ON t.tablename = c.table_name AND t.schemaname = 'public' WHERE c.table_schema = 'public' ORDER BY 1, c.ordinal_position"
        ).fetchall():
            given = kind in ("timestamp with time zone", "uuid") or column in ("id", "group_no")
            if not table.startswith(_APART) and not given and not column.endswith("_id") and "cipher" not in column:
                columns.setdefault(table, []).append(f'"{column}"')
        for table, names in columns.items():
            where = ""
            if table in (
                "beneficiaries_finding",
                "beneficiaries_recipient",
                "beneficiaries_unservedhousehold",
                "beneficiaries_areafigure",
            ):
                where = " WHERE run_id = (SELECT max(id) FROM beneficiaries_run WHERE state = 'DONE')"
            digest, count = 0, 0
            for (text,) in owner.execute(f"SELECT ROW({', '.join(names)})::text FROM {table}{where}"):
                digest ^= int.from_bytes(hashlib.sha256(text.encode()).digest()[:16])
                count += 1
            out[table] = (count, f"{digest:032x}")
    return out
