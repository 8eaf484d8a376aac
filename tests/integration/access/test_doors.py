"""Passkeys and the provider's word, as the database takes them: what signs for her opens a session, and nothing else does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.db import DatabaseError, transaction
from fido2 import cbor
from fido2.cose import ES256, RS256
from hypothesis import given, settings
from hypothesis import strategies as st

from khana.access import passkeys, provider, selectors, services
from khana.access.functions import OfficeRefused

from .world import World

NOW = datetime.now(UTC)
ORIGIN = "https://khana.gov.example"
ISSUER, CLIENT = "https://login.gov.example", "khana"
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
_names = count()


@pytest.fixture(autouse=True)
def _connection(world: World, as_role) -> Iterator[None]:  # type: ignore[no-untyped-def]
    as_role("web")
    yield


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def point(key: ec.EllipticCurvePrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def rs256(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), hashes.SHA256())


# --- signatures --------------------------------------------------------------------------------------------------------------


def is_good(root: psycopg.Connection, algorithm: str, key: bytes, signature: bytes, message: bytes) -> bool:
    return bool(
        root.execute(
            "SELECT khana_private.signature_is_good(%s, %s, %s, %s)", [algorithm, key, signature, message]
        ).fetchone()[0]  # type: ignore[index]
    )


def test_the_database_takes_what_cryptography_signs_and_nothing_near_it(root: psycopg.Connection) -> None:
    modulus = RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big")

    @settings(max_examples=20, deadline=None)
    @given(message=st.binary(max_size=200), place=st.integers(0, 511))
    def near(message: bytes, place: int) -> None:
        fresh = ec.generate_private_key(ec.SECP256R1())
        for algorithm, key, signature in (
            ("ES256", point(fresh), es256(fresh, message)),
            ("RS256", modulus, rs256(RSA_KEY, message)),
        ):
            assert is_good(root, algorithm, key, signature, message)
            bent = bytearray(signature)
            bent[place // 8 % len(bent)] ^= 1 << place % 8
            assert not is_good(root, algorithm, key, bytes(bent), message)
            assert not is_good(root, algorithm, key, signature, message + b"x")

    near()


def test_signatures_that_are_none(root: psycopg.Connection) -> None:
    """Zero and too large halves, the malleable twin, keys off the curve, and the key of another algorithm."""
    message, key = b"m", point(EC_KEY)
    good = es256(EC_KEY, message)
    r, s = good[:32], good[32:]
    zero, order = bytes(32), N.to_bytes(32, "big")
    twin = (N - int.from_bytes(s, "big")).to_bytes(32, "big")
    assert is_good(root, "ES256", key, r + twin, message)  # ECDSA has two; a riddle is good once, so it helps nobody
    for wrong in (zero + s, r + zero, order + s, r + order, good[:-1], good + b"\0", b""):
        assert not is_good(root, "ES256", key, wrong, message)
    off = key[:63] + bytes([key[63] ^ 1])
    base = bytes.fromhex(
        "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
    for wrong in (off, zero + zero, base, key[:63], b""):
        assert not is_good(root, "ES256", wrong, good, message)
    modulus = RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big")
    signed = rs256(RSA_KEY, message)
    for wrong in (signed[:-1], bytes(256), modulus, b""):
        assert not is_good(root, "RS256", modulus, wrong, message)
    assert not is_good(root, "ES256", modulus, signed, message)
    assert not is_good(root, "RS256", key, good, message)
    assert not is_good(root, "none", key, b"", message)
    assert not is_good(root, "PS256", modulus, signed, message)


# --- passkeys ----------------------------------------------------------------------------------------------------------------


@dataclass
class Device:
    """A device that makes and uses one passkey, right or wrong in the ways that a test wants."""

    algorithm: str = "ES256"
    uses: int = 0
    origin: str = ORIGIN
    domain: str = "khana.gov.example"
    flags: int = 0x05
    credential: bytes = field(default_factory=lambda: hashlib.sha256(str(next(_names)).encode()).digest())
    key: Any = None

    def __post_init__(self) -> None:
        if self.key is None:
            self.key = RSA_KEY if self.algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.domain.encode()).digest() + bytes([flags]) + struct.pack(">I", self.uses)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def make(self, asked: passkeys.Asked) -> dict[str, Any]:
        options = json.loads(asked.options)["publicKey"]
        cose = (RS256 if self.algorithm == "RS256" else ES256).from_cryptography_key(self.key.public_key())
        held = bytes(16) + struct.pack(">H", len(self.credential)) + self.credential + cbor.encode(cose)
        told = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | 0x40) + held}
        response = {
            "clientDataJSON": text(self._client("webauthn.create", options["challenge"])),
            "attestationObject": text(cbor.encode(told)),
        }
        return {"id": text(self.credential), "rawId": text(self.credential), "type": "public-key", "response": response}

    def sign(self, asked: passkeys.Asked, kind: str = "webauthn.get") -> dict[str, Any]:
        self.uses += 1
        client = self._client(kind, json.loads(asked.options)["publicKey"]["challenge"])
        data = self._data(self.flags)
        message = data + hashlib.sha256(client).digest()
        signature = (
            rs256(self.key, message) if self.algorithm == "RS256" else self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        )
        response = {"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature)}
        return {"id": text(self.credential), "rawId": text(self.credential), "type": "public-key", "response": response}


@pytest.fixture
def staff(world: World):  # type: ignore[no-untyped-def]
    """Return a function that makes a member of staff and signs her in with her password."""

    def _make() -> tuple[services.NewUser, str]:
        with services.scoped(world.tokens["admin"]):
            made = services.add_user(
                username=f"d{next(_names)}",
                display_name="D",
                role="registrar",
                area_code="DA",
                second_factor=False,
                first=False,
                at=NOW,
            )
        return made, services.sign_in(username=made.username, password=made.password).token

    return _make


def enrol(token: str, device: Device, origin: str = ORIGIN) -> int:
    with services.scoped(token):
        me = selectors.me()
        assert me is not None
        asked = passkeys.ask_for_new(me=me, origin=origin)
        return passkeys.add(answer=device.make(asked), riddle=asked.riddle, origin=origin, name="my telephone", at=NOW)


def enter(device: Device, **wrong: Any) -> str:
    asked = passkeys.ask_to_sign_in(origin=ORIGIN)
    return passkeys.sign_in(answer=device.sign(asked, **wrong), riddle=asked.riddle, origin=ORIGIN)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_passkey_opens_a_session_of_its_owner(staff, root: psycopg.Connection, algorithm: str) -> None:  # type: ignore[no-untyped-def]
    made, token = staff()
    first, second = Device(algorithm), Device(uses=40)
    enrol(token, first)
    enrol(token, second)
    for device in (first, second, first):
        opened = enter(device)
        with services.scoped(opened):
            me = selectors.me()
            assert me is not None and me.username == made.username and me.may("registry.read")
    with services.scoped(token):
        held = passkeys.passkeys()
        assert [one.name for one in held] == ["my telephone"] * 2 and all(one.used_at for one in held)
    told = root.execute(
        "SELECT details FROM audit_event WHERE action = 'access.sign_in' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert told is not None and told[0]["by"] == "passkey"


def test_what_a_passkey_does_not_open(staff) -> None:  # type: ignore[no-untyped-def]
    _, token = staff()
    device = Device()
    enrol(token, device)
    asked = passkeys.ask_to_sign_in(origin=ORIGIN)
    answer = device.sign(asked)
    wrong: list[tuple[str, dict[str, Any], passkeys.Asked]] = []
    for name, change in (
        ("origin", {"origin": "https://khana.gov.example.evil.example"}), ("domain", {"domain": "evil.example"}),
        ("not verified", {"flags": 0x01}), ("not present", {"flags": 0x04}),
        ("another key", {"key": ec.generate_private_key(ec.SECP256R1())}), ("unknown", {"credential": b"u" * 32}),
    ):  # fmt: skip
        fresh = passkeys.ask_to_sign_in(origin=ORIGIN)
        values = {"uses": 500, "credential": device.credential, "key": device.key, **change}
        wrong.append((name, Device(**values).sign(fresh), fresh))
    fresh = passkeys.ask_to_sign_in(origin=ORIGIN)
    wrong.append(
        ("kind", Device(uses=500, credential=device.credential, key=device.key).sign(fresh, "webauthn.create"), fresh)
    )
    wrong.append(("another riddle", answer, passkeys.ask_to_sign_in(origin=ORIGIN)))
    wrong.append(("nothing", {}, asked))
    for name, said, riddle in wrong:
        with pytest.raises(passkeys.PasskeyRefused):
            passkeys.sign_in(answer=said, riddle=riddle.riddle, origin=ORIGIN)
            pytest.fail(name)
    assert passkeys.sign_in(answer=answer, riddle=asked.riddle, origin=ORIGIN)
    with pytest.raises(passkeys.PasskeyRefused):  # a riddle is good once
        passkeys.sign_in(answer=answer, riddle=asked.riddle, origin=ORIGIN)


def test_the_database_refuses_by_itself_what_a_bent_process_lets_through(staff) -> None:  # type: ignore[no-untyped-def]
    """The web role calls the function directly, past the library: no signature of the device, no session."""
    _, token = staff()
    device = Device()
    enrol(token, device)

    def try_it(change: Any = None, **wrong: Any) -> str:
        asked = passkeys.ask_to_sign_in(origin=ORIGIN)
        values = {"uses": 900, "credential": device.credential, "key": device.key, **wrong}
        said = Device(**values).sign(asked)["response"]
        parts = {name: base64.urlsafe_b64decode(value + "==") for name, value in said.items()}
        signature = b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(parts["signature"]))
        client, data = parts["clientDataJSON"], parts["authenticatorData"]
        if change is not None:
            client, data, signature = change(client, data, signature)
        return str(
            services.call(
                "access_open_by_passkey", device.credential, client, data, signature, services.SESSION_LENGTH
            )[0][0]
        )

    assert try_it(domain="evil.example") == "REFUSED"
    assert try_it(flags=0x01) == "REFUSED"
    assert try_it(key=ec.generate_private_key(ec.SECP256R1())) == "REFUSED"
    assert try_it(lambda c, d, s: (c, d, bytes(64))) == "REFUSED"
    assert try_it(lambda c, d, s: (c, d, b"")) == "REFUSED"
    assert try_it(lambda c, d, s: (c.replace(b"get", b"git"), d, s)) == "REFUSED"
    assert try_it(lambda c, d, s: (b"\xff" + c, d, s)) == "REFUSED"
    assert try_it(lambda c, d, s: (b"[1]", d, s)) == "REFUSED"
    assert try_it(lambda c, d, s: (b'{"type":"webauthn.get","challenge":"AAAA"}', d, s)) == "REFUSED"
    assert try_it(lambda c, d, s: (c, d[:20], s)) == "REFUSED"
    assert try_it() == "OK"
    assert try_it(uses=100) == "REFUSED"  # fewer signatures than were seen: there are two of this device


def test_a_device_that_is_there_twice_raises_an_alarm(staff, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made, token = staff()
    device = Device(uses=7)
    enrol(token, device)
    twin = Device(credential=device.credential, key=device.key, uses=7)
    enter(device)
    with pytest.raises(passkeys.PasskeyRefused):
        enter(twin)
    found = root.execute(
        "SELECT count(*) FROM access_alarm WHERE kind = 'PASSKEY_TWICE' AND user_id = %s", [made.id]
    ).fetchone()
    assert found == (1,)


def test_who_adds_and_who_removes(staff, world: World, root: psycopg.Connection) -> None:  # type: ignore[no-untyped-def]
    made, token = staff()
    other, others_token = staff()
    device = Device()
    number = enrol(token, device)
    with pytest.raises(OfficeRefused):
        enrol(token, device)  # known already
    with pytest.raises(passkeys.PasskeyWrong):
        enrol(others_token, Device(origin="https://other.example"))
    with pytest.raises(passkeys.PasskeyWrong):
        enrol(others_token, Device(flags=0x01))
    with services.scoped(others_token), pytest.raises(services.PermissionMissing):
        passkeys.remove(passkey=number, at=NOW)
    with services.scoped(made.token), pytest.raises(OfficeRefused):  # a command's token adds none
        services.call("access_passkey_new_riddle")
    root.execute(
        "UPDATE access_session SET confirmed_at = now() - interval '16 minutes' WHERE user_id = %s", [other.id]
    )
    with pytest.raises(OfficeRefused):  # nor does an old session
        enrol(others_token, Device())
    with services.scoped(token):
        passkeys.remove(passkey=number, at=NOW)
        assert passkeys.passkeys() == []
    with pytest.raises(passkeys.PasskeyRefused):
        enter(device)
    again = Device()
    enrol(token, again)
    with services.scoped(world.tokens["admin"]):
        (held,) = passkeys.passkeys(made.username)
        services.reset_password(username=made.username, at=NOW)  # a lost device: everything that it knew ends
        assert passkeys.passkeys(made.username) == []
    assert held.domain == "khana.gov.example"
    with pytest.raises(passkeys.PasskeyRefused):
        enter(again)


def test_a_closed_user_has_no_door(staff, world: World) -> None:  # type: ignore[no-untyped-def]
    made, token = staff()
    device = Device()
    enrol(token, device)
    with services.scoped(world.tokens["admin"]):
        services.set_active(username=made.username, active=False, at=NOW)
    with pytest.raises(passkeys.PasskeyRefused):
        enter(device)


# --- the provider's word -----------------------------------------------------------------------------------------------------


def jwks() -> dict[str, Any]:
    numbers, xy = RSA_KEY.public_key().public_numbers(), point(EC_KEY)
    return {
        "keys": [
            {"kty": "RSA", "kid": "r", "use": "sig", "n": text(numbers.n.to_bytes(256, "big")), "e": "AQAB"},
            {"kty": "EC", "kid": "e", "crv": "P-256", "use": "sig", "x": text(xy[:32]), "y": text(xy[32:])},
            {"kty": "RSA", "kid": "sealing", "use": "enc", "n": text(numbers.n.to_bytes(256, "big")), "e": "AQAB"},
        ]
    }


@pytest.fixture(scope="module")
def held(world: World, root: psycopg.Connection) -> None:
    """Set a provider past its network: what it says of itself is tried against a real one elsewhere."""
    root.execute(
        "INSERT INTO access_provider (issuer, client, title, authorise_url, exchange_url, keys_url, keys, keys_at,"
        " demanded_class, set_at) VALUES (%s, %s, 'Login', 'https://a', 'https://t', 'https://k', %s, now(), '', now())",
        [ISSUER, CLIENT, json.dumps(jwks())],
    )


@pytest.fixture
def linked(held: None, staff, world: World) -> services.NewUser:  # type: ignore[no-untyped-def]
    made, _ = staff()
    with services.scoped(world.tokens["admin"]):
        provider.link(username=made.username, subject=f"sub-{made.username}", at=NOW)
    return made  # type: ignore[no-any-return]


def claims(subject: str, riddle: str, /, **more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": CLIENT, "sub": subject, "iat": now, "exp": now + 300, "nonce": riddle, **more}
    return {name: value for name, value in said.items() if value is not None}


def word(said: dict[str, Any], head: dict[str, Any] | None = None, sign: Any = None) -> str:
    head = head or {"alg": "RS256", "kid": "r"}
    signed = f"{text(json.dumps(head).encode())}.{text(json.dumps(said).encode())}"
    signature = (sign or (lambda data: rs256(RSA_KEY, data)))(signed.encode())
    return f"{signed}.{text(signature)}"


def opened(said: str, nonce: bytes) -> str:
    signed, _, signature = said.rpartition(".")
    return str(
        services.call(
            "access_open_by_provider",
            signed,
            base64.urlsafe_b64decode(signature + "=="),
            nonce,
            services.SESSION_LENGTH,
        )[0][0]
    )


def both(said: str, nonce: bytes) -> tuple[bool, str]:
    """Return what the library and what the database say of a word."""
    found = provider.in_force()
    assert found is not None
    return provider.is_sound(said, found, text(nonce)), opened(said, nonce)


def test_the_providers_word_opens_a_session_for_whom_an_officer_linked(linked: services.NewUser) -> None:
    subject = f"sub-{linked.username}"
    for head, sign in (
        ({"alg": "RS256", "kid": "r"}, None),
        ({"alg": "ES256", "kid": "e"}, lambda data: es256(EC_KEY, data)),
    ):
        nonce = bytes(services.call("access_provider_riddle")[0][0])
        said = word(claims(subject, text(nonce)), head, sign)
        assert both(said, nonce) == (True, "OK")
        assert opened(said, nonce) == "REFUSED"  # a riddle is good once
    nonce = bytes(services.call("access_provider_riddle")[0][0])
    assert opened(word(claims("nobody-here", text(nonce))), nonce) == "UNLINKED"


PUBLIC = RSA_KEY.public_key().public_numbers().n.to_bytes(256, "big")
BAD_HEADS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({"alg": "none", "kid": "r"}, lambda data: b""),
    "none without a key": ({"alg": "none"}, lambda data: b""),
    "the public key as a secret": ({"alg": "HS256", "kid": "r"}, lambda data: hmac.digest(PUBLIC, data, "sha256")),
    "the key of the other kind": ({"alg": "ES256", "kid": "r"}, lambda data: es256(EC_KEY, data)),
    "RS256 under the curve's key": ({"alg": "RS256", "kid": "e"}, None),
    "a key for sealing": ({"alg": "RS256", "kid": "sealing"}, None),
    "an unknown key": ({"alg": "RS256", "kid": "x"}, None),
    "its own key inside": (
        {"alg": "ES256", "kid": "mine", "jwk": {"kty": "EC", "crv": "P-256"}}, lambda data: es256(EC_KEY, data)
    ),
    "a stranger's signature": (
        {"alg": "RS256", "kid": "r"}, lambda data: rs256(rsa.generate_private_key(65537, 2048), data)
    ),
    "no signature": ({"alg": "RS256", "kid": "r"}, lambda data: b""),
    "critical": ({"alg": "RS256", "kid": "r", "crit": ["x"], "x": 1}, None),
}  # fmt: skip
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "issuer": {"iss": "https://other.example"}, "no issuer": {"iss": None},
    "audience": {"aud": "another"}, "audiences": {"aud": ["another", "third"]}, "no audience": {"aud": None},
    "expired": {"exp": int(time.time()) - 120}, "no end": {"exp": None}, "end as a text": {"exp": "tomorrow"},
    "from the future": {"iat": int(time.time()) + 3600}, "no beginning": {"iat": None},
    "nonce": {"nonce": "another"}, "no nonce": {"nonce": None}, "no subject": {"sub": None},
}  # fmt: skip


@pytest.mark.parametrize("name", [*BAD_HEADS, *BAD_CLAIMS])
def test_a_word_that_does_not_hold_is_refused_twice(linked: services.NewUser, name: str) -> None:
    nonce = bytes(services.call("access_provider_riddle")[0][0])
    said = claims(f"sub-{linked.username}", text(nonce), **BAD_CLAIMS.get(name, {}))
    head, sign = BAD_HEADS.get(name, (None, None))
    assert both(word(said, head, sign), nonce) == (False, "REFUSED")


def test_what_the_database_alone_refuses(linked: services.NewUser, world: World, root: psycopg.Connection) -> None:
    subject = f"sub-{linked.username}"

    def fresh(**more: Any) -> str:
        nonce = bytes(services.call("access_provider_riddle")[0][0])
        return opened(word(claims(subject, text(nonce), **more)), nonce)

    assert fresh(aud=[CLIENT, "another"]) == "REFUSED"  # two audiences and nobody named as the party
    assert fresh(aud=[CLIENT, "another"], azp="another") == "REFUSED"
    assert fresh(aud=[CLIENT, "another"], azp=CLIENT) == "OK"
    mine = b"n" * 32
    assert opened(word(claims(subject, text(mine))), mine) == "REFUSED"  # a riddle that was never given out
    assert opened("..", mine) == "REFUSED" and opened("e30.e30.", mine) == "REFUSED"
    root.execute("UPDATE access_provider SET demanded_class = 'loa2' WHERE ended_at IS NULL")
    assert fresh() == "REFUSED" and fresh(acr="loa1") == "REFUSED" and fresh(acr="loa2") == "OK"
    root.execute("UPDATE access_provider SET demanded_class = '' WHERE ended_at IS NULL")
    with services.scoped(world.tokens["admin"]):
        provider.unlink(username=linked.username, at=NOW)
    assert fresh() == "UNLINKED"


def test_the_web_role_puts_no_keys_and_nobody_links_herself(linked: services.NewUser, staff, world: World) -> None:  # type: ignore[no-untyped-def]
    with services.scoped(world.tokens["admin"]):
        for name, values in (
            ("access_provider_keys", (ISSUER, json.dumps({"keys": []}))), ("access_provider_end", (NOW,)),
            ("access_provider_set", (ISSUER, CLIENT, "t", None, "a", "e", "k", json.dumps({"keys": []}), "", NOW)),
        ):  # fmt: skip
            with pytest.raises(DatabaseError, match="permission denied for function"), transaction.atomic():
                services.call(name, *values)
    made, token = staff()
    with services.scoped(token), pytest.raises(services.PermissionMissing):
        provider.link(username=made.username, subject="x", at=NOW)
    with services.scoped(world.tokens["admin"]):
        me = selectors.me()
        assert me is not None
        with pytest.raises(services.PermissionMissing):
            provider.link(username=me.username, subject="x", at=NOW)
    with services.scoped(world.tokens["admin"]), pytest.raises(OfficeRefused):
        provider.link(username=made.username, subject=f"sub-{linked.username}", at=NOW)  # another's subject
