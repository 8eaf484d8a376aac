"""Reads for officers and partners: partners, agreements, extracts, calls; counts and states, no content."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.db.models import Count

from khana.access import services as access
from khana.sharing.models import Agreement, Approval, Developer, Extract, Message, Notice, Partner, Subscription


def list_partners() -> list[dict[str, Any]]:
    """Return partners by code; needs `partners.read`."""
    access.require("partners.read", everywhere=True)
    return [
        {
            "partner": one.code, "name": one.name, "sender_id": one.sender_id, "profile": one.profile,
            "keys": len(one.jwks.get("keys", [])), "sandbox": one.is_sandbox, "daily_calls": one.daily_calls,
            "state": "closed" if one.closed_at else "open",
        }
        for one in Partner.objects.order_by("code")
    ]  # fmt: skip


def list_agreements() -> list[dict[str, Any]]:
    """Return agreements, newest first; needs `agreements.read`, or the partner's own."""
    approvals = _approvals("agreement_id")
    return [
        {
            "agreement": one.number, "partner": one.partner.code, "level": one.level, "purpose": one.purpose,
            "state": one.state, "approvals": approvals.get(one.pk, 0), "area_path": one.area_path,
            "fields": list(one.fields), "valid_from": one.valid_from.date(), "valid_to": one.valid_to.date(),
        }
        for one in Agreement.objects.select_related("partner").order_by("-id")[:500]
    ]  # fmt: skip


def list_extracts() -> list[dict[str, Any]]:
    """Return extracts, newest first; needs `agreements.read`, or the partner's own."""
    approvals = _approvals("extract_id")
    return [
        {
            "extract": one.number, "agreement": one.agreement.number, "state": one.state,
            "approvals": approvals.get(one.pk, 0), "rows": one.rows, "fetched": one.fetched_count,
            "expires_at": one.expires_at, "message": one.message,
        }
        for one in Extract.objects.select_related("agreement").order_by("-id")[:500]
    ]  # fmt: skip


def _approvals(column: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for number in Approval.objects.filter(**{f"{column}__isnull": False}).order_by("id").values_list(column, flat=True):
        found[number] = found.get(number, 0) + 1
    return found


def list_calls(code: str, *, failed: bool = False, limit: int = 100) -> list[dict[str, Any]]:
    """Return the last messages of a partner, newest first: when, what, how it ended; no content."""
    rows = Message.objects.filter(partner__code=code).order_by("-id")
    if failed:
        rows = rows.exclude(outcome="", state=Message.State.ANSWERED)
    return [
        {
            "at": one.received_at, "message": str(one.uuid), "registry": one.registry, "action": one.action,
            "transaction": one.transaction_id, "state": one.state, "outcome": one.outcome, "records": one.records,
            "attempts": one.attempts,
        }
        for one in rows[:limit]
    ]  # fmt: skip


def list_subscriptions() -> list[dict[str, Any]]:
    """Return subscriptions, newest first, with how their notices stand; needs `partners.read`."""
    access.require("partners.read", everywhere=True)
    states = {
        (row["subscription_id"], row["state"]): row["count"]
        for row in Notice.objects.order_by().values("subscription_id", "state").annotate(count=Count("id"))
    }
    return [
        {
            "subscription": one.code, "partner": one.partner.code, "registry": one.registry, "event": one.event_type,
            "record": one.record_type, "since": one.subscribed_at, "state": "ended" if one.ended_at else "open",
            "taken": states.get((one.pk, "TAKEN"), 0), "waiting": states.get((one.pk, "WAITING"), 0),
            "given_up": states.get((one.pk, "FAILED"), 0),
        }
        for one in Subscription.objects.select_related("partner").order_by("-id")[:500]
    ]  # fmt: skip


def list_developers(code: str) -> list[dict[str, Any]]:
    """Return who looks after a partner's calls, newest first; needs `partners.read`."""
    access.require("partners.read", everywhere=True)
    return [
        {"user": one.user_id, "since": one.added_at, "state": "ended" if one.ended_at else "open"}
        for one in Developer.objects.filter(partner__code=code).order_by("-id")
    ]


def my_partners(at: datetime) -> list[dict[str, Any]]:
    """Return the partners whose developer the actor is: terms, agreements, subscriptions, calls of today; no content.

    Raises:
        PermissionMissing: The actor is nobody's developer.
    """
    return [row[0] if isinstance(row[0], dict) else json.loads(row[0]) for row in access.call("sharing_my_partner", at)]


def my_calls(code: str, *, failed: bool, before: datetime, limit: int = 50) -> list[dict[str, Any]]:
    """Return calls of a partner whose developer the actor is, newest first: also those that were refused at the door.

    Args:
        code: Of the partner; of another's nothing is returned.
        failed: Only what did not end well.
        before: Only older ones.
        limit: At most so many.
    """
    names = ("at", "registry", "action", "transaction", "message", "state", "outcome", "records", "attempts")
    rows = access.call("sharing_my_calls", code, failed, before, limit)
    return [dict(zip(names, row, strict=True)) for row in rows]
