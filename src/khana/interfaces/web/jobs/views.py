"""The list of jobs, one job with live progress, start, cancel and retry."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import in_words
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana.platform import jobs as queue

# what a page may start, and the permission that it needs
STARTED_HERE = {
    "consolidate": "consolidate.run", "score_registry": "scores.run", "prepare_simulation": "scores.run",
    "measure_indicators": "monitoring.write", "evaluate_programmes": "lists.draw",
    "place_events": "registry.write",
}  # fmt: skip
_TONES = {"QUEUED": "info", "RUNNING": "info", "DONE": "good", "FAILED": "bad", "CANCELLED": "warn"}


def _shown(run: Any) -> dict[str, Any]:
    total, done = run.progress_total, run.progress_done
    return {
        "run": run,
        "kind": wording.say(wording.JOB_KIND, run.kind),
        "state": wording.say(wording.JOB_STATE, run.state),
        "tone": _TONES.get(run.state, "info"),
        "share": min(1.0, done / total) if total else None,
        "is_over": run.state in ("DONE", "FAILED", "CANCELLED"),
        "may_retry": run.state in ("FAILED", "CANCELLED"),
        "results": [(str(words), run.result[name]) for name, words in wording.JOB_RESULT.items() if name in run.result],
        "phase": wording.phase(run.phase),
        "is_study": run.kind == "study",
        "is_consolidation": run.kind == "consolidate",
        "is_snapshot": run.kind == "measure_indicators",
        "is_publication": run.kind == "publish_figures",
        "report": run.result.get("report") if run.kind == "write_report" else None,
        "plan": run.result.get("plan") if run.kind == "plan_outreach" else None,
        "coverage_study": run.result.get("study") if run.kind == "study_coverage" else None,
        "is_watch": run.kind == "watch_scores",
        "model": str(run.result.get("model", "")).rpartition("/") if run.kind in ("fit_model", "judge_model") else None,
        "said": in_words(run.error_code, run.message) if run.state == "FAILED" else "",
        "about": run.arguments.get("source") or run.arguments.get("name") or "",
    }


@require_GET
def jobs(request: HttpRequest) -> HttpResponse:
    """Show the newest jobs."""
    runs = [_shown(run) for run in queue.list_runs(limit=50)]
    context = {
        "runs": runs,
        "is_moving": any(not run["is_over"] for run in runs),
        "may_consolidate": session.may(request, "consolidate.run"),
    }
    name = "jobs/list.html" if request.headers.get("HX-Request") else "jobs/jobs.html"
    return render(request, name, context)


@require_GET
def job(request: HttpRequest, uuid: str) -> HttpResponse:
    """Show one job; the part that moves asks for itself again until the job is over."""
    context = _shown(queue.get(uuid))
    name = "jobs/part.html" if request.headers.get("HX-Request") else "jobs/job.html"
    return render(request, name, context)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start long work that needs no file."""
    kind = request.POST.get("kind", "")
    if kind not in STARTED_HERE:
        raise Http404
    permission = STARTED_HERE[kind]
    guarded = session.needs(permission)(_start)
    return guarded(request, kind)


def _start(request: HttpRequest, kind: str) -> HttpResponse:
    run = queue.enqueue(kind=kind, arguments={}, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


@require_POST
def cancel(request: HttpRequest, uuid: str) -> HttpResponse:
    """Ask a job to stop."""
    try:
        queue.request_cancel(uuid, at=clock.now())
    except queue.JobMoved as error:
        flash(request, "warning", error_wording(error))
    return redirect("jobs-job", uuid)


@require_POST
def retry(request: HttpRequest, uuid: str) -> HttpResponse:
    """Queue a failed or cancelled job again."""
    try:
        queue.retry(uuid, at=clock.now())
    except queue.JobMoved as error:
        flash(request, "warning", error_wording(error))
    return redirect("jobs-job", uuid)
