"""The key ring: what is closed opens again, with old keys too; tokens are stable; loss is named."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from khana.platform import keys


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("KHANA_VAR", str(tmp_path))
    monkeypatch.delenv("KHANA_KEYS", raising=False)
    keys._ring.cache_clear()
    yield tmp_path / "keys"
    keys._ring.cache_clear()


def test_closed_values_open_and_differ_each_time() -> None:
    first, second = keys.encrypt("3520112345671"), keys.encrypt("3520112345671")
    assert first != second and keys.decrypt(first) == keys.decrypt(memoryview(second)) == b"3520112345671"
    assert keys.decrypt_many(keys.encrypt_many(["a", None, b"b", ""])) == [b"a", None, b"b", None]


def test_bulk_gives_what_single_gives() -> None:
    numbers = ["3520112345671", None, "", "1234567890123"]
    bulk = keys.tokens_many("PK", numbers)
    assert bulk == [keys.token("PK", number) if number else None for number in numbers]
    assert keys.token("BD-NID", "3520112345671") != bulk[0] and len(bulk[0] or b"") == 32


def test_a_purpose_opens_only_its_own() -> None:
    with pytest.raises(keys.KeyUnknown):
        keys.decrypt(keys.encrypt(b"x", "totp"), "aes")


def test_damage_is_named() -> None:
    closed = bytearray(keys.encrypt(b"x"))
    closed[-1] ^= 1
    with pytest.raises(keys.KeyUnknown):
        keys.decrypt(bytes(closed))
    with pytest.raises(keys.KeyUnknown):
        keys.decrypt(b"")


def test_old_keys_still_open_and_the_token_key_is_not_rotated(ring: Path) -> None:
    old, token = keys.encrypt(b"x"), keys.token("PK", "1")
    assert keys.add("aes") == 2
    new = keys.encrypt(b"x")
    assert old[:5] != new[:5] and keys.decrypt(old) == keys.decrypt(new) == b"x"
    assert keys.token("PK", "1") == token
    with pytest.raises(keys.KeysExist):
        keys.add("token-hmac")
    (ring / "aes.1.key").unlink()
    keys._ring.cache_clear()
    with pytest.raises(keys.KeyUnknown):
        keys.decrypt(old)


def test_key_files_are_for_their_owner_only(ring: Path) -> None:
    assert keys.ensure() == list(keys.PURPOSES) and keys.ensure() == []
    assert ring.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in ring.iterdir()} == {0o600}
    assert sorted(path.name for path in ring.iterdir()) == sorted(f"{name}.1.key" for name in keys.PURPOSES)


def test_production_never_makes_keys_by_itself(monkeypatch: pytest.MonkeyPatch, ring: Path) -> None:
    monkeypatch.setenv("KHANA_ENV", "production")
    with pytest.raises(keys.KeysMissing, match="Restore"):
        keys.token("PK", "1")
    assert not ring.exists()


def test_keys_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    text = base64.b64encode(bytes(32)).decode()
    monkeypatch.setenv("KHANA_KEYS", json.dumps({"token-hmac": [text]}))
    assert keys.token("PK", "1") == hmac.digest(bytes(32), b"PK:1", "sha256") == keys.tokens_many("PK", ["1"])[0]
    with pytest.raises(keys.KeysMissing):
        keys.encrypt(b"x")
    for wrong in ("{", '{"aes": ["short"]}', "[]"):
        monkeypatch.setenv("KHANA_KEYS", wrong)
        with pytest.raises(keys.KeysMissing):
            keys.token("PK", "1")


def test_signatures_hold_under_old_keys() -> None:
    signature = keys.sign(b"head")
    keys.add("audit")
    assert keys.is_signed(b"head", signature) and not keys.is_signed(b"other", signature)
