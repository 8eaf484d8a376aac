"""The officer's home; trials of rules between programmes with notice, appeal, decision, effect; entitlements of a family."""

from __future__ import annotations

from typing import Any

import yaml
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.views.decorators.http import require_GET, require_POST

from khana.audit import services as audit
from khana.beneficiaries import state_reads
from khana.beneficiaries.services import reopen
from khana.beneficiaries.services import trials as services
from khana.dossiers import officer_home, referral
from khana.interfaces.web import limits, session, wording
from khana.interfaces.web.between import presenters
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.platform import clock, installation, jobs
from khana_methods.errors import KhanaError
from khana_methods.overlap.crossrules import CrossRulesInvalid, parse_cross_rules
from khana_methods.yaml_text import read_yaml


@session.needs("benefits.read")
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Show a programme officer what is hers and what waits for her."""
    agencies = sorted({grant.agency for grant in session.actor_of(request).grants if grant.agency})
    now = clock.now()
    found = officer_home.officer_home(agencies=agencies, today=now.date(), at=now)
    may = session.may(request, "benefits.write")
    decides = session.may(request, "crossrules.write")
    return render(
        request, "between/home.html", {**presenters.home(found), "may_settle": may, "may_settle_stops": may and decides}
    )


@session.needs("benefits.write")
@require_POST
def settle(request: HttpRequest, decision: int) -> HttpResponse:
    """Say that a decision stands after its source was corrected, or take it back."""
    try:
        reopen.settle(reopened_id=decision, is_confirmed=request.POST.get("what") == "stands", at=clock.now())
    except KhanaError as error:
        if error.http_status == 404:
            raise
        flash(request, "danger", error_wording(error))
    return redirect("enrolments")


@session.needs("results.read")
@require_GET
def trials(request: HttpRequest) -> HttpResponse:
    """List trials, and let who may start one."""
    rows = [presenters.trial_line(row) for row in state_reads.list_trials()]
    return render(
        request, "between/trials.html", {"rows": rows, "may_try": session.may(request, "crossrules.write"), "text": ""}
    )


@session.needs("crossrules.write")
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Try rules on the last run as a job; without text those of the country."""
    text = request.POST.get("text", "").strip()
    try:
        entries = _entries(text) if text else []
    except CrossRulesInvalid as error:
        rows = [presenters.trial_line(row) for row in state_reads.list_trials()]
        shown = {"rows": rows, "may_try": True, "text": text, "error": error_wording(error)}
        return render(request, "between/trials.html", shown, status=422)
    run = jobs.enqueue(
        kind="try_cross_rules", arguments={"rules": entries}, actor=session.actor_of(request), at=clock.now()
    )
    return redirect("jobs-job", run)


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        read = read_yaml(text)
    except yaml.YAMLError as error:
        raise CrossRulesInvalid("This is no YAML with a list 'rules'.") from error
    return [rule.as_entry() for rule in parse_cross_rules(read.get("rules") if isinstance(read, dict) else read)]


@session.needs("results.read")
@require_GET
def trial(request: HttpRequest, trial_id: int) -> HttpResponse:
    """Show one trial: what it would do, in numbers, and its stops as far as the reader's scope goes."""
    found = state_reads.trial(trial_id)
    if found is None:
        raise Http404
    state, after = request.GET.get("state", ""), request.GET.get("after", "0")
    rows = []
    if session.may(request, "benefits.read"):
        rows = state_reads.stops_of_trial(trial_id, state=state, after=int(after) if after.isdigit() else 0)
        audit.record(
            action="beneficiaries.stops.read", subject=f"trial:{trial_id}", details={"rows": len(rows)}, at=clock.now()
        )
    own = session.actor_of(request).id
    context = {
        **presenters.trial(found, rows),
        "state": state,
        "may_approve": session.may(request, "crossrules.approve") and found.proposed_by != own,
        "may_write": session.may(request, "crossrules.write"),
    }
    return render(request, "between/trial.html", context)


@session.needs("crossrules.write", "crossrules.approve")
@require_POST
def act(request: HttpRequest, trial_id: int) -> HttpResponse:
    """Approve a trial, give notice, put it into effect, or take it back."""
    what, now = request.POST.get("what", ""), clock.now()
    try:
        if what == "approve":
            services.approve_trial(trial_id=trial_id, at=now)
        elif what == "notice":
            days = request.POST.get("days", "30")
            services.give_notice(trial_id=trial_id, appeal_days=int(days) if days.isdigit() else 0, at=now)
        elif what == "apply":
            services.apply_trial(trial_id=trial_id, at=now)
        elif what == "withdraw":
            services.withdraw_trial(trial_id=trial_id, note=request.POST.get("note", ""), at=now)
    except KhanaError as error:
        flash(request, "danger", error_wording(error))
    return redirect("trials-trial", trial_id)


@session.needs("benefits.read")
@require_GET
def stop(request: HttpRequest, stop_id: int) -> HttpResponse:
    """Show one stop with every step of it."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    found = state_reads.stop(stop_id)
    if found is None:
        raise Http404
    audit.record(action="beneficiaries.stop.read", subject=f"stop:{stop_id}", at=clock.now())
    may = {name: session.may(request, name) for name in ("crossrules.appeal", "crossrules.write", "registry.read")}
    context = {
        "stop": presenters.stop(found),
        "may_appeal": may["crossrules.appeal"] and found.state == "NOTIFIED",
        "may_decide": may["crossrules.write"] and found.state == "APPEALED",
        "may_person": may["registry.read"] and found.person_id is not None,
    }
    return render(request, "between/stop.html", context)


@session.needs("crossrules.appeal", "crossrules.write")
@require_POST
def act_on_stop(request: HttpRequest, stop_id: int) -> HttpResponse:
    """Lodge an appeal, or decide one."""
    what, note, now = request.POST.get("what", ""), request.POST.get("note", ""), clock.now()
    try:
        if what == "appeal":
            services.appeal(stop_id=stop_id, note=note, at=now)
        elif what in ("allow", "uphold"):
            services.decide(stop_id=stop_id, is_allowed=what == "allow", note=note, at=now)
    except KhanaError as error:
        flash(request, "danger", error_wording(error))
    return redirect("trials-stop", stop_id)


@session.needs("benefits.read")
@require_GET
def letter(request: HttpRequest, stop_id: int) -> HttpResponse:
    """Show the notice of one stop as a letter to print, in the language of the person."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    found = state_reads.stop(stop_id)
    if found is None or found.appeal_until is None:
        raise Http404
    audit.record(action="beneficiaries.stop.letter_read", subject=f"stop:{stop_id}", at=clock.now())
    with translation.override(_asked_language(request)):
        return render(request, "between/letter.html", {"stop": presenters.stop(found), "choices": settings.LANGUAGES})


@session.needs("registry.read")
@require_GET
def entitlements(request: HttpRequest, number: str) -> HttpResponse:
    """Show what else a family is entitled to, on one page, in its language."""
    limits.LOOK_UP.take(f"user:{session.actor_of(request).id}")
    now = clock.now()
    found = referral.referral(number, on=installation.today(now), at=now)
    audit.record(
        action="dossiers.referral.read", subject=f"household:{number}", details={"offered": len(found.offered)}, at=now
    )
    with translation.override(_asked_language(request)):
        return render(request, "between/entitlements.html", presenters.entitlements(found))


def _asked_language(request: HttpRequest) -> str:
    asked = request.GET.get("in", "")
    return asked if asked in dict(settings.LANGUAGES) else wording.language()
