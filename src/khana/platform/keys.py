"""The key ring: keys of this installation by purpose, with old ones kept for reading.

Keys are 32 random bytes, each in a file of its own (`<purpose>.<n>.key`, 0600) under
`<var>/keys`, or all of them in `KHANA_KEYS` (JSON: purpose -> list of base64, oldest first). The
last key of a purpose is current. A ciphertext begins with the mark of its key, so that an older
key still opens what it closed and a lost key is named. A token is an HMAC: the same number gives
the same token as long as its key lives, and nobody without the key can try numbers out.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from khana.platform import places
from khana_methods.errors import Conflict, NotConfigured

Purpose = Literal["token-hmac", "aes", "totp", "audit", "pseudonym", "signing"]
PURPOSES: tuple[Purpose, ...] = ("token-hmac", "aes", "totp", "audit", "pseudonym", "signing")
_LENGTH = 32
_VERSION = b"\x01"
_HEAD = 5  # version and mark
_NONCE = 12


class KeysMissing(NotConfigured):
    """A key that is needed is not on the ring."""

    code: ClassVar[str] = "platform.keys.missing"


class KeyUnknown(NotConfigured):
    """A ciphertext was closed with a key that this ring does not hold, or is damaged."""

    code: ClassVar[str] = "platform.keys.unknown"


class MarkUnknown(KeyUnknown):
    """A value names a key that is not on the ring as this process read it."""

    code: ClassVar[str] = "platform.keys.mark_unknown"


class KeysExist(Conflict):
    """A key would be overwritten; keys are added, never replaced."""

    code: ClassVar[str] = "platform.keys.exist"


def mark_of(key: bytes) -> bytes:
    """Return the four bytes by which a ciphertext names its key."""
    return hashlib.sha256(b"khana key mark" + key).digest()[:4]


@dataclass(frozen=True)
class Ring:
    """Every key by purpose, oldest first."""

    keys: dict[str, tuple[bytes, ...]]
    _ciphers: dict[tuple[str, bytes], AESGCM] = field(default_factory=dict, repr=False)

    def current(self, purpose: Purpose) -> bytes:
        """Return the key in force, or say that it is missing."""
        held = self.keys.get(purpose)
        if not held:
            raise KeysMissing(
                f"The key '{purpose}' is missing. Restore the folder {folder()} from your backup, "
                "or set KHANA_KEYS; a new installation gets its keys from `khana up`.",
                purpose=purpose,
            )
        return held[-1]

    def cipher(self, purpose: Purpose, mark: bytes | None = None) -> tuple[AESGCM, bytes]:
        """Return the cipher of one key (the current one where no mark is given) and its mark."""
        if mark is None:
            mark = mark_of(self.current(purpose))
        found = self._ciphers.get((purpose, mark))
        if found is None:
            for key in self.keys.get(purpose, ()):
                self._ciphers[(purpose, mark_of(key))] = AESGCM(key)
            found = self._ciphers.get((purpose, mark))
        if found is None:
            raise MarkUnknown(
                "Something was encrypted with a key that is not on this ring. Restore the old key file; "
                "nothing was changed.",
                purpose=purpose,
                mark=mark.hex(),
            )
        return found, mark


def folder() -> Path:
    """Return the folder of the key files."""
    return places.var() / "keys"


def _from_text(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KeysMissing("A key is not base64. Restore the key files from your backup.") from error
    if len(key) != _LENGTH:
        raise KeysMissing("A key does not have 32 bytes. Restore the key files from your backup.")
    return key


def _read() -> dict[str, tuple[bytes, ...]]:
    given = os.environ.get("KHANA_KEYS")
    if given:
        try:
            named = json.loads(given)
            return {purpose: tuple(_from_text(text) for text in texts) for purpose, texts in named.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise KeysMissing("KHANA_KEYS is not JSON of the form {purpose: [base64, ...]}.") from error
    numbered: dict[str, list[tuple[int, bytes]]] = {}
    for path in folder().glob("*.*.key"):
        purpose, number = path.name.removesuffix(".key").rsplit(".", 1)
        numbered.setdefault(purpose, []).append((int(number), _from_text(path.read_text())))
    return {purpose: tuple(key for _, key in sorted(rows)) for purpose, rows in numbered.items()}


@lru_cache(maxsize=4)
def _ring(where: str, given: str) -> Ring:
    held = _read()
    if not held and not given and os.environ.get("KHANA_ENV") != "production":
        ensure()
        held = _read()
    return Ring(held)


def ring() -> Ring:
    """Return this installation's ring; a development folder without any key gets its first ones.

    In production a missing folder is an error and never a reason to make new keys: what the lost
    ones closed would stay closed and every number would get another token.
    """
    return _ring(os.environ.get("KHANA_VAR", ""), os.environ.get("KHANA_KEYS", ""))


def read_again() -> Ring:
    """Read the ring anew: another process may have added a key since this one read it."""
    _ring.cache_clear()
    return ring()


def ensure() -> list[str]:
    """Make the first key of every purpose that has none; return the purposes that got one."""
    if os.environ.get("KHANA_KEYS"):
        return []
    held = _read()
    made = [purpose for purpose in PURPOSES if purpose not in held]
    for purpose in made:
        _write(purpose, 1)
    _ring.cache_clear()
    return list(made)


def add(purpose: Purpose) -> int:
    """Add a key that is current from now on; return its number. Old keys stay for reading.

    Raises:
        KeysExist: For `token-hmac`: another key would give every number another token, so a
            person would get a second file; it needs a re-tokenising, not a new key.
    """
    if purpose == "token-hmac":
        raise KeysExist("The token key cannot be rotated without giving every number a new token.")
    taken = [int(path.name.split(".")[1]) for path in folder().glob(f"{purpose}.*.*")]
    number = max(taken, default=0) + 1
    _write(purpose, number)
    _ring.cache_clear()
    return number


def retire(purpose: Purpose, number: int) -> Path:
    """Take an old key of a purpose off the ring: its file is renamed, not removed; return where it is now.

    The caller has seen that nothing is closed with it any more.

    Raises:
        KeysExist: It is the current key, the only one, or of a purpose whose old keys are needed for ever.
    """
    held = sorted(int(path.name.split(".")[1]) for path in folder().glob(f"{purpose}.*.key"))
    if purpose not in ("aes", "totp") or number not in held or number == held[-1]:
        raise KeysExist("Only an old key of aes or totp can be retired, and never the current one.", purpose=purpose)
    path = folder() / f"{purpose}.{number}.key"
    retired = path.with_suffix(".retired")
    path.rename(retired)
    _ring.cache_clear()
    return retired


def _write(purpose: str, number: int) -> None:
    path = places.folder("keys") / f"{purpose}.{number}.key"
    temporary = path.with_suffix(f".{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(base64.b64encode(secrets.token_bytes(_LENGTH)))
        handle.flush()
        os.fsync(handle.fileno())
    with contextlib.suppress(FileExistsError):  # a second process that was first has won
        os.link(temporary, path)  # refuses to overwrite
    temporary.unlink()


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def encrypt(value: str | bytes, purpose: Purpose = "aes") -> bytes:
    """Encrypt one value with AES-256-GCM under the current key of a purpose.

    Returns:
        1 byte version, 4 bytes mark of the key, 12 bytes nonce, ciphertext, 16 bytes tag.
    """
    cipher, mark = ring().cipher(purpose)
    nonce = os.urandom(_NONCE)
    return _VERSION + mark + nonce + cipher.encrypt(nonce, _bytes(value), purpose.encode())


def encrypt_many(values: Iterable[str | bytes | None], purpose: Purpose = "aes") -> list[bytes | None]:
    """Encrypt values in bulk, same order; an absent or empty one stays absent."""
    held = list(values)
    cipher, mark = ring().cipher(purpose)
    head, label, close = _VERSION + mark, purpose.encode(), cipher.encrypt
    noise = os.urandom(_NONCE * len(held))
    out: list[bytes | None] = []
    start = 0
    for value in held:
        if not value:
            out.append(None)
            continue
        nonce = noise[start : start + _NONCE]
        start += _NONCE
        out.append(head + nonce + close(nonce, value.encode() if isinstance(value, str) else value, label))
    return out


def decrypt(blob: bytes | memoryview, purpose: Purpose = "aes") -> bytes:
    """Open what `encrypt` closed, with whichever key on the ring closed it.

    Raises:
        KeyUnknown: The key is not on the ring, the purpose is another one, or the bytes are damaged.
    """
    data = bytes(blob)
    try:
        return _open(ring(), data, purpose)
    except MarkUnknown:
        return _open(read_again(), data, purpose)


def _open(held: Ring, data: bytes, purpose: Purpose) -> bytes:
    cipher, _ = held.cipher(purpose, data[1:_HEAD])
    try:
        return cipher.decrypt(data[_HEAD : _HEAD + _NONCE], data[_HEAD + _NONCE :], purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise KeyUnknown("An encrypted value is damaged and cannot be opened.", purpose=purpose) from error


def decrypt_many(blobs: Iterable[bytes | memoryview | None], purpose: Purpose = "aes") -> list[bytes | None]:
    """Open values in bulk, same order; an absent one stays absent."""
    given = list(blobs)
    try:
        held = ring()
        return [None if blob is None else _open(held, bytes(blob), purpose) for blob in given]
    except MarkUnknown:
        held = read_again()
        return [None if blob is None else _open(held, bytes(blob), purpose) for blob in given]


def token(scheme: str, canonical: str) -> bytes:
    """Return the token of one canonical number: HMAC-SHA256 over `scheme:canonical`, 32 bytes."""
    return hmac.digest(ring().current("token-hmac"), f"{scheme}:{canonical}".encode(), "sha256")


def tokens_many(scheme: str, canonicals: Sequence[str | None] | Iterable[str | None]) -> list[bytes | None]:
    """Return tokens in bulk, same order; an absent or empty number has none.

    The two halves of the HMAC are hashed once and copied, which halves the work of a row.
    """
    key = ring().current("token-hmac").ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + f"{scheme}:".encode())
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
    out: list[bytes | None] = []
    for canonical in canonicals:
        if not canonical:
            out.append(None)
            continue
        first = inner.copy()
        first.update(canonical.encode())
        second = outer.copy()
        second.update(first.digest())
        out.append(second.digest())
    return out


def pseudonym(group: str, value: str) -> bytes:
    """Return the pseudonym of a value for one recipient: HMAC-SHA256 under a key of her own, 32 bytes.

    The key of a recipient is drawn from the first key of the purpose, so that it never changes: two recipients
    cannot join what they hold, and one of them can join what she got twice.
    """
    return pseudonyms(group)(value)


def pseudonyms(group: str) -> Callable[[str], bytes]:
    """Return what gives `pseudonym` for one recipient, for many values: her key is drawn once."""
    held = ring().keys.get("pseudonym")
    if not held:
        ring().current("pseudonym")  # says what is missing
        return lambda _: b""
    own = hmac.digest(held[0], b"khana pseudonym " + group.encode(), "sha256")
    return lambda value: hmac.digest(own, value.encode(), "sha256")


def sign(data: bytes, purpose: Purpose = "audit") -> bytes:
    """Return the HMAC-SHA256 of some bytes under the current key of a purpose."""
    return hmac.digest(ring().current(purpose), data, "sha256")


def is_signed(data: bytes, signature: bytes, purpose: Purpose = "audit") -> bool:
    """Say whether any key of a purpose, current or old, signed these bytes."""
    held = ring().keys.get(purpose, ())
    return any(hmac.compare_digest(hmac.digest(key, data, "sha256"), signature) for key in held)
