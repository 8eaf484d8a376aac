"""Verbs that do long work: areas, sample, import, consolidate, and the worker.

Each opens the scope of who acts, lends a progress bar and makes one call. Stopped or killed in
the middle, nothing is half-written and the same command again goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, TeachingGroup, bar, printing, rows_table, show
from khana.interfaces.cli.session import acting as acting_scope
from khana.interfaces.cli.session import token
from khana.platform import clock

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
ENTITIES = {
    "households": "household", "persons": "person", "identities": "identity", "residents": "resident",
    "scores": "score", "employees": "employee", "mobiles": "mobile", "exits": "exit",
    "programmes": "programme", "benefits": "benefit",
}  # fmt: skip


@click.group(
    cls=TeachingGroup,
    examples=("khana areas load districts.geojson --level 2 --code adm2_pcode --name adm2_name --scheme cod-ab-v03",),
)
def areas() -> None:
    """Areas of the country: codes, parents, names in several languages, outlines."""


@areas.command(
    "load",
    examples=(
        "khana areas load adm1.geojson --level 1 --code adm1_pcode --name adm1_name --scheme cod-ab-v03",
        "khana areas load tehsils.csv --level 3 --code code --name name --parent district_code --scheme cod-ab-v03",
    ),
)
@click.argument("file", type=_FILE)
@click.option("--scheme", required=True, help="Which vintage of codes, such as cod-ab-v03.")
@click.option("--level", type=click.IntRange(0, 6), required=True, help="0 country, 1 province, 2 district, 3 tehsil.")
@click.option("--code", required=True, help="Property or column that holds the code.")
@click.option("--name", required=True, help="Property or column that holds the name.")
@click.option("--parent", default="", help="Property or column that holds the parent's code.")
@click.option("--parent-prefix", type=int, help="The parent's code is this many characters of the code.")
@click.option("--country", default="pak", show_default=True, help="Country pack.")
@click.option("--valid-from", type=click.DateTime(["%Y-%m-%d"]), default="2000-01-01", show_default=True)
@printing
def areas_load(
    file: Path, scheme: str, level: int, code: str, name: str, parent: str, parent_prefix: int | None,
    country: str, valid_from: Any, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Load one level of areas from GeoJSON (with outlines) or CSV (without)."""
    acting = token()
    from khana.deliveries.contracts.manifest import AreaFile
    from khana.workflows import load_areas

    entry = AreaFile(file=file.name, level=level, code=code, name=name, parent=parent, parent_prefix=parent_prefix)
    result = load_areas.run(
        token=acting, country=country, scheme=scheme, valid_from=valid_from.date(), files=[entry],
        data=file.parent, at=clock.now(),
    )  # fmt: skip
    show(result, as_json=as_json, out=out)


@areas.command("list", examples=("khana areas list --level 2", "khana areas list --parent PK5 --json"))
@click.option("--level", type=click.IntRange(0, 6), help="Only areas of this level.")
@click.option("--parent", default="", help="Only areas right under this one (its code).")
@printing
def areas_list(level: int | None, parent: str, as_json: bool, out: Path | None) -> None:
    """List areas in force: code, level, name."""
    with acting_scope():
        from khana.geo import selectors as geo

        found = geo.list_areas(level=level, parent_code=parent)
        rows = [{"code": one.code, "level": one.level, "name": one.name, "names": one.names} for one in found]
    show({"rows": rows}, as_json=as_json, out=out)


@click.group(cls=TeachingGroup, examples=("khana sample load sample.yaml --data ./lists",))
def sample() -> None:
    """A whole set of files in one go, as a manifest names it."""


@sample.command(
    "load",
    examples=(
        "khana sample load sample.yaml --data ./lists",
        "khana schema manifest                      what a manifest may say",
    ),
)
@click.argument("manifest", type=_FILE)
@click.option("--data", type=_FOLDER, required=True, help="Folder that the manifest's paths start from.")
@printing
def sample_load(manifest: Path, data: Path, as_json: bool, out: Path | None) -> None:
    """Load the areas, registers, programmes, sources and lists that MANIFEST names.

    What is loaded already is passed over, so the same command again goes on where it stopped.
    """
    acting = token()
    from khana.workflows import load_manifest

    with bar(as_json=as_json) as progress:
        result = load_manifest.run(token=acting, manifest=manifest, data=data, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@click.command(
    "import",
    cls=TeachingCommand,
    examples=(
        "khana import households households.csv --contract nser-households",
        "khana import persons persons.csv.gz --contract contracts/persons.yaml",
        "khana import benefits oaa-2026Q1.xlsx --source DSS-OAA",
        "khana import benefits oaa-2026Q1-corrected.xlsx --source DSS-OAA --replaces 12",
        "khana quarantine list                      rows that could not be read",
    ),
)
@click.argument("entity", type=click.Choice(list(ENTITIES)), metavar="ENTITY")
@click.argument("file", type=_FILE)
@click.option("--contract", help="Code of a contract kept here, or a YAML file.")
@click.option("--source", help="Code of the source whose list this is (for benefits).")
@click.option("--replaces", type=int, help="Batch of the same source in whose place this list stands from now on.")
@printing
def import_(
    entity: str, file: Path, contract: str | None, source: str | None, replaces: int | None, as_json: bool,
    out: Path | None,
) -> None:  # fmt: skip
    """Read one FILE under a contract: keep it whole, check every row, load what can be read.

    ENTITY is one of households, persons, identities, residents, scores, employees, mobiles, exits,
    programmes, benefits. Rows that cannot be read wait in quarantine. The same file twice changes
    nothing.
    """
    if entity == "benefits" and not source:
        raise click.UsageError("A list of benefits belongs to a source: add --source CODE (see `khana sources list`).")
    if entity != "benefits" and not contract:
        raise click.UsageError("Say how to read it: add --contract CODE or --contract FILE.yaml.")
    acting = token()
    from khana.workflows import import_file

    with bar(as_json=as_json) as progress:
        result = import_file.run(
            token=acting, path=file, entity=ENTITIES[entity], contract=contract or "", source=source or "",
            replaces=replaces, progress=progress, at=clock.now(),
        )  # fmt: skip
    show(result, as_json=as_json, out=out)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana consolidate",
        "khana consolidate --as-of 2026-04-01",
        "khana report overlaps                         what it found",
    ),
)
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day that 'today' stands for.")
@printing
def consolidate(as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Link every list row to a person, check it, and write the five answers as a new run.

    The cap, the cut-off and the line of the well-off come from the manifest, else from the country pack.
    """
    acting = token()
    from khana.workflows import consolidate as workflow

    with bar(as_json=as_json) as progress:
        result = workflow.run(token=acting, as_of=as_of.date() if as_of else None, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out, text=_answers)


def _answers(result: Mapping[str, Any], console: Console) -> None:
    """Write the five answers in sentences and the findings as a table."""
    known = ", ".join(f"{row['programme']} (to {row['to'] or 'no date'})" for row in result.get("connected", []))
    lines = (
        f"Run {result['run']}: {result.get('rows', 0):,} rows of lists, {result.get('linked', 0):,} linked to a person.",
        f"Connected: {known or 'no programme'}.",
        f"Not connected, so not known: {', '.join(result.get('not_connected', [])) or 'none of the catalogue'}.",
        f"1. Recipients: {result.get('recipients', 0):,}, of whom {result.get('registered_recipients', 0):,} are in the "
        "registry (khana report recipients)",
        "2. On two lists: khana report overlaps",
        f"3. Over the cap of cash programmes: {result.get('over_cap', 0):,} (khana report cap)",
        f"4. Poor households that no connected programme serves: {result.get('unserved', 0):,} of "
        f"{result.get('poor_households', 0):,} (khana report unserved)",
        f"5. Well off and on a list for the poor: {result.get('leakage', 0):,} (khana report leakage)",
    )
    for line in lines:
        console.print(line, soft_wrap=True)
    rows = [{"code": code, **count} for code, count in result.get("findings", {}).items()]
    if rows:
        rows_table(rows, console)


@click.command(
    cls=TeachingCommand,
    examples=(
        "khana worker            serves the queue until Ctrl-C",
        "khana worker --once     does what waits and ends",
    ),
)
@click.option("--once", is_flag=True, help="End when nothing waits.")
def worker(once: bool) -> None:
    """Do the long work that pages ask for; `khana up` starts one by itself.

    Runs as the database role khana_worker and acts, for each job, in the scope of who asked.
    Jobs of a killed worker are taken up again.
    """
    words = [sys.executable, "-m", "khana.interfaces.jobs", *(["--once"] if once else [])]
    os.execve(sys.executable, words, {**os.environ, "KHANA_DB_ROLE": "worker"})  # noqa: S606 - this very program
