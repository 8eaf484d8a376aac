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

    from khana_methods.pmt.fit import fit_model
    from khana_methods.pmt.spec import load_spec
    from khana_methods.surveys.tables import read_table
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


def write_model(document: dict[str, Any], file: Path) -> None:
    """Write a model's document as YAML that `pmt.read.load_model` reads."""
    import yaml

    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def write_card(card: Mapping[str, Any], file: Path) -> None:
    """Write a card in the form that the file's name says."""
    from khana_methods.targeting.card import card_text

    kind = {".html": "html", ".htm": "html", ".txt": "text", ".json": "json"}.get(file.suffix.lower(), "markdown")
    text = json.dumps(card, default=plain, ensure_ascii=False) if kind == "json" else card_text(card, kind)
    file.write_text(text, encoding="utf-8")


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
