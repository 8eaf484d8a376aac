"""`khana simulate`: what a cut-off, a quota and a budget do, on the registry's counts or on any file with scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, bar, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import InputError

if TYPE_CHECKING:
    from khana_methods.targeting.simulate import Outcome, Policy

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class ColumnMissing(InputError):
    """The file lacks a column that was named, or no row has a score."""

    code: ClassVar[str] = "cli.simulate.column_missing"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana simulate prepare                                      count the scores in force",
        "khana simulate run --cut-off 32 --benefit 4500 --budget 472e9",
        "khana simulate run --in scored.csv --score pmt --size members --cut-off 32",
        "khana simulate survey survey.csv --welfare pc --size hh_size --weight w --score pmt",
    ),
)
def simulate() -> None:
    """The policy simulator: households, cost, who is left out, before anything is decided."""


_POLICY = [
    click.option("--cut-off", type=click.FloatRange(0), required=True, help="Highest score that is taken."),
    click.option("--benefit", type=click.FloatRange(0), default=0.0, help="Money for one household in a month."),
    click.option("--months", type=click.IntRange(1, 12), default=12, show_default=True, help="Months paid in a year."),
    click.option("--quota", type=click.FloatRange(0), help="At most so many households."),
    click.option("--budget", type=click.FloatRange(0), help="At most so much money in a year (472e9 may be written)."),
    click.option("--cap", type=click.IntRange(1), help="Leave out who draws from so many cash programmes already."),
    click.option("--disability-points", type=click.FloatRange(0), default=0.0, help="Points off for a disabled member."),
    click.option("--female-head-points", type=click.FloatRange(0), default=0.0, help="Points off for a female head."),
    click.option("--floor", type=click.FloatRange(0, 1), default=0.0, help="Least share of every province's households."),
    click.option("--line", type=click.FloatRange(0, min_open=True), help="Poverty line: money of one person in a year."),
]  # fmt: skip


def _with_policy(function: Any) -> Any:
    for option in reversed(_POLICY):
        function = option(function)
    return function


def _policy(words: Mapping[str, Any]) -> Policy:
    from khana_methods.targeting.simulate import Policy

    quota = words["quota"]
    return Policy(
        cut_off=words["cut_off"], benefit=words["benefit"], months=words["months"], quota=None if quota is None else int(quota),
        budget=words["budget"], cap=words["cap"], disability_points=words["disability_points"],
        female_head_points=words["female_head_points"], floor=words["floor"],
    )  # fmt: skip


@simulate.command(
    "run",
    examples=(
        "khana simulate run --cut-off 32 --benefit 4500",
        "khana simulate run --cut-off 32 --benefit 4500 --budget 472e9 --floor 0.05 --line 60000 --save 'Budget 2026'",
        "khana simulate run --in scored.parquet --score pmt --size members --province prov --cut-off 32",
    ),
)
@_with_policy
@click.option("--in", "file", type=_FILE, help="A CSV or Parquet file with scores instead of the registry.")
@click.option("--score", "score_column", default="score", show_default=True, help="Column of the file: the score.")
@click.option("--size", default="", help="Column: members of the household.")
@click.option("--province", default="", help="Column: area to show figures by.")
@click.option("--female-head", default="", help="Column: 1 or true where a woman heads the household.")
@click.option("--disability", default="", help="Column: 1 or true where a member has a disability.")
@click.option("--cash", default="", help="Column: cash programmes that the household draws from.")
@click.option(
    "--welfare", default="", help="Column: consumption of one person in a year; says who is poor, with --line."
)
@click.option("--weight", default="", help="Column: weight of the household.")
@click.option("--save", "title", default="", help="Save it as a scenario under this name.")
@printing
def simulate_run(
    file: Path | None, score_column: str, size: str, province: str, female_head: str, disability: str, cash: str,
    welfare: str, weight: str, title: str, as_json: bool, out: Path | None, **words: Any,
) -> None:  # fmt: skip
    """Say what one position of the sliders gives: households, cost, provinces, tenths, errors by the survey."""
    policy, line = _policy(words), words["line"]
    if file is not None:
        columns = {
            "score": score_column, "size": size, "province": province, "female_head": female_head, "disability": disability,
            "cash": cash, "welfare": welfare, "weight": weight,
        }  # fmt: skip
        outcome, about = _of_file(file, columns, policy, line)
        saved = None
    else:
        with acting():
            from khana.assessment import simulator
            from khana.assessment.services import save_scenario

            position = simulator.simulate(policy, line=line)
            outcome, about = position.outcome, dict(position.cube.summary)
            saved = (
                save_scenario.save_scenario(title=title, note="", position=position, at=clock.now()) if title else None
            )
    result = {"policy": {**words}, "about": about, "scenario": saved, **_plain(outcome)}
    show(result, as_json=as_json, out=out, text=_told)


def _plain(outcome: Outcome) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(outcome)


def _of_file(
    file: Path, columns: Mapping[str, str], policy: Policy, line: float | None
) -> tuple[Outcome, dict[str, Any]]:
    """Count a file into a cube and move on it; its own rows are the survey where they hold welfare."""
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import load_table
    from khana_methods.pmt.features import FLAG, NUMBER, TEXT, column_types, reading
    from khana_methods.targeting.simulate import STEP, Cube, Survey, cube_frame, move, survey_frame

    with Engine(memory_mib=1024) as engine:
        load_table(engine, "arrived", file)
        there = column_types(engine, "arrived")
        missing = [name for name in columns.values() if name and name not in there]
        if missing:
            raise ColumnMissing(
                f"The file lacks the column(s) {', '.join(missing)}. It has {', '.join(sorted(there))}."
            )

        def column(name: str, kind: str, absent: str) -> str:
            return reading(columns[name], there[columns[name]], kind) if columns[name] else absent

        engine.run(
            f"""CREATE TABLE row_read AS SELECT {column("score", NUMBER, "NULL")} AS score, {column("welfare", NUMBER, "NULL::DOUBLE")} AS welfare,
                {column("weight", NUMBER, "1::DOUBLE")} AS weight, {column("size", NUMBER, "1::DOUBLE")} AS size,
                coalesce({column("province", TEXT, "''")}, '') AS province, coalesce({column("female_head", FLAG, "false")}, false) AS female_head,
                coalesce({column("disability", FLAG, "false")}, false) AS disability,
                CAST(coalesce({column("cash", NUMBER, "0")}, 0) AS INTEGER) AS cash FROM arrived"""
        )
        cells = engine.table(
            f"""SELECT province, '' AS district, CAST(ceil(score * {STEP} - 1e-9) AS INTEGER) AS bin, female_head, disability, cash,
                       CAST(round(sum(weight)) AS BIGINT) AS households, CAST(round(sum(weight * coalesce(size, 1))) AS BIGINT) AS persons
                FROM row_read WHERE score IS NOT NULL AND weight > 0 GROUP BY ALL ORDER BY ALL"""
        ).cast(cube_frame)  # fmt: skip
        if not cells.num_rows:
            raise ColumnMissing(f"No row of the file has a number in '{columns['score']}'.")
        survey = None
        if columns["welfare"] and line:
            names = ", ".join(survey_frame.names)
            rows = engine.table(
                f"SELECT {names} FROM row_read WHERE score IS NOT NULL AND welfare IS NOT NULL AND size > 0 AND weight > 0"
            )
            survey = Survey.of(rows.cast(survey_frame))
        total = engine.value("SELECT count(*) FROM row_read")
    return move(Cube.of(cells), policy, survey=survey, line=line), {"file": file.name, "rows": total}


def _told(result: Mapping[str, Any], console: Console) -> None:
    lines = [
        f"Households: {result['households']:,.0f} of {result['scored']:,} with a score; persons {result['persons']:,.0f}",
        f"Cost in a year: {result['cost']:,.0f}",
        f"Up to a score of {result['last_score']:g}; under the cut-off {result['eligible']:,.0f} households, "
        f"left out by quota or budget {result['left_by_limit']:,.0f}, by the cap {result['left_by_cap']:,.0f}; "
        f"taken over the cut-off by a floor {result['over_cut_off']:,.0f}",
    ]
    says = result["survey"]
    if says:
        left, wrong = says["exclusion_error"], says["inclusion_error"]
        lines += [
            f"Of the poor left out: {left:.1%}" if left is not None else "The survey has nobody under the line.",
            f"Of those taken not poor: {wrong:.1%}" if wrong is not None else "The survey has nobody who is taken.",
            f"Poor persons: {says['headcount_before']:.2%} before, {says['headcount_after']:.2%} after; "
            f"poverty gap {says['gap_before']:.2%} before, {says['gap_after']:.2%} after",
        ]
    for text in lines:
        console.print(text, soft_wrap=True)
    for part in ("provinces", "tenths"):
        console.print()
        rows_table(
            [
                {part[:-1]: one["name"] or "-", "households": round(one["households"]), "reached": round(one["reached"]),
                 "share": f"{one['reached'] / one['households']:.1%}" if one["households"] else ""}
                for one in result[part]
            ],
            console,
        )  # fmt: skip
    if result["scenario"]:
        console.print(f"Saved as scenario {result['scenario']}.")


@simulate.command("prepare", examples=("khana simulate prepare",))
@printing
def simulate_prepare(as_json: bool, out: Path | None) -> None:
    """Count the scores in force for the simulator, and draw the sample of facts for the rule editor.

    A scoring run does this by itself; needed where scores arrived with the registry only.
    """
    acting_token = token()
    from khana.workflows import simulation

    with bar(as_json=as_json) as progress:
        result = simulation.prepare(token=acting_token, progress=progress, at=clock.now())
    show(result, as_json=as_json, out=out)


@simulate.command(
    "survey",
    examples=(
        "khana simulate survey survey.csv --welfare pc_consumption --size hh_size --weight weight --score pmt",
        "khana simulate survey survey.parquet --welfare pc --size n --model LIVING --province region_code",
    ),
)
@click.argument("file", type=_FILE)
@click.option("--welfare", required=True, help="Column: consumption of one person in a year.")
@click.option("--size", required=True, help="Column: members of the household.")
@click.option("--weight", default="", help="Column: weight of the household.")
@click.option("--score", "score_column", default="", help="Column: the score; scored by --model where absent.")
@click.option("--model", default="", help="Model of the store whose variables are columns of the file.")
@click.option("--version", type=int, help="Its version.")
@click.option("--province", default="", help="Column: code of the province, as the registry has it.")
@click.option("--female-head", default="", help="Column: 1 or true where a woman heads the household.")
@click.option("--disability", default="", help="Column: 1 or true where a member has a disability.")
@click.option("--title", default="", help="How the page calls the survey.")
@printing
def simulate_survey(
    file: Path, welfare: str, size: str, weight: str, score_column: str, model: str, version: int | None, province: str,
    female_head: str, disability: str, title: str, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Keep a consumption survey, so that the simulator knows who is poor and who is left out."""
    if not score_column and not model:
        raise click.UsageError("Say where the score comes from: --score COLUMN, or --model CODE.")
    acting_token = token()
    from khana.workflows import simulation

    result = simulation.load_survey(
        token=acting_token, path=file, welfare=welfare, size=size, weight=weight, score=score_column, model=model,
        version=version, province=province, female_head=female_head, disability=disability, title=title, at=clock.now(),
    )  # fmt: skip
    show(result, as_json=as_json, out=out)


@simulate.command(
    "scenarios", examples=("khana simulate scenarios", "khana simulate scenarios 3 4 --out compared.json")
)
@click.argument("numbers", type=int, nargs=-1)
@printing
def simulate_scenarios(numbers: tuple[int, ...], as_json: bool, out: Path | None) -> None:
    """List saved scenarios; with NUMBERS print these side by side, with the notes of method."""
    with acting():
        from khana.access import services as access
        from khana.assessment import simulator

        access.require("models.read")
        found = simulator.list_scenarios(numbers)
        if numbers:
            rows = simulator.exported(found)
        else:
            rows = [
                {"id": one.id, "title": one.title, "households": one.outcome.get("households"), "cost": one.outcome.get("cost"),
                 "by": one.created_label, "saved_at": one.created_at}
                for one in found
            ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)
