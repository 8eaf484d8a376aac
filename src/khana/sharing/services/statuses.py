"""Say how an earlier transaction of a partner ended."""

from __future__ import annotations

import json
import uuid
from typing import Any

from khana.platform import keys
from khana.sharing import envelopes
from khana.sharing.envelopes import MessageBad
from khana.sharing.models import Message
from khana.sharing.services.calls import KEPT_FOR, Call


def txn_status(call: Call) -> dict[str, Any]:
    """Return the message that says how an earlier transaction of the partner ended."""
    envelopes.text(call.message, "transaction_id")
    asked = call.message.get("txnstatus_request")
    if not isinstance(asked, dict):
        raise MessageBad("'txnstatus_request' is missing.")
    envelopes.text(asked, "reference_id")
    envelopes.locale(asked)
    kind, by, value = asked.get("txn_type"), asked.get("attribute_type"), asked.get("attribute_value")
    if kind not in ("search", "subscribe", "receipt") or by not in (
        "transaction_id",
        "reference_id_list",
        "correlation_id",
    ):
        raise MessageBad("'txn_type' or 'attribute_type' is not known.")
    fits = (
        isinstance(value, list) and all(isinstance(one, str) and len(one) <= 99 for one in value) and len(value) <= 1000
    )
    if not (fits if by == "reference_id_list" else isinstance(value, str) and len(value) <= 99):
        raise MessageBad("'attribute_value' does not fit its type.")
    found = _earlier(call, str(kind), str(by), value)
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "txnstatus_response": {"txn_type": kind, "txn_status": found},
    }  # fmt: skip


def _earlier(call: Call, kind: str, by: str, value: Any) -> dict[str, Any]:
    rows = Message.objects.filter(
        partner=call.partner, registry=call.registry, action=kind, received_at__gt=call.at - KEPT_FOR
    ).order_by("-id")
    if by == "transaction_id":
        rows = rows.filter(transaction_id=value)
    elif by == "correlation_id":
        rows = rows.filter(uuid=value if _is_uuid(value) else "00000000-0000-0000-0000-000000000000")
    name = "subscribe_response" if kind == "subscribe" else "search_response"
    empty = {
        "transaction_id": value if by == "transaction_id" else call.message["transaction_id"],
        "correlation_id": value if by == "correlation_id" else call.correlation_id, name: [],
    }  # fmt: skip
    for row in rows[:50]:
        if not row.answer_ciphertext:
            continue
        answer = json.loads(keys.decrypt(bytes(row.answer_ciphertext))).get("message", {})
        items = answer.get(name, [])
        if by == "reference_id_list":
            items = [one for one in items if one.get("reference_id") in value]
        if items:
            return {"transaction_id": answer["transaction_id"], "correlation_id": answer["correlation_id"], name: items}
    return empty


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True
