"""`up`, `down`, `status`, `migrate`: one folder's database, web server and worker.

Only these commands use the owner of the database; everything else acts as a user.
"""

from __future__ import annotations

import click


@click.command()
def up() -> None:
    """Start everything of one folder and print the address and the sample logins."""


@click.command()
def down() -> None:
    """Stop everything of one folder."""


@click.command()
def status() -> None:
    """Say what runs and where."""


@click.command()
def migrate() -> None:
    """Bring the database to this version, as its owner."""
    import os

    os.environ["KHANA_DB_ROLE"] = "owner"
    import django
    from django.core.management import call_command

    from khana.platform import embedded

    if not embedded.own_url():
        embedded.start()
    embedded.ensure_roles_and_database()
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
