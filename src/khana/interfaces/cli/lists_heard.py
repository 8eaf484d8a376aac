"""`khana lists change|settle|propose|answer|recheck`: what local governments, communities and visits say of a list."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import click

from khana.interfaces.cli.output import TeachingCommand, printing, show
from khana.interfaces.cli.session import acting
from khana.platform import clock
from khana_methods.errors import InputError

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
STATES = click.Choice(["REMOVED", "SELECTED", "RESERVE", "WAITING"])


class FileUnreadable(InputError):
    """A file of quotas, households or facts cannot be read."""

    code: ClassVar[str] = "cli.lists.file_unreadable"


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana lists change KFL-1 910000001/2 --to REMOVED --kind COMMUNITY --minutes '12 of 3 May 2026' --reason 'Moved away.'",
        "khana lists change KFL-1 910000007/1 --to SELECTED --kind OFFICE --reason 'Was left out by mistake.'",
    ),
)
@click.argument("code")
@click.argument("unit")
@click.option("--to", "state", type=STATES, required=True)
@click.option("--kind", type=click.Choice(["COMMUNITY", "RECHECK", "OFFICE"]), required=True)
@click.option("--reason", required=True, help="Why, in a sentence; no names.")
@click.option("--minutes", default="", help="Number and day, for what a community decided.")
@click.option("--leave-place", is_flag=True, help="Nobody moves up.")
@printing
def change(
    code: str, unit: str, state: str, kind: str, reason: str, minutes: str, leave_place: bool, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Record a change of an open list with its reason; who comes next takes a place that becomes free."""
    with acting():
        from khana.programmes.services import lists as services

        result = services.change(
            code=code,
            unit=unit,
            to_state=state,
            kind=kind,
            reason=reason,
            minutes=minutes,
            promote=not leave_place,
            at=clock.now(),
        )
        show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana validation settle --area PK802 --cut-off 32 --list returned.xlsx --out outcome.csv",
        "khana lists settle KFL-1 outcome.csv --minutes '12 of 3 May 2026'",
    ),
)
@click.argument("code")
@click.argument("file", type=_FILE)
@click.option("--minutes", required=True, help="Number and day of the minutes.")
@printing
def settle(code: str, file: Path, minutes: str, as_json: bool, out: Path | None) -> None:
    """Take what `khana validation settle` wrote into an open list: each outcome a recorded change, by the minutes.

    Who is dropped leaves, who is added takes a place that fell free in her area, and who comes next the others.
    """
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import require_columns, texts

    table = read_table(file)
    named = "household_number" if "household_number" in table.schema.names else "household"
    require_columns(table, [named, "outcome"])
    outcomes = dict(zip(texts(table, named).to_pylist(), texts(table, "outcome").to_pylist(), strict=True))
    with acting():
        from khana.programmes.services import community

        result = community.take_over(code=code, outcomes=outcomes, minutes=minutes, at=clock.now())
        show({"list": code, **result}, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana lists propose ZKT --household 910000001 --household 910000004 --minutes '12 of 3 May 2026'",
        "khana lists propose ZKT --file households.csv --minutes '12 of 3 May 2026'",
        "khana lists propose --list --state PROPOSED",
    ),
)
@click.argument("programme", required=False)
@click.option("--household", "households", multiple=True, help="The number on the slip; may stand several times.")
@click.option("--file", type=_FILE, help="CSV with a column household_number.")
@click.option("--minutes", default="", help="Number and day of the minutes.")
@click.option("--list", "listing", is_flag=True)
@click.option("--state", default="", help="With --list: PROPOSED, ACCEPTED or REFUSED.")
@printing
def propose(
    programme: str | None, households: tuple[str, ...], file: Path | None, minutes: str, listing: bool, state: str, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Propose registered households of one's own area for a PROGRAMME, by the minutes of a meeting."""
    with acting():
        from khana.access import services as access
        from khana.programmes import lists as kept
        from khana.programmes.services import proposals

        if listing:
            access.require("lists.read")
            show({"rows": kept.proposals(programme=programme or "", state=state)}, as_json=as_json, out=out)
            return
        if not programme:
            raise click.UsageError("Say the PROGRAMME.")
        named = list(households)
        if file:
            with file.open(encoding="utf-8-sig", newline="") as handle:
                try:
                    named += [row["household_number"].strip() for row in csv.DictReader(handle)]
                except (KeyError, UnicodeDecodeError) as error:
                    raise FileUnreadable(f"{file.name} is no CSV with a column household_number.") from error
        show(
            proposals.propose(programme=programme, households=named, minutes=minutes, at=clock.now()),
            as_json=as_json,
            out=out,
        )


@click.command(
    cls=TeachingCommand,
    examples=("khana lists answer 4 --accept", "khana lists answer 5 --refuse --reason 'Draws a pension.'"),
)
@click.argument("proposal", type=int)
@click.option("--accept/--refuse", "accepted", required=True, default=None)
@click.option("--reason", default="")
@printing
def answer(proposal: int, accepted: bool, reason: str, as_json: bool, out: Path | None) -> None:
    """Answer a proposal for the ministry: accepted, the household may be drawn."""
    with acting():
        from khana.programmes.services import proposals

        proposals.answer(proposal=proposal, accepted=accepted, reason=reason, at=clock.now())
        show({"proposal": proposal, "accepted": accepted}, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana lists recheck KFL-1 910000001/2 --outcome CONFIRMED --on 2026-11-20",
        "khana lists recheck KFL-1 910000001/2 --outcome DIFFERENT --on 2026-11-20 --facts '{\"rooms\": 5}'",
        "khana lists recheck KFL-1 --list",
    ),
)
@click.argument("code")
@click.argument("unit", required=False)
@click.option("--outcome", type=click.Choice(["CONFIRMED", "DIFFERENT", "NOT_FOUND", "MOVED"]))
@click.option("--on", "day", type=_DAY, help="Day of the visit.")
@click.option("--facts", default="{}", help="JSON: facts of the catalogue as they were seen.")
@click.option("--list", "listing", is_flag=True)
@printing
def recheck(
    code: str, unit: str | None, outcome: str | None, day: datetime | None, facts: str, listing: bool, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Keep what a visit to a listed household found: evidence and baseline; what differs asks for an assessment."""
    with acting():
        from khana.access import services as access
        from khana.programmes import lists as kept
        from khana.programmes.services import proposals

        if listing:
            access.require("lists.read")
            show({"rows": kept.rechecks_of(kept.get_list(code).id)}, as_json=as_json, out=out)
            return
        if not (unit and outcome and day):
            raise click.UsageError("Say UNIT, --outcome and --on.")
        try:
            seen = json.loads(facts)
        except json.JSONDecodeError as error:
            raise FileUnreadable("The facts are no JSON.") from error
        if not isinstance(seen, dict):
            raise FileUnreadable("Facts are a mapping of names to values.")
        result = proposals.record_recheck(
            code=code, unit=unit, visited_on=day.date(), outcome=outcome, facts=seen, at=clock.now()
        )
        show(result, as_json=as_json, out=out)


COMMANDS = (change, settle, propose, answer, recheck)
