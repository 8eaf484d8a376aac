"""From an outcome of the simulator to the words, shares and shades of its page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from django.utils.translation import gettext as _

from khana.assessment.simulator import Position
from khana.assessment.snapshots import KnownSnapshot
from khana.interfaces.web.answers.presenters import SHADES
from khana.interfaces.web.tags import number, share
from khana_methods.targeting.simulate import Reach

EDGES = (0.1, 0.2, 0.3, 0.45)


def cube(snapshot: KnownSnapshot) -> dict[str, Any]:
    """Return what a cube is called in the list."""
    model = snapshot.summary.get("model") or _("scores in force")
    return {"id": snapshot.id, "name": f"{model}, {snapshot.summary.get('as_of', '')}"}


def outcome(found: Position, called: Mapping[str, str]) -> dict[str, Any]:
    """Return the figures of one position for the page."""
    result = found.outcome
    tenths = [
        {"name": _("%(n)s (poorest)") % {"n": number(n)} if n == 1 else number(n), **_reach(reach)}
        for n, reach in enumerate(result.tenths, start=1)
    ]
    return {
        "outcome": result,
        "cards": _cards(found),
        "provinces": [
            {"code": reach.name, "called": called.get(reach.name, reach.name or _("not known")), **_reach(reach)}
            for reach in result.provinces
        ],
        "tenths": tenths,
        "groups": [
            {"name": _("Headed by a woman"), **_reach(result.female_headed)},
            {"name": _("With a member with a disability"), **_reach(result.disabled)},
        ],
        "says": result.survey,
        "poor_left_out": round(result.survey.poor_left_out) if result.survey else None,
        "non_poor_in": round(result.survey.non_poor_in) if result.survey else None,
        "survey_title": found.survey.summary.get("title", "") if found.survey else "",
        "legend": legend(),
        "unscored": int(found.cube.summary.get("households", 0)) - result.scored,
        "about": cube(found.cube),
    }  # fmt: skip


def _cards(found: Position) -> list[dict[str, str]]:
    result, says = found.outcome, found.outcome.survey
    cards = [
        {"label": _("Households reached"), "value": number(round(result.households)), "unit": _("of %(n)s with a score") % {"n": number(result.scored)}},
        {"label": _("Cost in a year"), "value": number(round(result.cost)) if found.policy.benefit else "–", "unit": _("benefit × months × households") if found.policy.benefit else _("set a benefit to see it")},
        {"label": _("Left out though under the cut-off"), "value": number(round(result.left_by_limit + result.left_by_cap)), "unit": _("by quota, budget or cap")},
        {"label": _("Last score reached"), "value": number(result.last_score), "unit": _("cut-off %(n)s") % {"n": number(found.policy.cut_off)}},
    ]  # fmt: skip
    if says is not None:
        cards += [
            {"label": _("Poor persons left out"), "value": share(says.exclusion_error), "unit": _("exclusion error, by the survey")},
            {"label": _("Of those reached not poor"), "value": share(says.inclusion_error), "unit": _("inclusion error, by the survey")},
            {"label": _("Poor after the benefit"), "value": share(says.headcount_after), "unit": _("before: %(n)s") % {"n": share(says.headcount_before)}},
            {"label": _("Poverty gap after"), "value": share(says.gap_after), "unit": _("before: %(n)s") % {"n": share(says.gap_before)}},
        ]  # fmt: skip
    return cards


def _reach(reach: Reach) -> dict[str, Any]:
    value = reach.share or 0.0
    return {
        "households": round(reach.households), "reached": round(reach.reached), "share": reach.share, "value": round(value, 4),
        "text": f"{share(reach.share)} · {number(round(reach.reached))}", "shade": SHADES[sum(value >= edge for edge in EDGES)],
    }  # fmt: skip


def legend() -> list[dict[str, str]]:
    """Return the words of each shade: shares of the households of a province."""
    texts = [
        _("under %(n)s") % {"n": share(EDGES[0])},
        *(f"{share(low)} – {share(high)}" for low, high in pairwise(EDGES)),
        _("%(from)s or more") % {"from": share(EDGES[-1])},
    ]
    return [{"shade": shade, "text": text} for shade, text in zip(SHADES, texts, strict=True)]


def notes() -> list[str]:
    """Return the notes of method in the reader's language."""
    return [
        _("Households are counted, one score each; a household may hold several families that a programme pays apart."),
        _("They are taken by score, poorest first, after the points that are taken off for disability and for a female head."),
        _("First each province gets its floor, poorest first and over the cut-off if need be; then the country goes by score, up to the cut-off and no further than quota and budget allow."),
        _("Scores are read in steps of half a point; inside the last step that a limit reaches, households are taken proportionally."),
        _("The cap leaves out households of which somebody draws from so many cash programmes already, by the newest consolidation."),
        _("Cost is households times benefit times months; nothing is added for administration. Households without a score are not in the figures."),
        _("Who is poor is known to the survey alone: consumption of one person in a year, strictly under the line. Errors are shares of persons."),
        _("Poverty effect: the benefit of a year, divided by the members, is added to consumption."),
    ]  # fmt: skip
