"""The web server with a certificate of its own, started as `khana up` starts it: TLS 1.3 and nothing older, HSTS, safe cookies."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from khana.interfaces.cli import supervisor

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


def certificate(folder: Path) -> tuple[str, str]:
    """Make a certificate of localhost; return where it and its key are."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "chain.pem"), str(folder / "key.pem")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    folder = tmp_path_factory.mktemp("tls")
    chain, key = certificate(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {
        **os.environ,
        "KHANA_ENV": "production",
        "KHANA_VAR": str(folder / "var"),
        "KHANA_DB_ROLE": "web",
        "PYTHONPATH": SOURCE,
    }
    words = supervisor.web_command(host="127.0.0.1", port=port, tls_certificate=chain, tls_key=key)
    server = subprocess.Popen(
        words, env=given, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    for _ in range(450):  # a busy machine starts it in a minute
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 or server.poll() is not None:
                break
        time.sleep(0.2)
    yield port, chain
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:  # it waits for connections that stay open
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=10)


def asked(port: int, chain: str, path: str) -> http.client.HTTPResponse:
    context = ssl.create_default_context(cafile=chain)
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_the_server_speaks_new_tls_alone(served: tuple[int, str]) -> None:
    port, chain = served
    answer = asked(port, chain, "/my-file")
    assert answer.status == 200, "over TLS no page is redirected: the application knows that it is asked by TLS"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert answer.headers["Set-Cookie"].startswith("__Host-csrftoken=") and "Secure" in answer.headers["Set-Cookie"]
    assert asked(port, chain, "/.well-known/jwks.json").status == 200
    context = ssl.create_default_context(cafile=chain)
    with context.wrap_socket(
        socket.create_connection(("localhost", port), timeout=10), server_hostname="localhost"
    ) as line:
        assert line.version() == "TLSv1.3" and line.cipher()[0] in (
            "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256",
        )  # fmt: skip
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(socket.create_connection(("localhost", port), timeout=10), server_hostname="localhost")
    with socket.create_connection(("localhost", port), timeout=10) as plain:  # what is not TLS gets no page
        plain.sendall(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" not in plain.recv(4096)


def _told(port: int, chain: str, message: bytes) -> tuple[list[int], bool]:
    """Send bytes on one connection; return the status of each answer, and whether the server closed it."""
    context = ssl.create_default_context(cafile=chain)
    got, is_closed = b"", False
    with context.wrap_socket(
        socket.create_connection(("localhost", port), timeout=10), server_hostname="localhost"
    ) as line:
        line.sendall(message)
        line.settimeout(5)
        try:
            while piece := line.recv(65536):
                got += piece
            is_closed = True
        except TimeoutError:
            pass
        except (ConnectionError, ssl.SSLError):
            is_closed = True
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", got)], is_closed


def test_boundaries_of_messages_are_not_in_doubt(served: tuple[int, str]) -> None:
    """What could end in two places is refused, or ends where its chunks end and the connection with it."""
    port, chain = served
    hidden = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
    start = b"POST /nothing-here HTTP/1.1\r\nHost: localhost\r\n"
    body = b"0\r\n\r\n" + hidden
    both = start + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body) + body
    answers, is_closed = _told(port, chain, both)
    assert len(answers) == 1 and is_closed, "what is hidden behind it is never answered"
    twice = start + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    assert _told(port, chain, twice) == ([400], True)
    for odd in (b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Content-Length: +5", b"Content-Length : 5",
                b"Content-Length: 0x5", b"X: a\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding : chunked"):  # fmt: skip
        assert _told(port, chain, start + odd + b"\r\n\r\n" + body) == ([400], True), odd
