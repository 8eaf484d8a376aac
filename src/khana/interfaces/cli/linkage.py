"""`khana linkage`: find the same person twice in a file, and measure how well that was done.

Works on any CSV or Parquet file of persons without a registry. What it learns stays in a draft model card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.linkage_registry import COMMANDS
from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana.interfaces.cli.session import acting
from khana.interfaces.cli.tables import write_table

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana linkage dedupe persons.csv --columns name=name,birth_date=dob,sex=sex --pairs pairs.csv",
        "khana linkage evaluate pairs.csv --truth truth.csv",
        "khana linkage train                        inside the registry: learn, approve by two, run",
        "khana linkage approve PK-2026-1",
        "khana linkage run",
        "khana linkage evaluate --truth truth.csv   of what is stored",
    ),
)
def linkage() -> None:
    """Find the same person twice, in the registry or in any file, and measure it."""


for _command in COMMANDS:
    linkage.add_command(_command)


@linkage.command(
    examples=(
        "khana linkage dedupe people.csv --columns name=given+surname,birth_date=dob --pairs pairs.csv --card card.json",
    )
)
@click.argument("file", type=_FILE)
@click.option("--columns", required=True, help="FACT=COLUMN, comma between; several columns with + between.")
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True)
@click.option("--order", type=click.Choice(["dmy", "mdy", "ymd"]), default="dmy", show_default=True, help="Of dates.")
@click.option("--pairs", type=click.Path(dir_okay=False, path_type=Path), help="Write the pairs as CSV.")
@click.option("--card", type=click.Path(dir_okay=False, path_type=Path), help="Write the draft model card as JSON.")
@click.option("--memory", type=click.IntRange(256), default=2048, show_default=True, help="MiB for the engine.")
@printing
def dedupe(
    file: Path, columns: str, country: str, order: str, pairs: Path | None, card: Path | None, memory: int,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Find people who stand in FILE more than once; nothing but FILE is needed."""
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_texts
    from khana_methods.matching.person_table import dedupe as find

    named = [part.partition("=") for part in columns.split(",")]
    said = {fact: column or fact for fact, _sign, column in named}
    with Engine(memory_mib=memory) as engine:
        table = read_texts(file)
        found, learned, counts = find(engine, table, said, file=file.name, country=country, order=order)
    if pairs:
        write_table(found, pairs)
    if card:
        card.write_text(learned.to_json(), encoding="utf-8")
    decided = found.column("decision").to_pylist()
    linked = decided.count("LINK")
    result: dict[str, Any] = {
        "records": table.num_rows,
        "linked": linked,
        "to_review": decided.count("REVIEW"),
        "link_threshold": learned.thresholds.link,
        "expected_precision": learned.precision.value if learned.precision and linked else None,
        "expected_recall_of_candidates": learned.recall.value if learned.recall else None,
        "rows": [{"pass": c.code, "pairs": c.pairs, "largest_block": c.largest_block} for c in counts],
    }
    if not set(said) - {"name", "native_name"}:
        result["note"] = (
            "Names alone seldom tell people apart: say a birth date, a number, a telephone, a guardian or a place too."
        )
    show(result, as_json=as_json, out=out)


@linkage.command(
    examples=(
        "khana linkage evaluate pairs.csv --truth truth.csv --json",
        "khana linkage evaluate --truth truth.csv    the decisions stored here",
    )
)
@click.argument("pairs", type=_FILE, required=False)
@click.option("--truth", type=_FILE, required=True, help="True pairs, in the same columns.")
@printing
def evaluate(pairs: Path | None, truth: Path, as_json: bool, out: Path | None) -> None:
    """Give precision, recall and F1 of PAIRS, or of the stored decisions, with 95 % intervals."""
    if pairs is None:
        with acting():
            from khana.access import services as access
            from khana.dossiers import linkage_pairs

            access.require("linkage.read")
            show(linkage_pairs.evaluate(truth), as_json=as_json, out=out)
        return
    from khana_methods.engine.files import read_texts
    from khana_methods.matching.person_table import judge

    found = judge(read_texts(pairs), read_texts(truth))
    result: dict[str, Any] = {"linked": found.linked, "true": found.true, "found": found.found}
    for name in ("precision", "recall"):
        interval = getattr(found, name)
        result |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    show(result | {"f1": found.f1}, as_json=as_json, out=out)
