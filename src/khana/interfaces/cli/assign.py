"""`khana assign`: who gets which programme, proved best, from four files alone.

Reads CSV, XLSX or Parquet; writes `person,programme`. Prints how many are served beside the bound that the
solver proved, and beside what the practice of filling one programme after another would have done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingCommand, fields_and_rows, printing, show

if TYPE_CHECKING:
    from rich.console import Console

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_CHUNK = 50_000


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana assign --persons persons.csv --programmes programmes.csv --eligibility eligible.csv \\",
        "    --quotas quotas.csv --out assigned.csv",
        "khana assign … --cap 2 --json       two cash programmes a person at most",
    ),
)
@click.option(
    "--persons", type=_FILE, required=True, help="person, area; score (the lower, the poorer) if you have it."
)
@click.option("--programmes", type=_FILE, required=True,
              help="programme; value, kind (cash, in_kind, workfare …), excludes (codes) if you have them.")  # fmt: skip
@click.option("--eligibility", type=_FILE, required=True, help="person, programme: who may get what.")
@click.option("--quotas", type=_FILE, required=True, help="programme, area, quota; a blank area is the whole country.")
@click.option("--cap", type=click.IntRange(0), default=3, show_default=True, help="Most cash programmes a person.")
@click.option("--seconds", type=click.FloatRange(1), default=600, show_default=True, help="Most seconds for one area.")
@click.option("--memory", type=click.IntRange(128), default=2048, show_default=True, help="MiB for the engine.")
@printing
def assign(
    persons: Path, programmes: Path, eligibility: Path, quotas: Path, cap: int, seconds: float, memory: int,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Give the most eligible persons at least one benefit, then the most value, under places, cap and exclusions.

    A programme without a row in the quotas has no limit; one with rows for some areas has no place in the others.
    --out writes one row a benefit (.csv, .xlsx or .parquet); any other name gets the figures.
    """
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_texts
    from khana_methods.overlap.assign import assign as best

    with Engine(memory_mib=memory) as engine:
        done = best(
            engine, persons=read_texts(persons), programmes=read_texts(programmes),
            eligibility=read_texts(eligibility), quotas=read_texts(quotas), cap=cap, seconds=seconds,
        )  # fmt: skip
    result: dict[str, Any] = dict(done.summary)
    if out is not None and out.suffix.lower() in (".csv", ".xlsx", ".parquet"):
        _write(done.rows, out, result)
        result["file"] = str(out)
        out = None
    show(result, as_json=as_json, out=out, text=_text)


def _write(rows: Any, out: Path, header: Mapping[str, Any]) -> None:
    """Write the rows whole or not at all, formula text made harmless as in every export."""
    from khana.dossiers.report_files import open_writer
    from khana_methods.engine.whole_file import whole_file

    columns = (("person", "text"), ("programme", "text"))
    with whole_file(out) as place, place.open("wb") as handle:
        writer = open_writer(out.suffix.lower()[1:], handle, columns, header)
        for batch in rows.to_batches(max_chunksize=_CHUNK):
            writer.write(list(zip(*(column.to_pylist() for column in batch.columns), strict=True)))
        writer.close()


def _text(result: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"{result['served']:,} of {result['eligible']:,} eligible persons are served"
        f" ({'proved the most possible' if result['is_proved_best'] else 'the bound is ' + format(result['served_bound'], ',')});"
        f" filling one programme after another would serve {result['greedy_served']:,}:"
        f" {result['more_served_than_greedy']:,} persons more."
    )
    console.print(f"value {result['value']:,.0f}, bound {result['value_bound']:,.0f}, gap {result['gap']:.4%}\n")
    fields_and_rows({"rows": result["programmes"]}, console)
