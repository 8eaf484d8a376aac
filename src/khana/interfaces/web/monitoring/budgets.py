"""The page of budgets: what each government appropriated, what lists say was spent of it, and a form for a budget's file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.geo import area_names as geo
from khana.interfaces.web import limits, session, uploads, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.tags import number as written
from khana.monitoring import budgets as room
from khana.platform import clock
from khana.programmes import names as programmes
from khana.workflows import load_budget
from khana_methods.coverage.budgets import COLUMNS, UNITS, Execution
from khana_methods.errors import KhanaError

MOST = 500


@session.needs("results.read")
@require_GET
def budgets(request: HttpRequest) -> HttpResponse:
    """Show the lines of one fiscal year with what was spent, by government and by programme."""
    years = room.list_years()
    year = request.GET.get("year", "")
    year = year if year in years else next(iter(years), "")
    head, found = load_budget.executed(year=year) if year else (None, [])
    called = {code: one.called(wording.language()) for code, one in programmes.catalogue().items()}
    areas = geo.areas(one.line.area_code for one in found if one.line.area_code)
    context = {
        "head": head, "years": years, "year": year, "more": max(0, len(found) - MOST),
        "rows": [_row(one, called, areas) for one in found[:MOST]],
        "governments": _sums((one.line.government, one) for one in found),
        "programmes": _sums((called.get(one.line.programme, one.line.programme), one) for one in found),
        "whole": _sums(("", one) for one in found), "may_load": session.may(request, room.PERMISSION),
        "columns": ", ".join(COLUMNS), "units": ", ".join(filter(None, UNITS)),
    }  # fmt: skip
    return render(request, "monitoring/budgets.html", context)


def _row(one: Execution, called: Mapping[str, str], areas: Mapping[str, geo.AreaName]) -> dict[str, Any]:
    area = areas.get(one.line.area_code)
    return {
        "programme": called.get(one.line.programme, one.line.programme), "government": one.line.government,
        "area": area.called(wording.language()) if area else one.line.area_code, "amount": float(one.line.amount), "spent": one.spent,
        "share": one.share, "quarters": one.quarters, "source": one.line.source, "is_over": one.share is not None and one.share > 1,
    }  # fmt: skip


def _sums(found: Iterable[tuple[str, Execution]]) -> list[dict[str, Any]]:
    """Return budget, spending and share by name, largest budget first."""
    made: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, one in found:
        made[name][0] += float(one.line.amount)
        made[name][1] += one.spent
    rows = [
        {"name": name, "amount": amount, "spent": spent, "share": spent / amount if amount else None}
        for name, (amount, spent) in made.items()
    ]
    return sorted(rows, key=lambda row: (-float(str(row["amount"])), str(row["name"])))


@session.needs("monitoring.write")
@require_POST
def load(request: HttpRequest) -> HttpResponse:
    """Take in a budget's file, whole or not at all; a budget has hundreds of lines, not millions."""
    limits.EXPORT.take(f"user:{session.actor_of(request).id}")
    sent = request.FILES.get("file")
    if sent is None:
        flash(request, "danger", _("Choose the file of the budget first."))
        return redirect("monitoring-budgets")
    path = uploads.keep(sent)
    try:
        made = load_budget.run(
            token=session.token_of(request), path=path, name=uploads.safe_name(sent.name or ""), at=clock.now()
        )
    except KhanaError as error:
        flash(request, "danger", error_wording(error))
        return redirect("monitoring-budgets")
    finally:
        path.unlink(missing_ok=True)
    told = {"n": written(made["lines"]), "c": written(made["changed"])}
    flash(request, "success", _("Read: %(n)s lines, %(c)s of them new or changed.") % told)
    return redirect("monitoring-budgets")
