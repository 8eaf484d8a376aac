"""`khana centres`: centres, vans and camps; their desks, queues, appointments and figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli import centres_due, centres_field
from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

if TYPE_CHECKING:
    from khana.intake.centres import Figures

DAY = click.DateTime(["%Y-%m-%d"])
HOUR = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _day(value: datetime | None) -> date:
    return value.date() if value else clock.today()


@click.group(
    cls=TeachingGroup,
    examples=(
        'khana centres add LHR-01 --name "Data Darbar" --kind CENTRE --area PK10101 --desks 6',
        "khana centres route VAN-7 route.csv               where a van stands on which days",
        "khana centres open LHR-01 2                       open desk 2",
        "khana centres token LHR-01 --purpose NEW --priority ELDERLY",
        "khana centres next LHR-01                         call the next visitor to your desk",
        "khana centres due LHR-01                          families that are due there, longest overdue first",
        "khana centres figures LHR-01 --days 7             throughput, waiting time, revisits",
        "khana centres progress --area PK1                 targets and what was reached",
    ),
)
def centres() -> None:
    """Registration centres, vans and camps: their queues, the people in the field, targets and progress."""


for _command in (*centres_due.COMMANDS, *centres_field.COMMANDS):
    centres.add_command(_command)


@centres.command("add", examples=('khana centres add VAN-7 --name "Van 7" --kind VAN --area PK101 --desks 2',))
@click.argument("code")
@click.option("--name", default="", help="As people call it.")
@click.option("--kind", type=click.Choice(["CENTRE", "VAN", "CAMP"]), default="CENTRE", show_default=True)
@click.option("--area", required=True, help="Code of the area it serves.")
@click.option("--desks", type=click.IntRange(1, 200), default=1, show_default=True)
@click.option("--from", "valid_from", type=DAY, help="First day; today if absent.")
@click.option("--until", type=DAY, help="The day on which it is over.")
@click.option("--position", type=(float, float), help="Latitude and longitude in degrees.")
@printing
def add(
    code: str, name: str, kind: str, area: str, desks: int, valid_from: datetime | None, until: datetime | None,
    position: tuple[float, float] | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Add a centre, a van or a camp."""
    with acting():
        from khana.intake.services import centres as service

        row = service.add_point(
            code=code, name=name, kind=kind, area_code=area, desks=desks, valid_from=_day(valid_from),
            valid_to=until.date() if until else None, position=position, at=clock.now(),
        )  # fmt: skip
        result = {"point": row.code, "kind": row.kind, "area": area, "desks": row.desks}
    show(result, as_json=as_json, out=out)


@centres.command("close", examples=("khana centres close LHR-01 --on 2026-12-31",))
@click.argument("code")
@click.option("--on", type=DAY, help="The day on which it is over; today if absent.")
@printing
def close(code: str, on: datetime | None, as_json: bool, out: Path | None) -> None:
    """Close a centre, a van or a camp from a day on."""
    with acting():
        from khana.intake.services import centres as service

        service.close_point(code=code, on=_day(on), at=clock.now())
    show({"point": code, "closed_on": _day(on)}, as_json=as_json, out=out)


@centres.command("list", examples=("khana centres list", "khana centres list --kind VAN --json"))
@click.option("--kind", type=click.Choice(["CENTRE", "VAN", "CAMP"]), help="Only these.")
@click.option("--on", type=DAY, help="That are open on this day; today if absent.")
@printing
def list_(kind: str | None, on: datetime | None, as_json: bool, out: Path | None) -> None:
    """List centres, vans and camps with what they did on the day."""
    with acting():
        from khana.intake import centres as reads

        day = _day(on)
        done = reads.figures_by_point(begins=day, ends=day + timedelta(days=1), now=clock.now())
        rows = [
            {"point": row.code, "name": row.name, "kind": row.kind, "area": row.area_path.rstrip(".").split(".")[-1], "desks": row.desks,
             **_counts(done.get(row.pk))}
            for row in reads.list_points(on=day, kind=kind or "")
        ]  # fmt: skip
    show_rows({"day": day, "rows": rows}, as_json=as_json, out=out)


def _counts(found: Figures | None) -> dict[str, Any]:
    return {name: getattr(found, name) if found else 0 for name in ("visits", "served", "waiting")}


@centres.command(
    "route",
    examples=(
        "khana centres route VAN-7 route.csv",
        "khana outreach plan … --out plan.csv && khana centres route VAN-7 plan.csv --only van=7",
    ),
)
@click.argument("code")
@click.argument("file", type=FILE)
@click.option("--only", help="COLUMN=VALUE: only these rows, such as van=7 of an outreach plan.")
@click.option(
    "--columns", default="", help="NAME=COLUMN, comma between, where the file has other names, such as area=union."
)
@printing
def route(code: str, file: Path, only: str | None, columns: str, as_json: bool, out: Path | None) -> None:
    """Say where a van or camp stands on which days, from a FILE of day and area.

    \b
    Columns: day, area (both needed), place, latitude, longitude, opens, closes, expected. A stop that is there
    already changes nothing.
    """  # noqa: D301 - \b is click's own mark for a block that keeps its lines
    from khana_methods.engine.files import read_table

    rows: list[dict[str, Any]] = read_table(file).to_pylist()
    if only:
        column, _sign, value = only.partition("=")
        rows = [row for row in rows if str(row.get(column, "")) == value]
    named = dict(part.strip().partition("=")[::2] for part in columns.split(",") if part.strip())
    rows = [{**row, **{name: row.get(column) for name, column in named.items()}} for row in rows]
    with acting():
        from khana.intake.services import centres as service

        found = service.plan_stops(code=code, rows=rows, at=clock.now())
    show({"point": code, **found}, as_json=as_json, out=out)


@centres.command("stops", examples=("khana centres stops --days 14", "khana centres stops VAN-7 --json"))
@click.argument("code", required=False)
@click.option("--from", "begins", type=DAY, help="First day; today if absent.")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True)
@click.option("--cancel", type=int, help="Cancel the stop of this number.")
@click.option("--why", default="", help="Why it is cancelled.")
@printing
def stops(
    code: str | None, begins: datetime | None, days: int, cancel: int | None, why: str, as_json: bool, out: Path | None
) -> None:
    """List where vans and camps stand in the coming days, or cancel one stop."""
    with acting():
        from khana.intake import centres as reads
        from khana.intake.services import centres as service

        if cancel is not None:
            service.cancel_stop(number=cancel, why=why, at=clock.now())
        point = service.get_point(code) if code else None
        first = _day(begins)
        rows = [
            {"stop": row.pk, "day": row.day, "point": row.point.code, "place": row.place,
             "area": row.area_path.rstrip(".").split(".")[-1], "expected": row.expected}
            for row in reads.stops(begins=first, ends=first + timedelta(days=days), point=point)
        ]  # fmt: skip
    show_rows({"rows": rows}, as_json=as_json, out=out)


@centres.command("open", examples=("khana centres open LHR-01 2",))
@click.argument("code")
@click.argument("desk", type=int)
@printing
def open_(code: str, desk: int, as_json: bool, out: Path | None) -> None:
    """Open a desk of a centre under your name."""
    with acting():
        from khana.intake.services import centres as service

        row = service.open_desk(code=code, desk=desk, at=clock.now())
        result = {"point": code, "desk": row.desk, "opened_at": row.opened_at}
    show(result, as_json=as_json, out=out)


@centres.command("leave", examples=("khana centres leave LHR-01",))
@click.argument("code")
@click.option("--desk", type=int, default=0, help="Somebody else's desk; needs centres.manage.")
@printing
def leave(code: str, desk: int, as_json: bool, out: Path | None) -> None:
    """Close your desk."""
    with acting():
        from khana.intake.services import centres as service

        closed = service.close_desk(code=code, desk=desk, at=clock.now())
    show({"point": code, "closed": closed}, as_json=as_json, out=out)


@centres.command(
    "token", examples=("khana centres token LHR-01 --purpose UPDATE", "khana centres token --appointment K7P2QRTW")
)
@click.argument("code", required=False)
@click.option(
    "--purpose", default="NEW", show_default=True, help="NEW, UPDATE, APPEAL, SHOCK, REASSESSMENT, CARD or QUESTION."
)
@click.option("--priority", default="", help="DISABLED, PREGNANT, ELDERLY or ILL.")
@click.option("--appointment", help="Reference of an appointment, in place of the others.")
@click.option(
    "--ask-number", is_flag=True, help="Ask for the number of her card without showing it; only its token is kept."
)
@printing
def token(
    code: str | None,
    purpose: str,
    priority: str,
    appointment: str | None,
    ask_number: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Give a visitor the next number of the day."""
    if not code and not appointment:
        raise click.UsageError("Say the centre, or the reference of an appointment (--appointment).")
    number = click.prompt("Number", hide_input=True) if ask_number else ""
    with acting():
        from khana.intake.services import queue

        now = clock.now()
        if appointment:
            row = queue.arrive(reference=appointment, day=clock.today(), at=now)
        else:
            row = queue.take_token(
                point=str(code), purpose=purpose, priority=priority, number=number, day=clock.today(), at=now
            )
        result = {"token": row.pk, "number": row.number, "purpose": row.purpose, "priority": row.priority}
    show(result, as_json=as_json, out=out)


@centres.command("book", examples=("khana centres book LHR-01 --slot 2026-12-01T09:30 --purpose UPDATE",))
@click.argument("code")
@click.option("--slot", type=HOUR, required=True, help="Day and hour (UTC).")
@click.option("--purpose", default="NEW", show_default=True)
@click.option("--priority", default="")
@printing
def book(code: str, slot: datetime, purpose: str, priority: str, as_json: bool, out: Path | None) -> None:
    """Book an appointment; prints the reference for the family."""
    from datetime import UTC

    with acting():
        from khana.intake.services import queue

        row = queue.book(point=code, slot=slot.replace(tzinfo=UTC), purpose=purpose, priority=priority, at=clock.now())
        result = {"reference": row.reference, "point": code, "slot": row.slot}
    show(result, as_json=as_json, out=out)


@centres.command("next", examples=("khana centres next LHR-01",))
@click.argument("code")
@printing
def next_(code: str, as_json: bool, out: Path | None) -> None:
    """Call the next visitor to your desk; who was there is taken to be served."""
    with acting():
        from khana.intake.services import queue

        row = queue.call_next(point=code, day=clock.today(), at=clock.now())
        result: dict[str, Any] = {"token": None, "number": None}
        if row is not None:
            result = {"token": row.pk, "number": row.number, "purpose": row.purpose, "priority": row.priority}
    show(result, as_json=as_json, out=out)


@centres.command(
    "done", examples=("khana centres done 41 --outcome REGISTERED", "khana centres done 41 --state MISSED")
)
@click.argument("token", type=int)
@click.option(
    "--state", type=click.Choice(["SERVED", "MISSED", "LEFT", "WAITING"]), default="SERVED", show_default=True
)
@click.option("--outcome", default="", help="REGISTERED, ANSWERED, PAPERS_MISSING, SENT_ON or SYSTEM_DOWN.")
@printing
def done(token: int, state: str, outcome: str, as_json: bool, out: Path | None) -> None:
    """End a visit, or put one who was missed back into the queue (--state WAITING)."""
    with acting():
        from khana.intake.services import queue

        row = queue.finish(token=token, state=state, outcome=outcome, at=clock.now())
        result = {"token": row.pk, "state": row.state, "outcome": row.outcome}
    show(result, as_json=as_json, out=out)


@centres.command(
    "figures", examples=("khana centres figures", "khana centres figures LHR-01 --days 30 --out figures.csv")
)
@click.argument("code", required=False)
@click.option("--until", type=DAY, help="Last day; today if absent.")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True)
@printing
def figures(code: str | None, until: datetime | None, days: int, as_json: bool, out: Path | None) -> None:
    """Throughput, waiting and serving time, revisits: by point, or by day of one point."""
    from dataclasses import asdict

    with acting():
        from khana.intake import centres as reads
        from khana.intake.services import centres as service

        ends = _day(until) + timedelta(days=1)
        begins, now = ends - timedelta(days=days), clock.now()
        if code:
            found: dict[Any, Figures] = dict(
                reads.figures_by_day(service.get_point(code), begins=begins, ends=ends, now=now)
            )
        else:
            names = {row.pk: row.code for row in reads.list_points()}
            done = reads.figures_by_point(begins=begins, ends=ends, now=now)
            found = {names[number]: one for number, one in done.items() if number in names}
        rows = [
            {"day" if code else "point": key, **{name: round(v, 1) if isinstance(v, float) else v for name, v in asdict(one).items()}}
            for key, one in found.items()
        ]  # fmt: skip
    show_rows({"from": begins, "until": ends - timedelta(days=1), "rows": rows}, as_json=as_json, out=out)
