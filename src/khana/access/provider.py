"""Sign-in by the government's OpenID Connect provider: code flow with PKCE, for staff whom an officer has linked.

The provider never makes a user and gives no role. Its address, who we are to it and its keys stand in the database, put there by
who keeps users or by the worker; the secret is closed with the key ring. Its word is checked twice: here by a library, and in the
database, which alone opens the session (OpenID Connect Core 1.0, 3.1.3.7; RFC 7636; RFC 9207; decision 0034).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from django.db import connection, transaction
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from khana.access import client_proof
from khana.access.functions import call
from khana.access.services import SESSION_LENGTH, SignInRefused, require
from khana.platform import keys, outgoing
from khana_methods.errors import InputError, NotConfigured, Unavailable

ALGORITHMS = ["RS256", "ES256"]
LEEWAY = 60
_PUBLIC = ("kty", "kid", "use", "alg", "crv", "n", "e", "x", "y")
_SECONDS = 8.0
_waiting = threading.BoundedSemaphore(6)  # each holds a connection to the database: the others must keep some


class ProviderWrong(InputError):
    """What the provider says of itself does not fit: another issuer, no PKCE, no algorithm that we take."""

    code: ClassVar[str] = "access.provider.wrong"


class NoProvider(NotConfigured):
    """No provider is set."""

    code: ClassVar[str] = "access.provider.none"


class ProviderAway(Unavailable):
    """The provider does not answer, or answers with a failure."""

    code: ClassVar[str] = "access.provider.away"


class ProviderRefused(SignInRefused):
    """The provider said no, or its word does not hold."""

    code: ClassVar[str] = "access.provider.refused"


class NotLinked(SignInRefused):
    """The provider knows her, but no officer has said who she is here."""

    code: ClassVar[str] = "access.provider.not_linked"


@dataclass(frozen=True)
class Provider:
    """The provider in force."""

    issuer: str
    client: str
    title: str
    secret_ciphertext: bytes | None
    authorise_url: str
    exchange_url: str
    keys_url: str
    keys: Mapping[str, Any]
    keys_at: datetime
    demanded_class: str


@dataclass(frozen=True)
class Asked:
    """One way to the provider and back: where to send the browser, and what its session must remember."""

    address: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Link:
    """Who a user is at a provider."""

    issuer: str
    subject: str
    made_at: datetime
    used_at: datetime | None


def in_force() -> Provider | None:
    """Return the provider in force, or None."""
    found = call("access_provider_now")
    if not found:
        return None
    row = list(found[0])
    row[3] = bytes(row[3]) if row[3] is not None else None
    row[7] = row[7] if isinstance(row[7], dict) else json.loads(row[7])
    return Provider(*row)


def _fetch(url: str) -> dict[str, Any]:
    answer = outgoing.get(url, headers={"Accept": "application/json"}, seconds=_SECONDS)
    if answer.status != 200:
        raise ProviderAway(f"The provider answered {answer.status}.", status=answer.status)
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise ProviderWrong("The provider did not send JSON.") from error
    if not isinstance(found, dict):
        raise ProviderWrong("The provider did not send a JSON object.")
    return found


def _fetch_keys(url: str) -> dict[str, Any]:
    listed = _fetch(url).get("keys")
    kept = [{name: key[name] for name in _PUBLIC if name in key} for key in listed or [] if isinstance(key, dict)]
    if not any(key.get("kty") in ("RSA", "EC") and key.get("use", "sig") == "sig" for key in kept):
        raise ProviderWrong("The provider publishes no key for RS256 or ES256.")
    return {"keys": kept}


@transaction.atomic
def configure(*, issuer: str, client: str, secret: str, title: str, demanded_class: str = "", at: datetime) -> Provider:
    """Set the provider: read what it says of itself, fetch its keys, keep the secret closed. The one before ends.

    Needs `users.manage` for the whole country, and the role of the worker: it is a command, never a page.

    Args:
        issuer: Its address, exactly as its tokens name it.
        client: Who we are to it.
        secret: What proves that: a secret, or a private key in PEM (RSA from 2048 bits, or P-256) with which we sign, so that no
            secret ever leaves (`private_key_jwt`); empty for a public client, which has PKCE alone.
        title: What the button on the sign-in page says.
        demanded_class: The only authentication class (`acr`) that counts; every one where empty.
        at: When.

    Raises:
        ProviderWrong: It names another issuer, knows no PKCE with S256, or none of RS256 and ES256.
        KeyWrong: The key is none that we can sign with, or the provider takes no signature of such a key.
        ProviderAway: It failed to answer.
        PermissionMissing: The actor may not.
    """
    require("users.manage", everywhere=True)
    said = _fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if said.get("issuer") != issuer:
        raise ProviderWrong("The provider names another issuer than the one that you gave. They must be the same text.")
    if "S256" not in said.get("code_challenge_methods_supported", []):
        raise ProviderWrong("The provider does not offer PKCE with S256 (code_challenge_methods_supported).")
    if not set(ALGORITHMS) & set(said.get("id_token_signing_alg_values_supported", [])):
        raise ProviderWrong("The provider signs with neither RS256 nor ES256.")
    addresses = [said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    for address in addresses:
        if not isinstance(address, str):
            raise ProviderWrong("The provider does not name its endpoints.")
        outgoing.check_address(address)
    found = _fetch_keys(str(addresses[2]))
    if client_proof.is_key(secret):
        client_proof.check(secret, said)
    closed = keys.encrypt(secret) if secret else None
    call(
        "access_provider_set", issuer, client, title.strip()[:60], closed, *addresses, json.dumps(found),
        demanded_class, at,
    )  # fmt: skip
    held = in_force()
    if held is None:
        raise NoProvider("No provider is set.")
    return held


def public_key() -> dict[str, Any] | None:
    """Return the public half of the key that we sign with, to be registered at the provider; None where we do not sign."""
    held = in_force()
    if held is None or held.secret_ciphertext is None:
        return None
    return client_proof.public_key(keys.decrypt(held.secret_ciphertext).decode())


@transaction.atomic
def end(*, at: datetime) -> None:
    """Take the provider out of use; links stay for the case that it comes back."""
    call("access_provider_end", at)


def refresh() -> bool:
    """Fetch the keys of the provider anew; say whether there is one. The worker does it every ten minutes."""
    held = in_force()
    if held is None:
        return False
    found = _fetch_keys(held.keys_url)
    with transaction.atomic():
        return bool(call("access_provider_keys", held.issuer, json.dumps(found))[0][0])


def ask(*, back: str) -> Asked:
    """Return where to send a browser that wants to sign in, with a riddle of the database inside.

    Args:
        back: The address on our side to which the provider sends her back; it must know it.

    Raises:
        NoProvider: None is set.
    """
    held = in_force()
    if held is None:
        raise NoProvider("No provider is set. Sign in with your password.")
    nonce, state, verifier = (
        _text(call("access_provider_riddle")[0][0]),
        secrets.token_urlsafe(32),
        secrets.token_urlsafe(48),
    )
    asked = {
        "response_type": "code", "client_id": held.client, "redirect_uri": back, "scope": "openid", "state": state,
        "nonce": nonce, "code_challenge": _text(hashlib.sha256(verifier.encode()).digest()), "code_challenge_method": "S256",
    }  # fmt: skip
    if held.demanded_class:
        asked["acr_values"] = held.demanded_class
    joint = "&" if "?" in held.authorise_url else "?"
    return Asked(f"{held.authorise_url}{joint}{urlencode(asked)}", state, nonce, verifier)


def sign_in(*, answer: Mapping[str, str], asked: Asked, back: str) -> str:
    """Open a session on the provider's word; return its token.

    Args:
        answer: What the browser brought back.
        asked: What this browser's session remembers.
        back: The address to which it was sent back.

    Raises:
        RuntimeError: It runs inside a transaction: what is refused must stay written down.
        ProviderRefused: The state is another's, she or the provider said no, or anything about its word is wrong.
        NotLinked: No officer has linked her.
        ProviderAway: It does not answer.
    """
    if connection.in_atomic_block:
        raise RuntimeError("sign_in must not run inside a transaction: a rollback would forget what was refused")
    held = in_force()
    if held is None:
        raise NoProvider("No provider is set. Sign in with your password.")
    if not asked.state or not secrets.compare_digest(answer.get("state", ""), asked.state):
        raise ProviderRefused("This way to the provider was not begun here, or was used already. Begin again.")
    if answer.get("iss", held.issuer) != held.issuer or not answer.get("code"):
        raise ProviderRefused("The provider did not let you in. Begin again, or sign in with your password.")
    word = _exchange(held, answer["code"], asked.verifier, back)
    if not is_sound(word, held, asked.nonce):
        word = ".."  # the database writes the refusal down
    signed, _, signature = word.rpartition(".")
    ((outcome, token),) = call(
        "access_open_by_provider", signed, _bytes(signature), _bytes(asked.nonce), SESSION_LENGTH
    )
    if outcome == "UNLINKED":
        raise NotLinked("The provider knows you, but you are not linked to a user here. Ask your administrator.")
    if outcome != "OK":
        raise ProviderRefused("The word of the provider does not hold. Begin again, or sign in with your password.")
    return str(token)


def _exchange(held: Provider, code: str, verifier: str, back: str) -> str:
    """Return the identity token that the provider gives for a code; RFC 6749, 4.1.3 with 2.3.1, or RFC 7523, 2.2."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if held.secret_ciphertext is None:
        form["client_id"] = held.client
    else:
        secret = keys.decrypt(held.secret_ciphertext).decode()
        if client_proof.is_key(secret):
            form |= client_proof.signed(secret, client=held.client, issuer=held.issuer)
        else:
            pair = f"{quote(held.client, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    if not _waiting.acquire(blocking=False):
        raise ProviderAway("The provider is slow. Try again in a moment, or sign in with your password.")
    try:
        answer = outgoing.post(held.exchange_url, urlencode(form).encode(), headers=headers, seconds=_SECONDS)
    finally:
        _waiting.release()
    if answer.status >= 500:
        raise ProviderAway(
            "The provider does not answer. Try again, or sign in with your password.", status=answer.status
        )
    try:
        word = json.loads(answer.body).get("id_token")
    except (ValueError, AttributeError, RecursionError):
        word = None
    if answer.status != 200 or not isinstance(word, str) or len(word) > 20_000:
        raise ProviderRefused("The provider did not let you in. Begin again, or sign in with your password.")
    return word


def is_sound(word: str, held: Provider, nonce: str) -> bool:
    """Say whether an identity token is signed by the provider, for us, now, and for this riddle."""
    try:
        ring = KeySet.import_key_set(dict(held.keys))  # type: ignore[arg-type]
        token = jwt.decode(word, ring, algorithms=ALGORITHMS, registry=JWSRegistry(algorithms=ALGORITHMS))
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": held.issuer},
            aud={"essential": True, "value": held.client},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError):
        return False
    return True


def _text(data: bytes | memoryview) -> str:
    return base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


@transaction.atomic
def link(*, username: str, subject: str, at: datetime) -> int:
    """Say who a user is at the provider; the link that she had there ends. Nobody links herself.

    Args:
        username: Who she is here.
        subject: Who she is there: the text that the provider's tokens name her by (`sub`).
        at: When.

    Raises:
        ProviderWrong: The subject is empty.
        AccessNotFound: No such user, or no provider is set.
        OfficeRefused: Another user is linked to it.
    """
    if not subject.strip():
        raise ProviderWrong("Say by which text the provider names the user (its sub).")
    return int(call("access_link", username, subject.strip()[:255], at)[0][0])


@transaction.atomic
def unlink(*, username: str, at: datetime) -> None:
    """End the link of a user; sessions that are open stay until they end or she is closed."""
    call("access_unlink", username, at)


def links(username: str) -> list[Link]:
    """Return who a user is at providers; needs `users.read`."""
    return [Link(*row) for row in call("access_links", username)]
