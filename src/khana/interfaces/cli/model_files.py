"""`khana models fit`, and what `card` and `import` do with a file: poverty models without a registry.

A survey comes as CSV, Parquet, XLSX or Stata, a SPEC and a model as YAML or JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from khana.interfaces.cli.output import TeachingCommand, bar, plain, printing, show

if TYPE_CHECKING:
    from khana_methods.pmt.model import PmtModel

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command(
    "fit",
    cls=TeachingCommand,
    examples=(
        "khana models fit --survey survey.csv --spec spec.yaml",
        "khana models fit --survey hies.dta --spec spec.yaml --json --out pmt-fit.json",
        "khana models fit --survey survey.xlsx --sheet Households --spec spec.yaml --model pmt.yaml --card card.html",
    ),
)
@click.option("--survey", type=_FILE, required=True, help="One row a household: CSV, Parquet, XLSX or Stata.")
@click.option(
    "--spec", type=_FILE, required=True, help="YAML: welfare, size, weight, strata, psu, regressors, method …"
)
@click.option("--sheet", help="Of a workbook; the first if absent.")
@click.option("--model", "model_file", type=_OUT, help="Write the model alone, as YAML, to be scored with.")
@click.option("--card", "card_file", type=_OUT, help="Write the card: .md, .txt or .html.")
@click.option("--quick", is_flag=True, help="Without the comparison with other methods and the tests of robustness.")
@printing
def models_fit(
    survey: Path, spec: Path, sheet: str | None, model_file: Path | None, card_file: Path | None, quick: bool,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Fit a model on a survey and test it outside the sample.

    The SPEC names at least welfare and regressors. A regressor is a column name, C(name) for a code, or a mapping with
    kind, at_least, at_most, per, transform, order, bands, reference, missing, sign. Errors are always given by folds over
    sampling units beside those in the sample.
    """
    from dataclasses import replace

    from khana_methods.engine.files import read_table
    from khana_methods.pmt.fit import fit_model
    from khana_methods.pmt.spec import load_spec
    from khana_methods.targeting.card import make_card

    asked = load_spec(spec)
    if quick:
        asked = replace(asked, benchmark=False, robustness=False)
    frame = read_table(survey, sheet=sheet)
    with bar(as_json=as_json) as progress:
        fitted = fit_model(frame, asked, tell=progress)
        card = make_card(fitted, tell=progress)
    if model_file:
        write_model(fitted.document, model_file)
    if card_file:
        write_card(card, card_file)
    show(card, as_json=as_json, out=out, text=_card_text)


@click.command(
    "drift",
    cls=TeachingCommand,
    examples=(
        "khana models drift PAK-2009 --survey hies-2026.csv --welfare pcc --weight w --size n",
        "khana models drift pmt-fit.json --survey hies-2028.dta --welfare pcc --weight w --size n --strata s --psu ea --json",
    ),
)
@click.argument("model")
@click.option("--version", type=int, help="Of a model of the store; the newest where absent.")
@click.option(
    "--survey", type=_FILE, required=True, help="A newer survey: a row a household, with the model's columns."
)
@click.option("--sheet", help="Of a workbook; the first if absent.")
@click.option("--card", "card_file", type=_FILE, help="JSON of the fit, where MODEL is a file of the model alone.")
@click.option("--welfare", required=True, help="Column of welfare.")
@click.option("--welfare-of", type=click.Choice(["person", "household"]), default="person", show_default=True)
@click.option("--weight", help="Column of sampling weights.")
@click.option("--size", help="Column of members: persons are counted.")
@click.option("--strata", help="Column of strata.")
@click.option("--psu", help="Column of primary sampling units.")
@click.option(
    "--poor-share",
    "shares",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Where errors are measured; 0.1, 0.2 and 0.3 if absent.",
)
@click.option(
    "--deflator",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Prices of this survey over those of the model's.",
)
@printing
def models_drift(
    model: str, version: int | None, survey: Path, sheet: str | None, card_file: Path | None, welfare: str, welfare_of: str,
    weight: str | None, size: str | None, strata: str | None, psu: str | None, shares: tuple[float, ...], deflator: float,
    as_json: bool, out: Path | None,
) -> None:  # fmt: skip
    """Hold MODEL (a code of the store, or a file) against a newer survey: does it still tell what its card promised?

    Errors then and now, R², and what each variable weighs now over the weight that the model gives it (1: unchanged).
    """
    from khana_methods.engine.files import read_table
    from khana_methods.targeting.drift import SHARES, measure_drift

    found, card = _model_and_card(model, version)
    if card_file is not None:
        card = json.loads(card_file.read_text(encoding="utf-8"))
    columns = {
        "welfare": welfare,
        "welfare_of": welfare_of,
        "weight": weight,
        "size": size,
        "strata": strata,
        "psu": psu,
    }
    result = measure_drift(
        read_table(survey, sheet=sheet), found, card=card, columns=columns, shares=shares or SHARES, deflator=deflator
    )
    show(result, as_json=as_json, out=out, text=_drift_text)


def _model_and_card(model: str, version: int | None) -> tuple[PmtModel, Mapping[str, Any] | None]:
    """Return a model of a file or of the store, and what its card says."""
    from khana_methods.pmt.read import load_document, load_model

    if Path(model).is_file():
        document = load_document(Path(model))
        is_fit = isinstance(document, dict) and "errors" in document
        return load_model(Path(model)), document if is_fit else None
    from khana.interfaces.cli.session import acting

    with acting():
        from khana.access import services as access
        from khana.assessment import model_store

        access.require("models.read")
        known = model_store.model_of_code(model, version)
        return known.model, known.card


def _drift_text(result: Mapping[str, Any], console: Console) -> None:
    from khana.interfaces.cli.output import rows_table

    console.print(
        f"{result['model']} on {result['scored']:,} of {result['households']:,} households of the newer survey"
    )
    for part in ("errors", "variables"):
        console.print()
        rows_table(
            [{k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()} for row in result[part]], console
        )
    fit = result["fit"]
    then = "not known" if fit["r2_then"] is None else f"{fit['r2_then']:.3f}"
    console.print(
        f"\nR² then {then}, now {fit['r2_now']:.3f}; log welfare moves {fit['slope']:.3g} with a point of the raw figure"
    )
    for line in result["signs"] or ["Nothing asks for a look."]:
        console.print(line, soft_wrap=True)
    for line in result["notes"]:
        console.print(line, soft_wrap=True)


def write_model(document: dict[str, Any], file: Path) -> None:
    """Write a model's document as YAML that `pmt.read.load_model` reads."""
    import yaml

    from khana_methods.engine.whole_file import whole_file

    with whole_file(file) as place:
        place.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def write_card(card: Mapping[str, Any], file: Path) -> None:
    """Write a card in the form that the file's name says."""
    from khana_methods.engine.whole_file import whole_file
    from khana_methods.targeting.card import card_text

    kind = {".html": "html", ".htm": "html", ".txt": "text", ".json": "json"}.get(file.suffix.lower(), "markdown")
    text = json.dumps(card, default=plain, ensure_ascii=False) if kind == "json" else card_text(card, kind)
    with whole_file(file) as place:
        place.write_text(text, encoding="utf-8")


def _card_text(card: Any, console: Console) -> None:
    from khana_methods.targeting.card import card_text

    console.print(card_text(card, "text"), soft_wrap=True)


def show_card_file(file: Path, *, as_json: bool, out: Path | None) -> None:
    """Print the card of a fit that was kept as JSON, or what a model's own file says of itself."""
    from khana_methods.pmt.read import ModelInvalid, load_document, read_model

    document = load_document(file)
    if not isinstance(document, dict):
        raise ModelInvalid("The file is neither a fit nor a model.")
    if "errors" in document and "model" in document:
        if out is not None and out.suffix.lower() in (".html", ".htm", ".md", ".txt"):
            write_card(document, out)
            return
        show(document, as_json=as_json, out=out, text=_card_text)
        return
    show(describe(read_model(document)), as_json=as_json, out=out)


def show_model_file(file: Path, *, as_json: bool, out: Path | None) -> None:
    """Read a published scorecard or formula, and say what it holds or all that is wrong with it."""
    from khana_methods.pmt.read import load_model

    show(describe(load_model(file)), as_json=as_json, out=out)


def describe(model: PmtModel) -> dict[str, Any]:
    """Return what a model says of itself, variable by variable."""
    formulas = model.parts or {"": model}
    return {
        "code": model.code, "version": model.version, "valid_from": model.valid_from, "valid_to": model.valid_to,
        "source": model.source, "mark": model.mark, "link": model.link, "scale": list(model.scale),
        "rescale": model.rescale.kind, "unseen": model.unseen, "households": model.calibration.households,
        "r2": model.calibration.r2, "lines": sorted(model.likelihoods), "columns": list(model.columns()),
        "rows": [
            {"part": part, "variable": v.code, "label": v.label, "effect": type(v.effect).__name__.lower(),
             "least": (v.effect.extremes() or (None, None))[0], "most": (v.effect.extremes() or (None, None))[1],
             "missing": v.missing}
            for part, formula in formulas.items() for v in formula.variables
        ],
    }  # fmt: skip
