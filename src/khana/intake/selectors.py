"""Reads of forms and submissions for people and phones, within the scope of the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from django.db.models import Count, Max, Q, QuerySet

from khana.intake.models import Entity, FormVersion, Stamp, Submission, SubmissionPart
from khana.intake.xlsform.definition import Definition, from_json
from khana_methods.errors import NotFound

STATES = tuple(Submission.State.values)  # in the order of the journey
# rows as interfaces name them: a room's models stay its own
FormRow = FormVersion
SubmissionRow = Submission
EntityRow = Entity


class FormUnknown(NotFound):
    """There is no such form, or no such version of it."""

    code: ClassVar[str] = "intake.form.unknown"


class SubmissionUnknown(NotFound):
    """No submission of that number lies within the reader's scope."""

    code: ClassVar[str] = "intake.submission.unknown"


def definition_of(version: FormVersion) -> Definition:
    """Return what a version asks."""
    return from_json(version.definition, version.xform)


def list_versions(code: str = "") -> list[FormVersion]:
    """Return the versions of one form, or of all, newest first within each form."""
    found = FormVersion.objects.select_related("form", "source").order_by("form__code", "-valid_from", "-id")
    return list(found.filter(form__code=code) if code else found)


def get_version(code: str, version: str = "") -> FormVersion:
    """Return a version of a form, or its newest.

    Raises:
        FormUnknown: There is none.
    """
    found = FormVersion.objects.select_related("form", "source").filter(form__code=code).order_by("-valid_from", "-id")
    row = (found.filter(version=version) if version else found).first()
    if row is None:
        raise FormUnknown(
            f"There is no form '{code}'{' of version ' + version if version else ''}.", form=code, version=version
        )
    return row


def find_version(code: str, version: str) -> FormVersion | None:
    """Return exactly this version, or nothing."""
    return FormVersion.objects.select_related("form").filter(form__code=code, version=version).first()


def in_force(on: date) -> list[FormVersion]:
    """Return the version of each form that is to be filled on a day."""
    rows = (
        FormVersion.objects.select_related("form")
        .filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on), state=FormVersion.State.ACTIVE, valid_from__lte=on)
        .order_by("form__code", "-valid_from", "-id")
    )
    found: dict[int, FormVersion] = {}
    for row in rows:
        found.setdefault(row.form_id, row)
    return list(found.values())


def counts_by_form() -> dict[str, dict[str, Any]]:
    """Return, for each form within the scope, how many submissions there are and when the last came."""
    rows = (
        Submission.objects.values("form_code")
        .annotate(count=Count("id"), last=Max("received_at"))
        .order_by("form_code")
    )
    return {row["form_code"]: {"count": row["count"], "last": row["last"]} for row in rows}


def list_submissions(
    *, state: str = "", form: str = "", before: int | None = None, limit: int = 50, states: Sequence[str] = ()
) -> list[Submission]:
    """Return submissions of the scope, newest first, below a row number where one is given."""
    found: QuerySet[Submission] = Submission.objects.select_related("form_version__form", "household").order_by("-id")
    if state:
        found = found.filter(state=state)
    if states:
        found = found.filter(state__in=list(states))
    if form:
        found = found.filter(form_code=form)
    if before:
        found = found.filter(id__lt=before)
    return list(found[:limit])


def submissions_of(households: Sequence[int], *, limit: int = 50) -> list[Submission]:
    """Return what was sent of these households, newest first."""
    found = Submission.objects.filter(household_id__in=list(households)).select_related("form_version__form")
    return list(found.order_by("-id")[:limit])


def get_submission(instance_id: str) -> Submission:
    """Return one submission by its instance id.

    Raises:
        SubmissionUnknown: None lies within the scope.
    """
    row = Submission.objects.select_related("form_version__form", "household").filter(instance_id=instance_id).first()
    if row is None:
        raise SubmissionUnknown("No submission within your area has this number.")
    return row


def find_submission(instance_id: str) -> Submission | None:
    """Return one submission by its instance id, or nothing where none lies within the scope."""
    return Submission.objects.filter(instance_id=instance_id).first()


def get_submission_row(number: int) -> Submission:
    """Return one submission by its row number.

    Raises:
        SubmissionUnknown: None lies within the scope.
    """
    row = Submission.objects.select_related("form_version__form", "household").filter(pk=number).first()
    if row is None:
        raise SubmissionUnknown("No submission within your area has this number.")
    return row


def stamps_of(submission_id: int) -> list[Stamp]:
    """Return the stamps of a submission in their order."""
    return list(Stamp.objects.filter(submission_id=submission_id).order_by("id"))


def parts_of(submission_id: int) -> list[SubmissionPart]:
    """Return the files that came with a submission, in the order of their coming."""
    return list(SubmissionPart.objects.filter(submission_id=submission_id).order_by("id"))


def count_by_state() -> dict[str, int]:
    """Return how many submissions of the scope stand in each state; every state is named."""
    rows = Submission.objects.values_list("state").annotate(count=Count("id")).order_by("state")
    found = dict(rows)
    return {state.value: int(found.get(state.value, 0)) for state in Submission.State}
