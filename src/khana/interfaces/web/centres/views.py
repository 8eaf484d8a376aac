"""The queue of a centre: numbers, desks, who is called next, appointments, where a van stands, what the day gave."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.intake import centres as reads
from khana.intake import due, selectors
from khana.intake.centre_words import centre_words
from khana.intake.services import centres as service
from khana.intake.services import queue
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError, NotFound

DAYS = 14


def _words(of: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    language = wording.language()
    return [(code, texts.get(language) or texts["en"]) for code, texts in of.items()]


def _say(of: dict[str, dict[str, str]], code: str) -> str:
    texts = of.get(code, {})
    return texts.get(wording.language()) or texts.get("en") or code


@session.needs("centres.read")
@require_GET
def centres(request: HttpRequest) -> HttpResponse:
    """List centres, vans and camps with what today gave, and where vans stand in the coming days."""
    today, now = clock.today(), clock.now()
    done = reads.figures_by_point(begins=today, ends=today + timedelta(days=1), now=now)
    points = [
        {"row": row, "kind": wording.say(wording.POINT_KIND, row.kind), "figures": done.get(row.pk)}
        for row in reads.list_points(on=today)
    ]
    planned = reads.stops(begins=today, ends=today + timedelta(days=DAYS))
    late = due.counts([stop.area_path for stop in planned])
    stops = [
        {"row": stop, "area": stop.area_path.rstrip(".").split(".")[-1], "due": late.get(stop.area_path, 0)}
        for stop in planned
    ]
    return render(request, "centres/centres.html", {"points": points, "stops": stops, "today": today})


@session.needs("centres.read")
@require_GET
def centre(request: HttpRequest, code: str) -> HttpResponse:
    """Show the queue of one centre, van or camp: who waits, which desk has whom, what the last days gave."""
    today, now, words = clock.today(), clock.now(), centre_words()
    point = service.get_point(code)
    desks = reads.open_desks(point)
    rows = [_visit(row, now) for row in reads.queue(point, today)]
    actor = session.actor_of(request).id
    mine = next((desk for desk in desks if desk.actor_id == actor), None)
    by_day = reads.figures_by_day(point, begins=today - timedelta(days=6), ends=today + timedelta(days=1), now=now)
    free = sorted(set(range(1, point.desks + 1)) - {desk.desk for desk in desks})
    may_desk = session.may(request, "registry.read") and session.may(request, "submissions.send")
    context: dict[str, Any] = {
        "point": point, "kind": wording.say(wording.POINT_KIND, point.kind), "due": due.counts([point.area_path])[point.area_path],
        "may_see_due": session.may(request, "registry.read"), "forms": selectors.in_force(today) if may_desk else [],
        "waiting": [row for row in rows if row["row"].state == "WAITING"], "called": [row for row in rows if row["row"].state == "CALLED"],
        "ended": [_visit(row, now) for row in reads.ended(point, today, 8)], "desks": desks, "mine": mine, "free": free,
        "appointments": [
            {"row": row, "purpose": _say(words.purposes, row.purpose), "priority": _say(words.priorities, row.priority)}
            for row in reads.appointments(point, today, 7)
        ],
        "stops": reads.stops(begins=today, ends=today + timedelta(days=DAYS), point=point), "today": by_day.get(today),
        "by_day": sorted(by_day.items(), reverse=True), "purposes": _words(words.purposes), "priorities": _words(words.priorities),
        "outcomes": _words(words.outcomes), "may_serve": session.may(request, "centres.serve"),
        "may_desk": may_desk,
    }  # fmt: skip
    return render(request, "centres/centre.html", context)


def _visit(row: reads.TokenRow, now: datetime) -> dict[str, Any]:
    words = centre_words()
    waited = ((row.called_at or row.done_at or now) - row.taken_at).total_seconds() / 60
    return {
        "row": row, "purpose": _say(words.purposes, row.purpose), "priority": _say(words.priorities, row.priority) if row.priority else "",
        "minutes": max(0, round(waited)), "desk": row.session.desk if row.session else None,
        "state": wording.say(wording.VISIT_STATE, row.state), "outcome": _say(words.outcomes, row.outcome) if row.outcome else "",
    }  # fmt: skip


@session.needs("centres.serve")
@require_GET
def token(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Show one number of today large, to be printed or shown."""
    point = service.get_point(code)
    row = next((one for one in reads.queue(point, clock.today()) if one.number == number), None)
    if row is None:
        raise queue.TokenUnknown("There is no such visit in your area.", token=number)
    before = sum(one.state == "WAITING" and one.number < number for one in reads.queue(point, clock.today()))
    return render(request, "centres/token.html", {"point": point, **_visit(row, clock.now()), "before": before})


def _take(request: HttpRequest, code: str, today: date, now: datetime) -> HttpResponse:
    asked = request.POST
    row = queue.take_token(
        point=code, purpose=asked.get("purpose", ""), priority=asked.get("priority", ""), number=asked.get("number", "")[:40],
        day=today, at=now,
    )  # fmt: skip
    return redirect("centres-token", code, row.number)


def _arrive(request: HttpRequest, code: str, today: date, now: datetime) -> HttpResponse:
    row = queue.arrive(reference=request.POST.get("reference", "")[:20], day=today, at=now)
    return redirect("centres-token", row.point.code, row.number)


def _book(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    asked = request.POST
    try:
        slot = datetime.fromisoformat(asked.get("slot", "")).replace(tzinfo=UTC)
    except ValueError as error:
        raise service.StopUnreadable("Choose a day and an hour.") from error
    row = queue.book(
        point=code, slot=slot, purpose=asked.get("purpose", ""), priority=asked.get("priority", ""),
        number=asked.get("number", "")[:40], at=now,
    )  # fmt: skip
    flash(
        request,
        "success",
        _("Booked. The reference for the family's slip is %(reference)s.") % {"reference": row.reference},
    )


def _open(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    desk = request.POST.get("desk", "")
    service.open_desk(code=code, desk=int(desk) if desk.isdecimal() and len(desk) < 4 else 0, at=now)


def _close(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    service.close_desk(code=code, at=now)


def _next(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    if queue.call_next(point=code, day=today, at=now) is None:
        flash(request, "warning", _("Nobody waits."))


def _end(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    asked, number = request.POST, request.POST.get("token", "")
    queue.finish(
        token=int(number) if number.isdecimal() and len(number) < 18 else 0, state=asked.get("state", ""),
        outcome=asked.get("outcome", ""), at=now,
    )  # fmt: skip


def _cancel(request: HttpRequest, code: str, today: date, now: datetime) -> None:
    queue.cancel_appointment(reference=request.POST.get("reference", "")[:20], at=now)


ACTIONS: dict[str, Callable[[HttpRequest, str, date, datetime], HttpResponse | None]] = {
    "take": _take, "arrive": _arrive, "book": _book, "open": _open, "close": _close, "next": _next, "end": _end, "cancel": _cancel,
}  # fmt: skip


@session.needs("centres.serve")
@require_POST
def act(request: HttpRequest, code: str, action: str) -> HttpResponse:
    """Do one thing at the queue and come back to it; what is not possible is said there."""
    if action not in ACTIONS:
        raise queue.TokenUnknown("There is nothing of this name to do at a queue.")
    service.get_point(code)
    try:
        answer = ACTIONS[action](request, code, clock.today(), clock.now())
    except (Conflict, InputError, NotFound) as error:
        flash(request, "warning", error_wording(error))
        answer = None
    return answer or redirect("centres-point", code)
