"""`khana report KIND`: the answers of the newest run as rows, on the screen or in a file.

Formats: csv, xlsx, json, parquet. Every report says which programmes are connected and to which
period, so that 'served by nothing' is never said of what is not known.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, bar, printing, rows_table, show
from khana.interfaces.cli.session import acting
from khana.platform import clock

KINDS = ("recipients", "overlaps", "cap", "unserved", "leakage", "findings", "quarantine", "residents", "members")
FORMATS = ("csv", "xlsx", "json", "parquet")
SHOWN = 40


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana report overlaps                          who is on two lists, by programme pair",
        "khana report cap --out over-the-cap.xlsx       persons over the cap of cash programmes",
        "khana report unserved --area PK503             poor households served by nothing, ranked",
        "khana report residents                         residents of the population register in no household",
        "khana report findings --format csv --out findings.csv",
        "khana report findings --source DSS-OAA --code DUP_NID --json",
    ),
)
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="File format; by the name of --out if absent.")
@click.option("--run", type=int, help="Number of a run; the newest finished one if absent.")
@click.option("--programme", help="Only rows of this programme.")
@click.option("--source", help="Only rows of this source's list.")
@click.option("--code", help="Only findings (or quarantined rows) with this code.")
@click.option("--area", help="Only rows inside this area (its code).")
@click.option("--limit", type=click.IntRange(1), help="At most this many rows.")
@printing
def report(
    kind: str, format_: str | None, run: int | None, programme: str | None, source: str | None,
    code: str | None, area: str | None, limit: int | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Print or export one answer.

    KIND is one of recipients, overlaps, cap, unserved, leakage, findings, quarantine; residents (of the population
    register, in no household), members (of households, in no population register).
    """
    filters = {"programme": programme, "source": source, "code": code, "area": area}
    with acting():
        from khana.dossiers import reports

        asked = reports.Filters(**{name: value for name, value in filters.items() if value})
        if out is not None:
            with bar(as_json=as_json) as progress:
                result = reports.export(
                    kind=kind, out=out, format=format_, run=run, filters=asked, limit=limit,
                    progress=progress, at=clock.now(),
                )  # fmt: skip
            show(result, as_json=as_json, out=None, text=_written)
            return
        if format_ in ("csv", "json") or as_json:
            reports.stream(
                kind=kind, target=sys.stdout.buffer, format=format_ if format_ == "csv" and not as_json else "json",
                run=run, filters=asked, limit=limit, at=clock.now(),
            )  # fmt: skip
            return
        if format_:
            raise click.UsageError(f"{format_} is not for the screen: add --out FILE.{format_}.")
        found = reports.preview(kind=kind, run=run, filters=asked, limit=limit or SHOWN, at=clock.now())
    show(found, as_json=False, out=None, text=_preview)


def _written(result: Any, console: Console) -> None:
    console.print(f"{result['rows']:,} rows written to {result['file']}.")
    _connected(result, console)


def _preview(result: Any, console: Console) -> None:
    rows_table(result["rows"], console)
    if len(result["rows"]) < result["total"]:
        console.print(f"... {len(result['rows']):,} of {result['total']:,} rows. All of them: add --out FILE.csv")
    _connected(result, console)


def _connected(result: Any, console: Console) -> None:
    connected = result.get("connected") or []
    if not connected:
        return
    named = ", ".join(f"{row['programme']} (to {row['to'] or 'no date'})" for row in connected)
    console.print(f"Run {result['run']}. Connected: {named}.", soft_wrap=True)
    if result.get("not_connected"):
        console.print(f"Not connected, so not known: {', '.join(result['not_connected'])}.", soft_wrap=True)
