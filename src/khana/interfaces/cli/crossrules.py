"""`khana crossrules dry-run`: what rules between programmes would stop, from a file of what is drawn; nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingGroup, fields_and_rows, printing
from khana.interfaces.cli.table_files import show_rows

if TYPE_CHECKING:
    from rich.console import Console

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup,
    examples=("khana crossrules dry-run --in drawn.csv --rules rules.yaml --on 2026-07-01 --out stops.csv",),
)
def crossrules() -> None:
    """Rules between programmes: caps and exclusions, tried before they bite."""


@crossrules.command(
    "dry-run",
    examples=(
        "khana crossrules dry-run --in drawn.csv --rules rules.yaml",
        "khana crossrules dry-run --in drawn.csv --rules rules.yaml --poor-below 32 --out stops.xlsx --json",
    ),
)
@click.option("--in", "file", type=_FILE, required=True,
              help="person, programme; household, kind, amount, since, sex, area, score where known.")  # fmt: skip
@click.option("--rules", type=_FILE, required=True, help="YAML: rules in the order of application.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day whose rules count; today if absent.")
@click.option("--poor-below", type=float, help="Score under which a person counts as poor.")
@printing
def dry_run(
    file: Path, rules: Path, day: datetime | None, poor_below: float | None, as_json: bool, out: Path | None
) -> None:
    """Say whose benefit would stop, by programme, area, sex and poverty class, and who would be left with nothing.

    --out writes one row for each benefit that would stop. A rule has code, kind (cap or exclude), unit (person or
    household), most and counts, or programmes; keep (value, oldest or order), valid_from, valid_to,
    grandfather_before and source.
    """
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_table
    from khana_methods.overlap import crossrules as methods

    known = methods.load_cross_rules(rules)
    with Engine() as engine:
        stops, summary = methods.dry_run(
            engine, drawn=read_table(file), rules=known, on=day.date() if day else date.today(), poor_below=poor_below
        )
    show_rows({**summary, "rows": stops.to_pylist()}, as_json=as_json, out=out, text=_text)


def _text(result: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{result['benefits_stopped']:,} of {result['benefits']:,} benefits would stop; {result['persons_losing']:,} persons"
        f" lose {result['amount_lost']:,.0f}; {result['left_with_nothing']:,} would be left with nothing,"
        f" {result['poor_left_with_nothing']:,} of them poor.\n"
    )
    for part in ("by_rule", "by_programme", "by_area", "by_sex", "by_poverty"):
        fields_and_rows({"rows": result[part]}, console)
