"""Lists for community validation: read page by page, or made as a workbook for one meeting; both are recorded."""

from __future__ import annotations

import io
import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from khana.dossiers import validation_list
from khana.geo import area_names as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock
from khana_methods.errors import InputError, NotFound

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ABSENT = {"area": "", "cut_off": "32", "margin": "2"}
REFUSED = (InputError, NotFound)


@session.needs("scores.read")
@require_http_methods(["GET", "POST"])
def lists(request: HttpRequest) -> HttpResponse:
    """Show the form, one page of the list of an area, or send that list as a workbook."""
    sent = request.POST if request.method == "POST" else request.GET
    typed = {name: sent.get(name, value)[:40].strip() for name, value in _ABSENT.items()}
    context: dict[str, Any] = {"typed": typed, "shows": "area" not in sent or sent.get("shows") == "1"}
    if "area" not in sent:
        return render(request, "scoring/communities.html", context)
    cut_off, margin = (_number(typed[name]) for name in ("cut_off", "margin"))
    if cut_off is None or margin is None or not typed["area"]:
        return _refused(request, {**context, "error": _("Fill in the area and numbers above zero.")}, 422)
    show = _workbook if request.method == "POST" else _page
    try:
        return show(request, context, cut_off, margin)
    except REFUSED as error:
        return _refused(request, {**context, "error": error_wording(error)}, error.http_status)


def _page(request: HttpRequest, context: dict[str, Any], cut_off: float, margin: float) -> HttpResponse:
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    after, line = request.GET.get("after", "")[:40], request.GET.get("line", "")
    page = validation_list.page(
        area=context["typed"]["area"], cut_off=cut_off, margin=margin, after=after,
        line=int(line) if line.isascii() and line.isdecimal() and len(line) < 8 else 0, at=clock.now(),
    )  # fmt: skip
    called = {code: one.called(wording.language()) for code, one in geo.areas({row.area for row in page.rows}).items()}
    words = {"yes": _("proposed"), "reserve": _("in reserve")}
    rows = [{"row": row, "area": called.get(row.area, row.area), "proposed": words[row.proposed]} for row in page.rows]
    return render(request, "scoring/communities.html", {**context, "page": page, "rows": rows, "is_first": not after})


def _workbook(request: HttpRequest, context: dict[str, Any], cut_off: float, margin: float) -> HttpResponse:
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    target = io.BytesIO()
    validation_list.write(
        area=context["typed"]["area"], cut_off=cut_off, margin=margin, target=target, format="xlsx",
        shows_proposed=bool(context["shows"]), language=wording.language(), most=validation_list.MOST_IN_A_REQUEST, at=clock.now(),
    )  # fmt: skip
    response = HttpResponse(target.getvalue(), content_type=_XLSX)
    response["Content-Disposition"] = 'attachment; filename="khana-community-list.xlsx"'
    return response


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _refused(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponse:
    return render(request, "scoring/communities.html", context, status=status)
