"""Clients that are slow on purpose, against the web server as `khana up` starts it: others are answered, they are ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from khana.interfaces.cli.supervisor import web_command
from tests.conftest import REPOSITORY

FIRST = 3


@pytest.fixture(scope="module")
def port(database: str) -> Iterator[int]:
    """Start the web server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    kept = os.environ["KHANA_ARRIVE_SECONDS"] = str(FIRST)
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "src"),
        "KHANA_DB_ROLE": "web",
        "KHANA_ARRIVE_SECONDS": kept,
    }
    server = subprocess.Popen(web_command(host="127.0.0.1", port=number, log_level="error"), env=environment)
    del os.environ["KHANA_ARRIVE_SECONDS"]
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                if ask(number, "GET", "/health")[0] == 200:
                    break
            time.sleep(0.1)
        for _ in range(12):  # both processes have loaded what they need
            ask(number, "POST", "/oauth2/client/token", b"grant_type=x")
        yield number
    finally:
        server.terminate()
        server.wait(20)


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, float]:
    """Ask as an honest client; return the status and how long it took."""
    begun = time.monotonic()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request(method, path, body, headers or {})
    status = line.getresponse().status
    line.close()
    return status, time.monotonic() - begun


def attack(port: int, first: bytes, host: str = "127.0.0.2") -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(host, 0))
    line.sendall(first)
    return line


def is_ended(line: socket.socket) -> bool:
    """Say whether the other side has ended it; what it sent before is read away."""
    line.settimeout(0.01)
    try:
        while line.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_others_are_answered_while_many_are_slow_and_the_slow_are_ended(port: int) -> None:
    head = b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n"
    silent = [attack(port, head + b"\r\nx", f"127.0.0.{2 + n % 9}") for n in range(90)]
    headers = [attack(port, head + b"X-A: b", "127.0.0.20") for _ in range(30)]
    mute = [attack(port, b"", "127.0.0.21") for _ in range(30)]
    dripping = [attack(port, head + b"\r\n", f"127.0.0.{2 + n % 9}") for n in range(10)]
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.3):
            for line in dripping + headers:
                with contextlib.suppress(OSError):
                    line.sendall(b"y")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        answers = [ask(port, "GET", "/health") for _ in range(20)]
        posts = [ask(port, "POST", "/oauth2/client/token", b"grant_type=x") for _ in range(5)]
        assert {status for status, _ in answers} == {200}
        assert all(400 <= status < 500 for status, _ in posts), posts
        assert max(seconds for _, seconds in answers + posts) < FIRST, [round(s, 2) for _, s in answers + posts]
        until = time.monotonic() + 4 * FIRST + 15
        slow = silent + headers + mute + dripping
        while slow and time.monotonic() < until:
            slow = [line for line in slow if not is_ended(line)]
            time.sleep(0.3)
        assert len(slow) == 0
    finally:
        stop.set()
        thread.join()
        for line in silent + headers + mute + dripping:
            line.close()
    assert ask(port, "GET", "/health")[0] == 200


def test_an_honest_client_on_a_bad_line_is_waited_for(port: int) -> None:
    """Longer than the first seconds, but over the least rate: the answer comes."""
    size = 8_000
    line = attack(port, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000\r\n\r\n", "127.0.0.1")
    for _ in range(20):
        line.sendall(b"z" * (size // 20))
        time.sleep(0.25)
    assert line.recv(100).startswith(b"HTTP/1.1 403")  # the page was asked without its form; it was read to the end
    line.close()


def test_a_body_that_is_not_wanted_is_refused_at_once(port: int) -> None:
    line = attack(
        port, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999999\r\n\r\n", "127.0.0.1"
    )
    assert line.recv(100).startswith(b"HTTP/1.1 413")
    line.close()
