"""Java for tests: it lives for seconds, so what makes a long run faster only costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def short_lived() -> Iterator[None]:
    """Let every Java that is started compile once and quickly, and collect in one thread: half the time of a small Spark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        yield
