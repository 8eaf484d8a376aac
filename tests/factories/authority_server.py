"""An authority on a real local port: DCI search and MOSIP IDA, in moods: honest, slow, dripping, busy, lying.

It checks what it is sent with libraries of its own: signature, session key, ciphertext and hash.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from tests.interfaces.api.dci import Signer

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def certificate() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Return a key and a certificate that it signed for itself."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made up")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=9))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return key, made


def pem(thing: Any) -> bytes:
    if isinstance(thing, x509.Certificate):
        return thing.public_bytes(serialization.Encoding.PEM)
    held: bytes = thing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return held


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(value: str) -> bytes:
    return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))


@dataclass
class Emulator:
    """What it knows, the mood it is in, and what it was asked."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    mood: str = "honest"
    busy_for: int = 0
    signer: Signer = field(default_factory=lambda: Signer("jws-compact"))
    asked: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    times: list[float] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    address: str = ""
    on_item: Callable[[], None] | None = None
    ida: tuple[rsa.RSAPrivateKey, x509.Certificate] = field(default_factory=certificate)

    def start(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.serve(self)

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def calm(self) -> None:
        """Forget mood and counts."""
        self.mood, self.busy_for, self.requests, self.on_item = "honest", 0, 0, None
        self.asked.clear()
        self.times.clear()
        self.headers.clear()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.path == "/token":
            form = parse_qs(body.decode())
            good = form.get("client_secret") == ["s3cret"]
            return self.reply(request, 200 if good else 401, json.dumps({"access_token": "t-1", "expires_in": 600}))
        self.requests += 1
        self.times.append(time.monotonic())
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.busy_for > 0:
            self.busy_for -= 1
            return self.reply(request, 429, "{}", {"Retry-After": "0" if self.mood != "closed" else "3600"})
        if self.mood == "closed":
            return self.reply(request, 429, "{}", {"Retry-After": "3600"})
        if self.mood == "down":
            return self.reply(request, 503, "<html>")
        if self.mood == "slow":
            time.sleep(1.5)
            if self.mood != "slow":  # the test that asked is over: another's counts are not its
                return None
        if self.mood == "dripping":
            request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(40):
                time.sleep(0.05)
                request.wfile.write(b" ")
            return None
        if self.mood == "rubbish":
            return self.reply(request, 200, '{"header": [')
        if request.path.startswith("/ida/auth/"):
            return self.mosip(request, body)
        return self.dci(request, body)

    def reply(
        self, request: BaseHTTPRequestHandler, status: int, body: str, more: dict[str, str] | None = None
    ) -> None:
        content = body.encode()
        try:
            request.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **(more or {}),
            }.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(content)
        except OSError:
            pass  # the asker has given up

    # --- DCI ------------------------------------------------------------------------------------------------

    def dci(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = json.loads(body)
        answers = []
        for item in asked["message"]["search_request"]:
            number = item["search_criteria"]["query"]["value"]
            self.asked[number] += 1
            answers.append(self.item(item, number))
            if self.on_item:
                self.on_item()
        if self.mood == "answers-twice":
            answers += answers[:1]
        now = dt.datetime.now(dt.UTC).isoformat()
        message = {
            "transaction_id": asked["message"]["transaction_id"],
            "correlation_id": "c",
            "search_response": answers,
        }
        if self.mood == "other-transaction":
            message["transaction_id"] = "another"
        header = {"version": "1.0.0", "message_id": str(time.monotonic_ns()), "message_ts": now, "action": "on-search",
                  "status": "succ", "total_count": len(answers), "sender_id": "crvs.test"}  # fmt: skip
        if self.mood == "other-sender":
            header["sender_id"] = "somebody.else"
        signed, _headers = self.signer.sign({"header": header, "message": message}, "crvs.test")
        if self.mood == "forged":
            signed["message"]["search_response"] = answers[::-1]
            signed["message"]["transaction_id"] = "forged"
        self.reply(request, 200, json.dumps(signed))

    def item(self, item: dict[str, Any], number: str) -> dict[str, Any]:
        when = dt.datetime.now(dt.UTC)
        if self.mood == "old":
            when -= dt.timedelta(days=800)
        if self.mood == "future":
            when += dt.timedelta(days=2)
        held = self.people.get(number)
        records = [held] if held else []
        if self.mood == "knows-everybody" and not held:
            records = [
                {"identifier": [{"identifier_type": "CNIC", "identifier_value": number}], "name": {"given_name": "A"}}
            ]
        if self.mood == "other-number" and held:
            records = [{**held, "identifier": [{"identifier_type": "CNIC", "identifier_value": "9999999999999"}]}]
        if self.mood == "two-records" and held:
            records = [held, held]
        return {"reference_id": item["reference_id"], "timestamp": when.isoformat(), "status": "succ",
                "data": {"version": "1.0.0", "reg_records": records}, "locale": "eng"}  # fmt: skip

    # --- MOSIP ----------------------------------------------------------------------------------------------

    def mosip(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        asked = json.loads(body)
        key, own = self.ida
        head, _, tail = request.headers["signature"].partition("..")
        theirs = x509.load_der_x509_certificate(base64.b64decode(json.loads(raw(head))["x5c"][0]))
        theirs.public_key().verify(raw(tail), f"{head}.{text(body)}".encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,union-attr]
        assert asked["thumbprint"] == text(own.fingerprint(hashes.SHA256()))
        session = key.decrypt(raw(asked["requestSessionKey"]), OAEP)
        plain = self.opened(raw(asked["request"]), session)
        assert self.opened(raw(asked["requestHMAC"]), session) == hashlib.sha256(plain).hexdigest().upper().encode()
        self.asked[asked["individualId"]] += 1
        self.last_consent = asked["consentObtained"]
        answer = json.dumps(self.judged(asked, json.loads(plain)["demographics"]))
        head = text(json.dumps({"alg": "RS256"}).encode())
        signing = certificate()[0] if self.mood == "forged" else key
        made = signing.sign(f"{head}.{text(answer.encode())}".encode(), padding.PKCS1v15(), hashes.SHA256())
        self.reply(request, 200, answer, {"response-signature": f"{head}..{text(made)}"})

    def opened(self, sealed: bytes, session: bytes) -> bytes:
        return AESGCM(session).decrypt(sealed[-16:], sealed[:-16], None)

    def judged(self, asked: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        held = self.people.get(asked["individualId"])
        made = {"id": "mosip.identity.auth", "version": "1.0", "transactionID": asked["transactionID"],
                "responseTime": dt.datetime.now(dt.UTC).isoformat(), "errors": None,
                "response": {"authStatus": True, "authToken": "x"}}  # fmt: skip
        if self.mood == "other-transaction":
            made["transactionID"] = "0000000000"
        if held is None and self.mood != "knows-everybody":
            made |= {"errors": [{"errorCode": "IDA-MLC-018"}], "response": {"authStatus": False, "authToken": None}}
        elif held and told.get("name", [{}])[0].get("value", "").lower() != held["name"]["given_name"].lower():
            made |= {"errors": [{"errorCode": "IDA-DEA-001"}], "response": {"authStatus": False, "authToken": None}}
            if self.mood == "yes-and-no":
                made["response"] = {"authStatus": True}
        return made
