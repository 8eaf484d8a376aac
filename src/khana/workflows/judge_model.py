"""Hold a model of the store against a newer survey: does it still tell what its card promised; the study is kept.

The survey's file is only read; what is kept are figures of the model, and no household.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.assessment import model_store
from khana.assessment.services import keep_study
from khana.platform.progress import Progress, silent
from khana_methods.engine.files import read_table
from khana_methods.targeting.drift import SHARES, measure_drift

COLUMNS = ("welfare", "welfare_of", "weight", "size", "strata", "psu")


def run(
    *, token: str, path: Path, code: str, version: int, columns: Mapping[str, str], shares: Sequence[float] = SHARES,
    deflator: float = 1.0, name: str = "", progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Measure the drift of one model and keep it; a file that a browser sent is gone afterwards.

    Args:
        token: In whose name; it needs `models.write` for the whole country.
        path: The survey: a row a household, with the model's columns.
        code: Model of the store.
        version: Its version.
        columns: Of `COLUMNS`, those that the survey has.
        shares: Poor shares at which errors are measured.
        deflator: Prices of the survey over those of the model's.
        name: What the file was called.
        progress: Told phases.
        at: When.

    Raises:
        ModelUnknown: The store does not hold it.
        NothingScored, FeatureMissing, ColumnMissing, ValueMissing: The survey cannot be read so.
    """
    with access.scoped(token):
        access.require("models.write", everywhere=True)
        known = model_store.model_of_code(code, version)
    progress(0, 2, "reading")
    named = {key: value for key, value in columns.items() if key in COLUMNS and value}
    table = read_table(path)
    progress(1, 2, "scoring")
    result = measure_drift(table, known.model, card=known.card, columns=named, shares=shares, deflator=deflator)
    asked = {"survey": name or path.name, "columns": named, "shares": list(shares), "deflator": deflator}
    with access.scoped(token):
        study = keep_study.keep_study(kind="DRIFT", model_id=known.id, asked=asked, result=result, at=at)
    progress(2, 2, "done")
    if path.parent.name == "uploads":
        path.unlink(missing_ok=True)
    return {"model": f"{known.code}/{known.version}", "study": study, "is_drifting": result["is_drifting"]}
