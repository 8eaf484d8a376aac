"""`khana intake`: submissions and their journey — work them off, count them, settle what waits, set up telephones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock

STATES = click.Choice(["RECEIVED", "CHECKED", "VERIFIED", "MATCHED", "REGISTERED", "RETURNED", "WAITING"])


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana intake reconcile                        is everything that was received somewhere?",
        "khana intake list --state WAITING             what a steward has to look at",
        "khana intake accept 12 MEMBERS_LEFT           take it all the same",
        "khana intake assign amina --area PK10101      give an enumerator her households",
        "khana intake telephone --server https://khana.example.org",
    ),
)
def intake() -> None:
    """Submissions from the field and the desk, and their journey into the registry."""


@intake.command("work", examples=("khana intake work",))
@printing
def intake_work(as_json: bool, out: Path | None) -> None:
    """Work off what has arrived, as the worker does by itself; says how many came to each state and how fast."""
    acting_token = token()
    from khana.workflows import register_household

    started = clock.now()
    with bar(as_json=as_json) as progress:
        counts = register_household.run(token=acting_token, progress=progress, at=started)
    seconds = max((clock.now() - started).total_seconds(), 0.001)
    registered = counts.get("REGISTERED", 0)
    show(
        {**counts, "seconds": round(seconds, 1), "registered_per_second": round(registered / seconds, 1)},
        as_json=as_json,
        out=out,
    )


@intake.command("reconcile", examples=("khana intake reconcile", "khana intake reconcile --json"))
@printing
def intake_reconcile(as_json: bool, out: Path | None) -> None:
    """Count received against registered, waiting and returned, to the submission, and look behind each.

    `rows` are submissions that do not stand as they should; there should be none.
    """
    with acting():
        from khana.intake import reconcile

        with bar(as_json=as_json) as progress:
            found = reconcile.run(progress=progress)
    show(found, as_json=as_json, out=out)


@intake.command("review", examples=("khana intake review", "khana intake review --days 7 --no-keep --json"))
@click.option("--days", type=click.IntRange(1, 366), default=1, show_default=True, help="So many days.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day after the last; today if absent.")
@click.option("--keep/--no-keep", default=True, help="Keep the lines for the pages of enumerators and questions.")
@printing
def intake_review(days: int, until: datetime | None, keep: bool, as_json: bool, out: Path | None) -> None:
    """Run the high-frequency checks over the filled forms that arrived: what the worker does by itself each night.

    Rows are enumerators, whom to visit first at the top. It accuses nobody.
    """
    acting_token = token()
    from khana.workflows import review_field

    with bar(as_json=as_json) as progress:
        found = review_field.run(
            token=acting_token,
            days=days,
            ends=until.date() if until else None,
            keep=keep,
            progress=progress,
            at=clock.now(),
        )
    show(found, as_json=as_json, out=out)


@intake.command("list", examples=("khana intake list", "khana intake list --state RETURNED --json"))
@click.option("--state", type=STATES, help="Only those in this state.")
@click.option("--form", default="", help="Only those of this form.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@printing
def intake_list(state: str | None, form: str, limit: int, as_json: bool, out: Path | None) -> None:
    """List submissions, newest first, with their state and why they stand there; no answer is shown."""
    with acting():
        from khana.intake import selectors

        rows = [
            {
                "submission": row.pk, "form": row.form_code, "version": row.version, "received_at": row.received_at,
                "sender": row.actor_label, "state": row.state, "reasons": " ".join(row.reasons),
                "findings": " ".join(sorted({note["code"] for note in row.findings})),
            }
            for row in selectors.list_submissions(state=state or "", form=form, limit=limit)
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@intake.command("accept", examples=("khana intake accept 12 MEMBERS_LEFT",))
@click.argument("submission", type=int)
@click.argument("reason", nargs=-1, required=True)
@printing
def intake_accept(submission: int, reason: tuple[str, ...], as_json: bool, out: Path | None) -> None:
    """Take a submission that waits, its REASON set aside; it goes on from the start of its journey."""
    with acting():
        from khana.intake.services import journey

        row = journey.accept(number=submission, codes=reason, at=clock.now())
    show({"submission": submission, "state": row.state}, as_json=as_json, out=out)


@intake.command("return", examples=("khana intake return 12",))
@click.argument("submission", type=int)
@printing
def intake_return(submission: int, as_json: bool, out: Path | None) -> None:
    """Return a submission that waits to its sender."""
    with acting():
        from khana.intake.services import journey

        row = journey.send_back(number=submission, at=clock.now())
    show({"submission": submission, "state": row.state}, as_json=as_json, out=out)


@intake.command("again", examples=("khana intake again 12",))
@click.argument("submission", type=int)
@printing
def intake_again(submission: int, as_json: bool, out: Path | None) -> None:
    """Let a submission go its way once more: its form is registered now, its area is loaded."""
    with acting():
        from khana.intake.services import journey

        row = journey.try_again(number=submission, at=clock.now())
    show({"submission": submission, "state": row.state}, as_json=as_json, out=out)


@intake.command(
    "assign",
    examples=(
        "khana intake assign amina --area PK10101",
        "khana intake assign amina --area PK10101 --until 2026-12-31",
    ),
)
@click.argument("username")
@click.option("--area", required=True, help="Code of the area whose households she carries.")
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), help="First day; today if absent.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day on which it is over.")
@printing
def intake_assign(
    username: str, area: str, valid_from: datetime | None, until: datetime | None, as_json: bool, out: Path | None
) -> None:
    """Put the households of an area on an enumerator's telephone."""
    with acting():
        from khana.intake.services import entities

        found = entities.assign(
            username=username, area_code=area, valid_from=valid_from.date() if valid_from else clock.today(),
            valid_to=until.date() if until else None, at=clock.now(),
        )  # fmt: skip
    show({"user": username, "area": area, **found}, as_json=as_json, out=out)


@intake.command(
    "telephone",
    examples=(
        "khana intake telephone --server https://khana.example.org",
        "khana intake telephone --server http://10.0.0.5:8000 --out phone.svg",
    ),
)
@click.option("--server", required=True, help="The address under which telephones reach Khana.")
@click.option("--days", type=click.IntRange(1, 90), default=90, show_default=True, help="How long the token holds.")
@printing
def intake_telephone(server: str, days: int, as_json: bool, out: Path | None) -> None:
    """Make a token of your own for one telephone and show it as the QR code that sets ODK Collect up.

    It is shown once. `--out FILE.svg` writes the picture instead.
    """
    with acting():
        from khana.access import services as access

        made = access.make_token(ttl=timedelta(days=days))
    from khana.intake import telephone

    address = f"{server.rstrip('/')}/api/odk/v1/key/{made}/projects/1"
    text = telephone.settings_text(address)
    if out is not None and out.suffix == ".svg":
        out.touch(mode=0o600)
        out.write_text(telephone.picture(text), encoding="utf-8")
        out = None
    show({"address": address, "days": days, "settings": text}, as_json=as_json, out=out, text=_code)


def _code(result: Mapping[str, Any], console: Console) -> None:
    from khana.intake import telephone

    console.print(telephone.for_terminal(str(result["settings"])), soft_wrap=True)
    console.print(
        f"Address: {result['address']}\nHolds for {result['days']} days; it is not shown again.", soft_wrap=True
    )
