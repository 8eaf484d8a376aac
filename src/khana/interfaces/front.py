"""What is settled before a request is read: its method, and who stands in front of us.

Headers that a proxy sets (`X-Forwarded-For`, `X-Forwarded-Proto`) count from the addresses of `KHANA_TRUSTED_PROXIES`
alone (this machine, where nothing is named); from anybody else they are taken away, so that nobody writes her own
address into the limits or calls a plain connection secure. TRACE and its like do not exist here.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

Environ = dict[str, Any]
Start = Callable[..., Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SET_BY_PROXIES = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP", "HTTP_FORWARDED",
)  # fmt: skip


@lru_cache(maxsize=8)
def _networks(named: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in named.split(",") if part.strip())


def _is_trusted(text: str, networks: Iterable[Network]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def client_of(peer: str, forwarded: str, networks: Iterable[Network]) -> str:
    """Return the address of who asks: the last one in the chain that is no proxy of ours.

    What stands further left was written by the asker herself and is not believed.

    Examples:
        >>> ours = (ipaddress.ip_network("10.0.0.0/8"),)
        >>> client_of("10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", ours)
        '203.0.113.9'
        >>> client_of("203.0.113.9", "1.2.3.4", ours)
        '203.0.113.9'
        >>> client_of("10.0.0.1", "nonsense", ours)
        '10.0.0.1'
    """
    held = tuple(networks)
    found = peer
    for text in reversed(forwarded.split(",")):
        if not _is_trusted(found, held):
            break
        try:
            found = str(ipaddress.ip_address(text.strip()))
        except ValueError:
            break
    return found


def settle(environ: Environ) -> None:
    """Take over what a trusted proxy says of the asker and of TLS; take the headers away from everybody else."""
    networks = _networks(os.environ.get("KHANA_TRUSTED_PROXIES", "127.0.0.1,::1"))
    given = {name: str(environ.pop(name, "")) for name in _SET_BY_PROXIES}
    peer = str(environ.get("REMOTE_ADDR", ""))
    if not _is_trusted(peer, networks):
        return
    environ["REMOTE_ADDR"] = client_of(peer, given["HTTP_X_FORWARDED_FOR"], networks)
    scheme = given["HTTP_X_FORWARDED_PROTO"].split(",")[-1].strip().lower()
    if scheme in ("http", "https"):
        environ["wsgi.url_scheme"] = scheme


def refused(environ: Environ, start_response: Start) -> Iterable[bytes] | None:
    """Answer a method that does not exist here; how long a body may be is said by `khana.platform.incoming`."""
    if environ.get("REQUEST_METHOD") not in METHODS:
        return _plain(start_response, "405 Method Not Allowed", ("Allow", ", ".join(sorted(METHODS))))
    return None


def _plain(start_response: Start, status: str, *more: tuple[str, str]) -> Iterable[bytes]:
    body = status.encode()
    start_response(
        status,
        [
            ("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            *more,
        ],
    )  # fmt: skip
    return [body]
