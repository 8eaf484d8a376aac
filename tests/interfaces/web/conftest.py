"""A database with the made-up country, four users, a web server, and a browser."""

from __future__ import annotations

import os
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest

from tests.conftest import close_pool
from tests.interfaces.web import world

# Playwright keeps an event loop in the thread of the tests; Django would refuse to work beside it
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
PASSWORD = "not-a-secret-of-anyone"
USERS = {
    "steward": ("data_steward", "", ""), "officer": ("programme_officer", "", "ZAKAT"), "registrar": ("registrar", "XK101", ""),
    "analyst": ("analyst", "", ""), "auditor": ("auditor", "", ""), "admin": ("administrator", "", ""),
}  # fmt: skip


@contextmanager
def _as(user: str, password: str, database: str) -> Iterator[None]:
    from django.db import connection

    kept = dict(connection.settings_dict)
    close_pool(connection)
    connection.settings_dict.update(USER=user, PASSWORD=password, NAME=database, OPTIONS={})
    try:
        yield
    finally:
        close_pool(connection)
        connection.settings_dict.clear()
        connection.settings_dict.update(kept)


@pytest.fixture(scope="module")
def country(database: str) -> dict[str, object]:
    """Fill the module's database."""
    from khana.access import services as access
    from khana.platform import embedded
    from khana.platform.secrets_store import get_secret

    with _as("postgres", get_secret("db_superuser"), database):
        made = world.make()
    owner = embedded.connection_parameters("owner")
    with _as(str(owner["user"]), str(owner["password"]), database):
        access.load_roles()
        users = {
            name: access.add_user(
                username=name, display_name=name.capitalize(), role=role, area_code=area, agency=agency,
                password=PASSWORD, second_factor=name == "auditor", at=datetime.now(UTC),
            )
            for name, (role, area, agency) in USERS.items()
        }  # fmt: skip
    return {**made, "users": users}


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serve() -> Iterator[str]:
    """Serve the pages on this machine; lend the address."""
    from khana_settings.wsgi import application

    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(country: dict[str, object]) -> Iterator[str]:
    """Serve the pages on this machine; return the address."""
    with serve() as address:
        yield address


def chromium() -> str:
    """Return the machine's own Chromium or Chrome, or skip with a clear line."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    pytest.skip("no Chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="session")
def chrome() -> Iterator[object]:
    """Start the browser once."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
        )
        yield started
        started.close()
