"""Reports of quarters, years and studies: asked for here, written as a job, taken from the list."""

from __future__ import annotations

import shutil
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.monitoring import selectors as room
from khana.platform import clock, files, jobs
from khana.workflows import report_period
from khana_methods.coverage.period_report import quarter_name, quarters_of
from khana_methods.errors import KhanaError

_TYPES = {
    "html": "text/html; charset=utf-8", "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_TONGUES = (("en", "English"), ("ur", "اردو"), ("bn", "বাংলা"))


@session.needs("results.read")
@require_GET
def reports(request: HttpRequest) -> HttpResponse:
    """Show the form of a new report and the newest ones."""
    heads = room.list_snapshots(24)
    called = dict(_TONGUES)
    context = {
        "periods": _periods(heads[0].as_of) if heads else [], "languages": _TONGUES, "language": wording.language(),
        "forms": [(form, words) for form, words in (("pdf", "PDF"), ("docx", "Word"), ("xlsx", "Excel"), ("html", "HTML"))],
        "rows": [{"report": one, "title": _title(one), "language": called.get(one.language, one.language)} for one in room.list_reports()],
    }  # fmt: skip
    return render(request, "monitoring/reports.html", context)


def _title(one: room.ReportFile) -> str:
    return one.period or (
        _("Coverage study %(n)s") % {"n": one.title.rpartition("-")[2]} if "-" in one.title else _("Coverage")
    )


def _periods(newest: date) -> list[str]:
    """Return the periods that may be asked for: eight quarters back from the newest snapshot, and the years around."""
    start = date(newest.year - 2, newest.month, 1)
    quarters = [quarter_name(day) for day in quarters_of(start, newest)][-8:]
    fiscal = report_period.fiscal_year_of(newest)
    named = (f"FY{first}-{(first + 1) % 100:02d}" for first in (fiscal.year, fiscal.year - 1))
    years = [] if fiscal.month == 1 else list(named)  # where it is the calendar year it stands below
    return [*reversed(quarters), *years, str(newest.year), str(newest.year - 1)]


@session.needs("results.read")
@require_POST
def write(request: HttpRequest) -> HttpResponse:
    """Ask for a report as a job."""
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    form, language = request.POST.get("form", ""), request.POST.get("language", "")
    study = request.POST.get("study", "")
    if form not in _TYPES or language not in dict(_TONGUES) or (study and not (study.isdigit() and len(study) < 12)):
        raise Http404
    arguments: dict[str, Any] = {"form": form, "language": language}
    if study:
        arguments["study"] = room.get_study(int(study)).id
    else:
        try:
            arguments["period"] = report_period.period_of(
                request.POST.get("period", "")[:40], on=clock.now().date()
            ).text
        except KhanaError as error:
            flash(request, "danger", error_wording(error))
            return redirect("monitoring-reports")
    run = jobs.enqueue(kind="write_report", arguments=arguments, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


@session.needs("results.read")
@require_GET
def report(request: HttpRequest, number: int) -> HttpResponse:
    """Send one report that was written."""
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    found = room.get_report(number)
    audit.record(
        action="monitoring.report.taken", subject=f"report:{found.id}", details={"form": found.form}, at=clock.now()
    )
    response = HttpResponse(content_type=_TYPES[found.form])
    response["Content-Disposition"] = f'attachment; filename="{found.title}-{found.language}.{found.form}"'
    with files.open(found.sha256) as source:
        shutil.copyfileobj(source, response)
    return response
