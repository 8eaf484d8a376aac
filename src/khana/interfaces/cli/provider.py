"""`khana provider`: sign-in of staff by way of the government's OpenID Connect provider.

Who keeps users sets it and says of each user who she is there; the provider makes no user and gives no role.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana provider set --issuer https://login.gov.example --client khana --secret-file secret.txt --title 'Government login'",
        "khana provider link rukhsana --subject 7f3c-11",
        "khana provider show",
    ),
)
def provider() -> None:
    """The government's sign-in provider, and who is who there."""


@provider.command(
    "set",
    examples=(
        "khana provider set --issuer https://login.gov.example --client khana --secret-file secret.txt --title 'Government login'",
        "khana provider set --issuer https://login.gov.example --client khana --key-file key.pem --title 'Government login'",
        "khana provider set --issuer https://login.gov.example --client khana --title 'Government login' --demand urn:gov:loa:2",
    ),
)
@click.option("--issuer", required=True, help="Its address, exactly as its tokens name it.")
@click.option("--client", required=True, help="Who we are to it (client id).")
@click.option(
    "--secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with our secret, kept encrypted; none for a public client (PKCE alone).",
)  # fmt: skip
@click.option(
    "--key-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of a secret: file with our private key (PEM; RSA or P-256), kept encrypted, to sign with (private_key_jwt).",
)  # fmt: skip
@click.option("--title", required=True, help="What the button on the sign-in page says.")
@click.option("--demand", default="", help="The only authentication class (acr) that counts.")
@printing
def provider_set(
    issuer: str, client: str, secret_file: Path | None, key_file: Path | None, title: str, demand: str, as_json: bool,
    out: Path | None,
) -> None:  # fmt: skip
    """Set the provider: read what it says of itself and its keys. The one before ends.

    Register at the provider the address https://YOUR-HOST/sign-in/provider/back, code flow, PKCE with S256; with a key, its public
    half, which is shown as `public_key`.
    """
    if secret_file and key_file:
        raise click.UsageError("Give a --secret-file or a --key-file, not both.")
    given = secret_file or key_file
    secret = given.read_text().strip() if given else ""
    with acting(for_users=True):
        from khana.access import client_proof
        from khana.access import provider as providers

        if key_file:
            client_proof.own_key(secret)
        held = providers.configure(
            issuer=issuer, client=client, secret=secret, title=title, demanded_class=demand, at=clock.now()
        )
        public = providers.public_key()
    show(_shown(held, public), as_json=as_json, out=out)


def _shown(held: Any, public: dict[str, Any] | None) -> dict[str, Any]:
    """Return a provider without its secret, with the public half of the key that we sign with."""
    return {
        "issuer": held.issuer, "client": held.client, "title": held.title, "has_secret": held.secret_ciphertext is not None,
        "demands": held.demanded_class, "keys": [key.get("kid", "") for key in held.keys["keys"]],
        "keys_fetched": held.keys_at.isoformat(), "signs": public is not None, "public_key": public or {},
    }  # fmt: skip


@provider.command("show", examples=("khana provider show", "khana provider show --json"))
@printing
def provider_show(as_json: bool, out: Path | None) -> None:
    """Show the provider in force, without its secret."""
    with acting(for_users=True):
        from khana.access import provider as providers
        from khana.access import services as access

        access.require("users.read", everywhere=True)
        held, public = providers.in_force(), providers.public_key()
    show(_shown(held, public) if held else {"issuer": ""}, as_json=as_json, out=out)


@provider.command("refresh", examples=("khana provider refresh",))
@printing
def provider_refresh(as_json: bool, out: Path | None) -> None:
    """Fetch the provider's keys now. The worker does it every ten minutes by itself."""
    with acting(for_users=True):
        from khana.access import provider as providers
        from khana.access import services as access

        access.require("users.manage", everywhere=True)
        found = providers.refresh()
    show({"fetched": found}, as_json=as_json, out=out)


@provider.command("end", examples=("khana provider end",))
@printing
def provider_end(as_json: bool, out: Path | None) -> None:
    """Take the provider out of use; staff sign in with passkeys, or passwords and codes."""
    with acting(for_users=True):
        from khana.access import provider as providers

        providers.end(at=clock.now())
    show({"ended": True}, as_json=as_json, out=out)


@provider.command(
    "link", examples=("khana provider link rukhsana --subject 7f3c-11", "khana provider link rukhsana --end")
)
@click.argument("username")
@click.option("--subject", default="", help="Who she is at the provider: the text in `sub` of its tokens.")
@click.option("--end", is_flag=True, help="End her link instead.")
@printing
def provider_link(username: str, subject: str, end: bool, as_json: bool, out: Path | None) -> None:
    """Say who a user is at the provider, or end that; nobody links herself."""
    if bool(subject) == end:
        raise click.UsageError("Say either --subject TEXT or --end.")
    with acting(for_users=True):
        from khana.access import provider as providers

        if end:
            providers.unlink(username=username, at=clock.now())
        else:
            providers.link(username=username, subject=subject, at=clock.now())
        rows = [{"issuer": one.issuer, "subject": one.subject} for one in providers.links(username)]
    show({"username": username, "rows": rows}, as_json=as_json, out=out)
