"""An outreach plan from files to dated stops; kept for the pages where somebody asks for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from khana_country.load import load_document
from khana_methods.coverage.outreach import Terms, plan_outreach
from khana_methods.coverage.outreach_files import make_bases, read_bases, read_places, read_roads

if TYPE_CHECKING:
    import pyarrow as pa

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def weekend(country: str, on: date) -> tuple[int, ...]:
    """Return the rest days of a country in force on a day, Monday is 0."""
    entries = [entry for entry in load_document(country, "country").get("weekend", ()) if entry["from"] <= on]
    return tuple(_DAYS.index(day) for day in entries[-1]["days"]) if entries else (5, 6)


def on_files(
    places: pa.Table, terms: Terms, *, missing: str, bases: pa.Table | None, vans: int, roads: pa.Table | None
) -> dict[str, Any]:
    """Make a plan; see `khana_methods.coverage.outreach`.

    Raises:
        InputError: The files or the terms cannot carry a plan.
    """
    read = read_places(places, missing=missing)
    made = plan_outreach(
        read, read_bases(bases) if bases is not None else make_bases(read, vans), terms,
        roads=read_roads(roads) if roads is not None else None,
    )  # fmt: skip
    rows = [
        {**asdict(stop), "first_day": stop.first_day.isoformat(), "last_day": stop.last_day.isoformat()}
        for stop in made.stops
    ]
    return {
        "registered": made.registered, "cost": made.cost, "bound": made.bound, "gap": made.gap, "today": made.today,
        "today_is": made.today_is, "by_province": dict(made.by_province), "notes": list(made.notes), "rows": rows,
    }  # fmt: skip


def keep(*, token: str, title: str, result: Mapping[str, Any], parameters: Mapping[str, Any], at: datetime) -> int:
    """Keep a plan under a name; return its number. Needs `monitoring.write`."""
    from khana.access import services as access
    from khana.monitoring import services as monitoring

    summary = {name: value for name, value in result.items() if name != "rows"}
    with access.scoped(token):
        return monitoring.keep_plan(title=title, parameters=parameters, summary=summary, stops=result["rows"], at=at)
