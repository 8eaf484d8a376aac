"""Open the answers of submissions again, as drafts: from the encrypted store, under the version that was filled."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from khana.intake.answers import Instance, read_instance
from khana.intake.draft import Draft, make_draft
from khana.intake.models import FormVersion, Submission
from khana.intake.selectors import FormUnknown, definition_of, in_force
from khana.intake.xlsform.definition import Definition
from khana.platform import files, installation


@lru_cache(maxsize=16)
def _definition(version: int, md5: str) -> Definition:
    """Return what a version asks; its questions never change."""
    return definition_of(FormVersion.objects.get(pk=version))


def definition(row: Submission) -> Definition | None:
    """Return the questions that a submission answers, where its form is registered."""
    found = row.form_version
    return _definition(found.pk, found.xform_md5) if found else None


def forms_of_households(on: date) -> list[FormVersion]:
    """Return the versions that a desk fills on a day: of each form that says something about a household or its people."""
    return [row for row in in_force(on) if _definition(row.pk, row.xform_md5).facts()]


def instance_of(row: Submission) -> Instance:
    """Return the answers of a submission.

    Raises:
        SubmissionUnreadable: They cannot be read.
    """
    with files.open(row.sha256) as kept:
        data = kept.read()
    asked = definition(row)
    repeats = frozenset(q.repeat for q in asked.questions if q.repeat) if asked else frozenset()
    return read_instance(data, repeats)


def of(row: Submission) -> Draft:
    """Return the draft of a submission whose form is registered; made anew, so that a step may change it.

    Raises:
        FormUnknown: Its form is not registered.
    """
    asked = definition(row)
    if asked is None:
        raise FormUnknown("The form of this submission is not registered here.", form=row.form_code)
    country = installation.read().get("country", "pak")
    return make_draft(instance_of(row), asked, country=country, received_at=row.received_at)
