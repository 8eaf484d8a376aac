"""Reads of events of civil registration for the people who decide: how many wait, one page of a state, what a newborn is called.

What was told stays encrypted; the name of a newborn alone is opened, because nobody can decide about a child without it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from khana.access import services as access
from khana.identity import civil_messages
from khana.identity.models import CivilEvent
from khana.platform import bulk, keys

KINDS = tuple(CivilEvent.Kind.values)
WAITING = ("PROPOSED", "UNMATCHED", "AMBIGUOUS", "UNREADABLE")  # somebody may still have to do something
STATES = (*WAITING, "ACCEPTED", "REFUSED", "REPEATED")
COUNTED_AT_MOST = 1000


def counts() -> dict[str, int]:
    """Return how many events within the scope are in each state in which somebody may have to do something.

    A count stops at `COUNTED_AT_MOST`: a page of the web never counts a country. Needs `registry.read`.
    """
    access.require("registry.read")
    cursor = bulk.raw_cursor()
    found = dict.fromkeys(WAITING, 0)
    for state in WAITING if _reaches_everywhere() else WAITING[:1]:  # what is placed nowhere is in nobody's area
        statement = "SELECT count(*) FROM (SELECT 1 FROM identity_civilevent WHERE state = %s LIMIT %s) AS few"
        row = cursor.execute(statement.encode(), [state, COUNTED_AT_MOST]).fetchone()
        found[state] = int(row[0]) if row else 0
    return found


def _reaches_everywhere() -> bool:
    try:
        access.require("registry.read", everywhere=True)
    except access.PermissionMissing:
        return False
    return True


def page(*, state: str, kind: str = "", after: int = 0, limit: int = 50) -> list[dict[str, Any]]:
    """Return events of one state within the scope, by key: those that wait oldest first, those that are over newest first.

    Args:
        state: One of `STATES`.
        kind: Only of this kind; of any where empty.
        after: Number of the last event of the page before; 0 for the first page.
        limit: At most so many.

    Returns:
        One dictionary an event: `event`, `source`, `kind`, `event_date`, `state`, `why`, `person_id`, `other_person_id`,
        `household_id`, `received_at`, `decided_at`, `decision_reason`.
    """
    access.require("registry.read")
    rows = CivilEvent.objects.filter(state=state)
    if kind:
        rows = rows.filter(kind=kind)
    is_waiting = state in WAITING
    if after:
        rows = rows.filter(pk__gt=after) if is_waiting else rows.filter(pk__lt=after)
    return [
        {
            "event": row.pk, "source": row.source, "kind": row.kind, "event_date": row.event_date, "state": row.state, "why": row.why,
            "person_id": row.person_id, "other_person_id": row.other_person_id, "household_id": row.household_id,
            "received_at": row.received_at, "decided_at": row.decided_at, "decision_reason": row.decision_reason,
        }
        for row in rows.defer("content_ciphertext").order_by("id" if is_waiting else "-id")[:limit]
    ]  # fmt: skip


def newborns(events: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return name, name in her own script and sex of the child of each birth among some events, by event."""
    access.require("registry.read")
    rows = CivilEvent.objects.filter(pk__in=list(events), kind=CivilEvent.Kind.BIRTH).exclude(content_ciphertext=None)
    return {
        row.pk: civil_messages.newborn_of(json.loads(keys.decrypt(bytes(row.content_ciphertext or b""))))
        for row in rows
    }
