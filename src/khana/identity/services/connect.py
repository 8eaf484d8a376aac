"""Connect an authority that can be asked about numbers; its keys and secrets go to files, its terms to the database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.identity import authorities
from khana.identity.authorities import AuthorityWrong
from khana.identity.gateways.mosip import read_credentials
from khana.identity.models import Authority
from khana.platform import outgoing


@dataclass(frozen=True)
class Terms:
    """How an authority is asked."""

    code: str
    kind: str
    title: str = ""
    address: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    per_second: float = 5.0
    batch_size: int = 100
    tries: int = 4
    timeout_seconds: float = 15.0
    max_age_days: int = 365
    needs_consent: bool = False


@transaction.atomic
def connect(*, terms: Terms, secrets: Mapping[str, bytes] | None = None, at: datetime) -> str:
    """Connect an authority, or change how a connected one is asked; needs `identity.write` for the whole country.

    Args:
        terms: See there.
        secrets: Name to content, for kinds that need them; kept in files of the owner alone.
        at: When.

    Returns:
        Its code.

    Raises:
        AuthorityWrong: A code, kind or number is not as it may be.
        AddressBad: The address cannot be used.
        CertificatesMissing: Keys of a MOSIP service are missing or damaged.
    """
    access.require("identity.write", everywhere=True)
    _check(terms)
    needed = authorities.SECRETS.get(terms.kind, ())
    if secrets and needed:
        read_credentials(secrets, misp_key="", partner="", api_key="")
    for name, content in (secrets or {}).items():
        if name not in needed:
            raise AuthorityWrong(f"An authority of the kind {terms.kind} has no secret '{name}'.")
        _keep(terms.code, name, content)
    values = {
        "kind": terms.kind, "title": terms.title or terms.code, "base_url": terms.address, "settings": dict(terms.settings),
        "per_second": terms.per_second, "batch_size": terms.batch_size, "tries": terms.tries,
        "timeout_seconds": terms.timeout_seconds, "max_age_days": terms.max_age_days,
        "needs_consent": terms.needs_consent,
    }  # fmt: skip
    known = Authority.objects.filter(code=terms.code).first()
    if known is None:
        Authority.objects.create(code=terms.code, created_at=at, **values)
    elif known.kind != terms.kind:
        raise AuthorityWrong("An authority keeps its kind: close it and connect another code.")
    else:
        values.pop("kind")
        Authority.objects.filter(pk=known.pk).update(closed_at=None, **values)
    audit.record(action="identity.authority_connected", subject=f"authority:{terms.code}",
                 details={"kind": terms.kind, "secrets": sorted(secrets or {})}, at=at)  # fmt: skip
    return terms.code


@transaction.atomic
def change(*, code: str, per_second: float, max_age_days: int, needs_consent: bool, at: datetime) -> str:
    """Change how a known authority is asked and leave everything else as it is; a closed one is open again.

    Args:
        code: Of an authority that was connected once.
        per_second: Most requests a second.
        max_age_days: How many days an answer counts.
        needs_consent: Ask only about people who gave a code for it.
        at: When.

    Raises:
        AuthorityUnknown: None of that code was ever connected.
        AuthorityWrong: A number is out of its range.
    """
    access.require("identity.write", everywhere=True)
    known = Authority.objects.filter(code=code).first()
    if known is None:
        raise authorities.AuthorityUnknown(f"No authority '{code}' was connected.", authority=code)
    terms = Terms(
        code=known.code, kind=known.kind, title=known.title, address=known.base_url, settings=known.settings, per_second=per_second,
        batch_size=known.batch_size, tries=known.tries, timeout_seconds=known.timeout_seconds, max_age_days=max_age_days,
        needs_consent=needs_consent,
    )  # fmt: skip
    return connect(terms=terms, at=at)


@transaction.atomic
def close(*, code: str, at: datetime) -> None:
    """Ask an authority no more; its answers stay."""
    access.require("identity.write", everywhere=True)
    authority = authorities.get(code)
    Authority.objects.filter(pk=authority.pk).update(closed_at=at)
    audit.record(action="identity.authority_closed", subject=f"authority:{code}", at=at)


def _check(terms: Terms) -> None:
    if not authorities.CODE.fullmatch(terms.code):
        raise AuthorityWrong("A code has small letters, digits and hyphens, 2 to 41 of them.")
    if terms.kind not in Authority.Kind.values:
        raise AuthorityWrong(f"There is no kind '{terms.kind}'. Kinds are: {', '.join(Authority.Kind.values)}.")
    if not (0 < terms.per_second <= 10_000 and 1 <= terms.batch_size <= 5_000 and 1 <= terms.tries <= 10
            and 0 < terms.timeout_seconds <= 300 and 1 <= terms.max_age_days <= 36_500):  # fmt: skip
        raise AuthorityWrong("A rate, size, count, time or age is out of its range.")
    if terms.kind == Authority.Kind.MOSIP:
        outgoing.check_address(terms.address)
    if terms.kind == Authority.Kind.DCI and not terms.settings.get("registry"):
        raise AuthorityWrong("A DCI authority names the registry that is asked (`khana registries add`).")


def _keep(code: str, name: str, content: bytes) -> None:
    path = authorities.secret_path(code, name)
    temporary = path.with_suffix(f".{os.getpid()}.new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(content)
    temporary.replace(path)
