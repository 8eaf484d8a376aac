"""Selection lists: all of them, one with its entries, and what two officers, a community and the office do with it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import FormUnclear
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.programmes import words
from khana.platform import clock, jobs
from khana.programmes import lists as kept
from khana.programmes.services import lists as services
from khana.programmes.services import proposals
from khana_methods.errors import KhanaError
from khana_methods.rules.facts import load_facts

_PAGE = 50
_STATES = ("SELECTED", "RESERVE", "WAITING", "REMOVED")


@session.needs("lists.read")
@require_GET
def lists(request: HttpRequest) -> HttpResponse:
    """Show the lists, newest first, with how many have approved each."""
    rows = [
        {"one": one, "state": words.states()[one.state], "tone": words.tones().get(one.state, "info"),
         "approvals": sum(approval.is_of_now for approval in kept.approvals_of(one))}
        for one in kept.list_lists()
    ]  # fmt: skip
    return render(request, "programmes/lists.html", {"rows": rows})


@session.needs("lists.read")
@require_GET
def one(request: HttpRequest, code: str) -> HttpResponse:
    """Show one list: its terms, approvals, changes, and its entries within the scope page by page."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    known = kept.get_list(code)
    state = request.GET.get("state", "") if request.GET.get("state") in _STATES else ""
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    entries = kept.entries_of(known.id, after=after, limit=_PAGE, state=state)
    audit.record(action="programmes.list.read", subject=f"list:{code}", details={"rows": len(entries)}, at=clock.now())
    me = session.actor_of(request).id
    approvals = kept.approvals_of(known)
    names = geo.list_area_names(wording.language())
    called = words.states()
    context = {
        "known": known, "state": called[known.state], "tone": words.tones().get(known.state, "info"), "shown": state,
        "states": [(name, called[name], n) for name, n in kept.states_of(known.id).items()],
        "entries": [
            {"one": entry, "state": called[entry.state], "tone": words.tones().get(entry.state, "info"),
             "area": names.get(entry.quota_area, entry.quota_area or "–"), "moved": entry.state != entry.drawn_state}
            for entry in entries
        ],
        "approvals": approvals, "counting": sum(approval.is_of_now for approval in approvals),
        "changes": [{**row, "from": called[row["from"]], "to": called[row["to"]]} for row in kept.changes_of(known.id, limit=50)],
        "is_mine": known.created_by == me,
        "has_approved": any(approval.actor_id == me and approval.is_of_now for approval in approvals),
        "may_approve": session.may(request, "lists.approve"), "may_freeze": session.may(request, "lists.draw"),
        "may_change": session.may(request, "lists.propose") or session.may(request, "lists.approve"),
        "may_enrol": known.is_settled and session.may(request, "lists.draw") and session.may(request, "benefits.write"),
        "may_notify": known.is_settled and session.may(request, "benefits.write"),
        "visits": [{**row, "found": words.visits()[row["outcome"]]} for row in kept.rechecks_of(known.id, limit=50)],
        "outcomes": list(words.visits().items()), "facts": sorted(fact.name for fact in load_facts().of_entity("household")),
        "rounds": range(3),
        "choices": [(name, called[name]) for name in _STATES],
        "next": entries[-1].id if len(entries) == _PAGE else None,
    }  # fmt: skip
    return render(request, "programmes/list.html", context)


def _do(request: HttpRequest, code: str, step: Any, done: str) -> HttpResponse:
    try:
        step()
    except KhanaError as error:
        if error.http_status == 404:
            raise
        flash(request, "warning", error_wording(error))
    else:
        flash(request, "success", done)
    return redirect("lists-one", code)


@session.needs("lists.approve")
@require_POST
def approve(request: HttpRequest, code: str) -> HttpResponse:
    """Approve a list as it stands."""
    step = lambda: services.approve(code=code, at=clock.now())  # noqa: E731 - said where it is used
    return _do(request, code, step, _("You have approved the list as it stands. Two people must."))


@session.needs("lists.approve", "lists.draw")
@require_POST
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take an open list back."""
    step = lambda: services.withdraw(code=code, at=clock.now())  # noqa: E731
    return _do(request, code, step, _("The list is withdrawn."))


@session.needs("lists.draw")
@require_POST
def freeze(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the job that derives a list again and freezes it."""
    return _ask(request, code, "freeze_list")


@session.needs("lists.draw")
@require_POST
def enrol(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the job that makes enrolments of a frozen list."""
    return _ask(request, code, "enrol_list")


@session.needs("benefits.write")
@require_POST
def notify(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the job that records that everybody selected was told."""
    return _ask(request, code, "notify_list")


@session.needs("lists.propose", "lists.approve")
@require_POST
def visit(request: HttpRequest, code: str) -> HttpResponse:
    """Keep what a visit to a listed household found."""
    named = zip(request.POST.getlist("fact"), request.POST.getlist("value"), strict=False)
    facts = {fact.strip(): value.strip()[:200] for fact, value in named if fact.strip()}

    def step() -> None:
        try:
            day = date.fromisoformat(request.POST.get("visited_on", ""))
        except ValueError as error:
            raise FormUnclear(_("A visit names its day, such as 2026-11-30.")) from error
        proposals.record_recheck(
            code=code, unit=request.POST.get("unit", "")[:80], visited_on=day, outcome=request.POST.get("outcome", ""),
            facts=facts, at=clock.now(),
        )  # fmt: skip

    return _do(request, code, step, _("The visit is kept as evidence. It changes no file."))


def _ask(request: HttpRequest, code: str, kind: str) -> HttpResponse:
    kept.get_list(code)
    run = jobs.enqueue(kind=kind, arguments={"code": code}, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)


@session.needs("lists.propose", "lists.approve")
@require_POST
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Record a change of an open list."""
    asked = {name: request.POST.get(name, "")[:2000] for name in ("unit", "to_state", "kind", "reason", "minutes")}

    def step() -> None:
        services.change(
            code=code, unit=asked["unit"], to_state=asked["to_state"], kind=asked["kind"], reason=asked["reason"],
            minutes=asked["minutes"], at=clock.now(),
        )  # fmt: skip

    return _do(request, code, step, _("The change is recorded. It asks for new approvals."))
