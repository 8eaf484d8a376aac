"""Reckon who is due for a visit over the registry itself, area by area, for the pages of centres and vans.

The day until which a fact is good is the catalogue's, by the very method of `khana freshness due`. Each area stands by itself:
one that was reckoned stays where the work is stopped, and a second run changes nothing but the hour.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa

from khana.access import services as access
from khana.geo import selectors as geo
from khana.intake.services import due
from khana.platform import installation
from khana.platform.frames import open_source
from khana.platform.progress import Progress, silent
from khana.registry import frames as registry
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.freshness.due import find_due, load_best_before, stated_frame
from khana_methods.rules.facts import load_facts

MEMORY_MIB = 512
LEVEL = 2  # districts: some hundred thousand households each
# who and where a household is does not grow old; the day and the hand of the interview are no answers
_NO_ANSWERS = frozenset(
    {
        "household_number", "head_line_no", "survey_date", "survey_mode", "enumerator_code", "interview_minutes", "gps_accuracy_m",
        "address", "contact_mobile_number", "mobile_number", "household_size",
    }
)  # fmt: skip


def run(*, token: str, as_of: date | None = None, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Reckon every area of the caller's scope; return areas, households and due.

    Args:
        token: In whose name: `registry.read` to look, `centres.manage` to keep.
        as_of: The day of the question; the installation's today if absent.
        progress: Told areas.
        at: When.
    """
    day = as_of or installation.today(at)
    with access.scoped(token):
        access.require("registry.read")
        access.require("centres.manage")
        paths = [area.path for area in geo.list_areas(level=LEVEL)] or [""]
    facts = sorted(
        fact.name for fact in load_facts().of_entity("household")
        if fact.name not in _NO_ANSWERS and not fact.name.endswith("_code")
    )  # fmt: skip
    seen = found = 0
    for number, path in enumerate(paths, start=1):
        with access.scoped(token):
            households, table = _reckon(path, facts, day)
            seen, found = seen + households, found + due.keep(area_path=path, rows=table, at=at)
        progress(number, len(paths), "areas")
    return {"as_of": day.isoformat(), "areas": len(paths), "households": seen, "due": found}


def _reckon(path: str, facts: list[str], day: date) -> tuple[int, pa.Table]:
    """Return how many households stand in an area, and those that are due."""
    with open_source() as source, Engine(memory_mib=MEMORY_MIB, threads=1) as engine:
        engine.register("home", registry.stated_facts_frame(source, within=path))
        engine.register("asked", pa.table({"fact": pa.array(facts, pa.string())}))
        households = int(engine.value("SELECT count(*) FROM home"))
        stated = engine.table(
            """SELECT CAST(h.household_id AS VARCHAR) AS household_id, '' AS area, h.fact, h.stated_on, '' AS source
               FROM (SELECT household_id, stated_on, unnest(string_split(facts, ' ')) AS fact FROM home) h SEMI JOIN asked USING (fact)"""
        ).cast(stated_frame)
        if stated.num_rows == 0 or not engine.value(
            f"SELECT count(*) FROM home WHERE stated_on <= DATE '{day.isoformat()}'"
        ):
            return households, due.due_visit_frame.empty_table()
        engine.register("late", find_due(engine, stated, load_best_before(), as_of=day).due)
        table = engine.table(
            """SELECT h.household_id, h.area_path, l.facts, l.oldest_stated_on AS stated_on, l.best_before
               FROM late l JOIN home h ON h.household_id = CAST(l.household_id AS BIGINT) ORDER BY h.household_id"""
        )
    return households, table.cast(due.due_visit_frame)
