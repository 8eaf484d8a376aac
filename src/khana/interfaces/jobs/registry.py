"""Which work a kind of job means: a name for the queue, a workflow or dossier behind it.

Arguments of a run are JSON (codes, dates, ids, paths under the var folder) and become the
keyword arguments of the function; `path`, `data`, `manifest` and `out` become paths,
`as_of` a date.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from khana_methods.errors import NotConfigured

_PATHS = ("path", "data", "manifest", "out")
_DATES = ("as_of", "valid_from", "begins", "ends")


class UnknownKind(NotConfigured):
    """This version knows no such kind of job."""

    code: ClassVar[str] = "interfaces.jobs.unknown_kind"


@dataclass(frozen=True)
class Kind:
    """The function behind a kind of job; a workflow opens its scopes itself, a dossier is given one."""

    module: str
    function: str = "run"
    tells_progress: bool = True
    opens_scope: bool = True

    def load(self) -> Callable[..., Mapping[str, Any]]:
        """Return the function; its module is loaded now."""
        found: Callable[..., Mapping[str, Any]] = getattr(importlib.import_module(self.module), self.function)
        return found


KINDS: dict[str, Kind] = {
    "import_file": Kind("khana.workflows.import_file"),
    "register_submissions": Kind("khana.workflows.register_household"),
    "review_field": Kind("khana.workflows.review_field"),
    "find_due": Kind("khana.workflows.find_due"),
    "import_upload": Kind("khana.workflows.import_upload"),
    "load_manifest": Kind("khana.workflows.load_manifest"),
    "consolidate": Kind("khana.workflows.consolidate"),
    "linkage_train": Kind("khana.workflows.match_registry", "train"),
    "linkage_run": Kind("khana.workflows.match_registry"),
    "verify_identities": Kind("khana.workflows.verify_identities"),
    "place_events": Kind("khana.identity.services.civil_events", "place_all", tells_progress=False, opens_scope=False),
    "linkage_changes": Kind("khana.workflows.match_changes"),
    "replay": Kind("khana.workflows.replay_quarantine"),
    "try_cross_rules": Kind("khana.workflows.try_cross_rules"),
    "study": Kind("khana.workflows.study_source", tells_progress=False),
    "score_registry": Kind("khana.workflows.score_registry"),
    "watch_scores": Kind("khana.workflows.watch_scores"),
    "fit_model": Kind("khana.workflows.fit_model"),
    "judge_model": Kind("khana.workflows.judge_model"),
    "prepare_simulation": Kind("khana.workflows.simulation", "prepare"),
    "measure_indicators": Kind("khana.workflows.measure_indicators", "measure"),
    "plan_outreach": Kind("khana.workflows.plan_upload"),
    "write_report": Kind("khana.workflows.report_period", "write"),
    "publish_figures": Kind("khana.workflows.publish_figures"),
    "study_coverage": Kind("khana.workflows.study_upload"),
    "answer_message": Kind("khana.sharing.services.replies", "answer_kept"),
    "make_extract": Kind("khana.sharing.services.extracts", "make"),
    "erase_over": Kind("khana.workflows.erase_over"),
    "preview_erasure": Kind("khana.workflows.erase_over", "preview"),
    "reseal_values": Kind("khana.workflows.reseal_values"),
    "evaluate_programmes": Kind("khana.workflows.evaluate_programmes"),
    "answer_disaster": Kind("khana.workflows.answer_disaster", "draw"),
    "enrol_list": Kind("khana.workflows.enrol_list"),
    "notify_list": Kind("khana.workflows.enrol_list", "notify", tells_progress=False),
    "freeze_list": Kind("khana.workflows.draw_list", "freeze"),
    "export_report": Kind("khana.dossiers.reports", "export", opens_scope=False),
}


def get(kind: str) -> Kind:
    """Return what a kind of job means.

    Raises:
        UnknownKind: The name is not in this version's table.
    """
    if kind not in KINDS:
        raise UnknownKind(f"This version knows no job of the kind {kind}. Known: {', '.join(KINDS)}.", kind=kind)
    return KINDS[kind]


def as_keywords(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a run as keyword arguments of its function."""
    keywords: dict[str, Any] = {}
    for name, value in arguments.items():
        if name in _PATHS and value:
            value = Path(value)
        elif name in _DATES and value:
            value = date.fromisoformat(value)
        keywords[name] = value
    return keywords
