"""What a form asks, as data: questions with labels, choices, units and the facts that they fill.

A definition is made once from a workbook and kept with its version, so that old answers stay readable under the questions
that were asked. It turns to JSON and back without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Question:
    """One question: where its answer stands, how it reads in each language, which facts it fills."""

    path: str
    name: str
    type: str
    labels: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    required: bool = False
    relevant: str = ""
    constraint: str = ""
    calculation: str = ""
    repeat: str = ""
    facts: tuple[str, ...] = ()
    unit: str = ""
    part: str = ""

    @property
    def is_asked(self) -> bool:
        """Say whether somebody answers it: a calculation and a note are not asked."""
        return self.type not in NOT_ASKED

    def label(self, language: str) -> str:
        """Return the question in a language, else in the first that it has, else its name."""
        return self.labels.get(language) or next((text for text in self.labels.values() if text), self.name)

    def choice(self, value: str, language: str) -> str:
        """Return an answer of a list as it reads in a language."""
        texts = self.choices.get(value, {})
        return texts.get(language) or next((text for text in texts.values() if text), value)


NOT_ASKED = frozenset({"note", "calculate", "start", "end", "today", "deviceid", "audit", "username", "hidden", "xml-external",
                       "start-geopoint", "phonenumber", "email", "subscriberid", "simserial", "csv-external"})  # fmt: skip


@dataclass(frozen=True)
class Definition:
    """One version of one form: questions, languages, the XForm that phones load and what it needs beside it."""

    form_id: str
    title: str
    version: str
    languages: tuple[str, ...]
    questions: tuple[Question, ...]
    xform: str
    media: tuple[str, ...] = ()
    entity_lists: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def facts(self) -> dict[str, Question]:
        """Return the question that fills each fact, by fact."""
        return {fact: question for question in self.questions for fact in question.facts}

    def asked(self) -> int:
        """Count the questions that somebody answers."""
        return sum(question.is_asked for question in self.questions)

    def as_json(self) -> dict[str, Any]:
        """Return everything but the XForm, as JSON."""
        body = asdict(self)
        del body["xform"]
        return body


def from_json(body: Mapping[str, Any], xform: str = "") -> Definition:
    """Return the definition that `as_json` gave."""
    questions = tuple(Question(**{**one, "facts": tuple(one["facts"])}) for one in body["questions"])
    listed = {name: tuple(body[name]) for name in ("languages", "media", "entity_lists", "warnings")}
    return Definition(
        form_id=body["form_id"],
        title=body["title"],
        version=body["version"],
        questions=questions,
        xform=xform,
        **listed,
    )
