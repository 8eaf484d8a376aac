"""Answers as rows, nested by group as ODK nests them; each submission under its own version.

Reads the encrypted store: only for readers who may, and only so many at once as a caller asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from khana.intake.answers import Instance, SubmissionUnreadable
from khana.intake.models import Submission
from khana.intake.opened import definition, instance_of


def submission_table(rows: Sequence[Submission], table: str) -> list[dict[str, Any]]:
    """Return one row a submission for the table `Submissions`, one a line for `Submissions.<path of a repeat>`.

    Numbers come as numbers, everything else as text; what cannot be read is left out.
    """
    repeat = table.removeprefix("Submissions").strip(".").replace(".", "/")
    found: list[dict[str, Any]] = []
    for row in rows:
        try:
            instance = instance_of(row)
        except SubmissionUnreadable:
            continue
        types = _types(row)
        if not repeat:
            found.append({"__id": row.instance_id, "__system": _system(row), **_nested(instance.answers, types)})
            continue
        for place, line in enumerate(_lines(instance, repeat), start=1):
            inner = {path.removeprefix(repeat + "/"): text for path, text in line.items()}
            kinds = {path.removeprefix(repeat + "/"): kind for path, kind in types.items()}
            found.append(
                {"__id": f"{row.instance_id}#{place}", "__Submissions-id": row.instance_id, **_nested(inner, kinds)}
            )
    return found


def _lines(instance: Instance, repeat: str) -> Sequence[Mapping[str, str]]:
    return next((rows for path, rows in instance.rows.items() if path == repeat or path.endswith(f"/{repeat}")), ())


def _types(row: Submission) -> dict[str, str]:
    asked = definition(row)
    return {question.path: question.type for question in asked.questions} if asked else {}


def _system(row: Submission) -> dict[str, Any]:
    return {
        "submissionDate": row.received_at.isoformat(), "updatedAt": row.state_at.isoformat(),
        "submitterId": str(row.actor_id), "submitterName": row.actor_label, "attachmentsExpected": len(row.media),
        "reviewState": row.state, "deviceId": row.device_id or None, "edits": 0, "formVersion": row.version,
    }  # fmt: skip


def _nested(answers: Mapping[str, str], types: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, text in answers.items():
        *groups, name = path.split("/")
        here = tree
        for group in groups:
            inner = here.setdefault(group, {})
            here = inner if isinstance(inner, dict) else {}
        here[name] = _typed(text, types.get(path, ""))
    return tree


def _typed(text: str, kind: str) -> Any:
    try:
        if kind == "integer":
            return int(float(text))
        if kind in ("decimal", "range"):
            return float(text)
    except ValueError:
        return text
    return text
