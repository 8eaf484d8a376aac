"""Keys of this installation towards partners: what it signs with, and what they encrypt to it with.

Ed25519 comes from the key ring (purpose `signing`); an RSA pair (for partners that know nothing else, and for
messages encrypted to us) lies beside the ring as `partners.1.pem`, made when first asked for. Never in the database.
"""

from __future__ import annotations

import base64
import contextlib
import os
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import OKPKey, RSAKey

from khana.platform import keys, places

_PEM = "partners.1.pem"


def own_id() -> str:
    """Return the sender_id of our messages."""
    return os.environ.get("KHANA_SENDER_ID", "khana")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@lru_cache(maxsize=4)
def _okp(seed: bytes) -> OKPKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _text(public), "d": _text(seed)})


def signing_key(profile: str) -> tuple[OKPKey | RSAKey, str]:
    """Return the key that answers in a profile are signed with, and its kid."""
    key: OKPKey | RSAKey = rsa_key() if profile == "jws-detached" else _okp(keys.ring().current("signing"))
    return key, str(key.thumbprint())


def rsa_key() -> RSAKey:
    """Return the RSA pair of this installation, made if it is not there yet."""
    path = places.folder("keys") / _PEM
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        temporary = path.with_suffix(f".{os.getpid()}.new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
            handle.write(pem)
        with contextlib.suppress(FileExistsError):  # a second process that was first has won
            os.link(temporary, path)
        temporary.unlink()
    return _rsa(str(path))


@lru_cache(maxsize=4)
def _rsa(path: str) -> RSAKey:
    with open(path, "rb") as handle:  # noqa: PTH123 - a cached name
        return RSAKey.import_key(handle.read())


def public_set() -> dict[str, Any]:
    """Return the public keys for `/.well-known/jwks.json`; every signing key of the ring, so that rotation is seamless."""
    shown: list[dict[str, Any]] = []
    for seed in reversed(keys.ring().keys.get("signing", ())):
        key = _okp(seed)
        shown.append({**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": "EdDSA"})
    pair = rsa_key()
    public = pair.as_dict(private=False)
    shown.append({**public, "kid": pair.thumbprint(), "use": "sig", "alg": "RS256"})
    shown.append({**public, "kid": f"{pair.thumbprint()}-enc", "use": "enc", "alg": "RSA-OAEP-256"})
    return {"keys": shown}
