"""`khana filters report`: what exclusion filters remove, from a file of hits and a file of dated filters."""

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
    examples=("khana filters report --in hits.csv --filters filters.yaml --on 2019-12-31",),
)
def filters() -> None:
    """Exclusion filters: dated, cited, reversible, appealable."""


@filters.command(
    examples=(
        "khana filters report --in hits.csv --filters filters.yaml",
        "khana filters report --in hits.csv --filters filters.yaml --on 2019-12-31 --out waterfall.xlsx",
    )
)
@click.option(
    "--in", "file", type=_FILE, required=True, help="person, filter; subject (self, spouse, family) and appeal."
)
@click.option("--filters", "definitions", type=_FILE, required=True, help="YAML: filters in the order of application.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="The day whose filters count; today if absent.")
@printing
def report(file: Path, definitions: Path, day: datetime | None, as_json: bool, out: Path | None) -> None:
    """Count hits per filter, whom each removes first, whom it alone removes, and distinct persons removed.

    A filter in FILTERS has code, name, valid_from, valid_to, source and subjects. A hit whose appeal is `upheld`
    removes nobody and is counted apart; so are hits of filters that are not in force on the day.
    """
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_texts
    from khana_methods.overlap.filters import load_filters
    from khana_methods.overlap.filters import report as counted

    on = day.date() if day else date.today()
    with Engine() as engine:
        found = counted(engine, hits=read_texts(file), filters=load_filters(definitions), on=on)
    rows = found.pop("filters")
    show_rows({**found, "rows": rows}, as_json=as_json, out=out, text=_text)


def _text(result: Mapping[str, Any], console: Console) -> None:
    fields_and_rows(result, console)
