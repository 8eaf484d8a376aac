"""`khana centres due|call|find-due`: who is due where a centre is or a van stands, and what came of calling them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from khana.interfaces.cli.output import TeachingCommand, bar, printing, show
from khana.interfaces.cli.session import acting, token
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

HOUR = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])


@click.command(
    "due",
    cls=TeachingCommand,
    examples=("khana centres due LHR-01", "khana centres due VAN-7 --stop 41 --out due.csv"),
)
@click.argument("code")
@click.option("--stop", type=int, help="Only where the van stands at this stop; see `khana centres stops`.")
@click.option("--everybody", is_flag=True, help="Also who refuses or has moved away.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@printing
def due(code: str, stop: int | None, everybody: bool, limit: int, as_json: bool, out: Path | None) -> None:
    """List the families with an answer past its best-before day, the longest overdue first.

    The list is reckoned each night by the worker, or now by `khana centres find-due`.
    """
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.intake import due as reads
        from khana.intake.services import centres as service

        access.require("registry.read")
        point = service.get_point(code)
        path = service.get_stop(point=point, number=stop).area_path if stop is not None else point.area_path
        rows = [
            {"household": one.number, "head": one.head, "area": one.area_path.rstrip(".").split(".")[-1], "stated_on": one.stated_on,
             "best_before": one.best_before, "facts": len(one.facts), "called": one.called, "last_outcome": one.last_outcome}
            for one in reads.due_at([path], everybody=everybody, limit=limit)
        ]  # fmt: skip
        details = {"households": len(rows)}
        audit.record(action="intake.due.read", subject=f"point:{point.pk}", details=details, at=clock.now())
        total = reads.counts([path])[path]
    show_rows({"point": code, "due": total, "rows": rows}, as_json=as_json, out=out)


@click.command(
    "call",
    cls=TeachingCommand,
    examples=(
        "khana centres call LHR-01 910000001 --outcome COMING --slot 2026-12-01T09:30",
        "khana centres call LHR-01 910000001 --outcome NO_ANSWER",
        "khana centres call LHR-01 910000001 --outcome HERE       a number of today",
    ),
)
@click.argument("code")
@click.argument("household")
@click.option(
    "--outcome", type=click.Choice(["COMING", "NO_ANSWER", "REFUSED", "MOVED_AWAY", "HERE"]), required=True, help="What came of it."
)  # fmt: skip
@click.option("--slot", type=HOUR, help="Day and hour of the appointment (UTC), with COMING.")
@printing
def call(code: str, household: str, outcome: str, slot: datetime | None, as_json: bool, out: Path | None) -> None:
    """Write down that a due family was called; one that comes gets an appointment, one that is here a number of today."""
    with acting():
        from khana.intake.services import due as service

        now = clock.now()
        result: dict[str, object] = {"household": household, "outcome": outcome}
        if outcome == "HERE":
            ticket = service.is_here(point=code, household=household, day=clock.today(), at=now)
            result |= {"token": ticket.pk, "number": ticket.number}
        else:
            hour = slot.replace(tzinfo=UTC) if slot else None
            row = service.call(point=code, household=household, outcome=outcome, slot=hour, at=now)
            result |= {"reference": row.appointment.reference if row.appointment else None}
    show(result, as_json=as_json, out=out)


@click.command("find-due", cls=TeachingCommand, examples=("khana centres find-due", "khana centres find-due --json"))
@printing
def find_due(as_json: bool, out: Path | None) -> None:
    """Reckon anew who is due, area by area: what the worker does by itself each night."""
    acting_token = token()
    from khana.workflows import find_due as workflow

    with bar(as_json=as_json) as progress:
        found = workflow.run(token=acting_token, progress=progress, at=clock.now())
    show(found, as_json=as_json, out=out)


COMMANDS = (due, call, find_due)
