"""Tell subscribers what happened: new households and members, first benefits; with retry, and again when asked.

What is new is found by comparing with what a subscription was told or looked at already, so that an event whose
transaction commits late is not missed. Rows are read in the partner's own scope under its agreement; a notice is kept
before it is sent, outside any transaction, and sent again with growing pauses until it is taken or given up.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import bulk, keys
from khana.platform.progress import Progress, silent
from khana.sharing import envelopes, own_keys
from khana.sharing import standard_records as records
from khana.sharing.gateways import callbacks
from khana.sharing.models import Message, Notice, Partner, Subscription
from khana.sharing.services import agreements, replies, searching
from khana.sharing.services.calls import Call, name_mandate
from khana.sharing.services.subscriptions import entity_of
from khana_methods.errors import KhanaError

PAGE = 100
MOST_TRIES = 12
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
REMEMBERED = timedelta(days=7)
# what may be new since a subscription began: (subject id) above its floor that it was not told of
_NEW = {
    "REGISTER:Group": "SELECT h.id FROM registry_household h WHERE h.id > %(floor)s",
    "REGISTER:Member": "SELECT p.id FROM registry_person p WHERE p.id > %(floor)s",
    "NewHouseHoldMember:Member": """SELECT p.id FROM registry_person p WHERE p.id > %(floor)s AND EXISTS (
        SELECT 1 FROM registry_membership m JOIN registry_household h ON h.id = m.household_id
        WHERE m.person_id = p.id AND m.superseded_at IS NULL AND h.created_at < p.created_at)""",
}


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
            while events := _gather(own, code, at):
                counts["notices"] += 1
                counts["events"] += events
            for state, count in send_due(own, code, at).items():
                counts[state] += count
        finally:
            access.sign_out(token=own)
        counts["subscriptions"] += 1
        progress(number, len(open_now), "notify")
    return counts


def _gather(token: str, code: str, at: datetime) -> int:
    """Put the next events of a subscription into a notice; return how many rows were looked at (0: nothing is new)."""
    with access.scoped(token):
        held = Subscription.objects.select_for_update(of=("self",)).filter(code=code, ended_at__isnull=True).first()
        if held is None:
            return 0
        entity = entity_of(held.event_type, held.record_type)
        if f"{held.event_type}:{entity}" not in _NEW:
            return 0  # events of the single registry have no source here yet
        partner = Partner.objects.get(pk=held.partner_id)
        there = agreements.in_force(partner_user_id=partner.user_id, at=at)
        agreement = next((one for one in there if one.number == held.agreement), None)
        if partner.is_sandbox or agreement is None or not held.callback:
            return 0
        call = Call(partner, held.registry, {"message_id": f"notify-{code}"}, {}, Message(uuid=uuid.uuid4()), at)
        name_mandate(call, agreement)
        new = _new(held, entity)
        if not new:
            _forget(held, at)
            return 0
        criteria = json.loads(keys.decrypt(bytes(held.criteria_ciphertext)))
        asked = searching.read_query(criteria, tuple(agreement.fields), only_known=agreement.level == "ANSWER")
        found = searching.found_under(call, agreement, asked, entity=entity, sort=[], page=(PAGE, 1), only=new)
        if found.records:
            body = _notice(held, entity, partner, found.records, at)
            Notice.objects.create(
                uuid=uuid.UUID(body["message"]["transaction_id"]), subscription=held, partner_user_id=partner.user_id,
                items=len(found.records), body_ciphertext=keys.encrypt(json.dumps(body, ensure_ascii=False)), made_at=at,
                next_try_at=at,
            )  # fmt: skip
        cursor = bulk.raw_cursor()
        cursor.execute(
            "INSERT INTO sharing_told (subscription_id, partner_user_id, subject_id, at) SELECT %s, %s, unnest(%s::bigint[]), %s",
            [held.pk, partner.user_id, new, at],
        )
        return len(new)


def _new(held: Subscription, entity: str) -> list[int]:
    statement = f"""SELECT n.id FROM ({_NEW[f"{held.event_type}:{entity}"]}) n (id) WHERE NOT EXISTS (SELECT 1 FROM sharing_told t
        WHERE t.subscription_id = %(subscription)s AND t.subject_id = n.id) ORDER BY n.id LIMIT %(most)s"""
    values = {"floor": held.last_seen_id, "subscription": held.pk, "most": PAGE}
    return [row[0] for row in bulk.raw_cursor().execute(statement.encode(), values).fetchall()]


def _forget(held: Subscription, at: datetime) -> None:
    """Raise the floor over what was told long ago, so that little is remembered; no transaction stays open so long."""
    cursor = bulk.raw_cursor()
    row = cursor.execute(
        "SELECT max(subject_id) FROM sharing_told WHERE subscription_id = %s AND at < %s", [held.pk, at - REMEMBERED]
    ).fetchone()
    if row and row[0]:
        cursor.execute("DELETE FROM sharing_told WHERE subscription_id = %s AND subject_id <= %s", [held.pk, row[0]])
        Subscription.objects.filter(pk=held.pk).update(last_seen_id=row[0])


def _notice(
    held: Subscription, entity: str, partner: Partner, found: Sequence[Mapping[str, Any]], at: datetime
) -> dict[str, Any]:
    events = [
        {
            "reference_id": f"{held.code}-{place}", "timestamp": at.isoformat(), "locale": "eng",
            "data": {
                "version": "1.0.0", "reg_type": searching.REGISTRY[held.registry], "reg_event_type": held.event_type,
                "reg_record_type": held.record_type, "reg_records": records.record_of(one, registry=held.registry, entity=entity),
            },
        }
        for place, one in enumerate(found)
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
