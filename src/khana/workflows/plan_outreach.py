"""An outreach plan from files to dated stops; kept for the pages where somebody asks for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from khana_country.load import load_document
from khana_methods.coverage.opening_hours import Hours, closed_days, per_day
from khana_methods.coverage.outreach import Place, Plan, Terms, plan_outreach, working_days
from khana_methods.coverage.outreach_files import make_bases, read_bases, read_places, read_roads
from khana_methods.coverage.outreach_ways import Ways, WaysPlan, plan_ways

if TYPE_CHECKING:
    import pyarrow as pa

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def weekend(country: str, on: date) -> tuple[int, ...]:
    """Return the rest days of a country in force on a day, Monday is 0."""
    entries = [entry for entry in load_document(country, "country").get("weekend", ()) if entry["from"] <= on]
    return tuple(_DAYS.index(day) for day in entries[-1]["days"]) if entries else (5, 6)


def on_files(
    places: pa.Table, terms: Terms, *, missing: str, bases: pa.Table | None, vans: int, roads: pa.Table | None,
    ways: Ways | None = None, hours: Hours | None = None, per_hour: float = 0.0,
) -> dict[str, Any]:  # fmt: skip
    """Make a plan; see `khana_methods.coverage.outreach` and `outreach_ways`.

    Args:
        places: A row a union.
        terms: What vans may use, and the days, budget and floor of all.
        missing: Column of missing poor households.
        bases: Where vans are.
        vans: How many, where no bases are given.
        roads: Kilometres.
        ways: Centres and door-to-door teams beside the vans.
        hours: Opening hours by day of the week: closed days are no working days, and a van's day is as long as its hours.
        per_hour: Households that a van registers in an hour, where hours are given.

    Raises:
        InputError: The files or the terms cannot carry a plan.
    """
    read = read_places(places, missing=missing)
    if hours is not None:
        terms = replace(terms, rest_days=closed_days(hours))
        terms = replace(terms, per_day=per_day(hours, per_hour, working_days(terms)))
    starts = read_bases(bases) if bases is not None else make_bases(read, vans) if vans else []
    known = read_roads(roads) if roads is not None else None
    places_of = {place.code: place for place in read}
    if ways is not None and (ways.centres or ways.teams):
        mixed = plan_ways(read, starts, terms, ways, roads=known)
        stays = [{**asdict(one), "base": "", "van": one.team, "km": 0.0} for one in mixed.stays]
        rows = [{"kind": "van", **asdict(stop)} for stop in mixed.stops] + stays
        return _laid_out(mixed, _dated(rows, places_of), hours)
    made = plan_outreach(read, starts, terms, roads=known)
    return _laid_out(made, _dated([{"kind": "van", **asdict(stop)} for stop in made.stops], places_of), hours)


def _dated(rows: list[dict[str, Any]], places: Mapping[str, Place]) -> list[dict[str, Any]]:
    """Write days as text, and beside each row what its place is planned with: the next plan starts from it."""
    return [
        {
            **row, "first_day": row["first_day"].isoformat(), "last_day": row["last_day"].isoformat(),
            "missing": places[row["place"]].missing, "latitude": places[row["place"]].latitude,
            "longitude": places[row["place"]].longitude,
        }
        for row in rows
    ]  # fmt: skip


def _laid_out(made: Plan | WaysPlan, rows: list[dict[str, Any]], hours: Hours | None) -> dict[str, Any]:
    told = {} if hours is None else {str(day): [str(a)[:5], str(b)[:5]] for day, (a, b) in sorted(hours.items())}
    return {
        "hours": told,
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
