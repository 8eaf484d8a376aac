"""Encrypt to a partner's key and open what partners encrypted to ours: JWE by RSA-OAEP-256 or ECDH-ES, A256GCM.

The algorithms are a short list of our own; what a message names beside them is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from khana.sharing import own_keys
from khana_methods.errors import InputError, NotConfigured, NotPermitted

ALGORITHMS = ["RSA-OAEP-256", "ECDH-ES+A256KW", "A256GCM", "A128GCM"]
_INCOMING = ["RSA-OAEP-256", "A256GCM", "A128GCM"]


class _LongMail(jwe.JWERegistry):
    """A message of a thousand items is longer than the library opens by default; `envelopes.MOST_BYTES` bounds it before."""

    max_ciphertext_length = 4 * 1024 * 1024


class NoEncryptionKey(NotConfigured):
    """The partner's key set holds no key to encrypt to (`use: enc`)."""

    code: ClassVar[str] = "sharing.partner.no_encryption_key"


class MailUnreadable(NotPermitted):
    """An encrypted message cannot be opened with our key."""

    code: ClassVar[str] = "err.encryption.invalid"


class MailMalformed(InputError):
    """An encrypted message does not have the five parts of a flattened JWE."""

    code: ClassVar[str] = "sharing.mail.malformed"


def encryption_key(jwks: Mapping[str, Any]) -> tuple[RSAKey | ECKey | OKPKey, str, str]:
    """Return a partner's key to encrypt to, the algorithm that it stands for, and its kid.

    Raises:
        NoEncryptionKey: There is none.
    """
    for jwk in jwks.get("keys", []):
        if jwk.get("use") != "enc":
            continue
        if jwk.get("kty") == "RSA":
            key = RSAKey.import_key(dict(jwk))
            return key, "RSA-OAEP-256", str(jwk.get("kid") or key.thumbprint())
        if jwk.get("kty") == "EC":
            curve = ECKey.import_key(dict(jwk))
            return curve, "ECDH-ES+A256KW", str(jwk.get("kid") or curve.thumbprint())
        if jwk.get("kty") == "OKP" and jwk.get("crv") in ("X25519", "X448"):
            okp = OKPKey.import_key(dict(jwk))
            return okp, "ECDH-ES+A256KW", str(jwk.get("kid") or okp.thumbprint())
    raise NoEncryptionKey(
        "The partner's keys hold none to encrypt to: send a key with use 'enc' and renew the partner."
    )


def seal(content: bytes, jwks: Mapping[str, Any], *, about: Mapping[str, Any] | None = None) -> str:
    """Encrypt some bytes to a partner as one compact JWE; `about` stands in its protected header."""
    key, algorithm, kid = encryption_key(jwks)
    head = {"alg": algorithm, "enc": "A256GCM", "kid": kid, **(about or {})}
    return jwe.encrypt_compact(head, content, key, algorithms=ALGORITHMS)


def seal_message(message: Mapping[str, Any], jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Encrypt a message as the DCI envelope writes it: header {alg, enc, kid}, ciphertext, encrypted_key, tag, iv."""
    head, encrypted_key, iv, ciphertext, tag = seal(json.dumps(message, ensure_ascii=False).encode(), jwks).split(".")
    said = json.loads(_decode(head))
    return {
        "header": {name: said[name] for name in ("alg", "enc", "kid")}, "protected": head, "ciphertext": ciphertext,
        "encrypted_key": encrypted_key, "tag": tag, "iv": iv,
    }  # fmt: skip


def _decode(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def open_message(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Open a message that a partner encrypted to our key.

    The protected header is taken as sent (`protected`) or, where the sender follows the schema's letter, as the
    JSON of `header` without blanks.

    Raises:
        MailMalformed: A part is missing.
        MailUnreadable: It was not encrypted to our key, was changed, or names an algorithm that is not read here.
    """
    import base64

    head = sealed.get("header")
    parts = [sealed.get(name) for name in ("encrypted_key", "iv", "ciphertext", "tag")]
    if not isinstance(head, dict) or not all(isinstance(part, str) for part in parts):
        raise MailMalformed("An encrypted message has header, ciphertext, encrypted_key, tag and iv.")
    written = sealed.get("protected")
    if not isinstance(written, str):
        text = json.dumps({name: head.get(name) for name in ("alg", "enc", "kid")}, separators=(",", ":"))
        written = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    try:
        compact = ".".join([written, *(str(part) for part in parts)])
        opened = jwe.decrypt_compact(compact, own_keys.rsa_key(), registry=_LongMail(algorithms=_INCOMING))
        message = json.loads(opened.plaintext or b"")
    except (JoseError, ValueError, TypeError) as error:
        raise MailUnreadable("The message cannot be opened with our key; see /.well-known/jwks.json.") from error
    if not isinstance(message, dict):
        raise MailUnreadable("The opened message is no object.")
    return message
