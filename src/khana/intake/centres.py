"""Reads of centres, vans and camps: the queue now, how long people wait, who came again, what areas reached of their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q

from khana.intake.centre_words import centre_words
from khana.intake.models import Accreditation, Appointment, DeskSession, Device, QueueToken, RegistrationPoint, Stop
from khana.platform import bulk

# rows as interfaces name them: a room's models stay its own
PointRow = RegistrationPoint
StopRow = Stop
TokenRow = QueueToken


@dataclass(frozen=True)
class Figures:
    """What one point did in a span of days.

    Attributes:
        visits: Numbers taken.
        served: Visits that were served.
        missed: Called and not there.
        left: Went away before they were called.
        waiting: Still in the queue.
        priority: Visits that went first.
        revisits: Visits of a number that was shown at any point in the 90 days before.
        identified: Visits where a number was shown: revisits are a share of these.
        wait_median: Minutes from number to call.
        wait_p90: The same, which nine of ten do not exceed.
        serve_median: Minutes from call to end.
        desk_hours: Hours that desks were open.
        per_desk_hour: Served visits for each of these hours; None where no desk was open.
    """

    visits: int
    served: int
    missed: int
    left: int
    waiting: int
    priority: int
    revisits: int
    identified: int
    wait_median: float | None
    wait_p90: float | None
    serve_median: float | None
    desk_hours: float
    per_desk_hour: float | None


def list_points(*, on: date | None = None, kind: str = "") -> list[RegistrationPoint]:
    """Return the points of the scope by name, those of one day where one is given."""
    found = RegistrationPoint.objects.order_by("kind", "name", "id")
    if on is not None:
        found = found.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on), valid_from__lte=on)
    return list(found.filter(kind=kind) if kind else found)


def queue(point: RegistrationPoint, day: date) -> list[QueueToken]:
    """Return who is waiting or at a desk, in the order of their numbers."""
    states = (QueueToken.State.WAITING, QueueToken.State.CALLED)
    found = QueueToken.objects.select_related("session", "household").filter(point=point, day=day, state__in=states)
    return list(found.order_by("number"))


def ended(point: RegistrationPoint, day: date, limit: int = 20) -> list[QueueToken]:
    """Return the visits that ended last."""
    found = QueueToken.objects.select_related("session").filter(point=point, day=day, done_at__isnull=False)
    return list(found.order_by("-done_at", "-id")[:limit])


def open_desks(point: RegistrationPoint) -> list[DeskSession]:
    """Return the desks that are open."""
    return list(DeskSession.objects.filter(point=point, closed_at__isnull=True).order_by("desk"))


def appointments(point: RegistrationPoint, day: date, days: int = 1) -> list[Appointment]:
    """Return open appointments of a day, or of some days from it on."""
    return list(
        Appointment.objects.filter(
            point=point, slot__date__gte=day, slot__date__lt=day + timedelta(days=days), state=Appointment.State.BOOKED
        ).order_by("slot", "id")
    )


def stops(*, begins: date, ends: date, point: RegistrationPoint | None = None) -> list[Stop]:
    """Return the stops of the scope in a span of days (the last one not among them), in the order of the days."""
    found = Stop.objects.select_related("point").filter(day__gte=begins, day__lt=ends, cancelled_at__isnull=True)
    return list((found.filter(point=point) if point else found).order_by("day", "point__name", "id")[:2000])


_FIGURES = """WITH visit AS (
    SELECT t.*, t.visitor_token IS NOT NULL AND EXISTS (
        SELECT FROM intake_queuetoken o WHERE o.visitor_token = t.visitor_token AND o.id <> t.id
          AND o.day <= t.day AND o.day > t.day - %(revisit)s AND o.taken_at < t.taken_at) AS again
    FROM intake_queuetoken t WHERE t.day >= %(begins)s AND t.day < %(ends)s AND (%(point)s::bigint IS NULL OR t.point_id = %(point)s))
SELECT {key}, count(*)::int, count(*) FILTER (WHERE state = 'SERVED')::int, count(*) FILTER (WHERE state = 'MISSED')::int,
       count(*) FILTER (WHERE state = 'LEFT')::int, count(*) FILTER (WHERE state IN ('WAITING', 'CALLED'))::int,
       count(*) FILTER (WHERE priority <> '')::int, count(*) FILTER (WHERE again)::int,
       count(*) FILTER (WHERE visitor_token IS NOT NULL)::int,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM called_at - taken_at) / 60) FILTER (WHERE called_at IS NOT NULL),
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM called_at - taken_at) / 60) FILTER (WHERE called_at IS NOT NULL),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done_at - called_at) / 60) FILTER (WHERE state = 'SERVED')
FROM visit GROUP BY 1 ORDER BY 1"""
_HOURS = """SELECT {key}, sum(extract(epoch FROM coalesce(closed_at, %(now)s) - opened_at) / 3600)::float
FROM intake_desksession WHERE (opened_at AT TIME ZONE 'UTC')::date >= %(begins)s AND (opened_at AT TIME ZONE 'UTC')::date < %(ends)s
  AND (%(point)s::bigint IS NULL OR point_id = %(point)s) GROUP BY 1"""


def _figures(
    key: str, hours_key: str, begins: date, ends: date, point: int | None, now: datetime
) -> dict[Any, Figures]:
    cursor = bulk.raw_cursor()
    values = {"begins": begins, "ends": ends, "point": point, "now": now, "revisit": centre_words().revisit_days}
    hours = dict(cursor.execute(_HOURS.format(key=hours_key), values).fetchall())
    found = {}
    for row in cursor.execute(_FIGURES.format(key=key), values).fetchall():
        spent = float(hours.get(row[0]) or 0.0)
        median, p90, serve = (None if value is None else float(value) for value in row[9:12])
        found[row[0]] = Figures(
            visits=row[1], served=row[2], missed=row[3], left=row[4], waiting=row[5], priority=row[6], revisits=row[7],
            identified=row[8], wait_median=median, wait_p90=p90, serve_median=serve, desk_hours=spent,
            per_desk_hour=row[2] / spent if spent else None,
        )  # fmt: skip
    return found


def figures_by_point(*, begins: date, ends: date, now: datetime) -> dict[int, Figures]:
    """Return the figures of every point of the scope that had visits in a span of days, by the point's id."""
    return _figures("point_id", "point_id", begins, ends, None, now)


def figures_by_day(point: RegistrationPoint, *, begins: date, ends: date, now: datetime) -> dict[date, Figures]:
    """Return the figures of one point by day."""
    return _figures("day", "(opened_at AT TIME ZONE 'UTC')::date", begins, ends, point.pk, now)


@dataclass(frozen=True)
class Progress:
    """What one area reached.

    Attributes:
        area_path: The area.
        registered: Households that were registered or renewed in the span.
        sent: Filled forms that arrived.
        target: Households asked for, summed over the targets at or under the area; 0 where none is set.
        share: registered / target; None without a target.
    """

    area_path: str
    registered: int
    sent: int
    target: int
    share: float | None


_PROGRESS = """WITH part AS (
    SELECT split_part(substr(s.area_path, length(%(under)s) + 1), '.', 1) AS code, s.state, s.household_id
    FROM intake_submission s
    WHERE s.area_path ^@ %(under)s AND s.received_at >= %(begins)s AND s.received_at < %(ends)s),
done AS (SELECT code, count(*)::int AS sent, count(DISTINCT household_id) FILTER (WHERE state = 'REGISTERED')::int AS registered
         FROM part WHERE code <> '' GROUP BY code),
asked AS (SELECT split_part(substr(t.area_path, length(%(under)s) + 1), '.', 1) AS code, sum(t.households)::int AS target
          FROM intake_target t WHERE t.area_path ^@ %(under)s AND t.area_path <> %(under)s AND t.begins < %(ends)s AND t.ends > %(begins)s
          GROUP BY 1)
SELECT coalesce(d.code, a.code), coalesce(d.registered, 0), coalesce(d.sent, 0), coalesce(a.target, 0)
FROM done d FULL JOIN asked a ON a.code = d.code ORDER BY 1"""


def progress(*, under: str, begins: date, ends: date) -> list[Progress]:
    """Return what the areas right below one area reached in a span of days, within the scope.

    Args:
        under: Path of the area above; empty for the uppermost.
        begins: First day.
        ends: The day after the last.
    """
    rows = bulk.raw_cursor().execute(_PROGRESS, {"under": under, "begins": begins, "ends": ends}).fetchall()
    return [
        Progress(f"{under}{code}.", registered, sent, target, registered / target if target else None)
        for code, registered, sent, target in rows
    ]


@dataclass(frozen=True)
class Enumerator:
    """One enumerator: what she may do until when, what she carries, what she sent."""

    user_id: int
    label: str
    accredited_until: date | None
    is_accredited: bool
    trainings: int
    devices: Sequence[str]
    areas: Sequence[str]
    sent: int
    returned: int


_STAFF = """SELECT u.user_id, max(u.label), coalesce(max(s.sent), 0)::int, coalesce(max(s.returned), 0)::int,
       coalesce((SELECT array_agg(DISTINCT a.area_path ORDER BY a.area_path) FROM intake_assignment a
                 WHERE a.user_id = u.user_id AND a.valid_from <= %(on)s AND (a.valid_to IS NULL OR a.valid_to > %(on)s)), '{}')
FROM (SELECT user_id, user_label AS label FROM intake_accreditation UNION ALL SELECT user_id, user_label FROM intake_device
      UNION ALL SELECT user_id, '' FROM intake_assignment WHERE valid_to IS NULL OR valid_to > %(on)s
      UNION ALL SELECT actor_id, actor_label FROM intake_submission WHERE received_at > %(since)s) u
LEFT JOIN (SELECT actor_id, count(*) AS sent, count(*) FILTER (WHERE state = 'RETURNED') AS returned
           FROM intake_submission WHERE received_at > %(since)s GROUP BY actor_id) s ON s.actor_id = u.user_id
GROUP BY u.user_id ORDER BY 2, 1"""


def enumerators(*, on: date, days: int = 30) -> list[Enumerator]:
    """Return who is in the field within the scope: accredited, equipped, assigned, or has sent forms in the last days."""
    rows = bulk.raw_cursor().execute(_STAFF, {"on": on, "since": on - timedelta(days=days)}).fetchall()
    papers: dict[int, list[Accreditation]] = {}
    for paper in Accreditation.objects.order_by("id"):
        papers.setdefault(paper.user_id, []).append(paper)
    carried: dict[int, list[str]] = {}
    for device in Device.objects.filter(returned_on__isnull=True).order_by("id"):
        carried.setdefault(device.user_id, []).append(device.label or device.device_id)
    found = []
    for user, label, sent, returned, areas in rows:
        mine = [one for one in papers.get(user, []) if one.kind == Accreditation.Kind.ACCREDITATION]
        valid = [one for one in mine if _stands(one, on)]
        ends = [one.expires_on for one in valid]
        found.append(
            Enumerator(
                user_id=user, label=label, is_accredited=bool(valid), trainings=len(papers.get(user, [])) - len(mine),
                accredited_until=None if not ends or None in ends else max(one for one in ends if one is not None),
                devices=tuple(carried.get(user, ())), areas=tuple(areas), sent=sent, returned=returned,
            )
        )  # fmt: skip
    return found


def _stands(paper: Accreditation, on: date) -> bool:
    last = min((one for one in (paper.expires_on, paper.withdrawn_on) if one is not None), default=None)
    return paper.granted_on <= on and (last is None or on < last)


def accreditations(*, expiring_before: date | None = None) -> list[Accreditation]:
    """Return accreditations of the scope that were not withdrawn, those that end soonest first."""
    found = Accreditation.objects.filter(withdrawn_on__isnull=True).order_by("expires_on", "user_label", "id")
    if expiring_before is not None:
        found = found.filter(expires_on__lt=expiring_before)
    return list(found[:1000])


def devices() -> list[Device]:
    """Return the devices of the scope, those in use first."""
    return list(Device.objects.order_by("returned_on", "user_label", "id")[:1000])
