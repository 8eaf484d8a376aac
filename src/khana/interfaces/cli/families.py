"""`khana families`: which lines of a household are one family. Works on any roster, without a registry.

The same method numbers the families of the registry, so that a file and the registry never differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from khana.interfaces.cli.checks import CONTRACT, COUNTRY, MEMORY
from khana.interfaces.cli.method_files import FILE, PLACE, TARGET, roster_of, write_frame
from khana.interfaces.cli.output import TeachingGroup, show

_FACTS = frozenset(
    {"relation", "sex", "age", "marital", "spouse_line", "father_line", "mother_line", "is_member", "is_present"}
)


@click.group(cls=TeachingGroup, examples=("khana families derive --in roster.csv --out families.csv",))
def families() -> None:
    """Derive the families inside households from the pointers of the roster."""


@families.command(
    examples=(
        "khana families derive --in registry-export --out families.csv",
        "khana families derive --in roster.csv --out families.csv --corrections moved.csv",
    )
)
@click.option("--in", "place", type=PLACE, required=True, help="Folder with persons, or one file.")
@click.option("--out", type=TARGET, help="household_id, line_no, family (.csv, .xlsx, .parquet).")
@CONTRACT
@click.option("--corrections", type=FILE, help="Lines of another family: household_id, line_no, family, reason.")
@click.option(
    "--orphans-with-child-head",
    is_flag=True,
    help="Children without a parent on the roster join a head under 18 who has none either.",
)
@COUNTRY
@MEMORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def derive(
    place: Path, out: Path | None, contracts: tuple[Path, ...], corrections: Path | None, orphans_with_child_head: bool,
    country: str, memory: int, as_json: bool,
) -> None:  # fmt: skip
    """Number the families of each household from 1: husband, wives and their never-married children.

    Guests are in no family; who is absent but a member is. A married child begins a family of her own.
    """
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import load_table
    from khana_methods.quality.families import derive_families, summarise_families

    with Engine(memory_mib=memory) as engine:
        roster, refused = roster_of(engine, place, contracts, country, _FACTS)
        moved = None
        if corrections is not None:
            load_table(engine, "moved", corrections)
            moved = engine.table(
                "SELECT household_id, try_cast(line_no AS BIGINT) AS line_no, try_cast(family AS BIGINT) AS family, reason FROM moved"
            )
        found = derive_families(
            engine, roster.members, corrections=moved, orphans_with_child_head=orphans_with_child_head
        )
        summary = summarise_families(engine, found, roster.members)
    if out is not None:
        write_frame(found, out)
    result: dict[str, Any] = summary | {
        "moved_by_hand": moved.num_rows if moved is not None else 0,
        "rows_refused": refused,
        "not_understood": dict(roster.not_understood),
    }
    show(result, as_json=as_json, out=None)
