"""How often one user or one address may ask: token buckets in this process; full means refused.

A bucket holds `burst` tries and refills at `per_minute`. The lock-out of a name after wrong
passwords is the database's own; this only slows guessing across names and browsing of people.
"""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from khana_methods.errors import Unavailable

_MOST_KEYS = 20_000


class TooMany(Unavailable):
    """Asked too often in a short time; safe to try again a minute later."""

    code: ClassVar[str] = "web.too_many"


class Bucket:
    """Counts tries by key."""

    def __init__(self, *, burst: int, per_minute: float) -> None:
        """Set how many tries at once, and how many a minute for long."""
        self.burst, self.per_second = burst, per_minute / 60
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> None:
        """Take one try.

        Raises:
            TooMany: None is left; or too many keys are in use, and then everybody new is refused.
        """
        with self._lock:
            moment = time.monotonic()
            left, since = self._left.get(key, (float(self.burst), moment))
            left = min(self.burst, left + (moment - since) * self.per_second)
            if key not in self._left and len(self._left) >= _MOST_KEYS:
                self._forget(moment)
            if left < 1 or (key not in self._left and len(self._left) >= _MOST_KEYS):
                raise TooMany("You have asked very often in a short time. Wait a minute, then go on.")
            self._left[key] = (left - 1, moment)

    def _forget(self, moment: float) -> None:
        full = self.burst / self.per_second
        self._left = {key: (left, since) for key, (left, since) in self._left.items() if moment - since < full}


SIGN_IN = Bucket(burst=30, per_minute=30)
LOOK_UP = Bucket(burst=120, per_minute=120)
OPEN_PAGES = Bucket(burst=300, per_minute=300)  # by address: an office behind one address browses a map together
EXPORT = Bucket(burst=10, per_minute=10)
