"""Set up where families come: centres, vans and camps, where these stand on which day, who opened which desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, ClassVar

from django.db import IntegrityError, transaction

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.intake.models import DeskSession, RegistrationPoint, Stop
from khana_methods.errors import Conflict, InputError, NotFound

Kind = RegistrationPoint.Kind


class PointUnknown(NotFound):
    """No centre, van or camp of that code lies within the scope."""

    code: ClassVar[str] = "intake.centres.unknown"


class PointTaken(Conflict):
    """The code is another point's, the desk is open, or the van stands there already."""

    code: ClassVar[str] = "intake.centres.taken"


class StopUnreadable(InputError):
    """A row of a route names no day or no area."""

    code: ClassVar[str] = "intake.centres.stop_unreadable"


def get_point(code: str) -> RegistrationPoint:
    """Return a point by its code.

    Raises:
        PointUnknown: None lies within the scope.
    """
    row = RegistrationPoint.objects.filter(code=code).first()
    if row is None:
        raise PointUnknown(f"There is no centre, van or camp '{code}' in your area.", point=code)
    return row


def get_stop(*, point: RegistrationPoint, number: int) -> Stop:
    """Return a stop of a point.

    Raises:
        PointUnknown: The point has no such stop, or it was cancelled.
    """
    row = Stop.objects.filter(point=point, pk=number, cancelled_at__isnull=True).first()
    if row is None:
        raise PointUnknown(f"'{point.code}' has no stop {number}.", point=point.code, stop=number)
    return row


@transaction.atomic
def add_point(
    *, code: str, name: str, kind: str, area_code: str, desks: int, valid_from: date, valid_to: date | None = None,
    position: tuple[float, float] | None = None, hours: tuple[time, time] | None = None, at: datetime,
) -> RegistrationPoint:  # fmt: skip
    """Add a centre, a van or a camp.

    Args:
        code: Short and of its own.
        name: As people call it.
        kind: CENTRE, VAN or CAMP.
        area_code: The area it serves.
        desks: How many desks it has.
        valid_from: First day.
        valid_to: The day on which it is over.
        position: Latitude and longitude in degrees.
        hours: From and to, local time.
        at: When it is added.

    Raises:
        PointTaken: The code is in use.
        AreaUnknown: There is no such area.
    """
    access.require("centres.manage")
    if kind not in Kind.values or not code.strip() or not 1 <= desks <= 200:
        raise StopUnreadable("A point has a code, is a CENTRE, VAN or CAMP, and has 1 to 200 desks.")
    latitude, longitude = _position(position)
    values: dict[str, Any] = {
        "name": name.strip() or code, "kind": kind, "area_path": geo.get_path(area_code), "desks": desks, "valid_from": valid_from,
        "valid_to": valid_to, "latitude": latitude, "longitude": longitude, "actor_id": access.actor_id(), "added_at": at,
        "opens": hours[0] if hours else None, "closes": hours[1] if hours else None,
    }  # fmt: skip
    try:
        with transaction.atomic():
            row = RegistrationPoint.objects.create(code=code.strip(), **values)
    except IntegrityError:
        raise PointTaken(f"The code '{code}' is in use.", point=code) from None
    audit.record(
        action="intake.point.added", subject=f"point:{row.pk}", details={"kind": kind, "area": area_code}, at=at
    )
    return row


def _position(position: tuple[float, float] | None) -> tuple[float | None, float | None]:
    if position is None:
        return None, None
    latitude, longitude = position
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise StopUnreadable("A position is a latitude of -90 to 90 and a longitude of -180 to 180 degrees.")
    return latitude, longitude


@transaction.atomic
def close_point(*, code: str, on: date, at: datetime) -> None:
    """Close a point from a day on."""
    access.require("centres.manage")
    row = get_point(code)
    RegistrationPoint.objects.filter(pk=row.pk).update(valid_to=on)
    audit.record(action="intake.point.closed", subject=f"point:{row.pk}", details={"on": on.isoformat()}, at=at)


@transaction.atomic
def plan_stops(*, code: str, rows: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, int]:
    """Say where a van or camp stands on which days; a stop that is there already changes nothing.

    Args:
        code: Of the point.
        rows: With day (ISO) and area; place, latitude, longitude, opens, closes, expected where known.
        at: When it is planned.

    Returns:
        stops: how many are new; known: how many were there.

    Raises:
        StopUnreadable: A row names no day or no area; nothing is planned then.
    """
    access.require("centres.manage")
    point = get_point(code)
    paths = geo.paths_of({str(row.get("area") or "") for row in rows})
    stops = [_stop(point, row, number, paths, at) for number, row in enumerate(rows, start=1)]
    known = set(
        Stop.objects.filter(point=point, cancelled_at__isnull=True, day__in=[stop.day for stop in stops]).values_list(
            "day", "place"
        )
    )
    new = {(stop.day, stop.place): stop for stop in stops if (stop.day, stop.place) not in known}
    Stop.objects.bulk_create(new.values())
    details = {"stops": len(new), "known": len(stops) - len(new)}
    audit.record(action="intake.stops.planned", subject=f"point:{point.pk}", details=details, at=at)
    return details


def _stop(
    point: RegistrationPoint, row: Mapping[str, Any], number: int, paths: Mapping[str, str], at: datetime
) -> Stop:
    area = str(row.get("area") or "")
    try:
        day = row["day"] if isinstance(row["day"], date) else date.fromisoformat(str(row["day"])[:10])
        latitude, longitude = (
            float(row[name]) if row.get(name) not in (None, "") else None for name in ("latitude", "longitude")
        )
        opens, closes = (time.fromisoformat(str(row[name])) if row.get(name) else None for name in ("opens", "closes"))
        expected = round(float(row["expected"])) if row.get("expected") not in (None, "") else None
    except (KeyError, ValueError) as error:
        raise StopUnreadable(
            f"Row {number} names no day, or a number or time that cannot be read.", row=number
        ) from error
    if area not in paths:
        raise StopUnreadable(f"Row {number}: there is no area '{area}'.", row=number, area=area)
    return Stop(
        point=point, area_path=paths[area], day=day, place=str(row.get("place") or area), latitude=latitude, longitude=longitude,
        opens=opens, closes=closes, expected=expected, actor_id=access.actor_id(), added_at=at,
    )  # fmt: skip


@transaction.atomic
def cancel_stop(*, number: int, why: str, at: datetime) -> None:
    """Cancel a stop; it stays readable with its reason."""
    access.require("centres.manage")
    changed = Stop.objects.filter(pk=number, cancelled_at__isnull=True).update(cancelled_at=at, why_cancelled=why[:500])
    if not changed:
        raise PointUnknown("There is no such stop in your area, or it was cancelled before.", stop=number)
    audit.record(action="intake.stop.cancelled", subject=f"stop:{number}", at=at)


@transaction.atomic
def open_desk(*, code: str, desk: int, at: datetime) -> DeskSession:
    """Open a desk under the actor; her other desk at this point closes.

    Raises:
        PointTaken: Somebody else has it open.
        StopUnreadable: The point has no such desk.
    """
    access.require("centres.serve")
    point = get_point(code)
    if not 1 <= desk <= point.desks:
        raise StopUnreadable(f"The point has desks 1 to {point.desks}.", desk=desk)
    actor = access.actor_id()
    mine = DeskSession.objects.filter(point=point, actor_id=actor, closed_at__isnull=True).first()
    if mine is not None and mine.desk == desk:
        return mine
    if mine is not None:
        DeskSession.objects.filter(pk=mine.pk).update(closed_at=at)
    me = who.me()
    try:
        with transaction.atomic():
            row = DeskSession.objects.create(
                point=point,
                area_path=point.area_path,
                desk=desk,
                actor_id=actor,
                actor_label=me.username if me else "",
                opened_at=at,
            )
    except IntegrityError:
        raise PointTaken(f"Desk {desk} is open under somebody else. Choose another one.", desk=desk) from None
    audit.record(action="intake.desk.opened", subject=f"point:{point.pk}", details={"desk": desk}, at=at)
    return row


@transaction.atomic
def close_desk(*, code: str, desk: int = 0, at: datetime) -> int:
    """Close the actor's desk at a point, or any desk of it where she manages it; return how many were closed."""
    access.require("centres.serve")
    point = get_point(code)
    open_ones = DeskSession.objects.filter(point=point, closed_at__isnull=True)
    if desk:
        access.require("centres.manage")
        open_ones = open_ones.filter(desk=desk)
    else:
        open_ones = open_ones.filter(actor_id=access.actor_id())
    closed = open_ones.update(closed_at=at)
    if closed:
        audit.record(action="intake.desk.closed", subject=f"point:{point.pk}", details={"desks": closed}, at=at)
    return closed
