"""The policy simulator for pages and commands: one position, what it gives, saved scenarios, notes of method.

A move reads the cells of a cube and the households of a survey that this process keeps open; the
registry is not touched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from khana.access import services as access
from khana.assessment import snapshots
from khana.assessment.models import Scenario
from khana.assessment.snapshots import KnownSnapshot
from khana_methods.errors import NotFound
from khana_methods.targeting.simulate import Outcome, Policy, move

NOTES = (
    "Households are counted, one score each; a household may hold several families that a programme pays apart.",
    "They are taken by score, poorest first, after the points that are taken off for disability and for a female head.",
    "First each province gets its floor, poorest first and over the cut-off if need be; then the country goes by score, "
    "up to the cut-off and no further than quota and budget allow.",
    "Scores are read in steps of half a point; inside the last step that a limit reaches, households are taken proportionally.",
    "The cap leaves out households of which somebody draws from so many cash programmes already, by the newest consolidation.",
    "Cost is households times benefit times months; nothing is added for administration, and nobody changes what she does.",
    "Households without a score are not in the figures.",
    "Who is poor is known to the survey alone: consumption of one person in a year, strictly under the line. Errors are shares "
    "of persons: exclusion error of the poor, inclusion error of those taken. The survey's households are taken by the same "
    "thresholds; it does not know who draws from other programmes.",
    "Poverty effect: the benefit of a year, divided by the members, is added to consumption; headcount and gap before and after.",
)


class ScenarioUnknown(NotFound):
    """No saved scenario has that number."""

    code: ClassVar[str] = "assessment.scenario.unknown"


@dataclass(frozen=True)
class Position:
    """One position of the sliders with what it was held against and what it gave."""

    policy: Policy
    line: float | None
    cube: KnownSnapshot
    survey: KnownSnapshot | None
    outcome: Outcome


@dataclass(frozen=True)
class SavedScenario:
    """One scenario as it was saved."""

    id: int
    title: str
    note: str
    policy: Mapping[str, Any]
    outcome: Mapping[str, Any]
    about: Mapping[str, Any]
    created_by: int
    created_label: str
    created_at: datetime


def simulate(
    policy: Policy, *, line: float | None = None, cube: int | None = None, survey: int | None = None
) -> Position:
    """Say what one position of the sliders gives.

    Args:
        policy: The sliders.
        line: Poverty line, money of one person in a year; without it the survey says nothing.
        cube: Number of a cube; the newest where absent.
        survey: Number of a survey; the newest where absent, none where 0.

    Raises:
        NothingPrepared: No cube was made yet.
        PolicyInvalid: A slider means nothing.
    """
    access.require("results.read")
    counted = snapshots.get_snapshot("CUBE", cube)
    loaded = snapshots.list_snapshots("SURVEY")
    asked = next((one for one in loaded if survey is None or one.id == survey), None)
    outcome = move(
        snapshots.cube_of(counted), policy, line=line, survey=snapshots.survey_of(asked) if asked and line else None
    )
    return Position(policy, line, counted, asked if line else None, outcome)


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain JSON, for keeping and for machines."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(outcome)))
    return found


def policy_as_json(policy: Policy, line: float | None) -> dict[str, Any]:
    """Return the sliders as plain JSON."""
    return {**asdict(policy), "line": line}


def policy_of(stored: Mapping[str, Any]) -> tuple[Policy, float | None]:
    """Return the sliders that were stored."""
    names = {field.name for field in fields(Policy)}
    return Policy(**{name: value for name, value in stored.items() if name in names}), stored.get("line")


def list_scenarios(numbers: Sequence[int] = ()) -> list[SavedScenario]:
    """Return saved scenarios, newest first; only some where their numbers are given."""
    found = Scenario.objects.select_related("cube").defer("cube__content").order_by("-pk")
    if numbers:
        found = found.filter(pk__in=list(numbers))
    return [
        SavedScenario(
            row.pk, row.title, row.note, row.policy, row.outcome, row.cube.summary, row.created_by, row.created_label,
            row.created_at,
        )
        for row in found[:200]
    ]  # fmt: skip


def get_scenario(number: int) -> SavedScenario:
    """Return one saved scenario.

    Raises:
        ScenarioUnknown: There is none of that number.
    """
    found = list_scenarios([number])
    if not found:
        raise ScenarioUnknown("No scenario has that number.", scenario=number)
    return found[0]


# what is compared, in this order: name, where it stands in the outcome
COMPARED = (
    "households", "persons", "cost", "eligible", "left_by_limit", "left_by_cap", "over_cut_off", "last_score",
    "survey.exclusion_error", "survey.inclusion_error", "survey.poor_left_out", "survey.non_poor_in",
    "survey.headcount_before", "survey.headcount_after", "survey.gap_before", "survey.gap_after",
)  # fmt: skip


def figure(outcome: Mapping[str, Any], name: str) -> float | None:
    """Return one figure of a stored outcome by its dotted name."""
    value: Any = outcome
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return None if value is None else float(value)


def exported(scenarios: Sequence[SavedScenario]) -> list[dict[str, Any]]:
    """Return scenarios side by side as rows for a file: sliders, figures, provinces, tenths, then the notes of method."""
    rows: list[dict[str, Any]] = []

    def row(part: str, name: str, values: Sequence[Any]) -> None:
        titles = (f"{one.id}: {one.title}" for one in scenarios)
        rows.append({"part": part, "figure": name, **dict(zip(titles, values, strict=True))})

    for name in policy_as_json(Policy(0), None):
        row("policy", name, [one.policy.get(name) for one in scenarios])
    for name in COMPARED:
        row("outcome", name, [figure(one.outcome, name) for one in scenarios])
    for part in ("provinces", "districts", "tenths"):
        names = list(dict.fromkeys(entry["name"] for one in scenarios for entry in one.outcome.get(part, ())))
        for name in names:
            found = [
                next((entry for entry in one.outcome.get(part, ()) if entry["name"] == name), None) for one in scenarios
            ]
            row(f"{part}: households reached", name, [round(entry["reached"], 1) if entry else None for entry in found])
    row("about", "scores by model", [one.about.get("model") or "scores in force" for one in scenarios])
    row("about", "facts of the day", [one.about.get("as_of") for one in scenarios])
    row("about", "saved by", [one.created_label for one in scenarios])
    row("about", "saved at", [one.created_at.isoformat(timespec="minutes") for one in scenarios])
    rows += [{"part": "method", "figure": note} for note in NOTES]
    return rows
