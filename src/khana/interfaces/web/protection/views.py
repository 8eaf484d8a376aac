"""Show the register of breaches and what is erased when; open, tell, close; try and run; hold, release; ask and confirm.

Whoever reads alarms sees both pages; only who decides on alarms sees forms. The rooms say what is wrong, in their words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import breaches as register
from khana.access import retention as room
from khana.access import services as access
from khana.access import tombstones
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana_methods.errors import Conflict, InputError, NotFound

MOST_HOURS = 24 * 365
REFUSED = (InputError, Conflict, NotFound)


@session.needs("alarms.read")
@require_GET
def breaches(request: HttpRequest) -> HttpResponse:
    """Show the register, each breach with its clocks."""
    return _breaches(request)


def _breaches(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    now = clock.now()
    rows = [
        {
            "breach": one,
            "kinds": [wording.say(wording.BREACH_KIND, kind) for kind in one.kinds],
            "risk": wording.say(wording.BREACH_RISK, one.risk),
            "clocks": [(clock_, wording.say(wording.CLOCK, clock_.state)) for clock_ in register.clocks(one, at=now)],
        }
        for one in register.list_all()
    ]
    context = {
        "rows": rows,
        "countries": [name for name in register.rules() if name != "letters"],
        "kinds": [(kind, words) for kind, words in wording.BREACH_KIND.items()],
        "risks": [(risk, words) for risk, words in wording.BREACH_RISK.items()],
        "may_decide": session.may(request, "alarms.decide"),
        "asked": request.POST,
        "error": error,
    }
    return render(request, "protection/breaches.html", context, status=status)


def _done(request: HttpRequest, act: Callable[[], object], said: str, page: str) -> HttpResponse:
    """Do one thing and go back to its page, or show there what stands against it."""
    show = {"breaches": _breaches, "retention": _retention}[page]
    try:
        act()
    except REFUSED as error:
        return show(request, error=error_wording(error), status=error.http_status)
    flash(request, "success", said)
    return redirect(page)


def _whole(text: str, most: int) -> int:
    """Return a whole number that somebody typed; -1, which every room refuses, where it is none or too large."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 and int(text) <= most else -1


@session.needs("alarms.decide")
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Open a breach; its clocks run from the hour at which somebody first knew."""
    said, now = request.POST, clock.now()
    hours = _whole(said.get("hours", ""), MOST_HOURS)

    def act() -> None:
        register.add(
            country=said.get("country", ""), what=said.get("what", "")[:2000], kinds=said.getlist("kinds"),
            person_count=_whole(said.get("persons", ""), 10**10), risk=said.get("risk", ""),
            aware_at=now - timedelta(hours=hours), measures=said.get("measures", "")[:2000], at=now,
        )  # fmt: skip

    return _done(request, act, _("Kept. The clocks run; the letters are ready below."), "breaches")


@session.needs("alarms.read")
@require_GET
def letter(request: HttpRequest, number: str) -> HttpResponse:
    """Give a letter as text, ready to sign, in the language asked for."""
    language = request.GET.get("in") or get_language() or "en"
    try:
        text = register.letter(
            number=number, audience=request.GET.get("to", "authority"), language=language,
            contact=request.GET.get("contact", "")[:200] or "-",
        )  # fmt: skip
    except REFUSED as error:
        return _breaches(request, error=error_wording(error), status=error.http_status)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@session.needs("alarms.decide")
@require_POST
def tell(request: HttpRequest, number: str) -> HttpResponse:
    """Write down that the authority or the persons were told now."""
    audience = request.POST.get("audience", "")
    return _done(
        request, lambda: register.tell(number=number, audience=audience, at=clock.now()), _("Kept, with the time."), "breaches"
    )  # fmt: skip


@session.needs("alarms.decide")
@require_POST
def close(request: HttpRequest, number: str) -> HttpResponse:
    """Close a breach with what was learned."""
    lesson = request.POST.get("lesson", "")[:2000]
    return _done(
        request, lambda: register.close(number=number, lesson=lesson, at=clock.now()), _("Kept. The breach is closed."), "breaches"
    )  # fmt: skip


@session.needs("alarms.read")
@require_GET
def retention(request: HttpRequest) -> HttpResponse:
    """Show rules, holds and erasures."""
    return _retention(request)


def _retention(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    own = access.actor_id()
    tried = jobs.last_done(kind="preview_erasure", actor_id=own)
    context = {
        "rules": room.rules(),
        "tried": tried and {"at": tried.ended_at, "as_of": tried.result.get("as_of", ""), **_told(tried.result)},
        "tombstones": [(one, wording.say(wording.ERASED_WHAT, one.what)) for one in tombstones.tombstones()],
        "holds": room.holds()[:200],
        "erasures": [(one, one.asked_by == own) for one in room.erasures()[:200]],
        "may_decide": session.may(request, "alarms.decide"),
        "may_erase": session.may(request, "retention.run"),
        "asked": request.POST,
        "error": error,
    }
    return render(request, "protection/retention.html", context, status=status)


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the last dry run told, for the page: rules, then deliveries with the words of what they wait for."""
    rows = [{**row, "waits": wording.say(wording.ERASURE_WAITS, row["waits"])} for row in result.get("rows", ())]
    more = int(result.get("deliveries", 0)) - len(rows)
    return {"rules": list(result.get("rules", {}).items()), "rows": rows, "more": max(0, more)}


@session.needs("retention.run")
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Ask, as a job, what would go on a day; the page shows the answer."""
    said = request.POST.get("on", "")
    try:
        arguments = {"as_of": date.fromisoformat(said).isoformat()} if said else {}
    except ValueError:
        return _retention(request, error=_("Choose a day."), status=422)
    return _ask(request, "preview_erasure", arguments)


@session.needs("retention.run")
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Erase, as a job, what is over now; it must have been looked at in a dry run of the same day."""
    tried = jobs.last_done(kind="preview_erasure", actor_id=access.actor_id())
    if tried is None or tried.ended_at is None or tried.ended_at < clock.now() - timedelta(days=1):
        return _retention(
            request, error=_("Look first at what would go: there is no dry run of yours of the last day."), status=409
        )
    return _ask(request, "erase_over", {})


def _ask(request: HttpRequest, kind: str, arguments: dict[str, str]) -> HttpResponse:
    access.require("retention.run", everywhere=True)
    return redirect(
        "jobs-job", jobs.enqueue(kind=kind, arguments=arguments, actor=session.actor_of(request), at=clock.now())
    )


@session.needs("alarms.decide")
@require_POST
def hold(request: HttpRequest) -> HttpResponse:
    """Keep what a rule would erase."""
    said = request.POST

    def act() -> None:
        room.hold(
            rule=said.get("rule", ""), subject=said.get("subject", "").strip()[:100], reason=said.get("reason", "")[:500],
            at=clock.now(),
        )  # fmt: skip

    return _done(request, act, _("Kept. What the hold names is not erased."), "retention")


@session.needs("alarms.decide")
@require_POST
def release(request: HttpRequest, number: int) -> HttpResponse:
    """End a hold."""
    return _done(
        request, lambda: room.release(number=number, at=clock.now()), _("Kept. The hold has ended."), "retention"
    )  # fmt: skip


@session.needs("retention.run")
@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Ask for the erasure of one file."""
    person, reason = _whole(request.POST.get("person", ""), 10**11), request.POST.get("reason", "")[:500]
    return _done(
        request, lambda: room.ask_erasure(person=person, reason=reason, at=clock.now()),
        _("Kept. Another officer must carry it out."), "retention",
    )  # fmt: skip


@session.needs("retention.run")
@require_POST
def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Erase a file that another officer asked for."""
    return _done(request, lambda: room.confirm_erasure(number=number), _("The file is erased."), "retention")
