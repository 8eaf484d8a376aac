"""Events of civil registration as a page for a desk: who is meant, by name where the reader may see names, and as a file by id.

A page is read by key and leaves one event in the log; a file holds ids and codes, never a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from khana.audit import services as audit
from khana.dossiers.report_files import open_writer
from khana.identity import civil_queue
from khana.registry import files

EXPORTED_AT_MOST = 10_000
_COLUMNS = (
    ("event", "int"), ("source", "text"), ("kind", "text"), ("event_date", "text"), ("state", "text"), ("why", "text"),
    ("person_id", "int"), ("other_person_id", "int"), ("household_id", "int"), ("received_at", "text"), ("decided_at", "text"),
)  # fmt: skip


@dataclass(frozen=True)
class EventRow:
    """One event with the people it is about, as far as the reader may see them."""

    event: Mapping[str, Any]
    person: files.PersonFacts | None
    other: files.PersonFacts | None
    household: str
    newborn: Mapping[str, str]


@dataclass(frozen=True)
class EventPage:
    """One page of events; `after` is the key of the next one, 0 where this is the last."""

    rows: Sequence[EventRow]
    after: int


def page(*, state: str, kind: str = "", after: int = 0, limit: int = 25, at: datetime) -> EventPage:
    """Read one page of events within the reader's scope, with names; needs `registry.read`.

    Args:
        state: One of `civil_queue.STATES`.
        kind: Only of this kind; of any where empty.
        after: Key of the page, of the one before.
        limit: Events on a page.
        at: When.
    """
    found = civil_queue.page(state=state, kind=kind, after=after, limit=limit + 1)
    shown = found[:limit]
    ids = {row[name] for row in shown for name in ("person_id", "other_person_id") if row[name]}
    people = files.person_at(sorted(ids)) if ids else {}
    children = civil_queue.newborns([row["event"] for row in shown])
    numbers = files.household_numbers({row["household_id"] for row in shown if row["household_id"]})
    if shown:
        audit.record(
            action="identity.civil_events_read", subject=f"events:{state}", details={"people": sorted(ids)}, at=at
        )
    rows = [
        EventRow(row, people.get(row["person_id"]), people.get(row["other_person_id"]), numbers.get(row["household_id"], ""),
                 children.get(row["event"], {}))
        for row in shown
    ]  # fmt: skip
    return EventPage(rows, shown[-1]["event"] if len(found) > limit else 0)


def write(*, state: str, kind: str = "", target: BinaryIO, format: str, at: datetime) -> int:
    """Write the events of one state into an open target, by ids and codes; return how many rows there are.

    Args:
        state: One of `civil_queue.STATES`.
        kind: Only of this kind; of any where empty.
        target: Where the bytes go.
        format: csv or xlsx.
        at: When.

    Raises:
        FormatUnknown: It is none of the known forms.
    """
    found = civil_queue.page(state=state, kind=kind, limit=EXPORTED_AT_MOST)
    writer = open_writer(format, target, _COLUMNS, {"state": state, "kind": kind, "rows": len(found)})
    dated = ("event_date", "received_at", "decided_at")
    writer.write(
        [
            [
                str(row[name] or "") if name in dated else row[name] if row[name] is not None else ""
                for name, _ in _COLUMNS
            ]
            for row in found
        ]
    )
    writer.close()
    audit.record(
        action="identity.civil_events_exported", subject=f"events:{state}", details={"rows": len(found)}, at=at
    )
    return len(found)
