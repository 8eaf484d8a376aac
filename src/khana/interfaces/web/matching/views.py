"""The queue of pairs, one pair with both records side by side, and the outcome that somebody gives it.

Made for the keyboard: s same, d different, u unsure, f ask the field, and the next pair comes by itself.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from khana.access import services as access
from khana.audit import services as audit
from khana.dossiers import pair_file
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.linkage import selectors
from khana.platform import clock, jobs
from khana.workflows import review_pair

SHOWN = 25
_TONE = {"yes": "good", "near": "warn", "no": "bad", "unknown": "info"}


@session.needs("linkage.read")
@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Show what waits, how many of each state, how far two people agree, and which model is in use."""
    state = request.GET.get("state", "REVIEW")
    if state not in wording.PAIR_STATE:
        state = "REVIEW"
    said = selectors.agreement()
    active = selectors.find_active_card()
    run, lists = selectors.latest_run(), selectors.latest_run("LISTS")
    counts = selectors.count_by_decision()
    context = {
        "state": state,
        "states": [(code, words, counts.get(code, 0)) for code, words in wording.PAIR_STATE.items()],
        "pairs": [_line(one) for one in selectors.queue(decision=state)[:SHOWN]],
        "agreement": said,
        "kappa": None if said.kappa is None else round(said.kappa, 2),
        "model": active[1].version if active else "",
        "run": run,
        "followed": lists.counts.get("answers_followed", 0) if lists else 0,
        "estimate": run.model.estimate if run else {},
        "may_review": session.may(request, "linkage.review"),
        "may_run": session.may(request, "linkage.manage") and active is not None,
    }
    return render(request, "matching/queue.html", context)


def _line(pair: Any) -> dict[str, Any]:
    return {
        "pair": pair, "kind": wording.say(wording.PAIR_KIND, pair.kinds), "stake": wording.say(wording.STAKE, str(pair.stake)),
        "percent": round(pair.probability * 100), "contradiction": wording.say(wording.CONTRADICTION, pair.contradiction),
    }  # fmt: skip


@session.needs("linkage.review")
@require_GET
def following(request: HttpRequest) -> HttpResponse:
    """Lead to the pair that is worth most now and that this steward has not looked at."""
    found = selectors.queue_for(access.actor_id(), limit=1)
    if not found:
        flash(request, "success", _("Nothing waits for you in the queue."))
        return redirect("matching")
    return redirect("matching-pair", found[0].pk)


@session.needs("linkage.read")
@require_GET
def pair(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Show both records side by side with what agrees and what does not."""
    file = pair_file.pair_file(pair_id)
    audit.record(action="linkage.pair.read", subject=f"pair:{pair_id}", at=clock.now())
    mine = [label for label in selectors.labels_of(pair_id) if label.labelled_by == access.actor_id()]
    context = {
        "file": file,
        "line": _line(file.pair),
        "state": wording.say(wording.PAIR_STATE, file.pair.decision),
        "lines": [
            {"line": one, "question": wording.say(wording.QUESTION, one.question), "tone": _TONE[one.agrees],
             "agrees": wording.say(wording.AGREES, one.agrees),
             "left": wording.say(wording.SEX, one.left) if one.question == "sex" else one.left,
             "right": wording.say(wording.SEX, one.right) if one.question == "sex" else one.right}
            for one in file.lines
        ],
        "bits": [
            {"name": wording.say(wording.QUESTION_OF_MODEL, name), "bits": f"{value:+.1f}", "tone": "good" if value > 0 else "bad"}
            for name, value in file.bits
        ],
        # a second opinion is given without the first in view
        "mine": [wording.say(wording.OUTCOME, label.outcome) for label in mine],
        "may_review": session.may(request, "linkage.review"),
        "may_merge": session.may(request, "registry.merge") and file.pair.left_kind == "PERSON",
    }  # fmt: skip
    return render(request, "matching/pair.html", context)


@session.needs("linkage.review")
@require_POST
def outcome(request: HttpRequest, pair_id: int) -> HttpResponse:
    """Keep the outcome and go on to the next pair."""
    done = review_pair.run(
        pair=pair_id, outcome=request.POST.get("outcome", ""), origin="PAGE", merges=request.POST.get("merge") == "1",
        at=clock.now(),
    )  # fmt: skip
    if done["waits_for_second"]:
        flash(request, "success", _("Kept. This pair waits for a second opinion."))
    elif done.get("merge"):
        flash(request, "success", wording.say(wording.MERGE_DONE, done["merge"]["state"]))
    else:
        flash(request, "success", _("Kept: %(state)s.") % {"state": wording.say(wording.PAIR_STATE, done["decision"])})
    return redirect("matching-field" if request.POST.get("back") == "field" else "matching-next")


@session.needs("linkage.manage")
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Ask for a run over the registry, or over what changed in it; the page of the job shows how it goes."""
    access.require("linkage.manage", everywhere=True)
    selectors.get_active_card()
    kind = "linkage_changes" if request.POST.get("what") == "changes" else "linkage_run"
    run = jobs.enqueue(kind=kind, arguments={}, actor=session.actor_of(request), at=clock.now())
    return redirect("jobs-job", run)
