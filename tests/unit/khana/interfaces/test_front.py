"""Before a request is read: whose word about the asker counts, which methods exist, and how a program without TLS is told."""

from __future__ import annotations

import io
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.test import override_settings

from khana.interfaces import front


def environ(**more: str) -> dict[str, Any]:
    made: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.7", "wsgi.input": io.BytesIO(), **more}
    setup_testing_defaults(made)
    return made


def answer(app: Any, **more: str) -> tuple[str, dict[str, str], bytes]:
    told: list[Any] = []
    body = b"".join(app(environ(HTTP_HOST="localhost", **more), lambda status, headers: told.append((status, headers))))
    return told[0][0], dict(told[0][1]), body


@pytest.mark.parametrize(
    ("peer", "forwarded", "scheme", "seen", "over"),
    [
        ("203.0.113.7", "198.51.100.1", "https", "203.0.113.7", "http"),  # no proxy of ours: she writes what she likes
        ("127.0.0.1", "198.51.100.1", "https", "198.51.100.1", "https"),  # the proxy of this machine
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "https", "198.51.100.1", "https"),  # what she wrote herself stands left
        ("10.1.2.3", "198.51.100.1, 10.9.9.9", "https", "198.51.100.1", "https"),  # two proxies of ours
        ("10.1.2.3", "not an address", "gopher", "10.1.2.3", "http"),
        ("127.0.0.1", "", "", "127.0.0.1", "http"),
    ],
)
def test_a_stranger_cannot_name_her_own_address(
    monkeypatch: pytest.MonkeyPatch, peer: str, forwarded: str, scheme: str, seen: str, over: str
) -> None:
    monkeypatch.setenv("KHANA_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
    given = environ(REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded, HTTP_X_FORWARDED_PROTO=scheme,
                    HTTP_X_REAL_IP="6.6.6.6", HTTP_X_FORWARDED_HOST="evil.example", HTTP_FORWARDED="for=6.6.6.6")  # fmt: skip
    front.settle(given)
    assert (given["REMOTE_ADDR"], given["wsgi.url_scheme"]) == (seen, over)
    assert not [name for name in given if "FORWARDED" in name or "REAL_IP" in name]


def test_methods_and_lengths_that_do_not_exist_here() -> None:
    from khana_settings.wsgi import application

    for method in ("TRACE", "TRACK", "CONNECT", "PROPFIND", "get"):
        status, headers, body = answer(application, REQUEST_METHOD=method, PATH_INFO="/sign-in")
        assert (status[:3], headers["Allow"].count("GET")) == ("405", 1) and b"sign-in" not in body
    for length, code in (("99999999999999", "413"), ("-1", "400"), ("1e3", "400")):
        assert answer(application, REQUEST_METHOD="POST", PATH_INFO="/sign-in", CONTENT_LENGTH=length)[0][:3] == code


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_program_without_tls_is_told_and_not_redirected() -> None:
    from django.core.handlers.wsgi import WSGIHandler

    from khana_settings.wsgi import MachineHandler

    status, headers, body = answer(MachineHandler(), PATH_INFO="/.well-known/jwks.json")
    assert status[:3] == "403" and "Location" not in headers and b"api.tls_needed" in body
    assert answer(MachineHandler(), PATH_INFO="/.well-known/jwks.json", **{"wsgi.url_scheme": "https"})[0][:3] == "200"
    status, headers, _ = answer(WSGIHandler(), PATH_INFO="/sign-in")
    assert (status[:3], headers["Location"]) == ("301", "https://localhost/sign-in")
