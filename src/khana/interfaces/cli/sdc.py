"""`khana sdc`: may this file leave? How well rows hide each other, what to change, which cells to hide.

Works on any CSV, XLSX or Parquet file without a registry. Prints counts; no value of the file except names of
columns and edges of bands.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingGroup, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.tables import write_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from khana_methods.disclosure.recoding import Proposal

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_WRITE = click.Path(dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana sdc check --in survey.csv --keys district,age,sex,size --sensitive illness --weight weight",
        "khana sdc table --in survey.csv --by district,sex --threshold 5",
    ),
)
def sdc() -> None:
    """Statistical disclosure control of any file."""


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@sdc.command(
    examples=(
        "khana sdc check --in survey.csv --keys district,age,sex",
        "khana sdc check --in survey.xlsx --keys district,age --sensitive illness --weight weight --rows risky.csv",
    )
)
@click.option("--in", "file", type=_FILE, required=True, help="CSV, XLSX or Parquet.")
@click.option("--keys", required=True, help="Columns that somebody outside may know of a person, comma between.")
@click.option("--sensitive", default="", help="Columns that must not follow from the keys (l-diversity).")
@click.option("--weight", help="Column of sampling weights; without it the file is taken as the whole population.")
@click.option("--k", type=click.IntRange(2, 100), default=3, show_default=True, help="k-anonymity that is wanted.")
@click.option("--left", type=click.FloatRange(0, 1), default=0.01, show_default=True,
              help="Share of rows that may be left to be suppressed.")  # fmt: skip
@click.option("--rows", "rows_out", type=_WRITE, help="Write number, class size and risk of the violating rows as CSV.")
@click.option("--memory", type=click.IntRange(128), default=1024, show_default=True, help="MiB for the engine.")
@printing
def check(
    file: Path, keys: str, sensitive: str, weight: str | None, k: int, left: float, rows_out: Path | None,
    memory: int, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Count rows that violate 2-, 3- and 5-anonymity, uniques, l-diversity and risk; propose what to change.

    What is proposed (top-coding, bands, coarser codes) is shown with what it mends and what it costs; nothing in
    FILE is changed. Without --weight the risk of a row is one over the rows of its class; with it the individual
    risk of Benedetti and Franconi (1998).
    """
    from khana_methods.disclosure import anonymity, recoding
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_texts

    named = _names(keys)
    with Engine(memory_mib=memory) as engine:
        found = anonymity.assess(engine, read_texts(file), keys=named, sensitive=_names(sensitive), weight=weight)
        risky = anonymity.risky_rows_frame(engine, named, k=k, is_weighted=bool(weight)) if rows_out else None
        proposals = recoding.propose(engine, named, k=k)
        whole = recoding.plan(engine, named, k=k, at_most=left)
    if rows_out and risky is not None:
        write_table(risky, rows_out)
    result: dict[str, Any] = {
        "rows": found.rows, "classes": found.classes, "smallest_class": found.smallest, "sample_uniques": found.uniques,
        **{f"rows_violating_{level}_anonymity": count for level, count in found.violating.items()},
        "l_diversity": [asdict(one) for one in found.diversity],
        "risk": asdict(found.risk),
        "rows_violating_3_anonymity_without_key": found.without,
        "proposals": [_shown(one) for one in proposals],
        "plan": {"k": whole.k, "violating_before": whole.before, "steps": [_shown(one) for one in whole.steps],
                 "rows_to_suppress": whole.suppress},
    }  # fmt: skip
    show(result, as_json=as_json, out=out, text=_text)


def _shown(one: Proposal) -> dict[str, Any]:
    return {
        "key": one.key, "way": one.way, "detail": one.detail, "rows_violating_after": one.violating,
        "cells_changed": round(one.cells_changed, 4), "information_lost": round(one.information_lost, 4),
    }  # fmt: skip


def _text(result: Mapping[str, Any], console: Console) -> None:
    for name, value in result.items():
        if isinstance(value, int):
            console.print(f"{name.replace('_', ' ')}: {value:,}")
    risk = result["risk"]
    console.print(
        f"risk ({risk['method']}): mean {risk['mean']:.4f}, largest {risk['largest']:.4f}, "
        f"{risk['expected']:.1f} rows expected to be recognised, {risk['rows_high']:,} above 5 %"
    )
    for one in result["l_diversity"]:
        console.print(
            f"l-diversity of {one['column']}: {one['distinct']} (entropy {one['entropy']:.2f}); "
            f"{one['rows_below_2']:,} rows whose keys tell the value"
        )
    console.print("\nOne change at a time:")
    rows_table(result["proposals"], console)
    plan = result["plan"]
    console.print(f"\nTogether, for {plan['k']}-anonymity ({plan['violating_before']:,} rows violate it now):")
    rows_table(plan["steps"], console)
    console.print(f"rows left to suppress: {plan['rows_to_suppress']:,}")


@sdc.command(
    examples=(
        "khana sdc table --in survey.csv --by district,sex",
        "khana sdc table --in counts.csv --by district,programme --count people --threshold 10 --table safe.csv",
    )
)
@click.option("--in", "file", type=_FILE, required=True, help="CSV, XLSX or Parquet.")
@click.option("--by", required=True, help="One to four columns, comma between.")
@click.option("--count", "count", help="Column of counts, where FILE is a table already; else rows are counted.")
@click.option("--threshold", type=click.IntRange(2), default=5, show_default=True, help="Counts below it are hidden.")
@click.option("--hide-zero", is_flag=True, help="Hide counts of zero too.")
@click.option("--table", "table_out", type=_WRITE, help="Write the table that may leave as CSV.")
@printing
def table(
    file: Path, by: str, count: str | None, threshold: int, hide_zero: bool, table_out: Path | None,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Count, hide small cells and whatever would give them away, and audit the result."""
    from khana_methods.disclosure import tables
    from khana_methods.engine.files import read_texts

    dimensions = _names(by)
    made = tables.protect(
        tables.counts_of(read_texts(file), dimensions, count), threshold=threshold, hide_zero=hide_zero
    )
    frame = tables.protected_frame(made, dimensions)
    if table_out:
        write_table(frame, table_out)
    result = {
        "cells": len(made.cells), "hidden_because_small": len(made.primary),
        "hidden_to_protect_them": len(made.complementary),
        "narrowest_interval": None if made.narrowest == float("inf") else made.narrowest,
        "share_of_people_in_hidden_cells": round(made.counted_lost, 4), "rows": frame.to_pylist(),
    }  # fmt: skip
    show(result, as_json=as_json, out=out, text=_table_text)


def _table_text(result: Mapping[str, Any], console: Console) -> None:
    shown = [{**row, "count": "hidden" if row["count"] is None else row["count"]} for row in result["rows"]]
    fields_and_rows({**result, "rows": shown}, console)
