"""Commands for the journeys: the product's own nursery, with limits that a test sets on one command.

One nursery stands for all files of a run: Khana is loaded once, and every command is a process of its own. A kill -9 of such a process is a kill -9 of the command: sockets close, locks fall, nothing is tidied up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


_standing = ExitStack()
_lent: list[Nursery] = []


def standing() -> Nursery:
    """Return the nursery of this run; it is started when it is first asked for."""
    if not _lent:
        process, folder = _standing.enter_context(product.started("tests.journeys.commands", path=str(_REPOSITORY)))
        _lent.append(Nursery(process, folder))
    return _lent[0]


def end() -> None:
    """End the nursery of this run, if one stands."""
    _lent.clear()
    _standing.close()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Lend the nursery of this run."""
    yield standing()


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
