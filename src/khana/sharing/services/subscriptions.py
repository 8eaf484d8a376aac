"""Write down and end partners' wishes to hear of events, as far as their agreements reach."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.db import transaction

from khana.platform import keys
from khana.sharing import addresses, envelopes, sandbox
from khana.sharing.envelopes import MessageBad
from khana.sharing.models import Subscription
from khana.sharing.services import happenings
from khana.sharing.services.calls import Call, CriteriaInvalid, agreement_for, name_mandate
from khana.sharing.services.searching import read_query
from khana_methods.errors import InputError, KhanaError


def subscribe(call: Call) -> dict[str, Any]:
    """Write wishes down and return the message of the answer."""
    answers = []
    for item in envelopes.items_of(call.message, "subscribe_request"):
        try:
            with transaction.atomic():
                answers.append(_subscribed(call, item))
        except KhanaError as error:
            code = error.code if error.code.startswith("rjct.") else "rjct.notify_details.invalid"
            code = "rjct.notify_details.invalid" if "search" in code or "filter" in code else code
            answers.append(envelopes.rejected(item, code, error.message, at=call.at))
    return {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "subscribe_response": answers,
    }  # fmt: skip


class AlreadySubscribed(InputError):
    """The same wish is in force."""

    code = "rjct.event.already_subscribed"


class EventUnknown(InputError):
    """There is no such event."""

    code = "rjct.notify_types.invalid"


def _subscribed(call: Call, item: Mapping[str, Any]) -> dict[str, Any]:
    criteria = item.get("subscribe_criteria")
    if not isinstance(criteria, dict):
        raise CriteriaInvalid("'subscribe_criteria' is missing.")
    event = str(criteria.get("reg_event_type", "")).rsplit(":", 1)[-1]
    known = happenings.EVENTS[call.registry]
    if event not in known:
        raise EventUnknown(f"Events of this registry are: {', '.join(known)}.")
    kind = envelopes.text(criteria, "notify_record_type")
    agreement = agreement_for(call, criteria)
    allowed = sandbox.FIELDS if agreement is None else tuple(agreement.fields)
    needed = happenings.NEEDED_FIELD.get(happenings.kind_of(event))
    if needed and needed not in allowed:
        raise CriteriaInvalid(f"The agreement does not let you have {needed}, without which this event says nothing.")
    query = {"query_type": criteria.get("filter_type", "idtype-value"), "query": criteria.get("filter")}
    read_query(query, allowed, only_known=agreement is not None and agreement.level == "ANSWER")
    target = str(call.header.get("sender_uri", ""))
    if target:
        addresses.allow(target, call.partner.callback_hosts)
    wish = json.dumps([call.registry, event, kind, query, agreement.number if agreement else ""], sort_keys=True)
    mark = sha256(keys.pseudonym(call.partner.code, wish)).digest()
    if Subscription.objects.filter(partner=call.partner, filter_hash=mark, ended_at__isnull=True).exists():
        raise AlreadySubscribed("This is subscribed already.")
    name_mandate(call, agreement)
    floor, other = happenings.floors_now(event, happenings.entity_of(event, kind))
    made = Subscription.objects.create(
        code=f"sub-{secrets.token_hex(8)}", partner=call.partner, partner_user_id=call.partner.user_id,
        agreement=agreement.number if agreement else "", registry=call.registry, event_type=event, record_type=kind,
        filter_hash=mark, criteria_ciphertext=keys.encrypt(json.dumps(query)), callback=target, subscribed_at=call.at,
        last_seen_id=floor, last_seen_other_id=other,
    )  # fmt: skip
    return {
        "reference_id": item["reference_id"], "timestamp": call.at.isoformat(), "status": "succ",
        "subscriptions": [
            {"code": made.code, "status": "subscribe", "timestamp": call.at.isoformat(), "reg_event_type": event,
             "notify_record_type": kind, "locale": envelopes.locale(item)}
        ],
        "locale": envelopes.locale(item),
    }  # fmt: skip


def unsubscribe(call: Call) -> dict[str, Any]:
    """End subscriptions of the partner and return the message of the answer."""
    envelopes.text(call.message, "transaction_id")
    envelopes.moment(call.message, "timestamp")
    codes = call.message.get("subscription_codes")
    if (
        not isinstance(codes, list)
        or not 1 <= len(codes) <= 1000
        or not all(isinstance(code, str) and len(code) <= 99 for code in codes)
    ):
        raise MessageBad("'subscription_codes' is a list of 1 to 1,000 codes.")
    held = {one.code: one for one in Subscription.objects.filter(partner=call.partner, code__in=codes)}
    answer: dict[str, Any] = {
        "transaction_id": call.message["transaction_id"], "correlation_id": call.correlation_id,
        "timestamp": call.at.isoformat(),
    }  # fmt: skip
    if any(code not in held for code in codes):
        return answer | {"status": "rjct", "status_reason_code": "rjct.subscription_code.invalid",
                         "status_reason_message": "A code is none of your subscriptions; nothing was ended."}  # fmt: skip
    if any(one.ended_at for one in held.values()):
        return answer | {"status": "rjct", "status_reason_code": "rjct.event.already_unsubscribed",
                         "status_reason_message": "A subscription was ended before; nothing was ended."}  # fmt: skip
    Subscription.objects.filter(partner=call.partner, code__in=codes).update(ended_at=call.at)
    return answer | {
        "status": "succ",
        "subscription_status": [{"code": code, "status": "unsubscribe"} for code in codes],
    }
