"""Save a position of the simulator with what it gave, or remove one's own."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import transaction

from khana.access import selectors
from khana.access import services as access
from khana.assessment import simulator
from khana.assessment.models import Scenario
from khana.audit import services as audit
from khana_methods.errors import InputError


class TitleMissing(InputError):
    """A scenario needs a name by which a meeting knows it."""

    code: ClassVar[str] = "assessment.scenario.title_missing"


@transaction.atomic
def save_scenario(*, title: str, note: str, position: simulator.Position, at: datetime) -> int:
    """Keep one position with its outcome; return its number.

    Raises:
        TitleMissing: It has no name.
    """
    access.require("scenarios.write")
    title = " ".join(title.split())[:120]
    if not title:
        raise TitleMissing("Give the scenario a name.")
    actor = selectors.me()
    row = Scenario.objects.create(
        title=title, note=note.strip()[:2000], policy=simulator.policy_as_json(position.policy, position.line),
        outcome=simulator.outcome_as_json(position.outcome), cube_id=position.cube.id,
        survey_id=position.survey.id if position.survey else None, created_by=access.actor_id(),
        created_label=actor.username if actor else "", created_at=at,
    )  # fmt: skip
    audit.record(action="assessment.scenario.saved", subject=f"scenario:{row.pk}", at=at)
    return int(row.pk)


@transaction.atomic
def remove_scenario(*, scenario: int, at: datetime) -> None:
    """Remove a scenario of one's own.

    Raises:
        ScenarioUnknown: There is none of that number of hers.
    """
    access.require("scenarios.write")
    gone, _ = Scenario.objects.filter(pk=scenario, created_by=access.actor_id()).delete()
    if not gone:
        raise simulator.ScenarioUnknown("No scenario of yours has that number.", scenario=scenario)
    audit.record(action="assessment.scenario.removed", subject=f"scenario:{scenario}", at=at)
