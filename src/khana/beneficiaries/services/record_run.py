"""Write what a consolidation found: findings, recipients, unserved households, figures by area.

Results come back as streams of record batches and go in by COPY and one INSERT each, all in the
transaction that closes the run: a run is DONE with everything or it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries.models import Run
from khana.platform import bulk, faults

_LOCK = 0x4B52  # of advisory locks: a consolidation that runs
Stream = Callable[[], Iterable[pa.RecordBatch]]  # asked one after the other: the engine streams one result at a time
FINDING = [
    ("benefit_id", "bigint"), ("code", "text"), ("role", "text"), ("severity", "text"), ("person_id", "bigint"),
    ("household_number", "text"), ("line_no", "integer"), ("detail", "text"), ("group_no", "bigint"),
]  # fmt: skip
RECIPIENT = [
    ("id_token", "bytea"), ("person_id", "bigint"), ("household_number", "text"), ("line_no", "integer"),
    ("area_code", "text"), ("agencies", "jsonb"), ("programmes", "jsonb"), ("cash_programmes", "smallint"),
    ("is_over_cap", "boolean"), ("rows", "integer"), ("amount", "numeric(16,2)"), ("score", "numeric(5,2)"),
    ("is_well_off", "boolean"),
]  # fmt: skip
UNSERVED = [
    ("household_number", "text"), ("area_code", "text"), ("score", "numeric(5,2)"), ("rank", "bigint"),
    ("members", "integer"), ("eligible_for", "jsonb"),
]  # fmt: skip
FIGURE = [
    ("area_code", "text"), ("level", "smallint"), ("figure", "text"), ("programme", "text"), ("value", "bigint"),
]  # fmt: skip
_PATH = """LEFT JOIN (SELECT DISTINCT ON (code) code, path FROM geo_area ORDER BY code, valid_from DESC) a
             ON a.code = s.area_code AND s.area_code <> ''"""


def start_run(*, parameters: dict[str, Any], inputs: dict[str, Any], at: datetime) -> int:
    """Open a run; return its number."""
    access.require("consolidate.run", everywhere=True)
    _close_abandoned(at)
    run = Run.objects.create(started_at=at, actor_id=access.actor_id(), parameters=parameters, inputs=inputs)
    return int(run.pk)


def hold_run(*, run_id: int) -> None:
    """Hold a run for as long as the open transaction lasts: who dies lets go, and the run is known as dead."""
    bulk.raw_cursor().execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, run_id])


def _close_abandoned(at: datetime) -> None:
    """Close runs that nobody holds any more as FAILED: their process was killed."""
    bulk.raw_cursor().execute(
        """UPDATE beneficiaries_run SET state = 'FAILED', ended_at = %s
           WHERE state = 'RUNNING' AND pg_try_advisory_xact_lock(%s, id::integer)""",
        [at, _LOCK],
    )


def _stage(name: str, columns: list[tuple[str, str]], stream: Stream) -> None:
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, name, columns)
    wanted = [column for column, _ in columns]
    for batch in stream():
        rows = pa.Table.from_batches([batch])
        bulk.copy_in(cursor, name, rows.select(wanted))


@transaction.atomic
def write_results(
    *,
    run_id: int,
    findings: Stream,
    recipients: Stream,
    unserved: Stream,
    figures: Stream,
    summary: dict[str, Any],
    at: datetime,
) -> dict[str, int]:
    """Write every result of a run and close it as DONE; return how many rows of each kind."""
    access.require("consolidate.run", everywhere=True)
    cursor = bulk.raw_cursor()
    counts: dict[str, int] = {}
    _stage("_finding", FINDING, findings)
    cursor.execute(
        """INSERT INTO beneficiaries_finding (run_id, benefit_id, source_code, agency, programme, area_path, file_name, sheet,
                  line, code, role, severity, person_id, household_number, line_no, detail, group_no)
           SELECT %s, s.benefit_id, b.source_code, b.agency, b.programme, b.area_path, b.file_name, b.sheet, b.line, s.code,
                  s.role, s.severity, s.person_id, coalesce(s.household_number, ''), s.line_no, coalesce(s.detail, ''), s.group_no
           FROM _finding s JOIN beneficiaries_benefit b ON b.id = s.benefit_id""",
        [run_id],
    )
    counts["findings"] = cursor.rowcount
    faults.reach("consolidate.findings_written")
    # what the reader noted about a row (a formula, an odd spelling) is a finding too, of the deliveries that the run read
    cursor.execute(
        """INSERT INTO beneficiaries_finding (run_id, benefit_id, source_code, agency, programme, area_path, file_name, sheet,
                  line, code, role, severity, household_number, detail)
           SELECT DISTINCT %s::bigint, b.id, b.source_code, b.agency, b.programme, b.area_path, b.file_name, b.sheet, b.line,
                  n->>'code', 'beneficiary', CASE n->>'code' WHEN 'FORMULA_TEXT' THEN 'WARN' ELSE 'NOTE' END, '',
                  coalesce(n->>'detail', '')
           FROM beneficiaries_benefit b, jsonb_array_elements(b.notes) n
           WHERE b.notes <> '[]' AND n->>'code' IN ('FORMULA_TEXT', 'ROW_ODD')
             AND b.batch_id IN (SELECT k::bigint FROM beneficiaries_run r, jsonb_object_keys(r.inputs) k WHERE r.id = %s)""",
        [run_id, run_id],
    )
    counts["notes"] = cursor.rowcount
    _stage("_recipient", RECIPIENT, recipients)
    cursor.execute(
        f"""INSERT INTO beneficiaries_recipient (run_id, id_token, person_id, household_number, line_no, area_path, agencies,
                  programmes, cash_programmes, is_over_cap, rows, amount, score, is_well_off)
           SELECT %s, s.id_token, s.person_id, coalesce(s.household_number, ''), s.line_no, coalesce(a.path, ''), s.agencies,
                  s.programmes, s.cash_programmes, s.is_over_cap, s.rows, s.amount, s.score, s.is_well_off
           FROM _recipient s {_PATH}""",
        [run_id],
    )
    counts["recipients"] = cursor.rowcount
    _stage("_unserved", UNSERVED, unserved)
    cursor.execute(
        f"""INSERT INTO beneficiaries_unservedhousehold (run_id, household_number, area_path, score, rank, members, eligible_for)
           SELECT %s, s.household_number, coalesce(a.path, ''), s.score, s.rank, s.members, s.eligible_for FROM _unserved s {_PATH}""",
        [run_id],
    )
    counts["unserved"] = cursor.rowcount
    _stage("_figure", FIGURE, figures)
    cursor.execute(
        """INSERT INTO beneficiaries_areafigure (run_id, area_code, level, figure, programme, value)
           SELECT %s, area_code, coalesce(level, 0), figure, programme, value FROM _figure""",
        [run_id],
    )
    counts["figures"] = cursor.rowcount
    bulk.freshen()
    Run.objects.filter(pk=run_id).update(state=Run.State.DONE, ended_at=at, summary={**summary, "written": counts})
    audit.record(action="beneficiaries.run.done", subject=f"run:{run_id}", details=counts, at=at)
    return counts


def fail_run(*, run_id: int, at: datetime) -> None:
    """Close a run that did not come to its end."""
    Run.objects.filter(pk=run_id, state=Run.State.RUNNING).update(state=Run.State.FAILED, ended_at=at)


def forget_old_results(*, keep: int = 3) -> int:
    """Remove the rows of runs older than the newest few; the runs and their summaries stay."""
    kept = list(Run.objects.filter(state=Run.State.DONE).order_by("-pk").values_list("pk", flat=True)[:keep])
    if len(kept) < keep:
        return 0
    cursor = bulk.raw_cursor()
    gone = 0
    for table in ("finding", "recipient", "unservedhousehold", "areafigure"):
        cursor.execute(f"DELETE FROM beneficiaries_{table} WHERE run_id < %s".encode(), [min(kept)])
        gone += cursor.rowcount
    return gone
