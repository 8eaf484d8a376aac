"""`khana up`, `status`, `down`: one folder from nothing to an answering page and back, as a user types it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest

from tests.conftest import REPOSITORY


def command(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "khana", *words],
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=180,
    )


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("KHANA_DATABASE_NAME", "KHANA_DB_ROLE")}
    return {**kept, "KHANA_VAR": str(folder), "PYTHONPATH": str(REPOSITORY / "src"), **more}


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("up")
    yield path
    command(path, "down")


def settings_of(folder: Path, *names: str) -> dict[str, str]:
    """Return settings of the server of an installation, asked as its web role."""
    from khana.platform import embedded, places

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "var", lambda: folder)
        there = {**embedded.connection_parameters("web"), "dbname": embedded.DATABASE}
    with psycopg.connect(**there) as connection:  # type: ignore[arg-type]
        return dict(
            connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(names)]).fetchall()
        )


def test_up_status_down(folder: Path) -> None:
    up = command(folder, "up", "--detach", "--no-sample", "--port", "18431", "--json")
    assert up.returncode == 0, up.stderr
    address = json.loads(up.stdout)["address"]
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert answer.status == 200
    status = json.loads(command(folder, "status", "--json").stdout)
    assert status["database"] == "up" and status["up"] and status["address"] == address
    durable = ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
    assert settings_of(folder, *durable) == dict.fromkeys(durable, "on")
    second = command(folder, "up", "--no-sample")
    assert second.returncode == 12
    assert "already runs" in second.stderr
    state = json.loads((folder / "run" / "state.json").read_text())
    assert json.loads(command(folder, "down", "--json").stdout) == {"stopped": True}
    assert not any(is_alive(number) for number in [state["pid"], *state["parts"].values()])
    assert json.loads(command(folder, "status", "--json").stdout)["database"] == "down"
    assert command(folder, "down").returncode == 0


def test_an_interrupt_stops_everything_and_the_data_stays(folder: Path) -> None:
    begun = time.monotonic()
    running = subprocess.Popen(
        [sys.executable, "-m", "khana", "up", "--no-sample", "--port", "18441"], env=environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    state_file = folder / "run" / "state.json"
    while not state_file.exists() and running.poll() is None and time.monotonic() - begun < 120:
        time.sleep(0.2)
    state = json.loads(state_file.read_text())
    running.send_signal(signal.SIGINT)
    _out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert not any(is_alive(number) for number in state["parts"].values())
    assert json.loads(command(folder, "status", "--json").stdout)["database"] == "down"
    assert (folder / "postgres" / "PG_VERSION").exists()


def test_secrets_and_data_are_open_to_their_owner_only(folder: Path) -> None:
    assert {oct(path.stat().st_mode & 0o077) for path in (folder / "secrets").iterdir()} == {"0o0"}
    assert oct((folder / "postgres").stat().st_mode & 0o777) == "0o700"
    assert "trust" not in [
        line.split()[-1]
        for line in (folder / "postgres" / "pg_hba.conf").read_text().splitlines()
        if line[:1].isalpha()
    ]


def test_production_refuses_sample_logins(tmp_path: Path) -> None:
    asked = command(tmp_path, "up", "--sample", KHANA_ENV="production")
    assert asked.returncode == 14
    assert "KHANA_ENV=production" in asked.stderr
    (tmp_path / "sample.json").write_text('{"logins": []}')
    found = command(tmp_path, "up", KHANA_ENV="production")
    assert found.returncode == 14
    assert "Sample logins" in found.stderr


@pytest.fixture
def own_server(server: None, monkeypatch: pytest.MonkeyPatch):
    """A PostgreSQL that Khana did not make: on a TCP port, with an owner that may make roles."""
    from khana.platform import embedded, places

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="own-"))
    home.chmod(0o700)
    monkeypatch.setattr(places, "var", lambda: home)
    secret = embedded.get_secret("db_superuser")
    embedded._initialise()
    with (home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write(f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n")
    (home / "run").mkdir(exist_ok=True)
    done = embedded._run("pg_ctl", "start", "-w", "-D", str(home / "postgres"), "-l", str(home / "log"))
    assert done.returncode == 0, done.stdout
    with psycopg.connect(f"postgresql://postgres:{secret}@127.0.0.1:{port}/postgres", autocommit=True) as connection:
        connection.execute("CREATE ROLE ministry LOGIN SUPERUSER PASSWORD 'told-to-nobody'")
        connection.execute("CREATE DATABASE national OWNER ministry")
    yield f"postgresql://ministry:told-to-nobody@127.0.0.1:{port}/national"
    embedded._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(home / "postgres"))
    shutil.rmtree(home)


def test_a_server_of_ones_own(own_server: str, tmp_path: Path) -> None:
    """`khana up` with KHANA_DATABASE_URL serves from that server, makes no other, and leaves it running."""
    more = {"KHANA_DATABASE_URL": own_server}
    up = command(tmp_path, "up", "--detach", "--no-sample", "--port", "18451", "--json", **more)
    assert up.returncode == 0, up.stderr
    with urllib.request.urlopen(f"{json.loads(up.stdout)['address']}/health", timeout=10) as answer:
        assert answer.status == 200
    assert not (tmp_path / "postgres").exists()
    assert "told-to-nobody" not in "".join(p.read_text(errors="replace") for p in (tmp_path / "logs").iterdir())
    assert command(tmp_path, "down", **more).returncode == 0
    with psycopg.connect(own_server) as connection:
        assert connection.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 10
        assert (
            connection.execute(
                "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
            ).fetchone()[0]
            > 20
        )


def test_an_older_server_is_refused_by_name(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from khana.platform import embedded

    monkeypatch.setattr(embedded, "OLDEST_VERSION", 190000)
    with pytest.raises(embedded.DatabaseTooOld, match="PostgreSQL 18 is too old"):
        embedded.ensure_roles_and_database()


def test_a_server_that_does_not_answer_is_said_in_words(tmp_path: Path) -> None:
    asked = command(tmp_path, "up", "--no-sample", KHANA_DATABASE_URL="postgresql://x:y@127.0.0.1:1/khana")
    assert asked.returncode == 15
    assert "does not answer" in asked.stderr
    assert "Traceback" not in asked.stderr
