"""Connect a partner's system, renew its secret and keys, close it.

A partner acts as a user of its own with the role `partner`, which reads nothing; what it may read comes with an
agreement. Its client secret is shown once and kept as a hash; of its keys only public halves are taken.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from django.db import transaction
from joserfc.jwk import RSAKey

from khana.access import services as access
from khana.audit import services as audit
from khana.identity import civil_messages
from khana.sharing import addresses, signatures
from khana.sharing.models import Partner
from khana_methods.errors import InputError, NotFound

_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{1,60}")
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "k"}


class PartnerWrong(InputError):
    """A code, profile, key set or host of a partner is not as it should be."""

    code: ClassVar[str] = "sharing.partner.wrong"


class PartnerUnknown(NotFound):
    """There is no partner of that code."""

    code: ClassVar[str] = "sharing.partner.unknown"


@dataclass(frozen=True)
class NewPartner:
    """A partner just connected; secret and token are shown once and kept nowhere."""

    partner: str
    sender_id: str
    profile: str
    client_id: str
    client_secret: str
    access_token: str


def check_jwks(jwks: Mapping[str, Any], profile: str) -> dict[str, Any]:
    """Return a key set of public keys that can be used, or say what is wrong with it.

    Raises:
        PartnerWrong: It holds a private or shared secret, a key that cannot be read, or none that signs in the
            profile.
    """
    held = jwks.get("keys")
    if not isinstance(held, list) or not all(isinstance(key, dict) for key in held) or len(held) > 20:
        raise PartnerWrong('A key set is JSON of the form {"keys": [...]}, with at most twenty keys.')
    if any(_PRIVATE & set(key) for key in held):
        raise PartnerWrong(
            "The key set holds a private key or a shared secret. Send public keys only, and renew the others."
        )
    signing = []
    for key in held:
        try:
            read = signatures.key_of(key)
        except signatures.SignatureInvalid as error:
            raise PartnerWrong(error.message) from error
        if isinstance(read, RSAKey) and read.public_key.key_size < 2048:
            raise PartnerWrong("An RSA key needs at least 2048 bits.")
        if key.get("use", "sig") == "sig":
            signing.append(key)
    fits = [key for key in signing if profile != "cavage" or key.get("crv") == "Ed25519"]
    if held and not fits:
        raise PartnerWrong(f"No key of the set signs in the profile {profile}.")
    return {"keys": held}


def _check_hosts(hosts: Sequence[str]) -> list[str]:
    for host in hosts:
        try:
            addresses.host_of(f"https://{host}/")
        except addresses.CallbackRefused as error:
            raise PartnerWrong(f"'{host}' is no host: write it as example.org or example.org:8443.") from error
    return [host.lower() for host in hosts]


@transaction.atomic
def add(
    *,
    code: str,
    name: str,
    profile: str,
    jwks: Mapping[str, Any],
    sender_id: str = "",
    callback_hosts: Sequence[str] = (),
    join_group: str = "",
    signature_optional: bool = False,
    is_sandbox: bool = False,
    may_tell: Sequence[str] = (),
    per_second: int = 50,
    daily_calls: int = 100_000,
    at: datetime,
) -> NewPartner:
    """Connect a partner; needs `partners.manage` and `users.manage` for the whole country.

    Args:
        code: Short and stable; also the client id.
        name: Of the organisation.
        profile: `cavage`, `jws-compact` or `jws-detached`.
        jwks: Its public keys; may be empty only where the signature is optional.
        sender_id: Of its messages; the code if absent.
        callback_hosts: Where call-backs may go.
        join_group: Partners of one group share pseudonyms; only where an agreement says so.
        signature_optional: Verified where present, not asked for.
        may_tell: Kinds of civil events that are taken from it: BIRTH, DEATH, MARRIAGE, DIVORCE.
        is_sandbox: Sees made-up people only, and needs no agreement.
        per_second: Most calls a second for long.
        daily_calls: Most calls a day.
        at: When.

    Raises:
        PartnerWrong: See `check_jwks`; or no key and a signature that is not optional.
        NameTaken: The code is in use.
    """
    access.require("partners.manage", everywhere=True)
    if profile not in Partner.Profile.values:
        raise PartnerWrong(f"There is no profile '{profile}'. Profiles are: {', '.join(Partner.Profile.values)}.")
    if not _CODE.fullmatch(code):
        raise PartnerWrong("A code has small letters, digits, points and hyphens, 2 to 61 of them.")
    public = check_jwks(jwks, profile)
    if not public["keys"] and not signature_optional:
        raise PartnerWrong("A partner that must sign needs its public keys (--jwks).")
    if Partner.objects.filter(sender_id=sender_id or code).exists():
        raise access.NameTaken("A partner with this sender_id exists already.")
    made = access.add_user(
        username=f"partner-{code}", display_name=name, role="partner", kind="SYSTEM",
        token_ttl=timedelta(hours=1), at=at,
    )  # fmt: skip
    secret = secrets.token_urlsafe(32)
    Partner.objects.create(
        code=code, name=name, user_id=made.id, sender_id=sender_id or code, profile=profile, jwks=public,
        signature_optional=signature_optional, callback_hosts=_check_hosts(callback_hosts), join_group=join_group,
        is_sandbox=is_sandbox, may_tell=_check_kinds(may_tell), per_second=per_second, daily_calls=daily_calls,
        secret_hash=sha256(secret.encode()).digest(), created_at=at,
    )  # fmt: skip
    audit.record(action="sharing.partner_added", subject=f"partner:{code}", details={"profile": profile}, at=at)
    return NewPartner(code, sender_id or code, profile, code, secret, made.token)


def _check_kinds(kinds: Sequence[str]) -> list[str]:
    if unknown := sorted(set(kinds) - set(civil_messages.DATES)):
        raise PartnerWrong(f"There are no civil events of the kind {', '.join(unknown)}.")
    return sorted(set(kinds))


@transaction.atomic
def let_tell(*, code: str, kinds: Sequence[str], at: datetime) -> None:
    """Say which civil events are taken from a partner from now on; none ends it."""
    access.require("partners.manage", everywhere=True)
    partner = get(code)
    Partner.objects.filter(pk=partner.pk).update(may_tell=_check_kinds(kinds))
    audit.record(action="sharing.partner_may_tell", subject=f"partner:{code}", details={"kinds": sorted(kinds)}, at=at)


@transaction.atomic
def renew(*, code: str, jwks: Mapping[str, Any] | None, at: datetime) -> str:
    """Give a partner a new client secret, and new keys where they are sent; return the secret."""
    access.require("partners.manage", everywhere=True)
    partner = get(code)
    secret = secrets.token_urlsafe(32)
    changed = {"secret_hash": sha256(secret.encode()).digest()}
    if jwks is not None:
        changed["jwks"] = check_jwks(jwks, partner.profile)  # type: ignore[assignment]
    Partner.objects.filter(pk=partner.pk).update(**changed)
    audit.record(action="sharing.partner_renewed", subject=f"partner:{code}", details={"keys": jwks is not None}, at=at)
    return secret


@transaction.atomic
def close(*, code: str, at: datetime) -> None:
    """Close a partner with every session of its; its agreements stay written and give nothing."""
    access.require("partners.manage", everywhere=True)
    partner = get(code)
    Partner.objects.filter(pk=partner.pk).update(closed_at=at)
    access.set_active(username=f"partner-{code}", active=False, at=at)
    audit.record(action="sharing.partner_closed", subject=f"partner:{code}", at=at)


def get(code: str) -> Partner:
    """Return a partner within the scope.

    Raises:
        PartnerUnknown: There is none.
    """
    found = Partner.objects.filter(code=code).first()
    if found is None:
        raise PartnerUnknown(f"There is no partner '{code}'. `khana partners list` shows them.", partner=code)
    return found


def client_token(*, client_id: str, client_secret: str, seconds: int = 3600) -> str | None:
    """Return a token for a partner's client credentials, None where they are wrong."""
    found = access.call("sharing_client_token", client_id, client_secret, seconds)[0][0]
    return None if found is None else str(found)
