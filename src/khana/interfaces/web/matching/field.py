"""Pairs that only a visit can decide: one slip a pair, by place, to be printed and taken along; the answer is an outcome."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from khana.audit import services as audit
from khana.dossiers import pair_file
from khana.interfaces.web import session
from khana.linkage import selectors
from khana.platform import clock

SHOWN = 25


@session.needs("linkage.read")
@require_GET
def questions(request: HttpRequest) -> HttpResponse:
    """Show what the field is asked: whom to visit, what to look at; numbers stay masked."""
    found = [pair_file.pair_file(one.pk) for one in selectors.queue(decision="ASK_FIELD", kind="PERSON")[:SHOWN]]
    for one in found:
        audit.record(action="linkage.pair.read", subject=f"pair:{one.pair.pk}", at=clock.now())
    slips = sorted(found, key=lambda one: (list(one.right.place), one.pair.pk))
    context = {
        "slips": [
            {"file": one, "differs": [line.question for line in one.lines if line.agrees == "no"]} for one in slips
        ],
        "more": selectors.count_by_decision().get("ASK_FIELD", 0) > SHOWN,
        "may_review": session.may(request, "linkage.review"),
    }
    return render(request, "matching/field.html", context)
