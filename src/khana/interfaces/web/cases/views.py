"""Cases of an officer's area: what waits, what is late; answer one with what became of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.grievances import selectors
from khana.grievances.services import cases as service
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import Conflict, InputError


@session.needs("cases.answer")
@require_GET
def cases(request: HttpRequest) -> HttpResponse:
    """Show open cases, those due first before others, and the last answered ones."""
    return _cases(request)


def _cases(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    today = clock.now().date()
    context = {
        "open": _worded(selectors.list_cases(state="OPEN", today=today)),
        "answered": _worded(selectors.list_cases(state="ANSWERED", today=today, limit=50)),
        "outcomes": list(wording.CASE_OUTCOME.items()),
        "error": error,
    }
    return render(request, "cases/cases.html", context, status=status)


def _worded(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [
        {**row, "about": wording.say(wording.CASE_ABOUT, str(row["about"])),
         "outcome": wording.say(wording.CASE_OUTCOME, str(row["outcome"])) if row["outcome"] else ""}
        for row in rows
    ]  # fmt: skip


@session.needs("cases.answer")
@require_POST
def answer(request: HttpRequest, case: int) -> HttpResponse:
    """Answer one case."""
    try:
        service.answer(
            case=case,
            outcome=request.POST.get("outcome", "")[:30],
            note=request.POST.get("note", "")[:500],
            at=clock.now(),
        )
    except (InputError, Conflict) as error:
        return _cases(request, error=error_wording(error), status=error.http_status)
    flash(request, "success", _("Kept. She reads the answer in her own file."))
    return redirect("cases")
