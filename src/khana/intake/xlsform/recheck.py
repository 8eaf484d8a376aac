"""The form of a re-interview: some questions of a questionnaire asked again, with nothing of the first answers in it.

Another firm fills it. It holds the number of the sample's unit to find the family by, and no default, no calculation, no list of
households, no entity: what was said before cannot be seen, and what is said now changes nothing in the registry.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from khana_methods.errors import InputError

_NAMED = re.compile(r"\$\{([^}]+)\}")
# columns that could carry an earlier answer, or write into a list of entities
_MASKED = (
    "calculation",
    "default",
    "trigger",
    "save_to",
    "choice_filter",
    "parameters",
    "fact",
    "unit",
    "repeat_count",
)
_BEGIN, _END = (
    ("begin group", "begin_group", "begin repeat", "begin_repeat"),
    ("end group", "end_group", "end repeat", "end_repeat"),
)
UNIT = "sample_unit"
Row = dict[str, Any]


class RecheckInvalid(InputError):
    """The workbook is no XLSForm, or does not ask what is to be asked again."""

    code: ClassVar[str] = "intake.recheck.invalid"


def masked_workbook(data: bytes, questions: Sequence[str]) -> bytes:
    """Return the workbook of a re-interview.

    Args:
        data: The workbook of the questionnaire (.xlsx).
        questions: Names of the questions that are asked again.

    Raises:
        RecheckInvalid: It has no sheet `survey`, or a question is not in it.
    """
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheets = {name: _rows(book[name]) for name in ("survey", "choices", "settings") if name in book.sheetnames}
    except (KeyError, ValueError, OSError, TypeError, zipfile.BadZipFile, InvalidFileException) as error:
        raise RecheckInvalid("This is no workbook with a sheet `survey` (.xlsx).") from error
    survey = sheets.get("survey", [])
    wanted = set(questions)
    lost = sorted(wanted - {str(row.get("name") or "") for row in survey})
    if not survey or lost or not wanted:
        raise RecheckInvalid(f"The questionnaire has no question {', '.join(lost) or 'at all'}.", questions=lost)
    kept = _kept(survey, wanted)
    lists = {
        str(row["type"]).split()[1]
        for row in kept
        if str(row.get("type") or "").startswith("select") and len(str(row["type"]).split()) > 1
    }
    settings = dict(sheets["settings"][0]) if sheets.get("settings") else {}
    languages = sorted({name for row in survey for name in row if name.startswith("label")})
    head: list[Row] = [
        {"type": "start", "name": "start"}, {"type": "end", "name": "end"}, {"type": "audit", "name": "audit"},
        {"type": "text", "name": UNIT, "required": "yes", **dict.fromkeys(languages, "Number of the sample's unit")},
        {"type": "text", "name": "back_checker", "required": "yes", **dict.fromkeys(languages, "Code of the re-interviewer")},
    ]  # fmt: skip
    settings = {name: value for name, value in settings.items() if not _NAMED.search(str(value))}
    settings |= {
        "form_id": f"{settings.get('form_id') or 'form'}_recheck",
        "form_title": f"{settings.get('form_title') or settings.get('form_id') or 'Form'} (re-interview)",
    }
    choices = [
        row for row in sheets.get("choices", []) if str(row.get("list_name") or row.get("list name") or "") in lists
    ]
    return _written({"survey": [*head, *kept], "choices": choices, "settings": [settings]})


def _rows(sheet: Any) -> list[Row]:
    rows = list(sheet.iter_rows(values_only=True))
    if not rows:
        return []
    names = [str(cell).strip() if cell is not None else "" for cell in rows[0]]
    return [
        {name: value for name, value in zip(names, row, strict=False) if name and value not in (None, "")}
        for row in rows[1:]
        if any(value not in (None, "") for value in row)
    ]


def _kept(survey: Sequence[Row], wanted: Collection[str]) -> list[Row]:
    """Keep the wanted questions, and the groups and repeats that hold one."""
    out: list[Row] = []
    opened: list[int] = []
    for row in survey:
        kind = str(row.get("type") or "").strip().lower()
        if kind in _BEGIN:
            opened.append(len(out))
            out.append(row)
        elif kind in _END:
            begin = opened.pop()
            if len(out) == begin + 1:
                del out[begin:]
            else:
                out.append(row)
        elif str(row.get("name") or "") in wanted:
            out.append(row)
    there = {str(row.get("name")) for row in out}
    return [_masked(row, there) for row in out]


def _masked(row: Row, there: Collection[str]) -> Row:
    """Leave out what could show an earlier answer, and conditions upon questions that are not asked here."""
    kept: Row = {}
    for name, value in row.items():
        if name in _MASKED or name.startswith(("instance::", "bind::")):
            continue
        if name in ("relevant", "constraint") and set(_NAMED.findall(str(value))) - set(there):
            continue
        if name.startswith("label") and _NAMED.search(str(value)):
            value = _NAMED.sub("…", str(value))
        kept[name] = value
    return kept


def _written(sheets: Mapping[str, Sequence[Row]]) -> bytes:
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for name, rows in sheets.items():
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet = book.create_sheet(name)
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(column) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
