"""Keep trained models, approve them, bring one into use.

A model that was trained is a draft. Two different people approve it; the database counts them. The one
in use until then is retired in the same transaction, so that there is one or none.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from django.db import transaction

from khana.access import services as access
from khana.audit import services as audit
from khana.linkage import laid_out, selectors
from khana.linkage.models import Approval, MatchingModel
from khana_methods.errors import Conflict
from khana_methods.matching.model import ModelCard, SecondApproverNeeded


class VersionTaken(Conflict):
    """A model of this version is kept already; a version is trained once."""

    code: ClassVar[str] = "linkage.version_taken"


@transaction.atomic
def keep_model(*, card: ModelCard, at: datetime) -> MatchingModel:
    """Keep a trained card as a draft.

    Raises:
        VersionTaken: The version is there already.
    """
    access.require("linkage.manage", everywhere=True)
    if MatchingModel.objects.filter(version=card.version).exists():
        raise VersionTaken(f"There is a model {card.version} already. Choose another version.", version=card.version)
    plain = replace(card, approved_by=())
    kept = MatchingModel.objects.create(
        version=card.version,
        card=json.loads(plain.to_json()),
        digest=card.digest(),
        trained_at=at,
        trained_by=access.actor_id(),
    )
    audit.record(
        action="linkage.model.trained",
        subject=f"model:{card.version}",
        details={"digest": card.digest(), "snapshot": card.snapshot, "records": card.trained_records},
        at=at,
    )
    return kept


@transaction.atomic
def approve_model(*, version: str, at: datetime) -> dict[str, Any]:
    """Approve a model in the actor's name; the second person's approval brings it into use.

    Returns:
        `version`, `state`, `approvals`.

    Raises:
        SecondApproverNeeded: The actor approved it already.
        ModelNotFound: There is no such model.
    """
    access.require("linkage.activate", everywhere=True)
    actor = access.actor_id()
    model = selectors.get_matching_model(version)
    approvals = list(Approval.objects.filter(model=model).order_by("id").values_list("approved_by", flat=True))
    if actor in approvals:
        raise SecondApproverNeeded(
            "You approved this model already; somebody else must be the second.", version=version
        )
    Approval.objects.create(model=model, approved_by=actor, approved_at=at)
    audit.record(action="linkage.model.approved", subject=f"model:{version}", details={"digest": model.digest}, at=at)
    if len(approvals) + 1 >= 2 and model.state != MatchingModel.State.ACTIVE:
        active = MatchingModel.State.ACTIVE
        MatchingModel.objects.filter(state=active).update(state=MatchingModel.State.RETIRED, retired_at=at)
        MatchingModel.objects.filter(pk=model.pk).update(state=active, activated_at=at, retired_at=None)
        transaction.on_commit(laid_out.take_away)
        audit.record(
            action="linkage.model.activated", subject=f"model:{version}", details={"digest": model.digest}, at=at
        )
    model.refresh_from_db()
    return {"version": version, "state": model.state, "approvals": len(approvals) + 1}


@transaction.atomic
def retire_model(*, version: str, at: datetime) -> None:
    """Take a model out of use; nothing is matched until another is approved."""
    access.require("linkage.activate", everywhere=True)
    model = selectors.get_matching_model(version)
    MatchingModel.objects.filter(pk=model.pk).update(state=MatchingModel.State.RETIRED, retired_at=at)
    transaction.on_commit(laid_out.take_away)
    audit.record(action="linkage.model.retired", subject=f"model:{version}", details={"digest": model.digest}, at=at)


@transaction.atomic
def keep_estimate(*, version: str, estimate: dict[str, Any], at: datetime) -> None:
    """Write precision and recall estimated from labels beside the card."""
    access.require("linkage.manage", everywhere=True)
    model = selectors.get_matching_model(version)
    MatchingModel.objects.filter(pk=model.pk).update(estimate=estimate)
    audit.record(
        action="linkage.model.estimated",
        subject=f"model:{version}",
        details={name: estimate[name] for name in ("labels", "pairs") if name in estimate},
        at=at,
    )
