"""Erasing a list that is over, by rule: the dry run, then the rows in steps that commit by themselves, with what points at them.

Size: rows of the list. Beside it stand another old list of the same size, which the database alone deletes, a statement a table
(told beside), and the newer one that keeps its source in force. One row in a hundred is needed by an enrolment, one is
held by a hold on a person, one in ten bears a finding, one in a hundred a pair of matching. Flat means that the last steps take no longer than
the first, and that neither the process nor its server process grows: both are read at every step.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg

from bench._officers import officers, superuser
from bench._world import World, result, world

SIZE = 1_000_000
ASKED = 60.0  # seconds a million rows: the lists of a country's quarter within an hour of the night
_FILE = (
    "INSERT INTO platform_storedfile (sha256, size, name, stored_at) VALUES (%(sha)s, 1, 'bench', %(at)s) RETURNING id"
)
_BATCH = """
INSERT INTO deliveries_batch (contract_id, file_id, file_name, entity, source_code, agency, state, rows_in, rows_loaded, rows_quarantined,
    lines_not_data, rows_sha256, error_code, error_message, received_at, loaded_at, received_by)
VALUES (1, %(file)s, 'bench', 'benefit', 'BENCH', 'A', 'LOADED', %(size)s, %(size)s, 0, 0, '', '', '', %(at)s, %(at)s, 1) RETURNING id"""
_ROWS = (
    """
INSERT INTO beneficiaries_benefit (batch_id, source_code, agency, file_name, sheet, line, programme, period, period_end, area_code, area_path,
    id_raw_state, id_type, id_token, id_ciphertext, name, guardian_name, sex, payee_id_raw_state, payee_name, amount, notes, facts)
SELECT %(batch)s, 'BENCH', 'A', 'bench', '', n, 'P', '2010Q1', %(at)s::date, 'PK101', 'PK.PK1.PK101.', 'OK', 'CNIC',
    sha256(convert_to(%(batch)s || '/' || n, 'UTF8')), sha256(convert_to('c' || n, 'UTF8')), 'Amna Bibi', 'Ghulam Khan', 'F', '', '', 5000,
    '[]', '{}' FROM generate_series(1, %(size)s) n""",
    """
INSERT INTO beneficiaries_finding (run_id, benefit_id, source_code, agency, programme, area_path, file_name, sheet, line, code, role, severity,
    household_number, detail)
SELECT 1, id, 'BENCH', 'A', 'P', area_path, 'bench', '', line, 'BENCH', 'beneficiary', 'WARN', '', ''
FROM beneficiaries_benefit WHERE batch_id = %(batch)s AND line %% 10 = 0""",
    """
INSERT INTO linkage_pair (run_id, left_kind, left_id, left_role, right_id, area_path, left_area_path, match_weight, probability, bits,
    contradiction, stratum, decision, stake, gain, wants_second)
SELECT 1, 'ROW', id, 'beneficiary', 1, '', '', 1, 1, '{}', '', '', 'LINKED', 0, 0, false
FROM beneficiaries_benefit WHERE batch_id = %(batch)s AND line %% 100 = 1""",
    """
INSERT INTO beneficiaries_enrolment (programme, agency, area_path, id_token, state, state_at, changed_by, actor_id, reason, note,
    household_number, source_code, batch_id, is_chosen, created_at)
SELECT 'P', 'A', '', id_token, 'ENROLLED', now(), 'MIS', 1, '', '', '', 'BENCH', batch_id, false, now()
FROM beneficiaries_benefit WHERE batch_id = %(batch)s AND line %% 100 = 2""",
)
_STANDING = (
    "INSERT INTO beneficiaries_run (state, started_at, ended_at, actor_id, parameters, inputs, summary)"
    " VALUES ('DONE', now(), now(), 1, '{}', jsonb_build_object(%(new)s::text, '{}'::jsonb), '{}')",
    "INSERT INTO registry_identifier (person_id, area_path, type, token, ciphertext, status, recorded_at)"
    " SELECT 1, 'PK.', 'CNIC', id_token, 'x', 'VERIFIED', now() FROM beneficiaries_benefit WHERE batch_id = %(old)s AND line = 3",
    "INSERT INTO access_legalhold (rule, subject, reason, placed_by, placed_at) VALUES ('LISTS', 'person:1', 'bench', 1, now())",
    # what is deleted without the rule is no part of what the rule finds
    "UPDATE deliveries_batch SET entity = 'bench' WHERE id = %(other)s",
)
_ALONE = (
    "DELETE FROM linkage_label l USING linkage_pair p, beneficiaries_benefit b WHERE l.pair_id = p.id AND p.left_kind = 'ROW'"
    " AND p.left_id = b.id AND b.batch_id = %(batch)s",
    "DELETE FROM linkage_pair p USING beneficiaries_benefit b WHERE p.left_kind = 'ROW' AND p.left_id = b.id AND b.batch_id = %(batch)s",
    "DELETE FROM beneficiaries_finding f USING beneficiaries_benefit b WHERE f.benefit_id = b.id AND b.batch_id = %(batch)s",
    "DELETE FROM beneficiaries_benefit WHERE batch_id = %(batch)s",
)
_ERASE = """import json, os, re, sys, time, django
django.setup()
from datetime import UTC, datetime
from django.db import connection
from khana.workflows import erase_over

def kib(process, name):
    return int(re.search(name + r":\\s+(\\d+)", open(f"/proc/{process}/status").read())[1])

steps = []
def told(done, total, phase):
    if not total:
        return  # another rule
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((server,),) = cursor.fetchall()
    steps.append((time.perf_counter(), kib("self", "VmRSS") / 1024, kib(server, "RssAnon") / 1024))

start = time.perf_counter()
at = datetime.now(UTC)
previewed = erase_over.preview(token=sys.argv[1], at=at)["rules"]["LISTS"]
preview = time.perf_counter() - start
start = time.perf_counter()
erased = erase_over.run(token=sys.argv[1], progress=told, at=at)["LISTS"]
print(json.dumps({"preview": preview, "previewed": previewed, "erased": erased, "seconds": time.perf_counter() - start, "steps": steps}))"""


def run(size: int) -> dict[str, Any]:
    with world() as w:
        root = superuser()
        root.execute("SET session_replication_role = replica")
        with w.timed("lists made"):
            old, other, new = (_list(root, w, size, years) for years in (12, 11.5, 11))
            for statement in _STANDING:
                root.execute(statement, {"old": old, "other": other, "new": new})  # type: ignore[arg-type]
            root.execute("VACUUM ANALYZE")
        root.execute("SET session_replication_role = origin")
        with w.timed("the database alone"), root.transaction():
            for statement in _ALONE:
                root.execute(statement, {"batch": other})  # type: ignore[arg-type]
        token = officers("data_protection_officer")["data_protection_officer"]
        return _told(w, size, _erased(token), root, old)


def _list(root: psycopg.Connection[Any], w: World, size: int, years: float) -> int:
    """Make one list of a source, loaded so many years ago; return the number of its delivery."""
    values: dict[str, Any] = {
        "at": w.now() - timedelta(days=int(years * 365.25)),
        "size": size,
        "sha": os.urandom(32).hex(),
    }
    ((values["file"],),) = root.execute(_FILE, values).fetchall()
    ((values["batch"],),) = root.execute(_BATCH, values).fetchall()
    for statement in _ROWS:
        root.execute(statement, values)  # type: ignore[arg-type]
    return int(values["batch"])


def _erased(token: str) -> dict[str, Any]:
    """Look and erase in a process of its own, whose memory is then nobody else's."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1] / "src")}
    done = subprocess.run([sys.executable, "-c", _ERASE, token], stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        raise RuntimeError("nothing was erased")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _told(w: World, size: int, found: dict[str, Any], root: psycopg.Connection[Any], old: int) -> dict[str, Any]:
    ((left, findings, pairs),) = root.execute(
        "SELECT (SELECT count(*) FROM beneficiaries_benefit WHERE batch_id = %(old)s),"
        " (SELECT count(*) FROM beneficiaries_finding f LEFT JOIN beneficiaries_benefit b ON b.id = f.benefit_id WHERE b.id IS NULL),"
        " (SELECT count(*) FROM linkage_pair p LEFT JOIN beneficiaries_benefit b ON b.id = p.left_id WHERE b.id IS NULL)",
        {"old": old},
    ).fetchall()
    kept = len(range(2, size + 1, 100)) + 1
    if (found["erased"], left, findings, pairs) != (size - kept, kept, 0, 0) or found["previewed"][
        "goes"
    ] != size - kept:
        raise RuntimeError(
            f"of {size} rows {found['erased']} went, {left} are left, {findings} findings and {pairs} pairs of nobody"
        )
    steps = found["steps"]
    took = [after[0] - before[0] for before, after in pairwise(steps)]
    tenth = max(1, len(took) // 10)
    alone = w.timings["the database alone"]
    return result(
        w, figure=found["seconds"], unit="seconds to erase", limit=ASKED * size / 1e6, limit_is="a minute a million rows",
        ratio=found["seconds"] / (ASKED * size / 1e6), alone_seconds=alone, size=size, erased=found["erased"], kept=left, preview_seconds=round(found["preview"], 2),
        first_steps_ms=round(1000 * statistics.median(took[:tenth])), last_steps_ms=round(1000 * statistics.median(took[-tenth:])),
        process_mib=[round(steps[0][1]), round(max(step[1] for step in steps))],
        server_process_mib=[round(steps[0][2]), round(max(step[2] for step in steps))],
    )  # fmt: skip
