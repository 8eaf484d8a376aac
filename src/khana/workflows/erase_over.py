"""Erase what its rule says is over, in steps that commit by themselves; or say, without writing, what would go on a day.

A kill loses the step that was open and nothing else, and the next try passes over what is gone.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from khana.access import retention
from khana.access import services as access
from khana.platform.progress import Progress, silent

MOST_SHOWN = 500


def run(*, token: str, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Erase what is over now; return how many rows or files each rule erased. Needs `retention.run` for the whole country."""
    with access.scoped(token):
        access.require("retention.run", everywhere=True)
    return dict(retention.run(at=at, progress=progress, scope=partial(access.scoped, token)))


def preview(*, token: str, as_of: date | None = None, progress: Progress = silent, at: datetime) -> dict[str, Any]:
    """Say what would go: a dry run that writes nothing.

    Args:
        token: In whose name: `retention.run` for the whole country.
        as_of: The day, today or to come; today if absent.
        progress: Told rules.
        at: When.

    Returns:
        as_of, `rules` (what goes, what is held, needed or waits, by rule) and `rows`: the deliveries, at most five hundred.
    """
    day = at if as_of is None else at + timedelta(days=(as_of - at.date()).days)
    with access.scoped(token):
        access.require("retention.run", everywhere=True)
        found = retention.preview(on=day, progress=progress)
    rules: dict[str, dict[str, int]] = {}
    for one in found:
        told = rules.setdefault(one.rule, {"goes": 0, "held": 0, "needed": 0, "waits": 0})
        told["waits" if one.waits else "goes"] += one.goes
        told["held"] += one.held
        told["needed"] += one.needed
    rows = [asdict(one) for one in found if one.batch is not None]
    return {"as_of": day.date().isoformat(), "rules": rules, "deliveries": len(rows), "rows": rows[:MOST_SHOWN]}
