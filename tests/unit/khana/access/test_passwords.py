"""Which passwords may be chosen: long, of any signs, on no list, not made of the words of this place."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from khana.access import passwords, services


@pytest.mark.parametrize(
    "password",
    [
        "short one", "password1234", "123456789012", "qwertyuiop[]", "aaaaaaaaaaaaaaaa", "iloveyou12345", "Password123!",
        "khana-registry-2026", "kafaalat2026!", "beneficiary-officer", "rukhsana-begum-1985", "steward-steward", "x" * 1001,
    ],
)  # fmt: skip
def test_passwords_that_are_refused(password: str) -> None:
    with pytest.raises(passwords.PasswordWeak) as told:
        passwords.check(password, own_words=("rukhsana", "Rukhsana Begum"))
    assert password not in str(told.value)


@pytest.mark.parametrize(
    "password",
    [
        "blue teapot mountain seven", "چائے اور بسکٹ روز", "মেঘলা দিনের গান শুনি", "zbf7-kq2m-x8rn-77tp", "☂" + "wk4 nq9 zt2 vb7",
        "only lower letters drifting by", " ".join(f"{n * 7919}kettle" for n in range(90))[:1000],
    ],
)  # fmt: skip
def test_any_composition_is_taken(password: str) -> None:
    """No kinds of signs are asked for; nothing is cut or folded on the way to its key."""
    passwords.check(password)
    salt = b"0" * 16
    key = services.derive(password, salt, 3)
    assert key != services.derive(password[:-1], salt, 3) and key != services.derive(password.swapcase() + " ", salt, 3)
    if password.upper() != password:
        assert key != services.derive(password.upper(), salt, 3)


def test_a_list_of_breached_passwords_is_held_against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaked = [f"leaked word number {n} of many" for n in range(300)]
    marks = sorted(hashlib.sha1(one.encode()).hexdigest().upper() for one in leaked)
    file = tmp_path / "pwned.txt"
    monkeypatch.setenv("KHANA_BREACHED_PASSWORDS", str(file))
    for end in ("\n", "\r\n"):
        file.write_bytes("".join(f"{mark}:{len(mark)}{end}" for mark in marks).encode())
        assert all(passwords.is_breached(one) for one in leaked)
        assert not any(passwords.is_breached(f"{one}!") for one in leaked)
    with pytest.raises(passwords.PasswordWeak, match="leaked"):
        passwords.check(leaked[7])
    file.write_text("no hashes\nat all\n")
    with pytest.raises(passwords.BreachedListUnreadable):
        passwords.check("blue teapot mountain seven")
    file.unlink()
    with pytest.raises(passwords.BreachedListUnreadable):
        passwords.check("blue teapot mountain seven")


def test_a_guess_is_as_much_work_as_guidance_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    password, salt = "blue teapot mountain seven", b"0" * 16
    monkeypatch.setenv("KHANA_ENV", "production")
    assert services.BLOCKS == 3
    wanted = hashlib.scrypt(password.encode(), salt=salt, n=2**15, r=8, p=3, dklen=32, maxmem=96 << 20)
    assert services.derive(password, salt, services.BLOCKS) == wanted
    assert services.derive(password, salt, 1) != wanted  # those of before are still known
