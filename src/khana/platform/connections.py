"""Connections that are slow on purpose are ended: a request, or the reading of an answer, has a time and a least rate.

A web server thread that waits for a body cannot be told to stop, but the connection below it can be ended. One thread of each
web process looks at its connections every second, by what the kernel counts of each (TCP_INFO): nothing is added to a request.
Linux 4.19 or newer; elsewhere, and for more than one machine's strength, a proxy in front must do it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from khana.platform.incoming import Ticket, first_seconds

PRESSED_SECONDS = 5.0  # before the least rate counts, while half of the readers wait for bodies
LEAST_RATE = 500.0  # bytes a second, once the first seconds are over
EVERY = 1.0
_BEFORE, _AFTER = 0.5, 5.0  # how far apart the last byte and the arrival of one request may be noted
_INFO = 216
_ESTABLISHED = 1
_OPEN = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Counts:
    """What the kernel counts of one connection: bytes, and the moments (monotonic) of the last byte each way."""

    received: int
    sent: int
    acknowledged: int
    waiting: int
    received_at: float
    sent_at: float


@dataclass(slots=True)
class Held:
    """What one look remembers of a connection for the next."""

    address: str
    seen_at: float
    asked_at: float | None = None
    asked_from: int = 0
    idle_received: int = 0
    sending_at: float | None = None
    sending_from: int = 0


def allowance(count: int, first: float, rate: float = LEAST_RATE) -> float:
    """Return the seconds that so many bytes may take.

    Examples:
        >>> allowance(5_000, 20.0)
        30.0
    """
    return first + count / rate


def judge(held: Held, counts: Counts, tickets: Sequence[Ticket], now: float, first: float) -> bool:
    """Say whether a connection is to be ended, and remember in `held` what the next look needs.

    A request is on the way from its first byte until bytes go back. It is too slow where a byte came after its allowance;
    or where it stopped coming, one of its address is still waited for, and it is none of those that are whole and at work.
    An answer is too slow where what is acknowledged lags behind the allowance.

    Args:
        held: What is remembered of the connection.
        counts: What the kernel says now.
        tickets: The requests in this process.
        now: Seconds of the monotonic clock.
        first: Seconds before the least rate counts.
    """
    is_sending = counts.waiting > 0
    if is_sending and held.sending_at is None:
        held.sending_at, held.sending_from = now, counts.acknowledged
    if not is_sending:
        held.sending_at = None
    elif held.sending_at is not None and now - held.sending_at > allowance(
        counts.acknowledged - held.sending_from, first
    ):
        return True
    if counts.received == 0 and counts.sent == 0:
        return now - held.seen_at > first
    is_asked = counts.received > 0 and (counts.sent == 0 or counts.received_at > counts.sent_at)
    if not is_asked:
        held.asked_at, held.idle_received = None, counts.received
        return False
    if held.asked_at is None:
        held.asked_at, held.asked_from = now, held.idle_received
    allowed = allowance(counts.received - held.asked_from, first)
    if counts.received_at - held.asked_at > allowed:
        return True
    own = [one for one in tickets if one.address == held.address]
    is_waited_for = any(one.arrived is None and now - one.since > first for one in own)
    is_at_work = any(one.arrived is not None and -_BEFORE <= one.arrived - counts.received_at <= _AFTER for one in own)
    return now - held.asked_at > allowed and is_waited_for and not is_at_work


@dataclass
class Watch:
    """Looks at the connections that this process has on one port."""

    port: int
    tickets: Callable[[], Sequence[Ticket]]
    is_pressed: Callable[[], bool] = bool
    first: float = field(default_factory=first_seconds)
    ended: int = 0
    _held: dict[int, Held] = field(default_factory=dict)
    _others: set[int] = field(default_factory=set)

    def look(self) -> int:
        """Look at every connection once; return how many were ended."""
        now, tickets, marks, ended = time.monotonic(), self.tickets(), set(), 0
        first = min(self.first, PRESSED_SECONDS) if self.is_pressed() else self.first
        for name in os.listdir(_OPEN):  # noqa: PTH208 - names alone
            with contextlib.suppress(OSError):
                found = os.fstat(int(name))
                if not stat.S_ISSOCK(found.st_mode) or found.st_ino in self._others:
                    continue
                marks.add(found.st_ino)
                ended += self._judge(int(name), found.st_ino, tickets, now, first)
        self._held = {mark: held for mark, held in self._held.items() if mark in marks}
        if len(self._others) > 1024:
            self._others.clear()
        self.ended += ended
        return ended

    def _judge(self, descriptor: int, mark: int, tickets: Sequence[Ticket], now: float, first: float) -> bool:
        with _copy(descriptor) as line:  # the number may be another's by now: the mark tells
            if os.fstat(line.fileno()).st_ino != mark:
                return False
            if line.family not in (socket.AF_INET, socket.AF_INET6) or line.getsockname()[1] != self.port:
                self._others.add(mark)
                return False
            counts = _counts(line, now)
            if counts is None:
                return False
            held = self._held.get(mark)
            if held is None:
                held = self._held[mark] = Held(str(line.getpeername()[0]), now)
            if not judge(held, counts, tickets, now, first):
                return False
            line.shutdown(socket.SHUT_RDWR)
            return True


def _copy(descriptor: int) -> socket.socket:
    """Return a socket of our own over the same connection."""
    number = os.dup(descriptor)
    try:
        return socket.socket(fileno=number)
    except OSError:
        os.close(number)
        raise


def _counts(line: socket.socket, now: float) -> Counts | None:
    """Return what the kernel counts (struct tcp_info of linux/tcp.h), None for a listener or a closed connection."""
    info = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(info) < _INFO or info[0] != _ESTABLISHED:
        return None
    (unacknowledged,) = struct.unpack_from("=I", info, 24)
    (since_sent,) = struct.unpack_from("=I", info, 44)
    (since_received,) = struct.unpack_from("=I", info, 52)
    acknowledged, received = struct.unpack_from("=QQ", info, 120)
    (unsent,) = struct.unpack_from("=I", info, 144)
    sent, again = struct.unpack_from("=QQ", info, 200)
    return Counts(
        received=received, sent=sent - again + unsent, acknowledged=acknowledged, waiting=unacknowledged + unsent,
        received_at=now - since_received / 1000, sent_at=now - since_sent / 1000,
    )  # fmt: skip


def watch(
    port: int, tickets: Callable[[], Sequence[Ticket]], is_pressed: Callable[[], bool] = bool
) -> threading.Thread | None:
    """Look at the connections of this process for as long as it lives; None where the kernel does not count them."""
    if not hasattr(socket, "TCP_INFO") or not _OPEN.is_dir():
        return None
    watcher = Watch(port, tickets, is_pressed)

    def run() -> None:
        while True:
            time.sleep(EVERY)
            with contextlib.suppress(OSError):
                watcher.look()

    thread = threading.Thread(target=run, name="connections", daemon=True)
    thread.start()
    return thread
