"""`khana users`: who may act, in which role, over which area and agency.

Only an administrator (or, for the first one, the operator of the folder) may change anything.
`users code` exists for sample logins in development only: it plays the telephone.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, setup
from khana.platform import clock, places
from khana_methods.errors import NotFound, NotPermitted

if TYPE_CHECKING:
    from khana.access.selectors import ListedUser


class OnlyInDevelopment(NotPermitted):
    """Codes are printed for sample logins of a trial, never in production."""

    code: ClassVar[str] = "cli.users.only_in_development"


class NoSampleLogin(NotFound):
    """This folder has no sample login of that name."""

    code: ClassVar[str] = "cli.users.no_sample_login"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana users add --username rukhsana --name 'Rukhsana B.' --role registrar --area PK503",
        "khana users list",
        "khana users confirm 12",
    ),
)
def users() -> None:
    """Users, their roles and the scope of each."""


@users.command(
    "add",
    examples=(
        "khana users add --username rukhsana --name 'Rukhsana B.' --role registrar --area PK503",
        "khana users add --role programme_officer --agency DSS --json      a name is made up",
    ),
)
@click.option("-u", "--username", default="", help="Short name to log in with; made from the role if absent.")
@click.option("--name", help="Name to show; the user name if absent.")
@click.option("--role", required=True, help="A role, such as registrar, data_steward, programme_officer, auditor.")
@click.option("--area", default="", help="Code of the area she may see; everywhere if absent.")
@click.option("--agency", default="", help="The agency she acts for; every agency if absent.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@click.option("--days", type=click.IntRange(1, 90), default=30, show_default=True, help="How long her token lasts.")
@printing
def users_add(
    username: str, name: str | None, role: str, area: str, agency: str, language: str, days: int,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Make a user with one role; print her first password, second factor and token once.

    They are shown here and nowhere else: hand them over and forget them. The password opens only the door to one of her
    own, for seven days; when she has chosen it, the token that you were shown ends.
    """
    username = username or f"{role.replace('_', '-')}-{secrets.token_hex(2)}"
    with acting(for_users=True):
        from khana.access import services as access

        made = access.add_user(
            username=username, display_name=name or username, language=language, role=role, area_code=area,
            agency=agency, token_ttl=timedelta(days=days), at=clock.now(),
        )  # fmt: skip
    show(asdict(made), as_json=as_json, out=out)


@users.command("list", examples=("khana users list", "khana users list --json"))
@printing
def users_list(as_json: bool, out: Path | None) -> None:
    """List users with their roles and scopes."""
    with acting(for_users=True):
        from khana.access import selectors

        rows = [_row(user) for user in selectors.list_users()]
    show({"rows": rows}, as_json=as_json, out=out)


def _row(user: ListedUser) -> dict[str, Any]:
    places_held = [
        " ".join(
            part
            for part in (
                f"{held.id}: {held.role}", held.area_path or "everywhere", held.agency, held.programme,
                f"for {held.purpose}" if held.purpose else "", f"until {held.valid_to[:10]}" if held.valid_to else "",
                "(waits for a second person)" if held.waits else "",
            )
            if part
        )
        for held in user.grants
    ]  # fmt: skip
    state = "locked" if user.is_locked else "active" if user.is_active else "closed"
    return {"username": user.username, "name": user.display_name, "state": state, "grants": places_held}


@users.command(
    "grant",
    examples=(
        "khana users grant rukhsana --role data_steward --area PK5",
        "khana users grant rukhsana --role programme_officer --agency DSS --programme OAA --until 2027-06-30",
        "khana users grant rukhsana --role registrar --area PK503 --purpose grievance",
        "khana users grant rukhsana --end 12",
    ),
)
@click.argument("username")
@click.option("--role", help="The role to give.")
@click.option("--area", default="", help="Code of the area; everywhere if absent.")
@click.option("--agency", default="", help="The agency; every agency if absent.")
@click.option("--programme", default="", help="One programme of that agency; the grant reaches nothing else.")
@click.option("--purpose", default="", help="The grant counts only while she names this purpose (KHANA_PURPOSE).")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day; now if absent.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day on which it ends; none if absent.")
@click.option("--end", type=int, help="Number of a grant to end instead of giving one.")
@printing
def users_grant(
    username: str, role: str | None, area: str, agency: str, programme: str, purpose: str, start: datetime | None,
    until: datetime | None, end: int | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Give a user one more role, or end one of hers. Grants are never changed, only ended.

    A strong grant (an administrator, a steward, an auditor, or a role that shows people everywhere) waits until another
    person than you has confirmed it: `khana users confirm NUMBER`.
    """
    if (role is None) == (end is None):
        raise click.UsageError("Say either --role ROLE to give one or --end NUMBER to end one.")
    with acting(for_users=True):
        from khana.access import services as access

        if end is not None:
            access.end_grant(grant=end, at=clock.now())
            result = {"username": username, "ended": end}
        else:
            from khana.access import offices

            given = offices.give(
                username=username, role=role or "", area_code=area, agency=agency, programme=programme, purpose=purpose,
                valid_from=_midnight(start), valid_to=_midnight(until), at=clock.now(),
            )  # fmt: skip
            result = {"username": username, "grant": given.grant, "waits_for_second_person": given.waits}
    show(result, as_json=as_json, out=out)


def _midnight(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)


@users.command("confirm", examples=("khana users confirm 12",))
@click.argument("grant", type=int)
@printing
def users_confirm(grant: int, as_json: bool, out: Path | None) -> None:
    """Confirm, as the second person, a strong grant that somebody else gave. Its number stands in `khana users list`."""
    with acting(for_users=True):
        from khana.access import offices

        offices.confirm(grant=grant, at=clock.now())
    show({"grant": grant, "confirmed": True}, as_json=as_json, out=out)


@users.command(
    "clear",
    examples=(
        "khana users clear rukhsana --kind training --title 'Handling of personal data' --on 2026-03-01 --until 2027-03-01",
        "khana users clear rukhsana --kind undertaking --title 'Secrecy, form 7' --paper signed.pdf --on 2026-03-01 --until 2028-03-01",
        "khana users clear rukhsana                what stands for her",
        "khana users clear rukhsana --withdraw 4",
    ),
)
@click.argument("username")
@click.option("--kind", type=click.Choice(["training", "undertaking"]), help="What is recorded.")
@click.option("--title", default="", help="The course, or the text that was signed.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="When it was completed or signed.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it counts.")
@click.option(
    "--paper", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The signed paper: its hash is kept."
)
@click.option("--withdraw", type=int, help="Number of one to withdraw instead.")
@printing
def users_clear(
    username: str, kind: str | None, title: str, on: datetime | None, until: datetime | None, paper: Path | None,
    withdraw: int | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Record a user's training or signed undertaking, withdraw one, or list them.

    Without one of each in force no role of hers shows a name; on the day after the last one the names are locked.
    """
    if kind is not None and (on is None or until is None or not title):
        raise click.UsageError("Say --title, --on and --until of what is recorded.")
    with acting(for_users=True):
        from khana.access import offices

        if withdraw is not None:
            offices.withdraw_clearance(clearance=withdraw, at=clock.now())
        elif kind is not None and on is not None and until is not None:
            offices.clear(
                username=username, kind=kind.upper(), title=title, completed_on=on.date(), expires_on=until.date(),
                paper=paper.read_bytes() if paper else b"", at=clock.now(),
            )  # fmt: skip
        rows = [asdict(one) for one in offices.clearances(username)]
    show({"username": username, "rows": rows}, as_json=as_json, out=out)


@users.command("close-idle", examples=("khana users close-idle",))
@printing
def users_close_idle(as_json: bool, out: Path | None) -> None:
    """Close staff who have not signed in for ninety days. The worker does it every hour by itself."""
    with acting(for_users=True):
        from khana.access import offices

        closed = offices.close_idle()
    show({"closed": closed}, as_json=as_json, out=out)


@users.command("reset", examples=("khana users reset rukhsana",))
@click.argument("username")
@printing
def users_reset(username: str, as_json: bool, out: Path | None) -> None:
    """Give a user a new password and second factor and close her sessions; print them once."""
    with acting(for_users=True):
        from khana.access import services as access

        made = access.reset_password(username=username, at=clock.now())
    shown = {name: value for name, value in asdict(made).items() if name not in ("id", "token")}
    show(shown, as_json=as_json, out=out)


@users.command(
    "end-sessions",
    examples=("khana users end-sessions rukhsana", "khana users end-sessions --all     everybody but you"),
)
@click.argument("username", required=False, default="")
@click.option("--all", "everybody", is_flag=True, help="Every user but yourself.")
@printing
def users_end_sessions(username: str, everybody: bool, as_json: bool, out: Path | None) -> None:
    """End every session and token of one user, or of everybody else. Jobs that were asked for go on.

    She may sign in again at once: to keep somebody out, close her on the page *Users*.
    """
    if bool(username) == everybody:
        raise click.UsageError("Name one user, or say --all.")
    with acting(for_users=True):
        from khana.access import own_account

        ended = own_account.end_sessions_of(username=username, at=clock.now())
    show({"username": username or "everybody else", "ended": ended}, as_json=as_json, out=out)


@users.command("code", examples=("khana users code steward",))
@click.argument("username")
@printing
def users_code(username: str, as_json: bool, out: Path | None) -> None:
    """Print the current second-factor code of a sample login (development only)."""
    if os.environ.get("KHANA_ENV", "development") == "production":
        raise OnlyInDevelopment("Codes are printed for sample logins only, and never with KHANA_ENV=production.")
    marker = places.var() / "sample.json"
    logins = json.loads(marker.read_text())["logins"] if marker.is_file() else []
    address = next((login.get("otpauth") for login in logins if login["username"] == username), None)
    if not address:
        raise NoSampleLogin(f"This folder has no sample login '{username}'. `khana up` prints the ones it made.")
    setup()
    from khana.access import services as access

    code = access.code_at(address, clock.now())
    show({"code": code}, as_json=as_json, out=out, text=lambda result, console: console.print(result["code"]))


@users.command("passkeys", examples=("khana users passkeys rukhsana", "khana users passkeys rukhsana --remove 7"))
@click.argument("username")
@click.option("--remove", type=int, help="Number of a passkey to take out of use.")
@printing
def users_passkeys(username: str, remove: int | None, as_json: bool, out: Path | None) -> None:
    """List the passkeys of a user, or take one out of use. She makes them herself, on the page *My office*."""
    with acting(for_users=True):
        from khana.access import passkeys

        if remove is not None:
            passkeys.remove(passkey=remove, at=clock.now())
        rows = [asdict(one) for one in passkeys.passkeys(username)]
    show({"username": username, "rows": rows}, as_json=as_json, out=out)
