"""One outreach plan: where each van stands on which days, what it reaches, and how far it may be from the best."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.geo import area_names as geo
from khana.interfaces.web import session, wording
from khana.monitoring import selectors as room

MOST = 500


@session.needs("results.read")
@require_GET
def plan(request: HttpRequest, number: int) -> HttpResponse:
    """Show one plan: its figures, provinces and stops by day."""
    found = room.get_plan(number)
    rows: list[dict[str, Any]] = found["rows"]
    known = geo.named([str(row.get("place", "")) for row in rows[:MOST]])
    shown = [
        {
            **row,
            "name": known[row["place"]].called(wording.language()) if row.get("place") in known else row.get("place"),
        }
        for row in sorted(rows, key=lambda row: (row.get("first_day", ""), row.get("base", ""), row.get("van", 0)))[
            :MOST
        ]
    ]
    provinces = [{"name": name or "–", **values} for name, values in found["summary"].get("by_province", {}).items()]
    context = {
        "plan": found, "rows": shown, "more": max(0, len(rows) - MOST), "provinces": provinces, "summary": found["summary"],
    }  # fmt: skip
    return render(request, "coverage/plan.html", context)
