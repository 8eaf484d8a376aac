"""Write answers as messages, sign and encrypt them for their partner, and send call-backs.

A call-back is tried three times; what was not taken stays with its answer and can be sent again
(`khana partners replay`). The answer is made in one transaction, sent outside any.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import keys
from khana.platform.progress import Progress, silent
from khana.sharing import envelopes, own_keys, sealed_mail, signatures
from khana.sharing.gateways import callbacks
from khana.sharing.models import Message, Partner
from khana.sharing.services import answering, calls
from khana_methods.errors import KhanaError

TRIES = 3
PAUSES = (1.0, 3.0)


def written(
    call: calls.Call, action: str, message: Mapping[str, Any], status: str, reason: str = "", why: str = ""
) -> dict[str, Any]:
    """Return the unsigned answer to a call."""
    items = (
        message.get("search_response") or message.get("subscribe_response") or message.get("enrolled_response") or [1]
    )
    header = envelopes.reply_header(
        envelopes.REPLY[action], own_id=own_keys.own_id(), partner_id=call.partner.sender_id, status=status,
        total=len(items), completed=len(items), reason=reason, why=why, at=call.at,
    )  # fmt: skip
    return {"header": header, "message": dict(message)}


def for_partner(partner: Partner, body: Mapping[str, Any], *, encrypt: bool) -> tuple[dict[str, Any], str]:
    """Sign an answer in the partner's profile, encrypted first where it asked so.

    Returns:
        The body and the HTTP header `Signature`, empty where the body bears it.
    """
    header, message = dict(body["header"]), body["message"]
    if encrypt:
        header["is_msg_encrypted"] = True
        message = sealed_mail.seal_message(message, partner.jwks)
    key, kid = own_keys.signing_key(partner.profile)
    return signatures.sign(
        {"header": header, "message": message}, profile=partner.profile, key=key, kid=kid, sender_id=own_keys.own_id()
    )


def answer_kept(*, token: str, message: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Answer a message that was acknowledged, and call its sender back.

    Args:
        token: Of the partner's user: the work is done in the partner's own scope.
        message: Number of the kept message.
        progress: Told once.
        at: When.

    Returns:
        `state` and `attempts`.
    """
    with access.scoped(token):
        call = calls.kept_call(message, at=at)
        made, status, reason = answering.answer(call, action=call.kept.action)
        body = written(call, call.kept.action, made, status, reason)
        calls.finish(call, body, state="RECEIVED")
        uri = str(call.header.get("sender_uri", ""))
        encrypt = bool(call.header.get("is_msg_encrypted"))
        partner = call.partner
    progress(1, 2, "call back")
    state, attempts = "ANSWERED", 0
    if uri:
        state, attempts = _send(partner, uri, body, encrypt=encrypt)
    with access.scoped(token):
        Message.objects.filter(uuid=message).update(state=state, attempts=attempts)
        audit.record(action="sharing.called_back", subject=f"partner:{partner.code}",
                     details={"message": message, "state": state, "attempts": attempts}, at=at)  # fmt: skip
    return {"state": state, "attempts": attempts}


def send_again(*, token: str, message: str, at: datetime) -> str:
    """Call back once more with the answer that was kept of a message, in the partner's own scope; return its state.

    The answer is the one that was made then; its moment is now. One without an address, or whose request is gone, stays
    FAILED.
    """
    with access.scoped(token):
        call = calls.kept_call(message, at=at)
        body = kept_answer(message)
        uri, encrypt = str(call.header.get("sender_uri", "")), bool(call.header.get("is_msg_encrypted"))
    body["header"]["message_ts"] = at.isoformat()
    state, attempts = _send(call.partner, uri, body, encrypt=encrypt, tries=1) if uri else ("FAILED", 0)
    with access.scoped(token):
        Message.objects.filter(uuid=message).update(state=state, attempts=call.kept.attempts + attempts)
        audit.record(action="sharing.called_back", subject=f"partner:{call.partner.code}",
                     details={"message": message, "state": state, "again": True}, at=at)  # fmt: skip
    return state


def _send(partner: Partner, uri: str, body: Mapping[str, Any], *, encrypt: bool, tries: int = TRIES) -> tuple[str, int]:
    for attempt in range(1, tries + 1):
        signed, header = for_partner(partner, body, encrypt=encrypt)
        try:
            callbacks.send(uri, signed, hosts=partner.callback_hosts, signature=header)
            return "ANSWERED", attempt
        except callbacks.PartnerDidNotAnswer:
            if attempt < tries:
                time.sleep(PAUSES[attempt - 1])
        except KhanaError:
            return "FAILED", attempt
    return "FAILED", tries


def kept_answer(message_uuid: str) -> dict[str, Any]:
    """Return the answer that was kept of a message within the scope, unsigned."""
    row = Message.objects.get(uuid=message_uuid)
    found: dict[str, Any] = json.loads(keys.decrypt(bytes(row.answer_ciphertext or b"")))
    return found
