"""`khana partners`: systems of other organisations that ask through the standard interfaces.

`add` prints the client secret once, with the base addresses that the partner's developer needs.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import InputError

KINDS = ("BIRTH", "DEATH", "MARRIAGE", "DIVORCE")
PROFILES = ("cavage", "jws-compact", "jws-detached")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana partners add --code mof-mis --name 'Ministry of Finance' --profile jws-compact --jwks jwks.json --json",
        "khana partners add --code trial --profile cavage --sandbox --signature-optional --json",
        "khana partners list",
    ),
)
def partners() -> None:
    """Partners' systems: credentials, keys, calls."""


def read_jwks(given: str | None) -> dict[str, Any]:
    """Return a key set from a file or from JSON as it is typed; empty where none is given."""
    if not given:
        return {}
    path = Path(given)
    text = given if given.lstrip().startswith("{") else path.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError("The key set is no JSON.") from error
    if isinstance(found, dict) and "kty" in found:
        return {"keys": [found]}
    if not isinstance(found, dict):
        raise InputError("The key set is no JSON object.")
    return found


def addresses(base: str) -> dict[str, str]:
    """Return the base addresses that a partner's developer needs."""
    base = base.rstrip("/")
    return {
        "sr": f"{base}/dci/sr/v1.0.0", "ibr": f"{base}/dci/ibr/v1.0.0", "sr_short": f"{base}",
        "token": f"{base}/oauth2/client/token", "jwks": f"{base}/.well-known/jwks.json",
        "locations": f"{base}/.well-known/locations.json", "extracts": f"{base}/dci/extracts",
    }  # fmt: skip


@partners.command(
    "add",
    examples=(
        "khana partners add --code mof-mis --name 'Ministry of Finance' --profile jws-compact --jwks jwks.json --json",
        "khana partners add --profile cavage --jwks '{\"keys\": [...]}' --callback sp-mis.example.org --json",
    ),
)
@click.option("--code", help="Short and stable, also the client id; made up if absent.")
@click.option("--name", help="Of the organisation; the code if absent.")
@click.option("--profile", type=click.Choice(PROFILES), required=True, help="How it signs.")
@click.option(
    "--jwks", help="Its public keys: a file, or JSON. A key with use 'enc' is what extracts are encrypted to."
)
@click.option("--sender-id", default="", help="sender_id of its messages; the code if absent.")
@click.option(
    "--callback", "callbacks", multiple=True, help="Host of its call-backs, as host or host:port; may be repeated."
)
@click.option("--join-group", default="", help="Partners of one group share pseudonyms, where an agreement says so.")
@click.option("--signature-optional", is_flag=True, help="Verified where present, not asked for.")
@click.option("--sandbox", is_flag=True, help="Made-up people only; needs no agreement.")
@click.option("--tells", "tells", multiple=True, type=click.Choice(KINDS), help="Civil events that are taken from it.")
@click.option(
    "--per-second", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Most calls a second for long."
)
@click.option("--daily-calls", type=click.IntRange(1), default=1_000_000, show_default=True, help="Most calls a day.")
@click.option("--base-url", help="Where this installation is reached; KHANA_BASE_URL, else http://127.0.0.1:8000.")
@printing
def partners_add(
    code: str | None, name: str | None, profile: str, jwks: str | None, sender_id: str, callbacks: tuple[str, ...],
    join_group: str, signature_optional: bool, sandbox: bool, tells: tuple[str, ...], per_second: int, daily_calls: int, base_url: str | None,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Connect a partner; print its credentials and the base addresses, once."""
    import secrets

    public = read_jwks(jwks)
    code = code or f"partner-{secrets.token_hex(3)}"
    with acting(for_users=True):
        from khana.sharing.services import partners as service

        made = service.add(
            code=code, name=name or code, profile=profile, jwks=public or {"keys": []}, sender_id=sender_id,
            callback_hosts=callbacks, join_group=join_group, signature_optional=signature_optional, is_sandbox=sandbox,
            may_tell=tells, per_second=per_second, daily_calls=daily_calls, at=clock.now(),
        )  # fmt: skip
    base = base_url or os.environ.get("KHANA_BASE_URL") or _base()
    show({**asdict(made), "addresses": addresses(base)}, as_json=as_json, out=out)


def _base() -> str:
    from khana.platform import places

    try:
        state = json.loads((places.var() / "run" / "state.json").read_text())
    except (OSError, ValueError):
        return "http://127.0.0.1:8000"
    return str(state.get("url") or "http://127.0.0.1:8000")


@partners.command("list", examples=("khana partners list", "khana partners list --json"))
@printing
def partners_list(as_json: bool, out: Path | None) -> None:
    """List partners with their profile and what they may do."""
    with acting(for_users=True):
        from khana.sharing import selectors

        rows = selectors.list_partners()
    show({"rows": rows}, as_json=as_json, out=out)


@partners.command("renew", examples=("khana partners renew mof-mis --jwks new-jwks.json",))
@click.argument("code")
@click.option("--jwks", help="New public keys: a file, or JSON.")
@printing
def partners_renew(code: str, jwks: str | None, as_json: bool, out: Path | None) -> None:
    """Give a partner a new client secret, and new keys; the secret is printed once."""
    public = read_jwks(jwks) if jwks else None
    with acting(for_users=True):
        from khana.sharing.services import partners as service

        secret = service.renew(code=code, jwks=public, at=clock.now())
    show({"partner": code, "client_id": code, "client_secret": secret}, as_json=as_json, out=out)


@partners.command("tells", examples=("khana partners tells crvs --kind BIRTH --kind DEATH",))
@click.argument("code")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="May be repeated; none ends it.")
@printing
def partners_tells(code: str, kinds: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Say which civil events are taken from the partner CODE."""
    with acting(for_users=True):
        from khana.sharing.services import partners as service

        service.let_tell(code=code, kinds=kinds, at=clock.now())
    show({"partner": code, "tells": sorted(set(kinds))}, as_json=as_json, out=out)


@partners.command("close", examples=("khana partners close mof-mis",))
@click.argument("code")
@printing
def partners_close(code: str, as_json: bool, out: Path | None) -> None:
    """Close a partner with its sessions."""
    with acting(for_users=True):
        from khana.sharing.services import partners as service

        service.close(code=code, at=clock.now())
    show({"partner": code, "state": "closed"}, as_json=as_json, out=out)


@partners.command("calls", examples=("khana partners calls mof-mis",))
@click.argument("code")
@click.option("--failed", is_flag=True, help="Only calls that were refused, and call-backs that were not taken.")
@printing
def partners_calls(code: str, failed: bool, as_json: bool, out: Path | None) -> None:
    """List a partner's last calls: what was asked when, how it ended, what was counted; no content."""
    with acting(for_users=True):
        from khana.sharing import selectors

        rows = selectors.list_calls(code, failed=failed)
    show({"rows": rows}, as_json=as_json, out=out)


@partners.command(
    "developer",
    examples=(
        "khana partners developer mof-mis --username sana --name 'Sana K.'",
        "khana partners developer mof-mis",
        "khana partners developer mof-mis --end 42",
    ),
)
@click.argument("code")
@click.option("-u", "--username", default="", help="Make an account of this name for a developer of the partner.")
@click.option("--name", default="", help="Name to show; the user name if absent.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@click.option("--end", "ended", type=int, help="Number of a user who looks after it no longer.")
@printing
def partners_developer(
    code: str, username: str, name: str, language: str, ended: int | None, as_json: bool, out: Path | None
) -> None:
    """Say who looks after the calls of the partner CODE; without options list them.

    She signs in on the page /partner with a password and a code like staff, and sees how calls ended: never what they
    asked or were answered. Her first password and second factor are printed once.
    """
    with acting(for_users=True):
        from khana.sharing import selectors
        from khana.sharing.services import developing

        if username:
            made = developing.add(partner=code, username=username, name=name, language=language, at=clock.now())
            result: dict[str, Any] = {"partner": code, **asdict(made)}
        elif ended is not None:
            developing.end(partner=code, user_id=ended, at=clock.now())
            result = {"partner": code, "user": ended, "state": "ended"}
        else:
            result = {"rows": selectors.list_developers(code)}
    show(result, as_json=as_json, out=out)


@partners.command("replay", examples=("khana partners replay mof-mis",))
@click.argument("code")
@printing
def partners_replay(code: str, as_json: bool, out: Path | None) -> None:
    """Send again what the partner CODE did not take: answers whose call-back was given up, and notices."""
    acting_token = token(for_users=True)
    from khana.sharing.services import replaying

    with bar(as_json=as_json) as progress:
        result = replaying.replay(token=acting_token, code=code, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@partners.command("notify", examples=("khana partners notify", "khana partners notify --partner mof-mis --json"))
@click.option("--partner", default="", help="Only this partner.")
@printing
def partners_notify(partner: str, as_json: bool, out: Path | None) -> None:
    """Tell subscribers what is new, now; the worker does the same every half minute."""
    acting_token = token(for_users=True)
    from khana.sharing.services import notifying

    with bar(as_json=as_json) as progress:
        result = notifying.sweep(only=partner, token=acting_token, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@partners.command("subscriptions", examples=("khana partners subscriptions",))
@printing
def partners_subscriptions(as_json: bool, out: Path | None) -> None:
    """List who hears of what, and how many notices were taken or wait."""
    with acting(for_users=True):
        from khana.sharing import selectors

        rows = selectors.list_subscriptions()
    show({"rows": rows}, as_json=as_json, out=out)
