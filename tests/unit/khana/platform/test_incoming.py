"""When a request has its turn, when it is refused, and which connections are ended: on counts made by hand."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from khana.platform.connections import Counts, Held, allowance, judge
from khana.platform.incoming import Reception, Ticket, aside

FIRST = 20.0


def counts(received: int = 0, sent: int = 0, *, received_at: float = 0.0, sent_at: float = 0.0, waiting: int = 0,
           acknowledged: int = 0) -> Counts:  # fmt: skip
    return Counts(received, sent, acknowledged, waiting, received_at, sent_at)


def ended_at(looks: list[tuple[float, Counts]], tickets: list[Ticket], address: str = "10.0.0.1") -> float | None:
    """Return when a connection is ended that is looked at so often."""
    held = Held(address, looks[0][0])
    return next((now for now, one in looks if judge(held, one, tickets, now, FIRST)), None)


def test_a_body_that_comes_a_byte_at_a_time_is_ended() -> None:
    looks = [(float(t), counts(300 + t, received_at=float(t))) for t in range(1, 60)]
    assert ended_at(looks, [Ticket("10.0.0.1", 1.0)]) == 22.0


@settings(max_examples=50)
@given(rate=st.integers(600, 100_000), size=st.integers(1_000, 5_000_000))
def test_an_honest_slow_upload_is_not_ended(rate: int, size: int) -> None:
    """Over the least rate for as long as it takes, then a minute of work, then the answer."""
    done = size / rate
    looks = [(t * done / 40, counts(int(size * t / 40), received_at=t * done / 40)) for t in range(1, 41)]
    looks += [(done + t, counts(size, received_at=done)) for t in range(1, 60)]
    looks.append((done + 61, counts(size, 900, received_at=done, sent_at=done + 60.5)))
    assert ended_at(looks, [Ticket("10.0.0.1", 0.0, arrived=done)]) is None


def test_what_falls_silent_is_ended_and_what_is_at_work_is_not() -> None:
    """Two of one address: the body of one never comes, the other is whole and works for long."""
    tickets = [Ticket("10.0.0.1", 1.0), Ticket("10.0.0.1", 9.0, arrived=9.0)]
    silent = [(float(t), counts(400, received_at=1.0)) for t in range(1, 60)]
    at_work = [(float(t), counts(700, received_at=9.0)) for t in range(9, 90)]
    assert ended_at(silent, tickets) == pytest.approx(1.0 + allowance(400, FIRST), abs=1.01)
    assert ended_at(at_work, tickets) is None
    assert ended_at(silent, [], "10.0.0.2") is None  # waits for a thread; headers have a time of their own


def test_a_connection_that_says_nothing_is_ended_and_one_kept_alive_is_not() -> None:
    assert ended_at([(float(t), counts()) for t in range(60)], []) == 21.0
    alive = [(float(t), counts(500, 900, received_at=1.0, sent_at=1.1)) for t in range(1, 300)]
    assert ended_at(alive, []) is None


def test_an_answer_that_is_read_too_slowly_is_ended() -> None:
    def looks(rate: int) -> list[tuple[float, Counts]]:
        return [
            (float(t), counts(500, 9_000_000, received_at=1.0, sent_at=float(t), waiting=9_000_000, acknowledged=rate * t))
            for t in range(1, 120)
        ]  # fmt: skip

    assert ended_at(looks(10), []) == 22.0
    assert ended_at(looks(2_000), []) is None


class Answer:
    """An application that remembers what it was given."""

    streaming = False

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.statuses: list[str] = []
        self.most = self.now = 0
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.bodies.append(environ["wsgi.input"].read())
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        start_response("200 OK", [])
        return [b"yes"]

    def start(self, status: str, _headers: list[tuple[str, str]]) -> None:
        self.statuses.append(status)


@pytest.mark.parametrize(
    ("stated", "body", "status"),
    [
        ("3", b"abc", "200 OK"),
        ("0", b"", "200 OK"),
        ("3000000", b"x" * 3_000_000, "200 OK"),
        ("4", b"abc", "408 Request Timeout"),
        ("3000000", b"x" * 2_000_000, "408 Request Timeout"),
        ("-1", b"", "400 Bad Request"),
        ("1e3", b"", "400 Bad Request"),
        ("99999999999", b"", "413 Content Too Large"),
    ],
)
def test_a_body_is_there_whole_or_not_at_all(stated: str, body: bytes, status: str) -> None:
    answer, reception = Answer(), Reception()
    environ = {"CONTENT_LENGTH": stated, "wsgi.input": io.BytesIO(body), "REMOTE_ADDR": "10.0.0.1"}
    list(reception.wrap(answer)(environ, answer.start))
    assert answer.statuses == [status]
    assert answer.bodies == ([body] if status == "200 OK" else [])
    assert reception.seen() == []


def test_few_work_at_once_and_slow_bodies_of_one_address_are_counted() -> None:
    answer, reception = Answer(), Reception(turns=2, slow_of_one=3)
    threads = [
        threading.Thread(target=lambda: list(reception.wrap(answer)({"wsgi.input": io.BytesIO()}, answer.start)))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answer.most == 2 and len(answer.statuses) == 12
    for number in range(3):
        reception.tickets[-number] = Ticket("10.0.0.9", time.monotonic() - 10)
    for address, status in (("10.0.0.9", "503 Service Unavailable"), ("10.0.0.8", "200 OK")):
        environ = {"CONTENT_LENGTH": "1", "wsgi.input": io.BytesIO(b"x"), "REMOTE_ADDR": address}
        list(reception.wrap(answer)(environ, answer.start))
        assert answer.statuses[-1] == status


def test_who_waits_for_another_system_holds_no_turn() -> None:
    """One turn: while the first request waits for somebody else, the second is answered."""
    reception, gone = Reception(turns=1), threading.Event()

    def slow(_environ: dict[str, Any], _start: Any) -> list[bytes]:
        with aside():
            assert gone.wait(10)
        return [b"late"]

    answer = Answer()
    first = threading.Thread(target=lambda: list(reception.wrap(slow)({}, answer.start)))
    first.start()
    list(reception.wrap(answer)({"wsgi.input": io.BytesIO()}, answer.start))
    assert answer.statuses == ["200 OK"]
    gone.set()
    first.join(10)
    assert not first.is_alive() and reception._turns.qsize() == 1
    with aside():  # no request is at work here
        assert reception._turns.qsize() == 1
