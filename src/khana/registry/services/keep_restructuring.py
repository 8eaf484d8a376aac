"""Proposals to change who lives with whom: kept with what they would do, in force when whoever must has confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Q

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.registry.models import Household, Restructuring
from khana.registry.services.restructure import Change, Mover
from khana_methods.errors import Conflict, InputError, NotFound

SHORTEST_REASON = 10


class RestructuringUnknown(NotFound):
    """There is no such proposal, or no such household, within the scope."""

    code: ClassVar[str] = "registry.structure.unknown"


class RestructuringDecided(Conflict):
    """It is in force or withdrawn already, or who proposed it would confirm it."""

    code: ClassVar[str] = "registry.structure.decided"


class RestructuringReason(InputError):
    """A change of who lives with whom says why."""

    code: ClassVar[str] = "registry.structure.reason"


@transaction.atomic
def keep(
    *, change: Change, reason: str, effect: Mapping[str, Any], needs_second: bool, proposer: tuple[int, str] | None = None, at: datetime
) -> Restructuring:  # fmt: skip
    """Keep a proposal; `proposer` says whose form proposes it where that is not the actor: she cannot confirm it.

    Raises:
        RestructuringReason: It says too little.
    """
    access.require("registry.write")
    if len(reason.strip()) < SHORTEST_REASON:
        raise RestructuringReason(f"Say why in a sentence, at least {SHORTEST_REASON} letters.")
    source = Household.objects.filter(pk=change.source).first()
    if source is None:
        raise RestructuringUnknown("No such household, or it lies outside the area that you work for.")
    me = who.me()
    by, label = proposer or (access.actor_id(), me.username if me else "")
    row = Restructuring.objects.create(
        kind=change.kind, area_path=source.area_path, source=source, target_id=change.target, on=change.on, reason=reason.strip()[:1000],
        persons=[{"person": one.person_id, "relation": one.relation, "spouse": one.spouse_id} for one in change.movers],
        effect={**effect, "same_dwelling": change.same_dwelling}, needs_second=needs_second, proposed_by=by,
        proposed_label=label, proposed_at=at,
    )  # fmt: skip
    details = {"kind": change.kind, "proposal": row.pk, "needs_second": needs_second}
    audit.record(action="registry.structure.proposed", subject=f"household:{change.source}", details=details, at=at)
    return row


def open_one(number: int) -> tuple[Restructuring, Change]:
    """Lock and return a proposal that waits.

    Raises:
        RestructuringUnknown: There is none within the scope.
        RestructuringDecided: It is in force or withdrawn.
    """
    access.require("registry.write")
    row = Restructuring.objects.select_for_update(of=("self",)).filter(pk=number).first()
    if row is None:
        raise RestructuringUnknown("There is no such proposal in your area.", proposal=number)
    if row.in_force_at or row.withdrawn_at:
        raise RestructuringDecided("It is in force, or was withdrawn.", proposal=number)
    movers = [Mover(one["person"], one.get("relation") or "", one.get("spouse")) for one in row.persons]
    same = bool(row.effect.get("same_dwelling", True))
    return row, Change(row.kind, int(row.source_id), row.on, movers, row.target_id, same)


def put_in_force(*, row: Restructuring, target: int, is_second: bool, at: datetime) -> None:
    """Say that a proposal is in force; with the second person where one confirmed.

    Raises:
        RestructuringDecided: Who proposed it would confirm it.
    """
    me = who.me()
    values: dict[str, Any] = {"in_force_at": at, "target_id": target}
    if is_second:
        if me is None or me.id == row.proposed_by:
            raise RestructuringDecided("You proposed this yourself: another person must confirm it.", proposal=row.pk)
        values |= {"confirmed_by": me.id, "confirmed_label": me.username}
    Restructuring.objects.filter(pk=row.pk).update(**values)
    audit.record(
        action="registry.structure.in_force", subject=f"household:{row.source_id}", details={"proposal": row.pk}, at=at
    )


@transaction.atomic
def withdraw(*, number: int, at: datetime) -> None:
    """Withdraw a proposal that waits."""
    row, _change = open_one(number)
    Restructuring.objects.filter(pk=row.pk).update(withdrawn_at=at)
    audit.record(
        action="registry.structure.withdrawn", subject=f"household:{row.source_id}", details={"proposal": row.pk}, at=at
    )


def of_household(household: int) -> list[Restructuring]:
    """Return every change of a household, newest first: those that wait, are in force, or were withdrawn."""
    found = Restructuring.objects.select_related("source", "target").filter(
        Q(source_id=household) | Q(target_id=household)
    )
    return list(found.order_by("-id")[:100])


def waiting() -> list[Restructuring]:
    """Return the proposals of the scope that wait for a second person."""
    found = Restructuring.objects.select_related("source", "target").filter(
        in_force_at__isnull=True, withdrawn_at__isnull=True
    )
    return list(found.order_by("id")[:500])
