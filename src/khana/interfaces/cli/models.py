"""`khana models`: the store of poverty models, the two signatures that put one in force, and models that are files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from rich.console import Console

from khana.interfaces.cli.model_files import models_drift, models_fit, show_card_file, show_model_file
from khana.interfaces.cli.output import TeachingGroup, printing, rows_table, show
from khana.interfaces.cli.session import acting
from khana.platform import clock
from khana_methods.errors import InputError

if TYPE_CHECKING:
    from khana.assessment.model_store import KnownModel, Signatures

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


class DayMissing(InputError):
    """A proposal names the day from which the model counts."""

    code: ClassVar[str] = "cli.models.day_missing"


@click.group(
    cls=TeachingGroup,
    examples=(
        "khana models fit --survey survey.csv --spec spec.yaml --model pmt.yaml --card card.html",
        "khana models import country/pak/models/pak-2009.yaml",
        "khana models activate PAK-2009 --from 2026-01-01      one person proposes",
        "khana models activate PAK-2009 --confirm              another person signs",
        "khana models card PAK-2009",
        "khana models drift PAK-2009 --survey newer.csv --welfare pcc --weight w --size n",
    ),
)
def models() -> None:
    """Poverty models: fit on a survey, bring in, sign by two people, look at the card."""


models.add_command(models_fit)
models.add_command(models_drift)


@models.command(
    "import",
    examples=(
        "khana models import country/pak/models/pak-2009.yaml",
        "khana models import fitted.yaml --card card.json --words words.yaml",
    ),
)
@click.argument("file", type=_FILE)
@click.option("--words", type=_FILE, help="YAML with labels of the variables by language (ur, bn).")
@click.option("--card", type=_FILE, help="JSON with figures of the fit, as `khana models fit` writes it.")
@click.option("--check", is_flag=True, help="Only read FILE and say what it holds, or all that is wrong with it.")
@printing
def models_import(
    file: Path, words: Path | None, card: Path | None, check: bool, as_json: bool, out: Path | None
) -> None:
    """Bring in one version of a model from its cited FILE; the same file again changes nothing.

    A version never changes. Until two people sign it, it scores nobody.
    """
    import json

    if check:
        show_model_file(file, as_json=as_json, out=out)
        return

    with acting():
        from khana.assessment.services import keep_model

        figures = json.loads(card.read_text(encoding="utf-8")) if card else None
        kept = keep_model.keep_model(path=file, words=words, card=figures, at=clock.now())
    result = {"model": kept.code, "version": kept.version, "sha256": kept.sha256, "is_new": kept.is_new}
    show(result, as_json=as_json, out=out)


@models.command("list", examples=("khana models list", "khana models list --json"))
@click.option("--on", "day", type=_DAY, help="Mark the model in force on this day; today where absent.")
@printing
def models_list(day: datetime | None, as_json: bool, out: Path | None) -> None:
    """List the versions of the store, which one is in force, and what waits for a signature."""
    with acting():
        from khana.access import services as access
        from khana.assessment import model_store

        access.require("models.read")
        today = (day or clock.now()).date()
        current = model_store.find_in_force(today)
        waiting = {found.id: signed for found, signed in model_store.open_proposals()}
        rows = [
            {
                "model": one.code, "version": one.version, "variables": len(one.model.variables), "mark": one.model.mark,
                "in_force": bool(current and current.known.id == one.id), "waits": one.id in waiting,
                "kept_at": one.created_at.date(), "source": one.title,
            }
            for one in model_store.list_models()
        ]  # fmt: skip
    show({"rows": rows}, as_json=as_json, out=out)


@models.command(
    "activate",
    examples=(
        "khana models activate PAK-2009 --from 2026-01-01 --recertify-months 24",
        "khana models activate PAK-2009 --confirm",
        "khana models activate PAK-2009 --withdraw",
    ),
)
@click.argument("model")
@click.option("--version", type=int, help="Version; the newest where absent.")
@click.option("--from", "first", type=_DAY, help="Day from which the model counts: proposes it.")
@click.option("--to", "last", type=_DAY, help="Day from which it counts no more.")
@click.option(
    "--recertify-months",
    type=click.IntRange(1, 240),
    default=24,
    show_default=True,
    help="Months until an interview is due again.",
)
@click.option("--note", default="", help="Why, for those who sign and audit.")
@click.option("--confirm", is_flag=True, help="Sign second what another person proposed.")
@click.option("--withdraw", is_flag=True, help="Refuse or take back what waits.")
@printing
def models_activate(
    model: str, version: int | None, first: datetime | None, last: datetime | None, recertify_months: int, note: str,
    confirm: bool, withdraw: bool, as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Put MODEL in force by two signatures: one person proposes with --from, another one signs with --confirm."""
    with acting():
        from khana.assessment import model_store
        from khana.assessment.services import sign_model

        known = model_store.model_of_code(model, version)
        if confirm or withdraw:
            waiting = next((one for one in model_store.signatures_of(known.id) if one.is_open), None)
            number = waiting.id if waiting else 0
            step = sign_model.confirm_activation if confirm else sign_model.withdraw_activation
            done = step(activation=number, at=clock.now())
            state = "in force from its day" if confirm else "withdrawn"
        else:
            if first is None:
                raise DayMissing("Say from which day the model counts: add --from 2026-01-31.")
            done = sign_model.propose_activation(
                code=known.code, version=known.version, effective_from=first.date(),
                effective_to=last.date() if last else None, recertify_months=recertify_months, note=note, at=clock.now(),
            )  # fmt: skip
            state = "proposed; another person signs with --confirm"
    show({"model": done.code, "version": done.version, "activation": done.id, "state": state}, as_json=as_json, out=out)


@models.command("card", examples=("khana models card PAK-2009", "khana models card pmt-fit.json --out card.html"))
@click.argument("model")
@click.option("--version", type=int, help="Version; the newest where absent.")
@click.option("--language", type=click.Choice(["en", "ur", "bn"]), default="en", show_default=True)
@printing
def models_card(model: str, version: int | None, language: str, as_json: bool, out: Path | None) -> None:
    """Print the card of MODEL: source, variables and what each can add, missing policy, fit, signatures.

    MODEL is a code of the store, or a file: of a model, or the JSON of `khana models fit`.
    """
    if Path(model).is_file():
        show_card_file(Path(model), as_json=as_json, out=out)
        return
    with acting():
        from khana.access import services as access
        from khana.assessment import model_store

        access.require("models.read")
        known = model_store.model_of_code(model, version)
        signed = model_store.signatures_of(known.id)
    show(card_of(known, signed, language), as_json=as_json, out=out, text=_card)


def card_of(known: KnownModel, signed: list[Signatures], language: str) -> dict[str, Any]:
    """Return a model card as one object."""
    found = known.model
    rows = []
    for variable in found.variables:
        ends = variable.effect.extremes()
        rows.append({
            "variable": variable.code, "label": known.label(variable.code, language),
            "kind": type(variable.effect).__name__.lower(), "least": ends[0] if ends else None,
            "most": ends[1] if ends else None, "missing": variable.missing, "made_of": variable.expression or variable.code,
        })  # fmt: skip
    return {
        "model": known.code, "version": known.version, "source": " ".join(found.source.split()), "mark": found.mark,
        "sha256": known.sha256, "valid_from": found.valid_from, "valid_to": found.valid_to, "scale": list(found.scale),
        "decimals": found.decimals, "link": found.link, "rescale": found.rescale.kind, "intercept": found.intercept,
        "unseen": found.unseen, "classes": dict(found.classes), "data": found.calibration.data,
        "welfare": found.calibration.welfare, "households": found.calibration.households, "r2": found.calibration.r2,
        "likelihood_lines": list(found.likelihoods), "figures": dict(known.card), "kept_by": known.created_label,
        "signatures": [
            {
                "from": one.effective_from, "to": one.effective_to, "recertify_months": one.recertify_months,
                "proposed_by": one.proposed_label, "proposed_at": one.proposed_at, "confirmed_by": one.confirmed_label,
                "confirmed_at": one.confirmed_at, "withdrawn_at": one.withdrawn_at, "note": one.note,
            }
            for one in signed
        ],
        "rows": rows,
    }  # fmt: skip


def _card(result: Mapping[str, Any], console: Console) -> None:
    for name in (
        "model",
        "version",
        "source",
        "mark",
        "sha256",
        "valid_from",
        "valid_to",
        "data",
        "welfare",
        "households",
        "r2",
    ):
        if result[name] not in (None, ""):
            console.print(f"{name.replace('_', ' ')}: {result[name]}", soft_wrap=True)
    low, high = result["scale"]
    console.print(
        f"scale: {low:g} to {high:g}, {result['decimals']} decimals, {result['link']} link, rescaled: {result['rescale']}"
    )
    console.print(f"what the model never saw: {result['unseen']}")
    for name, up_to in result["classes"].items():
        console.print(f"class {name}: up to {up_to:g}")
    for name, value in result["figures"].items():
        console.print(f"{name}: {value}", soft_wrap=True)
    console.print()
    rows_table(result["rows"], console)
    console.print()
    if not result["signatures"]:
        console.print("Nobody has signed it.")
    for one in result["signatures"]:
        state = (
            "withdrawn"
            if one["withdrawn_at"]
            else f"confirmed by {one['confirmed_by']}"
            if one["confirmed_at"]
            else "waits for a second signature"
        )
        console.print(
            f"From {one['from']}{' to ' + str(one['to']) if one['to'] else ''}: proposed by {one['proposed_by']}, {state}; "
            f"recertification after {one['recertify_months']} months", soft_wrap=True,
        )  # fmt: skip
