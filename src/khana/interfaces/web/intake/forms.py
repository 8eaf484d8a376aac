"""Questionnaires: versions with their days, the questions in three languages, what changed, a new version from a workbook."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.intake import selectors
from khana.intake.services import forms as service
from khana.intake.xlsform.diff import compare, dropped_facts
from khana.intake.xlsform.read import MOST_BYTES
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, files
from khana.workflows import add_form, form_evidence
from khana_methods.errors import Conflict, InputError

_WORKBOOKS = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xls": "application/vnd.ms-excel",
}


@session.needs("forms.read")
@require_GET
def forms(request: HttpRequest) -> HttpResponse:
    """List every version of every form."""
    counts = selectors.counts_by_form() if session.may(request, "submissions.read") else {}
    rows = [
        {
            "row": row, "languages": row.definition["languages"], "asked": selectors.definition_of(row).asked(),
            "is_withdrawn": row.state == "WITHDRAWN", "count": counts.get(row.form.code, {}).get("count"),
        }
        for row in selectors.list_versions()
    ]  # fmt: skip
    return render(request, "intake/forms.html", {"rows": rows, "may_add": session.may(request, "forms.write")})


@session.needs("forms.read")
@require_GET
def form(request: HttpRequest, code: str, version: str) -> HttpResponse:
    """Show what one version asks, which facts it fills, and what differs from the version before."""
    row = selectors.get_version(code, version)
    definition = selectors.definition_of(row)
    language = wording.language()
    versions = selectors.list_versions(code)
    place = [one.pk for one in versions].index(row.pk)
    before = versions[place + 1] if place + 1 < len(versions) else None
    earlier = selectors.definition_of(before) if before else None
    evidence = {one["question"]: one for one in form_evidence.of_version(form=code, version=version)}
    context: dict[str, Any] = {
        "row": row, "definition": definition, "asked": definition.asked(), "before": before,
        "questions": [
            {"question": question, "label": question.label(language), "facts": question.facts,
             "choices": [question.choice(value, language) for value in question.choices], "evidence": evidence.get(question.name)}
            for question in definition.questions
            if question.is_asked
        ],
        "differences": compare(earlier, definition) if earlier else [],
        "dropped": dropped_facts(earlier, definition) if earlier else [],
        "may_withdraw": session.may(request, "forms.write") and row.state == "ACTIVE",
    }  # fmt: skip
    return render(request, "intake/form.html", context)


@session.needs("forms.write")
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Take a workbook as a new version, or say why it cannot be one."""
    today = clock.today().isoformat()
    if request.method == "GET":
        return render(request, "intake/form_add.html", {"valid_from": today, "error": ""})
    sent, text = request.FILES.get("file"), request.POST.get("valid_from", "")
    error = ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day, error = clock.today(), _("That is not a date. Choose both days again.")
    if sent is None or not sent.size:
        error = error or _("Choose a file first.")
    elif sent.size > MOST_BYTES:
        error = error or _("A form may have ten megabytes at most.")
    let_go = {
        name: why
        for name, _sign, why in (line.partition("=") for line in request.POST.get("let_go", "").splitlines())
        if why
    }
    if not error and sent is not None:
        try:
            made = add_form.run(
                token=session.token_of(request),
                data=sent.read(),
                name=str(sent.name),
                valid_from=day,
                let_go=let_go,
                at=clock.now(),
            )
        except (InputError, Conflict, service.FormDropsFacts) as refused:
            error = error_wording(refused)
        else:
            flash(request, "success", _("The version is registered."))
            for warning in made["warnings"]:
                flash(request, "warning", warning)
            return redirect("intake-form", made["form"], made["version"])
    context = {"valid_from": text, "error": error, "let_go": request.POST.get("let_go", "")}
    return render(request, "intake/form_add.html", context, status=422)


@session.needs("forms.write")
@require_POST
def withdraw(request: HttpRequest, code: str, version: str) -> HttpResponse:
    """Withdraw a version."""
    service.withdraw_version(code=code, version=version, at=clock.now())
    flash(request, "success", _("The version is withdrawn. What was filled under it stays readable."))
    return redirect("intake-form", code, version)


@session.needs("forms.read")
@require_GET
def workbook(request: HttpRequest, code: str, version: str) -> HttpResponse:
    """Send the workbook of a version as it was registered."""
    row = selectors.get_version(code, version)
    with files.open(row.source.sha256) as kept:
        data = kept.read()
    suffix = ".xlsx" if data[:2] == b"PK" else ".xls"
    response = HttpResponse(data, content_type=_WORKBOOKS[suffix])
    response["Content-Disposition"] = f'attachment; filename="{row.form.code}-{row.version}{suffix}"'
    return response
