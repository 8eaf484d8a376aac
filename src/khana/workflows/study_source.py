"""The compatibility study of one source: its list against every register that the asker may read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.beneficiaries import frames as beneficiaries
from khana.beneficiaries.services.sources import get_source
from khana.deliveries import selectors as deliveries
from khana.geo import frames as geo
from khana.identity import frames as identity
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.workplaces import workplace
from khana.registry import frames as registry
from khana_methods import records
from khana_methods.engine.duckdb import Engine
from khana_methods.overlap.study import ColumnCount, study_source

DUE_DAYS = {
    "weekly": 7, "fortnightly": 14, "monthly": 31, "quarterly": 92, "half_yearly": 184, "yearly": 366,
}  # fmt: skip
FRAMES = (
    ("identifier_frame", registry.identifier_frame),
    ("national_id_frame", identity.national_id_frame),
    ("resident_frame", registry.resident_frame),
    ("area_frame", geo.area_frame),
)


def run(*, token: str, source: str, as_of: date | None = None, at: datetime) -> dict[str, Any]:
    """Study one source; registers outside the asker's scope count as empty.

    Raises:
        SourceUnknown: There is no source of that code.
        SourceEmpty: It has delivered nothing yet.
    """
    settings = installation.read()
    day = as_of or (date.fromisoformat(settings["world_date"]) if "world_date" in settings else at.date())
    with workplace("scratch") as folder, Engine(folder=folder) as engine, access.scoped(token):
        found = get_source(source)
        access.require("benefits.read")
        with open_source() as frames:
            engine.register(
                "benefit_frame",
                beneficiaries.benefit_frame(frames, source=source, without_batches=deliveries.replaced_batch_ids()),
                schema=records.benefit_frame,
            )
            for name, frame in FRAMES:
                engine.register(name, frame(frames), schema=records.FRAMES[name])
            columns = beneficiaries.column_counts(frames, source=source)
        done = study_source(
            engine,
            source=source,
            as_of=day,
            due_days=DUE_DAYS.get(found.frequency),
            quarantined=deliveries.count_open_quarantine(source),
            columns=[ColumnCount(*row) for row in columns],
        )
        audit.record(
            action="beneficiaries.source.studied", subject=f"source:{source}", details={"verdict": done.verdict}, at=at
        )
    return done.as_dict()
