"""Passkeys of staff: made on a page from a fresh session, and a way in that needs no password and no code.

The device checks its owner (user verification is demanded) and signs a riddle of the database for one host name. What the browser
sends is checked twice: here by a library, with the address of the page, and in the database, which alone opens the session
(decision 0034). Only what stands in the public half is kept; one-time codes stay beside it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from django.db import connection, transaction
from fido2.cose import ES256, RS256, CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from khana.access.functions import call
from khana.access.selectors import Me
from khana.access.services import SESSION_LENGTH, SignInRefused
from khana.platform import keys
from khana_methods.errors import InputError

_ALGORITHMS: dict[int, str] = {ES256.ALGORITHM: "ES256", RS256.ALGORITHM: "RS256"}
_EXPONENT = 65537
_BROKEN = (
    ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, OverflowError, struct.error,
    UnsupportedAlgorithm, InvalidSignature,
)  # fmt: skip
_REFUSED = "This passkey does not open the door. Try again, or sign in with your password."


class PasskeyWrong(InputError):
    """What the browser sent is not a passkey for this address, or not one whose device checked its owner."""

    code: ClassVar[str] = "access.passkey.wrong"


class PasskeyRefused(SignInRefused):
    """The passkey is unknown, removed, of another address, or did not sign what was asked."""

    code: ClassVar[str] = "access.passkey.refused"


@dataclass(frozen=True)
class Passkey:
    """One passkey in use."""

    id: int
    name: str
    domain: str
    made_at: datetime
    used_at: datetime | None


@dataclass(frozen=True)
class Asked:
    """What a browser is asked: the options for it as JSON, and the riddle that its answer must hold."""

    options: str
    riddle: str


def is_possible(origin: str) -> bool:
    """Say whether a browser makes passkeys for a page of this address: a host name, over TLS or on one's own machine.

    Examples:
        >>> is_possible("https://khana.gov.example"), is_possible("http://localhost:8000"), is_possible("http://127.0.0.1")
        (True, True, False)
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_number = ":" in host or host.replace(".", "").isdigit()
    return not is_number and (parts.scheme == "https" or host == "localhost")


def _server(origin: str) -> Fido2Server:
    party = PublicKeyCredentialRpEntity(name="Khana", id=str(urlsplit(origin).hostname))
    server = Fido2Server(
        party, AttestationConveyancePreference.NONE, verify_origin=lambda said: said.rstrip("/") == origin
    )
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=number) for number in _ALGORITHMS
    ]
    server.timeout = 120_000  # type: ignore[assignment]
    return server


def ask_for_new(*, me: Me, origin: str) -> Asked:
    """Return what the browser is asked to make a passkey with, for the actor in scope.

    Args:
        me: The actor.
        origin: Address of the pages: scheme, host and port.

    Raises:
        OfficeRefused: Her session is older than a quarter of an hour, or is none of a page.
    """
    riddle = bytes(call("access_passkey_new_riddle")[0][0])
    known = [
        PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=bytes(row[5]))
        for row in call("access_passkeys", "")
    ]
    # the device keeps this beside the key: nothing that tells who she is
    user = PublicKeyCredentialUserEntity(
        id=keys.pseudonym("passkey", str(me.id)), name=me.username, display_name=me.display_name
    )
    options, _ = _server(origin).register_begin(
        user,
        known,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=riddle,
    )
    return Asked(json.dumps(dict(options)), websafe_encode(riddle))


@transaction.atomic
def add(*, answer: Mapping[str, Any], riddle: str, origin: str, name: str, at: datetime) -> int:
    """Keep the public half of a passkey that the actor's device just made; return its number.

    Args:
        answer: What the browser sent.
        riddle: What it was asked, from her own session.
        origin: Address of the pages.
        name: What she calls the device.
        at: When.

    Raises:
        PasskeyWrong: It answers another riddle, another address, or its device did not check its owner.
        OfficeRefused: The riddle is used or old, the passkey is known already, or she has ten.
    """
    if not name.strip():
        raise PasskeyWrong("Give the passkey a name by which you know the device.")
    try:
        state = {"challenge": riddle, "user_verification": UserVerificationRequirement.REQUIRED}
        made = _server(origin).register_complete(state, answer)
        held = made.credential_data
        if held is None:
            raise ValueError
        algorithm, public_key = _plain(held.public_key)
    except _BROKEN as error:
        raise PasskeyWrong("The browser did not send a passkey for this address. Try again.") from error
    domain = str(urlsplit(origin).hostname)
    arguments = (websafe_decode(riddle), held.credential_id, algorithm, public_key, made.counter, domain)
    return int(call("access_passkey_add", *arguments, name.strip()[:60], at)[0][0])


def _plain(key: CoseKey) -> tuple[str, bytes]:
    """Return the algorithm and the public key as the database keeps it."""
    algorithm = _ALGORITHMS[key[3]]
    if algorithm == "ES256":
        if key[-1] != 1:
            raise ValueError("another curve")
        return algorithm, key[-2].rjust(32, b"\0") + key[-3].rjust(32, b"\0")
    if int.from_bytes(key[-2], "big") != _EXPONENT:
        raise ValueError("another exponent")
    return algorithm, key[-1].lstrip(b"\0")


def _cose(algorithm: str, public_key: bytes) -> CoseKey:
    if algorithm == "ES256":
        return ES256({1: 2, 3: ES256.ALGORITHM, -1: 1, -2: public_key[:32], -3: public_key[32:]})
    return RS256({1: 3, 3: RS256.ALGORITHM, -1: public_key, -2: _EXPONENT.to_bytes(3, "big")})


def ask_to_sign_in(*, origin: str) -> Asked:
    """Return what the browser is asked to sign in with; any passkey of this address may answer."""
    riddle = bytes(call("access_passkey_riddle")[0][0])
    options, _ = _server(origin).authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED, challenge=riddle
    )
    return Asked(json.dumps(dict(options)), websafe_encode(riddle))


def sign_in(*, answer: Mapping[str, Any], riddle: str, origin: str) -> str:
    """Open a session for the holder of a passkey; return its token.

    Args:
        answer: What the browser sent.
        riddle: What it was asked, from the same browser's cookie.
        origin: Address of the pages.

    Raises:
        RuntimeError: It runs inside a transaction: what is refused must stay written down.
        PasskeyRefused: Anything about it is wrong, or the passkey is removed, or its user closed.
    """
    if connection.in_atomic_block:
        raise RuntimeError("sign_in must not run inside a transaction: a rollback would forget what was refused")
    credential, client, device, signature = b"", b"", b"", b""
    try:
        said = AuthenticationResponse.from_dict(answer)
        credential = bytes(said.raw_id)
        found = call("access_passkey_find", credential)
        if found:
            algorithm, public_key = str(found[0][0]), bytes(found[0][1])
            held = AttestedCredentialData.create(Aaguid.NONE, credential, _cose(algorithm, public_key))
            state = {"challenge": riddle, "user_verification": UserVerificationRequirement.REQUIRED}
            _server(origin).authenticate_complete(state, [held], said)
            client, device = bytes(said.response.client_data), bytes(said.response.authenticator_data)
            signature = _raw(algorithm, bytes(said.response.signature))
    except _BROKEN:
        client, device, signature = b"", b"", b""  # the database writes the refusal down
    ((outcome, token),) = call("access_open_by_passkey", credential, client, device, signature, SESSION_LENGTH)
    if outcome != "OK":
        raise PasskeyRefused(_REFUSED)
    return str(token)


def _raw(algorithm: str, signature: bytes) -> bytes:
    if algorithm != "ES256":
        return signature
    first, second = decode_dss_signature(signature)
    return first.to_bytes(32, "big") + second.to_bytes(32, "big")


def passkeys(username: str = "") -> list[Passkey]:
    """Return the passkeys in use of a user; one's own where no name is given."""
    return [Passkey(*row[:5]) for row in call("access_passkeys", username)]


@transaction.atomic
def remove(*, passkey: int, at: datetime) -> None:
    """Take a passkey out of use: one's own, or anybody's for who keeps users."""
    call("access_passkey_remove", passkey, at)
