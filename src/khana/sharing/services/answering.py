"""Which service answers which action of the standard."""

from __future__ import annotations

from typing import Any

from khana.sharing import envelopes
from khana.sharing.services import searching, statuses, subscriptions
from khana.sharing.services.calls import Call

ANSWER = {
    "search": searching.search, "subscribe": subscriptions.subscribe, "unsubscribe": subscriptions.unsubscribe,
    "txn-status": statuses.txn_status,
}  # fmt: skip


def answer(call: Call, *, action: str) -> tuple[dict[str, Any], str, str]:
    """Answer a call.

    Returns:
        The message, and the status and the reason code of its header.
    """
    message = ANSWER[action](call)
    items = message.get("search_response") or message.get("subscribe_response") or []
    status = envelopes.overall(items) if items else str(message.get("status", "succ"))
    return message, status, ""
