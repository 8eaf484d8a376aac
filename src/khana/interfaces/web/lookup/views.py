"""Search by number or name; open a person's or a household's file. Every opened file is recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from khana.audit import services as audit
from khana.dossiers import household_file as households
from khana.dossiers import person_file as people
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.lookup import presenters
from khana.platform import clock
from khana.registry.files import Clocks


@session.needs("registry.read", "recipients.read", "benefits.read")
@require_GET
def lookup(request: HttpRequest) -> HttpResponse:
    """Show the box, and what it found."""
    text = request.GET.get("q", "").strip()[:120]
    if not text:
        return render(
            request,
            "lookup/lookup.html",
            {"q": "", "result": None, "may_registers": session.may(request, "registry.read")},
        )
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    result = people.search(text, wording.language())
    audit.record(
        action="registry.searched", subject=f"search:{result.kind}", details={"found": len(result.hits)}, at=clock.now()
    )
    if result.household_number:
        return redirect("lookup-household", result.household_number)
    if result.kind == "number" and len(result.hits) == 1:
        return redirect("lookup-person", result.hits[0].person_id)
    hits = [{"hit": hit, "sex": wording.say(wording.SEX, hit.sex)} for hit in result.hits]
    # the text of a search may be a personal number: it is not shown back on a page that is kept, its address included
    shown = text if result.kind in ("name", "short") else ""
    back_to = "" if shown else request.path
    return render(request, "lookup/lookup.html", {"q": shown, "result": result, "hits": hits, "back_to": back_to})


def _clocks(request: HttpRequest) -> tuple[Clocks | None, dict[str, str], str]:
    """Read the two clocks of a page; both empty means now."""
    as_of, known = request.GET.get("as_of", ""), request.GET.get("as_known_at", "")
    asked = {"as_of": as_of, "as_known_at": known}
    if not as_of and not known:
        return None, asked, ""
    try:
        now = clock.now()
        day = date.fromisoformat(as_of) if as_of else now.date()
        last = datetime.combine(date.fromisoformat(known), time.max, UTC) if known else now
    except ValueError:
        return None, asked, _("That is not a date. Choose both days again.")
    return Clocks(day, last), asked, ""


@session.needs("registry.read")
@require_GET
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Show a person's file."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    clocks, asked, error = _clocks(request)
    file = people.person_file(person_id, clocks)
    audit.record(action="registry.person.read", subject=f"person:{file.person_id}", details=_day(asked), at=clock.now())
    return render(request, "lookup/person.html", {**presenters.person(file), "asked": asked, "error": error})


@session.needs("registry.read")
@require_GET
def household(request: HttpRequest, number: str) -> HttpResponse:
    """Show a household's file."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    clocks, asked, error = _clocks(request)
    file = households.household_file(number, clocks)
    audit.record(
        action="registry.household.read",
        subject=f"household:{file.facts.household_id}",
        details=_day(asked),
        at=clock.now(),
    )
    return render(
        request,
        "lookup/household.html",
        {
            **presenters.household(file),
            "asked": asked,
            "error": error,
            "may_score": session.may(request, "scores.desk"),
        },
    )


@session.needs("recipients.read")
@require_GET
def recipient(request: HttpRequest, recipient_id: int) -> HttpResponse:
    """Show the rows of one recipient of the one list; leads to her file where she has one."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    file = people.recipient_file(recipient_id)
    audit.record(action="beneficiaries.recipient.read", subject=f"recipient:{recipient_id}", at=clock.now())
    context = {
        "file": file,
        "place": presenters.place(file.way_down),
        "benefits": presenters.benefits(file.benefits),
        "may_open_person": file.recipient.person_id is not None and session.may(request, "registry.read"),
    }
    return render(request, "lookup/recipient.html", context)


def _day(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}
