"""Rows that could not be read: the list, one row with its text, correct, discard, replay."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.audit import services as audit
from khana.deliveries import batches, corrections
from khana.dossiers import source_file as dossier
from khana.interfaces.web import session
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.sources import presenters
from khana.platform import clock, jobs
from khana_methods.errors import KhanaError

PAGE_SIZE = 50


@session.needs("quarantine.read")
@require_GET
def quarantine(request: HttpRequest, code: str) -> HttpResponse:
    """Show one page of the rows of a source that wait."""
    found = dossier.source_file(code, at=clock.now())
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    rows = batches.quarantine(code, after=after, limit=PAGE_SIZE + 1)
    context = {
        **presenters.source(found),
        "tab": "quarantine",
        "rows": [presenters.held(row) for row in rows[:PAGE_SIZE]],
        "after": rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else 0,
        "is_first": after == 0,
        "corrected": batches.count_corrected(code),
        "may_write": session.may(request, "quarantine.write"),
        "may_export": session.may(request, "quarantine.read"),
    }
    return render(request, "sources/quarantine.html", context)


@session.needs("quarantine.write")
@require_http_methods(["GET", "POST"])
def row(request: HttpRequest, code: str, row_id: int) -> HttpResponse:
    """Show one row with its text; keep its correction, or discard it with a reason."""
    held = batches.held_row(row_id)
    if held is None or held.source_code != code or held.state != "OPEN":
        raise corrections.RowMoved("This row does not wait any more. Load the list again.", row=row_id)
    context = {"one": presenters.held(held), "code": code, "text": held.corrected or held.raw, "error": ""}
    if request.method == "GET":
        audit.record(action="deliveries.quarantine.read", subject=f"quarantine:{row_id}", at=clock.now())
        return render(request, "sources/row.html", context)
    try:
        if "discard" in request.POST:
            corrections.discard_row(row_id=row_id, reason=request.POST.get("reason", ""), at=clock.now())
            flash(request, "success", _("The row is discarded; its text stays with its file."))
        else:
            corrections.correct_row(row_id=row_id, text=request.POST.get("text", ""), at=clock.now())
            flash(request, "success", _("The correction is kept. Replay it when you have corrected what you can."))
    except KhanaError as error:
        context |= {"error": error_wording(error), "text": request.POST.get("text", "")}
        return render(request, "sources/row.html", context, status=error.http_status)
    return redirect("sources-quarantine", code)


@session.needs("quarantine.write")
@require_POST
def replay(request: HttpRequest, code: str) -> HttpResponse:
    """Start the replay of every corrected row of a source as a job."""
    found = dossier.source_file(code, at=clock.now())
    run = jobs.enqueue(
        kind="replay",
        arguments={"source": found.line.source.code},
        actor=session.actor_of(request),
        at=clock.now(),
    )
    return redirect("jobs-job", run)
