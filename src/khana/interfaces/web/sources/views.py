"""The list of sources, one source's page, uploads, the contract with its preview, onboarding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.deliveries import services as deliveries
from khana.dossiers import contract_preview as contracts
from khana.dossiers import source_file as dossier
from khana.interfaces.web import session, uploads, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.sources import presenters
from khana.platform import clock, jobs
from khana_methods.errors import InputError, KhanaError


@session.needs("deliveries.read", "benefits.read", "sources.write")
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    """Show every source with its freshness."""
    lines = [presenters.line(found) for found in dossier.source_lines(at=clock.now())]
    missing = len(dossier.onboarding())
    return render(
        request,
        "sources/sources.html",
        {"lines": lines, "missing": missing, "may_connect": session.may(request, "sources.write")},
    )


@session.needs("deliveries.read", "benefits.read", "sources.write")
@require_GET
def source(request: HttpRequest, code: str) -> HttpResponse:
    """Show one source: what arrived, what was found, what waits."""
    found = dossier.source_file(code, at=clock.now())
    context = {
        **presenters.source(found),
        "may_upload": session.may(request, "deliveries.write") and bool(found.line.source.contract_code),
        "may_quarantine": session.may(request, "quarantine.read"),
        "may_contract": session.may(request, "sources.write"),
        "tab": "overview",
    }
    return render(request, "sources/source.html", context)


@session.needs("deliveries.write")
@require_POST
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """Take a new list of one source and start its import as a job."""
    found = dossier.source_file(code, at=clock.now())
    sent = request.FILES.get("file")
    if sent is None:
        flash(request, "danger", _("Choose a file first."))
        return redirect("sources-source", code)
    path = uploads.keep(sent)
    run = jobs.enqueue(
        kind="import_upload",
        arguments={
            "path": str(path),
            "entity": "benefit",
            "source": found.line.source.code,
            "name": uploads.safe_name(sent.name or ""),
        },
        actor=session.actor_of(request),
        at=clock.now(),
    )
    return redirect("jobs-job", run)


@session.needs("sources.write")
@require_http_methods(["GET", "POST"])
def contract(request: HttpRequest, code: str) -> HttpResponse:
    """Edit the contract of a source as text; keep it as a new version when it can be followed."""
    found = dossier.source_file(code, at=clock.now())
    text = request.POST.get("text", "") if request.method == "POST" else _text_of(found)
    context: dict[str, Any] = {**presenters.source(found), "text": text, "error": "", "tab": "contract"}
    if request.method == "POST":
        try:
            body = contracts.read_contract(text).model_dump(mode="json", exclude_defaults=True)
            stored = deliveries.register_contract(body=body, at=clock.now())
        except InputError as error:
            return render(request, "sources/contract.html", {**context, "error": error_wording(error)}, status=422)
        flash(request, "success", _("Kept as version %(version)s of the contract.") % {"version": stored.version})
        return redirect("sources-contract", code)
    return render(request, "sources/contract.html", context)


def _text_of(found: dossier.SourceFile) -> str:
    return contracts.write_contract(found.contract.body) if found.contract else ""


@session.needs("sources.write")
@require_POST
def preview(request: HttpRequest, code: str) -> HttpResponse:
    """Show what the contract in the editor makes of the first rows."""
    found = dossier.source_file(code, at=clock.now())
    sent, path = request.FILES.get("file"), None
    try:
        wanted = contracts.read_contract(request.POST.get("text", ""))
        if sent is not None:
            path = uploads.keep(sent)
            shown = contracts.preview_contract(wanted, path=path)
        elif found.batches:
            shown = contracts.preview_contract(wanted, sha256=found.batches[0].sha256)
        else:
            return render(request, "sources/preview.html", {"error": _("Choose a file to try the contract on.")})
    except KhanaError as error:
        return render(request, "sources/preview.html", {"error": error_wording(error)})
    finally:
        if path is not None:
            Path(path).unlink(missing_ok=True)
    return render(request, "sources/preview.html", {"preview": shown, "error": ""})


@session.needs("deliveries.read", "benefits.read", "sources.write")
@require_GET
def onboarding(request: HttpRequest) -> HttpResponse:
    """Rank the programmes that no source delivers."""
    rows = [
        {
            "rank": row.rank, "code": row.programme.code, "name": row.programme.called(wording.language()),
            "agency": row.programme.agency, "kind": wording.say(wording.BENEFIT_TYPE, row.programme.benefit_type),
            "counts": row.programme.counts_to_cap, "targeted": row.programme.poverty_targeted,
            "excludes": bool(row.programme.incompatible_with),
        }
        for row in dossier.onboarding()
    ]  # fmt: skip
    return render(
        request, "sources/onboarding.html", {"rows": rows, "may_connect": session.may(request, "sources.write")}
    )
