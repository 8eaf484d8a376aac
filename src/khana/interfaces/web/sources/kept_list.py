"""A list that is kept in Khana's own pages: rows by page, and a form that adds one under the contract."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from khana.beneficiaries import lists
from khana.dossiers import source_file as dossier
from khana.interfaces.web import session
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.sources import presenters
from khana.platform import clock
from khana.workflows import keep_list
from khana_methods.errors import InputError

PAGE_SIZE = 50


@session.needs("benefits.write")
@require_http_methods(["GET", "POST"])
def kept_list(request: HttpRequest, code: str) -> HttpResponse:
    """Show the rows of a kept list; add one."""
    found = dossier.source_file(code, at=clock.now())
    if not found.line.source.is_kept_here:
        raise Http404
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    rows = lists.rows_of_source(code, after=after, limit=PAGE_SIZE + 1)
    fields = keep_list.fields_of(found.contract.body if found.contract else {})
    values = {field.fact: request.POST.get(field.fact, "")[:500] for field in fields}
    context: dict[str, Any] = {
        **presenters.source(found),
        "tab": "list",
        "rows": rows[:PAGE_SIZE],
        "after": rows[PAGE_SIZE - 1].id if len(rows) > PAGE_SIZE else 0,
        "is_first": after == 0,
        "fields": [{"field": field, "value": values[field.fact]} for field in fields],
        "error": "",
    }
    if request.method == "POST":
        try:
            result = keep_list.add_row(token=session.token_of(request), source=code, values=values, at=clock.now())
        except InputError as error:
            return render(request, "sources/list.html", {**context, "error": error_wording(error)}, status=422)
        if result.get("rows_quarantined"):
            flash(request, "warning", _("The row could not be read; it waits in quarantine with the reason."))
        else:
            flash(request, "success", _("The row is on the list. It counts from the next consolidation on."))
        return redirect("sources-list", code)
    return render(request, "sources/list.html", context)
