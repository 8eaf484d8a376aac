"""`khana crossrules …`: rules between programmes, from a dry run to their effect.

On a file alone nothing is stored. On the registry the dry run is kept; a second person approves, persons and
agencies have notice, appeals are decided, and only then `apply` puts just those stops into effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from khana.interfaces.cli.output import TeachingGroup, bar, fields_and_rows, printing, show
from khana.interfaces.cli.session import acting, token
from khana.interfaces.cli.table_files import show_rows
from khana.platform import clock

if TYPE_CHECKING:
    from rich.console import Console

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_STATES = ("PROPOSED", "NOTIFIED", "APPEALED", "UPHELD", "ALLOWED", "EFFECTIVE", "REOPENED", "WITHDRAWN")


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana crossrules dry-run --in drawn.csv --rules rules.yaml --on 2026-07-01 --out stops.csv",
        "khana crossrules dry-run --rules rules.yaml        on the last run of the registry",
        "khana crossrules approve 4                         somebody else than who tried it",
        "khana crossrules notice 4 --days 30",
        "khana crossrules apply 4                           after the appeal window",
    ),
)
def crossrules() -> None:
    """Rules between programmes: tried before they bite, noticed, appealed, decided, put into effect."""


@crossrules.command(
    "dry-run",
    examples=(
        "khana crossrules dry-run",
        "khana crossrules dry-run --rules rules.yaml --on 2026-07-01 --json",
        "khana crossrules dry-run --in drawn.csv --rules rules.yaml --poor-below 32 --out stops.xlsx",
    ),
)
@click.option("--in", "file", type=_FILE,
              help="Instead of the registry: person, programme; household, kind, amount, since, sex, area, score, chosen.")  # fmt: skip
@click.option("--rules", type=_FILE, help="YAML: rules in the order of application; those of the country if absent.")
@click.option("--past", type=_FILE, help="With --in: person, programme, ended; for rules of kind after.")
@click.option("--on", "day", type=_DAY, help="The day whose rules count; today if absent.")
@click.option("--poor-below", type=float, help="Score under which a person counts as poor.")
@printing
def dry_run(
    file: Path | None, rules: Path | None, past: Path | None, day: datetime | None, poor_below: float | None, as_json: bool,
    out: Path | None,
) -> None:  # fmt: skip
    """Say whose benefit would stop, by programme, area, sex and poverty class, and who would be left with nothing.

    Without --in the last run of the registry is asked and the trial is kept under a number; nothing stops. A rule has
    code, kind (cap, exclude or after), unit (person or household), most and counts, or programmes, or programmes, had,
    cycles and cycle_months; keep (choice, value, oldest or order), valid_from, valid_to, grandfather_before, phases, source.
    """
    if file is None:
        _on_registry(rules, day.date() if day else None, poor_below, as_json, out)
        return
    if rules is None:
        raise click.UsageError("With --in, name the rules: --rules rules.yaml.")
    from khana_methods.engine.duckdb import Engine
    from khana_methods.engine.files import read_texts
    from khana_methods.overlap import crossrules as methods

    known = methods.load_cross_rules(rules)
    with Engine() as engine:
        stops, summary = methods.dry_run(
            engine, drawn=read_texts(file), rules=known, on=day.date() if day else date.today(), poor_below=poor_below,
            past=read_texts(past) if past else None,
        )  # fmt: skip
    show_rows({**summary, "rows": stops.to_pylist()}, as_json=as_json, out=out, text=_text)


def _on_registry(
    rules: Path | None, day: date | None, poor_below: float | None, as_json: bool, out: Path | None
) -> None:
    acting_token = token()
    from khana.workflows import try_cross_rules
    from khana_methods.overlap.crossrules import load_cross_rules

    known = load_cross_rules(rules) if rules else ()
    with bar(as_json=as_json) as progress:
        result = try_cross_rules.run(
            token=acting_token, rules=known, on=day, poor_below=poor_below, progress=progress, at=clock.now()
        )
    show(result, as_json=as_json, out=out, text=_text)


def _text(result: Mapping[str, Any], console: Console) -> None:
    if "trial" in result:
        console.print(
            f"Trial {result['trial']} on run {result['run']}, rules of {result['on']}: {', '.join(result['rules'])}."
        )
    console.print(
        f"{result['benefits_stopped']:,} of {result['benefits']:,} benefits would stop; {result['persons_losing']:,} persons"
        f" lose {result['amount_lost']:,.0f}; {result['left_with_nothing']:,} would be left with nothing,"
        f" {result['poor_left_with_nothing']:,} of them poor.\n"
    )
    for part in ("by_rule", "by_programme", "by_area", "by_sex", "by_poverty"):
        fields_and_rows({"rows": result[part]}, console)


@crossrules.command("trials", examples=("khana crossrules trials", "khana crossrules trials --json"))
@printing
def trials_list(as_json: bool, out: Path | None) -> None:
    """List trials: what was tried, who approved, until when persons may appeal, what took effect."""
    with acting():
        from khana.access import services as access
        from khana.beneficiaries import state_reads

        access.require("results.read")
        rows = [
            {
                "trial": one.pk, "on": one.on_day, "state": one.state, "rules": ", ".join(r["code"] for r in one.rules),
                "stops": one.summary.get("benefits_stopped"), "approved": one.approved_by is not None,
                "appeal_until": one.appeal_until, "applied": one.applied_at,
            }
            for one in state_reads.list_trials()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@crossrules.command("approve", examples=("khana crossrules approve 4",))
@click.argument("trial", type=int)
@printing
def approve(trial: int, as_json: bool, out: Path | None) -> None:
    """Approve in your name that notice is given of a TRIAL that somebody else made."""
    with acting():
        from khana.beneficiaries.services import trials

        trials.approve_trial(trial_id=trial, at=clock.now())
    show({"trial": trial, "approved": True}, as_json=as_json, out=out)


@crossrules.command("notice", examples=("khana crossrules notice 4 --days 30",))
@click.argument("trial", type=int)
@click.option("--days", type=click.IntRange(7, 365), default=30, show_default=True, help="How long persons may appeal.")
@printing
def notice(trial: int, days: int, as_json: bool, out: Path | None) -> None:
    """Give notice of every stop of an approved TRIAL to person and agency; the appeal window opens."""
    with acting():
        from khana.beneficiaries.services import trials

        result = trials.give_notice(trial_id=trial, appeal_days=days, at=clock.now())
    show({"trial": trial, **result}, as_json=as_json, out=out)


@crossrules.command(
    "stops",
    examples=("khana crossrules stops 4 --state APPEALED", "khana crossrules stops 4 --agency BISP --out notices.csv"),
)
@click.argument("trial", type=int)
@click.option("--state", type=click.Choice(_STATES), help="Only stops in this state.")
@click.option("--agency", default="", help="Only stops of one agency: its notice.")
@click.option("--after", type=click.IntRange(0), default=0, help="Go on after this number.")
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True)
@printing
def stops(trial: int, state: str | None, agency: str, after: int, limit: int, as_json: bool, out: Path | None) -> None:
    """List the stops of a TRIAL in your scope: the notice of an agency, or the appeals that wait."""
    with acting():
        from khana.access import services as access
        from khana.audit import services as audit
        from khana.beneficiaries import state_reads

        access.require("benefits.read")
        found = state_reads.stops_of_trial(trial, state=state or "", agency=agency, after=after, limit=limit)
        audit.record(
            action="beneficiaries.stops.read", subject=f"trial:{trial}", details={"rows": len(found)}, at=clock.now()
        )
        rows = [
            {
                "stop": one.id, "recipient": one.recipient_id, "household": one.household_number, "programme": one.programme,
                "agency": one.agency, "rule": one.rule, "amount": one.amount, "state": one.state, "appeal_until": one.appeal_until,
            }
            for one in found
        ]  # fmt: skip
    show_rows({"trial": trial, "rows": rows}, as_json=as_json, out=out)


@crossrules.command("appeal", examples=("khana crossrules appeal 812 --note 'she has not drawn it since May'",))
@click.argument("stop", type=int)
@click.option("--note", default="", help="What she says, without any personal value.")
@printing
def appeal(stop: int, note: str, as_json: bool, out: Path | None) -> None:
    """Lodge a person's appeal against one STOP, within her days."""
    with acting():
        from khana.beneficiaries.services import trials

        trials.appeal(stop_id=stop, note=note, at=clock.now())
    show({"stop": stop, "state": "APPEALED"}, as_json=as_json, out=out)


@crossrules.command(
    "decide",
    examples=(
        "khana crossrules decide 812 --allow --note 'card returned in May'",
        "khana crossrules decide 812 --uphold --note 'drawn in June'",
    ),
)
@click.argument("stop", type=int)
@click.option("--allow/--uphold", "is_allowed", required=True, help="She keeps the benefit, or the stop stands.")
@click.option("--note", required=True, help="Why.")
@printing
def decide(stop: int, is_allowed: bool, note: str, as_json: bool, out: Path | None) -> None:
    """Decide an appeal against one STOP."""
    with acting():
        from khana.beneficiaries.services import trials

        trials.decide(stop_id=stop, is_allowed=is_allowed, note=note, at=clock.now())
    show({"stop": stop, "state": "ALLOWED" if is_allowed else "UPHELD"}, as_json=as_json, out=out)


@crossrules.command("apply", examples=("khana crossrules apply 4", "khana crossrules apply 4 --json"))
@click.argument("trial", type=int)
@printing
def apply(trial: int, as_json: bool, out: Path | None) -> None:
    """Put the stops of a noticed TRIAL into effect once its appeal window is over; appeals that wait are left."""
    with acting():
        from khana.beneficiaries.services import trials

        result = trials.apply_trial(trial_id=trial, at=clock.now())
    show(result, as_json=as_json, out=out)


@crossrules.command("withdraw", examples=("khana crossrules withdraw 4 --note 'the cut-off was wrong'",))
@click.argument("trial", type=int)
@click.option("--note", required=True, help="Why.")
@printing
def withdraw(trial: int, note: str, as_json: bool, out: Path | None) -> None:
    """Take a TRIAL back before it has taken effect."""
    with acting():
        from khana.beneficiaries.services import trials

        trials.withdraw_trial(trial_id=trial, note=note, at=clock.now())
    show({"trial": trial, "state": "WITHDRAWN"}, as_json=as_json, out=out)
