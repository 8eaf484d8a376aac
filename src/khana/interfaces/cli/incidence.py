"""`khana incidence`: who is reached by programmes, by quantile of welfare, on any survey with receipt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, printing, rows_table
from khana.interfaces.cli.table_files import show_rows


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana incidence --in survey.csv --design weight=w,strata=s,psu=u,size=members --welfare pc --receipt kafaalat",
        "khana incidence --in survey.csv --design d.yaml --welfare pc --receipt kfl --receipt zakat --line 3757 --quantiles 10",
        "khana incidence --in survey.xlsx --design d.yaml --welfare pc --receipt amount --transfer-of household --out i.xlsx",
        "khana incidence --in survey.csv --design d.yaml --welfare pc --receipt kfl --receipt zakat --pairs",
    ),
)
@click.option("--in", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="CSV, XLSX or Parquet, a row a household.")  # fmt: skip
@click.option("--sheet", help="Sheet of a workbook; the first if absent.")
@click.option("--design", default="", help="YAML file, or weight=COLUMN,strata=COLUMN,psu=COLUMN,size=COLUMN.")
@click.option("--welfare", required=True, help="Column of welfare per head.")
@click.option(
    "--receipt", "receipts", multiple=True, required=True, help="Column of a programme: amount, or yes and no."
)
@click.option("--transfer-of", type=click.Choice(["person", "household"]), default="person", show_default=True,
              help="Amounts are per head, or shared by the household's members.")  # fmt: skip
@click.option("--welfare-is", type=click.Choice(["after", "before"]), default="after", show_default=True,
              help="Welfare holds the transfer already, or does not.")  # fmt: skip
@click.option("--quantiles", type=click.IntRange(2, 100), default=5, show_default=True)
@click.option("--ties", type=click.Choice(["together", "split"]), default="together", show_default=True,
              help="Equal welfare at the bound of a quantile: kept together, or shared out.")  # fmt: skip
@click.option(
    "--pairs",
    is_flag=True,
    help="Overlap of each two programmes instead: who gets both, and of each who also gets the other.",
)
@click.option("--line", type=float, help="The poor are at or under it, before the transfer.")
@click.option("--poor-share", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.4, show_default=True,
              help="The poor without a line: this share of people.")  # fmt: skip
@click.option(
    "--weights", type=click.Choice(["household", "population"]), help="Population where the design has a size."
)
@click.option("--level", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@printing
def incidence(
    file: Path, sheet: str | None, design: str, welfare: str, receipts: tuple[str, ...], transfer_of: str, welfare_is: str,
    quantiles: int, ties: str, pairs: bool, line: float | None, poor_share: float, weights: str | None, level: float, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Coverage, incidence, targeting differential and CGH by quantile of welfare before the transfer.

    Yes and no counts as one unit of money, so that benefit incidence is of heads. Quantiles hold equal weight.
    """
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.design import Design, read_design
    from khana_methods.targeting.incidence_table import Receipts, incidence_table, pair_table

    spec = read_design(design)[0] if design else Design()
    weighting = weights or ("population" if spec.size else "household")
    asked = Receipts(
        welfare=welfare, columns=[part for one in receipts for part in one.split(",")], of=transfer_of,
        welfare_is=welfare_is, quantiles=quantiles, ties=ties, line=line, poor_share=poor_share,
    )  # fmt: skip
    if pairs and len(asked.columns) < 2:
        raise click.UsageError("A pair is of two programmes: add another --receipt.")
    made = pair_table if pairs else incidence_table
    rows = made(read_table(file, sheet=sheet), spec, asked, weights=weighting, level=level)
    result = {
        "file": file.name,
        "weights": weighting,
        "quantiles": quantiles,
        "ties": ties,
        "rows": [asdict(row) for row in rows],
    }
    show_rows(result, as_json=as_json, out=out, text=_text)


def _text(result: Mapping[str, Any], console: Console) -> None:
    rows_table(
        [
            {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in row.items() if k != "se"}
            for row in result["rows"]
        ],
        console,
    )
    console.print(f"Weighted by {result['weights']}; quantile 1 is the poorest.")
