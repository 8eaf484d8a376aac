"""Keep what pages read instead of the registry: Arrow frames, packed and encrypted, the newest few of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction

from khana.access import services as access
from khana.assessment.models import Scenario, Snapshot
from khana.audit import services as audit
from khana.platform import keys

KEPT = {"CUBE": 6, "SURVEY": 6, "FACTS": 1}


@transaction.atomic
def keep(
    *, kind: str, tables: Mapping[str, pa.Table], run_id: int | None, summary: Mapping[str, Any], at: datetime
) -> int:
    """Keep frames under one number; older ones that no scenario names are let go.

    Args:
        kind: CUBE, SURVEY or FACTS.
        tables: Frames by name.
        run_id: The scoring run that made them.
        summary: What a page says of them.
        at: When.
    """
    if not access.call("access_everything", "scores.run")[0][0]:
        access.require("models.write", everywhere=True)
    row = Snapshot.objects.create(
        kind=kind, run_id=run_id, content=keys.encrypt(pack(tables)), summary=dict(summary), created_at=at
    )
    named = set(Scenario.objects.values_list("cube_id", flat=True)) | set(
        Scenario.objects.filter(survey__isnull=False).values_list("survey_id", flat=True)
    )
    older = Snapshot.objects.filter(kind=kind).order_by("-pk").values_list("pk", flat=True)[KEPT[kind] :]
    Snapshot.objects.filter(pk__in=[number for number in older if number not in named]).delete()
    audit.record(action="assessment.snapshot.kept", subject=f"snapshot:{row.pk}", details={"kind": kind}, at=at)
    return int(row.pk)


def pack(tables: Mapping[str, pa.Table]) -> bytes:
    """Write frames as one text of bytes: name, length and Arrow stream of each."""
    parts = []
    for name, table in tables.items():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
            writer.write_table(table)
        body = sink.getvalue().to_pybytes()
        parts += [len(name).to_bytes(2, "big"), name.encode(), len(body).to_bytes(8, "big"), body]
    return b"".join(parts)
