"""Many commands of `khana`, each in a process of its own, without paying for Python's start each time.

A *nursery* process loads Khana once; every command is a fork of it that runs the console script's own `main`, with its own
environment, standard output and standard error, as if it had been typed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).resolve().parents[2]
_BESIDE = (
    "adbc_driver_postgresql.dbapi", "docx", "openpyxl", "pandas", "polars", "rich._emoji_codes", "sqlglot.dialects.duckdb",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """How one command ended: its exit code (-9 where it was killed) and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return what it printed with --json."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class Nursery:
    """Starts commands; `with nursery()` makes one and ends it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        """Keep the process and the folder of what commands print."""
        self._process, self._folder = process, folder

    def order(self, words: tuple[object, ...], environment: dict[str, str], **more: str) -> int:
        """Start one command; return its process number. `more` is for who gave `serve` something to prepare."""
        order = {
            "words": [str(word) for word in words], "environment": environment,
            "out": str(self._folder / "out"), "err": str(self._folder / "err"), **more,
        }  # fmt: skip
        return self._say(json.dumps(order))

    def run(self, *words: object, token: str = "", **environment: str) -> Done:
        """Run one command to its end, as who holds the token."""
        return self.wait(self.order(words, {"KHANA_TOKEN": token, "KHANA_DB_ROLE": "worker", **environment}))

    def wait(self, _pid: int) -> Done:
        """Wait for the command that was started last."""
        code = self._say("wait")
        out, err = ((self._folder / name).read_text(errors="replace") for name in ("out", "err"))
        return Done(code, out, err)

    def _say(self, line: str) -> int:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the nursery has no pipes")
        print(line, file=self._process.stdin, flush=True)
        return int(self._process.stdout.readline())


@contextmanager
def started(module: str, *, path: str = "") -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a module that calls `serve`; lend its process and the folder of what commands print."""
    environment = {
        **os.environ,
        "KHANA_DB_ROLE": "worker",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_SOURCE), path])),
    }
    with tempfile.TemporaryDirectory(prefix="kht-n-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=path or None,
        )  # fmt: skip
        try:
            yield process, Path(folder)
        finally:
            if process.stdin:
                process.stdin.close()
            process.wait(20)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Load Khana in a process of its own and lend it."""
    with started("khana_settings.walk.nursery") as (process, folder):
        yield Nursery(process, folder)


def _become(order: dict[str, Any], prepare: Callable[[dict[str, Any]], None]) -> None:
    """Be the command: its environment, its outputs, its database; ends with its exit code."""
    for number, name in ((1, "out"), (2, "err")):
        descriptor = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    os.environ.update(order["environment"])
    if not os.environ.get("KHANA_TOKEN"):
        os.environ.pop("KHANA_TOKEN", None)
    prepare(order)
    from django.db import connection

    from khana.interfaces.cli.main import main

    connection.settings_dict["NAME"] = order["environment"].get("KHANA_DATABASE_NAME", connection.settings_dict["NAME"])
    code = 70
    try:
        main(order["words"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _load() -> None:
    """Load every module of Khana, what its commands load late, and what each of them reads: no command pays for it again."""
    import gc
    import importlib
    import pkgutil

    import django

    django.setup()
    for name in ("khana_methods", "khana_country", "khana"):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith(".__main__") and ".migrations." not in found.name:
                importlib.import_module(found.name)
    for name in _BESIDE:
        importlib.import_module(name)
    from khana.access import roles
    from khana_methods.rules.facts import load_facts

    roles.catalogue()
    load_facts()
    gc.collect()
    gc.freeze()  # what is loaded stays: no command's collector goes through it, nor copies its pages


def serve(prepare: Callable[[dict[str, Any]], None] = lambda _order: None) -> None:
    """Start commands as they are ordered on standard input, until it ends.

    Args:
        prepare: Called in each command's own process before it begins, with its order.
    """
    _load()
    pid = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            _, status = os.waitpid(pid, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            _become(json.loads(line), prepare)
        print(pid, flush=True)
    os._exit(0)  # nothing is held; the libraries loaded need not be taken down one by one


if __name__ == "__main__":
    serve()
