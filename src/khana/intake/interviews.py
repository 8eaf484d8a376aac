"""Filled forms as rows for the methods: who, when, where, which answers, which questions were left empty, and how long they took.

Answers come from the encrypted store one form at a time and go no further than the frame; names and numbers of people are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from khana.access import services as access
from khana.intake import opened
from khana.intake.models import Submission, SubmissionPart
from khana.intake.xlsform.definition import Definition
from khana.platform import files
from khana_methods.quality.interviews.audit_log import question_seconds
from khana_methods.rules.facts import load_facts

_AT_ONCE = 200
_LARGEST_LOG = 4 << 20
# what names a person or a place to go to plays no part in these checks
_LEFT_OUT = {"deviceid", "enumerator_code", "household", "instanceID"}


@dataclass(frozen=True)
class Interview:
    """One filled form.

    Attributes:
        row: The submission.
        questions: Path of each question of the household (none of a repeat) -> answer; None where it was asked and left empty.
        seconds: Path -> seconds, from the audit log; empty without one.
        head_age: Age of the head, for heaping.
    """

    row: Submission
    questions: dict[str, str | None]
    seconds: dict[str, float]
    started: str
    ended: str
    position: tuple[str, str, str]
    village: str
    head_age: str


def personal(definition: Definition) -> set[str]:
    """Return the paths of questions whose facts name a person: they stay out of every frame."""
    facts = load_facts().facts
    return {
        question.path for question in definition.questions
        if question.name in _LEFT_OUT or any(name in facts and facts[name].type in ("name", "mobile", "identifier") for name in question.facts)
        or any(name in ("name", "guardian_name", "name_native", "address", "id_number", "contact_mobile_number") for name in question.facts)
    }  # fmt: skip


def read(*, begins: date, ends: date, form: str = "", versions: Sequence[str] = ()) -> Iterator[Interview]:
    """Yield the filled forms of the scope that arrived in a span of days, in order; what cannot be read is passed over.

    Args:
        begins: First day.
        ends: The day after the last.
        form: Only of this form.
        versions: Only of these versions.

    Raises:
        PermissionMissing: The reader may not read filled forms.
    """
    access.require("submissions.read")
    found = Submission.objects.select_related("form_version__form").filter(
        received_at__date__gte=begins, received_at__date__lt=ends, form_version__isnull=False
    )
    found = found.filter(form_code=form) if form else found
    found = found.filter(version__in=list(versions)) if versions else found
    after = 0
    while rows := list(found.filter(id__gt=after).order_by("id")[:_AT_ONCE]):
        after = rows[-1].pk
        logs = dict(
            SubmissionPart.objects.filter(submission__in=rows, kind=SubmissionPart.Kind.AUDIT, size__lte=_LARGEST_LOG)
            .order_by("id")
            .values_list("submission_id", "sha256")
        )
        for row in rows:
            one = _interview(row, logs.get(row.pk, ""))
            if one is not None:
                yield one


def _interview(row: Submission, log: str) -> Interview | None:
    definition = opened.definition(row)
    if definition is None:
        return None
    with files.open(row.sha256) as kept:
        data = kept.read()
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (DefusedXmlException, ElementTree.ParseError, ValueError):
        return None
    said = dict(_leaves(root, ""))
    hidden = personal(definition)
    asked = {
        question.path: said[question.path] or None
        for question in definition.questions
        if question.is_asked and not question.repeat and question.path in said and question.path not in hidden
    }
    by_fact = {fact: question.path for fact, question in definition.facts().items() if not question.repeat}
    position = (said.get(by_fact.get("latitude", ""), "") + "   ").split(" ")
    return Interview(
        row=row, questions=asked, seconds=_seconds(log), started=_clock(said.get("start", "")), ended=_clock(said.get("end", "")),
        position=(position[0], position[1], position[3]), village=said.get(by_fact.get("village_name", ""), ""),
        head_age=_head_age(root, definition),
    )  # fmt: skip


def _leaves(element: Any, path: str) -> Iterator[tuple[str, str]]:
    for child in element:
        name = child.tag.rsplit("}", 1)[-1]
        if name == "meta":
            continue
        here = f"{path}/{name}" if path else name
        if len(child):
            yield from _leaves(child, here)
        else:
            yield here, (child.text or "").strip()


def _clock(text: str) -> str:
    """Return a clock of a telephone without its zone: days and hours are its own."""
    return text[:19]


def _seconds(log: str) -> dict[str, float]:
    if not log:
        return {}
    with files.open(log) as kept:
        return question_seconds(kept.read().decode("utf-8", errors="replace"))


def _head_age(root: Any, definition: Definition) -> str:
    """Return the age of the member on the first line, as stated."""
    age = definition.facts().get("age")
    if age is None or not age.repeat:
        return ""
    return next((text for path, text in _leaves(root, "") if path == age.path and text), "")
