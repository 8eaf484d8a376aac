"""Who asks: `Authorization: Bearer <token>`, how often she may, and the scope of one request.

The token is the opaque one of `khana users add` or `khana login`; the database resolves it.
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import ClassVar

from django.http import HttpRequest
from ninja.security import HttpBearer

from khana_methods.errors import KhanaError, NotPermitted

BURST = 400
PER_SECOND = 200.0
_MOST_CALLERS = 10_000


class TokenMissing(NotPermitted):
    """The request bears no token."""

    code: ClassVar[str] = "api.token_missing"


class TooMany(KhanaError):
    """One token asked more often than one caller may."""

    code: ClassVar[str] = "api.too_many"
    exit_code: ClassVar[int] = 15
    http_status: ClassVar[int] = 429


class Limit:
    """A token bucket for each caller, in this process: `burst` at once, `per_second` for long."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        """Set the limit."""
        self._burst, self._per_second = burst, per_second
        self._left: dict[bytes, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, caller: bytes) -> None:
        """Take one request of a caller.

        Raises:
            TooMany: She has none left for now.
        """
        now = time.monotonic()
        with self._lock:
            if len(self._left) >= _MOST_CALLERS and caller not in self._left:
                self._left.clear()
            left, since = self._left.get(caller, (float(self._burst), now))
            left = min(float(self._burst), left + (now - since) * self._per_second)
            self._left[caller] = (max(left - 1, 0.0) if left >= 1 else left, now)
        if left < 1:
            raise TooMany("Too many requests in a short time. Wait a second and go on more slowly.")


LIMIT = Limit(burst=BURST, per_second=PER_SECOND)


class Bearer(HttpBearer):
    """Takes the token from the header; whether it opens anything the database says."""

    def __call__(self, request: HttpRequest) -> str | None:
        """Return the token.

        Raises:
            TokenMissing: There is none, or it is no bearer token.
            TooMany: The caller is too fast.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenMissing("Send your token: `Authorization: Bearer <token>`. `khana users add` makes one.")
        return self.authenticate(request, token.strip())

    def authenticate(self, request: HttpRequest, token: str) -> str:
        """Count the request and hand the token on."""
        LIMIT.take(hashlib.sha256(token.encode()).digest()[:16])
        return token
