"""Tell subscribers what happened: see `happenings`; with retry, and again when asked.

What is new is found by comparing with what a subscription was told or looked at already, so that an event whose
transaction commits late is not missed. Rows are read in the partner's own scope under its agreement; a notice is kept
before it is sent, outside any transaction, and sent again with growing pauses until it is taken or given up.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk, keys
from khana.platform.progress import Progress, silent
from khana.sharing import envelopes, own_keys
from khana.sharing import standard_records as records
from khana.sharing.gateways import callbacks
from khana.sharing.models import Agreement, Message, Notice, Partner, Subscription
from khana.sharing.services import agreements, happenings, replies, searching
from khana.sharing.services.calls import Call, name_mandate
from khana.sharing.services.happenings import Happening
from khana_methods.errors import KhanaError

PAGE = 100
MOST_TRIES = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
REMEMBERED = timedelta(days=7)


def sweep(*, only: str = "", token: str = "", progress: Progress = silent, at: datetime) -> dict[str, int]:
    """Gather what is new for every open subscription, and send what is due; the worker does so every half minute.

    Args:
        only: Code of one partner; all if empty.
        token: Of an officer with `partners.manage`, where a person asks; empty for the worker itself.
        progress: Told after each subscription.
        at: When.

    Returns:
        `subscriptions`, `notices` made, `events` in them, `taken`, `waiting`, `given_up`.
    """
    counts = dict.fromkeys(("subscriptions", "notices", "events", "taken", "waiting", "given_up"), 0)
    with access.scoped(token, require_session=bool(token)):
        if token:
            access.require("partners.manage", everywhere=True)
        open_now = [(row[0], row[1]) for row in access.call("sharing_open_subscriptions", only)]
    for number, (code, partner) in enumerate(open_now, 1):
        with access.scoped(token, require_session=bool(token)):
            own = str(access.call("sharing_adopt_partner", partner)[0][0])
        try:
            last = None
            while looked := _gather(own, code, at, last):
                last = looked.last
                counts["notices"] += looked.notices
                counts["events"] += looked.events
            for state, count in send_due(own, code, at).items():
                counts[state] += count
        finally:
            access.sign_out(token=own)
        counts["subscriptions"] += 1
        progress(number, len(open_now), "notify")
    return counts


@dataclass(frozen=True, slots=True)
class _Looked:
    """How far a sweep has come with one subscription, and what the last part of it gave."""

    last: int
    notices: int
    events: int


def _gather(token: str, code: str, at: datetime, after: int | None) -> _Looked | None:
    """Put the next events of a subscription into a notice; return how far it has come, None where nothing is new."""
    with access.scoped(token):
        held = Subscription.objects.select_for_update(of=("self",)).filter(code=code, ended_at__isnull=True).first()
        if held is None:
            return None
        partner = Partner.objects.get(pk=held.partner_id)
        there = agreements.in_force(partner_user_id=partner.user_id, at=at)
        agreement = next((one for one in there if one.number == held.agreement), None)
        if partner.is_sandbox or agreement is None or not held.callback:
            return None
        call = Call(partner, held.registry, {"message_id": f"notify-{code}"}, {}, Message(uuid=uuid.uuid4()), at)
        name_mandate(call, agreement)
        new = happenings.since(held, programme=agreement.programme, after=after, most=PAGE)
        if not new:
            happenings.forget(held, at - REMEMBERED)
            return None
        told = _told(held, call, agreement, new)
        if told:
            body = _notice(held, partner, told, at)
            Notice.objects.create(
                uuid=uuid.UUID(body["message"]["transaction_id"]), subscription=held, partner_user_id=partner.user_id,
                items=len(told), body_ciphertext=keys.encrypt(json.dumps(body, ensure_ascii=False)), made_at=at,
                next_try_at=at,
            )  # fmt: skip
        cursor = bulk.raw_cursor()
        cursor.execute(
            "INSERT INTO sharing_told (subscription_id, partner_user_id, subject_id, at) SELECT %s, %s, unnest(%s::bigint[]), %s",
            [held.pk, partner.user_id, [one.id for one in new], at],
        )
        return _Looked(new[-1].id, int(bool(told)), len(told))


def _told(held: Subscription, call: Call, agreement: Agreement, new: Sequence[Happening]) -> list[dict[str, Any]]:
    """Return the records of what is told: only of whom the agreement and the wish reach, one a happening."""
    entity = happenings.entity_of(held.event_type, held.record_type)
    criteria = json.loads(keys.decrypt(bytes(held.criteria_ciphertext)))
    asked = searching.read_query(criteria, tuple(agreement.fields), only_known=agreement.level == "ANSWER")
    whose = sorted({one.subject for one in new if one.subject is not None})
    if not whose:
        return []
    found = searching.found_under(
        call, agreement, asked, entity=entity, sort=[], page=(PAGE, 1), only=whose,
        is_of_programme=happenings.kind_of(held.event_type) in happenings.ENROLMENTS,
    )  # fmt: skip
    by_id = {int(one["id"] if entity == "Group" else one["persons"][0]): one for one in found.records}
    return [
        happenings.add_to(
            records.record_of(by_id[one.subject], registry=held.registry, entity=entity), one, event=held.event_type
        )
        for one in new
        if one.subject in by_id
    ]


def _notice(held: Subscription, partner: Partner, told: Sequence[Mapping[str, Any]], at: datetime) -> dict[str, Any]:
    events = [
        {
            "reference_id": f"{held.code}-{place}", "timestamp": at.isoformat(), "locale": "eng",
            "data": {
                "version": "1.0.0", "reg_type": searching.REGISTRY[held.registry], "reg_event_type": held.event_type,
                "reg_record_type": held.record_type, "reg_records": one,
            },
        }
        for place, one in enumerate(told)
    ]  # fmt: skip
    header = envelopes.reply_header(
        "notify", own_id=own_keys.own_id(), partner_id=partner.sender_id, status="succ", total=len(events),
        completed=len(events), at=at,
    )  # fmt: skip
    return {"header": header, "message": {"transaction_id": str(uuid.uuid4()), "notify_event": events}}


def send_due(token: str, code: str, at: datetime) -> dict[str, int]:
    """Send the notices of a subscription whose time has come, in the partner's scope; return how many came to which state."""
    with access.scoped(token):
        due = list(
            Notice.objects.filter(subscription__code=code, state="WAITING", next_try_at__lte=at)
            .select_related("subscription__partner").order_by("id")[:200]
        )  # fmt: skip
    counts = dict.fromkeys(("taken", "waiting", "given_up"), 0)
    is_away = False
    for one in due:
        state = "WAITING" if is_away else _send(token, one, at)
        is_away = is_away or state == "WAITING"  # who did not take one is not asked to take the next in this round
        counts[{"TAKEN": "taken", "WAITING": "waiting", "FAILED": "given_up"}[state]] += 1
    return counts


def address_of(callback: str) -> str:
    """Return where notices of a subscription go: beside where its own answer went.

    Examples:
        >>> address_of("https://mis.example.org/registry/on-subscribe")
        'https://mis.example.org/registry/notify'
        >>> address_of("https://mis.example.org/hook?k=1")
        'https://mis.example.org/hook?k=1'
    """
    head, found, tail = callback.rpartition("/on-subscribe")
    return f"{head}/notify{tail}" if found and (not tail or tail.startswith("?")) else callback


def _send(token: str, one: Notice, at: datetime) -> str:
    partner = one.subscription.partner
    body = json.loads(keys.decrypt(bytes(one.body_ciphertext)))
    body["header"]["message_ts"] = at.isoformat()
    state, status, attempts = "TAKEN", None, one.attempts + 1
    try:
        signed, signature = replies.for_partner(partner, body, encrypt=False)
        status = callbacks.send(
            address_of(one.subscription.callback), signed, hosts=partner.callback_hosts, signature=signature
        )
    except callbacks.PartnerDidNotAnswer as error:
        state, status = "WAITING" if attempts < MOST_TRIES else "FAILED", error.details.get("status")
    except KhanaError:
        state = "FAILED"  # the address is none of the partner's any more
    pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
    with access.scoped(token):
        Notice.objects.filter(pk=one.pk).update(
            state=state,
            attempts=attempts,
            http_status=status,
            next_try_at=at + pause,
            taken_at=at if state == "TAKEN" else None,
        )
        audit.record(action="sharing.notified", subject=f"partner:{partner.code}",
                     details={"delivery": str(one.uuid), "state": state, "attempts": attempts, "events": one.items}, at=at)  # fmt: skip
    return state
