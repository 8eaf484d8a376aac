"""Khana as a subscriber: ask another registry to tell events, and take its answers in when they come.

A wish is sent as the standard's `subscribe`; the registry acknowledges and answers later (`on-subscribe`) as the partner
as which it calls us, which joins the wish by its transaction. Its events then come as `notify`.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import keys, outgoing
from khana.sharing.models import OtherRegistry, Partner, Wish
from khana.sharing.services import asking
from khana.sharing.services.calls import Call
from khana_methods.errors import Conflict, NotConfigured

_PACE = outgoing.Pace(per_second=5)


class NoAddress(NotConfigured):
    """Nobody knows where this installation is reached: KHANA_BASE_URL is not set."""

    code: ClassVar[str] = "sharing.wish.no_address"


class NobodyCallsBack(NotConfigured):
    """The registry is connected without the partner as which it calls us back."""

    code: ClassVar[str] = "sharing.wish.nobody_calls_back"


class WishNotOpen(Conflict):
    """The wish was refused or ended, or has no code yet."""

    code: ClassVar[str] = "sharing.wish.not_open"


def _own_base() -> str:
    base = os.environ.get("KHANA_BASE_URL", "").rstrip("/")
    if not base:
        raise NoAddress("Set KHANA_BASE_URL to the address under which other registries reach this installation.")
    return f"{base}/dci/sr/v1.0.0/registry"


def subscribe(
    *, token: str, registry: str, events: Sequence[str], record: str = "Person", at: datetime
) -> list[dict[str, Any]]:
    """Ask a registry to tell some events; needs `partners.manage` for the whole country.

    Args:
        token: Of the officer; the message is sent outside any transaction.
        registry: Its code.
        events: As it names them, such as `LiveBirth`.
        record: Kind of record that is told.
        at: When.

    Returns:
        One row a wish: wish, event_type, state.

    Raises:
        RegistryUnknown, NoAddress, NobodyCallsBack, RegistryRefused, NoAnswer: It could not be asked; nothing is kept.
    """
    with access.scoped(token):
        access.require("partners.manage", everywhere=True)
        uri = f"{_own_base()}/on-subscribe"
        held = asking.get(registry)
        partner = _partner_of(held)
    transaction_id = str(uuid.uuid4())
    items = [
        {
            "reference_id": f"{transaction_id[:8]}-{place}", "timestamp": at.isoformat(), "locale": "eng",
            "subscribe_criteria": {
                "version": "1.0.0", "reg_event_type": event, "notify_record_type": record, "filter_type": "predicate",
                "filter": [], "frequency": {"frequency": 1, "unit": "daily"},
            },
        }
        for place, event in enumerate(events)
    ]  # fmt: skip
    message = {"transaction_id": transaction_id, "subscribe_request": items}
    reply = asking.exchange(
        held, "subscribe", "subscribe", message, total=len(items), sender_uri=uri, pace=_PACE,
    )  # fmt: skip
    with access.scoped(token):
        made = [
            Wish.objects.create(
                registry=held, partner_user_id=partner.user_id, event_type=event, transaction_id=transaction_id,
                reference=str(item["reference_id"]), correlation_id=str(reply["message"].get("correlation_id", ""))[:99], sent_at=at,
            )
            for event, item in zip(events, items, strict=True)
        ]  # fmt: skip
        audit.record(
            action="sharing.wish_sent", subject=f"registry:{registry}", details={"events": list(events)}, at=at
        )
        return [{"wish": one.pk, "event_type": one.event_type, "state": one.state} for one in made]


def _partner_of(held: OtherRegistry) -> Partner:
    found = Partner.objects.filter(code=held.partner_code, closed_at__isnull=True).first()
    if found is None:
        raise NobodyCallsBack("Connect the registry with --partner: the partner as which it calls us back.")
    return found


def unsubscribe(*, token: str, wish: int, at: datetime) -> None:
    """End a wish at its registry; needs `partners.manage`.

    Raises:
        WishNotOpen: It is not in force.
    """
    with access.scoped(token):
        access.require("partners.manage", everywhere=True)
        uri = f"{_own_base()}/on-unsubscribe"
        held = Wish.objects.select_related("registry").filter(pk=wish, state="IN_FORCE").first()
        if held is None:
            raise WishNotOpen("This wish is not in force.", wish=wish)
    message = {"transaction_id": str(uuid.uuid4()), "timestamp": at.isoformat(), "subscription_codes": [held.code]}
    asking.exchange(held.registry, "unsubscribe", "unsubscribe", message, total=1, sender_uri=uri, pace=_PACE)
    with access.scoped(token):
        Wish.objects.filter(pk=wish).update(state="ENDED", answered_at=at)
        audit.record(
            action="sharing.wish_ended", subject=f"registry:{held.registry.code}", details={"wish": wish}, at=at
        )


def list_wishes() -> list[dict[str, Any]]:
    """Return what we subscribed to, newest first; needs `partners.read`."""
    access.require("partners.read", everywhere=True)
    return [
        {
            "wish": one.pk, "registry": one.registry.code, "event_type": one.event_type, "state": one.state,
            "code": one.code, "sent_at": one.sent_at, "answered_at": one.answered_at,
        }
        for one in Wish.objects.select_related("registry").order_by("-id")[:500]
    ]  # fmt: skip


@transaction.atomic
def take_answer(call: Call) -> int:
    """Join an `on-subscribe` with our wishes, in the partner's scope; return how many it answers.

    An answer to a transaction that we never began, or of another partner, joins nothing.
    """
    joined = 0
    for item in call.message["subscribe_response"]:
        held = item.get("subscriptions")
        given = held[0] if isinstance(held, list) and held and isinstance(held[0], dict) else {}
        is_good = item.get("status") == "succ" and isinstance(given.get("code"), str)
        joined += Wish.objects.filter(
            partner_user_id=access.actor_id(), transaction_id=call.message["transaction_id"],
            reference=str(item.get("reference_id", ""))[:99], state="SENT",
        ).update(
            state="IN_FORCE" if is_good else "REFUSED", code=str(given.get("code", ""))[:99] if is_good else "",
            answer_ciphertext=keys.encrypt(json.dumps(item)), answered_at=call.at,
        )  # fmt: skip
    return joined
