"""`khana registries`: registries of other offices that Khana asks as a client of the DCI standard."""

from __future__ import annotations

from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.partners import PROFILES, read_jwks
from khana.interfaces.cli.session import acting, token
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana registries add crvs --address https://crvs.example.org/registry --sender-id crvs.example.org --profile jws-compact --jwks jwks.json",
        "khana registries list",
    ),
)
def registries() -> None:
    """Civil registration and other registries: where they are, their keys, what we subscribe to."""


@registries.command(
    "add",
    examples=(
        "khana registries add crvs --address https://crvs.example.org/registry --sender-id crvs.example.org --profile jws-compact --jwks jwks.json",
    ),
)
@click.argument("code")
@click.option("--address", required=True, help="Base before /sync/search.")
@click.option("--sender-id", required=True, help="sender_id of its messages.")
@click.option("--profile", type=click.Choice(PROFILES), required=True, help="How it signs, and how we sign to it.")
@click.option("--jwks", help="Its public keys: a file, or JSON.")
@click.option("--signature-optional", is_flag=True, help="Verified where present, not asked for.")
@click.option("--title", default="", help="Of the office.")
@click.option("--token-address", default="", help="Where client credentials become a token; none if absent.")
@click.option("--client-id", default="", help="Ours there.")
@click.option("--client-secret-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Ours there.")
@click.option("--partner", default="", help="The partner (`khana partners add`) as which it calls us back.")
@printing
def registries_add(
    code: str, address: str, sender_id: str, profile: str, jwks: str | None, signature_optional: bool, title: str,
    token_address: str, client_id: str, client_secret_file: Path | None, partner: str, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Connect the registry CODE, or change how it is asked."""
    public = read_jwks(jwks) or {"keys": []}
    secret = client_secret_file.read_text().strip() if client_secret_file else ""
    with acting(for_users=True):
        from khana.sharing.services import asking

        asking.connect(
            code=code, address=address, sender_id=sender_id, profile=profile, jwks=public, title=title,
            signature_optional=signature_optional, token_address=token_address, client_id=client_id, client_secret=secret,
            partner_code=partner, at=clock.now(),
        )  # fmt: skip
    show({"registry": code, "address": address, "state": "open"}, as_json=as_json, out=out)


@registries.command("list", examples=("khana registries list --json",))
@printing
def registries_list(as_json: bool, out: Path | None) -> None:
    """List connected registries."""
    with acting(for_users=True):
        from khana.access import services as access
        from khana.sharing.services import asking

        access.require("partners.read", everywhere=True)
        rows = asking.list_registries()
    show({"rows": rows}, as_json=as_json, out=out)


@registries.command("subscribe", examples=("khana registries subscribe crvs --event LiveBirth --event Death",))
@click.argument("code")
@click.option("--event", "events", multiple=True, required=True, help="As the registry names it; may be repeated.")
@click.option("--record", default="Person", show_default=True, help="Kind of record that is told.")
@printing
def registries_subscribe(code: str, events: tuple[str, ...], record: str, as_json: bool, out: Path | None) -> None:
    """Ask the registry CODE to tell us events; its answer and its notices come to our own address (KHANA_BASE_URL)."""
    acting_token = token(for_users=True)
    from khana.sharing.services import wishes

    rows = wishes.subscribe(token=acting_token, registry=code, events=events, record=record, at=clock.now())
    show({"rows": rows}, as_json=as_json, out=out)


@registries.command("subscriptions", examples=("khana registries subscriptions",))
@printing
def registries_subscriptions(as_json: bool, out: Path | None) -> None:
    """List what we asked other registries to tell, and what they answered."""
    with acting(for_users=True):
        from khana.sharing.services import wishes

        rows = wishes.list_wishes()
    show({"rows": rows}, as_json=as_json, out=out)


@registries.command("unsubscribe", examples=("khana registries unsubscribe 3",))
@click.argument("wish", type=int)
@printing
def registries_unsubscribe(wish: int, as_json: bool, out: Path | None) -> None:
    """End a subscription of ours, by its number in `khana registries subscriptions`."""
    acting_token = token(for_users=True)
    from khana.sharing.services import wishes

    wishes.unsubscribe(token=acting_token, wish=wish, at=clock.now())
    show({"wish": wish, "state": "ENDED"}, as_json=as_json, out=out)
