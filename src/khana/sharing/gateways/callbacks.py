"""Send one signed message to a partner's call-back address: resolved once, no redirect, a short time, little read.

The connection is made to the very address that was looked at; TLS is held to the host's name.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from khana.sharing import addresses
from khana_methods.errors import Unavailable

SECONDS = 10.0
_READ = 64 * 1024


class PartnerDidNotAnswer(Unavailable):
    """The partner's system did not take the message; it can be sent again."""

    code: ClassVar[str] = "sharing.callback.not_taken"


def send(uri: str, body: Mapping[str, Any], *, hosts: Sequence[str], signature: str = "") -> int:
    """Send a message; return the HTTP status of a taken one.

    Raises:
        CallbackRefused: The address is none of the partner's, or leads inside.
        PartnerDidNotAnswer: No connection, no answer in time, or a status that is not 2xx.
    """
    target = addresses.resolve(uri, hosts)
    headers = {"Content-Type": "application/json", "Host": _host(target), "User-Agent": "khana"}
    if signature:
        headers["Signature"] = signature
    connection = http.client.HTTPConnection(target.host, target.port, timeout=SECONDS)
    try:
        opened = socket.create_connection((target.ip, target.port), timeout=SECONDS)
        if target.scheme == "https":
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=target.host)
        connection.sock = opened
        connection.request("POST", target.path, json.dumps(body, ensure_ascii=False).encode(), headers)
        answer = connection.getresponse()
        answer.read(_READ)
    except (OSError, http.client.HTTPException) as error:
        raise PartnerDidNotAnswer("The partner's system did not answer.") from error
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise PartnerDidNotAnswer(f"The partner's system answered {answer.status}.", status=answer.status)
    return answer.status


def _host(target: addresses.Target) -> str:
    usual = {"http": 80, "https": 443}[target.scheme]
    return target.host if target.port == usual else f"{target.host}:{target.port}"
