"""`khana targeting` and `khana poverty`: what a cut-off does, and how poor people are, on any survey file.

Every figure comes with its standard error under the survey's design; no registry is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingGroup, printing
from khana.interfaces.cli.table_files import show_rows

if TYPE_CHECKING:
    from khana_methods.targeting.linearise import Measured
    from khana_methods.targeting.people import People

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OF_A_SURVEY = [
    click.option("--in", "file", type=_FILE, required=True, help="One row a household: CSV, Parquet, XLSX or Stata."),
    click.option("--sheet", help="Of a workbook; the first if absent."),
    click.option("--welfare", required=True, help="Column of welfare of one person."),
    click.option("--weight", help="Column of sampling weights; each household counts once if absent."),
    click.option("--size", help="Column of members: persons are counted."),
    click.option("--strata", help="Column of strata."),
    click.option("--psu", help="Column of primary sampling units; each household is one if absent."),
    click.option("--single", type=click.Choice(["refuse", "certainty", "centre"]), default="centre", show_default=True,
                 help="A stratum of one unit: refuse it, it adds nothing, or held against the mean of all."),
    click.option("--count", "basis", type=click.Choice(["population", "household"]), default="population", show_default=True,
                 help="Weigh by persons (weight times size) or by households."),
    click.option("--welfare-of", type=click.Choice(["person", "household"]), default="person", show_default=True,
                 help="'household' is divided by --size."),
    click.option("--transfer", help="Column of what was paid."),
    click.option("--transfer-of", type=click.Choice(["household", "person"]), default="household", show_default=True),
    click.option("--welfare-is", type=click.Choice(["before", "after"]), default="before", show_default=True,
                 help="Welfare before the transfer, or with it."),
    click.option("--line", type=float, help="Poverty line in the unit of welfare."),
    click.option("--poor-share", type=float, help="Or: the share of all that is poor, as 0.2."),
    click.option("--by", help="Column: the figures for each of its values too."),
]  # fmt: skip


def _of_a_survey(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OF_A_SURVEY):
        function = option(function)
    return function


def _read(words: Mapping[str, Any], score: str | None, tie_key: str | None = None) -> tuple[People, Any, float, Any]:
    """Read the survey that the options name; return it, the values of `--by`, the line, and the order of ties."""
    import numpy as np

    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import numbers, texts
    from khana_methods.targeting.measures import line_of
    from khana_methods.targeting.people import read_people

    if (words["line"] is None) == (words["poor_share"] is None):
        raise click.UsageError("Give --line or --poor-share, one of the two.")
    if words["welfare_of"] == "household" and not words["size"]:
        raise click.UsageError("Welfare of the household is divided by its members: name them with --size.")
    table = read_table(words["file"], sheet=words["sheet"])
    names = (
        "welfare",
        "weight",
        "size",
        "transfer",
        "transfer_of",
        "welfare_is",
        "welfare_of",
        "basis",
        "strata",
        "psu",
        "single",
    )
    people, rows = read_people(table, score=score, **{name: words[name] for name in names})
    by = np.array(texts(table, words["by"]).to_pylist(), dtype=object)[rows] if words["by"] else None
    key = None
    if tie_key:
        found = numbers(table, tie_key)
        if found.blank or found.unreadable:  # an order of texts is an order as well
            key = np.unique(np.array([text or "" for text in texts(table, tie_key).to_pylist()]), return_inverse=True)[
                1
            ]
        else:
            key = found.values.to_numpy(zero_copy_only=False)
        key = key.astype(float)[rows]
    return people, by, line_of(people, line=words["line"], poor_share=words["poor_share"]), key


def _parts(people: People, by: Any) -> Iterator[tuple[str, People]]:
    """Yield everybody, then each value of `--by`."""
    yield "", people
    if by is not None:
        for value in sorted({value for value in by if value is not None}):
            yield str(value), people.only(by == value)


def _rows(group: str, measures: Mapping[str, Measured]) -> list[dict[str, Any]]:
    return [
        {"group": group, "measure": name, "value": m.value, "standard_error": m.standard_error, "low": m.low, "high": m.high}
        for name, m in measures.items()
    ]  # fmt: skip


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana targeting errors --in scored.csv --welfare pcc --score score --weight w --size hhsize --poor-share 0.2 "
        "--cutoff 0.2 --mode quantile",
    ),
)
def targeting() -> None:
    """What a cut-off of a score does to the poor and to others."""


@targeting.command(
    examples=(
        "khana targeting errors --in s.csv --welfare pcc --score pmt --weight w --size n --line 3776 --cutoff 32 --mode absolute",
        "khana targeting errors --in s.dta --welfare pcc --score pmt --weight w --size n --poor-share 0.2 --cutoff 0.2 --mode quantile",
        "khana targeting errors --in s.xlsx --welfare pcc --score pmt --poor-share 0.3 --mode quantile --strata s --psu ea --by region --json",
    )
)
@_of_a_survey
@click.option("--score", required=True, help="Column of the score; lower is poorer, blank is never chosen.")
@click.option(
    "--cutoff",
    "--cut-off",
    "cut_off",
    type=float,
    help="A score (absolute), or a share as 0.2 (quantile; the poor share if absent).",
)
@click.option("--mode", type=click.Choice(["absolute", "quantile"]), default="absolute", show_default=True)
@click.option(
    "--ties",
    type=click.Choice(["split", "all", "none", "key"]),
    default="split",
    show_default=True,
    help="Quantile: households tied at the margin are split, all taken, none taken, or taken in the order of --tie-key.",
)
@click.option("--tie-key", help="Column in whose order tied households are taken, such as a drawn number.")
@printing
def errors(
    score: str, cut_off: float | None, mode: str, ties: str, tie_key: str | None, as_json: bool, out: Path | None, **words: Any
) -> None:  # fmt: skip
    """Exclusion and inclusion errors of a cut-off, with all measures of the field and their standard errors.

    Absolute: whoever scores at or under --cutoff is chosen. Quantile: the poorest share by score.
    The poor are at or under the line, before any transfer. With --transfer the programme as it is paid is measured too.
    """
    from khana_methods.targeting.measures import at_cut_off, of_programme

    if cut_off is None and mode == "absolute":
        raise click.UsageError("An absolute cut-off is a score: add --cutoff.")
    if (ties == "key") != (tie_key is not None):
        raise click.UsageError("--ties key goes with --tie-key, and no other rule does.")
    people, by, line, key = _read(words, score, tie_key)
    whole: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    limit = cut_off
    for group, part in _parts(people, by):
        if not group:
            poor = float(part.mass[part.welfare <= line].sum() / part.mass.sum())
            found = at_cut_off(part, line=line, cut_off=poor if limit is None else limit, mode=mode, ties=ties, key=key)
            whole = _whole(found, part) | {"ties": ties if mode == "quantile" else None}
            threshold = found.cut_off
        else:  # the same score cuts everywhere: a group has no quantile of its own
            if not _is_mixed(part, line):
                continue
            found = at_cut_off(part, line=line, cut_off=max(threshold, _lowest(part)), mode="absolute")
        rows += _rows(group, found.measures)
        if words["transfer"]:
            rows += _rows(group, of_programme(part, line=line))
    result = whole | {row["measure"]: row["value"] for row in rows if not row["group"]}
    result |= {f"{row['measure']}_se": row["standard_error"] for row in rows if not row["group"]}
    _show(result, rows, words["by"], as_json, out)


def _is_mixed(part: People, line: float) -> bool:
    """Tell whether a group has poor and others."""
    poor = float(part.mass[part.welfare <= line].sum())
    return 0 < poor < float(part.mass.sum())


def _lowest(part: People) -> float:
    import numpy as np

    seen = part.score[np.isfinite(part.score) & (part.mass > 0)]
    return float(seen.min()) if len(seen) else 0.0


def _whole(found: Any, part: People) -> dict[str, Any]:
    """Return what was measured, beside the measures."""
    return {
        "households": len(part.mass), "population": float(part.mass.sum()), "line": found.line, "mode": found.mode,
        "cut_off": found.cut_off, "poor": found.cells.poor, "chosen": found.cells.chosen,
        "poor_chosen": found.cells.poor_chosen, "poor_left_out": found.cells.poor_left_out,
        "other_chosen": found.cells.other_chosen, "other_left_out": found.cells.other_left_out,
        "random_exclusion_error": found.cells.random_exclusion_error,
        "random_inclusion_error": found.cells.random_inclusion_error,
        "units": part.design.units, "strata": part.design.strata, "notes": list(part.notes),
    }  # fmt: skip


def _show(result: dict[str, Any], rows: list[dict[str, Any]], by: str | None, as_json: bool, out: Path | None) -> None:
    """Print the figures, people as a table of measures."""
    shown = rows if by else [{name: value for name, value in row.items() if name != "group"} for row in rows]
    is_file = out is not None and out.suffix.lower() != ".txt"
    if as_json or is_file:
        show_rows({**result, "rows": shown}, as_json=as_json, out=out)
        return
    brief = {
        k: v for k, v in result.items() if k in ("households", "line", "mode", "cut_off", "units", "strata", "notes")
    }
    rounded = [{k: (f"{v:.6g}" if isinstance(v, float) else v) for k, v in row.items()} for row in shown]
    show_rows({**brief, "rows": rounded}, as_json=False, out=out)


@click.group(
    cls=TeachingGroup,
    examples=("khana poverty indices --in survey.csv --welfare pcc --weight w --size hhsize --line 3776",),
)
def poverty() -> None:
    """Poverty and inequality of any survey."""


@poverty.command(
    examples=(
        "khana poverty indices --in survey.csv --welfare pcc --weight w --size hhsize --line 3776",
        "khana poverty indices --in eusilc.csv --welfare eqIncome --weight rb050 --line 10800 --strata db040 --psu hh --by region",
        "khana poverty indices --in s.csv --welfare pcc --weight w --size n --poor-share 0.2 --transfer paid --json",
    )
)
@_of_a_survey
@printing
def indices(as_json: bool, out: Path | None, **words: Any) -> None:
    """FGT 0, 1 and 2, Watts, Gini, mean log deviation and mean, with standard errors under the design.

    The poor are strictly under the line. With --transfer the indices are before it and after it, and what it changed.
    """
    from khana_methods.targeting.measures import of_programme, poverty_indices

    people, by, line, _key = _read(words, None)
    rows: list[dict[str, Any]] = []
    for group, part in _parts(people, by):
        if words["transfer"]:
            before = poverty_indices(part, line=line, when="before")
            rows += _rows(group, {f"{name}_before": value for name, value in before.items()})
        rows += _rows(group, poverty_indices(part, line=line))
        if words["transfer"] and _is_mixed(part, line):
            names = (
                "headcount_reduction",
                "poverty_gap_reduction",
                "squared_gap_reduction",
                "gini_reduction",
                "benefit_cost_ratio",
            )
            changed = of_programme(part, line=line)
            rows += _rows(group, {name: changed[name] for name in names if name in changed})
    result: dict[str, Any] = {
        "households": len(people.mass), "population": float(people.mass.sum()), "line": line, "poor_are": "under the line",
        "units": people.design.units, "strata": people.design.strata, "notes": list(people.notes),
    }  # fmt: skip
    result |= {row["measure"]: row["value"] for row in rows if not row["group"]}
    result |= {f"{row['measure']}_se": row["standard_error"] for row in rows if not row["group"]}
    _show(result, rows, words["by"], as_json, out)
