"""A coverage study of a survey that a browser sent: matched, estimated, kept; then the copy of the survey is gone.

Where a column says who is registered nothing is asked of the registry; else numbers are matched with it, and where that is
asked those whom no number finds are looked for by everything else, by the model of the linkage room.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from khana.access import services as access
from khana.monitoring.frameworks import country_in_use
from khana.platform.progress import Progress, silent
from khana.workflows import study_coverage
from khana_methods.engine.files import read_table
from khana_methods.surveys.design import design_of


def run(
    *, token: str, path: Path, title: str, words: Mapping[str, Any], progress: Progress = silent, at: datetime
) -> dict[str, Any]:
    """Make a study and keep its figures; after success the survey is removed.

    Args:
        token: In whose name; `monitoring.write`, and `registry.read` for the whole country where it is matched here.
        path: Where the upload lies.
        title: Name of the study.
        words: Design and study, as a design file says them.
        progress: Told phases.
        at: When.

    Raises:
        InputError: The survey or its words cannot carry a study.
        PermissionMissing: As said.
    """
    progress(0, 3, "reading")
    design, others = design_of(words)
    asked = study_coverage.Asked(
        survey=read_table(path), design=design, words=others, country=country_in_use(), title=title,
        probabilistic=bool(others.get("match", {}).get("name")) if isinstance(others.get("match"), Mapping) else False,
    )  # fmt: skip
    if study_coverage.needs_database(asked):
        progress(1, 3, "matching")
        found = study_coverage.in_database(token=token, asked=asked, progress=progress, at=at)
    else:
        progress(2, 3, "estimating")
        found = study_coverage.on_files(asked)
        with access.scoped(token):
            found["study"] = study_coverage.keep(asked, found, at=at)
    progress(3, 3, "done")
    path.unlink(missing_ok=True)
    return {"study": found["study"], "households": found["households"], "registered": found["registered"]}
