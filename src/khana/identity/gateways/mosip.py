"""Ask a MOSIP ID authentication service (IDA): yes or no to one number with name, birth and sex, encrypted and signed.

The request is AES-256-GCM under a session key of its own, which is closed to IDA's certificate (RSA-OAEP, SHA-256),
with an encrypted hash beside it; the whole body bears a detached JWS (RS256, `x5c`) in the header `signature`.
Source: MOSIP documentation, `authentication-service-openapi.json` 1.2; layout of the ciphertext (ciphertext, tag,
nonce) as MOSIP's key manager and its public client have it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from khana.identity.gateways.protocol import Answer, Question
from khana.platform import outgoing
from khana_methods.errors import NotConfigured, Unavailable

UNKNOWN = frozenset({"IDA-MLC-018"})  # the number is not in the service's database
DIFFERS = ("IDA-DEA-",)  # a demographic attribute did not match
CLOSED = frozenset({"IDA-MLC-003", "IDA-MLC-004"})  # the number was deactivated
SKEW = timedelta(minutes=5)
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_SEX = {"M": "Male", "F": "Female", "O": "Others"}
_NONCE = 16


class CertificatesMissing(NotConfigured):
    """A key or certificate of the authority's configuration is missing or damaged."""

    code: ClassVar[str] = "identity.mosip.certificates"


@dataclass(frozen=True)
class Credentials:
    """What this installation holds towards one IDA."""

    sign_key: rsa.RSAPrivateKey
    sign_certificate: x509.Certificate
    ida_certificate: x509.Certificate
    misp_key: str
    partner: str
    api_key: str


def read_credentials(files: Mapping[str, bytes], *, misp_key: str, partner: str, api_key: str) -> Credentials:
    """Read keys and certificates from PEM.

    Args:
        files: `sign_key`, `sign_certificate`, `ida_certificate`.
        misp_key: Licence key of the infrastructure provider.
        partner: Of the authentication partner.
        api_key: Of the partner's policy.

    Raises:
        CertificatesMissing: One is missing or is none.
    """
    try:
        key = serialization.load_pem_private_key(files["sign_key"], None)
        own, theirs = (x509.load_pem_x509_certificate(files[name]) for name in ("sign_certificate", "ida_certificate"))
    except (KeyError, ValueError, TypeError) as error:
        raise CertificatesMissing("A key or certificate of this authority is missing or damaged.") from error
    if not isinstance(key, rsa.RSAPrivateKey) or not isinstance(theirs.public_key(), rsa.RSAPublicKey):
        raise CertificatesMissing("Keys and certificates of this authority must be RSA.")
    return Credentials(key, own, theirs, misp_key, partner, api_key)


class MosipIda:
    """Asks one number a request; the service allows no more."""

    def __init__(
        self, address: str, credentials: Credentials, *, settings: Mapping[str, Any], pace: outgoing.Pace, tries: int,
        seconds: float,
    ) -> None:  # fmt: skip
        """Keep where, as whom, and how patiently."""
        parts = (credentials.misp_key, credentials.partner, credentials.api_key)
        self._url = "/".join([address.rstrip("/"), "auth", *(quote(part, safe="") for part in parts)])
        self._held, self._settings = credentials, settings
        self._patience: dict[str, Any] = {"pace": pace, "tries": tries, "seconds": seconds}

    def ask(self, questions: Sequence[Question], *, at: datetime) -> list[Answer]:
        """Ask about numbers one after the other; stops where the service does not answer at all."""
        answers: list[Answer] = []
        for question in questions:
            try:
                answers.append(self._one(question))
            except Unavailable:
                if not answers:
                    raise
                answers += [Answer(one.reference, "UNANSWERED", why="NO_ANSWER") for one in questions[len(answers) :]]
                break
        return answers

    def _one(self, question: Question) -> Answer:
        transaction = f"{secrets.randbelow(10**10):010d}"
        now = datetime.now(UTC)
        body = json.dumps(self._body(question, transaction, now)).encode()
        headers = {"Content-Type": "application/json", "signature": self._signature(body),
                   "Authorization": "Authorization"}  # fmt: skip
        reply = outgoing.post_patiently(self._url, body, headers=headers, **self._patience)

        def said(what: Any, why: str = "", as_of: datetime | None = None) -> Answer:
            return Answer(question.reference, what, None, why, as_of, transaction, reply.body)

        try:
            read = json.loads(reply.body)
        except ValueError:
            read = None
        if reply.status != 200 or not isinstance(read, dict):
            return said("UNANSWERED", "REFUSED" if reply.status != 200 else "UNREADABLE")
        if not self._is_signed(reply):
            return said("UNRELIABLE", "SIGNATURE")
        as_of = _moment(read.get("responseTime"))
        if str(read.get("transactionID")) != transaction:
            return said("UNRELIABLE", "OTHER_TRANSACTION", as_of)
        if as_of is not None and abs(as_of - now) > SKEW:
            return said("UNRELIABLE", "OUT_OF_TIME", as_of)
        return said(*_verdict(read), as_of)

    def _body(self, question: Question, transaction: str, now: datetime) -> dict[str, Any]:
        moment = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
        inner = {"timestamp": moment, "demographics": self._demographics(question)}
        plain = json.dumps(inner, ensure_ascii=False).encode()
        session = os.urandom(32)
        public = self._held.ida_certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)  # noqa: S101 - held when the credentials were read
        mark = hashlib.sha256(plain).hexdigest().upper().encode()
        return {
            "id": "mosip.identity.auth", "version": "1.0", "specVersion": "1.0", "individualId": question.number,
            "individualIdType": (self._settings.get("id_types") or {}).get(question.kind, "UIN"),
            "transactionID": transaction, "requestTime": moment, "env": self._settings.get("env", "Staging"),
            "domainUri": self._settings.get("domain_uri", ""), "consentObtained": question.has_consent,
            "thumbprint": _text(self._held.ida_certificate.fingerprint(hashes.SHA256())),
            "request": _text(_seal(plain, session)), "requestHMAC": _text(_seal(mark, session)),
            "requestSessionKey": _text(public.encrypt(session, _OAEP)), "metadata": {},
        }  # fmt: skip

    def _demographics(self, question: Question) -> dict[str, Any]:
        language = str(self._settings.get("language", "eng"))
        wanted = self._settings.get("compare") or ("name", "dob", "gender")
        made: dict[str, Any] = {}
        if "name" in wanted and question.name:
            made["name"] = [{"language": language, "value": question.name}]
        if "dob" in wanted and question.birth_year and question.birth_month and question.birth_day:
            made["dob"] = f"{question.birth_year:04d}/{question.birth_month:02d}/{question.birth_day:02d}"
        if "gender" in wanted and question.sex in _SEX:
            made["gender"] = [{"language": language, "value": _SEX[question.sex]}]
        return made

    def _signature(self, body: bytes) -> str:
        own = base64.b64encode(self._held.sign_certificate.public_bytes(serialization.Encoding.DER)).decode()
        head = _text(json.dumps({"alg": "RS256", "x5c": [own]}).encode())
        signed = self._held.sign_key.sign(f"{head}.{_text(body)}".encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{head}..{_text(signed)}"

    def _is_signed(self, reply: outgoing.Answer) -> bool:
        """Hold the answer's signature against IDA's certificate; an unsigned one is believed only where settings say so."""
        given = reply.headers.get("response-signature", "")
        if not given:
            return not self._settings.get("signed_answers", True)
        head, _, tail = given.partition("..")
        public = self._held.ida_certificate.public_key()
        assert isinstance(public, rsa.RSAPublicKey)  # noqa: S101
        try:
            algorithm = json.loads(_bytes(head)).get("alg")
            public.verify(_bytes(tail), f"{head}.{_text(reply.body)}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError, AttributeError):
            return False
        return bool(algorithm == "RS256")


def _verdict(read: Mapping[str, Any]) -> tuple[str, str]:
    errors = [one.get("errorCode", "") for one in read.get("errors") or [] if isinstance(one, dict)]
    response = read.get("response")
    status = response.get("authStatus") if isinstance(response, dict) else None
    if status is True and not errors:
        return "YES", ""
    if status is True:  # yes and an error in one answer
        return "UNRELIABLE", "YES_AND_NO"
    if any(code in UNKNOWN for code in errors):
        return "NOT_FOUND", ""
    if any(code in CLOSED for code in errors):
        return "NO", "CLOSED"
    if errors and all(str(code).startswith(DIFFERS) for code in errors):
        return "NO", ""
    return ("UNANSWERED", "REFUSED") if errors else ("UNANSWERED", "UNREADABLE")


def _seal(plain: bytes, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return AESGCM(key).encrypt(nonce, plain, None) + nonce


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
