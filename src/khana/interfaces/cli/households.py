"""`khana households`: who lives with whom — split, join, move (marriage), return, dwellings — with its history."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting, token
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

DAY = click.DateTime(["%Y-%m-%d"])
_ON = click.option("--on", type=DAY, help="From which day; today if absent.")
_REASON = click.option("--reason", required=True, help="In words, for whoever confirms and audits; no names.")


def _numbers(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise click.BadParameter("numbers with commas between, such as 4,5,6") from error


_LINES = click.option("--lines", required=True, callback=_numbers, help="Lines of who goes, comma between.")


@click.group(
    cls=TeachingGroup,
    examples=(
        'khana households split 80000000123 --lines 4,5,6 --reason "the married son has his own kitchen"',
        'khana households move 80000000123 --lines 3 --into 80000000456 --relation spouse --spouse-line 1 --reason "marriage"',
        'khana households return 80000000123 --person 991 --reason "came back from the city"',
        'khana households join 80000000456 --into 80000000123 --reason "share one kitchen again"',
        "khana households waiting                     what waits for a second person",
        "khana households confirm 7",
    ),
)
def households() -> None:
    """Who lives with whom; a change is tried first, and where it crosses a line a second person confirms it."""


def _propose(as_json: bool, out: Path | None, on: datetime | None, **change: Any) -> None:
    acting_token = token()
    from khana.workflows import restructure_household

    day: date = on.date() if on else clock.today()
    show(restructure_household.propose(token=acting_token, on=day, at=clock.now(), **change), as_json=as_json, out=out)


@households.command(
    "split", examples=('khana households split 80000000123 --lines 4,5 --elsewhere --reason "moved to another house"',)
)
@click.argument("household")
@_LINES
@click.option(
    "--elsewhere", is_flag=True, help="They live under another roof; address and position are not taken over."
)
@_REASON
@_ON
@printing
def split(
    household: str,
    lines: tuple[int, ...],
    elsewhere: bool,
    reason: str,
    on: datetime | None,
    as_json: bool,
    out: Path | None,
) -> None:
    """Make a household of its own of some members; they keep their files and numbers."""
    _propose(
        as_json, out, on, kind="SPLIT", household=household, lines=lines, reason=reason, same_dwelling=not elsewhere
    )


@households.command(
    "join", examples=('khana households join 80000000456 --into 80000000123 --reason "one kitchen again"',)
)
@click.argument("household")
@click.option("--into", required=True, help="Number of the household that they come to.")
@_REASON
@_ON
@printing
def join(household: str, into: str, reason: str, on: datetime | None, as_json: bool, out: Path | None) -> None:
    """Bring all members of a household into another; the first one ends on that day."""
    _propose(as_json, out, on, kind="JOIN", household=household, target=into, reason=reason)


@households.command(
    "move",
    examples=(
        "khana households move 80000000123 --lines 3 --into 80000000456 --relation spouse --spouse-line 1 --reason marriage-in-spring",
    ),
)
@click.argument("household")
@_LINES
@click.option("--into", required=True, help="Number of the household that she comes to.")
@click.option("--relation", default="", help="Of who goes, in the household that she comes to.")
@click.option("--spouse-line", type=int, help="Line of her spouse there.")
@_REASON
@_ON
@printing
def move(
    household: str, lines: tuple[int, ...], into: str, relation: str, spouse_line: int | None, reason: str, on: datetime | None,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Move members to another household: marriage, a child who goes to relatives."""
    _propose(
        as_json, out, on, kind="MOVE", household=household, target=into, lines=lines, relation=relation, spouse_line=spouse_line,
        reason=reason,
    )  # fmt: skip


@households.command(
    "return", examples=('khana households return 80000000123 --person 991 --reason "came back from the city"',)
)
@click.argument("household")
@click.option("--person", type=int, required=True, help="Number of her file.")
@click.option("--relation", default="", help="Where it is another one now.")
@_REASON
@_ON
@printing
def return_(
    household: str, person: int, relation: str, reason: str, on: datetime | None, as_json: bool, out: Path | None
) -> None:
    """Bring back a member who left; she stands on her old line again, where it is free."""
    _propose(as_json, out, on, kind="RETURN", household=household, persons=(person,), relation=relation, reason=reason)


@households.command("confirm", examples=("khana households confirm 7",))
@click.argument("proposal", type=int)
@printing
def confirm(proposal: int, as_json: bool, out: Path | None) -> None:
    """Confirm, as the second person, what another proposed: it is carried out now."""
    acting_token = token()
    from khana.workflows import restructure_household

    show(restructure_household.confirm(token=acting_token, proposal=proposal, at=clock.now()), as_json=as_json, out=out)


@households.command("withdraw", examples=("khana households withdraw 7",))
@click.argument("proposal", type=int)
@printing
def withdraw(proposal: int, as_json: bool, out: Path | None) -> None:
    """Withdraw a proposal that waits."""
    with acting():
        from khana.registry.services import keep_restructuring

        keep_restructuring.withdraw(number=proposal, at=clock.now())
    show({"proposal": proposal, "state": "WITHDRAWN"}, as_json=as_json, out=out)


def _rows(found: Any) -> list[dict[str, Any]]:
    return [
        {"proposal": row.pk, "kind": row.kind, "household": row.source.number, "to": row.target.number if row.target else "",
         "persons": len(row.persons), "on": row.on, "reason": row.reason,
         "state": "IN_FORCE" if row.in_force_at else "WITHDRAWN" if row.withdrawn_at else "WAITING",
         "because": " ".join(row.effect.get("second_because", [])), "proposed_by": row.proposed_label, "confirmed_by": row.confirmed_label}
        for row in found
    ]  # fmt: skip


@households.command("waiting", examples=("khana households waiting --json",))
@printing
def waiting(as_json: bool, out: Path | None) -> None:
    """List proposals that wait for a second person, with why."""
    with acting():
        from khana.registry.services import keep_restructuring

        rows = _rows(keep_restructuring.waiting())
    show_rows({"rows": rows}, as_json=as_json, out=out)


@households.command("history", examples=("khana households history 80000000123",))
@click.argument("household")
@printing
def history(household: str, as_json: bool, out: Path | None) -> None:
    """List every change of who lives in a household, newest first."""
    with acting():
        from khana.registry import files
        from khana.registry.services import keep_restructuring

        number = files.household_id_of(household)
        if number is None:
            raise keep_restructuring.RestructuringUnknown(
                "No such household, or it lies outside the area that you work for."
            )
        rows = _rows(keep_restructuring.of_household(number))
    show_rows({"rows": rows}, as_json=as_json, out=out)


@households.command(
    "dwelling",
    examples=(
        "khana households dwelling 80000000123 --code PK10101-H-118",
        'khana households dwelling 80000000123 --code S-4 --kind INSTITUTION --name "Dar-ul-Aman"',
    ),
)
@click.argument("household")
@click.option("--code", required=True, help="Of the dwelling; one that is known is shared.")
@click.option(
    "--kind", type=click.Choice(["HOUSE", "TENT", "NOMADIC", "INSTITUTION"]), default="HOUSE", show_default=True
)
@click.option("--name", default="", help="Of an institution.")
@_ON
@printing
def dwelling(
    household: str, code: str, kind: str, name: str, on: datetime | None, as_json: bool, out: Path | None
) -> None:
    """Say in which dwelling a household lives; households of one dwelling are seen together when one of them splits."""
    with acting():
        from khana.registry import files
        from khana.registry.services import keep_restructuring, restructure

        number = files.household_id_of(household)
        if number is None:
            raise keep_restructuring.RestructuringUnknown(
                "No such household, or it lies outside the area that you work for."
            )
        row = restructure.put_in_dwelling(
            household=number, code=code, kind=kind, name=name, on=on.date() if on else clock.today(), at=clock.now()
        )
        others = [files.household_number_of(one) for one in restructure.sharing(number)]
    show(
        {"household": household, "dwelling": row.code, "kind": row.kind, "shared_with": others},
        as_json=as_json,
        out=out,
    )
