"""`khana sources`: ministries' systems, how to read their lists, and how good these are.

`suggest` drafts a contract from a file that was never seen before; `study` is the situation
analysis of one source; `onboarding` ranks programmes that are not connected yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console

from khana.interfaces.cli import session
from khana.interfaces.cli.output import TeachingGroup, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock

FREQUENCIES = ("weekly", "fortnightly", "monthly", "quarterly", "half_yearly", "yearly", "once")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana sources suggest oaa-2026Q1.xlsx --out oaa.yaml          draft a contract, then correct it",
        "khana sources add --code DSS-OAA --title 'Old-age allowance' --agency DSS --programme OAA --contract oaa.yaml",
        "khana import benefits oaa-2026Q1.xlsx --source DSS-OAA",
        "khana sources study DSS-OAA",
    ),
)
def sources() -> None:
    """Programme systems of the ministries, their contracts and the quality of their lists."""


@sources.command(
    "add",
    examples=(
        "khana sources add --code DSS-OAA --title 'Old-age allowance' --agency DSS --programme OAA "
        "--contract oaa.yaml --frequency quarterly",
        "khana sources add --code LG-EGPP --title EGPP --agency LGD --programme EGPP --kept-here",
    ),
)
@click.option("--code", required=True, help="Short and stable, such as DSS-OAA.")
@click.option("--title", required=True, help="What people call it.")
@click.option("--agency", required=True, help="Code of the agency that owns it.")
@click.option("--programme", "programmes", multiple=True, required=True, help="Code of a programme; may be repeated.")
@click.option("--contract", default="", help="YAML file, or the code of a contract kept here.")
@click.option("--frequency", type=click.Choice(FREQUENCIES), help="How often its list is due.")
@click.option("--kept-here", is_flag=True, help="The ministry has no system: its list is kept in Khana's pages.")
@printing
def sources_add(
    code: str, title: str, agency: str, programmes: tuple[str, ...], contract: str, frequency: str | None,
    kept_here: bool, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Connect a source, or change what is known of it."""
    acting_token = token()
    from khana.workflows import sources as workflow

    result = workflow.add(
        token=acting_token, code=code, title=title, agency=agency, programmes=programmes, contract=contract,
        frequency=frequency or "", is_kept_here=kept_here, at=clock.now(),
    )  # fmt: skip
    show(result, as_json=as_json, out=out)


@sources.command("list", examples=("khana sources list", "khana sources list --json"))
@printing
def sources_list(as_json: bool, out: Path | None) -> None:
    """List sources with their programmes, contract, and how often they deliver."""
    with acting():
        from khana.beneficiaries import report_rows

        rows = report_rows.list_sources()
    show({"rows": rows}, as_json=as_json, out=out)


@sources.command(
    "suggest",
    examples=("khana sources suggest oaa-2026Q1.xlsx", "khana sources suggest list.csv --code oaa --out oaa.yaml"),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--code", default="", help="Code of the contract; from the file's name if absent.")
@click.option("--entity", default="", help="What kind of rows the file holds; seen from the headers if absent.")
@printing
def sources_suggest(file: Path, code: str, entity: str, as_json: bool, out: Path | None) -> None:
    """Draft a contract from a FILE that was never seen: format, columns, dates, numbers.

    Read the draft before it is used: what it guesses from headers and values may be wrong. Headers
    that it leaves out, and what it lacks, stand above it.
    """
    session.setup()
    from khana.deliveries.reading.suggest import suggest

    draft = suggest(file, code=code, entity=entity)
    show(draft, as_json=as_json, out=out, text=_yaml)


def _yaml(result: Mapping[str, Any], console: Console) -> None:
    for problem in result.get("problems", []):
        console.print(f"# to do: {problem}", soft_wrap=True)
    for header in result.get("unrecognised", []):
        console.print(f"# not used: {' '.join(str(header).split())}", soft_wrap=True)
    console.print(yaml.safe_dump(result["contract"], sort_keys=False, allow_unicode=True), soft_wrap=True, end="")


@sources.command("study", examples=("khana sources study DSS-OAA", "khana sources study DSS-OAA --json"))
@click.argument("source")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that 'today' stands for.")
@printing
def sources_study(source: str, as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Study one source: identifiers, matches in each register, completeness, freshness, a verdict.

    SOURCE is its code. What the verdict says to fix stands in the order of its effect.
    """
    acting_token = token()
    from khana.workflows import study_source

    day = as_of.date() if as_of else None
    result = study_source.run(token=acting_token, source=source, as_of=day, at=clock.now())
    show(result, as_json=as_json, out=out, text=_study)


def _study(result: Mapping[str, Any], console: Console) -> None:
    """Write the figures as lines and each list of the study as a table."""
    tables = {name: value for name, value in result.items() if isinstance(value, list) and value}
    fields_and_rows({name: value for name, value in result.items() if name not in tables}, console)
    for name, rows in tables.items():
        console.print(f"\n{name.replace('_', ' ')}")
        if isinstance(rows[0], dict):
            rows_table(rows, console)
        else:
            for row in rows:
                console.print(f"  {row}", soft_wrap=True)


@sources.command("onboarding", examples=("khana sources onboarding",))
@printing
def sources_onboarding(as_json: bool, out: Path | None) -> None:
    """Rank the programmes of the catalogue that no source delivers yet."""
    acting_token = token()
    from khana.workflows import sources as workflow

    show({"rows": workflow.onboarding(token=acting_token, at=clock.now())}, as_json=as_json, out=out)
