"""Fit a model on a survey and keep it with its card: the survey in, a version of the store out, signed by nobody yet.

The survey's file is only read. What is kept is the formula, as a file byte for byte, and the card with its errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from khana.access import services as access
from khana.assessment.services import keep_model
from khana.platform.progress import Progress, silent
from khana.platform.workplaces import workplace
from khana_methods.engine.files import read_table
from khana_methods.pmt.fit import fit_model
from khana_methods.pmt.spec import read_spec
from khana_methods.targeting.card import make_card


def run(
    *, token: str, path: Path, spec: Mapping[str, Any], quick: bool = False, progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Fit, test outside the sample, make the card, and keep the model; a file that a browser sent is gone afterwards.

    Args:
        token: In whose name; it needs `models.write` for the whole country.
        path: The survey: a row a household.
        spec: The SPEC as a document.
        quick: Without the comparison with other methods and the tests of robustness.
        progress: Told phases.
        at: When.

    Returns:
        `model` (code and version), `households`, `r2`, `r2_out_of_sample`, `is_new`.

    Raises:
        SpecInvalid: All mistakes of the SPEC in one message.
        SurveyColumnMissing, SurveyValueMissing, SurveyTooSmall: Nothing can be fitted so.
        VersionTaken: Another file is kept under this code and version.
    """
    with access.scoped(token):
        access.require("models.write", everywhere=True)
    asked = read_spec(dict(spec))
    if quick:
        asked = replace(asked, benchmark=False, robustness=False)
    progress(0, 0, "reading")
    frame = read_table(path)
    fitted = fit_model(frame, asked, tell=lambda done, total, _what: progress(done, total, "fitting"))
    card = make_card(fitted, tell=lambda done, total, _what: progress(done, total, "card"))
    figures = json.loads(json.dumps({k: v for k, v in card.items() if k != "model"}, default=_plain))
    with workplace("scratch") as folder:
        file = folder / f"{asked.code}-{asked.version}.yaml"
        file.write_text(yaml.safe_dump(fitted.document, sort_keys=False, allow_unicode=True), encoding="utf-8")
        with access.scoped(token):
            kept = keep_model.keep_model(path=file, card=figures, at=at)
    progress(1, 1, "done")
    if path.parent.name == "uploads":
        path.unlink(missing_ok=True)
    return {
        "model": f"{kept.code}/{kept.version}", "households": card["n"], "r2": card["r2"],
        "r2_out_of_sample": card["r2_out_of_sample"], "is_new": kept.is_new,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value)
