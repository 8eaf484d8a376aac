"""The list of studies, a new study from an upload, one study with its figures, its report to take along."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from khana.geo import area_names as geo
from khana.interfaces.web import limits, session, uploads, wording
from khana.interfaces.web.coverage import asked as form
from khana.interfaces.web.coverage import presenters
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.monitoring import selectors as room
from khana.platform import clock, jobs, places
from khana.workflows import report_coverage
from khana_methods.engine.files import read_table
from khana_methods.errors import InputError, KhanaError

_KEPT = re.compile(r"[0-9a-f]{32}\.[a-z0-9.]{1,10}")
# a PDF is printed by a browser: that is a job (`monitoring-reports-write`), not a request
_TYPES = {
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@session.needs("results.read")
@require_GET
def coverage(request: HttpRequest) -> HttpResponse:
    """Show the studies that are kept, newest first, with what the newest one says."""
    listed = room.list_studies(50)
    newest = room.get_study(listed[0][0]) if listed else None
    context = {
        "studies": [{"id": number, "title": title, "made_at": made_at} for number, title, made_at in listed],
        "newest": newest, "cards": presenters.cards(newest, "household") if newest else [],
        "plans": room.list_plans(10), "may_study": session.may(request, "monitoring.write"),
    }  # fmt: skip
    return render(request, "coverage/coverage.html", context)


@session.needs("monitoring.write")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Take a survey, show its columns, then start the study as a job."""
    context: dict[str, Any] = {"may_match": session.may(request, "registry.read"), "asked": form.fresh(), "columns": []}
    if request.method == "GET":
        return render(request, "coverage/new.html", context)
    try:
        if request.FILES.get("file"):
            _take(request)
            context |= _columns(request)
            context["asked"] = form.guess(context["columns"], request.POST)
            return render(request, "coverage/new.html", context)
        if not request.session.get("survey"):
            raise form.SurveyMissing(_("Choose the file of the survey first."))
        context |= _columns(request)
        context["asked"] = form.typed(request.POST)
        words = form.words(request.POST, context["columns"])
    except KhanaError as error:
        context |= {"error": error_wording(error)}
        return render(request, "coverage/new.html", context, status=error.http_status)
    kept = request.session.pop("survey")
    title = request.POST.get("title", "").strip()[:120] or kept["name"]
    run = jobs.enqueue(
        kind="study_coverage", arguments={"path": str(_path(kept["file"])), "title": title, "words": words},
        actor=session.actor_of(request), at=clock.now(),
    )  # fmt: skip
    return redirect("jobs-job", run)


def _take(request: HttpRequest) -> None:
    """Keep the upload for this session alone; the one before it is gone."""
    before = request.session.pop("survey", None)
    if before:
        _path(before["file"]).unlink(missing_ok=True)
    sent = request.FILES.get("file")
    if sent is None:
        raise form.SurveyMissing(_("Choose the file of the survey first."))
    path = uploads.keep(sent)
    request.session["survey"] = {"file": path.name, "name": uploads.safe_name(sent.name or "")}


def _path(name: str) -> Path:
    if not _KEPT.fullmatch(name):
        raise Http404
    return places.folder("uploads") / name


def _columns(request: HttpRequest) -> dict[str, Any]:
    kept = request.session["survey"]
    path = _path(kept["file"])
    if not path.exists():
        request.session.pop("survey", None)
        raise form.SurveyMissing(_("The file is no longer here. Choose it again."))
    try:
        table = read_table(path)
    except InputError:
        request.session.pop("survey", None)
        path.unlink(missing_ok=True)
        raise
    return {"columns": list(table.schema.names), "file_name": kept["name"], "rows": table.num_rows}


@session.needs("results.read")
@require_GET
def study(request: HttpRequest, number: int) -> HttpResponse:
    """Show one study: the figures of everybody, domain by domain, reasons, determinants, lists, accuracy."""
    found = room.get_study(number)
    weights = presenters.weights_of(found)
    weight = request.GET.get("weight", "household")
    if weight not in weights:
        weight = weights[0] if weights else "household"
    areas = geo.named([str(row["level"]) for row in found.figures if row["domain"] not in ("all", "fact")])
    domains = presenters.domains(found, weight, areas)
    mapped = next((one for one in domains if one["is_mapped"]), None)
    context = {
        "found": found, "weight": weight, "weights": [(one, str(presenters.WEIGHT[one])) for one in weights],
        "cards": presenters.cards(found, weight), "domains": domains, "mapped": mapped,
        "outlines": _parent_of(mapped, areas), "reasons": presenters.reasons(found, weight), "lists": presenters.lists(found),
        "accuracy": presenters.accuracy(found), "determinants": presenters.determinants(found),
        "parameters": _parameters(found), "languages": [("en", "English"), ("ur", "اردو"), ("bn", "বাংলা")],
        "language": wording.language(),
    }  # fmt: skip
    return render(request, "coverage/study.html", context)


def _parent_of(mapped: dict[str, Any] | None, areas: dict[str, geo.AreaName]) -> str:
    """Return the code of the area whose outlines below show a mapped domain."""
    if mapped is None:
        return "all"
    paths = [areas[one["level"]].path.split(".")[:-2] for one in mapped["levels"] if one["level"] in areas]
    shared = paths[0] if paths and all(path == paths[0] for path in paths) else []
    return shared[-1] if shared else "all"


def _parameters(found: room.StudyFile) -> list[tuple[str, str]]:
    design, words = found.parameters.get("design", {}), found.parameters.get("words", {})
    lines = [(name, _joined(value)) for name, value in {**design, **words}.items() if value]
    return [*lines, (_("Hash of the survey"), str(found.parameters.get("survey_sha256", ""))[:16])]


def _joined(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {_joined(v)}" for k, v in value.items())
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


@session.needs("results.read")
@require_GET
def report(request: HttpRequest, number: int, form: str) -> HttpResponse:
    """Send the report of a study in one form and language."""
    if form not in _TYPES:
        raise Http404
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    language = request.GET.get("language", wording.language())
    content = report_coverage.run(
        token=session.token_of(request), form=form, language=language if language in ("en", "ur", "bn") else "en",
        study=number, at=clock.now(),
    )  # fmt: skip
    response = HttpResponse(content, content_type=_TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="coverage-{number}-{language}.{form}"'
    return response
