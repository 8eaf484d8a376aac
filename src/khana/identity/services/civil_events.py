"""Take events of civil registration in, place them, and let a human decide what follows for a file.

A partner's events are written in its own scope and placed by the database, which tells it nothing. A death is evidence at
once and shows in findings; the register itself changes when somebody accepts: a membership ends, a newborn becomes a
member, two people are married.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.identity import civil_messages
from khana.identity.models import CivilEvent
from khana.platform import bulk, keys
from khana.registry.services import civil_changes
from khana_methods.errors import Conflict, InputError

Tokens = Callable[[str], Sequence[bytes]]  # of a number as a partner wrote it; none where it is none of this country
_TAKE = """INSERT INTO identity_civilevent (source, partner_user_id, message, reference, kind, event_date, token,
    spouse_token, parent_token, second_parent_token, content_ciphertext, content_sha256, content_mark, received_at, state, why,
    area_path, decision_reason)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '')"""


class EventDecided(Conflict):
    """The event is none that waits for a decision within the scope."""

    code: ClassVar[str] = "identity.event.decided"


class DecisionWrong(InputError):
    """A decision is ACCEPTED or REFUSED, with a reason."""

    code: ClassVar[str] = "identity.event.decision_wrong"


@transaction.atomic
def take(
    *,
    source: str,
    kinds: Sequence[str],
    message: uuid.UUID,
    items: Sequence[Mapping[str, Any]],
    tokens: Tokens,
    at: datetime,
) -> dict[str, int]:
    """Keep the events of one message of a partner, in its own scope, and place them.

    Args:
        source: Code of the partner.
        kinds: What it was agreed to tell; an event of another kind is kept UNREADABLE with NOT_AGREED.
        message: Number of the kept message.
        items: Of `notify_event`.
        tokens: See `Tokens`.
        at: When.

    Returns:
        `taken`, `unreadable`, `placed`.
    """
    actor, rows = access.actor_id(), []
    for item in items:
        told = civil_messages.read(item, today=at.date())
        raw = json.dumps(item, ensure_ascii=False, sort_keys=True)
        own = _first(told.numbers, tokens)
        parents = [found for found in (_first(numbers, tokens) for numbers in told.parents) if found]
        why = told.why or ("NOT_AGREED" if told.kind not in kinds else "")
        if not why and not (parents if told.kind == "BIRTH" else own):
            why = "NUMBER_UNREADABLE"
        about = [told.kind, str(told.day), told.registration, (own or b"").hex(), *(one.hex() for one in parents)]
        rows.append((
            source, actor, message, str(item.get("reference_id", ""))[:99], told.kind, told.day, own,
            _first(told.spouse, tokens), parents[0] if parents else None, parents[1] if len(parents) > 1 else None,
            keys.encrypt(raw), hashlib.sha256(raw.encode()).hexdigest(),
            None if why else keys.token("CIVIL", "|".join(about)), at, "UNREADABLE" if why else "RECEIVED", why,
        ))  # fmt: skip
    cursor = bulk.raw_cursor()
    cursor.executemany(_TAKE.encode(), rows)
    placed = int(access.call("identity_place_events", message, [], at)[0][0])
    counts = {"taken": len(rows), "unreadable": sum(bool(row[-1]) for row in rows), "placed": placed}
    audit.record(action="identity.civil_events_taken", subject=f"partner:{source}", details=counts, at=at)
    return counts


def _first(numbers: Sequence[str], tokens: Tokens) -> bytes | None:
    return next((found[0] for found in (tokens(number) for number in numbers) if found), None)


@transaction.atomic
def place(*, at: datetime) -> int:
    """Look again for the people of events that nobody was found for; needs `registry.write` for the whole country."""
    access.require("registry.write", everywhere=True)
    waiting = CivilEvent.objects.filter(state__in=("UNMATCHED", "AMBIGUOUS")).order_by("id")
    ids = list(waiting.values_list("id", flat=True)[:10_000])
    return int(access.call("identity_place_events", None, ids, at)[0][0]) if ids else 0


def place_all(*, at: datetime) -> dict[str, int]:
    """Look again for the people of events that nobody was found for, as a job; see `place`."""
    return {"placed": place(at=at)}


@transaction.atomic
def decide(*, event_id: int, decision: str, reason: str, at: datetime) -> dict[str, Any]:
    """Accept what an event proposes, which changes the register, or refuse it; needs `registry.write` for its area.

    Returns:
        `event`, `decision` and what changed.

    Raises:
        DecisionWrong, EventDecided: See there.
        ChangeImpossible: The file is not as the proposal needs it any more.
    """
    access.require("registry.write")
    if decision not in ("ACCEPTED", "REFUSED") or not reason.strip():
        raise DecisionWrong("Say ACCEPTED or REFUSED, and why.")
    held = (
        CivilEvent.objects.select_for_update(of=("self",)).filter(pk=event_id, state=CivilEvent.State.PROPOSED).first()
    )
    if held is None:
        raise EventDecided("No such event waits for a decision within your area.", event=event_id)
    changed = _apply(held, at) if decision == "ACCEPTED" else {}
    CivilEvent.objects.filter(pk=event_id).update(
        state=decision, decided_by=access.actor_id(), decided_at=at, decision_reason=reason.strip()[:400]
    )
    audit.record(action="identity.civil_event_decided", subject=f"person:{held.person_id}",
                 details={"event": event_id, "kind": held.kind, "decision": decision, **changed}, at=at)  # fmt: skip
    return {"event": event_id, "decision": decision, **changed}


def _apply(held: CivilEvent, at: datetime) -> dict[str, Any]:
    assert held.person_id is not None and held.event_date is not None  # noqa: S101 - a proposal has both
    if held.kind == CivilEvent.Kind.DEATH:
        return civil_changes.record_death(person_id=held.person_id, on=held.event_date, at=at)
    if held.kind == CivilEvent.Kind.BIRTH:
        item = json.loads(keys.decrypt(bytes(held.content_ciphertext or b"")))
        return civil_changes.add_newborn(
            household_id=held.household_id or 0, parents=[one for one in (held.person_id, held.other_person_id) if one],
            on=held.event_date, at=at, **civil_messages.newborn_of(item),
        )  # fmt: skip
    marital = "M" if held.kind == CivilEvent.Kind.MARRIAGE else "D"
    return civil_changes.change_marital(
        person_ids=[one for one in (held.person_id, held.other_person_id) if one],
        marital=marital,
        on=held.event_date,
        at=at,
    )


def list_events(*, state: str = "PROPOSED", limit: int = 200) -> list[dict[str, Any]]:
    """Return events within the scope, oldest first, without what was told."""
    access.require("registry.read")
    rows = CivilEvent.objects.filter(state=state).order_by("id")[:limit]
    return [
        {
            "event": row.pk, "source": row.source, "kind": row.kind, "event_date": row.event_date, "state": row.state,
            "why": row.why, "person_id": row.person_id, "other_person_id": row.other_person_id,
            "household_id": row.household_id, "received_at": row.received_at, "decided_at": row.decided_at,
        }
        for row in rows
    ]  # fmt: skip
