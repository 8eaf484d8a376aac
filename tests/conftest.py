"""One real PostgreSQL for the whole run; each test module gets a migrated database of its own.

The server is the embedded one in a folder of the run (or the one that KHANA_DATABASE_URL
names). Tests connect as `khana_web` unless they ask for another role: what row security
forbids in production it forbids here.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

_HOME = Path(tempfile.mkdtemp(prefix="kht-"))
os.environ["KHANA_VAR"] = str(_HOME)
os.environ["KHANA_DB_ROLE"] = "web"
os.environ["KHANA_ENV"] = "test"
os.environ["DJANGO_SETTINGS_MODULE"] = "khana_settings.settings"
# workers of one run may share the server that KHANA_DATABASE_URL names
TEMPLATE = "khana_template" + os.environ.get("PYTEST_XDIST_WORKER", "")
os.environ["KHANA_DATABASE_NAME"] = TEMPLATE
os.environ.pop("KHANA_TOKEN", None)

import psycopg  # noqa: E402
import pytest  # noqa: E402
from psycopg import sql  # noqa: E402

# files of tests by the time they take, from about two minutes down to ten seconds; the others are shorter
LONGEST = (
    "journeys/test_access_walk.py", "interfaces/web/test_browser.py", "journeys/test_one_person_one_file.py",
    "journeys/test_pk_sample.py", "journeys/test_programmes.py", "unit/khana_methods/matching/test_spread.py",
    "journeys/test_kill.py", "interfaces/web/test_monitoring_pages.py", "interfaces/web/test_scoring_pages.py",
    "interfaces/web/test_intake.py", "integration/test_up.py", "interfaces/web/test_doors.py", "reference/test_rules_spark.py",
    "interfaces/web/test_between.py", "interfaces/web/test_budgets_and_reports.py", "interfaces/web/test_programme_pages.py",
    "journeys/test_bad_input.py", "journeys/test_between_programmes.py", "journeys/test_scoring.py", "journeys/test_made_up_pak.py",
    "journeys/test_unseen_lists.py", "journeys/test_pk_duplicates.py", "journeys/test_made_up_bgd.py", "reference/test_overlap.py",
    "reference/test_coverage_repeats.py", "journeys/test_replay.py", "integration/intake/test_resume.py",
    "integration/access/test_policies.py", "interfaces/cli/test_commands.py", "journeys/test_survey_roster.py",
    "integration/test_tls.py", "unit/khana_methods/matching/test_labels.py",
)  # fmt: skip

REPOSITORY = Path(__file__).resolve().parents[1]


def shared_data() -> Path:
    """Return ../shared/data (or KHANA_SHARED/data); may not exist."""
    named = os.environ.get("KHANA_SHARED")
    return (Path(named) if named else REPOSITORY.parent / "shared") / "data"


@pytest.fixture(scope="session")
def pk_sample() -> Path:
    """Return the folder of the Pakistani sample, or skip with a clear line."""
    folder = shared_data() / "pk-sample"
    if not folder.exists():
        pytest.skip(f"shared data is absent: {folder} does not exist")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[None]:
    """Start PostgreSQL once and migrate the template database as the owner."""
    from khana.platform import embedded

    embedded.start()
    if not embedded.own_url():
        _forgetful()
    embedded.ensure_roles_and_database()
    subprocess.run(
        [sys.executable, "-m", "khana", "migrate"],
        env={**os.environ, "KHANA_DB_ROLE": "owner", "PYTHONPATH": str(REPOSITORY / "src")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    yield
    embedded.stop()
    import shutil

    shutil.rmtree(_HOME, ignore_errors=True)


def _forgetful() -> None:
    """Let the server of the tests leave writing to the disk, and signing in be cheap: its databases live as long as one file of tests.

    What an installation's own server does is asked of one in `integration/test_up.py`.
    """
    with superuser() as connection:
        for setting, value in (
            ("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("scram_iterations", "1"),
        ):  # fmt: skip
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(setting), value))
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def superuser() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Connect as the bootstrap superuser: for making databases only."""
    from khana.platform import embedded

    with embedded._superuser() as connection:
        yield connection


@pytest.fixture(scope="module")
def database(server: None) -> Iterator[str]:
    """Clone the template for one module and point Django's default connection at it."""
    from django.db import connection as django_connection

    django_connection.close()
    with clone(TEMPLATE) as name:
        before = os.environ["KHANA_DATABASE_NAME"]
        os.environ["KHANA_DATABASE_NAME"] = name
        django_connection.settings_dict["NAME"] = name
        close_pool(django_connection)
        yield name
        close_pool(django_connection)
        os.environ["KHANA_DATABASE_NAME"] = before
        # its country and its day end with the database that they are of
        (_HOME / "installation.json").unlink(missing_ok=True)
        public = sys.modules.get("khana.interfaces.web.monitoring.public")
        if public is not None:
            public._read.cache_clear()  # a publication never changes, but another database has others
        django_connection.settings_dict["NAME"] = before


@contextmanager
def clone(template: str) -> Iterator[str]:
    """Lend a copy of a database that nobody is connected to, copied file by file: cheaper than by its log."""
    name = f"khana_{secrets.token_hex(4)}"
    with superuser() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER khana_owner STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        connection.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO khana_web, khana_worker").format(sql.Identifier(name))
        )
    try:
        yield name
    finally:
        with superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def close_pool(connection: object) -> None:
    """Close a Django connection and its pool."""
    connection.close()  # type: ignore[attr-defined]
    if hasattr(connection, "close_pool"):
        connection.close_pool()


@pytest.fixture
def connect(database: str):  # type: ignore[no-untyped-def]
    """Return a function that connects to the module's database as owner, web or worker."""
    from khana.platform import embedded

    opened = []

    def _connect(role: str, **extra: object) -> psycopg.Connection[tuple[object, ...]]:
        connection = psycopg.connect(**{**embedded.connection_parameters(role), "dbname": database, **extra})  # type: ignore[arg-type]
        opened.append(connection)
        return connection

    yield _connect
    for connection in opened:
        connection.close()


@contextmanager
def acting_as(role: str, database: str | None = None) -> Iterator[None]:
    """Let this thread's connection of Django be another role's: owner, web, worker or superuser.

    Threads that serve pages beside it keep theirs, and the pool that they take them from.
    """
    from django.db import connection

    from khana.platform import embedded
    from khana.platform.secrets_store import get_secret

    if role == "superuser":
        parameters: dict[str, object] = {"user": "postgres", "password": get_secret("db_superuser")}
    else:
        parameters = dict(embedded.connection_parameters(role))
    kept = connection.settings_dict
    connection.close()
    connection.settings_dict = {
        **kept, "USER": parameters["user"], "PASSWORD": parameters["password"], "NAME": database or kept["NAME"], "OPTIONS": {},
    }  # fmt: skip
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict = kept


@pytest.fixture
def as_role(database: str) -> Iterator[object]:
    """Return a function that makes Django's default connection run as another role."""
    with ExitStack() as stack:
        yield lambda role: stack.enter_context(acting_as(role, database))


def pytest_configure(config: pytest.Config) -> None:
    """Set Django up before collection."""
    import django

    django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first: two workers then end together, not one an endless file after the other."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.nodeid.split("::")[0].removeprefix("tests/"), len(rank)))


def pytest_unconfigure() -> None:
    """End the nursery of commands, if a file of this run lent it."""
    commands = sys.modules.get("tests.journeys.commands")
    if commands is not None:
        commands.end()


@pytest.fixture(scope="module")
def tokens(database: str):  # type: ignore[no-untyped-def]
    """Return a function (role, **scope) -> token of a fresh user of the module's database."""
    from datetime import UTC, datetime

    from khana.access import services as access

    def _make(role: str, **scope: str) -> str:
        with acting_as("owner", database):
            user = access.add_user(
                username=f"u{secrets.token_hex(4)}", display_name="U", role=role, at=datetime.now(UTC), **scope
            )
        return user.token

    return _make
