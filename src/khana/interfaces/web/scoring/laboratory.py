"""The laboratory's pages: fit a model on a survey, hold one against a newer survey, watch for answers bent to a cut-off.

Long work is a job; what it finds is kept and shown here and on the model's card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.assessment import model_store, studies
from khana.interfaces.web import session, uploads
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana.workflows.judge_model import COLUMNS
from khana_methods.engine.files import read_table
from khana_methods.errors import InputError, KhanaError
from khana_methods.pmt.draft import draft_spec
from khana_methods.pmt.spec import read_spec
from khana_methods.yaml_text import read_yaml

_HEAD = 2000


class FormUnclear(InputError):
    """The form of the laboratory lacks what it needs: a file, a number, a SPEC."""

    code: ClassVar[str] = "web.laboratory_unclear"


@session.needs("models.write")
@require_http_methods(["GET", "POST"])
def fit(request: HttpRequest) -> HttpResponse:
    """Draft a SPEC from a survey, look it over, and fit as a job."""
    context: dict[str, Any] = {"text": request.POST.get("spec", ""), "quick": request.POST.get("quick") == "1"}
    if request.method == "GET":
        return render(request, "scoring/fit.html", context)
    try:
        if "draft" in request.POST:
            return render(request, "scoring/fit.html", {**context, **_draft(request)})
        spec = _spec(context["text"])
        path, _name = _survey(request)
    except KhanaError as error:
        answer = {**context, "error": error_wording(error)}
        return render(request, "scoring/fit.html", answer, status=error.http_status)
    run = jobs.enqueue(
        kind="fit_model", arguments={"path": str(path), "spec": spec, "quick": context["quick"]},
        actor=session.actor_of(request), at=clock.now(),
    )  # fmt: skip
    return redirect("jobs-job", run)


def _survey(request: HttpRequest) -> tuple[Path, str]:
    """Keep the survey that was sent; return its place and what it was called."""
    sent = request.FILES.get("survey")
    if sent is None:
        raise FormUnclear(_("Choose the survey’s file first."))
    return uploads.keep(sent), uploads.safe_name(sent.name or "")


def _draft(request: HttpRequest) -> dict[str, Any]:
    path, _name = _survey(request)
    try:
        head = read_table(path, rows=_HEAD)
    finally:
        path.unlink(missing_ok=True)
    drafted = draft_spec(head)
    return {
        "text": yaml.safe_dump(drafted, sort_keys=False, allow_unicode=True), "columns": head.schema.names,
        "has_welfare": bool(drafted["welfare"]),
    }  # fmt: skip


def _spec(text: str) -> dict[str, Any]:
    """Read and check a SPEC that was typed; return it as the job keeps it."""
    try:
        document = read_yaml(text)
    except yaml.YAMLError as error:
        raise FormUnclear(_("The SPEC is not YAML. Look at the indents and colons.")) from error
    read_spec(document)
    found: dict[str, Any] = {
        key: (value if not hasattr(value, "isoformat") else value.isoformat()) for key, value in document.items()
    }
    return found


@session.needs("models.write")
@require_POST
def drift(request: HttpRequest, code: str, version: int) -> HttpResponse:
    """Hold a model against a newer survey, as a job."""
    known = model_store.model_of_code(code, version)
    try:
        columns = {name: request.POST.get(name, "").strip()[:200] for name in COLUMNS}
        if not columns["welfare"]:
            raise FormUnclear(_("Say which column holds welfare."))
        deflator = _number(request, "deflator", 1.0)
        path, name = _survey(request)
    except KhanaError as error:
        flash(request, "danger", error_wording(error))
        return redirect("models-card", code, version)
    arguments = {
        "path": str(path), "code": known.code, "version": known.version, "deflator": deflator,
        "columns": {name: value for name, value in columns.items() if value},
        "name": name,
    }  # fmt: skip
    run = jobs.enqueue(kind="judge_model", arguments=arguments, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


def _number(request: HttpRequest, name: str, absent: float, *, least: float = 0.0) -> float:
    text = request.POST.get(name, "").strip().replace(",", "")
    try:
        value = float(text) if text else absent
    except ValueError:
        value = float("nan")
    if not least < value < 1e9:
        raise FormUnclear(_("Fill in numbers above zero."))
    return value


@session.needs("scores.run")
@require_GET
def watch(request: HttpRequest) -> HttpResponse:
    """Show the newest look for answers bent to a cut-off, and start another."""
    made = studies.list_studies("WATCH")
    asked = next((one for one in made if str(one.id) == request.GET.get("study")), None)
    shown = asked or (made[0] if made else None)
    running = next(
        (run for run in jobs.list_runs(limit=50) if run.kind == "watch_scores" and run.state in ("QUEUED", "RUNNING")),
        None,
    )
    context = {
        "studies": made, "shown": shown, "running": running,
        "heaps": shown.result.get("heaps", []) if shown else [],
        "enumerators": shown.result.get("enumerators", []) if shown else [],
        "changed": shown.result.get("changed_answers", {}) if shown else {},
        "asked": shown.asked if shown else {"cut_off": 32, "width": 2, "days": 365, "fewest": 20},
    }  # fmt: skip
    return render(request, "scoring/watch.html", context)


@session.needs("scores.run")
@require_POST
def start_watch(request: HttpRequest) -> HttpResponse:
    """Start a look as a job."""
    try:
        arguments = {
            "cut_off": _number(request, "cut_off", 32.0, least=-1e-9), "width": _number(request, "width", 2.0),
            "days": int(_number(request, "days", 365.0)), "fewest": max(2, int(_number(request, "fewest", 20.0))),
        }  # fmt: skip
    except FormUnclear as error:
        flash(request, "danger", error_wording(error))
        return redirect("models-watch")
    run = jobs.enqueue(kind="watch_scores", arguments=arguments, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)
