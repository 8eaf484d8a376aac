"""`up`, `down`, `status`, `migrate`: one folder's database, web server and worker.

Only `up` and `migrate` use the owner of the database (and `keys` its key ring); everything
else acts as a user. `up` runs each part as a process of its own with its own secret and stops
them in order on Ctrl-C.
"""

from __future__ import annotations

import json
import os
from typing import ClassVar

import click

from khana.interfaces.cli import supervisor
from khana.interfaces.cli.output import TeachingCommand
from khana.platform import embedded
from khana_methods.errors import Conflict, NotConfigured


class SampleInProduction(NotConfigured):
    """Sample logins were asked for, or are there, with KHANA_ENV=production."""

    code: ClassVar[str] = "interfaces.sample_in_production"


class AlreadyRunning(Conflict):
    """Another `khana up` holds this folder."""

    code: ClassVar[str] = "interfaces.already_running"


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana up                         database, sample country, web server, worker",
        "khana up --no-sample             the same without any data or sample login",
        "KHANA_VAR=/srv/khana khana up    another folder",
        "KHANA_DATABASE_URL=… khana up    a PostgreSQL 18 (or newer) of your own",
        "khana up --tls-certificate chain.pem --tls-key key.pem --host 0.0.0.0    TLS 1.3 without a proxy",
    ),
)
@click.option("--port", type=int, default=8000, show_default=True, envvar="KHANA_PORT", help="First port to try.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--sample/--no-sample",
    default=None,
    help="Load the sample country and its logins (default outside production).",
)
@click.option("--households", type=int, default=2000, show_default=True, help="Size of the sample country.")
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True)
@click.option(
    "--tls-certificate",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    default=None,
    help="Certificate with its chain (PEM): answer over TLS 1.3, where no proxy in front does it.",
)
@click.option(
    "--tls-key", type=click.Path(exists=True, dir_okay=False, resolve_path=True), default=None, help="Its private key (PEM)."
)  # fmt: skip
@click.option("--detach", is_flag=True, help="Return when everything is up; `khana down` stops it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when everything is up.")
def up(
    port: int, host: str, sample: bool | None, households: int, country: str, tls_certificate: str | None,
    tls_key: str | None, detach: bool, as_json: bool,
) -> None:  # fmt: skip
    """Start everything of one folder and print the address and the sample logins."""
    if bool(tls_certificate) != bool(tls_key):
        raise click.UsageError("Say both --tls-certificate and --tls-key.")
    is_production = os.environ.get("KHANA_ENV") == "production"
    if is_production and sample is None:
        sample = False
    if is_production and (sample or supervisor.has_sample()):
        raise SampleInProduction(
            "Sample logins have passwords that everybody can read, so they do not run with KHANA_ENV=production. "
            "Use an empty folder (KHANA_VAR) with --no-sample, or leave KHANA_ENV unset for a trial."
        )
    wish = supervisor.Wish(
        port=port,
        host=host,
        sample=sample is not False,
        households=households,
        country=country,
        as_json=as_json,
        tls_certificate=tls_certificate or "",
        tls_key=tls_key or "",
    )
    if detach:
        supervisor.detach(wish)
        return
    with supervisor.lock() as got_it:
        if not got_it:
            raise AlreadyRunning(
                f"Khana already runs in this folder: {supervisor.read_state().get('address', 'starting')}. "
                "`khana down` stops it."
            )
        supervisor.run(wish)


@click.command()
@click.option("--json", "as_json", is_flag=True)
def down(as_json: bool) -> None:
    """Stop everything of one folder; data stays. Does nothing where nothing runs."""
    stopped = supervisor.stop_running()
    if not embedded.own_url():
        embedded.stop()
    if as_json:
        click.echo(json.dumps({"stopped": stopped}))
    else:
        click.echo("Stopped." if stopped else "Nothing was running; the database is down.")


@click.command()
@click.option("--json", "as_json", is_flag=True)
def status(as_json: bool) -> None:
    """Say what runs, where, and what is in this folder."""
    found = supervisor.describe()
    if as_json:
        click.echo(json.dumps(found))
        return
    for name, value in found.items():
        click.echo(f"{name:12} {value}")


@click.command()
def migrate() -> None:
    """Bring the database to this version, as its owner."""
    os.environ["KHANA_DB_ROLE"] = "owner"
    if not embedded.own_url():
        embedded.start()
    embedded.ensure_roles_and_database()
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    from khana.access.selectors import has_users
    from khana.access.services import load_roles
    from khana.platform import keys

    load_roles()
    # in production new keys belong to a new database only: where people's data is, lost keys must be restored
    if os.environ.get("KHANA_ENV") != "production" or not has_users():
        keys.ensure()


@click.command(name="migrations-check", hidden=True)
def migrations_check() -> None:
    """Fail where a model has changed without a migration (needs no database)."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
