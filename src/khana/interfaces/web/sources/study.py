"""The compatibility study of one source: how well its list meets the registers, and what to fix."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from khana.dossiers import source_file as dossier
from khana.interfaces.web import session
from khana.interfaces.web.sources import presenters
from khana.platform import clock, jobs


@session.needs("deliveries.read", "benefits.read", "sources.write")
@require_GET
def study(request: HttpRequest, code: str) -> HttpResponse:
    """Show the newest study of a source, or how to make one."""
    found = dossier.source_file(code, at=clock.now())
    made = [run for run in jobs.list_runs(limit=200) if run.kind == "study" and run.arguments.get("source") == code]
    done = next((run for run in made if run.state == "DONE"), None)
    running = next((run for run in made if run.state in ("QUEUED", "RUNNING")), None)
    context = {
        **presenters.source(found), "tab": "study", "done": done, "running": running,
        "study": presenters.study(done.result) if done else None,
        "may_study": session.may(request, "benefits.read"),
    }  # fmt: skip
    return render(request, "sources/study.html", context)


@session.needs("benefits.read")
@require_POST
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Start a study as a job."""
    found = dossier.source_file(code, at=clock.now())
    run = jobs.enqueue(
        kind="study", arguments={"source": found.line.source.code}, actor=session.actor_of(request), at=clock.now()
    )
    return redirect("jobs-job", run)
