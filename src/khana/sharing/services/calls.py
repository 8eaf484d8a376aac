"""One message of a partner under way: kept against replay, answered under one agreement, written down how it ended.

Everything happens in the transaction that the address opened under the partner's token: the agreement is named and
rows are read under its mandate. What is asked is answered in `searching`, `subscriptions` and `statuses`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from khana.access import mandates
from khana.access import services as access
from khana.platform import keys, prepared
from khana.sharing import lean
from khana.sharing.envelopes import HeaderRejected
from khana.sharing.models import Agreement, Message, Partner
from khana.sharing.services import agreements
from khana_methods.errors import InputError

Party = Partner  # the name under which interfaces know a partner
KEPT_FOR = timedelta(days=30)
# one statement and no savepoint: a message_id that was used gives no row
_KEEP = """INSERT INTO sharing_message (uuid, partner_id, partner_user_id, registry, action, message_id, transaction_id, received_at,
    state, outcome, items, records, attempts, request_ciphertext)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'RECEIVED', '', 0, 0, 0, %s) ON CONFLICT (partner_id, message_id) DO NOTHING RETURNING id"""
_FINISH = """UPDATE sharing_message SET state = %s, outcome = %s, items = %s, records = %s, answer_ciphertext = %s
    WHERE id = %s RETURNING id"""
CALLING = ("ANSWER", "LIST", "RECORD")


class CriteriaInvalid(InputError):
    """The criteria of an item cannot be answered."""

    code = "rjct.search_criteria.invalid"


class PageInvalid(InputError):
    """The pagination of an item is not as it may be."""

    code = "rjct.pagination.invalid"


class TooManyCalls(InputError):
    """The partner has used up its calls of the day."""

    code = "err.request.too_many_requests"


@dataclass(frozen=True, slots=True)
class Call:
    """One message under way."""

    partner: Partner
    registry: str
    header: Mapping[str, Any]
    message: Mapping[str, Any]
    kept: Message
    at: datetime

    @property
    def correlation_id(self) -> str:
        """Return the number by which answer and call-back are joined."""
        return str(self.kept.uuid)


def partner_in_scope() -> Partner | None:
    """Return the partner whose token opened the transaction, None where the actor is none."""
    found = lean.rows(Partner, "user_id = (SELECT khana_private.access_actor()) AND closed_at IS NULL", ())
    return found[0] if found else None


def take(
    partner: Partner, *, registry: str, action: str, header: Mapping[str, Any], message: Mapping[str, Any], at: datetime
) -> Call:
    """Keep a message; a second one with its id is refused, and so is a call above the day's.

    Raises:
        HeaderRejected: The id was used.
        TooManyCalls: The day's calls are used up.
    """
    used = access.call("sharing_count", 1, 0, at.date())[0][0]
    if used > partner.daily_calls:
        raise TooManyCalls("Your calls of this day are used up.")
    kept = Message(
        partner=partner, partner_user_id=partner.user_id, registry=registry, action=action,
        message_id=str(header["message_id"]), transaction_id=str(message.get("transaction_id", ""))[:99],
        received_at=at, request_ciphertext=keys.encrypt(json.dumps([header, message])),
    )  # fmt: skip
    rows = prepared.fetch(
        _KEEP,
        [
            kept.uuid, partner.pk, partner.user_id, registry, action, kept.message_id, kept.transaction_id, at,
            kept.request_ciphertext,
        ],
    )  # fmt: skip
    if not rows:
        raise HeaderRejected("rjct.message_id.duplicate", "A message with this message_id was taken before.")
    ((kept.pk,),) = rows
    return Call(partner, registry, header, message, kept, at)


def kept_call(message_uuid: str, *, at: datetime) -> Call:
    """Return a kept message to be answered; within the scope of its partner."""
    kept = Message.objects.select_related("partner").get(uuid=message_uuid)
    header, message = json.loads(keys.decrypt(bytes(kept.request_ciphertext or b"")))
    return Call(kept.partner, kept.registry, header, message, kept, at)


def finish(call: Call, answer: Mapping[str, Any], *, outcome: str = "", state: str = "ANSWERED") -> None:
    """Write down how a call ended, with its answer, encrypted."""
    inner = answer.get("message", {})
    shown = inner.get("search_response") or []
    if not outcome:
        items = [*shown, *(inner.get("subscribe_response") or []), *(inner.get("enrolled_response") or [])]
        refused = [str(one.get("status_reason_code", "rjct")) for one in items if one.get("status") == "rjct"]
        outcome = refused[0] if refused else str(inner.get("status_reason_code", ""))
    count = sum(len(one.get("data", {}).get("reg_records", [])) for one in shown)
    sealed = keys.encrypt(json.dumps(answer, ensure_ascii=False))
    prepared.fetch(_FINISH, [state, outcome[:99], len(shown) or 1, count, sealed, call.kept.pk])
    if count:
        access.call("sharing_count", 0, count, call.at.date())


def standing(call: Call) -> Sequence[Agreement]:
    """Return the agreements of the partner under which questions may be asked now."""
    if call.partner.is_sandbox:
        return ()
    found = agreements.in_force(partner_user_id=call.partner.user_id, at=call.at)
    return [one for one in found if one.level in CALLING]


def agreement_for(
    call: Call, criteria: Mapping[str, Any], among: Sequence[Agreement] | None = None
) -> Agreement | None:
    """Return the agreement that a question rests on; None for a sandbox partner.

    The message may name its number (`header.meta.agreement`) or its purpose (`authorize.purpose.code`); where one
    agreement only is in force nothing need be named. `among` are those that stand, where they were read already.

    Raises:
        CriteriaInvalid: None is in force, none fits, or several do.
    """
    if call.partner.is_sandbox:
        return None
    meta = call.header.get("meta")
    named = meta.get("agreement") if isinstance(meta, dict) else None
    authorize = criteria.get("authorize")
    purpose = authorize.get("purpose") if isinstance(authorize, dict) else None
    code = purpose.get("code") if isinstance(purpose, dict) else None
    found = [
        one
        for one in (standing(call) if among is None else among)
        if named in (None, one.number) and (named or code in (None, one.purpose))
    ]
    if len(found) != 1:
        raise CriteriaInvalid(
            "No agreement in force allows this question."
            if not found
            else "Several agreements are in force: name one in header.meta.agreement, or its purpose."
        )
    return found[0]


def name_mandate(call: Call, agreement: Agreement | None) -> None:
    """Name the mandate of an agreement for what follows in this transaction."""
    if agreement is not None:
        mandates.name(mandate=agreement.number, purpose=agreement.purpose, request=str(call.header["message_id"])[:99])
