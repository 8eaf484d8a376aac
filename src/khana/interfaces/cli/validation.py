"""`khana validation`: lists for community validation, from the registry's scores or any file, and what comes of verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table, show
from khana.interfaces.cli.session import acting
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS = [
    click.option("--area", default="", help="Code of an area of the registry, or with --in the column of the community."),
    click.option("--in", "file", type=_FILE, help="A file with scores instead of the registry: CSV, XLSX, Parquet or Stata."),
    click.option("--id", "key", default="household_id", show_default=True, help="With --in: column of the household."),
    click.option("--score", default="score", show_default=True, help="With --in: column of the score."),
    click.option("--cut-off", type=float, required=True, help="Highest score that is proposed."),
    click.option("--margin", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True,
                 help="Points under and over it in which the community decides."),
    click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that scores are read for."),
]  # fmt: skip


def _asked(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana validation draw --area PK802 --cut-off 32 --margin 2 --out list.xlsx",
        "khana validation settle --area PK802 --cut-off 32 --margin 2 --list returned.xlsx",
    ),
)
def validation() -> None:
    """Hybrid targeting: the formula proposes, the community says who is there and who is in need."""


@validation.command(
    "draw",
    examples=(
        "khana validation draw --area PK802 --cut-off 32 --out list.xlsx",
        "khana validation draw --in scored.csv --id hh --score pmt --area village --cut-off 32 --margin 1.5 --out list.csv",
    ),
)
@_asked
@click.option("--blind", is_flag=True, help="Do not say who is proposed and who is in reserve.")
@printing
def validation_draw(
    area: str, file: Path | None, key: str, score: str, cut_off: float, margin: float, as_of: datetime | None, blind: bool,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Make the list of each community: who is at or under the cut-off, and who is up to the margin over it.

    In the order of numbers, without scores and ranks. The community writes in_need, not_in_need or not_here beside each.
    """
    if file is not None:
        lists = _lists_of_file(file, key, score, area, cut_off, margin)
        rows = [
            {"area": row["area"], "line": row["line"], "household": row["household"],
             "proposed": "" if blind else row["proposed"], "verdict": "", "reason": ""}
            for row in lists.to_pylist()
        ]  # fmt: skip
        show_rows(
            {"cut_off": cut_off, "margin": margin, "households": len(rows), "rows": rows}, as_json=as_json, out=out
        )
        return
    if not area or out is None or out.suffix.lower() not in (".csv", ".xlsx"):
        raise click.UsageError(
            "Say which area of the registry, and a file .csv or .xlsx with --out: the list holds names."
        )
    with acting():
        from khana.dossiers import validation_list
        from khana_methods.engine.whole_file import whole_file

        with whole_file(out) as temporary, temporary.open("wb") as target:
            counts = validation_list.write(
                area=area, cut_off=cut_off, margin=margin, target=target, format=out.suffix.lower()[1:],
                shows_proposed=not blind, as_of=as_of.date() if as_of else None, at=clock.now(),
            )  # fmt: skip
    show({**counts, "file": str(out)}, as_json=as_json, out=None)


@validation.command(
    "settle",
    examples=(
        "khana validation settle --area PK802 --cut-off 32 --list returned.xlsx --out outcome.csv",
        "khana validation settle --in scored.csv --id hh --score pmt --area village --cut-off 32 --list returned.csv --json",
    ),
)
@_asked
@click.option("--list", "returned", type=_FILE, required=True, help="The list as the community filled it.")
@printing
def validation_settle(
    area: str, file: Path | None, key: str, score: str, cut_off: float, margin: float, as_of: datetime | None,
    returned: Path, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Say what comes of the verdicts: who is selected, added from the reserve, dropped, or looked at by two officers.

    Within the margin an objection counts; further down it asks for a look. No community gains places by its verdicts.
    """
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import require_columns, texts
    from khana_methods.targeting.validation import read_verdicts, settle_lists

    table = read_table(returned)
    named = next((n for n in ("household_number", "household", key) if n in table.schema.names), "household_number")
    require_columns(table, [named, "verdict"])
    verdicts = read_verdicts(texts(table, named).to_pylist(), texts(table, "verdict").to_pylist())
    if file is not None:
        from khana_methods.engine.duckdb import Engine

        lists = _lists_of_file(file, key, score, area, cut_off, margin)
        with Engine(memory_mib=512) as engine:
            settled, areas = settle_lists(engine, lists, verdicts)
        result: dict[str, Any] = {
            "cut_off": cut_off, "margin": margin, "areas": areas, "rows": settled.drop_columns(["score", "band"]).to_pylist()
        }  # fmt: skip
    else:
        if not area:
            raise click.UsageError("Say which area of the registry with --area, or a file with --in.")
        with acting():
            from khana.dossiers import validation_list

            result = validation_list.settle(
                area=area, cut_off=cut_off, margin=margin, verdicts=verdicts, as_of=as_of.date() if as_of else None,
                at=clock.now(),
            )  # fmt: skip
    show_rows(result, as_json=as_json, out=out, text=_settled)


def _lists_of_file(file: Path, key: str, score: str, area: str, cut_off: float, margin: float) -> pa.Table:
    """Draw the lists from a file of scores."""
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import numbers, texts
    from khana_methods.targeting.validation import draw_lists

    table = read_table(file)
    place = texts(table, area) if area else pa.array([""] * table.num_rows, pa.string())
    scored = pa.table({"household": texts(table, key), "area": place, "score": numbers(table, score).values})
    with Engine(memory_mib=512) as engine:
        return draw_lists(engine, scored, cut_off=cut_off, margin=margin)


def _settled(result: Mapping[str, Any], console: Console) -> None:
    rows_table(result["areas"], console)
    counts: dict[str, int] = {}
    for row in result["rows"]:
        counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    console.print(", ".join(f"{name} {n:,}" for name, n in sorted(counts.items())))
