"""`khana freshness`: how fast facts go stale, and who is due for a visit.

Works on files without a registry, and on the registry as the user who is logged in.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from khana.interfaces.cli.checks import CONTRACT, COUNTRY, MEMORY, REGISTRY
from khana.interfaces.cli.method_files import FILE, PLACE, TARGET, one_place, roster_asked_for, write_frame
from khana.interfaces.cli.output import TeachingGroup, printing, show
from khana_methods.errors import InputError

if TYPE_CHECKING:
    from khana_methods.engine.duckdb import Engine
    from khana_methods.quality.freshness.decay import Curve


class ReinterviewsUnreadable(InputError):
    """A file of re-interviews lacks a column, or its days and answers cannot be read."""

    code: ClassVar[str] = "cli.freshness.reinterviews_unreadable"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana freshness due --in registry-export --area tehsil_code --out due.csv",
        "khana freshness curve re-interviews.csv",
    ),
)
def freshness() -> None:
    """Age of each fact, decay curves from re-interviews, who is due by area."""


@freshness.command(
    examples=("khana freshness curve re-interviews.csv", "khana freshness curve re-interviews.csv --out curves.json")
)
@click.argument("file", type=FILE)
@click.option(
    "--keep",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Share still true under which a fact is stale.",
)
@MEMORY
@printing
def curve(file: Path, keep: float, memory: int, as_json: bool, out: Path | None) -> None:
    """Fit how fast facts go stale. FILE has the columns fact, stated_on, asked_on, still_true.

    One row per fact asked again: on which day it was stated, on which day it was asked again, and yes or no.
    """
    from khana_methods.engine.duckdb import Engine

    with Engine(memory_mib=memory) as engine:
        curves = _curves(engine, file)
    rows = [
        {
            "fact": fact,
            "compared": found.compared,
            "still_true_after_1_year": round(found.at(365), 4),
            "still_true_after_2_years": round(found.at(730), 4),
            "best_before_days": found.best_before(keep),
            "half_life_days": _round(found.half_life),
            "half_life_low": _round(found.half_life_low),
            "half_life_high": _round(found.half_life_high),
        }
        | ({"days": list(found.days), "share": [round(s, 4) for s in found.share]} if as_json or out else {})
        for fact, found in curves.items()
    ]
    show({"keep": keep, "rows": rows}, as_json=as_json or out is not None, out=out)


@freshness.command(
    examples=(
        "khana freshness due --in registry-export --area tehsil_code --out due.csv --areas by-tehsil.csv",
        "khana freshness due --in households.csv --curve re-interviews.csv --as-of 2026-06-30",
    )
)
@click.option("--in", "place", type=PLACE, help="Folder with households and persons, or one file of both.")
@REGISTRY
@click.option("--area", default="district_code", show_default=True, help="Fact that says the area.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day of the question; today by default.")
@click.option("--rules", type=FILE, help="How long facts are good, in place of the shipped rules (YAML).")
@click.option("--whom", default="default", show_default=True, help="Group of the rules, such as beneficiary.")
@click.option("--curve", "curve_file", type=FILE, help="Re-interviews: curves take the place of rules where they can.")
@click.option(
    "--out", type=TARGET, help="Who is due: household_id, area, facts, oldest_stated_on, best_before, overdue_days."
)
@click.option("--areas", type=TARGET, help="Write a line per area.")
@CONTRACT
@COUNTRY
@MEMORY
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def due(
    place: Path | None, registry: bool, area: str, as_of: Any, rules: Path | None, whom: str, curve_file: Path | None, out: Path | None,
    areas: Path | None, contracts: tuple[Path, ...], country: str, memory: int, as_json: bool,
) -> None:  # fmt: skip
    """List the households with a fact past its best-before day, by area."""
    from datetime import UTC, datetime

    from khana_methods.engine.duckdb import Engine
    from khana_methods.quality.freshness.due import find_due, load_best_before, state_facts

    day = as_of.date() if as_of is not None else datetime.now(UTC).date()
    one_place(place, registry)
    with (
        Engine(memory_mib=memory) as engine,
        roster_asked_for(engine, place, contracts, country, None, "freshness") as (roster, _refused),
    ):
        column = area if area in roster.households.schema.names else ""
        stated = state_facts(engine, roster.households, area=column)
        curves = _curves(engine, curve_file) if curve_file is not None else {}
        found = find_due(engine, stated, load_best_before(rules, whom=whom), as_of=day, curves=curves)
    for table, target in ((found.due, out), (found.areas, areas)):
        if target is not None:
            write_frame(table, target)
    by_area = found.areas.to_pylist()
    result: dict[str, Any] = {
        "as_of": day,
        "households": sum(row["households"] for row in by_area),
        "due": found.due.num_rows,
        "facts": found.facts.to_pylist() if as_json else len(found.facts),
        "rows": by_area if as_json else by_area[:30],
    }
    show(result, as_json=as_json, out=None)


def _curves(engine: Engine, file: Path) -> dict[str, Curve]:
    """Fit one curve for each fact of a file of re-interviews."""
    import numpy as np

    from khana_methods.engine.files import load_table
    from khana_methods.quality.freshness.decay import fit_curve

    load_table(engine, "asked_again", file)
    names = {row[0] for row in engine.rows("SELECT column_name FROM (DESCRIBE asked_again)")}
    lost = sorted({"fact", "stated_on", "asked_on", "still_true"} - names)
    if lost:
        raise ReinterviewsUnreadable(f"{file.name} lacks the column(s) {', '.join(lost)}.", columns=lost)
    rows = engine.rows(
        """SELECT fact, try_cast(asked_on AS DATE) - try_cast(stated_on AS DATE) AS days,
               CASE WHEN lower(trim(CAST(still_true AS VARCHAR))) IN ('yes', 'true', '1', 'y') THEN true
                    WHEN lower(trim(CAST(still_true AS VARCHAR))) IN ('no', 'false', '0', 'n') THEN false END AS same
           FROM asked_again ORDER BY fact"""
    )
    bad = sum(days is None or days <= 0 or same is None for _f, days, same in rows)
    if bad:
        raise ReinterviewsUnreadable(
            f"{bad} rows of {file.name} have no day before the day of asking again, or neither yes nor no.", rows=bad
        )
    facts: dict[str, list[tuple[int, bool]]] = {}
    for fact, days, same in rows:
        facts.setdefault(fact, []).append((days, same))
    return {
        fact: fit_curve(np.array([d for d, _s in seen], dtype=float), np.array([s for _d, s in seen], dtype=bool))
        for fact, seen in facts.items()
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
