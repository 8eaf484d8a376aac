"""The page of a partner's developer: what her system called, how each call ended and what to do about it.

She signs in with an account of her own; the database shows her the calls of her own partner and nothing of what they asked
or were answered.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from khana.interfaces.web import session, wording
from khana.platform import clock
from khana.sharing import selectors

PAGE = 50


@session.needs("partner.follow")
@require_GET
def partner(request: HttpRequest) -> HttpResponse:
    """Show one partner of the developer: its terms, its last calls or only the failed ones."""
    now = clock.now()
    held = selectors.my_partners(now)
    asked = request.GET.get("partner", "")[:61]
    shown = next((one for one in held if one["partner"] == asked), held[0] if held else None)
    if shown is None:
        return render(request, "partner/partner.html", {"partner": None})
    failed, before = request.GET.get("failed") == "1", _before(request, now)
    rows = selectors.my_calls(shown["partner"], failed=failed, before=before, limit=PAGE)
    base = f"{request.scheme}://{request.get_host()}"
    context = {
        "partner": shown,
        "others": [one for one in held if one is not shown],
        "agreements": [{**one, "valid_to": datetime.fromisoformat(one["valid_to"])} for one in shown["agreements"]],
        "subscriptions": shown["subscriptions"],
        "calls": [_call(row) for row in rows],
        "failed": failed,
        "is_first": "before" not in request.GET,
        "older": rows[-1]["at"].isoformat() if len(rows) == PAGE else "",
        "bases": [f"{base}/dci/sr/v1.0.0", f"{base}/dci/ibr/v1.0.0", f"{base}/oauth2/client/token"],
    }
    return render(request, "partner/partner.html", context)


def _before(request: HttpRequest, now: datetime) -> datetime:
    try:
        found = parse_datetime(request.GET.get("before", "")[:40].replace(" ", "+"))
    except ValueError:
        found = None
    return found if found is not None and found.tzinfo is not None else now


def _call(row: dict[str, Any]) -> dict[str, Any]:
    code = row["outcome"] or ("callback" if row["state"] == "FAILED" else "")
    return {
        **row,
        "code": row["outcome"],
        "is_good": not code,
        "said": wording.say(wording.CALL_STATE, row["state"]),
        "why": wording.CALL_ERROR.get(code, wording.CALL_ERROR["other"]) if code else "",
    }
