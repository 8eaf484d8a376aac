"""The addresses of the social registry (`sr`) and of the single registry (`ibr`): one view, one operation a word.

Sync operations answer at once; the others acknowledge and are answered by a job that calls the sender back. Each
request is one transaction: what was read and the events of it commit together or not at all.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from khana.access import selectors as who
from khana.access import services as access
from khana.audit import services as audit
from khana.interfaces.api.dci import reading
from khana.interfaces.api.dci.reading import Refused
from khana.interfaces.errors import translate
from khana.platform import clock, files, jobs
from khana.sharing import addresses, envelopes, own_keys
from khana.sharing.envelopes import HeaderRejected, MessageBad
from khana.sharing.services import answering, calls, extracts, replies, searching, taking_in, wishes
from khana.sharing.services.calls import Party
from khana_methods.errors import KhanaError

_log = logging.getLogger(__name__)
OPERATIONS = {
    "search": "search", "sync/search": "search", "subscribe": "subscribe", "unsubscribe": "unsubscribe",
    "txn/status": "txn-status", "sync/txn/status": "txn-status", "sync/enrolled": "enrolled",
    "sync/enrollment/updates": "updates", "on-search": "on-search", "on-subscribe": "on-subscribe",
    "on-unsubscribe": "on-unsubscribe", "txn/on-status": "txn-on-status", "notify": "notify",
}  # fmt: skip
_SYNC = {"sync/search", "sync/txn/status"}
_INBOUND = {"on-search", "on-subscribe", "on-unsubscribe", "txn-on-status", "notify", "updates"}


@csrf_exempt
def registry(request: HttpRequest, registry: str, operation: str) -> HttpResponse:
    """Answer one operation of one registry."""
    at = clock.now()
    if request.method != "POST":
        response = reading.refusal("err.request.bad", "This address takes POST.", at=at)
        response.status_code = 405
        response["Allow"] = "POST"
        return response
    token = ""
    try:
        token = reading.bearer(request)
        body = reading.body_of(request)
        with access.scoped(token):
            return _in_scope(request, body, registry, operation, at)
    except Refused as error:
        _note_refusal(token, operation, error.code, at)
        return reading.refusal(error.code, error.why, at=at)
    except access.NoSession:
        return reading.refusal("err.request.unauthorized", "The token is unknown, closed or expired.", at=at)
    except KhanaError as error:
        return reading.refusal(reading.code_of(error), error.message, at=at)
    except Exception as error:
        known = translate(error)
        if known is None:
            _log.error("a mistake of ours: %s", type(error).__name__)
        why = "Try again later." if known is not None else "A mistake of ours; nothing was given."
        response = reading.refusal("err.service.unavailable", why, at=at)
        response.status_code = 503 if known is not None else 500
        return response


def _note_refusal(token: str, operation: str, code: str, at: datetime) -> None:
    """Write down what was refused after the transaction of the request was undone, for the partner's developer.

    Too many calls are counted and not written: whoever sends too many would fill the log.
    """
    if not token or code in ("err.request.too_many_requests", "err.request.unauthorized"):
        return
    try:
        with access.scoped(token):
            partner = calls.partner_in_scope()
            if partner is not None:
                _record_refusal(partner, operation, code, at)
    except KhanaError:
        return  # the token opens nothing: nobody can tell whose call it was


def _record_refusal(partner: Party, operation: str, code: str, at: datetime) -> None:
    audit.record(action="sharing.call_refused", subject=f"partner:{partner.code}",
                 details={"code": code, "operation": operation}, at=at)  # fmt: skip


registry.is_public = True  # type: ignore[attr-defined]  # a bearer token is asked for, not the pages' sign-in


def extract(request: HttpRequest, number: str) -> HttpResponse | StreamingHttpResponse:
    """Give a partner the file of one of its extracts, encrypted as it is; counted and audited."""
    at = clock.now()
    try:
        token = reading.bearer(request)
        with access.scoped(token):
            one = extracts.fetch(number=number[:60], at=at)
    except Refused as error:
        return reading.refusal(error.code, error.why, at=at)
    except access.NoSession:
        return reading.refusal("err.request.unauthorized", "The token is unknown, closed or expired.", at=at)
    except KhanaError as error:
        return reading.refusal("err.request.not_found", error.message, at=at)
    response = StreamingHttpResponse(_pieces(one.sha256), content_type="application/jose")
    response["X-Content-SHA256"] = one.sha256
    response["X-Manifest"] = str(one.manifest.get("jws", ""))
    response["Cache-Control"] = "no-store"
    return response


extract.is_public = True  # type: ignore[attr-defined]


def _pieces(sha256: str) -> Iterator[bytes]:
    with files.open(sha256) as source:
        while piece := source.read(256 * 1024):
            yield piece


def _in_scope(request: HttpRequest, body: dict[str, Any], name: str, operation: str, at: datetime) -> HttpResponse:
    partner = calls.partner_in_scope()
    if partner is None:
        raise Refused("err.request.forbidden", "This token belongs to no partner.")
    reading.slow_down(partner)
    try:
        held = reading.read(request, body, partner)
    except Refused as error:
        _record_refusal(partner, operation, error.code, at)
        return reading.refusal(error.code, error.why, at=at)
    action = OPERATIONS[operation]
    if action in _INBOUND:
        return _taken_in(partner, name, action, held, at)
    if action == "enrolled":
        return _enrolled(partner, name, held, at)
    is_sync = operation in _SYNC
    try:
        call = _call(partner, name, action, held, at)
        if is_sync:
            message, status, reason = answering.answer(call, action=action)
            return _answered(call, action, message, status, reason, held.is_encrypted)
        return _acknowledged(call, held, at)
    except HeaderRejected as error:
        _record_refusal(partner, operation, error.reason, at)
        return _rejected(partner, name, action, held, error, at) if is_sync else reading.refusal(
            "err.version.not_supported" if "version" in error.reason else "err.request.bad",
            f"{error.reason}: {error.message}", at=at,
        )  # fmt: skip
    except MessageBad as error:
        raise Refused(error.code, error.message) from error


def _call(partner: Party, name: str, action: str, held: reading.Request, at: datetime) -> calls.Call:
    header, message = envelopes.split({"header": held.header, "message": held.message}, action=action)
    count = None
    if action in envelopes.ITEMS:
        count = len(envelopes.items_of(message, envelopes.ITEMS[action]))
    elif action == "txn-status":
        envelopes.text(message, "transaction_id")
    envelopes.check_header(header, items=count, at=at)
    return calls.take(partner, registry=name, action=action, header=header, message=message, at=at)


def _answered(
    call: calls.Call, action: str, message: dict[str, Any], status: str, reason: str, encrypt: bool
) -> HttpResponse:
    body = replies.written(call, action, message, status, reason)
    calls.finish(call, body, outcome=reason)
    signed, signature = replies.for_partner(call.partner, body, encrypt=encrypt)
    return reading.answer(200, signed, signature=signature)


def _acknowledged(call: calls.Call, held: reading.Request, at: datetime) -> HttpResponse:
    uri = str(held.header.get("sender_uri") or "")
    if uri:
        try:
            addresses.allow(uri, call.partner.callback_hosts)
        except addresses.CallbackRefused as error:
            raise Refused(error.code, error.message) from error
    _checked(call)
    actor = who.me()
    if actor is None:
        raise Refused("err.request.unauthorized", "The token is unknown.")
    jobs.enqueue(kind="answer_message", arguments={"message": str(call.kept.uuid)}, actor=actor, at=at)
    return reading.answer(200, envelopes.ack(call.correlation_id, at=at))


def _checked(call: calls.Call) -> None:
    """Hold the frame of what will be answered later, so that the sender is told now."""
    if call.kept.action == "unsubscribe":
        envelopes.text(call.message, "transaction_id")
        envelopes.moment(call.message, "timestamp")
        codes = call.message.get("subscription_codes")
        if not isinstance(codes, list) or not codes or not all(isinstance(one, str) for one in codes):
            raise MessageBad("'subscription_codes' is missing or holds what is no text.")
        if any(len(one) > envelopes.LONGEST for one in codes):
            raise MessageBad(f"A code of 'subscription_codes' is longer than {envelopes.LONGEST} signs.")
    if call.kept.action == "txn-status" and not isinstance(call.message.get("txnstatus_request"), dict):
        raise MessageBad("'txnstatus_request' is missing.")
    if call.kept.action == "search":
        for item in call.message["search_request"]:
            criteria = item.get("search_criteria")
            if not isinstance(criteria, dict) or not {"query_type", "query"} <= set(criteria):
                raise MessageBad("'search_criteria' needs query_type and query.")
            envelopes.page(item.get("pagination"), criteria.get("pagination"))
    if call.kept.action == "subscribe":
        for item in call.message["subscribe_request"]:
            criteria = item.get("subscribe_criteria")
            if not isinstance(criteria, dict) or not {"reg_event_type", "filter", "notify_record_type"} <= set(
                criteria
            ):
                raise MessageBad("'subscribe_criteria' needs reg_event_type, filter and notify_record_type.")


def _rejected(
    partner: Party, name: str, action: str, held: reading.Request, error: HeaderRejected, at: datetime
) -> HttpResponse:
    """Answer a sync call whose header is refused: the standard's third layer of codes."""
    message: dict[str, Any] = {"transaction_id": str(held.message.get("transaction_id", ""))[:99],
                               "correlation_id": str(uuid.uuid4())}  # fmt: skip
    if action == "search":
        message["search_response"] = []
    else:
        message["txnstatus_response"] = {
            "txn_type": "search", "txn_status": {**message, "search_response": []},
        }  # fmt: skip
    header = envelopes.reply_header(
        envelopes.REPLY[action], own_id=own_keys.own_id(), partner_id=partner.sender_id, status="rjct", total=0, completed=0,
        reason=error.reason, why=error.message, at=at,
    )  # fmt: skip
    signed, signature = replies.for_partner(partner, {"header": header, "message": message}, encrypt=False)
    return reading.answer(200, signed, signature=signature)


def _enrolled(partner: Party, name: str, held: reading.Request, at: datetime) -> HttpResponse:
    if name != "ibr":
        raise Refused("err.request.not_found", "Ask the single registry (ibr) who is enrolled.")
    try:
        header, message = envelopes.split({"header": held.header, "message": held.message}, action="search")
        envelopes.check_header(header, items=None, at=at)
        call = calls.take(partner, registry=name, action="enrolled", header=header, message=message, at=at)
        made = searching.enrolled(call)
    except HeaderRejected as error:
        _record_refusal(partner, "sync/enrolled", error.reason, at)
        return reading.refusal("err.request.bad", f"{error.reason}: {error.message}", at=at)
    except MessageBad as error:
        raise Refused(error.code, error.message) from error
    body = replies.written(call, "search", made, made["enrolled_response"][0]["status"])
    calls.finish(call, body)
    signed, signature = replies.for_partner(partner, body, encrypt=held.is_encrypted)
    return reading.answer(200, signed, signature=signature)


def _taken_in(partner: Party, name: str, action: str, held: reading.Request, at: datetime) -> HttpResponse:
    """Keep what a partner's registry tells us (an answer to us, or an event) and acknowledge it."""
    expected = "notify" if action == "updates" else action
    try:
        header, message = envelopes.split({"header": held.header, "message": held.message}, action=expected)
        _check_inbound(message, action)
        envelopes.check_header(header, items=None, at=at)
        call = calls.take(partner, registry=name, action=action, header=header, message=message, at=at)
        if action == "notify":
            taking_in.take_events(call)
        elif action == "on-subscribe":
            wishes.take_answer(call)
    except HeaderRejected as error:
        _record_refusal(partner, action, error.reason, at)
        return reading.refusal("err.request.bad", f"{error.reason}: {error.message}", at=at)
    except MessageBad as error:
        raise Refused(error.code, error.message) from error
    audit.record(action="sharing.message_taken_in", subject=f"partner:{partner.code}",
                 details={"action": action, "message": call.correlation_id}, at=at)  # fmt: skip
    if action == "updates":
        made = {
            "transaction_id": message["transaction_id"], "correlation_id": call.correlation_id,
            "enrolled_response": [{"reference_id": str(header["message_id"])[:99], "timestamp": at.isoformat(),
                                   "status": "rcvd"}],
        }  # fmt: skip
        body = replies.written(call, "search", made, "rcvd")
        signed, signature = replies.for_partner(partner, body, encrypt=held.is_encrypted)
        return reading.answer(200, signed, signature=signature)
    return reading.answer(200, envelopes.ack(call.correlation_id, at=at))


_NEEDED = {
    "on-search": ("correlation_id", "search_response", list), "on-subscribe": ("correlation_id", "subscribe_response", list),
    "on-unsubscribe": ("correlation_id", "timestamp", str), "txn-on-status": ("correlation_id", "txnstatus_response", dict),
    "notify": ("transaction_id", "notify_event", list), "updates": ("transaction_id", "enrolled_updates", dict),
}  # fmt: skip


def _check_inbound(message: dict[str, Any], action: str) -> None:
    first, second, kind = _NEEDED[action]
    envelopes.text(message, "transaction_id")
    envelopes.text(message, first)
    if not isinstance(message.get(second), kind):
        raise MessageBad(f"'{second}' is missing.")
    for item in message[second] if isinstance(message[second], list) else ():
        if not isinstance(item, dict):
            raise MessageBad(f"'{second}' holds what is no object.")
        envelopes.text(item, "reference_id")
        envelopes.moment(item, "timestamp")
        envelopes.locale(item)
