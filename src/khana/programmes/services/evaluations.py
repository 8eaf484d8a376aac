"""Keep what an evaluation of the registry gave: counts of answers by area, and who is eligible and unserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk
from khana.programmes.models import Evaluation

_COUNT = [
    ("programme", "text"),
    ("area_code", "text"),
    ("outcome", "text"),
    ("why", "text DEFAULT ''"),
    ("units", "bigint"),
]
_UNSERVED = [
    ("household_number", "text"), ("area_path", "text"), ("rank", "bigint"), ("score", "numeric(5,2)"), ("members", "integer"),
    ("eligible_for", "jsonb"), ("reason", "text"), ("outreach", "text"),
]  # fmt: skip


def start(*, as_of: date, rules: Sequence[Mapping[str, Any]], at: datetime) -> int:
    """Open an evaluation; return its number."""
    access.require("lists.draw", everywhere=True)
    row = Evaluation.objects.create(
        as_of=as_of, known_at=at, rules=list(rules), actor_id=access.actor_id(), started_at=at
    )
    return int(row.pk)


@transaction.atomic
def write(
    *, evaluation: int, counts: pa.Table, unserved: pa.Table, snapshot: str, summary: Mapping[str, Any], at: datetime
) -> None:
    """Write the counts and the unserved of an evaluation and close it.

    Args:
        evaluation: Its number.
        counts: `programme`, `area_code`, `outcome`, `why`, `units`.
        unserved: The columns of `Unserved`; `eligible_for` as JSON text.
        snapshot: Hash over the facts that were used.
        summary: Figures for pages; never about one household.
        at: When.
    """
    access.require("lists.draw", everywhere=True)
    for name, table, columns, rows in (
        ("_count", "programmes_answercount", _COUNT, counts), ("_unserved", "programmes_unserved", _UNSERVED, unserved),
    ):  # fmt: skip
        cursor = bulk.raw_cursor()
        bulk.make_staging(cursor, name, columns)
        names = [column for column, _ in columns]
        bulk.copy_in(cursor, name, rows.select(names))
        listed = ", ".join(names)
        cursor.execute(f"INSERT INTO {table} (evaluation_id, {listed}) SELECT %s, {listed} FROM {name}", [evaluation])
    Evaluation.objects.filter(pk=evaluation).update(
        state=Evaluation.State.DONE, snapshot=snapshot, summary=dict(summary), ended_at=at
    )
    audit.record(
        action="programmes.evaluation.done", subject=f"evaluation:{evaluation}",
        details={"snapshot": snapshot, "programmes": len(summary.get("programmes", {}))}, at=at,
    )  # fmt: skip


def fail(*, evaluation: int, at: datetime) -> None:
    """Close an evaluation that did not come to its end."""
    Evaluation.objects.filter(pk=evaluation, state=Evaluation.State.RUNNING).update(
        state=Evaluation.State.FAILED, ended_at=at
    )
