"""The rows behind one number of the five answers, page by page; each row opens its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.audit import services as audit
from khana.beneficiaries.results import RecipientRow, UnservedRow
from khana.dossiers import findings_list
from khana.dossiers.answers import FIGURES, FiveAnswers, five_answers
from khana.dossiers.findings_list import RecipientsPage
from khana.geo.area_names import AreaName
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.answers import presenters
from khana.platform import clock

PAGE_SIZE = 50


@session.needs("recipients.read")
@require_GET
def rows(request: HttpRequest, key: str) -> HttpResponse:
    """Show one page of the recipients or households that one number counts."""
    if key not in FIGURES:
        raise Http404
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    area = request.GET.get("area", "")[:40]
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    pair = [code for code in request.GET.get("pair", "").replace("+", " ").split() if code][:2]
    programme = request.GET.get("programme", "")[:60]
    wanted = [*pair, programme] if programme else pair
    found = five_answers(area)
    if found is None:
        raise Http404
    targeted = [code for code, row in found.catalogue.items() if row.poverty_targeted]
    page = findings_list.answer_rows(
        key, area_code=area, programmes=wanted, targeted=targeted, after=after, limit=PAGE_SIZE
    )
    if page is None:
        raise Http404
    shown = len(page.recipients) + len(page.unserved)
    audit.record(
        action="beneficiaries.rows.read", subject=f"answer:{key}", details={"rows": shown, "area": area}, at=clock.now()
    )
    context = {
        "key": key,
        "words": presenters.questions(found)[key],
        "connected": presenters.connected_sentence(found.connected),
        "recipients": [_recipient(row, page, found) for row in page.recipients],
        "unserved": [_unserved(row, page, found) for row in page.unserved],
        "after": page.after,
        "is_first": after == 0,
        "place": page.area.called(presenters.language()) if page.area else "",
        "filters": [presenters.programme_name(found, code) for code in wanted],
        "may_household": session.may(request, "registry.read"),
        "export_area": area,
    }
    return render(request, "answers/rows.html", context)


def _recipient(row: RecipientRow, page: RecipientsPage, found: FiveAnswers) -> dict[str, Any]:
    return {
        "row": row,
        "programmes": [presenters.programme_name(found, code) for code in row.programmes],
        "area": _area(row.area_path, page.areas),
    }


def _unserved(row: UnservedRow, page: RecipientsPage, found: FiveAnswers) -> dict[str, Any]:
    return {
        "row": row,
        "eligible": [presenters.programme_name(found, code) for code in row.eligible_for],
        "area": _area(row.area_path, page.areas),
    }


def _area(path: str, areas: Mapping[str, AreaName]) -> str:
    code = path.rstrip(".").split(".")[-1]
    return str(areas[code].called(wording.language())) if code in areas else ""
