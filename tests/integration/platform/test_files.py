"""The file store: byte for byte, encrypted, whole or absent, once per content."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from khana.platform import files

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _owner(database: str, as_role) -> None:  # type: ignore[no-untyped-def]
    as_role("owner")  # rows of the store need a session; these tests are about bytes


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 5])
def test_comes_back_as_it_was(size: int) -> None:
    content = (b"0123456789abcdef~" * (size // 17 + 1))[:size]
    kept = files.keep(io.BytesIO(content), name="a.csv", at=NOW)
    assert kept.size == size and kept.is_new
    with files.open(kept.sha256) as stream:
        assert stream.read() == content
        stream.seek(max(0, size - 3))
        assert stream.read() == content[-3:]
    on_disk = files.path_of(kept.sha256).read_bytes()
    assert size < 64 or content[:64] not in on_disk
    again = files.keep(io.BytesIO(content), name="b.csv", at=NOW)
    assert (again.id, again.name, again.is_new) == (kept.id, "a.csv", False)
    assert files.path_of(kept.sha256).read_bytes() == on_disk
    assert files.path_of(kept.sha256).stat().st_mode & 0o077 == 0


def test_random_places() -> None:
    content = bytes(range(256)) * 12_000
    kept = files.keep(io.BytesIO(content), name="r", at=NOW)
    with files.open(kept.sha256) as stream:
        for place in (5, 2 * MIB + 7, MIB - 2, 0, len(content) - 1, len(content), len(content) + 10):
            stream.seek(place)
            assert stream.read(300) == content[place : place + 300]
    with files.plain_copy(kept.sha256) as path:
        assert path.read_bytes() == content
    assert not path.exists()


class _Breaks(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > MIB:
            raise OSError(28, "No space left on device")
        return super().read(size)


def test_a_failure_leaves_nothing_behind() -> None:
    with pytest.raises(OSError, match="No space"):
        files.keep(_Breaks(b"z" * 3 * MIB), name="z", at=NOW)
    incoming = files.places.folder("files", "incoming")
    assert list(incoming.iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "flip", "swap", "head", "whole chunk cut"])
def test_damage_is_said(damage: str) -> None:
    kept = files.keep(io.BytesIO(b"x" * (3 * MIB + 9) + damage.encode()), name="d", at=NOW)
    path = files.path_of(kept.sha256)
    body = bytearray(path.read_bytes())
    chunk, head = MIB + 16, files._HEAD
    if damage == "cut":
        body = body[:-1]
    elif damage == "flip":
        body[head + 100] ^= 1
    elif damage == "swap":
        first, second = body[head : head + chunk], body[head + chunk : head + 2 * chunk]
        body[head : head + 2 * chunk] = second + first
    elif damage == "head":
        body[0] ^= 1
    else:
        body = body[: head + 2 * chunk]
    path.write_bytes(body)
    with pytest.raises(files.FileDamaged), files.open(kept.sha256) as stream:
        stream.read()


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(files.FileNotKept):
        files.open("00" * 32)
