"""Compare two versions of a form: questions that came, went or changed, and the facts that are no longer asked."""

from __future__ import annotations

from dataclasses import dataclass

from khana.intake.xlsform.definition import Definition, Question

_COMPARED = ("type", "required", "relevant", "constraint", "calculation", "repeat", "facts", "unit", "part")


@dataclass(frozen=True)
class Difference:
    """One thing that differs: which question, what of it, before and after."""

    question: str
    change: str
    before: str = ""
    after: str = ""


def compare(before: Definition, after: Definition) -> list[Difference]:
    """Return every difference in the order of the new form, with questions that went at the end."""
    old = {question.path: question for question in before.questions}
    new = {question.path: question for question in after.questions}
    by_name = {question.name: question for question in before.questions}
    found: list[Difference] = []
    moved: set[str] = set()
    for path, question in new.items():
        earlier = old.get(path)
        if earlier is None and question.name in by_name and by_name[question.name].path not in new:
            earlier = by_name[question.name]
            moved.add(earlier.path)
            found.append(Difference(question.name, "moved", earlier.path, path))
        if earlier is None:
            found.append(Difference(question.name, "added", "", question.label("en")))
            continue
        found += _changes(earlier, question)
    found += [
        Difference(question.name, "removed", question.label("en"), "")
        for path, question in old.items()
        if path not in new and path not in moved
    ]
    return found


def _changes(old: Question, new: Question) -> list[Difference]:
    found = []
    for name in _COMPARED:
        first, second = getattr(old, name), getattr(new, name)
        if first != second:
            found.append(Difference(new.name, name, _text(first), _text(second)))
    for code in dict.fromkeys([*old.labels, *new.labels]):
        if old.labels.get(code) != new.labels.get(code):
            found.append(Difference(new.name, f"label ({code})", old.labels.get(code, ""), new.labels.get(code, "")))
    gone, come = old.choices.keys() - new.choices.keys(), new.choices.keys() - old.choices.keys()
    if gone:
        found.append(Difference(new.name, "answers removed", " ".join(sorted(gone)), ""))
    if come:
        found.append(Difference(new.name, "answers added", "", " ".join(sorted(come))))
    for value in sorted(old.choices.keys() & new.choices.keys()):
        if old.choices[value] != new.choices[value]:
            first, second = (" · ".join(texts.values()) for texts in (old.choices[value], new.choices[value]))
            found.append(Difference(new.name, f"answer {value}", first, second))
    return found


def _text(value: object) -> str:
    return " ".join(value) if isinstance(value, tuple) else str(value)


def dropped_facts(before: Definition, after: Definition) -> list[str]:
    """Return the facts that the earlier version asks and the later one does not, in the earlier one's order."""
    kept = after.facts()
    return [fact for fact in before.facts() if fact not in kept]
