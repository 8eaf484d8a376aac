"""Three ways in which systems sign DCI messages; one a partner, recognised and held to it.

`cavage`: a draft-cavage string in the body, Ed25519 over a digest of header and message written by Python's JSON
with sorted keys and non-ASCII escaped. `jws-compact`: a compact JWS in the body that includes header and message.
`jws-detached`: a detached JWS in the HTTP header `Signature` over the whole body with sorted keys in UTF-8. The
key decides the algorithm, never the message: `none` and secret-key algorithms do not exist here.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from khana_methods.errors import NotPermitted

# the name `EdDSA` is what every partner's library writes; RFC 9864 renames it, and joserfc says so at each use
warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)

Key = RSAKey | ECKey | OKPKey
LIFE_SECONDS = 300
SKEW_SECONDS = 60
ABSENT = ("", "unsigned", "unsigned-stub")  # what public suites send for none
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class _LongMessages(JWSRegistry):
    """A message of a thousand items is longer than the library reads by default; `envelopes.MOST_BYTES` bounds it before."""

    max_payload_length = 4 * 1024 * 1024


class SignatureMissing(NotPermitted):
    """The message bears no signature and the partner must sign."""

    code: ClassVar[str] = "err.signature.missing"


class SignatureInvalid(NotPermitted):
    """The signature does not hold for a key of the partner."""

    code: ClassVar[str] = "err.signature.invalid"


def key_of(jwk: Mapping[str, Any]) -> Key:
    """Read one asymmetric key; anything else (a shared secret, a curve that cannot sign) is refused.

    Raises:
        SignatureInvalid: It is none.
    """
    kind = jwk.get("kty")
    try:
        if kind == "RSA":
            return RSAKey.import_key(dict(jwk))
        if kind == "EC":
            return ECKey.import_key(dict(jwk))
        if kind == "OKP":
            return OKPKey.import_key(dict(jwk))
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SignatureInvalid("A key of the set is damaged.") from error
    raise SignatureInvalid("A key of the set is neither RSA nor EC nor OKP.")


def algorithm_of(key: Key) -> str:
    """Return the one algorithm that a key signs with."""
    if isinstance(key, RSAKey):
        return "RS256"
    if isinstance(key, ECKey):
        return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}.get(str(key.curve_name), "ES256")
    return "EdDSA"


def escaped(body: Mapping[str, Any]) -> bytes:
    r"""Write JSON as the cavage profile signs it: sorted keys, no blanks, non-ASCII as \\uXXXX."""
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def plain(body: Mapping[str, Any]) -> bytes:
    """Write JSON as the detached profile signs it: sorted keys, no blanks, UTF-8."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _parts(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"header": body.get("header"), "message": body.get("message")}


def verify(
    body: Mapping[str, Any], *, profile: str, jwks: Mapping[str, Any], detached: str = "", is_optional: bool = False
) -> None:
    """Hold a message's signature against the partner's keys, in the partner's profile.

    Args:
        body: The whole message.
        profile: The partner's.
        jwks: Its public keys.
        detached: The HTTP header `Signature`.
        is_optional: The partner may leave it out; what is there is held all the same.

    Raises:
        SignatureMissing: There is none.
        SignatureInvalid: It does not hold, is too old, or is of another profile.
    """
    given = detached if profile == "jws-detached" else body.get("signature")
    if not isinstance(given, str) or given.strip() in ABSENT:
        if is_optional:
            return
        raise SignatureMissing("The message is not signed.")
    keys = [key for key in jwks.get("keys", []) if key.get("use", "sig") == "sig"]
    if profile == "cavage":
        _verify_cavage(given, body, keys)
    elif profile == "jws-compact":
        _verify_compact(given, body, keys)
    else:
        _verify_detached(given, body, keys)


def _verify_cavage(given: str, body: Mapping[str, Any], keys: list[dict[str, Any]]) -> None:
    said = dict(_PARAMETER.findall(given.removeprefix("Signature:").strip()))
    try:
        created, expires = int(said["created"]), int(said["expires"])
        signature = base64.b64decode(said["signature"], validate=True)
        _sender, kid, algorithm = said["keyId" if "keyId" in said else "kidId"].split("|")
    except (KeyError, ValueError) as error:
        raise SignatureInvalid("The signature is no string of the cavage profile.") from error
    now = time.time()
    if created > now + SKEW_SECONDS or expires < now - SKEW_SECONDS or not 0 < expires - created <= LIFE_SECONDS:
        raise SignatureInvalid("The signature is out of its time.")
    if algorithm.lower() not in ("ed25519", "eddsa") or said.get("headers", "(created) (expires) digest") != (
        "(created) (expires) digest"
    ):
        raise SignatureInvalid("The cavage profile signs '(created) (expires) digest' with Ed25519.")
    text = _cavage_text(body, created, expires)
    for jwk in keys:
        if jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519" and jwk.get("kid", kid) == kid:
            public = key_of(jwk).public_key
            if isinstance(public, Ed25519PublicKey) and _holds(public, signature, text):
                return
    raise SignatureInvalid("The signature holds for no key of the sender.")


def _holds(public: Ed25519PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        public.verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _cavage_text(body: Mapping[str, Any], created: int, expires: int) -> bytes:
    digest = base64.b64encode(hashlib.sha256(escaped(_parts(body))).digest()).decode()
    return f"(created): {created}\n(expires): {expires}\ndigest: {digest}".encode()


def _candidates(given: str, keys: list[dict[str, Any]]) -> list[Key]:
    try:
        head = json.loads(base64.urlsafe_b64decode(given.split(".")[0] + "=="))
    except (ValueError, TypeError) as error:
        raise SignatureInvalid("The signature is no JWS.") from error
    if not isinstance(head, dict) or "crit" in head:
        raise SignatureInvalid("The signature is no JWS that is read here.")
    found = []
    for jwk in keys:
        if jwk.get("kty") == "OKP" and jwk.get("crv") != "Ed25519":
            continue
        key = key_of(jwk)
        if head.get("alg") == algorithm_of(key) and head.get("kid") in (None, jwk.get("kid"), key.thumbprint()):
            found.append(key)
    if not found:
        raise SignatureInvalid("The algorithm and key that the signature names fit no key of the sender.")
    return found


def _verify_compact(given: str, body: Mapping[str, Any], keys: list[dict[str, Any]]) -> None:
    for key in _candidates(given, keys):
        try:
            signed = jws.deserialize_compact(given, key, registry=_LongMessages(algorithms=[algorithm_of(key)]))
            payload = json.loads(signed.payload)
        except (JoseError, ValueError):
            continue
        if payload == _parts(body):
            return
        raise SignatureInvalid("What was signed is not what was sent.")
    raise SignatureInvalid("The signature holds for no key of the sender.")


def _verify_detached(given: str, body: Mapping[str, Any], keys: list[dict[str, Any]]) -> None:
    head, middle, tail = ([*given.split("."), "", ""])[:3]
    if middle or not tail:
        raise SignatureInvalid("The header Signature is no detached JWS.")
    content = base64.urlsafe_b64encode(plain(body)).rstrip(b"=").decode()
    for key in _candidates(given, keys):
        try:
            jws.deserialize_compact(
                f"{head}.{content}.{tail}", key, registry=_LongMessages(algorithms=[algorithm_of(key)])
            )
        except (JoseError, ValueError):
            continue
        return
    raise SignatureInvalid("The signature holds for no key of the sender.")


def sign(body: Mapping[str, Any], *, profile: str, key: Key, kid: str, sender_id: str) -> tuple[dict[str, Any], str]:
    """Sign a message in a profile.

    Returns:
        The body as it is to be sent and the HTTP header `Signature`, empty where the body bears it.
    """
    whole = dict(_parts(body))
    if profile == "cavage":
        private = key.private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise SignatureInvalid("The cavage profile signs with Ed25519.")
        created = int(time.time())
        made = base64.b64encode(private.sign(_cavage_text(whole, created, created + LIFE_SECONDS))).decode()
        text = (
            f'namespace="dci", kidId="{sender_id}|{kid}|ed25519", algorithm="ed25519", created="{created}", '
            f'expires="{created + LIFE_SECONDS}", headers="(created) (expires) digest", signature="{made}"'
        )
        return {"signature": text, **whole}, ""
    head = {"alg": algorithm_of(key), "kid": kid}
    if profile == "jws-compact":
        made = jws.serialize_compact(head, plain(whole), key, algorithms=[algorithm_of(key)])
        return {"signature": made, **whole}, ""
    compact = jws.serialize_compact(head, plain(whole), key, algorithms=[algorithm_of(key)])
    start, _, end = compact.split(".")
    return whole, f"{start}..{end}"
