"""The form of a new outreach plan: files of places, bases and roads, what there is to send, and then a job."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from khana.interfaces.web import limits, session, uploads
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, jobs
from khana.workflows import plan_upload
from khana_methods.engine.files import read_table
from khana_methods.errors import InputError, KhanaError

_WHOLE = {"vans": (0, 2_000), "days": (1, 400), "centres": (0, 2_000), "teams": (0, 5_000)}
_SHARES = {"floor": (0.0, 1.0), "take_up": (0.01, 1.0)}
_NEEDED = ("code", "missing", "latitude", "longitude")


class PlanUnreadable(InputError):
    """The form of a plan leaves something out, or a number is out of range."""

    code: ClassVar[str] = "web.plan_unreadable"


def _fresh() -> dict[str, str]:
    return {"title": "", "vans": "10", "days": "30", "start": clock.now().date().isoformat(), "budget": "", "floor": "0.5",
            "take_up": "0.6", "centres": "0", "teams": "0", "hours": ""}  # fmt: skip


@session.needs("monitoring.write")
@require_http_methods(["GET", "POST"])
def new_plan(request: HttpRequest) -> HttpResponse:
    """Show the form, or start the plan as a job."""
    asked = _fresh()
    if request.method == "GET":
        return render(request, "coverage/new_plan.html", {"asked": asked})
    asked |= {name: request.POST.get(name, "").strip()[:120] for name in asked}
    try:
        terms = _terms(asked)
        limits.EXPORT.take(f"user:{session.actor_of(request).id}")
        arguments = {"title": asked["title"] or asked["start"], "asked": terms, **_files(request)}
    except KhanaError as error:
        return render(
            request, "coverage/new_plan.html", {"asked": asked, "error": error_wording(error)}, status=error.http_status
        )
    run = jobs.enqueue(kind="plan_outreach", arguments=arguments, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


def _terms(asked: dict[str, str]) -> dict[str, Any]:
    """Return the terms as plain values.

    Raises:
        PlanUnreadable: A number is none, or out of range; there is nothing to send.
    """
    made: dict[str, Any] = {}
    try:
        for name, (least, most) in _WHOLE.items():
            made[name] = int(asked[name] or 0)
            if not least <= made[name] <= most:
                raise PlanUnreadable(
                    _("'%(name)s' is a whole number from %(least)s to %(most)s.")
                    % {"name": name, "least": least, "most": most},
                    field=name,
                )
        for name, (low, high) in _SHARES.items():
            made[name] = float(asked[name].replace(",", "."))
            if not low <= made[name] <= high:
                raise PlanUnreadable(
                    _("'%(name)s' is a share between %(low)s and %(high)s.") % {"name": name, "low": low, "high": high},
                    field=name,
                )
        made["budget"] = float(asked["budget"].replace(",", "")) if asked["budget"] else None
        made["start"] = date.fromisoformat(asked["start"]).isoformat()
    except ValueError as error:
        raise PlanUnreadable(
            _("A number or the first day cannot be read. Write 30, 0.5, 40000000, 2026-07-01.")
        ) from error
    if made["budget"] is not None and not 0 < made["budget"] < 1e15:
        raise PlanUnreadable(_("The budget is an amount above zero, or empty."), field="budget")
    if not made["vans"] + made["centres"] + made["teams"]:
        raise PlanUnreadable(_("Say how many vans, centres or teams there are to send."))
    made["hours"] = asked["hours"]
    plan_upload.terms_of(made)
    return made


def _files(request: HttpRequest) -> dict[str, str]:
    """Keep what was sent for the job, and look whether the file of places can carry a plan.

    Raises:
        PlanUnreadable: It is missing, or lacks a column.
        FileUnreadable: It is no table.
    """
    sent = request.FILES.get("places")
    if sent is None:
        raise PlanUnreadable(_("Choose the file of places first."))
    kept = {"path": uploads.keep(sent)}
    try:
        names = read_table(kept["path"]).schema.names
        absent = [name for name in _NEEDED if name not in names]
        if absent:
            raise PlanUnreadable(
                _("The file of places lacks the columns %(names)s.") % {"names": ", ".join(absent)}, missing=absent
            )
        for name in ("bases", "roads"):
            more = request.FILES.get(name)
            if more is not None:
                kept[name] = uploads.keep(more)
                read_table(kept[name])
    except InputError:
        for path in kept.values():
            path.unlink(missing_ok=True)
        raise
    return {name: str(path) for name, path in kept.items()}
