"""Figures for everybody: a snapshot made safe, or noised under a budget, put out with the areas it speaks of.

What is published stands by itself: names, outlines and values are copied into it, so that the public page and the OGC
collections read one row and nothing of the registers. Withdrawing hides it; the budget that it cost stays spent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.geo import area_names as geo
from khana.monitoring import publications
from khana.monitoring import selectors as monitoring
from khana.monitoring.frameworks import country_in_use
from khana.platform.progress import Progress, silent
from khana.workflows.publish_indicators import safe_snapshot
from khana_methods.coverage.framework import Framework
from khana_methods.coverage.private_values import make_private
from khana_methods.coverage.safe_values import SafeValue

NOISED_LEVELS = 3  # country, province, district: below, noise is larger than most counts


@dataclass(frozen=True)
class _Made:
    values: Sequence[SafeValue]
    privacy: Mapping[str, Any]


def run(
    *, token: str, title: str = "", snapshot: int | None = None, threshold: int = 10, epsilon: float | None = None,
    progress: Progress = silent, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Publish a snapshot; return its number, how much is hidden and what it spent.

    Args:
        token: In whose name; `results.read` and `monitoring.write`.
        title: What the public reads above it; the framework's name if empty.
        snapshot: Its number; the newest if absent.
        threshold: Counts below it are hidden, where no noise is asked.
        epsilon: Privacy budget of this publication; counts get noise and nothing is suppressed.
        progress: Told phases.
        at: When.

    Raises:
        NothingMeasured: There is no such snapshot.
        BudgetWrong, BudgetSpent: The budget means nothing, or the year's is used up.
    """
    with access.scoped(token):
        access.require(publications.PERMISSION)
        progress(0, 3, "hiding")
        head, framework, safe = safe_snapshot(snapshot, threshold)
        if epsilon is None:
            areas = geo.areas({value.area_code for value in safe})
            made = _Made(safe, {"kind": "suppression", "threshold": threshold})
        else:
            publications.require_budget(epsilon, at=at)
            areas = geo.areas_down_to(NOISED_LEVELS - 1)
            made = _noised(head, framework, areas, epsilon)
        progress(1, 3, "areas")
        shown = [value for value in made.values if value.area_code in areas]
        number = publications.publish(
            snapshot=head.id, title=title.strip()[:160] or framework.names["en"], threshold=threshold,
            epsilon=made.privacy.get("spent"), body=_body(head, framework, areas, shown, made.privacy),
            outlines=_outlines(areas), at=at,
        )  # fmt: skip
        progress(3, 3, "done")
    hidden = sum(1 for value in shown if value.hidden)
    return {"publication": number, "values": len(shown), "hidden": hidden, **made.privacy}


def _noised(
    head: monitoring.SnapshotHead, framework: Framework, areas: Mapping[str, geo.AreaName], epsilon: float
) -> _Made:
    found = make_private(
        monitoring.list_values(head.id, with_groups=False), framework, {code: area.level for code, area in areas.items()},
        parameters=head.inputs.get("parameters", {}), epsilon=epsilon,
    )  # fmt: skip
    told = {
        "kind": "noise", "spent": found.released.spent, "scale": found.released.scale, "per_table": found.released.per_table,
        "tables": len(found.released.tables), "left_out": found.left_out, "library": "OpenDP", "unit": "one household or one recipient",
    }  # fmt: skip
    return _Made(found.values, told)


def _body(
    head: monitoring.SnapshotHead, framework: Framework, areas: Mapping[str, geo.AreaName], values: Sequence[SafeValue],
    privacy: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    told = {value.indicator for value in values}
    return {
        "country": country_in_use(), "framework": framework.code, "version": framework.version, "as_of": head.as_of.isoformat(),
        "names": dict(framework.names), "privacy": dict(privacy), "funnel": [{"of": step.code, "delay": step.delay, "aside": step.is_aside} for step in framework.funnel],
        "objectives": [[code, dict(names)] for code, names in framework.objectives.items()],  # jsonb keeps no order of keys
        "indicators": [
            {"code": one.code, "objective": one.objective, "names": dict(one.names), "definitions": dict(one.definitions), "unit": one.unit,
             "numerator": one.numerator, "denominator": one.denominator, "source": one.source, "better": one.better}
            for one in framework.indicators if one.code in told
        ],
        "areas": [
            {"code": a.code, "level": a.level, "path": a.path, "name": a.name, "names": dict(a.names)}
            for a in sorted(areas.values(), key=lambda a: a.path)
        ],
        "values": [
            [v.indicator, v.area_code, v.area_level, v.group_by, v.group_value, v.numerator, v.denominator, v.value, v.hidden]
            for v in values
        ],
    }  # fmt: skip


def _outlines(areas: Mapping[str, geo.AreaName]) -> dict[str, Any]:
    """Return the outlines below each area that is spoken of, where areas below it are spoken of too; `` is the top."""
    parents = {a.path.split(".")[-3] if a.path.count(".") > 1 else "" for a in areas.values()}
    return {code: geo.topology_below(code) for code in sorted(parents)}


def withdraw(*, token: str, publication: int, at: datetime) -> dict[str, Any]:
    """Take a publication off the public page; what it spent stays spent."""
    with access.scoped(token):
        publications.withdraw(publication=publication, at=at)
    return {"publication": publication, "withdrawn": True}
