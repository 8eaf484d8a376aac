"""`khana outreach plan`: where each van stands on which days, from files; no registry is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingGroup, printing, rows_table, show
from khana.interfaces.cli.table_files import show_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(
    cls=TeachingGroup, examples=("khana outreach plan --missing unions.csv --vans 50 --days 30 --out plan.csv",)
)
def outreach() -> None:
    """Where to send the vans."""


@outreach.command(
    examples=(
        "khana outreach plan --missing unions.csv --vans 50 --days 30 --start 2026-07-01 --out plan.csv",
        "khana outreach plan --missing unions.csv --vans 20 --centres 5 --teams 30 --days 30 --hours 'mon-thu 9-15, fri 9-12'",
        "khana outreach plan --missing unions.csv --bases bases.csv --roads roads.csv --days 30 --floor 0.8 --budget 40000000",
        "unions.csv:  code,missing,latitude,longitude,province[,today_days]     bases.csv:  code,latitude,longitude,vans",
        "roads.csv:   base,place,km",
    ),
)
@click.option("--missing", "file", type=_FILE, required=True, help="Places with their missing poor households.")
@click.option("--missing-column", default="missing", show_default=True, help="Its column of counts.")
@click.option("--bases", type=_FILE, help="Where vans start from; without it a base in the middle of each province.")
@click.option("--vans", type=click.IntRange(1), help="Vans, where no bases are given.")
@click.option("--roads", type=_FILE, help="Road kilometres; straight lines, 1.3 times as long, where none are known.")
@click.option("--days", type=click.IntRange(1, 400), required=True, help="Working days.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day; today if absent.")
@click.option("--country", type=click.Choice(["pak", "bgd"]), default="pak", show_default=True, help="Whose weekend.")
@click.option(
    "--per-day",
    type=click.FloatRange(0, min_open=True),
    default=40,
    show_default=True,
    help="Households a van registers.",
)
@click.option(
    "--take-up",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.6,
    show_default=True,
    help="Share of the missing who come.",
)
@click.option("--day-cost", type=click.FloatRange(0), default=25000, show_default=True, help="Of a van and its crew.")
@click.option("--km-cost", type=click.FloatRange(0), default=60, show_default=True)
@click.option("--budget", type=click.FloatRange(0), help="Money for all; no limit if absent.")
@click.option("--floor", type=click.FloatRange(0, 1), default=0.5, show_default=True,
              help="Each province reaches at least this share of what the plan as a whole does.")  # fmt: skip
@click.option(
    "--hours", help="Opening hours, 'mon-thu 9-15, fri 9-12': other days are closed, and a van's day is so long."
)
@click.option("--per-hour", type=click.FloatRange(0, min_open=True), default=7, show_default=True, help="With --hours.")
@click.option("--centres", type=click.IntRange(0), default=0, help="Unions that may get a centre for the whole time.")
@click.option("--centre-cost", type=click.FloatRange(0), default=900_000, show_default=True)
@click.option("--centre-per-day", type=click.FloatRange(0, min_open=True), default=60, show_default=True)
@click.option("--centre-take-up", type=click.FloatRange(0, 1, min_open=True), default=0.7, show_default=True)
@click.option("--teams", type=click.IntRange(0), default=0, help="Teams that go from door to door.")
@click.option("--team-cost", type=click.FloatRange(0), default=9_000, show_default=True, help="Of a team's day.")
@click.option("--team-per-day", type=click.FloatRange(0, min_open=True), default=12, show_default=True)
@click.option("--team-take-up", type=click.FloatRange(0, 1, min_open=True), default=0.9, show_default=True)
@click.option("--title", help="Keep the plan under this name for the pages (needs a login).")
@printing
def plan(
    file: Path, missing_column: str, bases: Path | None, vans: int | None, roads: Path | None, days: int, start: Any,
    country: str, per_day: float, take_up: float, day_cost: float, km_cost: float, budget: float | None, floor: float,
    hours: str | None, per_hour: float, centres: int, centre_cost: float, centre_per_day: float, centre_take_up: float, teams: int,
    team_cost: float, team_per_day: float, team_take_up: float, title: str | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Share out the days of vans (and centres and teams) so that the most missing poor are registered, and print how far it may be from the best."""
    from khana.platform import clock
    from khana.workflows import plan_outreach as workflow
    from khana_methods.coverage.opening_hours import read_hours
    from khana_methods.coverage.outreach import Terms
    from khana_methods.coverage.outreach_ways import Ways
    from khana_methods.engine.files import read_table

    if bases is None and vans is None and not (centres or teams):
        raise click.UsageError("Say how many vans there are (--vans N), or where they are (--bases FILE).")
    now = clock.now()
    terms = Terms(
        days=days, start=start.date() if start else now.date(), per_day=per_day, take_up=take_up, day_cost=day_cost,
        km_cost=km_cost, budget=budget, floor=floor, rest_days=workflow.weekend(country, start.date() if start else now.date()),
    )  # fmt: skip
    result = workflow.on_files(
        read_table(file), terms, missing=missing_column, bases=read_table(bases) if bases else None, vans=vans or 0,
        roads=read_table(roads) if roads else None, hours=read_hours(hours) if hours else None, per_hour=per_hour,
        ways=Ways(centres, centre_cost, centre_per_day, centre_take_up, teams, team_cost, team_per_day, team_take_up),
    )  # fmt: skip
    if title:
        from khana.interfaces.cli.session import setup, token

        acting = token()
        setup()
        parameters = {
            k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in asdict(terms).items() if k != "holidays"
        }
        result["plan"] = workflow.keep(token=acting, title=title, result=result, parameters=parameters, at=now)
    show_rows(result, as_json=as_json, out=out, text=_text)


@outreach.command(
    examples=("khana outreach send 3        vans with their stops, centres, and a target for each place",)
)
@click.argument("plan", type=int)
@printing
def send(plan: int, as_json: bool, out: Path | None) -> None:
    """Send a kept plan to intake as dated places and targets; sent again, nothing is there twice."""
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import send_plan as workflow

    show(workflow.run(token=acting, plan=plan, at=clock.now()), as_json=as_json, out=out)


@outreach.command(
    examples=(
        "khana outreach results 3 --out next.csv",
        "khana outreach plan --missing next.csv --vans 20 --days 30        the next plan starts from what came in",
    )
)
@click.argument("plan", type=int)
@printing
def results(plan: int, as_json: bool, out: Path | None) -> None:
    """Hold what was registered against a plan's targets, and correct take-up and the map of the missing."""
    from khana.interfaces.cli.session import setup, token
    from khana.platform import clock

    acting = token()
    setup()
    from khana.workflows import send_plan as workflow

    show_rows(workflow.results(token=acting, plan=plan, at=clock.now()), as_json=as_json, out=out)


@outreach.group(
    cls=TeachingGroup, examples=("khana outreach campaign draw --areas unions.csv --arms sms,radio,school",)
)
def campaign() -> None:
    """Information campaigns beside the vans, with control areas."""


@campaign.command(
    examples=(
        "khana outreach campaign draw --areas unions.csv --arms sms,radio,community,school --seed 7 --out arms.csv",
        "unions.csv:  code,province,missing",
    )
)
@click.option("--areas", "file", type=_FILE, required=True, help="Areas with their missing poor households.")
@click.option("--arms", required=True, help="Campaigns, comma between; the control is added.")
@click.option("--control", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.25, show_default=True,
              help="Share of areas without a campaign.")  # fmt: skip
@click.option("--seed", type=int, required=True, help="The same seed draws the same areas.")
@click.option("--rate", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.2, show_default=True,
              help="Share of the missing who register without a campaign.")  # fmt: skip
@click.option("--icc", type=click.FloatRange(0, 1, max_open=True), default=0.02, show_default=True,
              help="How alike households of one area are.")  # fmt: skip
@printing
def draw(
    file: Path, arms: str, control: float, seed: int, rate: float, icc: float, as_json: bool, out: Path | None
) -> None:
    """Draw areas into arms and a control, within provinces and sizes, and tell which change could be seen."""
    from khana_methods.coverage.campaigns import assign_arms, detectable
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import numbers, require_columns, texts

    table = read_table(file)
    require_columns(table, ["code", "missing"])
    codes = [str(code) for code in texts(table, "code").to_pylist()]
    provinces = texts(table, "province").to_pylist() if "province" in table.schema.names else [""] * len(codes)
    missing = [float(value or 0) for value in numbers(table, "missing").values.to_pylist()]
    areas = {code: (str(p or ""), n) for code, p, n in zip(codes, provinces, missing, strict=True)}
    named = [one.strip() for one in arms.split(",") if one.strip()]
    drawn = assign_arms(areas, named, control_share=control, seed=seed)
    smallest = min(sum(1 for one in drawn.values() if one == arm) for arm in {*drawn.values()})
    result = {
        "seed": seed, "areas_in_smallest_arm": smallest,
        "detectable_change": detectable(smallest, max(1.0, sum(missing) / len(missing)), rate, icc) if smallest > 1 else None,
        "rows": [{"code": code, "province": areas[code][0], "missing": areas[code][1], "arm": drawn[code]} for code in codes],
    }  # fmt: skip
    show_rows(result, as_json=as_json, out=out)


@campaign.command(
    examples=(
        "khana outreach campaign measure --areas after.csv",
        "after.csv:  code,arm,missing,before,after[,cost,asked,aware]     registered poor households before and after",
    )
)
@click.option("--areas", "file", type=_FILE, required=True, help="A row an area, with its arm; one arm is `control`.")
@click.option("--level", type=click.FloatRange(0.5, 1, max_open=True), default=0.95, show_default=True)
@printing
def measure(file: Path, level: float, as_json: bool, out: Path | None) -> None:
    """Tell what each campaign brought against the control: registrations, awareness, cost per registered poor household."""
    from khana_methods.coverage import campaigns
    from khana_methods.engine.files import read_table
    from khana_methods.surveys.tables import numbers, require_columns, texts

    table = read_table(file)
    require_columns(table, ["code", "arm", "missing", "before", "after"])
    columns = {
        name: [float(value or 0) for value in numbers(table, name).values.to_pylist()]
        for name in ("missing", "before", "after", "cost", "asked", "aware") if name in table.schema.names
    }  # fmt: skip
    keys = zip(texts(table, "code").to_pylist(), texts(table, "arm").to_pylist(), strict=True)
    areas = [
        campaigns.CampaignArea(str(code), str(arm), **{name: values[at] for name, values in columns.items()})
        for at, (code, arm) in enumerate(keys)
    ]
    show_rows({"rows": [asdict(one) for one in campaigns.measure(areas, level=level)]}, as_json=as_json, out=out)


def _text(result: Mapping[str, Any], console: Console) -> None:
    rows = result["rows"]
    rows_table([{k: round(v, 1) if isinstance(v, float) else v for k, v in row.items()} for row in rows[:40]], console)
    if len(rows) > 40:
        console.print(f"... {len(rows):,} stops. All of them: add --out plan.csv")
    rows_table(
        [{"province": name, **{k: round(v, 3) for k, v in row.items()}} for name, row in result["by_province"].items()],
        console,
    )
    console.print(
        f"Registers {result['registered']:,.0f} missing poor households for {result['cost']:,.0f}; no plan under these terms "
        f"registers more than {result['bound']:,.0f}: a gap of {result['gap']:.2%}.", soft_wrap=True,
    )  # fmt: skip
    console.print(f"Today: {result['today']:,.0f} ({result['today_is']}).", soft_wrap=True)
    for note in result["notes"]:
        console.print(f"Note: {note}", soft_wrap=True)
