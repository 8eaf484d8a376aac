"""Where a call-back may go: hosts that the partner's officer named, at public addresses, nowhere else.

A name is resolved once and the connection is made to that very address, so that it cannot change in between.
Loopback is open only where `KHANA_CALLBACK_LOOPBACK=1` says so (a trial on one machine).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from khana_methods.errors import InputError

_USUAL = {"http": 80, "https": 443}


class CallbackRefused(InputError):
    """The call-back address is none of the partner's hosts, or no public address."""

    code: ClassVar[str] = "err.sender_uri.invalid"


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked at: connect to `ip`, and to nothing else."""

    scheme: str
    host: str
    port: int
    path: str
    ip: str


def host_of(uri: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of an address.

    Raises:
        CallbackRefused: It is no http(s) address, bears a name and password, or is too long.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port or _USUAL.get(parts.scheme, 0)
    except ValueError as error:
        raise CallbackRefused("The call-back address is none.") from error
    if parts.scheme not in _USUAL or not parts.hostname or parts.username or parts.password or len(uri) > 500:
        raise CallbackRefused("A call-back address is http or https, with a host and without a password.")
    if any(ord(sign) < 33 for sign in uri):
        raise CallbackRefused("The call-back address holds a control character or a blank.")
    return parts.scheme, parts.hostname.lower(), port, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def allow(uri: str, hosts: Sequence[str]) -> None:
    """Raise unless an address is on one of a partner's hosts; nothing is resolved.

    Raises:
        CallbackRefused: It is not.
    """
    scheme, host, port, _path = host_of(uri)
    named = {host if ":" not in host else f"[{host}]"}
    wanted = {f"{one}:{port}" for one in named} | (named if port == _USUAL[scheme] else set())
    if not wanted & {one.lower() for one in hosts}:
        raise CallbackRefused("The call-back address is on none of the hosts that were agreed with you.")
    if os.environ.get("KHANA_ENV") == "production" and scheme != "https":
        raise CallbackRefused("A call-back address must be https.")


def resolve(uri: str, hosts: Sequence[str]) -> Target:
    """Look an address up once and return where to connect.

    Raises:
        CallbackRefused: It is none of the partner's, resolves to nothing, or to any address that is not public.
    """
    allow(uri, hosts)
    scheme, host, port, path = host_of(uri)
    try:
        found = {str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise CallbackRefused("The host of the call-back address cannot be found.") from error
    if not found or not all(_is_open(one) for one in found):
        raise CallbackRefused("The call-back address leads to an internal address.")
    return Target(scheme, host, port, path, sorted(found)[0])


def _is_open(text: str) -> bool:
    address = ipaddress.ip_address(text.split("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_loopback:
        return os.environ.get("KHANA_CALLBACK_LOOPBACK") == "1"
    return address.is_global and not address.is_multicast
