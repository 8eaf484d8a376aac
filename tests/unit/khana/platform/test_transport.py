"""How other machines are reached: the database by checked TLS, agencies by https alone, and no redirect is followed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from khana.platform import embedded, outgoing
from khana.sharing import addresses
from khana.sharing.gateways import callbacks


@pytest.mark.parametrize(
    ("address", "env", "wanted"),
    [
        ("postgresql://khana@db.example/khana", "production", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("postgresql://khana@db.example/khana?sslrootcert=/etc/ca.pem", "production", {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}),
        ("postgresql://khana@db.example/khana?sslmode=require", "production", {"sslmode": "require"}),
        ("postgresql://khana@localhost/khana", "production", {}),
        ("postgresql://khana@/khana?host=/run/postgresql", "production", {}),
        ("postgresql://khana@db.example/khana", "development", {}),
    ],
)  # fmt: skip
def test_a_database_on_another_machine_is_asked_by_tls(
    monkeypatch: pytest.MonkeyPatch, address: str, env: str, wanted: dict[str, str]
) -> None:
    monkeypatch.setenv("KHANA_DATABASE_URL", address)
    monkeypatch.setenv("KHANA_ENV", env)
    assert embedded.transport() == wanted
    for role in ("web", "worker"):
        assert {k: v for k, v in embedded.connection_parameters(role).items() if k.startswith("ssl")} == wanted


def test_addresses_of_production_are_https(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KHANA_ENV", "production")
    with pytest.raises(outgoing.AddressBad):
        outgoing.check_address("http://registry.example/search")
    with pytest.raises(addresses.CallbackRefused):
        addresses.allow("http://partner.example/back", ["partner.example"])
    outgoing.check_address("https://registry.example/search")
    addresses.allow("https://partner.example/back", ["partner.example"])


class _Elsewhere(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(307)
        self.send_header("Location", "/stolen")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Elsewhere)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_calls_out_follow_no_redirect(monkeypatch: pytest.MonkeyPatch, elsewhere: str) -> None:
    monkeypatch.setenv("KHANA_CALLBACK_LOOPBACK", "1")
    answer = outgoing.post(f"http://{elsewhere}/one", b"{}", headers={})
    assert answer.status == 307
    with pytest.raises(callbacks.PartnerDidNotAnswer):
        callbacks.send(f"http://{elsewhere}/two", {}, hosts=[elsewhere])
    assert _Elsewhere.asked == ["/one", "/two"]
