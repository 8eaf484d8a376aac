"""Read any XLSForm into a definition: pyxform converts it, the column `fact` (or a mapping) says what it fills.

A form that cannot be a form is refused with pyxform's own sentence. A mapping is held against the catalogue of facts: the
register, the type, the codes and the unit must fit, or the unit must be one that is converted.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pyxform.errors import PyXFormError
from pyxform.xls2xform import convert

from khana.intake.xlsform.definition import Definition, Question
from khana.intake.xlsform.units import FACTORS
from khana_methods.errors import InputError
from khana_methods.rules.facts import Fact, FactCatalogue, load_facts

MOST_BYTES = 10 << 20
_MOST_UNPACKED = 200 << 20
_CODE = re.compile(r"\(([a-z]{2,3})\)\s*$")
_NUMBERS = {"integer", "decimal", "range", "calculate", "int"}
_SELECTS = ("select one", "select all that apply", "select one external", "rank")
_YES = {"yes", "no", "1", "0", "true", "false"}


class FormInvalid(InputError):
    """The workbook is no XLSForm that can be used; the message says where and why."""

    code: ClassVar[str] = "intake.form.invalid"


class FormTooLarge(InputError):
    """The workbook is larger than any questionnaire is."""

    code: ClassVar[str] = "intake.form.too_large"


def read_xlsform(data: bytes, *, name: str, mapping: Mapping[str, Any] | None = None) -> Definition:
    """Read a workbook.

    Args:
        data: The file, .xlsx or .xls.
        name: The name it came with; its suffix says which.
        mapping: Question -> fact, or question -> {fact, unit, part, codes}, in place of a column `fact`.

    Returns:
        What the form asks, and the XForm that phones load.

    Raises:
        FormInvalid: It is no XLSForm, or a question is tied to a fact that it does not fit.
        FormTooLarge: Ten megabytes and more, or unpacked two hundred.
    """
    _refuse_bombs(data)
    warnings: list[str] = []
    suffix = "." + name.lower().rsplit(".", 1)[-1] if "." in name else ".xlsx"
    try:
        made = convert(data, warnings=warnings, file_type=suffix, form_name="data")
    except PyXFormError as error:
        raise FormInvalid(f"This is no form that can be used: {' '.join(str(error).split())}") from error
    except (KeyError, ValueError, TypeError, AttributeError, OSError, zipfile.BadZipFile) as error:
        raise FormInvalid("This is no workbook with the sheets of an XLSForm (survey, choices, settings).") from error
    tree: dict[str, Any] = made._pyxform
    reader = _Reader(load_facts(), mapping or {})
    questions = tuple(reader.walk(tree.get("children", []), "", ""))
    reader.refuse_problems(questions)
    return Definition(
        form_id=str(tree["id_string"]),
        title=str(tree.get("title") or tree["id_string"]),
        version=str(tree.get("version") or ""),
        languages=tuple(dict.fromkeys(code for question in questions for code in question.labels)),
        questions=questions,
        xform=made.xform,
        media=tuple(dict.fromkeys(re.findall(r'src="jr://(?:file|file-csv|images|audio|video)/([^"]+)"', made.xform))),
        entity_lists=tuple(dict.fromkeys(re.findall(r'<entity [^>]*dataset="([^"]+)"', made.xform))),
        warnings=tuple(" ".join(text.split()) for text in warnings),
    )


def _refuse_bombs(data: bytes) -> None:
    if len(data) > MOST_BYTES:
        raise FormTooLarge("A form may have ten megabytes at most; this file is larger.", bytes=len(data))
    if data[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
        except zipfile.BadZipFile as error:
            raise FormInvalid("The workbook is damaged: its archive cannot be opened.") from error
        if unpacked > _MOST_UNPACKED:
            raise FormTooLarge("The workbook unpacks to more than two hundred megabytes.", bytes=unpacked)


def _language(name: str) -> str:
    found = _CODE.search(name)
    return found.group(1) if found else name


def _texts(value: object) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {_language(str(name)): str(text) for name, text in value.items() if text}
    return {"default": str(value)} if value else {}


class _Reader:
    """Walks pyxform's tree and collects what does not fit."""

    def __init__(self, facts: FactCatalogue, mapping: Mapping[str, Any]) -> None:
        self._facts, self._mapping = facts, mapping
        self._problems: list[str] = []

    def walk(self, nodes: list[Mapping[str, Any]], path: str, repeat: str) -> Iterator[Question]:
        """Yield the questions in the order of the form."""
        for node in nodes:
            kind, name = str(node.get("type", "")), str(node.get("name", ""))
            here = f"{path}/{name}" if path else name
            if kind == "repeat":
                yield from self.walk(node.get("children", []), here, here)
            elif kind in ("group", "survey"):
                if name != "meta":
                    yield from self.walk(node.get("children", []), here, repeat)
            elif name:
                yield self._question(node, here, kind, repeat)

    def _question(self, node: Mapping[str, Any], path: str, kind: str, repeat: str) -> Question:
        bind = node.get("bind", {})
        choices = {str(one["name"]): _texts(one.get("label")) for one in node.get("choices", []) or []}
        tied = self._mapping.get(node["name"], {})
        tied = {"fact": tied} if isinstance(tied, str) else dict(tied)
        names = str(tied.get("fact", node.get("fact") or "")).split()
        question = Question(
            path=path, name=str(node["name"]), type=kind, labels=_texts(node.get("label")), choices=choices,
            required=str(bind.get("required", "")).lower() in ("yes", "true", "true()"),
            relevant=str(bind.get("relevant", "")), constraint=str(bind.get("constraint", "")),
            calculation=str(bind.get("calculate", "")), repeat=repeat, facts=tuple(names),
            unit=str(tied.get("unit", node.get("unit") or "")), part=str(tied.get("part", node.get("part") or "")),
        )  # fmt: skip
        for name in names:
            self._check(question, name)
        return question

    def _check(self, question: Question, name: str) -> None:
        entity = "person" if question.repeat else "household"
        try:
            fact = self._facts.get(name, entity)
        except InputError as error:
            self._problems.append(f"{question.name}: {error.message}")
            return
        problem = _misfit(question, fact)
        if problem:
            self._problems.append(f"{question.name}: {problem}")

    def refuse_problems(self, questions: tuple[Question, ...]) -> None:
        """Raise where a mapping names a question that is not there, a fact is filled twice, or something does not fit."""
        there = {question.name for question in questions}
        self._problems += [
            f"the mapping names '{name}', which the form does not ask" for name in self._mapping.keys() - there
        ]
        filled: dict[str, Question] = {}
        for question in questions:
            for fact in question.facts:
                other = filled.setdefault(fact, question)
                if other is not question and not question.part:
                    self._problems.append(f"{question.name} and {other.name} both fill '{fact}'")
        if self._problems:
            raise FormInvalid(
                f"The form cannot be tied to the registry's facts: {'; '.join(self._problems)}.",
                mistakes=len(self._problems),
            )


def _misfit(question: Question, fact: Fact) -> str:
    """Say why a question cannot fill a fact; empty where it can."""
    kind = question.type
    if fact.type in ("integer", "decimal", "money") and kind not in _NUMBERS and kind != "geopoint":
        return f"'{fact.name}' is a number and the question is of the type {kind}"
    if fact.type == "boolean" and not (set(question.choices) and set(question.choices) <= _YES) and kind != "calculate":
        return f"'{fact.name}' is yes or no and the question has other answers"
    if fact.type == "partial_date" and question.part not in ("year", "month", "day") and kind != "date":
        return f"'{fact.name}' is a date of which parts may be unknown: say which part the question asks"
    if fact.type == "code" and question.choices:
        unknown = sorted(set(question.choices) - set(fact.codes))
        if unknown:
            return f"the answers {', '.join(unknown)} are no codes of '{fact.name}' ({', '.join(fact.codes)})"
    if question.unit and question.unit != fact.unit and (question.unit, fact.unit) not in FACTORS:
        return f"the unit {question.unit} cannot be turned into {fact.unit or 'a fact without unit'}"
    return ""
