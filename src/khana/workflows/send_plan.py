"""An outreach plan goes to `intake` as dated places and targets, and its results come back to correct the estimates.

A van becomes a point with its stops day by day, a centre a point of its own, a sweep the target of its place; sent twice, nothing
is there twice. What came in since is read from `intake` by area, and held against the plan's targets.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.intake import centres as seen
from khana.intake.services import centres, field_staff
from khana.monitoring import selectors as monitoring
from khana_methods.coverage.results_back import Result, correct
from khana_methods.errors import InputError


class PlacesUnknown(InputError):
    """No place of the plan is the code of an area."""

    code: ClassVar[str] = "workflows.plan_places_unknown"


def run(*, token: str, plan: int, at: datetime) -> dict[str, Any]:
    """Send a kept plan to intake.

    Args:
        token: In whose name; `results.read`, and `centres.manage` over the plan's areas.
        plan: Its number.
        at: When.

    Returns:
        Counts of points, stops and targets; `unknown`: places that are no area and were left out.

    Raises:
        NothingMeasured: There is no such plan.
        PlacesUnknown: Not one of its places is an area.
    """
    with access.scoped(token):
        access.require("results.read")
        access.require("centres.manage")
        found = monitoring.get_plan(plan)
        number = int(found["plan"])
        rows = list(found["rows"])
        paths = geo.paths_of({str(row["place"]) for row in rows})
        known = [row for row in rows if row["place"] in paths]
        if not known:
            raise PlacesUnknown("No place of the plan is the code of an area here.", plan=number)
        told = {"points": 0, "stops": 0, "targets": 0, "unknown": len({r["place"] for r in rows} - set(paths))}
        resting = {int(day) for day in found["parameters"].get("rest_days", ())}
        hours: Mapping[str, Sequence[str]] = found["summary"].get("hours") or {}
        by_van: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
        for row in known:
            if row.get("kind", "van") == "van":
                by_van[str(row["base"]), int(row["van"])].append(row)
            elif row["kind"] == "centre":
                told["points"] += _point(f"P{number}-C-{row['place']}", f"{found['title']}: {row['place']}", "CENTRE", str(row["place"]),
                                         row, row, at)  # fmt: skip
        for (base, van), stays in by_van.items():
            code = f"P{number}-{base}-{van}".replace(" ", "_")[:60]
            over = _shared([paths[stay["place"]] for stay in stays]) or str(stays[0]["place"])
            stays.sort(key=lambda row: row["first_day"])
            told["points"] += _point(code, f"{found['title']}: {base} {van}", "VAN", over, stays[0], stays[-1], at)
            told["stops"] += centres.plan_stops(code=code, rows=_days(stays, resting, hours), at=at)["stops"]
        told["targets"] = _targets(known, found["title"], at)
        audit.record(action="monitoring.plan.sent", subject=f"plan:{number}", details=told, at=at)
    return {"plan": number, **told}


def _shared(paths: Sequence[str]) -> str:
    """Return the code of the smallest area that holds all paths; empty where there is none."""
    parts = [path.rstrip(".").split(".") for path in paths]
    shared = ""
    for codes in zip(*parts, strict=False):
        if len(set(codes)) > 1:
            break
        shared = codes[0]
    return shared


def _point(
    code: str, name: str, kind: str, area: str, first: Mapping[str, Any], last: Mapping[str, Any], at: datetime
) -> int:
    begins, ends = date.fromisoformat(first["first_day"]), date.fromisoformat(last["last_day"])
    position = None
    if kind == "CENTRE" and first.get("latitude") is not None:
        position = (float(first["latitude"]), float(first["longitude"]))
    with contextlib.suppress(centres.PointTaken):
        centres.add_point(
            code=code, name=name[:120], kind=kind, area_code=area, desks=2, valid_from=begins,
            valid_to=ends + timedelta(days=1), position=position, at=at,
        )  # fmt: skip
        return 1
    return 0


def _days(
    stays: Sequence[Mapping[str, Any]], resting: set[int], hours: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Return one row a working day of a van."""
    made: list[dict[str, Any]] = []
    for stay in stays:
        day, last = date.fromisoformat(stay["first_day"]), date.fromisoformat(stay["last_day"])
        while day <= last:
            open_ = hours.get(str(day.weekday()))
            if (open_ is not None) if hours else day.weekday() not in resting:
                expected = round(float(stay["target"]) / max(1, int(stay["days"])))
                span = {"opens": time.fromisoformat(open_[0]), "closes": time.fromisoformat(open_[1])} if open_ else {}
                made.append({
                    "day": day, "area": stay["place"], "place": stay["place"], "expected": expected, **span,
                    "latitude": stay.get("latitude"), "longitude": stay.get("longitude"),
                })  # fmt: skip
            day += timedelta(days=1)
    return made


def _targets(rows: Sequence[Mapping[str, Any]], title: str, at: datetime) -> int:
    by_place: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        by_place[str(row["place"])].append(row)
    made = 0
    for place, stays in sorted(by_place.items()):
        households = round(sum(float(stay["target"]) for stay in stays))
        if households < 1:
            continue
        begins = min(date.fromisoformat(stay["first_day"]) for stay in stays)
        ends = max(date.fromisoformat(stay["last_day"]) for stay in stays) + timedelta(days=1)
        field_staff.set_target(area_code=place, households=households, begins=begins, ends=ends, note=title, at=at)
        made += 1
    return made


def results(*, token: str, plan: int, at: datetime) -> dict[str, Any]:
    """Hold what was registered against a plan and correct its estimates.

    Args:
        token: In whose name; `results.read`, and `centres.read` over the plan's areas: an area out of reach counts nothing.
        plan: Its number.
        at: When; days that have not come yet are left out of the span.

    Returns:
        `take_up_factor`, and `rows`: code, target, registered, ratio, missing before, `missing` that is left, with position and
        province, so that the file is the next plan's input.

    Raises:
        NothingMeasured, NothingPlanned: There is no such plan, or it has no target.
    """
    with access.scoped(token):
        access.require("results.read")
        access.require("centres.read")
        found = monitoring.get_plan(plan)
        by_place: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in found["rows"]:
            by_place[str(row["place"])].append(row)
        paths = geo.paths_of(by_place)
        registered = _registered(by_place, paths)
    given = [
        Result(place, float(stays[0].get("missing") or 0.0), sum(float(s["target"]) for s in stays), registered.get(place, 0))
        for place, stays in by_place.items()
    ]  # fmt: skip
    made = correct(given)
    rows = []
    for one in made.places:
        first = by_place[one.place][0]
        rows.append({
            "code": one.place, "province": first.get("province", ""), "latitude": first.get("latitude"), "longitude": first.get("longitude"),
            "target": one.target, "registered": one.registered, "ratio": one.ratio, "missing_before": one.before, "missing": one.missing,
        })  # fmt: skip
    asked = {key: value for key, value in asdict(made).items() if key != "places"}
    return {"plan": int(found["plan"]), **asked, "target": sum(r["target"] for r in rows), "registered": sum(r["registered"] for r in rows), "rows": rows}  # fmt: skip


def _registered(by_place: Mapping[str, Sequence[Mapping[str, Any]]], paths: Mapping[str, str]) -> dict[str, int]:
    """Return what intake registered in each place between its first and its last day of the plan."""
    made: dict[str, int] = {}
    asked: dict[tuple[str, date, date], list[str]] = defaultdict(list)
    for place, stays in by_place.items():
        if place not in paths:
            continue
        above = paths[place].rstrip(".").rpartition(".")[0]
        begins = min(date.fromisoformat(stay["first_day"]) for stay in stays)
        ends = max(date.fromisoformat(stay["last_day"]) for stay in stays) + timedelta(days=1)
        asked[f"{above}." if above else "", begins, ends].append(place)
    for (under, begins, ends), places in asked.items():
        reached = {one.area_path: one.registered for one in seen.progress(under=under, begins=begins, ends=ends)}
        made |= {place: reached.get(paths[place], 0) for place in places}
    return made
