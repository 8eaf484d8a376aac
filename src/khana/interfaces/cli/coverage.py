"""`khana coverage study`: hold a household survey against the registry, or against a file of it.

With a column that says who is registered, or with a registry file, no database is asked. Otherwise numbers are matched by
their tokens in the scope of who acts, and the study is kept for the pages and reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table
from khana.interfaces.cli.table_files import show_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=TeachingGroup, examples=("khana coverage study --survey survey.csv --design study.yaml",))
def coverage() -> None:
    """Who is missing from the registry, how many, and where."""


@coverage.command(
    examples=(
        "khana coverage study --survey survey.csv --design study.yaml --title 'Round 1' --out study.csv",
        "khana coverage study --survey survey.csv --design weight=w,strata=s,psu=u,size=n --registered found --by province",
        "khana coverage study --survey survey.csv --design study.yaml --registry persons.csv --registry-columns id_number=cnic",
        "a study file:  weight: w  strata: s  psu: u  size: members  match: {id_number: cnic}  domains: [province, area]",
        "               welfare: pc_consumption  poor: {share: 0.4}  reasons: why_not  determinants: [distance, C(province)]",
        "               linkage: {true_pairs: 400, found: 380, strangers: 300, matched_wrongly: 4}  poststrata: [province]",
    ),
)
@click.option(
    "--survey", "file", type=_FILE, required=True, help="CSV, XLSX or Parquet, a row a household (or a person)."
)
@click.option("--sheet", help="Sheet of a workbook; the first if absent.")
@click.option("--design", required=True, help="YAML file of design and study, or weight=COLUMN,strata=COLUMN,...")
@click.option("--registered", help="Column that says yes or no: the matching was done before.")
@click.option("--match", "match_", help="FACT=COLUMN of the survey, comma between, such as id_number=cnic.")
@click.option("--registry", type=_FILE, help="File of the registry, a row a person; without it the database is asked.")
@click.option("--registry-columns", help="FACT=COLUMN of that file, comma between, such as id_number=cnic,name=name.")
@click.option(
    "--probabilistic",
    is_flag=True,
    help="Look for the others by name, birth, family and place; in the database by the linkage room's model.",
)
@click.option("--by", multiple=True, help="Column of a domain; a+b for a combination; several times.")
@click.option("--welfare", help="Column of welfare per head: its quantiles become a domain.")
@click.option("--poor-line", type=float, help="The poor are at or under it.")
@click.option("--poor-share", type=float, help="Or: this share of people is poor.")
@click.option("--census", type=_FILE, help="Households counted, by the columns of --lists-by.")
@click.option("--census-count", default="households", show_default=True, help="Its column of counts.")
@click.option(
    "--registry-counts", type=_FILE, help="Registered households by the same columns; else from the database."
)
@click.option("--registry-count", default="households", show_default=True, help="Its column of counts.")
@click.option("--lists-by", help="Columns of census, counts and survey that name the area; `poststrata` if absent.")
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True, help="Whose numbers.")
@click.option("--level", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@click.option("--title", default="", help="Keep the study under this name (database only).")
@printing
def study(
    file: Path, sheet: str | None, design: str, registered: str | None, match_: str | None, registry: Path | None,
    registry_columns: str | None, probabilistic: bool, by: tuple[str, ...], welfare: str | None, poor_line: float | None,
    poor_share: float | None, census: Path | None, census_count: str, registry_counts: Path | None, registry_count: str,
    lists_by: str | None, country: str, level: float, title: str, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Estimate registered and missing households, by domain, with design-based errors.

    Gives domain, level, estimator, weight, estimate, se, lower, upper, n: the share registered and the number missing, of
    all and of the poor; corrected for linkage error where its rates are given; registry and survey as two lists
    (Chapman); reasons among the missing; determinants as marginal effects; census ratios, above one as an alarm.
    """
    from khana.workflows import study_coverage as workflow
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.design import read_design

    spec, words = read_design(design)
    words = _with_options(
        words,
        registered=registered,
        match=_pairs(match_),
        by=by,
        welfare=welfare,
        poor_line=poor_line,
        poor_share=poor_share,
    )
    asked = workflow.Asked(
        survey=read_table(file, sheet=sheet),
        design=spec,
        words=words,
        country=country,
        level=level,
        registry=read_table(registry) if registry else None,
        registry_columns=_pairs(registry_columns) or {},
        probabilistic=probabilistic,
        census=read_table(census) if census else None,
        census_count=census_count,
        registry_counts=read_table(registry_counts) if registry_counts else None,
        registry_count=registry_count,
        lists_by=tuple(part.strip() for part in (lists_by or "").split(",") if part.strip()),
        title=title or file.name,
    )
    if workflow.needs_database(asked):
        from khana.interfaces.cli.session import setup, token
        from khana.platform import clock

        acting = token()
        setup()
        found = workflow.in_database(token=acting, asked=asked, at=clock.now())
    else:
        found = workflow.on_files(asked)
    show_rows(found, as_json=as_json, out=out, text=_text)


@coverage.command(
    "small-areas",
    examples=(
        "khana coverage small-areas --in tehsils.csv --covariates registered_share,census_growth --out map.csv",
        "tehsils.csv:  area,estimate,se,registered_share,census_growth     estimate and se are blank where the survey has nobody",
    ),
)
@click.option("--in", "file", type=_FILE, required=True, help="A row an area: direct estimate, its error, covariates.")
@click.option("--area", default="area", show_default=True)
@click.option("--estimate", default="estimate", show_default=True)
@click.option("--se", default="se", show_default=True)
@click.option("--covariates", required=True, help="Columns known for every area, comma between.")
@printing
def small_areas(
    file: Path, area: str, estimate: str, se: str, covariates: str, as_json: bool, out: Path | None
) -> None:
    """Estimate every area: survey where it has households, lent strength by what is known of all (Fay-Herriot)."""
    from dataclasses import asdict

    import numpy as np

    from khana_methods.coverage.small_area import fay_herriot
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import numbers, texts

    table = read_table(file)
    names = [name.strip() for name in covariates.split(",") if name.strip()]
    columns = [np.array(numbers(table, name).values.to_pylist(), dtype=float) for name in names]
    found = fay_herriot(
        [str(code) for code in texts(table, area).to_pylist()], numbers(table, estimate).values.to_pylist(),
        numbers(table, se).values.to_pylist(), np.column_stack(columns),
    )  # fmt: skip
    result = {
        "coefficients": dict(zip(["constant", *names], found.coefficients, strict=True)), "between": found.between,
        "cross_validated": found.cross_validated, "without_model": found.without_model, "inside": found.inside,
        "notes": [], "alarms": [], "rows": [asdict(one) for one in found.areas],
    }  # fmt: skip
    show_rows(result, as_json=as_json, out=out)


def _pairs(text: str | None) -> dict[str, str] | None:
    if not text:
        return None
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return {fact.strip(): (column or fact).strip() for fact, _, column in parts}


def _with_options(words: Mapping[str, Any], **said: Any) -> dict[str, Any]:
    """Lay the options of the command over the words of the design file."""
    made = dict(words)
    for name in ("registered", "match", "welfare"):
        if said[name]:
            made[name] = said[name]
    if said["by"]:
        made["domains"] = [part.strip() for one in said["by"] for part in one.split(",") if part.strip()]
    if said["poor_line"] is not None:
        made["poor"] = {"line": said["poor_line"]}
    if said["poor_share"] is not None:
        made["poor"] = {"share": said["poor_share"]}
    return made


def _text(result: Mapping[str, Any], console: Console) -> None:
    """Write the figures for a person: shares and counts rounded, notes in words."""
    shown = [
        {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in row.items() if k not in ("se",)}
        for row in result["rows"]
    ]
    rows_table(shown, console)
    if result.get("determinants"):
        console.print("What goes with not being registered (average marginal effects, in points of one):")
        keep = ("term", "reference", "marginal_effect", "marginal_lower", "marginal_upper", "p_value")
        lines = [line for line in result["determinants"] if line["term"] != "constant"]
        rows_table([{k: float(f"{line[k]:.4g}") if isinstance(line[k], float) else line[k] for k in keep} for line in lines],
                   console)  # fmt: skip
    for note in result["notes"]:
        console.print(f"Note: {note}", soft_wrap=True)
    for alarm in result["alarms"]:
        console.print(f"ALARM: {alarm}", soft_wrap=True)
