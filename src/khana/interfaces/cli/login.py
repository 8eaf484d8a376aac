"""`khana login` and `khana logout`: one saved login a var folder.

The password is asked for and never taken from the command line, where other users of the machine
could read it; for programmes `--password-stdin` reads it from standard input.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import click

from khana.interfaces.cli import session
from khana.interfaces.cli.output import TeachingCommand, printing, show
from khana.platform import clock


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana login                                  asks for everything",
        "khana login --username steward --days 7",
        "khana login -u steward --password-stdin --code 123456 < password.txt",
        "khana login -u steward --password-stdin < two-lines.txt     a first password, and the one to choose in its place",
    ),
)
@click.option("-u", "--username", prompt="User name", help="Who you are.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--code", help="The six digits of your second factor; asked for where they are needed.")
@click.option("--days", type=click.IntRange(1, 90), default=30, show_default=True, help="How long the login lasts.")
@printing
def login(username: str, password_stdin: bool, code: str | None, days: int, as_json: bool, out: Path | None) -> None:
    """Log in for this folder; later commands act as you, in your scope.

    The token is saved under ~/.config/khana, readable by you only. `khana logout` ends it. Under a password that
    somebody else made you are asked for one of your own first (with --password-stdin: the second line).
    """
    session.setup()
    from khana.access import own_account
    from khana.access import services as access

    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt("Password", hide_input=True)
    try:
        opened = access.sign_in(username=username, password=password, kind="TOKEN", ttl=timedelta(days=days))
        if opened.needs_second_factor:
            digits = code or click.prompt("Code of your second factor")
            access.confirm_second_factor(token=opened.token, code=digits, at=clock.now())
        token = opened.token
    except access.PasswordFirst as first:
        chosen = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
        if password_stdin and not chosen:
            access.sign_out(token=first.token)
            raise
        if not chosen:
            click.echo("Your administrator knows this password. Choose one of your own.", err=True)
            chosen = click.prompt("New password", hide_input=True, confirmation_prompt="The same once more")
        token = own_account.choose(token=first.token, password=chosen)
    path = session.save_token(token)
    show({"username": username, "saved": str(path)}, as_json=as_json, out=out)


@click.command(cls=TeachingCommand, examples=("khana logout",))
@printing
def logout(as_json: bool, out: Path | None) -> None:
    """End the saved login of this folder; its token opens nothing any more."""
    token = session.forget_token()
    if token:
        session.setup()
        from khana.access import services as access

        access.sign_out(token=token)
    show({"logged_out": bool(token)}, as_json=as_json, out=out)
