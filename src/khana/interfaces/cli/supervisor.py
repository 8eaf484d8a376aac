"""Runs one folder: database, migrations, sample, web server and worker, and stops them in order.

Each part is a process of its own. The web server is handed the web role's secret only. State
(address, process ids) is in `<var>/run/state.json`; a lock file keeps a second `up` away.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

from khana.platform import embedded, incoming, places
from khana_methods.errors import Unavailable

READY_SECONDS = 60


class PartFailed(Unavailable):
    """The web server or the worker did not start."""

    code: ClassVar[str] = "interfaces.part_failed"


@dataclass(frozen=True)
class Wish:
    """What `khana up` was asked for."""

    port: int
    host: str
    sample: bool
    households: int
    country: str
    as_json: bool
    tls_certificate: str = ""
    tls_key: str = ""


def _state_path() -> Path:
    return places.folder("run") / "state.json"


def read_state() -> dict[str, Any]:
    """Return what the running `up` wrote of itself; empty where nothing runs."""
    try:
        found: dict[str, Any] = json.loads(_state_path().read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found


def has_sample() -> bool:
    """Say whether this folder holds sample logins."""
    return (places.var() / "sample.json").exists()


@contextlib.contextmanager
def lock() -> Iterator[bool]:
    """Hold this folder's lock; yields False where another process has it."""
    with (places.folder("run") / "up.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _environment(role: str, **more: str) -> dict[str, str]:
    source = str(Path(__file__).resolve().parents[3])
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KHANA_SECRET_")}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    kept.setdefault("KHANA_VAR", str(places.var()))
    return {**kept, "KHANA_DB_ROLE": role, **more}


def _khana(*words: str, role: str = "worker", **more: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "khana", *words],
        env=_environment(role, **more),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise PartFailed(
            f"`khana {' '.join(words[:2])}` failed with exit code {done.returncode}; its message is above."
        )


def _free_port(host: str, first: int) -> int:
    for port in range(first, first + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise PartFailed(f"No free port from {first} to {first + 49}. Name another with --port.")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _load_sample(wish: Wish) -> None:
    """Make the sample country and load it, as the sample's operator; each step may be repeated."""
    marker = places.var() / "sample.json"
    if marker.exists() and json.loads(marker.read_text()).get("loaded"):
        return
    _khana("bootstrap", "operator", role="owner")
    token = (places.folder("run") / "operator.token").read_text().strip()
    folder = places.var() / "sample"
    if not (folder / "sample.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)  # a half-made country is made again
        _say(f"making a sample country of {wish.households} households (synthetic)")
        _khana(
            "synth",
            "--country",
            wish.country,
            "--households",
            str(wish.households),
            "--seed",
            "1",
            "--out",
            str(folder),
        )
    _say("loading it")
    _khana("sample", "load", str(folder / "sample.yaml"), "--data", str(folder), KHANA_TOKEN=token)
    _say("consolidating")
    _khana("consolidate", KHANA_TOKEN=token)
    _say("making the sample logins")
    _khana("bootstrap", "logins", role="owner")
    found = json.loads(marker.read_text())
    marker.write_text(json.dumps({**found, "loaded": True, "country": wish.country}))


def web_command(
    *, host: str, port: int, log_level: str = "warning", tls_certificate: str = "", tls_key: str = ""
) -> list[str]:
    """Return the command of the web server.

    Two processes in which four requests work at once (`khana.platform.incoming`): more only wait for one another's turn in
    Python, and the slowest answers of twenty clients come a third later (`script/bench lookup`). The other threads wait for
    bodies that are still on the way. Headers have their own time; HTTP/1 alone, because only that has one.
    """
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", "2", "--blocking-threads", str(incoming.THREADS), "--no-ws", "--log-level", log_level,
        "--http", "1", "--http1-header-read-timeout", str(int(incoming.first_seconds() * 1000)),
        *_tls_words(tls_certificate, tls_key), "khana_settings.wsgi:application",
    ]  # fmt: skip


def _tls_words(certificate: str, key: str) -> list[str]:
    if not certificate:
        return []
    return ["--ssl-certificate", certificate, "--ssl-keyfile", key, "--ssl-protocol-min", "tls1.3"]


def _start_parts(wish: Wish, port: int) -> dict[str, subprocess.Popen[bytes]]:
    logs = places.folder("logs")
    web = web_command(host=wish.host, port=port, tls_certificate=wish.tls_certificate, tls_key=wish.tls_key)
    worker = [sys.executable, "-m", "khana", "worker"]
    parts: dict[str, subprocess.Popen[bytes]] = {}
    for name, command, role in (("web", web, "web"), ("worker", worker, "worker")):
        with (logs / f"{name}.log").open("ab") as log:
            parts[name] = subprocess.Popen(
                command,
                env=_environment(role),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    return parts


def _wait_ready(address: str, parts: dict[str, subprocess.Popen[bytes]]) -> None:
    until = time.monotonic() + READY_SECONDS
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # our own process, asked whether it answers
    while time.monotonic() < until:
        for name, part in parts.items():
            if part.poll() is not None:
                raise PartFailed(f"The {name} part stopped at once; see {places.var() / 'logs' / (name + '.log')}.")
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2, context=trusting) as answer:  # noqa: S310 # nosec B310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise PartFailed(f"The web server did not answer; see {places.var() / 'logs' / 'web.log'}.")


def _stop_parts(parts: dict[str, subprocess.Popen[bytes]]) -> None:
    for part in parts.values():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(part.pid, signal.SIGTERM)
    until = time.monotonic() + 10
    for part in parts.values():
        try:
            part.wait(timeout=max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.pid, signal.SIGKILL)
            part.wait()


def _announce(wish: Wish, address: str) -> None:
    logins = []
    marker = places.var() / "sample.json"
    if marker.exists():
        logins = json.loads(marker.read_text())["logins"]
    if wish.as_json:
        click.echo(json.dumps({"address": address, "logins": logins}))
        return
    click.echo(f"\nKhana is up:  {address}\n")
    if logins:
        click.echo("Sample logins (synthetic data only):")
        for login in logins:
            click.echo(f"  {login['username']:12} {login['password']:22} {login['who']}")
        click.echo("\nThe second factor of a sample login:  khana users code USERNAME")
    click.echo("Ctrl-C stops everything.\n")


def run(wish: Wish) -> None:
    """Start everything, announce it, and hold until a signal; then stop everything in order."""
    stopping: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        stopping.append(number)
        if len(stopping) == 1 and not parts:
            raise KeyboardInterrupt

    parts: dict[str, subprocess.Popen[bytes]] = {}
    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    try:
        if not embedded.own_url():
            _say("starting PostgreSQL")
            embedded.start()
        _khana("migrate", role="owner")
        if wish.sample:
            _load_sample(wish)
        port = _free_port(wish.host, wish.port)
        address = f"{'https' if wish.tls_certificate else 'http'}://{wish.host}:{port}"
        parts.update(_start_parts(wish, port))
        _wait_ready(address, parts)
        state = {
            "address": address,
            "pid": os.getpid(),
            "parts": {name: part.pid for name, part in parts.items()},
        }
        _state_path().write_text(json.dumps(state))
        _announce(wish, address)
        sys.stdout.flush()
        while not stopping:
            time.sleep(0.3)
            for name, part in parts.items():
                if part.poll() is not None:
                    raise PartFailed(f"The {name} part stopped; see {places.var() / 'logs' / (name + '.log')}.")
    finally:
        _stop_parts(parts)
        _state_path().unlink(missing_ok=True)
        if not embedded.own_url():
            embedded.stop()
    _say("stopped")


def detach(wish: Wish) -> None:
    """Start `up` in the background and return when it answers."""
    words = ["up", "--port", str(wish.port), "--host", wish.host, "--households", str(wish.households)]
    words += ["--country", wish.country, "--sample" if wish.sample else "--no-sample"]
    if wish.tls_certificate:
        words += ["--tls-certificate", wish.tls_certificate, "--tls-key", wish.tls_key]
    with (places.folder("logs") / "up.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "khana", *words],
            env=_environment(os.environ.get("KHANA_DB_ROLE", "worker")),
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    while not read_state():
        if child.poll() is not None:
            raise PartFailed(f"Khana did not start; see {places.var() / 'logs' / 'up.log'}.")
        time.sleep(0.3)
    _announce(wish, str(read_state()["address"]))


def stop_running() -> bool:
    """Ask the `up` of this folder to stop and wait for it; say whether one ran."""
    state = read_state()
    if not state:
        return False
    try:
        os.kill(int(state["pid"]), signal.SIGTERM)
    except ProcessLookupError:  # `up` was killed: end its parts ourselves
        for number in state.get("parts", {}).values():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(number), signal.SIGTERM)
        _state_path().unlink(missing_ok=True)
        return True
    for _ in range(300):
        try:
            os.kill(int(state["pid"]), 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return True


def describe() -> dict[str, Any]:
    """Return what runs in this folder, for `khana status`."""
    state = read_state()
    where = embedded.address()
    return {
        "folder": str(places.var()),
        "database": "own" if embedded.own_url() else ("up" if embedded.is_running() else "down"),
        "database_at": f"{where.host}/{where.name}",
        "address": state.get("address", ""),
        "up": bool(state),
        "sample": has_sample(),
    }
