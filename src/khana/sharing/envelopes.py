"""The envelope of the DCI standard v1.0.0: what a message must hold, and the answers' frames.

Source: SPDCI Social Registry and IBR API v1.0.0. Misspelled names that earlier copies of the standard printed are
read as what they mean; ours are written as corrected.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from khana_methods.errors import InputError

LONGEST = 99
MOST_ITEMS = 1000
MOST_DEPTH = 24
MOST_BYTES = 2 * 1024 * 1024
LARGEST_PAGE = 1000
CLOCK = timedelta(minutes=5)
REASON = 999
_LOCALE = re.compile(r"[a-z]{3}")
_TYPOS = {
    "sunscription_codes": "subscription_codes", "timesstamp": "timestamp", "timesatmp": "timestamp",
    "subscibe": "subscribe", "txn_status_request": "txnstatus_request",
}  # fmt: skip
ITEMS = {"search": "search_request", "subscribe": "subscribe_request"}
REPLY = {
    "search": "on-search", "subscribe": "on-subscribe", "unsubscribe": "on-unsubscribe", "txn-status": "txn-on-status",
}  # fmt: skip


class MessageBad(InputError):
    """The message is not as the standard has it."""

    code: ClassVar[str] = "err.request.bad"


class HeaderRejected(InputError):
    """A header that can be read says what is not taken; `reason` is the standard's code."""

    code: ClassVar[str] = "rjct.header"

    def __init__(self, reason: str, message: str) -> None:
        """Keep the standard's code beside the sentence."""
        super().__init__(message, reason=reason)
        self.reason = reason


def depth_of(value: Any, limit: int = MOST_DEPTH) -> None:
    """Raise where a value is nested too deep; walks without recursion.

    Raises:
        MessageBad: It is.
    """
    layer, depth = [value], 0
    while layer:
        depth += 1
        if depth > limit:
            raise MessageBad("The message is nested too deep.")
        layer = [
            inner
            for one in layer
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, dict | list)
        ]


def mended(value: Any) -> Any:
    """Return a message with the misspelled names of early copies of the standard put right."""
    if isinstance(value, dict):
        return {_TYPOS.get(name, name): mended(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [mended(inner) for inner in value]
    return value


def text(holder: Mapping[str, Any], name: str, *, needed: bool = True, longest: int = LONGEST) -> str:
    """Return a text of a message.

    Raises:
        MessageBad: It is absent, no text, empty or too long.
    """
    value = holder.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value.strip()) or len(value) > longest or "\x00" in value:
        raise MessageBad(f"'{name}' is missing, empty, no text, or longer than {longest} signs.")
    return value


def moment(holder: Mapping[str, Any], name: str, *, needed: bool = True) -> datetime | None:
    """Return a time with its zone (RFC 3339).

    Raises:
        MessageBad: It is absent, no time, or has no zone.
    """
    value = holder.get(name)
    if value is None and not needed:
        return None
    try:
        found = datetime.fromisoformat(str(value)) if isinstance(value, str) and "T" in value.upper() else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise MessageBad(f"'{name}' is no time with a zone, such as 2026-01-01T10:00:00+05:00.")
    return found


def locale(holder: Mapping[str, Any]) -> str:
    """Return the language of an item, `eng` if absent.

    Raises:
        MessageBad: It is no code of ISO 639-3.
    """
    value = holder.get("locale", "eng")
    if not isinstance(value, str) or not _LOCALE.fullmatch(value):
        raise MessageBad("'locale' is a code of ISO 639-3 in small letters, such as eng, urd, ben.")
    return value


def page(*holders: Any) -> tuple[int, int]:
    """Return page size and number from wherever the message says them.

    Raises:
        MessageBad: They are no whole numbers from 1, or the page is too large.
    """
    size: Any = 10
    number: Any = 1
    for holder in holders:
        if holder is None:
            continue
        if not isinstance(holder, dict):
            raise MessageBad("'pagination' is no object.")
        size, number = holder.get("page_size"), holder.get("page_number", 1)
        for name, value, most in (("page_size", size, LARGEST_PAGE), ("page_number", number, 1_000_000)):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or value != int(value)
                or not 1 <= value <= most
            ):
                raise MessageBad(f"'{name}' is a whole number from 1 to {most}.")
    return int(size), int(number)


def split(body: Any, *, action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and message of a body after a look at both, or say what is wrong.

    Raises:
        MessageBad: A part is missing or malformed.
    """
    if not isinstance(body, dict):
        raise MessageBad("The body is no JSON object with header and message.")
    header, message = body.get("header"), body.get("message")
    if not isinstance(header, dict) or not isinstance(message, dict):
        raise MessageBad("The body needs a header and a message.")
    for name in ("message_id", "sender_id", "action"):
        text(header, name)
    for name, longest in (("sender_uri", 500), ("receiver_id", LONGEST), ("version", 20)):
        text(header, name, needed=False, longest=longest)
    moment(header, "message_ts")
    if header["action"] != action:
        raise HeaderRejected("rjct.action.not_supported", f"This address takes messages with the action '{action}'.")
    count = header.get("total_count")
    if isinstance(count, bool) or not isinstance(count, int):
        raise MessageBad("'total_count' is no whole number.")
    return header, message


def check_header(header: Mapping[str, Any], *, items: int | None, at: datetime) -> None:
    """Hold version, clock and count of a header.

    Raises:
        HeaderRejected: With the standard's code.
    """
    if header.get("version", "1.0.0") not in ("1.0.0", "", None):
        raise HeaderRejected("rjct.version.invalid", "Only version 1.0.0 is spoken here.")
    sent = moment(header, "message_ts")
    if sent is None or abs(at - sent) > CLOCK:
        raise HeaderRejected(
            "rjct.message_ts.invalid", "The message is more than five minutes old, or from the future."
        )
    if items is not None and header["total_count"] != items:
        raise HeaderRejected("rjct.total_count.invalid", "'total_count' is not the number of items sent.")
    if items is not None and items > MOST_ITEMS:
        raise HeaderRejected("rjct.total_count.limit_exceeded", f"One message has at most {MOST_ITEMS} items.")


def items_of(message: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the items of a message after a look at the frame of each.

    Raises:
        MessageBad: One is malformed.
    """
    text(message, "transaction_id")
    found = message.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise MessageBad(f"'{name}' is a list of at least one object.")
    for one in found:
        text(one, "reference_id")
        moment(one, "timestamp")
        locale(one)
        if name == "search_request":
            page(one.get("pagination"))
    return found


def reply_header(
    action: str, *, own_id: str, partner_id: str, status: str, total: int, completed: int, reason: str = "", why: str = "",
    at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Return the header of an answer."""
    made: dict[str, Any] = {
        "version": "1.0.0", "message_id": str(uuid.uuid4()), "message_ts": at.isoformat(), "action": action,
        "status": status, "total_count": total, "completed_count": completed, "sender_id": own_id,
        "receiver_id": partner_id, "is_msg_encrypted": False,
    }  # fmt: skip
    if reason:
        made |= {"status_reason_code": reason, "status_reason_message": why[:REASON]}
    return made


def ack(correlation_id: str, *, at: datetime, code: str = "", why: str = "") -> dict[str, Any]:
    """Return an acknowledgement: ACK, or ERR with the standard's code."""
    message: dict[str, Any] = {"ack_status": "ERR" if code else "ACK", "timestamp": at.isoformat(),
                               "correlation_id": correlation_id}  # fmt: skip
    if code:
        message["error"] = {"code": code, "message": why[:REASON]}
    return {"message": message}


def http_error(correlation_id: str, *, at: datetime, code: str, why: str) -> dict[str, Any]:
    """Return the body of a refusal by HTTP status: the standard's `errors` and an acknowledgement ERR."""
    return {"errors": [{"code": code, "message": why[:REASON]}], **ack(correlation_id, at=at, code=code, why=why)}


def rejected(item: Mapping[str, Any], code: str, why: str, *, at: datetime) -> dict[str, Any]:
    """Return the answer to one item that is refused."""
    return {
        "reference_id": str(item.get("reference_id", ""))[:LONGEST], "timestamp": at.isoformat(), "status": "rjct",
        "status_reason_code": code, "status_reason_message": why[:REASON], "locale": locale(item),
    }  # fmt: skip


def overall(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the status of a whole answer: `rjct` only where every item is."""
    return "rjct" if items and all(one["status"] == "rjct" for one in items) else "succ"
