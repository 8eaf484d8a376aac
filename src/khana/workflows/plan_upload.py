"""An outreach plan of files that a browser sent: solved as a job, kept for the pages; then the copies of the files are gone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.monitoring import services as monitoring
from khana.monitoring.frameworks import country_in_use
from khana.platform.progress import Progress, silent
from khana.workflows import plan_outreach
from khana_methods.coverage.opening_hours import read_hours
from khana_methods.coverage.outreach import Terms
from khana_methods.coverage.outreach_ways import Ways
from khana_methods.engine.files import read_table

PER_HOUR = 7.0  # households that a van registers in an hour, as `khana outreach plan` takes it


def terms_of(asked: Mapping[str, Any]) -> tuple[Terms, Ways, str]:
    """Read the terms of a plan from plain values: `days`, `start`, `budget`, `floor`, `per_day`, `take_up`, `centres`, `teams`, `hours`.

    Raises:
        InputError: The opening hours cannot be read.
    """
    start = date.fromisoformat(str(asked["start"]))
    hours = str(asked.get("hours") or "")
    if hours:
        read_hours(hours)
    terms = Terms(
        days=int(asked["days"]), start=start, per_day=float(asked.get("per_day") or 40.0),
        take_up=float(asked.get("take_up") or 0.6), budget=float(asked["budget"]) if asked.get("budget") else None,
        floor=float(asked.get("floor", 0.5)), rest_days=plan_outreach.weekend(country_in_use(), start),
    )  # fmt: skip
    return terms, Ways(centres=int(asked.get("centres") or 0), teams=int(asked.get("teams") or 0)), hours


def run(
    *, token: str, path: Path, title: str, asked: Mapping[str, Any], bases: str = "", roads: str = "",
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Make a plan and keep it.

    Args:
        token: In whose name; `monitoring.write`.
        path: Places with their missing poor: code, missing, latitude, longitude, province, perhaps today_days.
        title: Of the plan.
        asked: See `terms_of`, and `vans` where no bases are given.
        bases: Path of a file of bases; empty without one.
        roads: Path of a file of roads; empty without one.
        progress: Told phases.
        at: When.

    Returns:
        `plan` (its number), `households` (that it registers), `gap`.

    Raises:
        InputError: The files or the terms cannot carry a plan.
    """
    with access.scoped(token):
        access.require(monitoring.PERMISSION)
    terms, ways, hours = terms_of(asked)
    progress(0, 2, "planning")
    made = plan_outreach.on_files(
        read_table(path), terms, missing="missing", bases=read_table(Path(bases)) if bases else None,
        vans=int(asked.get("vans") or 0), roads=read_table(Path(roads)) if roads else None,
        ways=ways, hours=read_hours(hours) if hours else None, per_hour=PER_HOUR,
    )  # fmt: skip
    progress(1, 2, "planning")
    kept = {**dict(asked), "rest_days": list(terms.rest_days)}
    number = plan_outreach.keep(token=token, title=title, result=made, parameters=kept, at=at)
    progress(2, 2, "done")
    for file in filter(None, (str(path), bases, roads)):
        Path(file).unlink(missing_ok=True)
    return {"plan": number, "households": round(made["registered"]), "gap": made["gap"]}
