"""Commands for the journeys: the product's own nursery, with limits that a test sets on one command.

A kill -9 of such a process is a kill -9 of the command: sockets close, locks fall, nothing is tidied up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from khana_settings.walk import nursery as product
from khana_settings.walk.nursery import Done

__all__ = ["Done", "Nursery", "nursery"]
_REPOSITORY = Path(__file__).resolve().parents[2]


class Nursery(product.Nursery):
    """Starts commands on a database of the tests; `extra` are more variables, such as KHANA_FAULT."""

    def run(self, *words: object, database: str = "", token: str = "", limits: str = "", **extra: str) -> Done:
        """Run one command to its end."""
        return self.wait(self.start(*words, database=database, token=token, limits=limits, **extra))

    def start(self, *words: object, database: str, token: str = "", limits: str = "", **extra: str) -> int:
        """Start one command; return its process number."""
        environment = {"KHANA_TOKEN": token, "KHANA_DB_ROLE": "worker", "KHANA_DATABASE_NAME": database, **extra}
        return self.order(words, environment, limits=limits)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Load Khana in a process of its own and lend it."""
    with product.started("tests.journeys.commands", path=str(_REPOSITORY)) as (process, folder):
        yield Nursery(process, folder)


def _limit(order: dict[str, Any]) -> None:
    import os
    import resource
    import signal

    name, _, value = order["limits"].partition("=")
    if name == "fsize":  # a write past it fails with EFBIG, as ENOSPC would
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(value), int(value)))
    elif name == "uid":
        os.setgroups([])
        os.setgid(int(value))
        os.setuid(int(value))


if __name__ == "__main__":
    product.serve(_limit)
