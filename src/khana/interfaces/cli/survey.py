"""`khana survey`: estimates of any survey file with design-based errors; no registry is needed.

The design is a YAML file or words; what was assumed or left out is said under the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table
from khana.interfaces.cli.table_files import show_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup,
    examples=("khana survey estimate --in survey.csv --design design.yaml --of mean income --by province",),
)
def survey() -> None:
    """Estimates of any household survey."""


@survey.command(
    examples=(
        "khana survey estimate --in apistrat.csv --design weight=pw,strata=stype,fpc=fpc --of mean api00 --by stype",
        "khana survey estimate --in survey.xlsx --design design.yaml --of proportion registered=yes --by province",
        "khana survey estimate --in survey.csv --design design.yaml --of ratio spending --over members",
        "khana survey estimate --in survey.csv --design design.yaml --of logit registered distance C(province)",
        "khana survey estimate --in survey.csv --design design.yaml --of total poor --weights population --out t.xlsx",
        "a design file:  weight: hhweight   strata: [province, area]   psu: ea   fpc: eas_in_stratum   size: members",
        "                lonely: refuse | certainty | centre | average | pool   (a stratum of one unit)",
    ),
)
@click.option("--in", "file", type=_FILE, required=True, help="CSV, XLSX or Parquet, one row a household (or person).")
@click.option("--sheet", help="Sheet of a workbook; the first if absent.")
@click.option("--design", required=True, help="YAML file, or weight=COLUMN,strata=COLUMN,psu=COLUMN,fpc=COLUMN.")
@click.option("--of", "measure", type=click.Choice(["mean", "total", "ratio", "proportion", "logit"]), required=True)
@click.argument("columns", nargs=-1)
@click.option("--variable", "-y", "variables", multiple=True, help="Column to estimate; the same as COLUMNS.")
@click.option("--over", help="Denominator of a ratio.")
@click.option("--by", multiple=True, help="Column of domains; comma between, or several times, for their combinations.")
@click.option("--where", multiple=True, help="Part asked about: COLUMN=VALUE, or with != < <= > >=.")
@click.option(
    "--weights", type=click.Choice(["household", "population"]), default="household", show_default=True,
    help="Population multiplies the weight with `size` of the design.",
)  # fmt: skip
@click.option(
    "--interval", type=click.Choice(["logit", "beta", "korn-graubard", "wilson", "t"]), default="logit",
    show_default=True, help="Of a proportion; means, totals and ratios take t.",
)  # fmt: skip
@click.option("--level", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@printing
def estimate(
    file: Path, sheet: str | None, design: str, measure: str, columns: tuple[str, ...], variables: tuple[str, ...],
    over: str | None, by: tuple[str, ...], where: tuple[str, ...], weights: str, interval: str, level: float,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Estimate one measure of COLUMNS from a survey file, by its design.

    A ratio takes two columns, or one and --over. A proportion takes COLUMN (every value) or COLUMN=VALUE. A logit takes
    the outcome and then its regressors, or `outcome ~ a + b`; words become a line per value. Standard errors are
    linearised over strata and primary units, and a domain keeps the whole design.
    """
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.design import read_design
    from khana_methods.surveys.survey import Survey

    spec, _ = read_design(design)
    table = read_table(file, sheet=sheet)
    one = Survey(table, spec, weights=weights)
    asked = [*variables, *columns]
    head: dict[str, Any] = {
        "file": file.name, "measure": measure, "weights": weights, "rows_read": table.num_rows, "strata": one.strata,
        "units": one.units,
    }  # fmt: skip
    if measure == "logit":
        result = head | _logit(one, asked, where, level)
    else:
        if measure == "ratio" and not over and len(asked) == 2:
            asked, over = asked[:1], asked[1]
        domains = [part.strip() for said in by for part in said.split(",") if part.strip()]
        result = head | _estimates(one, measure, asked, over, domains, where, interval, level)
    show_rows({**result, "notes": one.notes}, as_json=as_json, out=out, text=_text)


def _estimates(
    one: Any, measure: str, asked: Sequence[str], over: str | None, by: Sequence[str], where: Sequence[str],
    interval: str, level: float,
) -> dict[str, Any]:  # fmt: skip
    from khana_methods.surveys.estimate import estimate as ask

    found, left_out = ask(one, measure, asked, over=over, by=by, where=where, interval=interval, level=level)
    rows = [
        {
            "domain": ", ".join(row.domain) or "all",
            "level": ", ".join(row.domain.values()) or "all",
            **row.domain,
            "measure": row.measure,
            "variable": row.variable,
            "category": row.category,
            "weight": row.weight,
            "estimate": row.estimate,
            "se": row.se,
            "lower": row.lower,
            "upper": row.upper,
            "interval": row.interval,
            "df": row.df,
            "n": row.n,
            "population": row.population,
            "deff": row.deff,
            "note": row.note,
        }
        for row in found
    ]
    return {"left_out_for_a_blank": left_out, "rows": rows}


def _logit(one: Any, asked: Sequence[str], where: Sequence[str], level: float) -> dict[str, Any]:
    from dataclasses import asdict

    from khana_methods.surveys.logit import fit_logit

    words = [part.strip() for said in asked for part in re.split(r"[~+]", said) if part.strip()]
    if not words:
        raise click.UsageError("A logit takes the outcome and then its regressors: --of logit OUTCOME A B.")
    found = fit_logit(one, words[0], words[1:], where=where, level=level)
    return {
        "outcome": found.outcome,
        "share": found.share,
        "n": found.n,
        "left_out_for_a_blank": found.left_out,
        "df": found.df,
        "rows": [asdict(line) for line in found.coefficients],
    }


def _text(result: Mapping[str, Any], console: Console) -> None:
    """Write the table that a person reads: figures rounded, empty columns left away."""
    rows = result["rows"]
    same = {name for name in (rows[0] if rows else {}) if all(row[name] in (None, "") for row in rows)}
    narrow = same | {"population", "deff", "interval", "measure", "weight"}
    rows_table([{k: _round(v) for k, v in row.items() if k not in narrow} for row in rows], console)
    console.print(
        f"{result['measure']}, weighted by {result['weights']}: {result['rows_read']:,} rows, {result['units']:,} units "
        f"in {result['strata']:,} strata; {result['left_out_for_a_blank']:,} rows left out for a blank.",
        soft_wrap=True,
    )
    for note in result["notes"]:
        console.print(f"Note: {note}", soft_wrap=True)


def _round(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
