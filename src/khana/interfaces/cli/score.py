"""`khana score`: the whole registry as a job, one household at the desk; `khana replay`: the same number again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, TeachingGroup, bar, fields_and_rows, printing, rows_table, show
from khana.interfaces.cli.session import acting, token
from khana.platform import clock
from khana_methods.errors import Conflict

if TYPE_CHECKING:
    from khana_methods.pmt.model import PmtModel

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


class ReplayDiffers(Conflict):
    """A score was replayed from stored versions and came out otherwise."""

    code: ClassVar[str] = "cli.replay.differs"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana score run                          the whole registry, with the model in force",
        "khana score run --trial --model PAK-2009  for the simulator only",
        "khana score one 910000001                one household at the desk",
        "khana score runs",
    ),
)
def score() -> None:
    """Poverty scores: the whole registry, one household, earlier runs."""


@score.command(
    "run",
    examples=(
        "khana score run",
        "khana score run --as-of 2026-06-30",
        "khana score run --trial --model PAK-2009",
        "khana score run --in households.csv --model pmt.yaml --out scores.csv       a file, without the registry",
        "khana score run --in households.parquet --model pmt-fit.json --id hh_no --contributions --out scores.parquet",
    ),
)
@click.option("--in", "file", type=_FILE, help="Score this file instead: CSV, Parquet, XLSX or Stata.")
@click.option("--id", "key", help="With --in: column of the household; household_id, else the row's number.")
@click.option("--cut-off", type=float, help="With --in: count who is at or under this score.")
@click.option("--contributions", is_flag=True, help="With --in: add what each variable added.")
@click.option("--as-of", type=_DAY, help="The day for which facts are read and ages reckoned.")
@click.option("--model", default="", help="Code of a model, for a trial; with --in a file of a model or of a fit too.")
@click.option("--version", type=int, help="Its version; the newest where absent.")
@click.option("--trial", is_flag=True, help="Figures for the simulator only: no score is written.")
@printing
def score_run(
    file: Path | None, key: str | None, cut_off: float | None, contributions: bool, as_of: datetime | None, model: str,
    version: int | None, trial: bool, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Score every household of the registry with the model in force.

    Scores supersede those before; nothing is overwritten. Killed in the middle nothing is written, and the
    same command again does the work. With --in a file is scored, column by column of the model, and nothing of the
    registry is read unless --model is a code of its store.
    """
    if file is not None:
        found = _model_of(model, version)
        if as_of is not None:
            found.check_in_force(as_of.date())
        if cut_off is not None:
            found.check_cut_off(cut_off)
        from khana_methods.pmt.score_file import score_file

        result = score_file(file, found, out=out, key=key, contributions=contributions, cut_off=cut_off)
        show(result, as_json=as_json, out=None)
        return
    if model and not trial:
        raise click.UsageError(
            "The registry is scored by the model that is signed for the day: leave --model out, or add --trial."
        )
    acting_token = token()
    from khana.workflows import score_registry

    with bar(as_json=as_json) as progress:
        result = score_registry.run(
            token=acting_token, as_of=as_of.date() if as_of else None, model=model, version=version, trial=trial,
            progress=progress, at=clock.now(),
        )  # fmt: skip
    show(result, as_json=as_json, out=out)


def _model_of(model: str, version: int | None) -> PmtModel:
    """Return the model of a file, else of the store."""
    if not model:
        raise click.UsageError("Say which model with --model: a file, or a code of the store.")
    if Path(model).is_file():
        from khana_methods.pmt.read import load_model

        return load_model(Path(model))
    with acting():
        from khana.access import services as access
        from khana.assessment import model_store

        access.require("models.read")
        return model_store.model_of_code(model, version).model


@score.command("one", examples=("khana score one 910000001", "khana score one 910000001 --json"))
@click.argument("household")
@click.option("--as-of", type=_DAY, help="The day for which facts are read.")
@printing
def score_one(household: str, as_of: datetime | None, as_json: bool, out: Path | None) -> None:
    """Score one HOUSEHOLD (the number on its slip) with the model in force, and record it."""
    acting_token = token()
    from khana.workflows import score_household

    result = score_household.run(
        token=acting_token, number=household, as_of=as_of.date() if as_of else None, at=clock.now()
    )
    show(result, as_json=as_json, out=out)


@score.command(
    "override",
    examples=(
        "khana score override 910000001 --score 12 --reason 'The house burned down in May.'",
        "khana score override --confirm 7",
        "khana score override --withdraw 7",
    ),
)
@click.argument("household", required=False)
@click.option("--score", "value", type=str, help="The score that shall count.")
@click.option("--reason", default="", help="Why, in a sentence; no names.")
@click.option("--ends-on", type=_DAY, help="Day on which the model's score counts again.")
@click.option("--confirm", type=int, help="Number of what another person proposed: from now on it counts.")
@click.option("--withdraw", type=int, help="Number of a proposal to refuse or take back.")
@printing
def score_override(
    household: str | None, value: str | None, reason: str, ends_on: datetime | None, confirm: int | None,
    withdraw: int | None, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Let a HOUSEHOLD count with another score: one person proposes with a reason, another confirms."""
    from decimal import Decimal, InvalidOperation

    try:
        number = Decimal(value) if value is not None else None
    except InvalidOperation as error:
        raise click.UsageError("--score is a number from 0 to 100.") from error
    with acting():
        from khana.assessment.services import override_score

        if confirm is not None:
            override_score.confirm_override(override=confirm, at=clock.now())
            result = {"override": confirm, "state": "confirmed: it counts"}
        elif withdraw is not None:
            override_score.withdraw_override(override=withdraw, at=clock.now())
            result = {"override": withdraw, "state": "withdrawn"}
        elif household is None or number is None:
            raise click.UsageError(
                "Say which household and which score: `khana score override NUMBER --score 12 --reason …`."
            )
        else:
            made = override_score.propose_override(
                household=household,
                score=number,
                reason=reason,
                ends_on=ends_on.date() if ends_on else None,
                at=clock.now(),
            )
            result = {"override": made, "state": "proposed; another person confirms with --confirm"}
    show(result, as_json=as_json, out=out)


@score.command(
    "watch",
    examples=("khana score watch --cut-off 32", "khana score watch --cut-off 32 --width 1 --days 180 --out watch.json"),
)
@click.option("--cut-off", type=click.FloatRange(0), required=True, help="Highest score that a programme takes.")
@click.option(
    "--width", type=click.FloatRange(0, min_open=True), default=2.0, show_default=True, help="Window in points."
)
@click.option(
    "--days", type=click.IntRange(1), default=365, show_default=True, help="A second interview within so many days."
)
@click.option("--fewest", type=click.IntRange(2), default=20, show_default=True, help="Leave smaller groups out.")
@printing
def score_watch(cut_off: float, width: float, days: int, fewest: int, as_json: bool, out: Path | None) -> None:
    """Look for answers bent towards a cut-off: heaps under it, enumerators with low scores, answers changed.

    What it finds asks for a look and accuses nobody.
    """
    acting_token = token()
    from khana.workflows import watch_scores

    result = watch_scores.run(
        token=acting_token, cut_off=cut_off, width=width, days=days, fewest=fewest, at=clock.now()
    )
    show(result, as_json=as_json, out=out, text=_watched)


def _watched(result: Mapping[str, Any], console: Console) -> None:
    console.print(
        f"Households up to {result['width']:g} points under and over {result['cut_off']:g} ('' is the whole country):"
    )
    rows_table(result["heaps"], console)
    console.print("Enumerators whose households score far lower than their districts:")
    rows_table(result["enumerators"], console)
    console.print(
        "Interviewed twice: " + ", ".join(f"{k.replace('_', ' ')} {v:,}" for k, v in result["changed_answers"].items())
    )


@score.command("runs", examples=("khana score runs",))
@printing
def score_runs(as_json: bool, out: Path | None) -> None:
    """List the scorings of the registry, newest first."""
    with acting():
        from khana.access import services as access
        from khana.assessment import runs

        access.require("models.read")
        rows = [
            {
                "run": one.id, "model": one.model, "state": one.state, "trial": one.is_trial, "as_of": one.as_of,
                "scored": one.summary.get("scored"), "refused": one.summary.get("refused"), "mean": one.summary.get("mean"),
                "ended_at": one.ended_at,
            }
            for one in runs.list_runs()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@click.command(cls=TeachingCommand, examples=("khana replay 4711", "khana replay 4711 --json"))
@click.argument("score", type=int)
@printing
def replay(score: int, as_json: bool, out: Path | None) -> None:
    """Make SCORE again from the stored versions of the facts and the model; exit code 12 where it differs."""
    with acting():
        from khana.dossiers import score_file

        result = score_file.replay(score, at=clock.now())
    show(result, as_json=as_json, out=out, text=_replayed)
    if not result["is_same"]:
        raise ReplayDiffers("The score came out otherwise: tell an auditor, and keep the database as it is.")


def _replayed(result: Mapping[str, Any], console: Console) -> None:
    fields_and_rows({key: value for key, value in result.items() if key != "is_same"}, console)
    console.print("The same number." if result["is_same"] else "NOT the same number.")
