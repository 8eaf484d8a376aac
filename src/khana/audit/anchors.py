"""Anchors: the signed head of the chain as a small document that is lodged where nobody of the installation reaches.

An anchor is signed with a public key (Ed25519), so that whoever keeps it can check it without a secret of ours: another
ministry, a notary, a newspaper. A chain that was rewritten, with its checkpoints, no longer fits the anchors outside.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.db import connection

from khana.platform import keys
from khana_methods.errors import InputError

_HEAD = "SELECT s.id, s.hash FROM audit_seal s ORDER BY s.id DESC LIMIT 1"
_AT = "SELECT s.id, s.hash FROM audit_seal s WHERE s.id = ANY(%s)"


class AnchorUnreadable(InputError):
    """A file is no anchor."""

    code: ClassVar[str] = "audit.anchor.unreadable"


@dataclass(frozen=True)
class Anchor:
    """The head of a chain at a moment: number and hash of its last seal, signed."""

    seal: int
    hash: str
    at: str
    key: str
    signature: str

    def text(self) -> bytes:
        """Return what is signed: all but the signature, as JSON with sorted keys."""
        return json.dumps({k: v for k, v in asdict(self).items() if k != "signature"}, sort_keys=True).encode()

    def is_signed(self) -> bool:
        """Say whether the signature is by the key that the anchor names."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key)).verify(
                bytes.fromhex(self.signature), self.text()
            )
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Held:
    """What came of holding one anchor against the chain: `fits`, `forged`, `foreign_key`, `gone` or `rewritten`."""

    file: str
    seal: int
    state: str


def _rows(statement: str, *parameters: Any) -> list[Any]:
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return psycopg.Cursor(connection.connection).execute(statement.encode(), parameters or None).fetchall()


def own_keys() -> list[str]:
    """Return the public keys of this installation as hex, the newest last: lodge them once, on paper too."""
    ring = keys.ring()
    ring.current("signing")
    return [_private(seed).public_key().public_bytes_raw().hex() for seed in ring.keys["signing"]]


def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def make(*, at: datetime) -> Anchor | None:
    """Sign the head of the chain; None where nothing is sealed. Needs `audit.read`, or the owner."""
    head = _rows(_HEAD)
    if not head:
        return None
    private = _private(keys.ring().current("signing"))
    public = private.public_key().public_bytes_raw().hex()
    bare = Anchor(int(head[0][0]), bytes(head[0][1]).hex(), at.isoformat(), public, "")
    return Anchor(bare.seal, bare.hash, bare.at, bare.key, private.sign(bare.text()).hex())


def write(anchor: Anchor, folder: Path) -> Path:
    """Write an anchor into a folder; the same head again changes nothing."""
    path = folder / f"khana-anchor-{anchor.seal:012d}.json"
    if not path.exists():
        path.write_text(json.dumps(asdict(anchor), indent=1) + "\n")
    return path


def read(path: Path) -> Anchor:
    """Read an anchor.

    Raises:
        AnchorUnreadable: The file is none.
    """
    try:
        found = json.loads(path.read_text())
        return Anchor(int(found["seal"]), *(str(found[name]) for name in ("hash", "at", "key", "signature")))
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise AnchorUnreadable(f"{path.name} is no anchor of an event log.") from error


def hold(files: Iterable[Path], trusted: Sequence[str] = ()) -> list[Held]:
    """Hold anchors against the chain as it is now; `verify` of the room says whether the chain itself holds.

    Args:
        files: Anchors that were lodged elsewhere.
        trusted: Public keys as hex; those of this ring where none is given.
    """
    anchors = [(path, read(path)) for path in files]
    known = list(trusted) or own_keys()
    seals = {int(n): bytes(h).hex() for n, h in _rows(_AT, [anchor.seal for _, anchor in anchors])}
    out = []
    for path, anchor in anchors:
        if anchor.key not in known:
            state = "foreign_key"
        elif not anchor.is_signed():
            state = "forged"
        elif anchor.seal not in seals:
            state = "gone"
        else:
            state = "fits" if seals[anchor.seal] == anchor.hash else "rewritten"
        out.append(Held(path.name, anchor.seal, state))
    return out
