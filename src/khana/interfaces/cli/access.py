"""`khana access`: one's own office, broken glass, alarms and what came of them.

Who gives grants is in `khana users`; here everybody sees what she holds and why it does or does not count.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.interfaces.cli.walk import walk
from khana.platform import clock


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana access me",
        "khana access break-glass --area PK503 --reason 'Flood in the district, the desk is cut off'",
        "khana access alarms",
        "khana access walk",
    ),
)
def access() -> None:
    """Your office: grants, trainings, broken glass; alarms for the data-protection officer; the walk."""


access.add_command(walk)


@access.command("me", examples=("khana access me", "KHANA_PURPOSE=grievance khana access me --json"))
@printing
def access_me(as_json: bool, out: Path | None) -> None:
    """Say who you are, what you hold, and what keeps a grant from counting."""
    with acting() as actor:
        from khana.access import offices

        rows = [_counts(asdict(one)) for one in offices.my_offices()]
        papers = [asdict(one) for one in offices.clearances()]
        result = {
            "username": actor.username, "permissions": sorted(actor.permissions), "clearances": papers, "rows": rows
        }  # fmt: skip
    show(result, as_json=as_json, out=out)


def _counts(row: dict[str, object]) -> dict[str, object]:
    waiting = "waits for a second person" if row.pop("waits") else ""
    names = "" if row.pop("is_cleared") else "names locked: no training or undertaking in force"
    row["state"] = "; ".join(part for part in (waiting, names) if part) or "counts"
    return row


@access.command(
    "break-glass", examples=("khana access break-glass --area PK503 --reason 'Flood in the district, the desk is cut off'",)
)  # fmt: skip
@click.option("--area", required=True, help="Code of the area that you must read.")
@click.option(
    "--reason", required=True, help="What happened, at least twenty characters; no name or number of a person."
)
@click.option("--hours", type=click.IntRange(1, 4), default=4, show_default=True)
@printing
def break_glass(area: str, reason: str, hours: int, as_json: bool, out: Path | None) -> None:
    """Read one area for some hours in an emergency. An alarm goes to the data-protection officer at once."""
    with acting():
        from khana.access import offices

        broken = offices.break_glass(area_code=area, reason=reason, hours=hours, at=clock.now())
    show(asdict(broken), as_json=as_json, out=out)


@access.command("alarms", examples=("khana access alarms", "khana access alarms --all --json"))
@click.option("--all", "is_all", is_flag=True, help="Closed ones too.")
@printing
def alarms(is_all: bool, as_json: bool, out: Path | None) -> None:
    """List alarms: broken glass and unusual reading, with the time by which somebody must have looked."""
    with acting():
        from khana.access import offices
        from khana.access import services as rights

        rights.require("alarms.read", everywhere=True)
        rows = [dict(row) for row in offices.alarm_rows(is_open=None if is_all else True)]
    show({"rows": rows}, as_json=as_json, out=out)


@access.command(
    "close-alarm", examples=("khana access close-alarm 3 --outcome EXPLAINED --finding 'Asked her; the desk was flooded'",)
)  # fmt: skip
@click.argument("alarm", type=int)
@click.option("--outcome", type=click.Choice(["EXPLAINED", "MISUSE", "BREACH"]), required=True)
@click.option(
    "--finding", required=True, help="What was found, at least ten characters; no name or number of a person."
)
@printing
def close_alarm(alarm: int, outcome: str, finding: str, as_json: bool, out: Path | None) -> None:
    """Close an alarm with what was found; not one about yourself. BREACH: open one with `khana breaches add` too."""
    with acting():
        from khana.access import offices

        offices.close_alarm(alarm=alarm, outcome=outcome, finding=finding, at=clock.now())
    show({"alarm": alarm, "outcome": outcome}, as_json=as_json, out=out)


@access.command("look", examples=("khana access look",))
@printing
def look(as_json: bool, out: Path | None) -> None:
    """Look through the log of the last day for unusual reading. The worker does it every ten minutes by itself."""
    with acting():
        from khana.access import offices

        raised = offices.watch()
    show({"raised": raised}, as_json=as_json, out=out)
