"""Submissions: where each stands and why, its answers under the questions that were asked, what a steward may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import segno
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from khana.access import services as access
from khana.audit import services as audit
from khana.intake import opened, selectors
from khana.intake import slip as slips
from khana.intake import telephone as telephones
from khana.intake.answers import SubmissionUnreadable
from khana.intake.reasons import WAIT, reasons, say
from khana.intake.services import effects, journey
from khana.interfaces.web import session, wording
from khana.interfaces.web.context import flash
from khana.interfaces.web.errors.pages import wording as error_wording
from khana.interfaces.web.programmes import words
from khana.platform import clock, files
from khana.programmes import names
from khana_methods.errors import Conflict, InputError

ROWS = 50
TONES = {"REGISTERED": "good", "RETURNED": "bad", "WAITING": "warn"}
_WAYS = ("submissions.read", "submissions.send")


def _shown(row: selectors.SubmissionRow) -> dict[str, Any]:
    language = wording.language()
    return {
        "row": row,
        "state": wording.say(wording.SUBMISSION_STATE, row.state),
        "tone": TONES.get(row.state, "info"),
        "reasons": [{"code": code, "text": say(code, language)} for code in row.reasons],
        "title": row.form_version.definition["title"] if row.form_version else row.form_code,
    }


@session.needs(*_WAYS)
@require_GET
def submissions(request: HttpRequest) -> HttpResponse:
    """List submissions, newest first, with what stands in each state."""
    state = request.GET.get("state", "")
    state = state if state in selectors.STATES else ""
    before = request.GET.get("before", "")
    rows = selectors.list_submissions(state=state, before=int(before) if before.isdigit() else None, limit=ROWS + 1)
    counts = selectors.count_by_state()
    context = {
        "rows": [_shown(row) for row in rows[:ROWS]],
        "next": rows[ROWS - 1].pk if len(rows) > ROWS else None,
        "chosen": state,
        "states": [
            {"code": code, "name": wording.say(wording.SUBMISSION_STATE, code), "count": counts[code], "tone": TONES.get(code, "info")}
            for code in selectors.STATES
        ],
        "may_desk": session.may(request, "registry.read") and session.may(request, "submissions.send"),
        "may_telephone": session.may(request, "submissions.send"),
        "may_forms": session.may(request, "forms.read"),
    }  # fmt: skip
    return render(request, "intake/submissions.html", context)


def _changed(gains: Sequence[str], loses: Sequence[str], filters: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the programmes that a form gains and loses, and the filters by which, in the reader's language."""
    known = names.called()
    programmes, told = known[names.PROGRAMME], known[names.FILTER]
    return {
        "gains": [words.called(programmes, code) for code in gains],
        "loses": [words.called(programmes, code) for code in loses],
        "filters": [
            (words.called(programmes, code), [words.called(told, one) for one in codes])
            for code, codes in filters.items()
        ],
    }


@session.needs(*_WAYS)
@require_GET
def submission(request: HttpRequest, number: int) -> HttpResponse:
    """Show one submission: stamps, reasons, findings, files and, to who may read them, answers."""
    row = selectors.get_submission_row(number)
    language = wording.language()
    may_read = session.may(request, "submissions.read")
    blocks: list[dict[str, Any]] = []
    if may_read:
        audit.record(action="intake.submission.read", subject=f"submission:{row.pk}", at=clock.now())
        blocks = _answers(row, language)
    effect = effects.of_submission(row.pk) if session.may(request, "scores.read") else None
    context = {
        **_shown(row),
        "stamps": [
            {"stamp": stamp, "state": wording.say(wording.SUBMISSION_STATE, stamp.state), "tone": TONES.get(stamp.state, "info"),
             "reasons": [say(code, language) for code in stamp.reasons]}
            for stamp in selectors.stamps_of(row.pk)
        ],
        "findings": [
            {"note": note, "text": say(note["code"], language), "severity": wording.say(wording.CHECK_SEVERITY, note["severity"]),
             "tone": {"REFUSE": "bad", "WARN": "warn"}.get(note["severity"], "info")}
            for note in row.findings
        ],
        "parts": selectors.parts_of(row.pk),
        "missing": sorted(set(row.media) - {part.name for part in selectors.parts_of(row.pk)}),
        "blocks": blocks,
        "effect": effect, "changed": _changed(effect.gains, effect.loses, effect.filters) if effect else None,
        "may_read": may_read,
        "may_settle": session.may(request, "submissions.process") and row.state in ("WAITING", "RETURNED"),
        "can_accept": row.state == "WAITING" and any(code in reasons() and reasons()[code].effect == WAIT for code in row.reasons),
        "can_return": row.state == "WAITING",
        "can_retry": "XML_UNREADABLE" not in row.reasons,
    }  # fmt: skip
    return render(request, "intake/submission.html", context)


def _answers(row: selectors.SubmissionRow, language: str) -> list[dict[str, Any]]:
    """Return answers as blocks: one for the household, one for each line of a repeat; under the version that was filled."""
    try:
        instance = opened.instance_of(row)
    except SubmissionUnreadable:
        return []
    asked = opened.definition(row)
    if asked is None:
        found = [{"label": path, "text": text} for path, text in instance.answers.items()]
        return [{"line": 0, "answers": found}]
    blocks = [{"line": 0, "answers": _lines(asked.questions, instance.answers, "", language)}]
    for repeat, rows in instance.rows.items():
        for place, answers in enumerate(rows, start=1):
            blocks.append({"line": place, "answers": _lines(asked.questions, answers, repeat, language)})
    return [block for block in blocks if block["answers"]]


def _lines(questions: Any, answers: Any, repeat: str, language: str) -> list[dict[str, str]]:
    found = []
    for question in questions:
        text = answers.get(question.path)
        if question.repeat == repeat and text and question.is_asked:
            said = " · ".join(question.choice(part, language) for part in text.split()) if question.choices else text
            found.append({"label": question.label(language), "text": said})
    return found


@session.needs("submissions.process")
@require_POST
def settle(request: HttpRequest, number: int) -> HttpResponse:
    """Take a submission that waits, return it, or let it go its way once more."""
    action, now = request.POST.get("action", ""), clock.now()
    try:
        if action == "accept":
            row = selectors.get_submission_row(number)
            journey.accept(
                number=number, codes=[code for code in request.POST.getlist("reason") if code in row.reasons], at=now
            )
            flash(request, "success", _("It goes on. Its journey is under way."))
        elif action == "return":
            journey.send_back(number=number, at=now)
            flash(request, "success", _("It was returned to who sent it."))
        elif action == "again":
            journey.try_again(number=number, at=now)
            flash(request, "success", _("It goes on. Its journey is under way."))
    except (Conflict, InputError) as error:
        flash(request, "warning", error_wording(error))
    return redirect("intake-submission", number)


@session.needs("submissions.read")
@require_GET
def attachment(request: HttpRequest, number: int, part: int) -> Any:
    """Send one file of a submission, to be kept and not shown; who took it is recorded."""
    row = selectors.get_submission_row(number)
    found = next((one for one in selectors.parts_of(row.pk) if one.pk == part), None)
    if found is None:
        raise selectors.SubmissionUnknown("This submission has no such file.")
    audit.record(
        action="intake.attachment.read",
        subject=f"submission:{row.pk}",
        details={"sha256": found.sha256},
        at=clock.now(),
    )
    return FileResponse(
        files.open(found.sha256), as_attachment=True, filename=found.name, content_type="application/octet-stream"
    )


@session.needs(*_WAYS)
@require_GET
def slip(request: HttpRequest, number: int) -> HttpResponse:
    """Show the slip that the family takes home: number, what was registered, what happens next, a picture code."""
    row = selectors.get_submission_row(number)
    household = row.household.number if row.household else ""
    members = 0
    if session.may(request, "submissions.read"):
        try:
            members = sum(len(rows) for rows in opened.instance_of(row).rows.values())
        except SubmissionUnreadable:
            members = 0
    where = request.build_absolute_uri(reverse("slip-state", args=[slips.code_of(row.pk)]))
    picture = segno.make(where, error="m").svg_inline(scale=4, border=2)
    audit.record(action="intake.slip.shown", subject=f"submission:{row.pk}", at=clock.now())
    context = {**_shown(row), "household": household, "members": members, "picture": picture, "where": where}
    return render(request, "intake/slip.html", context)


@session.needs("submissions.send")
@require_http_methods(["GET", "POST"])
def telephone(request: HttpRequest) -> HttpResponse:
    """Make a token for one telephone of the signed-in user and show it once, as the picture that sets ODK Collect up."""
    if request.method == "GET":
        return render(request, "intake/telephone.html", {"picture": ""})
    made = access.make_token(ttl=timedelta(days=90))
    address = request.build_absolute_uri(f"/api/odk/v1/key/{made}/projects/1")
    picture = segno.make(telephones.settings_text(address), error="l").svg_inline(scale=3, border=4)
    return render(request, "intake/telephone.html", {"picture": picture, "address": address})
