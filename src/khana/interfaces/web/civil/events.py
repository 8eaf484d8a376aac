"""Civil events of the reader's area: look at what each proposes and whom it means, then accept or refuse it with a reason."""

from __future__ import annotations

import io
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import services as access
from khana.dossiers import civil_list
from khana.identity import civil_queue
from khana.identity.services import civil_events as service
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.civil import words
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError

PAGE_SIZE = 25
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@session.needs("registry.read")
@require_GET
def events(request: HttpRequest) -> HttpResponse:
    """Show one page of events of one state; what waits for a decision first of all."""
    return _events(request)


def _asked(request: HttpRequest) -> tuple[str, str]:
    """Return the state and kind asked for; what is none of them is the first state, and every kind."""
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    return (state if state in civil_queue.STATES else "PROPOSED", kind if kind in civil_queue.KINDS else "")


def _events(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    state, kind = _asked(request)
    typed = request.GET.get("after", "")
    after = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 15 else 0
    page = civil_list.page(state=state, kind=kind, after=after, limit=PAGE_SIZE, at=clock.now())
    counts = civil_queue.counts()
    context = {
        "state": state, "kind": kind, "is_first": not after, "after": page.after, "error": error, "rows": [_row(row) for row in page.rows],
        "states": [(code, wording.say(words.STATE, code), _count(counts, code)) for code in civil_queue.STATES],
        "kinds": [(code, wording.say(words.KIND, code)) for code in civil_queue.KINDS],
        "may_decide": session.may(request, "registry.write"), "may_place": _may_place(state),
    }  # fmt: skip
    return render(request, "civil/events.html", context, status=status)


def _count(counts: dict[str, int], state: str) -> tuple[int, bool] | None:
    """Return how many wait in a state and whether there are more, None where nobody counts."""
    found = counts.get(state)
    return None if found is None else (found, found >= civil_queue.COUNTED_AT_MOST)


def _may_place(state: str) -> bool:
    """Say whether the reader may have the people of events looked for again: the whole country is hers."""
    if state not in ("UNMATCHED", "AMBIGUOUS"):
        return False
    try:
        access.require("registry.write", everywhere=True)
    except access.PermissionMissing:
        return False
    return True


def _row(row: civil_list.EventRow) -> dict[str, Any]:
    event = row.event
    child = row.newborn
    return {
        "row": row, "event": event, "kind": wording.say(words.KIND, event["kind"]), "state": wording.say(words.STATE, event["state"]),
        "why": wording.say(words.WHY, event["why"]) if event["why"] else "", "is_open": event["state"] == "PROPOSED",
        "proposes": wording.say(words.PROPOSES, event["kind"]) if event["state"] == "PROPOSED" else "",
        "person": _named(row.person), "other": _named(row.other), "child": child.get("name") or child.get("name_native", ""),
        "child_sex": wording.say(words.CHILD, child.get("sex", "")) if child else "",
    }  # fmt: skip


def _named(person: Any) -> str:
    return (person.name or person.name_native) if person is not None else ""


@session.needs("registry.write")
@require_POST
def decide(request: HttpRequest, event: int) -> HttpResponse:
    """Accept what one event proposes, which changes the register, or refuse it."""
    decision = request.POST.get("decision", "")[:20]
    try:
        done = service.decide(
            event_id=event, decision=decision, reason=request.POST.get("reason", "")[:400], at=clock.now()
        )
    except (InputError, Conflict) as error:
        return _events(request, error=error_wording(error), status=error.http_status)
    if decision == "REFUSED":
        flash(request, "success", _("Kept. The file stays as it was."))
    elif done.get("heads"):
        flash(request, "warning", _("Kept. The household needs another head: ask for its questionnaire."))
    else:
        flash(request, "success", _("Kept. The register says so from that day on."))
    return redirect("civil")


@session.needs("registry.read")
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponse:
    """Send the events of one state as a file of ids and codes, without a name."""
    if form not in TYPES:
        raise Http404
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    state, kind = _asked(request)
    target = io.BytesIO()
    civil_list.write(state=state, kind=kind, target=target, format=form, at=clock.now())
    response = HttpResponse(target.getvalue(), content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="khana-civil-events-{state.lower()}.{form}"'
    return response
