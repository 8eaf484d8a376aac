"""The file store: what arrives is kept byte for byte, by its hash, encrypted, before it is read.

A content is one file under `<var>/files/ab/<sha256>`; keeping the same bytes again changes
nothing. Written beside, synced and renamed: after a kill there is the whole file or none. On disk:
magic, mark of the key, salt, then chunks of 1 MiB, each sealed with AES-256-GCM under a key made
for this file alone; its nonce is the chunk's number and whether it is the last, so that chunks can
be read at any place but not moved, dropped or cut off.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.db import connection, transaction

from khana.platform import faults, keys, places
from khana.platform.models import StoredFile
from khana.platform.workplaces import workplace
from khana_methods.errors import KhanaError, NotFound

_MAGIC = b"KHF1"
_SALT = 16
_HEAD = len(_MAGIC) + 4 + _SALT
_CHUNK = 1 << 20
_TAG = 16


class FileNotKept(NotFound):
    """The store holds no file with this hash."""

    code: ClassVar[str] = "platform.files.not_kept"


class FileDamaged(KhanaError):
    """A kept file is not what was written: cut, changed, or of another key."""

    code: ClassVar[str] = "platform.files.damaged"


@dataclass(frozen=True)
class KeptFile:
    """A file in the store: its row, hash, size in bytes and first name."""

    id: int
    sha256: str
    size: int
    name: str
    is_new: bool


def path_of(sha256: str) -> Path:
    """Return where a content is, or would be."""
    return places.var() / "files" / sha256[:2] / sha256


def _nonce(number: int, is_last: bool) -> bytes:
    return struct.pack(">QI", number, 1 if is_last else 0)


def _cipher(mark: bytes, salt: bytes) -> AESGCM:
    for held in (keys.ring, keys.read_again):  # another process may have added a key since this one read the ring
        for key in held().keys.get("aes", ()):
            if keys.mark_of(key) == mark:
                own = HKDF(algorithm=SHA256(), length=32, salt=salt, info=b"khana stored file").derive(key)
                return AESGCM(own)
    raise keys.KeyUnknown("A kept file was closed with a key that is not on this ring. Restore the key file.")


def _new(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_in(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    mark, salt = keys.mark_of(keys.ring().current("aes")), os.urandom(_SALT)
    cipher = _cipher(mark, salt)
    target.write(_MAGIC + mark + salt)
    digest, size, number = hashlib.sha256(), 0, 0
    chunk = _read_full(source)
    while True:
        following = _read_full(source) if len(chunk) == _CHUNK else b""
        digest.update(chunk)
        size += len(chunk)
        target.write(cipher.encrypt(_nonce(number, not following), chunk, None))
        if not following:
            return digest.hexdigest(), size
        chunk, number = following, number + 1


def _read_full(source: BinaryIO) -> bytes:
    parts, missing = [], _CHUNK
    while missing:
        part = source.read(missing)
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _hold(sha256: str) -> None:
    """Let nobody remove a content until the open transaction has ended; waits for who is removing it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", [sha256])


def keep(
    source: Path | str | BinaryIO, *, name: str, at: datetime, may_keep: Callable[[str], None] = lambda _sha256: None
) -> KeptFile:
    """Keep a file whole before anything reads it; the same bytes again change nothing.

    Args:
        source: A path, or a stream open for reading bytes (read to its end).
        name: The name it came with; only the first one is remembered here.
        at: When it arrived.
        may_keep: Told the hash before the content is in its place; raises where it is not to be kept.

    Returns:
        Its row. `is_new` is false where the store already held these bytes.

    Raises:
        OSError: The disk is full or the source cannot be read; nothing is left behind.
    """
    if isinstance(source, Path | str):
        with Path(source).open("rb") as stream:
            return keep(stream, name=name, at=at, may_keep=may_keep)
    with workplace("files", "incoming") as folder:
        temporary = folder / "whole"
        with _new(temporary) as target:
            faults.reach("file.before_write")
            sha256, size = _copy_in(source, target)
            target.flush()
            os.fsync(target.fileno())
        may_keep(sha256)
        with transaction.atomic():  # nobody removes it before its row is there
            _hold(sha256)
            _put(temporary, sha256)
            StoredFile.objects.bulk_create(
                [StoredFile(sha256=sha256, size=size, name=name, stored_at=at)], ignore_conflicts=True
            )
    row = StoredFile.objects.get(sha256=sha256)
    return KeptFile(row.pk, row.sha256, row.size, row.name, is_new=row.stored_at == at and row.name == name)


def _put(temporary: Path, sha256: str) -> None:
    """Bring a whole content to its place; one that stands there already counts as brought now."""
    final = path_of(sha256)
    if final.exists() and final.stat().st_size == temporary.stat().st_size:
        os.utime(final)
        return
    places.folder("files", sha256[:2])
    faults.reach("file.before_rename")
    temporary.rename(final)
    faults.reach("file.after_rename")
    _sync_folder(final.parent)


def brought_before(day: datetime) -> Iterator[str]:
    """Give the hashes of contents that were brought, or last brought again, before a day, by the clock of the disk."""
    for path in _contents():
        try:
            if path.stat().st_mtime < day.timestamp():
                yield path.name
        except FileNotFoundError:  # it went meanwhile
            continue


def _contents() -> Iterator[Path]:
    return (places.var() / "files").glob("[0-9a-f][0-9a-f]/*")


def remove(sha256: str) -> None:
    """Remove a content for ever; its row stays. Whoever calls holds it: see `khana.access.tombstones`."""
    path = path_of(sha256)
    path.unlink(missing_ok=True)
    if path.parent.exists():
        _sync_folder(path.parent)


class _Reader(io.RawIOBase):
    """Reads a kept file at any place, one chunk in memory."""

    def __init__(self, path: Path) -> None:
        self._handle = path.open("rb")
        head = self._handle.read(_HEAD)
        if head[: len(_MAGIC)] != _MAGIC or len(head) != _HEAD:
            raise FileDamaged("A kept file is damaged: it does not begin as it should.", file=path.name)
        self._cipher = _cipher(head[4:8], head[8:])
        body = path.stat().st_size - _HEAD
        self._chunks = max(1, -(-body // (_CHUNK + _TAG)))
        self._size = body - self._chunks * _TAG
        self._at, self._number, self._chunk, self._name = 0, -1, b"", path.name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def _load(self, number: int) -> None:
        self._handle.seek(_HEAD + number * (_CHUNK + _TAG))
        closed = self._handle.read(_CHUNK + _TAG)
        try:
            self._chunk = self._cipher.decrypt(_nonce(number, number == self._chunks - 1), closed, None)
        except (InvalidTag, ValueError) as error:
            raise FileDamaged("A kept file is damaged; restore it from a backup.", file=self._name) from error
        self._number = number

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._at >= self._size and self._size > 0:
            return 0
        number, start = divmod(self._at, _CHUNK)
        if number != self._number:
            self._load(number)
        part = self._chunk[start : start + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def close(self) -> None:
        self._handle.close()
        super().close()


def open(sha256: str) -> io.BufferedReader:
    """Open a kept file for reading, at any place; the caller closes it.

    Raises:
        FileNotKept: No such file in this store.
        FileDamaged: The bytes on disk are not what was written.
    """
    path = path_of(sha256)
    if not path.exists():
        raise FileNotKept("The store holds no file with this hash.", sha256=sha256)
    return io.BufferedReader(_Reader(path), _CHUNK)


def closed_with_older_keys() -> list[str]:
    """Return the hashes of kept files that are not closed with the newest key, in order."""
    newest = keys.mark_of(keys.ring().current("aes"))
    older = []
    for path in _contents():
        with path.open("rb") as handle:
            head = handle.read(_HEAD)
        if head[: len(_MAGIC)] == _MAGIC and head[4:8] != newest:
            older.append(path.name)
    return sorted(older)


def close_anew(sha256: str) -> bool:
    """Close one kept file with the newest key; whoever reads it meanwhile reads the old bytes to their end.

    In a transaction, so that nobody removes it meanwhile. Says whether it was there: it may have been erased.

    Raises:
        FileDamaged: Its content does not have the hash of its name; the file is left as it is.
    """
    final = path_of(sha256)
    _hold(sha256)
    if not final.exists():
        return False
    with workplace("files", "incoming") as folder:
        temporary = folder / "anew"
        with open(sha256) as source, _new(temporary) as target:
            digest, _ = _copy_in(source, target)
            target.flush()
            os.fsync(target.fileno())
        if digest != sha256:
            raise FileDamaged("A kept file is damaged; restore it from a backup.", file=sha256)
        temporary.replace(final)
        _sync_folder(final.parent)
    return True


@contextmanager
def plain_copy(sha256: str) -> Iterator[Path]:
    """Lend a decrypted copy as a path, for a reader that needs one; it is removed afterwards."""
    with workplace("files", "reading") as folder:
        temporary = folder / "plain"
        with open(sha256) as source, _new(temporary) as target:
            while part := source.read(_CHUNK):
                target.write(part)
        yield temporary
