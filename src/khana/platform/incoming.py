"""Requests as they come in: one begins to work when the whole of it is here, and few work at once.

The web server hands a request over when its headers are read; its body may still be on the way, for hours if somebody wants
that. So bodies are read by many cheap threads that do nothing else, and a request takes one of a few turns when it is whole.
How long it may be on the way is decided by `connections`, which ends the connection itself.
"""

from __future__ import annotations

import io
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

THREADS = 128  # of one process of the web server
TURNS = 4  # that work at once: more wait for one another (`bench/lookup.py`)
READERS = 112  # that wait for bodies at once; the other threads answer what has none
SLOW_OF_ONE = 12  # bodies of one address that are on the way for longer than a moment
MOMENT = 3.0
IN_MEMORY = 1024 * 1024
PIECE = 256 * 1024
MOST_BYTES = 4 * 1024**3

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def first_seconds() -> float:
    """Return how many seconds a request may take to come in before a least rate counts (`KHANA_ARRIVE_SECONDS`)."""
    try:
        return min(600.0, max(1.0, float(os.environ.get("KHANA_ARRIVE_SECONDS", "20"))))
    except ValueError:
        return 20.0


@dataclass(slots=True)
class Ticket:
    """One request in this process: whose, since when, and when the whole of it was here; in seconds of the monotonic clock."""

    address: str
    since: float
    arrived: float | None = None


_mine = threading.local()


@contextmanager
def aside() -> Iterator[None]:
    """Give the turn of this thread's request to another while it waits for somebody else; take one again afterwards.

    Does nothing where no request is at work: in commands and jobs.
    """
    turns: SimpleQueue[None] | None = getattr(_mine, "turns", None)
    if turns is None:
        yield
        return
    turns.put(None)
    try:
        yield
    finally:
        turns.get()


class Reception:
    """Reads bodies, gives turns, and knows which requests are in this process."""

    def __init__(self, *, turns: int = TURNS, readers: int = READERS, slow_of_one: int = SLOW_OF_ONE) -> None:
        """Set how many work at once, how many are read at once, and how many slow ones one address may have."""
        self.tickets: dict[int, Ticket] = {}
        self._turns: SimpleQueue[None] = SimpleQueue()
        for _ in range(turns):
            self._turns.put(None)
        self._readers, self._slow_of_one = readers, slow_of_one
        self._reading = 0
        self._lock = threading.Lock()

    def seen(self) -> list[Ticket]:
        """Return the requests that are in this process now."""
        return list(self.tickets.values())

    def is_pressed(self) -> bool:
        """Say whether half of the readers are waiting for bodies: then the slow get less time."""
        return self._reading * 2 > self._readers

    def wrap(self, application: Application) -> Application:
        """Return an application that reads the body first and then waits for a turn."""

        def received(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
            ticket = Ticket(str(environ.get("REMOTE_ADDR", "")), time.monotonic())
            self.tickets[id(ticket)] = ticket
            try:
                refused = self._read(ticket, environ)
                if refused:
                    return _refuse(start_response, refused)
                ticket.arrived = time.monotonic()
                self._turns.get()
                _mine.turns = self._turns
                try:
                    return _whole(application(environ, start_response))
                finally:
                    _mine.turns = None
                    self._turns.put(None)
            finally:
                del self.tickets[id(ticket)]

        return received

    def _read(self, ticket: Ticket, environ: Environ) -> str:
        """Bring the body in; return the status of a refusal, or an empty text."""
        stated = environ.get("CONTENT_LENGTH") or "0"
        if not (stated.isascii() and stated.isdecimal()):
            return "400 Bad Request"
        wanted = int(stated)
        if wanted == 0:
            return ""
        if wanted > MOST_BYTES:
            return "413 Content Too Large"
        with self._lock:
            if self._reading >= self._readers or self._slow(ticket) >= self._slow_of_one:
                return "503 Service Unavailable"
            self._reading += 1
        try:
            body, found = _bring(environ["wsgi.input"], wanted)
        finally:
            with self._lock:
                self._reading -= 1
        if found < wanted:
            return "408 Request Timeout"
        environ["wsgi.input"] = body
        return ""

    def _slow(self, ticket: Ticket) -> int:
        line = ticket.since - MOMENT
        return sum(one.arrived is None and one.since < line and one.address == ticket.address for one in self.seen())


def _bring(source: Any, wanted: int) -> tuple[Any, int]:
    if wanted <= IN_MEMORY:
        data = source.read(wanted)
        return io.BytesIO(data), len(data)
    body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as its request; has no name
    found = 0
    while found < wanted:
        data = source.read(min(PIECE, wanted - found))
        if not data:
            break
        body.write(data)
        found += len(data)
    body.seek(0)
    return body, found


def _whole(answer: Iterable[bytes]) -> Iterable[bytes]:
    """Return an answer that is finished as one list, so that it goes out at once; a stream stays one."""
    if getattr(answer, "streaming", True):
        return answer
    try:
        return [b"".join(answer)]
    finally:
        answer.close()  # type: ignore[attr-defined]


def _refuse(start_response: Callable[..., Any], status: str) -> list[bytes]:
    text = f"{status[4:]}\n".encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(text))), ("Connection", "close")]
    if status.startswith("503"):
        headers.append(("Retry-After", "10"))
    start_response(status, headers)
    return [text]
