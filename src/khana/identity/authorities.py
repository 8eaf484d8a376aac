"""Authorities that can be asked: what is configured, and the gateway behind each; secrets come from files.

Kept in the folder `secrets` of the installation, never in the database: `authority-CODE-NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from khana.identity.gateways.dci import DciAuthority, Search
from khana.identity.gateways.mosip import MosipIda, read_credentials
from khana.identity.gateways.offline import OfflineExtract
from khana.identity.gateways.protocol import AuthorityGateway
from khana.identity.models import Authority, ExtractLoad
from khana.platform import outgoing, places
from khana_methods.errors import InputError, NotConfigured, NotFound

Connected = Authority  # the name under which workflows know one
# makes the way of sending DCI messages to a registry, by its code: passed down by a workflow
Searcher = Callable[[str, outgoing.Pace, int, float], Search]
SECRETS = {"MOSIP": ("sign_key", "sign_certificate", "ida_certificate", "misp_key", "api_key")}
CODE = re.compile(r"[a-z0-9][a-z0-9-]{1,40}")


class AuthorityUnknown(NotFound):
    """No authority of that code is configured, or it is closed."""

    code: ClassVar[str] = "identity.authority.unknown"


class AuthorityWrong(InputError):
    """What is said of an authority cannot be used."""

    code: ClassVar[str] = "identity.authority.wrong"


class SecretMissing(NotConfigured):
    """A secret of an authority is not in its file."""

    code: ClassVar[str] = "identity.authority.secret_missing"


def get(code: str) -> Authority:
    """Return an open authority.

    Raises:
        AuthorityUnknown: There is none.
    """
    found = Authority.objects.filter(code=code, closed_at__isnull=True).first()
    if found is None:
        raise AuthorityUnknown(
            f"No authority '{code}' is connected. `khana identity authorities` lists them.", authority=code
        )
    return found


def is_offline(authority: Authority) -> bool:
    """Say whether an authority is asked in the database, within the scope."""
    return authority.kind == Authority.Kind.OFFLINE


def list_authorities() -> list[dict[str, Any]]:
    """Return what is configured, by code; no secret."""
    return [
        {
            "authority": one.code, "title": one.title, "kind": one.kind, "address": one.base_url,
            "per_second": one.per_second, "max_age_days": one.max_age_days, "needs_consent": one.needs_consent,
            "state": "closed" if one.closed_at else "open",
        }
        for one in Authority.objects.order_by("code")
    ]  # fmt: skip


def list_extracts() -> list[dict[str, Any]]:
    """Return the newest extract of each register that an authority of the kind OFFLINE answers from: rows and age."""
    newest = ExtractLoad.objects.order_by("register", "-id").distinct("register")
    return [{"register": one.register, "rows": one.rows, "as_of": one.as_of} for one in newest]


@lru_cache(maxsize=32)
def _pace(code: str, per_second: float) -> outgoing.Pace:
    return outgoing.Pace(per_second)


def secret_path(code: str, name: str) -> Any:
    """Return where a secret of an authority lies."""
    return places.folder("secrets") / f"authority-{code}-{name}"


def _secrets(code: str, names: tuple[str, ...]) -> Mapping[str, bytes]:
    found = {}
    for name in names:
        path = secret_path(code, name)
        if not path.exists():
            raise SecretMissing(
                f"The secret '{name}' of the authority '{code}' is missing: give it with `khana identity connect`.",
                authority=code, secret=name,
            )  # fmt: skip
        found[name] = path.read_bytes()
    return found


def gateway(authority: Authority, *, searcher: Searcher | None = None) -> AuthorityGateway:
    """Return the adapter of an authority.

    Raises:
        SecretMissing, CertificatesMissing: It cannot be asked as it is configured.
    """
    if authority.kind == Authority.Kind.OFFLINE:
        return OfflineExtract()
    pace = _pace(authority.code, authority.per_second)
    if authority.kind == Authority.Kind.MOSIP:
        held = _secrets(authority.code, SECRETS["MOSIP"])
        credentials = read_credentials(
            held, misp_key=held["misp_key"].decode().strip(), partner=str(authority.settings.get("partner", "")),
            api_key=held["api_key"].decode().strip(),
        )  # fmt: skip
        return MosipIda(
            authority.base_url, credentials, settings=authority.settings, pace=pace, tries=authority.tries,
            seconds=authority.timeout_seconds,
        )  # fmt: skip
    if searcher is None:
        raise SecretMissing(
            "This authority is asked through a registry that is not connected.", authority=authority.code
        )
    registry = str(authority.settings.get("registry", ""))
    search = searcher(registry, pace, authority.tries, authority.timeout_seconds)
    return DciAuthority(search, settings=authority.settings)
