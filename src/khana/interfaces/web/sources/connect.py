"""Connect a source in the browser: a first list in, a drafted contract out, looked over and kept."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from khana.beneficiaries.services.sources import add_source
from khana.deliveries import services as deliveries
from khana.deliveries.reading.suggest import suggest
from khana.dossiers import contract_preview as contracts
from khana.interfaces.web import session, uploads, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana.programmes import names as programmes
from khana_methods.errors import InputError, KhanaError

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class SourceUnclear(InputError):
    """A source lacks its code, its name, its agency or its programmes."""

    code: ClassVar[str] = "web.source_unclear"


@session.needs("sources.write")
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """Show the two steps; draft a contract from a file; keep the source with its contract."""
    catalogue = programmes.catalogue()
    context: dict[str, Any] = {
        "programmes": [(code, row.called(wording.language()), row.agency) for code, row in catalogue.items()],
        "frequencies": [(code, str(words)) for code, words in wording.FREQUENCY.items() if code],
        "asked": request.POST or {"programme": request.GET.get("programme", "")},
        "chosen": request.POST.getlist("programmes") or [request.GET.get("programme", "")],
        "text": request.POST.get("text", ""),
    }
    if request.method == "GET":
        return render(request, "sources/connect.html", context)
    try:
        if "draft" in request.POST:
            return render(request, "sources/connect.html", {**context, **_draft(request)})
        code = _keep(request)
    except KhanaError as error:
        return render(
            request, "sources/connect.html", {**context, "error": error_wording(error)}, status=error.http_status
        )
    flash(request, "success", _("The source is connected. Send its first list."))
    return redirect("sources-source", code)


def _draft(request: HttpRequest) -> dict[str, Any]:
    sent = request.FILES.get("file")
    if sent is None:
        return {"error": _("Choose a file first.")}
    path = uploads.keep(sent)
    try:
        found = suggest(path, code=request.POST.get("code", "").strip().lower(), entity="benefit")
    finally:
        path.unlink(missing_ok=True)
    return {
        "text": contracts.write_contract(found["contract"]),
        "unrecognised": found["unrecognised"],
        "problems": found["problems"],
    }


def _keep(request: HttpRequest) -> str:
    code, title = request.POST.get("code", "").strip(), request.POST.get("title", "").strip()[:120]
    agency, chosen = request.POST.get("agency", "").strip()[:120], request.POST.getlist("programmes")
    if not (_CODE.fullmatch(code) and title and agency and chosen):
        raise SourceUnclear(_("Say the code (letters and figures), the name, the agency and at least one programme."))
    body = contracts.read_contract(request.POST.get("text", "")).model_dump(mode="json", exclude_defaults=True)
    stored = deliveries.register_contract(body=body, at=clock.now())
    add_source(
        code=code,
        title=title,
        agency=agency,
        programmes=chosen,
        contract_code=stored.code,
        frequency=request.POST.get("frequency", ""),
        is_kept_here=request.POST.get("kept_here") == "1",
        at=clock.now(),
    )
    return code
