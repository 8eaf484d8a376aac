"""`khana monitoring`: the results framework computed, told and exported."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, bar, printing, rows_table, show
from khana.interfaces.cli.table_files import show_rows

FORMATS = ("csv", "xlsx", "parquet", "dhis2", "sdmx-csv", "sdmx-json", "ddi")


@click.group(
    cls=TeachingGroup,
    examples=("khana monitoring indicators", "khana monitoring export --format dhis2 --out values.json"),
)
def monitoring() -> None:
    """Indicators of the country's results framework."""


@monitoring.command(
    examples=(
        "khana monitoring indicators                          computes all and keeps a snapshot",
        "khana monitoring indicators --as-of 2026-06-30 --no-keep --json",
        "khana monitoring indicators --definitions            what each is divided by what",
    )
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that 'today' stands for.")
@click.option("--keep/--no-keep", default=True, show_default=True, help="Keep the values as a snapshot.")
@click.option("--definitions", is_flag=True, help="Print the framework; nothing is computed.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@click.option(
    "--level",
    type=click.IntRange(0, 3),
    default=0,
    show_default=True,
    help="Shown on the screen: 0 country, 1 province.",
)
@printing
def indicators(
    as_of: Any, keep: bool, definitions: bool, language: str, level: int, as_json: bool, out: Path | None
) -> None:
    """Compute every indicator from the registers as they stand, by area and group."""
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = "" if definitions else token()
    setup()
    from khana.workflows import measure_indicators as workflow

    if definitions:
        show_rows(_definitions(workflow, language), as_json=as_json, out=out)
        return
    with bar(as_json=as_json) as progress:
        result = workflow.run(
            token=acting, as_of=as_of.date() if as_of else None, keep=keep, progress=progress, at=clock.now()
        )
    show_rows(result, as_json=as_json, out=out, text=lambda found, console: _values(found, console, level))


def _definitions(workflow: Any, language: str) -> dict[str, Any]:
    framework = workflow.framework_of(workflow.country_in_use())
    rows = [
        {
            "code": one.code, "name": one.name(language), "objective": one.objective, "definition": one.definition(language),
            "numerator": one.numerator, "denominator": one.denominator, "of": one.relation, "unit": one.unit,
            "by": ", ".join(one.disaggregation), "frequency": one.frequency, "owner": one.owner,
            "target": one.target.value if one.target else None, "source": one.source,
        }
        for one in framework.indicators
    ]  # fmt: skip
    return {"framework": framework.code, "version": framework.version, "rows": rows}


def _values(result: Mapping[str, Any], console: Console, level: int) -> None:
    rows = [row for row in result["rows"] if row["area_level"] == level and not row["group_by"]]
    rows_table(
        [
            {k: float(f"{v:.5g}") if isinstance(v, float) else v for k, v in row.items() if not k.startswith("group")}
            for row in rows
        ],
        console,
    )
    kept = f"Snapshot {result['snapshot']}" if "snapshot" in result else "Not kept"
    console.print(f"{kept}: {result['framework']} {result['version']} as of {result['as_of']}, {len(result['rows']):,} values, "
                  f"hash {result['sha256'][:12]}.", soft_wrap=True)  # fmt: skip


@monitoring.command(
    examples=(
        "khana monitoring export --format xlsx --out indicators.xlsx",
        "khana monitoring export --format dhis2 --out values.json    for POST /api/dataValueSets?orgUnitIdScheme=code",
        "khana monitoring export --format sdmx-csv --threshold 10",
    )
)
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@click.option("--snapshot", type=int, help="Its number; the newest if absent.")
@click.option("--threshold", type=click.IntRange(3), default=5, show_default=True, help="Counts below it are hidden.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@printing
def export(form: str, snapshot: int | None, threshold: int, language: str, as_json: bool, out: Path | None) -> None:
    """Write a snapshot for others: tables, DHIS2 dataValueSets, SDMX-CSV, SDMX-JSON, DDI. Small cells are hidden."""
    if form in ("xlsx", "parquet") and out is None and not as_json:
        raise click.UsageError(f"{form} is not for the screen: add --out FILE.{form}.")
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import publish_indicators as workflow

    result = workflow.run(
        token=acting, form=form, snapshot=snapshot, threshold=threshold, language=language, at=clock.now()
    )
    if "rows" in result:
        named = out if out is None or out.suffix.lower() == f".{form}" else out.with_name(f"{out.name}.{form}")
        show_rows(result, as_json=as_json, out=named)
        return
    if as_json:
        show(result, as_json=True, out=out)
    elif out is None:
        sys.stdout.write(result["text"])
    else:
        write_whole(out, result["text"].encode())


@monitoring.command(
    examples=(
        "khana monitoring report --out coverage.html",
        "khana monitoring report --language ur --out coverage.docx",
        "khana monitoring report --period 2026Q1 --out quarter.pdf       a quarter, with the tables of the IMF",
        "khana monitoring report --period FY2025-26 --out year.xlsx      a fiscal year, a sheet a table",
    )
)
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@click.option("--study", type=int, help="Number of a coverage study; the newest if absent.")
@click.option("--snapshot", type=int, help="Number of a snapshot; the newest if absent.")
@click.option("--period", default="", help="Of a quarter or a year instead: 2026Q1, 2026H1, 2026, FY2025-26.")
@printing
def report(
    language: str, study: int | None, snapshot: int | None, period: str, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Write a report as HTML, DOCX or PDF, by the name of --out: of coverage and indicators, or of a period (also XLSX)."""
    kinds = (".html", ".docx", ".pdf", *((".xlsx",) if period else ()))
    if out is None or out.suffix.lower() not in kinds:
        raise click.UsageError(f"Say where to: --out FILE{' or FILE'.join(kinds)}.")
    if period and (study or snapshot):
        raise click.UsageError("A report of a period finds its own snapshot: leave --study and --snapshot out.")
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import report_coverage, report_period

    form = out.suffix.lower()[1:]
    if period:
        content = report_period.run(token=acting, period=period, form=form, language=language, at=clock.now())
    else:
        content = report_coverage.run(
            token=acting, form=form, language=language, study=study, snapshot=snapshot, at=clock.now()
        )
    write_whole(out, content)
    if as_json:
        show({"file": str(out), "bytes": len(content), "language": language}, as_json=True, out=None)


@monitoring.command(
    examples=(
        "khana monitoring publish                       the newest snapshot, counts under 10 hidden",
        "khana monitoring publish --epsilon 1           with noise instead, and the budget that it spends",
        "khana monitoring publish --withdraw 3          takes publication 3 off the public page",
    )
)
@click.option("--title", default="", help="What the public reads above it; the framework's name if absent.")
@click.option("--snapshot", type=int, help="Its number; the newest if absent.")
@click.option("--threshold", type=click.IntRange(3), default=10, show_default=True, help="Counts below it are hidden.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, 20, min_open=True),
    help="Add noise under this privacy budget; nothing is hidden then.",
)
@click.option("--withdraw", type=int, help="Take this publication back instead.")
@printing
def publish(
    title: str, snapshot: int | None, threshold: int, epsilon: float | None, withdraw: int | None, as_json: bool, out: Path | None
) -> None:  # fmt: skip
    """Put a snapshot on the public page and under /ogc, safe for everybody; or take one back."""
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import publish_figures as workflow

    if withdraw is not None:
        result = workflow.withdraw(token=acting, publication=withdraw, at=clock.now())
    else:
        result = workflow.run(
            token=acting, title=title, snapshot=snapshot, threshold=threshold, epsilon=epsilon, at=clock.now()
        )
    show(result, as_json=as_json, out=out)


@monitoring.command(
    "load-budget",
    examples=(
        "khana monitoring load-budget budget-2025-26.csv",
        "khana monitoring load-budget budget.xlsx --json     columns: programme, area, government, year, amount, source; unit",
    ),
)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@printing
def load_budget(path: Path, as_json: bool, out: Path | None) -> None:
    """Take in what governments appropriated: a row each programme, area, government and fiscal year; all of a file or none."""
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import load_budget as workflow

    show(workflow.run(token=acting, path=path, at=clock.now()), as_json=as_json, out=out)


@monitoring.command(
    examples=("khana monitoring budgets", "khana monitoring budgets --year FY2025-26 --out budget.xlsx")
)
@click.option("--year", default="", help="Fiscal year, such as FY2025-26; all if absent.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@printing
def budgets(year: str, language: str, as_json: bool, out: Path | None) -> None:
    """Show budgets with what was spent against each line, as the newest snapshot has it."""
    from khana.interfaces.cli.session import setup, token

    acting = token()
    setup()
    from khana.workflows import load_budget as workflow

    show_rows(
        workflow.table(token=acting, year=year, language=language), as_json=as_json, out=out,
        text=lambda found, console: rows_table(
            [{k: row[k] for k in ("programme", "government", "area", "year", "amount", "spent", "share")} for row in found["rows"]],
            console,
        ),
    )  # fmt: skip


def write_whole(out: Path, content: bytes) -> None:
    """Write a file that appears whole or not at all; its owner alone reads it."""
    from khana_methods.engine.whole_file import whole_file

    with whole_file(out) as place:
        place.write_bytes(content)
    print(f"Written to {out}.", file=sys.stderr)
