"""The product's own web server over a loaded world, for benchmarks that ask over HTTP, and numbers to ask with."""

from __future__ import annotations

import csv
import http.client
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def served(*, worker: bool = False) -> Iterator[int]:
    """Run the web server as `khana up` runs it, on a free port, and the worker where asked; give the port once it answers."""
    from khana.interfaces.cli.supervisor import web_command

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    source = str(Path(__file__).resolve().parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    commands = [(web_command(host="127.0.0.1", port=port, log_level="error"), "web")]
    if worker:
        commands.append(([sys.executable, "-m", "khana.interfaces.jobs"], "worker"))
    parts = [subprocess.Popen(words, env={**environment, "KHANA_DB_ROLE": role}) for words, role in commands]
    try:
        _wait(port)
        yield port
    finally:
        for part in parts:
            part.terminate()
        for part in parts:
            try:
                part.wait(timeout=60)
            except subprocess.TimeoutExpired:  # asked to end before it had begun
                part.kill()


def numbers_of(data: Path, many: int) -> list[str]:
    """Return numbers of registered persons from all over the file, by reservoir sampling."""
    pick = random.Random(5)
    kept: list[str] = []
    with (data / "persons.csv").open(encoding="utf-8-sig", newline="") as handle:
        seen = 0
        for row in csv.DictReader(handle):
            digits = "".join(c for c in row["id_number"] if c.isdigit())
            if len(digits) != 13:
                continue
            seen += 1
            if len(kept) < many:
                kept.append(digits)
            elif (place := pick.randrange(seen)) < many:
                kept[place] = digits
    return kept


def _wait(port: int) -> None:
    for _ in range(1_200):  # two minutes: a machine may have much else to do
        try:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            line.request("GET", "/health")
            if line.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the web server did not answer")
