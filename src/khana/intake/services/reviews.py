"""Keep what the checks of filled forms found, and follow what has to be put right until somebody else saw that it was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.geo import selectors as geo
from khana.intake.models import CorrectiveAction, EnumeratorReview, FormVersion, QuestionEvidence
from khana.intake.services import due
from khana.platform import jobs
from khana_methods.errors import Conflict, InputError, NotFound

State = CorrectiveAction.State
NIGHTLY = "review_field"
_MOST = 200


class ActionUnknown(NotFound):
    """There is no such corrective action within the scope."""

    code: ClassVar[str] = "intake.action.unknown"


class ActionMoved(Conflict):
    """The action is not in a state from which this is possible, or the same person would close what she did."""

    code: ClassVar[str] = "intake.action.moved"


class ActionEmpty(InputError):
    """An action says what is to be put right, and by when."""

    code: ClassVar[str] = "intake.action.empty"


@dataclass(frozen=True)
class Line:
    """What one run shows of one enumerator."""

    user_id: int
    user_label: str
    area_path: str
    submissions: int
    rank: int | None
    first: str
    measures: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]]


@transaction.atomic
def keep_lines(*, lines: Iterable[Line], run: str, begins: date, ends: date, at: datetime) -> int:
    """Keep the lines of one run; return how many."""
    access.require("centres.manage")
    rows = [
        EnumeratorReview(
            run=run, area_path=line.area_path, user_id=line.user_id, user_label=line.user_label, begins=begins, ends=ends,
            submissions=line.submissions, review_rank=line.rank, first=line.first, measures=dict(line.measures),
            findings=[dict(one) for one in line.findings[:_MOST]], actor_id=access.actor_id(), made_at=at,
        )
        for line in lines
    ]  # fmt: skip
    EnumeratorReview.objects.bulk_create(rows)
    details = {"enumerators": len(rows), "from": begins.isoformat(), "until": ends.isoformat()}
    audit.record(action="intake.field.reviewed", subject="review:field", details=details, at=at)
    return len(rows)


@transaction.atomic
def keep_evidence(*, form: str, version: str, rows: Iterable[Mapping[str, Any]], at: datetime) -> int:
    """Bring what is known of the questions of one version up to date; columns that are not given stay.

    Args:
        form: Code of the form.
        version: Its version.
        rows: By question (its path), with columns of `QuestionEvidence`.
        at: When.
    """
    access.require("centres.manage")
    owner = FormVersion.objects.get(form__code=form, version=version)
    known = {row.question: row for row in QuestionEvidence.objects.filter(form_version=owner)}
    columns = (
        "asked",
        "missing_share",
        "other_share",
        "timed",
        "seconds_median",
        "seconds_p90",
        "reliability",
        "error_rate",
        "compared",
    )
    count = 0
    for given in rows:
        values = {name: given[name] for name in columns if name in given and given[name] is not None}
        row = known.get(str(given["question"]))
        if row is None:
            QuestionEvidence.objects.create(
                form_version=owner, question=str(given["question"]), actor_id=access.actor_id(), made_at=at, **values
            )
        else:
            QuestionEvidence.objects.filter(pk=row.pk).update(made_at=at, **values)
        count += 1
    return count


def evidence_of(version: FormVersion) -> dict[str, QuestionEvidence]:
    """Return what is known of the questions of a version, by path."""
    return {row.question: row for row in QuestionEvidence.objects.filter(form_version=version).order_by("id")}


def reviews_of(user_id: int, limit: int = 30) -> list[EnumeratorReview]:
    """Return the newest lines of one enumerator."""
    return list(EnumeratorReview.objects.filter(user_id=user_id).order_by("-made_at", "-id")[:limit])


def newest_lines() -> list[EnumeratorReview]:
    """Return the newest line of every enumerator of the scope, whom to visit first at the top."""
    newest = EnumeratorReview.objects.order_by("user_id", "-made_at", "-id").distinct("user_id")
    return sorted(newest, key=lambda row: (row.review_rank is None, row.review_rank or 0, row.user_label))


# --- corrective actions ---------------------------------------------------------------------------------------------


@transaction.atomic
def open_action(
    *,
    user_id: int,
    user_label: str,
    area_code: str = "",
    area_path: str = "",
    about: str,
    what: str,
    due_on: date,
    at: datetime,
) -> CorrectiveAction:
    """Say what is to be put right about an enumerator's work, and by when.

    Raises:
        ActionEmpty: It says nothing, or its day has passed.
    """
    access.require("centres.manage")
    if len(what.strip()) < 10 or due_on < at.date():
        raise ActionEmpty("Say in a sentence what is to be put right, and a day from today on.")
    path = area_path or geo.get_path(area_code)
    row = CorrectiveAction.objects.create(
        area_path=path, user_id=user_id, user_label=user_label, about=about[:100], what=what.strip()[:1000], due_on=due_on,
        history=[_entry(State.OPEN, "", at)], actor_id=access.actor_id(), opened_at=at,
    )  # fmt: skip
    audit.record(
        action="intake.action.opened",
        subject=f"action:{row.pk}",
        details={"user": user_id, "about": about[:100]},
        at=at,
    )
    return row


def _entry(state: str, note: str, at: datetime) -> dict[str, Any]:
    me = who.me()
    return {"state": str(state), "who": me.username if me else "", "at": at.isoformat(), "note": note.strip()[:500]}


_FROM = {State.DONE: {State.OPEN}, State.CLOSED: {State.DONE}, State.OPEN: {State.DONE, State.CLOSED}}


@transaction.atomic
def move_action(*, number: int, state: str, note: str = "", at: datetime) -> CorrectiveAction:
    """Say that an action was DONE, that somebody else saw it (CLOSED), or that it is OPEN again.

    Raises:
        ActionUnknown: There is none within the scope.
        ActionMoved: It is not in a state for it, or who did it would close it.
    """
    access.require("centres.manage")
    row = CorrectiveAction.objects.select_for_update(of=("self",)).filter(pk=number).first()
    if row is None:
        raise ActionUnknown("There is no such action in your area.", action=number)
    if state not in State.values or State(row.state) not in _FROM[State(state)]:
        raise ActionMoved(f"An action that is {row.state.lower()} cannot become {state.lower()}.", action=number)
    actor = access.actor_id()
    if state == State.CLOSED and actor == row.done_by:
        raise ActionMoved("You did it yourself: another person must have seen it.", action=number)
    values: dict[str, Any] = {
        "state": state,
        "history": json.loads(json.dumps([*row.history, _entry(state, note, at)])),
    }
    if state == State.DONE:
        values |= {"done_by": actor}
    elif state == State.CLOSED:
        values |= {"closed_by": actor, "closed_at": at}
    else:
        values |= {"done_by": None, "closed_by": None, "closed_at": None}
    CorrectiveAction.objects.filter(pk=number).update(**values)
    audit.record(action="intake.action.moved", subject=f"action:{number}", details={"state": state}, at=at)
    return CorrectiveAction.objects.get(pk=number)


def actions(*, user_id: int | None = None, open_only: bool = False) -> list[CorrectiveAction]:
    """Return the actions of the scope, those that are due first."""
    found = CorrectiveAction.objects.order_by("closed_at", "due_on", "id")
    found = found.filter(user_id=user_id) if user_id is not None else found
    return list((found.exclude(state=State.CLOSED) if open_only else found)[:500])


# --- each night -----------------------------------------------------------------------------------------------------


def ask_for_tonight(*, at: datetime) -> bool:
    """Queue the checks of the last day, and who is due, in the worker's own name; once a day. Say whether they were queued now.

    Only the worker process may open this session.
    """
    token = str(access.call("intake_open_review")[0][0])
    try:
        with access.scoped(token):
            me = who.me()
            begins = at.replace(hour=0, minute=0, second=0, microsecond=0)
            if me is None:
                return False
            asked = {run.kind for run in jobs.list_runs(limit=20, actor_id=me.id) if run.queued_at >= begins}
            missing = [kind for kind in (NIGHTLY, due.KIND) if kind not in asked]
            for kind in missing:
                jobs.enqueue(kind=kind, arguments={}, actor=me, at=at)
    finally:
        access.sign_out(token=token)
    return bool(missing)
