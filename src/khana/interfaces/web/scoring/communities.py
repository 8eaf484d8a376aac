"""Lists for community validation as a workbook: asked for by area and cut-off, made at once, recorded."""

from __future__ import annotations

import io
import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from khana.dossiers import validation_list
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import InputError, KhanaError, NotFound

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@session.needs("scores.read")
@require_http_methods(["GET", "POST"])
def lists(request: HttpRequest) -> HttpResponse:
    """Show the form, or send the list of one area."""
    typed = {name: request.POST.get(name, value)[:40].strip() for name, value in _ABSENT.items()}
    context: dict[str, Any] = {"typed": typed, "shows": request.method == "GET" or request.POST.get("shows") == "1"}
    if request.method == "GET":
        return render(request, "scoring/communities.html", context)
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    cut_off, margin = (_number(typed[name]) for name in ("cut_off", "margin"))
    if cut_off is None or margin is None or not typed["area"]:
        return _refused(request, {**context, "error": _("Fill in the area and numbers above zero.")}, 422)
    target = io.BytesIO()
    try:
        validation_list.write(
            area=typed["area"], cut_off=cut_off, margin=margin, target=target, format="xlsx",
            shows_proposed=bool(context["shows"]), language=wording.language(), at=clock.now(),
        )  # fmt: skip
    except (InputError, NotFound) as error:
        return _refused(request, {**context, "error": _words(error)}, error.http_status)
    response = HttpResponse(target.getvalue(), content_type=_XLSX)
    response["Content-Disposition"] = 'attachment; filename="khana-community-list.xlsx"'
    return response


_ABSENT = {"area": "", "cut_off": "32", "margin": "2"}


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _refused(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return render(request, "scoring/communities.html", context, status=status)


def _words(error: KhanaError) -> str:
    return str(error_wording(error))
