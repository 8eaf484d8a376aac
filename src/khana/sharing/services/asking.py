"""Ask another office's registry as a client of the standard: sign, send, verify what comes back.

An answer is believed when its signature holds for a key of that registry, its sender is that registry and it joins
the transaction. Credentials come from a file of the folder `secrets`; a token of theirs is kept until it ends.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.platform import clock, outgoing, places
from khana.platform.outgoing import Pace
from khana.sharing import envelopes, own_keys, sealed_mail, signatures
from khana.sharing.models import OtherRegistry, Partner
from khana.sharing.services.partners import check_jwks
from khana_methods.errors import InputError, NotConfigured, NotFound, NotPermitted, Unavailable

_TOKENS: dict[str, tuple[str, float]] = {}
_LOCK = threading.Lock()


class RegistryUnknown(NotFound):
    """No registry of that code is connected, or it is closed."""

    code: ClassVar[str] = "sharing.registry.unknown"


class RegistryWrong(InputError):
    """What is said of a registry cannot be used."""

    code: ClassVar[str] = "sharing.registry.wrong"


class AnswerNotBelieved(NotPermitted):
    """An answer bears no signature that holds, or is of another sender."""

    code: ClassVar[str] = "sharing.registry.not_believed"


class RegistryRefused(Unavailable):
    """The registry answered, but not with what was asked for."""

    code: ClassVar[str] = "sharing.registry.refused"


class SecretMissing(NotConfigured):
    """The client secret of a registry is in no file."""

    code: ClassVar[str] = "sharing.registry.secret_missing"


@transaction.atomic
def connect(
    *, code: str, address: str, sender_id: str, profile: str, jwks: Mapping[str, Any], title: str = "",
    signature_optional: bool = False, token_address: str = "", client_id: str = "", client_secret: str = "",
    partner_code: str = "", at: datetime,
) -> str:  # fmt: skip
    """Connect another registry, or change how it is asked; needs `partners.manage` for the whole country.

    Raises:
        RegistryWrong: A code or profile is not as it may be, or keys are missing.
        AddressBad, PartnerWrong: The address or the keys cannot be used.
    """
    access.require("partners.manage", everywhere=True)
    if not code.replace("-", "").isalnum() or not code.isascii() or len(code) > 40:
        raise RegistryWrong("A code has letters, digits and hyphens, at most 40.")
    if profile not in Partner.Profile.values:
        raise RegistryWrong(f"There is no profile '{profile}'. Profiles are: {', '.join(Partner.Profile.values)}.")
    for url in (address, token_address):
        if url:
            outgoing.check_address(url)
    public = check_jwks(jwks, profile)
    if not public["keys"] and not signature_optional:
        raise RegistryWrong("A registry that must sign needs its public keys (--jwks).")
    values = {
        "title": title or code, "base_url": address.rstrip("/"), "sender_id": sender_id, "profile": profile, "jwks": public,
        "signature_optional": signature_optional, "token_url": token_address, "client_id": client_id,
        "partner_code": partner_code, "closed_at": None,
    }  # fmt: skip
    if not OtherRegistry.objects.filter(code=code).update(**values):
        OtherRegistry.objects.create(code=code, created_at=at, **values)
    if client_secret:
        path = _secret_path(code)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(client_secret)
    _TOKENS.pop(code, None)
    audit.record(action="sharing.registry_connected", subject=f"registry:{code}", details={"profile": profile}, at=at)
    return code


def get(code: str) -> OtherRegistry:
    """Return an open registry within the scope.

    Raises:
        RegistryUnknown: There is none.
    """
    found = OtherRegistry.objects.filter(code=code, closed_at__isnull=True).first()
    if found is None:
        raise RegistryUnknown(f"No registry '{code}' is connected. `khana registries list` shows them.", registry=code)
    return found


def list_registries() -> list[dict[str, Any]]:
    """Return connected registries by code."""
    return [
        {
            "registry": one.code, "title": one.title, "address": one.base_url, "sender_id": one.sender_id,
            "profile": one.profile, "partner": one.partner_code, "state": "closed" if one.closed_at else "open",
        }
        for one in OtherRegistry.objects.order_by("code")
    ]  # fmt: skip


def searcher(
    token: str, code: str, pace: Pace, tries: int, seconds: float
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return a function that sends a search to a registry and returns the verified message of its answer.

    Args:
        token: Of who asks: the registry is looked up in her scope, once.
        code: Of the registry.
        pace: Held between messages.
        tries: Of one message; see `platform.outgoing`.
        seconds: For one try.
    """
    with access.scoped(token):
        held = get(code)

    def search(message: Mapping[str, Any]) -> Mapping[str, Any]:
        body = exchange(
            held, "sync/search", "search", message, total=len(message["search_request"]), pace=pace, tries=tries,
            seconds=seconds,
        )  # fmt: skip
        if body["header"].get("action") != "on-search":
            raise RegistryRefused("The registry answered with another action.")
        found: Mapping[str, Any] = body["message"]
        return found

    return search


def exchange(
    held: OtherRegistry, path: str, action: str, message: Mapping[str, Any], *, total: int, sender_uri: str = "",
    pace: Pace, tries: int = 4, seconds: float = outgoing.SECONDS,
) -> dict[str, Any]:  # fmt: skip
    """Send one message to a registry and return the verified body of its answer.

    Raises:
        AnswerNotBelieved: The signature does not hold, or the sender is another.
        RegistryRefused: It was refused, or the answer cannot be read.
        NoAnswer, Busy: See `platform.outgoing`.
    """
    header: dict[str, Any] = {
        "version": "1.0.0", "message_id": str(uuid.uuid4()), "message_ts": clock.now().isoformat(), "action": action,
        "sender_id": own_keys.own_id(), "receiver_id": held.sender_id, "total_count": total, "is_msg_encrypted": False,
    }  # fmt: skip
    if sender_uri:
        header["sender_uri"] = sender_uri
    key, kid = own_keys.signing_key(held.profile)
    signed, detached = signatures.sign(
        {"header": header, "message": dict(message)},
        profile=held.profile,
        key=key,
        kid=kid,
        sender_id=own_keys.own_id(),
    )
    headers = {"Content-Type": "application/json", **({"Signature": detached} if detached else {})}
    raw = json.dumps(signed, ensure_ascii=False).encode()
    answer = outgoing.Answer(0, {}, b"")
    for is_second in (False, True):
        bearer = _bearer(held, renew=is_second, pace=pace, seconds=seconds)
        given = {**headers, "Authorization": f"Bearer {bearer}"} if bearer else headers
        answer = outgoing.post_patiently(
            f"{held.base_url}/{path}", raw, headers=given, pace=pace, tries=tries, seconds=seconds
        )
        if answer.status != 401 or not bearer:
            break
    return read(held, answer)


def read(held: OtherRegistry, answer: outgoing.Answer) -> dict[str, Any]:
    """Return the body of an answer after its status, signature and sender were held; an acknowledgement has no header."""
    if not 200 <= answer.status < 300:
        raise RegistryRefused(f"The registry answered {answer.status}.", status=answer.status)
    try:
        body = json.loads(answer.body)
        envelopes.depth_of(body)
    except (ValueError, RecursionError, InputError) as error:
        raise RegistryRefused("The answer of the registry cannot be read.") from error
    if not isinstance(body, dict) or not isinstance(body.get("message"), dict):
        raise RegistryRefused("The answer of the registry cannot be read.")
    if "ack_status" in body["message"] and "header" not in body:
        if body["message"]["ack_status"] != "ACK":
            error_code = body["message"].get("error", {})
            code = error_code.get("code", "") if isinstance(error_code, dict) else ""
            raise RegistryRefused("The registry did not take the message.", reason=str(code)[:99])
        return body
    if not isinstance(body.get("header"), dict) or body["header"].get("sender_id") != held.sender_id:
        raise AnswerNotBelieved("The answer is of another sender.")
    try:
        signatures.verify(
            body, profile=held.profile, jwks=held.jwks, detached=answer.headers.get("signature", ""),
            is_optional=held.signature_optional,
        )  # fmt: skip
        if body["header"].get("is_msg_encrypted") is True or "ciphertext" in body["message"]:
            body["message"] = sealed_mail.open_message(body["message"])
    except (signatures.SignatureMissing, signatures.SignatureInvalid, sealed_mail.MailUnreadable) as error:
        raise AnswerNotBelieved("The signature of the answer does not hold.") from error
    except sealed_mail.MailMalformed as error:
        raise RegistryRefused("The answer of the registry cannot be read.") from error
    body["message"] = envelopes.mended(body["message"])
    return body


def _secret_path(code: str) -> Any:
    return places.folder("secrets") / f"registry-{code}"


def _bearer(held: OtherRegistry, *, renew: bool, pace: Pace, seconds: float) -> str:
    if not held.token_url:
        return ""
    with _LOCK:
        token, ends = _TOKENS.get(held.code, ("", 0.0))
    if token and not renew and time.monotonic() < ends:
        return token
    path = _secret_path(held.code)
    if not path.exists():
        raise SecretMissing("The client secret of this registry is missing: `khana registries add` takes it.")
    form = urlencode({
        "grant_type": "client_credentials", "client_id": held.client_id, "client_secret": path.read_text().strip(),
    })  # fmt: skip
    answer = outgoing.post_patiently(
        held.token_url, form.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"}, pace=pace,
        tries=2, seconds=seconds,
    )  # fmt: skip
    try:
        given = json.loads(answer.body)
        token, lasts = str(given["access_token"]), float(given.get("expires_in", 300))
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryRefused("The registry gave no token.", status=answer.status) from error
    with _LOCK:
        _TOKENS[held.code] = (token, time.monotonic() + max(0.0, lasts - 30))
    return token
