"""Send one message to another system: a time for the whole of it, little read back, tried again with patience.

No redirect is followed. `Pace` holds a rate; a system that says when to come back (Retry-After) is obeyed where
the wait is short, else the caller is told to come back later.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

from khana.platform.incoming import aside
from khana_methods.errors import InputError, Unavailable

SECONDS = 15.0
MOST_BYTES = 4 * 1024 * 1024
LONGEST_WAIT = 60.0
FIRST_WAIT = 0.5
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class AddressBad(InputError):
    """The address is no http(s) address, or not https in production."""

    code: ClassVar[str] = "platform.outgoing.address_bad"


class NoAnswer(Unavailable):
    """The other system did not answer in time, or not to the end."""

    code: ClassVar[str] = "platform.outgoing.no_answer"


class Busy(Unavailable):
    """The other system asks to come back later, or fails each time."""

    code: ClassVar[str] = "platform.outgoing.busy"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Pace:
    """At most so many messages a second, in one process; whoever comes too early waits."""

    per_second: float
    wait: Callable[[float], None] = time.sleep
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> None:
        """Wait for the next place."""
        if self.per_second <= 0:
            return
        with self._lock:
            now = time.monotonic()
            start = max(now, self._next)
            self._next = start + 1.0 / self.per_second
        if start > now:
            self.wait(start - now)


def check_address(url: str) -> None:
    """Raise unless a message may be sent to an address.

    Raises:
        AddressBad: See there.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressBad("The address cannot be read.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or port == 0 or len(url) > 500:
        raise AddressBad("An address is http or https, with a host and without a password.")
    if any(ord(sign) < 33 for sign in url):
        raise AddressBad("The address holds a control character or a blank.")
    if os.environ.get("KHANA_ENV") == "production" and parts.scheme != "https":
        raise AddressBad("In production an address must be https.")


def get(url: str, *, headers: Mapping[str, str], seconds: float = SECONDS) -> Answer:
    """Ask for what stands at an address, once; as `post`, without a body."""
    return _send("GET", url, None, headers, seconds)


def post(url: str, body: bytes, *, headers: Mapping[str, str], seconds: float = SECONDS) -> Answer:
    """Send a message once.

    Args:
        url: Where.
        body: What.
        headers: Beside the usual ones.
        seconds: For the whole of it: a system that answers a byte at a time is cut off.

    Raises:
        AddressBad: The address may not be used.
        NoAnswer: No connection, no answer in time, or too much of it.
    """
    return _send("POST", url, body, headers, seconds)


def _send(method: str, url: str, body: bytes | None, headers: Mapping[str, str], seconds: float) -> Answer:
    check_address(url)
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), parts.port, timeout=seconds)
    cut = threading.Timer(seconds, _cut, [connection])
    cut.daemon = True
    cut.start()
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with aside():
            answer, content, given = _ask(connection, method, path, body, headers)
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError, AttributeError) as error:
        raise NoAnswer("The other system did not answer in time.") from error
    finally:
        cut.cancel()
        connection.close()
    if len(content) > MOST_BYTES or len(content) < int(given.get("content-length") or 0):
        raise NoAnswer("The answer of the other system is too large, or was cut off.")
    return Answer(answer.status, given, content)


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[http.client.HTTPResponse, bytes, dict[str, str]]:
    connection.request(method, path, body, {"User-Agent": "khana", **headers})
    answer = connection.getresponse()
    content = answer.read(MOST_BYTES + 1)
    return answer, content, {name.lower(): value for name, value in answer.getheaders()}


def _cut(connection: http.client.HTTPConnection) -> None:
    held = connection.sock
    if held is not None:
        with contextlib.suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that an answer asks to wait, None where it does not.

    Examples:
        >>> asked_wait({"retry-after": "7"}, 0.0)
        7.0
        >>> asked_wait({"retry-after": "Thu, 01 Jan 1970 00:00:09 GMT"}, 4.0)
        5.0

    Source:
        RFC 9110, section 10.2.3.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError):
        return None


def post_patiently(
    url: str, body: bytes, *, headers: Mapping[str, str], pace: Pace, tries: int = 4, seconds: float = SECONDS
) -> Answer:
    """Send a message, and again where the other system is slow, away or asks to wait.

    Args:
        url: Where.
        body: What.
        headers: Beside the usual ones.
        pace: Taken before each try; its `wait` is how waiting is done.
        tries: At most so often; waits double from half a second.
        seconds: For the whole of one try.

    Returns:
        The first answer that is neither 429 nor a failure of the other side (5xx).

    Raises:
        NoAnswer: It never answered.
        Busy: It failed each time, or asks to wait longer than a minute; `details.retry_after` says how long.
    """
    failure: Unavailable = NoAnswer("The other system did not answer in time.")
    for attempt in range(max(1, tries)):
        pace.take()
        rest = FIRST_WAIT * 2**attempt
        try:
            answer = post(url, body, headers=headers, seconds=seconds)
        except NoAnswer as error:
            failure = error
        else:
            if answer.status not in AGAIN:
                return answer
            asked = asked_wait(answer.headers, time.time())
            failure = Busy(
                f"The other system answered {answer.status}.", status=answer.status, retry_after=asked or rest
            )
            if asked is not None and asked > LONGEST_WAIT:
                raise failure
            rest = rest if asked is None else asked
        if attempt + 1 < tries:
            pace.wait(rest)
    raise failure
