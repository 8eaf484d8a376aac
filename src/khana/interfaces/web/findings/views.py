"""Lists of findings by filter, one row with its reasons, the vocabulary, and exports."""

from __future__ import annotations

import tempfile
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.beneficiaries import lists
from khana.beneficiaries.results import FindingFilters
from khana.dossiers import findings_list, reports
from khana.geo import area_names as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.lookup import presenters as files
from khana.platform import clock
from khana.programmes import names as programmes

PAGE_SIZE = 50
EXPORTED_AT_MOST = 200_000
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@session.needs("findings.read")
@require_GET
def findings(request: HttpRequest) -> HttpResponse:
    """Show one page of findings under the filters asked for."""
    asked = {name: request.GET.get(name, "")[:80] for name in ("code", "programme", "source", "severity", "area")}
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    filters = FindingFilters(asked["code"], asked["programme"], asked["source"], "", asked["severity"])
    page = findings_list.findings_page(filters, asked["area"], after=after, limit=PAGE_SIZE)
    if page is None:
        return render(request, "answers/none_yet.html", {"may_run": session.may(request, "consolidate.run")})
    catalogue = programmes.catalogue()
    context = {
        "asked": asked,
        "is_filtered": any(asked.values()),
        "page": page,
        "rows": [_row(row, page, catalogue) for row in page.rows],
        "codes": wording.choices_of_findings(),
        "counts": sorted(
            ((n, wording.finding(code)) for code, n in page.counts.items() if n), key=lambda pair: -pair[0]
        ),
        "severities": [(code, str(words)) for code, words in wording.SEVERITY.items()],
        "programmes": [(code, row.called(wording.language())) for code, row in catalogue.items()],
        "sources": [(row.code, row.title) for row in lists.sources()],
        "areas": _provinces(),
        "explained": wording.finding(asked["code"]) if asked["code"] else None,
        "is_first": after == 0,
    }
    return render(request, "findings/findings.html", context)


def _provinces() -> list[tuple[str, str]]:
    top = geo.top()
    below = geo.children(top.code if top else "")
    return [(area.code, area.called(wording.language())) for area in below]


def _row(row: Any, page: findings_list.FindingsPage, catalogue: Any) -> dict[str, Any]:
    area = page.areas.get(row.area_path.rstrip(".").split(".")[-1])
    named = catalogue.get(row.programme)
    return {
        **files.found(row),
        "area": area.called(wording.language()) if area else "",
        "programme": named.called(wording.language()) if named else row.programme,
    }


@session.needs("findings.read", "benefits.read")
@require_GET
def row(request: HttpRequest, benefit_id: int) -> HttpResponse:
    """Show one list row with everything found about it."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    line = findings_list.row_file(benefit_id)
    person = next((found.person_id for found in line.findings if found.person_id), None)
    context = {
        "line": line,
        "benefits": files.benefits([line]),
        "person_id": person if session.may(request, "registry.read") else None,
    }
    return render(request, "findings/row.html", context)


@require_GET
def codes(request: HttpRequest) -> HttpResponse:
    """Explain every code."""
    rows = [
        {**one, "severity_text": wording.say(wording.SEVERITY, one["severity"])}
        for one in wording.choices_of_findings()
    ]
    return render(request, "findings/codes.html", {"codes": rows})


@require_GET
def export(request: HttpRequest, kind: str, form: str) -> FileResponse:
    """Send one report as a file: made whole first, under the reader's scope, recorded in her name."""
    if form not in TYPES or kind not in reports.KINDS:
        raise Http404
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    filters = {
        name: request.GET[name][:80] for name in ("code", "programme", "source", "area") if request.GET.get(name)
    }
    target = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response that sends it
    reports.stream(kind=kind, target=target, format=form, filters=filters, limit=EXPORTED_AT_MOST, at=clock.now())
    target.seek(0)
    return FileResponse(target, as_attachment=True, filename=f"khana-{kind}.{form}", content_type=TYPES[form])
