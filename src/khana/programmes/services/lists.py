"""Selection lists: record a draw, change an open list, approve, freeze, withdraw, publish.

The database holds the rules: an entry moves only by a recorded change, a list is frozen only with two approvals of what
it says by people who did not draw it, and what is frozen stays. What is checked here first is checked for a clear sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

import pyarrow as pa
from django.db import IntegrityError, transaction

from khana.access import selectors
from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk
from khana.programmes import lists
from khana.programmes.models import ListApproval, ListChange, ListEntry, SelectionList
from khana_methods.errors import Conflict, InputError, NotFound, NotPermitted

KINDS = ("COMMUNITY", "RECHECK", "OFFICE")
NEEDED = 2


class ListMoved(Conflict):
    """The list is no longer open, or it changed meanwhile."""

    code: ClassVar[str] = "programmes.list.moved"


class ApprovedAlready(Conflict):
    """This officer has approved the list as it stands: a second approval is another person's."""

    code: ClassVar[str] = "programmes.list.approved_already"


class OwnList(NotPermitted):
    """Who drew a list does not approve it."""

    code: ClassVar[str] = "programmes.list.same_person"


class ApprovalsMissing(Conflict):
    """A list is frozen when two people have approved what it says."""

    code: ClassVar[str] = "programmes.list.approvals_missing"


class EntryUnknown(NotFound):
    """The list has no such unit within the scope."""

    code: ClassVar[str] = "programmes.list.entry_unknown"


class ChangeInvalid(InputError):
    """A change has a kind, a reason and a way that exists."""

    code: ClassVar[str] = "programmes.list.change_invalid"


class ServedAlready(Conflict):
    """A family, or a person, gets one benefit for one event."""

    code: ClassVar[str] = "programmes.disaster.served_already"


_ENTRY = [
    ("unit", "text"), ("household_id", "bigint"), ("household_number", "text"), ("family_no", "integer"), ("person_id", "bigint"),
    ("area_path", "text"), ("quota_area", "text"), ("place", "bigint"), ("score", "numeric(5,2)"), ("tie", "text"), ("state", "text"),
]  # fmt: skip


@transaction.atomic
def record_list(
    *, code: str, title: str, programme: str, agency: str, event_id: int | None, as_of: date, known_at: datetime,
    terms: Mapping[str, Any], snapshot: str, drawn_hash: str, drawn: pa.Table, summary: Mapping[str, Any], at: datetime,
) -> int:  # fmt: skip
    """Keep a list as it was drawn; return its number.

    Raises:
        ListMoved: A list of that code is there.
        ServedAlready: Somebody of it has a benefit for this event.
    """
    access.require("lists.draw", everywhere=True)
    actor = selectors.me()
    try:
        with transaction.atomic():
            row = SelectionList.objects.create(
                code=code, title=title, programme=programme, agency=agency, event_id=event_id, as_of=as_of, known_at=known_at,
                terms=dict(terms), snapshot=snapshot, drawn_hash=drawn_hash, head_hash=drawn_hash, summary=dict(summary),
                created_by=access.actor_id(), created_label=actor.username if actor else "", created_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise ListMoved(f"There is a list {code} already. Give this one another code.", list=code) from error
    cursor = bulk.raw_cursor()
    bulk.make_staging(cursor, "_entry", _ENTRY)
    names = [name for name, _ in _ENTRY]
    bulk.copy_in(cursor, "_entry", drawn.select(names))
    try:
        with transaction.atomic():
            bulk.raw_cursor().execute(
                f"""INSERT INTO programmes_listentry (list_id, event_id, agency, {", ".join(names)}, drawn_state)
                    SELECT %s, %s, %s, {", ".join(names)}, state FROM _entry ORDER BY quota_area, place, unit""",
                [row.pk, event_id, agency],
            )
    except Exception as error:
        if _is_twice(error):
            raise ServedAlready(
                "Somebody of this list has a benefit for this event already. Draw again.", list=code
            ) from error
        raise
    audit.record(
        action="programmes.list.drawn", subject=f"list:{code}",
        details={"programme": programme, "drawn_hash": drawn_hash, "snapshot": snapshot, **_counts(summary)}, at=at,
    )  # fmt: skip
    return int(row.pk)


def _is_twice(error: BaseException) -> bool:
    import psycopg

    return isinstance(error, IntegrityError | psycopg.errors.UniqueViolation)


def _counts(summary: Mapping[str, Any]) -> dict[str, int]:
    return {name: value for name, value in summary.items() if isinstance(value, int) and not isinstance(value, bool)}


@transaction.atomic
def change(
    *,
    code: str,
    unit: str,
    to_state: str,
    kind: str,
    reason: str,
    minutes: str = "",
    promote: bool = True,
    at: datetime,
) -> dict[str, str]:
    """Record that a unit of an open list moves; where a place becomes free, who comes next moves up.

    Args:
        code: The list.
        unit: The unit.
        to_state: REMOVED, SELECTED, RESERVE or WAITING.
        kind: COMMUNITY, RECHECK or OFFICE.
        reason: Why, in words; no names.
        minutes: Number and day of the minutes, for what a community decided.
        promote: Let the next in line of the same area take a place that becomes free.
        at: When.

    Returns:
        `unit`, `state`, and `promoted` where somebody moved up.

    Raises:
        ListMoved: The list is no longer open.
        EntryUnknown: No such unit within the scope.
        ChangeInvalid: The kind, the state or the reason is none; minutes lack; a place is taken that is not free.
    """
    if not (_may("lists.propose") or _may("lists.approve")):
        access.require("lists.propose")
    known = _open(code)
    entry = lists.find_entry(known.id, unit)
    if entry is None:
        raise EntryUnknown("The list has no such unit, or it lies outside the area that you work for.", list=code)
    _check_change(known, entry, to_state, kind, reason, minutes)
    _record(known, entry, to_state, kind, reason.strip()[:2000], minutes.strip(), at)
    result = {"unit": unit, "state": to_state}
    if promote and entry.state == ListEntry.State.SELECTED and known.terms.get("limited"):
        following = lists.next_in_line(known.id, entry.quota_area)
        if following is not None and following.unit != unit:
            _record(known, following, ListEntry.State.SELECTED, "PROMOTED", f"in place of {unit}", minutes.strip(), at)
            result["promoted"] = following.unit
    audit.record(
        action="programmes.list.changed", subject=f"list:{code}",
        details={"from": entry.state, "to": to_state, "kind": kind, "promoted": "promoted" in result}, at=at,
    )  # fmt: skip
    return result


def _may(permission: str) -> bool:
    return bool(access.call("access_has", permission)[0][0])


def _check_change(
    known: lists.KnownList, entry: lists.Entry, to_state: str, kind: str, reason: str, minutes: str
) -> None:
    if kind not in KINDS or to_state not in ListEntry.State.values or to_state == entry.state:
        raise ChangeInvalid(f"The unit is {entry.state}. A change is {', '.join(KINDS)} and moves it to another state.")
    if len(reason.strip()) < 5:
        raise ChangeInvalid("Say why in a sentence; a change without a reason is not recorded.")
    if kind == "COMMUNITY" and not minutes.strip():
        raise ChangeInvalid("What a community decided names its minutes: number and day.")
    if to_state == ListEntry.State.SELECTED and known.terms.get("limited"):
        taken = ListEntry.objects.filter(
            list_id=known.id, quota_area=entry.quota_area, state=ListEntry.State.SELECTED
        ).count()
        drawn = ListEntry.objects.filter(
            list_id=known.id, quota_area=entry.quota_area, drawn_state=ListEntry.State.SELECTED
        ).count()
        if taken >= drawn:
            raise ChangeInvalid("No place of this area is free: take somebody out first.")


def _record(
    known: lists.KnownList, entry: lists.Entry, to_state: str, kind: str, reason: str, minutes: str, at: datetime
) -> None:
    actor = selectors.me()
    try:
        with transaction.atomic():
            ListChange.objects.create(
                list_id=known.id, agency=entry.agency, area_path=entry.area_path, unit=entry.unit, kind=kind,
                from_state=entry.state, to_state=to_state, reason=reason, minutes=minutes, recorded_by=access.actor_id(),
                recorded_label=actor.username if actor else "", recorded_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise ServedAlready(
            "This family, or this person, has a benefit for this event already.", list=known.code
        ) from error


def _open(code: str) -> lists.KnownList:
    known = lists.get_list(code)
    if not known.is_open:
        raise ListMoved(f"The list {code} is {known.state.lower()}: it does not change any more.", list=code)
    return known


@transaction.atomic
def approve(*, code: str, at: datetime) -> int:
    """Approve a list as it stands; return how many have approved what it says.

    Raises:
        ListMoved: It is no longer open, or it changed while it was read.
        OwnList: The actor drew it.
        ApprovedAlready: The actor has approved it as it stands.
    """
    access.require("lists.approve")
    known = _open(code)
    me, actor = access.actor_id(), selectors.me()
    if known.created_by == me:
        raise OwnList("You drew this list yourself: two other people approve it.", list=code)
    try:
        with transaction.atomic():
            ListApproval.objects.create(
                list_id=known.id, agency=known.agency, head_hash=known.head_hash, actor_id=me,
                actor_label=actor.username if actor else "", approved_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise ApprovedAlready(
            "You have approved this list as it stands: the second approval is another person's.", list=code
        ) from error
    audit.record(
        action="programmes.list.approved", subject=f"list:{code}", details={"head_hash": known.head_hash}, at=at
    )
    return sum(approval.is_of_now for approval in lists.approvals_of(known))


@transaction.atomic
def freeze(*, code: str, head_hash: str, frozen_hash: str, at: datetime) -> None:
    """Freeze a list that two people have approved as it stands.

    Args:
        code: The list.
        head_hash: What was looked at when it was derived again.
        frozen_hash: SHA-256 of its bytes.
        at: When.

    Raises:
        ApprovalsMissing: Fewer than two people have approved what it says.
        ListMoved: It changed meanwhile, or is no longer open.
    """
    access.require("lists.draw", everywhere=True)
    known = _open(code)
    signed = {a.actor_id for a in lists.approvals_of(known) if a.is_of_now and a.actor_id != known.created_by}
    if len(signed) < NEEDED:
        raise ApprovalsMissing(
            f"{len(signed)} of {NEEDED} people have approved the list as it stands. A change asks for new approvals.",
            list=code,
        )
    moved = SelectionList.objects.filter(pk=known.id, state=SelectionList.State.OPEN, head_hash=head_hash).update(
        state=SelectionList.State.FROZEN, frozen_by=access.actor_id(), frozen_at=at, frozen_hash=frozen_hash
    )
    if not moved:
        raise ListMoved("The list changed while it was frozen. Look at it and freeze it again.", list=code)
    audit.record(action="programmes.list.frozen", subject=f"list:{code}", details={"frozen_hash": frozen_hash}, at=at)


@transaction.atomic
def withdraw(*, code: str, at: datetime) -> None:
    """Take an open list back: nobody is enrolled by it."""
    if not _may("lists.draw"):
        access.require("lists.approve")
    known = _open(code)
    if not SelectionList.objects.filter(pk=known.id, state=SelectionList.State.OPEN).update(
        state=SelectionList.State.WITHDRAWN
    ):
        raise ListMoved("This list is another agency's, or it is no longer open.", list=code)
    audit.record(action="programmes.list.withdrawn", subject=f"list:{code}", details={}, at=at)


@transaction.atomic
def mark_published(*, code: str, sha256: str, rows: int, at: datetime) -> None:
    """Record that the anonymised form of a frozen list was published.

    Raises:
        ListMoved: It is not frozen.
    """
    if not _may("lists.draw"):
        access.require("lists.approve")
    known = lists.get_list(code)
    states = [SelectionList.State.FROZEN, SelectionList.State.PUBLISHED]
    if known.state not in states:
        raise ListMoved("Only a frozen list is published.", list=code)
    if known.state == SelectionList.State.FROZEN:
        SelectionList.objects.filter(pk=known.id, state=SelectionList.State.FROZEN).update(
            state=SelectionList.State.PUBLISHED
        )
    audit.record(
        action="programmes.list.published", subject=f"list:{code}", details={"sha256": sha256, "rows": rows}, at=at
    )
