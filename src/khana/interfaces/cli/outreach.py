"""`khana outreach plan`: where each van stands on which days, from files; no registry is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table
from khana.interfaces.cli.table_files import show_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup, examples=("khana outreach plan --missing unions.csv --vans 50 --days 30 --out plan.csv",)
)
def outreach() -> None:
    """Where to send the vans."""


@outreach.command(
    examples=(
        "khana outreach plan --missing unions.csv --vans 50 --days 30 --start 2026-07-01 --out plan.csv",
        "khana outreach plan --missing unions.csv --bases bases.csv --roads roads.csv --days 30 --floor 0.8 --budget 40000000",
        "unions.csv:  code,missing,latitude,longitude,province[,today_days]     bases.csv:  code,latitude,longitude,vans",
        "roads.csv:   base,place,km",
    ),
)
@click.option("--missing", "file", type=_FILE, required=True, help="Places with their missing poor households.")
@click.option("--missing-column", default="missing", show_default=True, help="Its column of counts.")
@click.option("--bases", type=_FILE, help="Where vans start from; without it a base in the middle of each province.")
@click.option("--vans", type=click.IntRange(1), help="Vans, where no bases are given.")
@click.option("--roads", type=_FILE, help="Road kilometres; straight lines, 1.3 times as long, where none are known.")
@click.option("--days", type=click.IntRange(1, 400), required=True, help="Working days.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day; today if absent.")
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True, help="Whose weekend.")
@click.option(
    "--per-day",
    type=click.FloatRange(0, min_open=True),
    default=40,
    show_default=True,
    help="Households a van registers.",
)
@click.option(
    "--take-up",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.6,
    show_default=True,
    help="Share of the missing who come.",
)
@click.option("--day-cost", type=click.FloatRange(0), default=25000, show_default=True, help="Of a van and its crew.")
@click.option("--km-cost", type=click.FloatRange(0), default=60, show_default=True)
@click.option("--budget", type=click.FloatRange(0), help="Money for all; no limit if absent.")
@click.option("--floor", type=click.FloatRange(0, 1), default=0.5, show_default=True,
              help="Each province reaches at least this share of what the plan as a whole does.")  # fmt: skip
@click.option("--title", help="Keep the plan under this name for the pages (needs a login).")
@printing
def plan(
    file: Path, missing_column: str, bases: Path | None, vans: int | None, roads: Path | None, days: int, start: Any,
    country: str, per_day: float, take_up: float, day_cost: float, km_cost: float, budget: float | None, floor: float,
    title: str | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Share out the days of vans so that the most missing poor are registered, and print how far it may be from the best."""
    from khana.platform import clock
    from khana.workflows import plan_outreach as workflow
    from khana_methods.coverage.outreach import Terms
    from khana_methods.surveys.tables import read_table

    if bases is None and vans is None:
        raise click.UsageError("Say how many vans there are (--vans N), or where they are (--bases FILE).")
    now = clock.now()
    terms = Terms(
        days=days, start=start.date() if start else now.date(), per_day=per_day, take_up=take_up, day_cost=day_cost,
        km_cost=km_cost, budget=budget, floor=floor, rest_days=workflow.weekend(country, start.date() if start else now.date()),
    )  # fmt: skip
    result = workflow.on_files(
        read_table(file), terms, missing=missing_column, bases=read_table(bases) if bases else None, vans=vans or 0,
        roads=read_table(roads) if roads else None,
    )  # fmt: skip
    if title:
        from khana.interfaces.cli.session import setup, token

        acting = token()
        setup()
        parameters = {
            k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in asdict(terms).items() if k != "holidays"
        }
        result["plan"] = workflow.keep(token=acting, title=title, result=result, parameters=parameters, at=now)
    show_rows(result, as_json=as_json, out=out, text=_text)


def _text(result: Mapping[str, Any], console: Console) -> None:
    rows = result["rows"]
    rows_table([{k: round(v, 1) if isinstance(v, float) else v for k, v in row.items()} for row in rows[:40]], console)
    if len(rows) > 40:
        console.print(f"... {len(rows):,} stops. All of them: add --out plan.csv")
    rows_table(
        [{"province": name, **{k: round(v, 3) for k, v in row.items()}} for name, row in result["by_province"].items()],
        console,
    )
    console.print(
        f"Registers {result['registered']:,.0f} missing poor households for {result['cost']:,.0f}; no plan under these terms "
        f"registers more than {result['bound']:,.0f}: a gap of {result['gap']:.2%}.", soft_wrap=True,
    )  # fmt: skip
    console.print(f"Today: {result['today']:,.0f} ({result['today_is']}).", soft_wrap=True)
    for note in result["notes"]:
        console.print(f"Note: {note}", soft_wrap=True)
