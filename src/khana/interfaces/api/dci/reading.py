"""Read one request of a partner's system: size, depth, token, rate, signature, encryption, envelope.

What is refused here is answered in the standard's own words: HTTP 401 and 403 with `errors`, else an
acknowledgement `ERR` with the code.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse

from khana.interfaces.api.v1.bearer import Limit, TooMany
from khana.sharing import envelopes, sealed_mail, signatures
from khana.sharing.envelopes import MessageBad
from khana.sharing.services.calls import Party
from khana_methods.errors import KhanaError

STATUS = {
    "err.request.unauthorized": 401, "err.request.forbidden": 403, "err.request.bad": 400, "err.request.not_found": 404,
    "err.request.too_many_requests": 429, "err.service.unavailable": 503,
}  # fmt: skip
_LIMITS: dict[int, Limit] = {}


class Refused(Exception):
    """A request that ends here, with the standard's code."""

    def __init__(self, code: str, why: str) -> None:
        """Keep the code and the sentence."""
        super().__init__(why)
        self.code, self.why = code, why


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be answered."""

    header: dict[str, Any]
    message: dict[str, Any]
    is_encrypted: bool


def answer(status: int, body: Mapping[str, Any], *, signature: str = "") -> HttpResponse:
    """Return one JSON body; nothing of people is kept by a cache."""
    text = json.dumps(body, ensure_ascii=False).encode()
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if signature:
        headers["Signature"] = signature
    response = HttpResponse(text, status=status, content_type="application/json", headers=headers)
    response._has_been_logged = True  # type: ignore[attr-defined]  # an answer, not an accident
    return response


def refusal(code: str, why: str, *, at: datetime, correlation_id: str = "") -> HttpResponse:
    """Return a refusal: by HTTP status where the standard has one, else as an acknowledgement ERR."""
    status = STATUS.get(code, 200)
    body = envelopes.http_error(correlation_id or str(uuid.uuid4()), at=at, code=code, why=why)
    if status == 200:
        body.pop("errors")
    response = answer(status, body)
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


def bearer(request: HttpRequest) -> str:
    """Return the token of a request.

    Raises:
        Refused: There is none.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > 200:
        raise Refused("err.request.unauthorized", "Send a bearer token; POST /oauth2/client/token gives one.")
    return token


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        Refused: It is too large, of another type, no JSON, nested too deep, or names a member twice.
    """
    if request.content_type != "application/json":
        raise Refused("err.request.bad", "Send application/json.")
    if int(request.headers.get("Content-Length") or 0) > envelopes.MOST_BYTES:
        raise Refused("err.request.bad", "The message is too large.")
    raw = request.read(envelopes.MOST_BYTES + 1)
    if len(raw) > envelopes.MOST_BYTES:
        raise Refused("err.request.bad", "The message is too large.")
    try:
        body = json.loads(raw, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
        envelopes.depth_of(body)
    except (ValueError, RecursionError, UnicodeDecodeError) as error:
        raise Refused("err.request.bad", "The body is no JSON that can be read.") from error
    except MessageBad as error:
        raise Refused("err.request.bad", error.message) from error
    if not isinstance(body, dict):
        raise Refused("err.request.bad", "The body is no JSON object.")
    return body


def slow_down(partner: Party) -> None:
    """Count a request of a partner against its rate.

    Raises:
        Refused: It is too fast.
    """
    limit = _LIMITS.get(partner.pk)
    if limit is None or limit._per_second != float(partner.per_second):
        limit = _LIMITS[partner.pk] = Limit(burst=partner.per_second * 2, per_second=float(partner.per_second))
    try:
        limit.take(hashlib.sha256(str(partner.pk).encode()).digest()[:16])
    except TooMany as error:
        raise Refused("err.request.too_many_requests", error.message) from error


def read(request: HttpRequest, body: dict[str, Any], partner: Party) -> Request:
    """Hold sender and signature of a body and open it where it is encrypted.

    Raises:
        Refused: With the standard's code.
    """
    header = body.get("header")
    if not isinstance(header, dict) or not isinstance(body.get("message"), dict):
        raise Refused("err.request.bad", "The body needs a header and a message.")
    if header.get("sender_id") != partner.sender_id:
        raise Refused("err.sender_id.invalid", "The sender_id is not the one of your token.")
    try:
        signatures.verify(
            body, profile=partner.profile, jwks=partner.jwks, detached=request.headers.get("Signature", ""),
            is_optional=partner.signature_optional,
        )  # fmt: skip
        message, encrypted = body["message"], "ciphertext" in body["message"] or header.get("is_msg_encrypted") is True
        if encrypted:
            message = sealed_mail.open_message(message)
            envelopes.depth_of(message)
    except (signatures.SignatureMissing, signatures.SignatureInvalid) as error:
        raise Refused(error.code, error.message) from error
    except (sealed_mail.MailUnreadable, sealed_mail.MailMalformed, MessageBad) as error:
        raise Refused("err.encryption.invalid", error.message) from error
    return Request(header, envelopes.mended(message), encrypted)


def code_of(error: KhanaError) -> str:
    """Return the standard's code of one of our errors."""
    return error.code if error.code.startswith("err.") else "err.request.bad"
