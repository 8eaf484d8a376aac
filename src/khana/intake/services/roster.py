"""The roster checks of the methods over many drafts at once; their findings come back by submission.

A finding is data. Only one of severity REFUSE sends a form back; the others stay with the submission for people to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from khana.intake.draft import Draft, Note
from khana_methods.engine.duckdb import Engine
from khana_methods.quality.roster import BIRTH_PARTS, Roster
from khana_methods.quality.run_checks import run_checks
from khana_methods.rules.facts import load_facts

_TYPES = {
    "integer": pa.int64(), "decimal": pa.float64(), "money": pa.float64(), "boolean": pa.bool_(), "date": pa.date32(),
}  # fmt: skip
_MEMORY_MIB = 512


def roster_notes(drafts: Mapping[int, Draft]) -> dict[int, list[Note]]:
    """Return what the checks find, by the row number of the submission; a refusal to be registered finds nothing."""
    agreed = {number: draft for number, draft in drafts.items() if draft.consent is not False and draft.members}
    if not agreed:
        return {}
    members = [
        {"household_id": str(number), **member.facts, "id_number": member.number.canonical if member.number else None}
        for number, draft in agreed.items()
        for member in draft.members
    ]
    households = [
        {"household_id": str(number), **draft.facts, "survey_date": draft.survey_date}
        for number, draft in agreed.items()
    ]
    roster = Roster(members=_table(members), households=_table(households), has_household_file=True)
    with Engine(memory_mib=_MEMORY_MIB) as engine:
        found = run_checks(engine, roster).frame.to_pylist()
    notes: dict[int, list[Note]] = {}
    for row in found:
        note = Note(row["code"], row["severity"], int(row["line_no"] or 0))
        notes.setdefault(int(row["household_id"]), []).append(note)
    return notes


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    facts = load_facts().facts
    names = list(
        dict.fromkeys([*(name for row in rows for name in row), *(BIRTH_PARTS if "line_no" in rows[0] else ())])
    )
    columns = {}
    for name in names:
        kind = _TYPES.get(facts[name].type, pa.string()) if name in facts else pa.string()
        if name in BIRTH_PARTS:
            kind = pa.int64()
        columns[name] = pa.array([row.get(name) for row in rows], kind)
    return pa.table(columns)
