"""A partner's side of the standard interfaces for tests: keys, signing by libraries of its own, messages."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PROFILES = ("cavage", "jws-compact", "jws-detached")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Signer:
    """Signs as another system would: by `cryptography` alone, not by what the server verifies with."""

    profile: str
    ed: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    rsa: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))

    def jwks(self) -> dict[str, Any]:
        public = self.rsa.public_key().public_numbers()
        numbers = {"n": b64(public.n.to_bytes(256, "big")), "e": "AQAB", "kty": "RSA"}
        x = b64(self.ed.public_key().public_bytes_raw())
        return {
            "keys": [
                {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ed-1", "use": "sig"},
                {**numbers, "kid": "rsa-1", "use": "sig"},
                {**numbers, "kid": "rsa-enc", "use": "enc"},
            ]
        }

    def pem(self) -> bytes:
        return self.rsa.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(
        self, body: dict[str, Any], sender: str, created: int | None = None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        if self.profile == "cavage":
            created = int(time.time()) if created is None else created
            text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
            digest = base64.b64encode(hashlib.sha256(text).digest()).decode()
            signed = self.ed.sign(f"(created): {created}\n(expires): {created + 300}\ndigest: {digest}".encode())
            line = (
                f'namespace="dci", kidId="{sender}|ed-1|ed25519", algorithm="ed25519", created="{created}",'
                f' expires="{created + 300}", headers="(created) (expires) digest",'
                f' signature="{base64.b64encode(signed).decode()}"'
            )
            return {"signature": line, **body}, {}
        head = b64(json.dumps({"alg": "RS256", "kid": "rsa-1"}).encode())
        payload = b64(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        tail = b64(self.rsa.sign(f"{head}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256()))
        if self.profile == "jws-compact":
            return {"signature": f"{head}.{payload}.{tail}", **body}, {}
        return body, {"Signature": f"{head}..{tail}"}


def now() -> str:
    return datetime.now(UTC).isoformat()


def header(action: str, sender: str, count: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "version": "1.0.0", "message_id": str(uuid.uuid4()), "message_ts": now(), "action": action, "sender_id": sender,
        "receiver_id": "khana", "total_count": count, **more,
    }  # fmt: skip


def search(sender: str, *criteria: dict[str, Any], **more: Any) -> dict[str, Any]:
    items = [
        {"reference_id": f"r{n}", "timestamp": now(), "search_criteria": one, "locale": "eng"}
        for n, one in enumerate(criteria)
    ]
    return {
        "header": header("search", sender, len(items)) | more,
        "message": {"transaction_id": str(uuid.uuid4()), "search_request": items},
    }


def by_number(value: str, kind: str = "CNIC", **more: Any) -> dict[str, Any]:
    return {"query_type": "idtype-value", "query": {"type": kind, "value": value}, **more}
