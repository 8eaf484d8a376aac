"""The clock: the one place that asks what time it is, so that tests can hold it still."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return this moment with its zone (UTC)."""
    return datetime.now(UTC)


def today() -> date:
    """Return today's date (UTC)."""
    return now().date()
