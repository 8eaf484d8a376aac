"""The two registers beside each other: residents in no household, members in no population register."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.dossiers import two_registers
from khana.geo.area_names import AreaName
from khana.interfaces.web import limits, session, wording
from khana.platform import clock

PAGE_SIZE = 50


@session.needs("registry.read")
@require_GET
def registers(request: HttpRequest) -> HttpResponse:
    """Show one page of whom one register holds and the other does not."""
    kind = request.GET.get("kind", "residents")
    if kind not in two_registers.KINDS:
        raise Http404
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    page = two_registers.register_page(
        kind, area_code=request.GET.get("area", "")[:40], after=after, limit=PAGE_SIZE, at=clock.now()
    )
    context = {
        "kind": kind,
        "page": page,
        "is_first": after == 0,
        "rows": [_row(row, page.areas) for row in page.rows],
        "area": page.area.code if page.area and page.area.level else "",
        "place": page.area.called(wording.language()) if page.area else "",
    }
    return render(request, "lookup/registers.html", context)


def _row(row: Any, areas: Any) -> dict[str, Any]:
    named: AreaName | None = areas.get(row["area"])
    return {
        **row,
        "sex": wording.say(wording.SEX, row["sex"]),
        "civil": wording.say(wording.MARITAL, row.get("civil_status", "")),
        "area": named.called(wording.language()) if named else row["area"],
    }
