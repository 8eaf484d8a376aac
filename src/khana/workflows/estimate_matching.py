"""What the labels say of the last run: precision and recall with intervals, kept beside the model's card."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.linkage import selectors
from khana.linkage.services import keep_models


def run(*, keep: bool, at: datetime) -> dict[str, Any]:
    """Estimate precision and recall of the last run over the registry, in the scope that is open.

    Returns:
        The run, its model, estimates with intervals (empty where a stratum has no label), how far two people
        agree, and the strata.
    """
    access.require("linkage.read")
    last = selectors.get_run()
    found = selectors.estimate_of(last)
    said = selectors.agreement()
    result: dict[str, Any] = {
        "run": last.pk, "model": last.model.version, "labels": found.labels, "pairs": sum(one["pairs"] for one in found.strata),
        "second_opinions": said.pairs, "kappa": said.kappa,
    }  # fmt: skip
    for name, interval in (("precision", found.precision), ("recall", found.recall)):
        result[name] = None if interval is None else interval.value
        result[f"{name}_low"] = None if interval is None else interval.low
        result[f"{name}_high"] = None if interval is None else interval.high
    result["recall_is"] = "of matches among pairs that blocking met and that weigh at all"
    if keep and found.precision is not None:
        keep_models.keep_estimate(version=last.model.version, estimate={**result, "at": at.isoformat()}, at=at)
    return {**result, "rows": list(found.strata)}
