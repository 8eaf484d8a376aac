"""Reads of cases for officers, within their areas: what waits, what is late, what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from khana.access import services as access
from khana.grievances.models import Case

ABOUT = tuple(Case.About.values)  # what may be wrong, for rooms above


def list_cases(
    *, state: str = "OPEN", people: Sequence[int] = (), today: date, limit: int = 200
) -> list[dict[str, Any]]:
    """Return cases, those due first before others; needs `registry.read`.

    Args:
        state: OPEN, ANSWERED, or empty for both.
        people: Only of these files, such as all that stand for one person; of everybody where empty.
        today: To say which are late.
        limit: At most so many.
    """
    access.require("registry.read")
    rows = Case.objects.order_by("due_on", "id") if state == Case.State.OPEN else Case.objects.order_by("-id")
    if state:
        rows = rows.filter(state=state)
    if people:
        rows = rows.filter(person_id__in=list(people))
    return [
        {
            "case": one.pk, "person": one.person_id, "area_path": one.area_path, "about": one.about, "state": one.state,
            "outcome": one.outcome, "lodged_by": one.lodged_by, "lodged_at": one.lodged_at, "due_on": one.due_on,
            "is_late": one.state == Case.State.OPEN and one.due_on < today, "answered_at": one.answered_at,
        }
        for one in rows[:limit]
    ]  # fmt: skip
