"""Many commands of `khana`, each in a process of its own, without paying for Python's start each time.

A *nursery* process loads Khana once; every command is a fork of it that runs the console script's
own `main`, with its own environment, standard output and standard error. A kill -9 of such a
process is a kill -9 of the command: sockets close, locks fall, nothing is tidied up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """How one command ended: its exit code (-9 where it was killed) and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict:  # type: ignore[type-arg]
        """Return what it printed with --json."""
        found: dict = json.loads(self.out)  # type: ignore[type-arg]
        return found


class Nursery:
    """Starts commands; `with nursery(...)` makes one and ends it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder, self._number = process, folder, 0

    def run(self, *words: object, database: str, token: str = "", limits: str = "", **extra: str) -> Done:
        """Run one command to its end; `extra` are more variables of its environment, such as KHANA_FAULT."""
        return self.wait(self.start(*words, database=database, token=token, limits=limits, **extra))

    def start(self, *words: object, database: str, token: str = "", limits: str = "", **extra: str) -> int:
        """Start one command; return its process number."""
        self._number += 1
        order = {
            "words": [str(word) for word in words], "database": database, "out": str(self._folder / "out"), "limits": limits,
            "err": str(self._folder / "err"), "environment": {"KHANA_TOKEN": token, "KHANA_DB_ROLE": "worker", **extra},
        }  # fmt: skip
        assert self._process.stdin and self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())

    def wait(self, _pid: int) -> Done:
        """Wait for the command that was started last."""
        assert self._process.stdin and self._process.stdout
        print("wait", file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        out, err = ((self._folder / name).read_text(errors="replace") for name in ("out", "err"))
        return Done(code, out, err)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Load Khana in a process of its own and lend it."""
    environment = {**os.environ, "KHANA_DB_ROLE": "worker", "PYTHONPATH": f"{_REPOSITORY / 'src'}:{_REPOSITORY}"}
    with tempfile.TemporaryDirectory(prefix="kht-n-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.commands"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=_REPOSITORY,
        )  # fmt: skip
        try:
            yield Nursery(process, Path(folder))
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(20)


def _limit(limits: str) -> None:
    import resource
    import signal

    name, _, value = limits.partition("=")
    if name == "fsize":  # a write past it fails with EFBIG, as ENOSPC would
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(value), int(value)))
    elif name == "uid":
        os.setgroups([])
        os.setgid(int(value))
        os.setuid(int(value))


def _become(order: dict) -> None:  # type: ignore[type-arg]
    """Be the command: its environment, its outputs, its database; ends with its exit code."""
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.environ.update({**order["environment"], "KHANA_DATABASE_NAME": order["database"]})
    if not os.environ["KHANA_TOKEN"]:
        del os.environ["KHANA_TOKEN"]
    if order["limits"]:
        _limit(order["limits"])
    from django.db import connection

    from khana.interfaces.cli.main import main

    connection.settings_dict["NAME"] = order["database"]
    code = 70
    try:
        main(order["words"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    import django

    django.setup()
    import importlib

    for module in (
        "khana.interfaces.cli.work", "khana.interfaces.cli.report", "khana.interfaces.cli.sources",
        "khana.interfaces.cli.evidence", "khana.workflows.import_file", "khana.workflows.consolidate",
        "khana.workflows.load_manifest", "khana.workflows.replay_quarantine", "khana.dossiers.reports",
    ):  # fmt: skip
        importlib.import_module(module)
    pid = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            _, status = os.waitpid(pid, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            _become(json.loads(line))
        print(pid, flush=True)


if __name__ == "__main__":
    _serve()
