"""The scan for secrets and the audit of dependencies see what is planted; that the repository as it is passes is asked by script/check."""

from __future__ import annotations

import importlib.util
import secrets
import string
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "script" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _random(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "7" + "".join(secrets.choice(letters) for _ in range(length - 1))


@pytest.mark.parametrize(
    "planted",
    [
        lambda: "-----BEGIN " + "PRIVATE KEY-----\n" + _random(64),
        lambda: "key = '" + "AKIA" + _random(16, string.ascii_uppercase + string.digits) + "'",
        lambda: "ghp_" + _random(36),
        lambda: f"postgresql://khana:{_random(12)}@db.example",
        lambda: f'CLIENT_SECRET = "{_random(40)}"',
        lambda: "eyJ" + _random(20) + ".eyJ" + _random(30) + "." + _random(43),
    ],
)
def test_a_planted_secret_is_found(planted) -> None:  # type: ignore[no-untyped-def]
    assert _load("scan_secrets").find("x = 1\n" + planted() + "\n")


@pytest.mark.parametrize(
    "harmless", ['password = "not-a-secret-of-anyone"', "token = make_token(user)", "secret: str = ''"]
)
def test_ordinary_code_is_not(harmless: str) -> None:
    assert _load("scan_secrets").find(harmless) == []


def test_an_affected_version_is_found() -> None:
    audit = _load("audit_dependencies")
    affected = {
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.4"}, {"introduced": "2.0"}]}]
    }
    assert [audit.is_hit(v, affected) for v in ("0.9", "1.0", "1.3.9", "1.4", "1.9", "2.0", "3")] == [
        False, True, True, False, False, True, True,
    ]  # fmt: skip
    assert audit.is_hit("1.9", {"versions": ["1.9"]})
