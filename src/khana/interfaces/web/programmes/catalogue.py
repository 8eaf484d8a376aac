"""The catalogue with what its rules say of the registry, one programme whole, and the unserved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.programmes import words
from khana.platform import clock, installation
from khana.programmes import catalogue, results
from khana.programmes.names import Called

_PAGE = 50


@session.needs("results.read")
@require_GET
def programmes(request: HttpRequest) -> HttpResponse:
    """Show every programme: what it gives, to whom, and how many its rule says are eligible."""
    found = results.find_evaluation()
    told = found.summary.get("programmes", {}) if found else {}
    language = wording.language()
    rows = [
        {**row, "called": row["names"].get(language) or row["name"], "kind": words.kinds().get(row["benefit_type"], ""),
         "for_whom": words.for_whom(row),
         "answers": told.get(row["code"])}
        for row in catalogue.list_catalogue(installation.today(clock.now()))
    ]  # fmt: skip
    context = {"rows": rows, "evaluation": found, "may_evaluate": session.may(request, "lists.draw")}
    return render(request, "programmes/programmes.html", context)


@session.needs("results.read")
@require_GET
def programme(request: HttpRequest, code: str) -> HttpResponse:
    """Show one programme whole: amounts, quotas, conditions, rule by version, answers with reasons, filters."""
    one = catalogue.describe(code, installation.today(clock.now()))
    found = results.find_evaluation()
    answers = results.answers_of(found.id, programme=code) if found else []
    report = found.summary.get("filters", {}).get(code, {}) if found else {}
    filters = words.filters()
    context = {
        "one": one, "called": one["names"].get(wording.language()) or one["name"], "evaluation": found,
        "kind": words.kinds().get(one["benefit_type"], ""), "group": words.groups().get(one["target_group"], one["target_group"]),
        "whom": words.groups().get(one["unit"], one["unit"]), "versions": list(reversed(one["rule"]["versions"])),
        "amounts": sorted(one["amounts"], key=lambda row: (row["from"], row.get("variant", ""), row.get("sex", "")), reverse=True),
        "answers": [
            {**row, "outcome": words.outcomes()[row["outcome"]], "filter": filters.get(row["why"]) if row["outcome"] == "excluded" else None}
            for row in answers
        ],
        "report": report,
        "filters": [{**row, "named": filters.get(row["filter"], {"words": row["name"], "tongue": "en"})} for row in report.get("filters", [])],
        "owner": words.named(Called(one["owner"], one["owner_names"])),
    }  # fmt: skip
    return render(request, "programmes/programme.html", context)


@session.needs("recipients.read")
@require_GET
def unserved(request: HttpRequest) -> HttpResponse:
    """Show who is eligible and served by nothing: why, what would reach them, and households by rank."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    found = results.find_evaluation()
    context: dict[str, Any] = {"evaluation": found, "may_evaluate": session.may(request, "lists.draw")}
    if found:
        area, reason = request.GET.get("area", "")[:20], request.GET.get("reason", "")[:20]
        path = geo.paths_of([area]).get(area, "") if area else ""
        after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
        rows = (
            []
            if area and not path
            else results.unserved(found.id, after=after, limit=_PAGE, area_path=path, reason=reason)
        )
        audit.record(
            action="programmes.unserved.read",
            subject=f"evaluation:{found.id}",
            details={"rows": len(rows)},
            at=clock.now(),
        )
        names = geo.list_area_names(wording.language())
        context |= {
            "area": area, "reason": reason, "reasons": list(words.reasons().items()),
            "counts": [
                {"reason": words.reasons()[row["reason"]], "outreach": words.outreach()[row["outreach"]], "households": row["households"]}
                for row in results.unserved_reasons(found.id, area_path=path)
            ],
            "rows": [
                {**row, "why": words.reasons()[row["reason"]], "way": words.outreach()[row["outreach"]], "place": names.get(row["area"], row["area"])}
                for row in rows
            ],
            "not_registered": sum(results.not_registered(found.id).values()),
            "next": rows[-1]["rank"] if len(rows) == _PAGE else None,
        }  # fmt: skip
    return render(request, "programmes/unserved.html", context)
