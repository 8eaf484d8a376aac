"""Keep a look at scores or at a model: what was asked, what was found, who looked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.assessment.models import Study
from khana.audit import services as audit


@transaction.atomic
def keep_study(
    *, kind: str, asked: Mapping[str, Any], result: Mapping[str, Any], model_id: int | None = None, at: datetime
) -> int:
    """Keep one study; return its number.

    Args:
        kind: WATCH or DRIFT.
        asked: What was asked; no value of a household.
        result: What was found, as JSON knows it.
        model_id: The model that it is about.
        at: When.
    """
    access.require("scores.run" if kind == Study.Kind.WATCH else "models.write", everywhere=True)
    actor = selectors.me()
    row = Study.objects.create(
        kind=kind, model_id=model_id, asked=_plain(asked), result=_plain(result), created_by=access.actor_id(),
        created_label=actor.username if actor else "", created_at=at,
    )  # fmt: skip
    audit.record(action="assessment.study.kept", subject=f"study:{row.pk}", details={"kind": kind}, at=at)
    return int(row.pk)


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as JSON keeps it: days as texts, no numbers that are none."""
    found: dict[str, Any] = json.loads(json.dumps(value, default=str), parse_constant=lambda _name: None)
    return found
