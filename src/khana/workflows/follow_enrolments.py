"""Take over what schemes delivered as states: who is enrolled, who has left, who met the conditions of the pack."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from khana.access import services as access
from khana.beneficiaries.services import follow_lists
from khana.deliveries import selectors as deliveries
from khana.platform import installation
from khana_country.load import load_pack


def follow(*, token: str, source: str = "", at: datetime) -> dict[str, Any]:
    """Take over enrolments and exits from the lists in force, of one source or of all."""
    with access.scoped(token):
        replaced = deliveries.replaced_batch_ids()
        return {**follow_lists.follow_lists(source=source, replaced=replaced, at=at), "source": source or "all"}


def comply(*, token: str, at: datetime) -> list[dict[str, Any]]:
    """Hold the newest period of each conditional programme against its condition; return a row for each."""
    pack = load_pack(installation.read().get("country", "pak"))
    conditions = [
        follow_lists.Condition(programme.code, programme.condition.fact, programme.condition.at_least)
        for programme in pack.programmes.values()
        if programme.condition is not None
    ]
    with access.scoped(token):
        replaced = deliveries.replaced_batch_ids()
        return follow_lists.apply_conditions(conditions=conditions, replaced=replaced, at=at)
