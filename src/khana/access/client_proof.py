"""How we prove to the sign-in provider who we are without a secret that leaves: a word that we sign ourselves (`private_key_jwt`).

The key comes as PEM, RSA from 2048 bits or P-256, and is kept as a secret is. What is signed holds for one provider, once, for a
minute: OpenID Connect Core 1.0, section 9; RFC 7523, sections 2.2 and 3. Whom it is for is the issuer alone, as
draft-ietf-oauth-rfc7523bis asks: another provider could not use it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from khana_methods.errors import InputError

_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SECONDS = 60


class KeyWrong(InputError):
    """What was given is no key that we can sign with, or the provider takes no signature of it."""

    code: ClassVar[str] = "access.provider.key_wrong"


def is_key(secret: str) -> bool:
    """Say whether what proves who we are is a private key and no secret."""
    return secret.lstrip().startswith("-----BEGIN ")


def own_key(pem: str) -> RSAKey | ECKey:
    """Return the private key of a PEM text, with its thumbprint (RFC 7638) as `kid`.

    Raises:
        KeyWrong: It is closed with a password, or none of RSA from 2048 bits and P-256.
    """
    try:
        held = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyWrong("The file holds no private key that can be read: PEM, without a password.") from error
    made: RSAKey | ECKey
    if isinstance(held, rsa.RSAPrivateKey) and held.key_size >= 2048:
        made = RSAKey.import_key(pem)
    elif isinstance(held, ec.EllipticCurvePrivateKey) and isinstance(held.curve, ec.SECP256R1):
        made = ECKey.import_key(pem)
    else:
        raise KeyWrong("Our key must be RSA of 2048 bits or more, or of the curve P-256.")
    made.ensure_kid()
    return made


def _algorithm(key: RSAKey | ECKey) -> str:
    return "RS256" if isinstance(key, RSAKey) else "ES256"


def public_key(secret: str) -> dict[str, Any] | None:
    """Return the public half of a key, to be registered at the provider; None for a secret."""
    if not is_key(secret):
        return None
    key = own_key(secret)
    return {**key.as_dict(private=False), "use": "sig", "alg": _algorithm(key)}


def check(pem: str, said: Mapping[str, Any]) -> None:
    """Hold a key against what the provider says of itself.

    Raises:
        KeyWrong: It cannot be read, or the provider takes no signature of such a key.
    """
    algorithm = _algorithm(own_key(pem))
    if "private_key_jwt" not in said.get("token_endpoint_auth_methods_supported", []):
        raise KeyWrong("The provider lets no client sign for itself (private_key_jwt). Give a secret instead.")
    if algorithm not in said.get("token_endpoint_auth_signing_alg_values_supported", [algorithm]):
        raise KeyWrong(f"The provider takes no signature of a client with {algorithm}. Give the other kind of key.")


def signed(pem: str, *, client: str, issuer: str) -> dict[str, str]:
    """Return what is added to a question to the provider so that it knows us.

    Args:
        pem: Our private key.
        client: Who we are to it.
        issuer: Its address as it names itself.
    """
    key, now = own_key(pem), int(time.time())
    said = {
        "iss": client, "sub": client, "aud": issuer, "jti": secrets.token_urlsafe(24), "iat": now, "exp": now + _SECONDS,
    }  # fmt: skip
    algorithm = _algorithm(key)
    word = jwt.encode(
        {"alg": algorithm, "kid": key.kid},
        said,
        key,
        algorithms=[algorithm],
        registry=JWSRegistry(algorithms=[algorithm]),
    )
    return {"client_id": client, "client_assertion_type": _TYPE, "client_assertion": word}
